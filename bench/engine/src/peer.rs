//! The other ends: as much of a caller and a callee as the load needs. They read only what the engine sends, which is
//! known to be well formed.

use std::net::SocketAddr;

const SDP: &str = "v=0\r\no=- 3001 3001 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n";

/// A request or call, as its caller knows it.
pub struct Call {
    pub uri: String,
    number: usize,
    caller: SocketAddr,
    to: String,
    routes: Vec<String>,
}

impl Call {
    pub fn new(number: usize, caller: SocketAddr, uri: String) -> Call {
        Call {
            number,
            caller,
            to: format!("To: <{uri}>"),
            uri,
            routes: Vec::new(),
        }
    }

    /// Learns the callee's tag, Contact and route from the 200 of the INVITE.
    pub fn answered_by(&mut self, ok: &[u8]) {
        let text = String::from_utf8_lossy(ok);
        let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        self.to = format!("To:{}", value("To:").expect("a To"));
        self.uri = inside(value("Contact:").expect("a Contact")).to_owned();
        let routes = text
            .lines()
            .filter_map(|line| line.strip_prefix("Record-Route:"));
        self.routes = routes.map(|route| inside(route).to_owned()).collect();
    }

    pub fn request(&self, method: &str, cseq: u32) -> Vec<u8> {
        let Call {
            uri,
            number,
            caller,
            to,
            routes,
        } = self;
        let mut text = format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {caller};rport;branch=z9hG4bK-5eed-{number}-{method}\r\n\
             Max-Forwards: 70\r\n"
        );
        for route in routes {
            text += &format!("Route: <{route}>\r\n");
        }
        text += &format!(
            "From: \"Load\" <sip:caller@{caller}>;tag=f{number}\r\n{to}\r\nCall-ID: {number}-5eed0001@loadgen\r\n\
             CSeq: {cseq} {method}\r\nUser-Agent: loadgen\r\n"
        );
        if method == "INVITE" {
            text += &format!(
                "Contact: <sip:caller@{caller};transport=udp>\r\nAllow: INVITE, ACK, CANCEL, OPTIONS, BYE\r\n{}",
                session()
            );
        } else {
            text += "Content-Length: 0\r\n\r\n";
        }
        text.into_bytes()
    }
}

/// The callee's response.
pub fn respond(request: &[u8], status: &str, callee: SocketAddr) -> Vec<u8> {
    let request = String::from_utf8_lossy(request);
    let mut text = format!("SIP/2.0 {status}\r\n");
    for line in request.lines().take_while(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or_default();
        if matches!(
            name,
            "Via" | "Record-Route" | "From" | "To" | "Call-ID" | "CSeq"
        ) {
            text += line;
            if name == "To" && !line.contains(";tag=") {
                text += ";tag=callee";
            }
            text += "\r\n";
        }
    }
    text += &format!("Contact: <sip:callee@{callee}>\r\n");
    if request.starts_with("INVITE") && status.starts_with('2') {
        text += &session();
    } else {
        text += "Content-Length: 0\r\n\r\n";
    }
    text.into_bytes()
}

fn session() -> String {
    let length = SDP.len();
    format!("Content-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{SDP}")
}

/// The URI within angle brackets.
fn inside(value: &str) -> &str {
    let (_, rest) = value.split_once('<').unwrap_or(("", value));
    rest.split('>').next().unwrap_or_default()
}
