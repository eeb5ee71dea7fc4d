//! The text of what phones send and applications draft.

use std::fmt::Write;
use std::net::SocketAddr;

use drachtio::engine::Transport;
use drachtio::message::{HeaderId, Message, NameAddr};

use super::Phone;

/// Drafts that most tests need.
pub const OK: &str = "SIP/2.0 200 OK\r\n";
pub const RINGING: &str = "SIP/2.0 180 Ringing\r\n";
pub const BUSY: &str = "SIP/2.0 486 Busy Here\r\n";
pub const ACK: &str = "ACK sip:placeholder SIP/2.0\r\n";
pub const BYE: &str = "BYE sip:placeholder SIP/2.0\r\n";
pub const INFO: &str = "INFO sip:placeholder SIP/2.0\r\n";
pub const UPDATE: &str = "UPDATE sip:placeholder SIP/2.0\r\n";
pub const REINVITE: &str = "INVITE sip:placeholder SIP/2.0\r\n";

/// One side of a call, as a phone keeps it.
#[derive(Debug, Clone)]
pub struct Ua {
    /// Where the phone is.
    pub address: SocketAddr,
    /// What it sends by.
    pub transport: Transport,
    /// The Call-ID.
    pub call_id: String,
    /// The From of its requests.
    pub local: String,
    /// The To of its requests.
    pub remote: String,
    /// The request-URI of its requests.
    pub target: String,
    /// The Route values of its requests.
    pub routes: Vec<String>,
    /// The number of the last request.
    pub cseq: u32,
    /// The last request as it was written.
    pub last: String,
    number: u64,
    branches: u32,
}

impl Ua {
    pub(super) fn calling(phone: Phone, uri: &str, number: u64) -> Ua {
        let Phone {
            address, transport, ..
        } = phone;
        Ua {
            address,
            transport,
            call_id: format!("call-{number}"),
            local: format!("<sip:phone@{address}>;tag=tag-{number}"),
            remote: format!("<{uri}>"),
            target: uri.to_string(),
            routes: Vec::new(),
            cseq: 0,
            last: String::new(),
            number,
            branches: 0,
        }
    }

    /// The callee's side of the call that an INVITE begins.
    pub fn called(phone: Phone, invite: &Message, tag: &str) -> Ua {
        let text = |id| invite.get_str(id).unwrap().to_string();
        let bytes = invite.text().iter().chain(tag.as_bytes());
        let number = bytes
            .map(|byte| u64::from(*byte))
            .fold(0, |hash: u64, byte| {
                hash.wrapping_mul(31).wrapping_add(byte)
            });
        let mut ua = Ua::calling(phone, "", number);
        ua.call_id = text(HeaderId::CallId);
        ua.local = format!("{};tag={tag}", text(HeaderId::To));
        ua.remote = text(HeaderId::From);
        ua.target = invite.contact().unwrap().unwrap().uri.to_string();
        ua.routes = record_routes(invite);
        ua.branches = 1000;
        ua
    }

    /// The next request.
    pub fn request(&mut self, method: &str) -> String {
        self.request_with(method, &[], "")
    }

    /// The next request, with header lines and a body.
    pub fn request_with(&mut self, method: &str, headers: &[&str], body: &str) -> String {
        if method != "ACK" {
            self.cseq += 1;
        }
        self.branches += 1;
        let mut text = format!("{method} {} SIP/2.0\r\n", self.target);
        let via = format!(
            "Via: SIP/2.0/{} {};branch=z9hG4bK-{}-{}",
            self.transport.via_name(),
            self.address,
            self.number,
            self.branches
        );
        writeln!(text, "{via}\r").unwrap();
        for route in &self.routes {
            writeln!(text, "Route: {route}\r").unwrap();
        }
        writeln!(text, "Max-Forwards: 70\r").unwrap();
        writeln!(text, "From: {}\r", self.local).unwrap();
        writeln!(text, "To: {}\r", self.remote).unwrap();
        writeln!(text, "Call-ID: {}\r", self.call_id).unwrap();
        writeln!(text, "CSeq: {} {method}\r", self.cseq).unwrap();
        if matches!(
            method,
            "INVITE" | "SUBSCRIBE" | "UPDATE" | "REFER" | "NOTIFY"
        ) {
            writeln!(text, "{}\r", self.contact_line()).unwrap();
        }
        self.last = finish(text, headers, body);
        self.last.clone()
    }

    /// The URI of its Contact.
    pub fn contact(&self) -> String {
        match self.transport {
            Transport::Udp => format!("sip:phone@{}", self.address),
            other => format!("sip:phone@{};transport={other}", self.address),
        }
    }

    /// Its Contact, as a header line.
    pub fn contact_line(&self) -> String {
        format!("Contact: <{}>", self.contact())
    }

    /// The ACK to a 2xx: after [`Ua::answered`].
    pub fn ack(&mut self) -> String {
        self.request("ACK")
    }

    /// The CANCEL of the last request.
    pub fn cancel(&self) -> String {
        companion(&self.last, "CANCEL", None)
    }

    /// The ACK to a failure of the last request.
    pub fn ack_failure(&self, failure: &Message) -> String {
        companion(&self.last, "ACK", Some(failure))
    }

    /// Takes the dialog from a response.
    pub fn answered(&mut self, response: &Message) {
        self.remote = response.get_str(HeaderId::To).unwrap().to_string();
        if let Ok(Some(contact)) = response.contact() {
            self.target = contact.uri.to_string();
        }
        self.routes = record_routes(response);
        self.routes.reverse();
    }
}

fn record_routes(message: &Message) -> Vec<String> {
    let values = message.values(HeaderId::RecordRoute);
    values
        .map(|value| String::from_utf8(value.to_vec()).unwrap())
        .collect()
}

/// The CANCEL of a request, or the ACK to a failure of it, which share its branch (§9.1,
/// §17.1.1.3). `to` is the response's To.
pub fn companion(request: &str, method: &str, to: Option<&Message>) -> String {
    let request = Message::parse(request.as_bytes().to_vec().into()).unwrap();
    let text = |id| request.get_str(id).unwrap().to_string();
    let to = to.and_then(|response| response.get_str(HeaderId::To));
    let to = to.map_or_else(|| text(HeaderId::To), str::to_string);
    let start = format!("{method} {} SIP/2.0\r\n", request.request_uri().unwrap());
    let lines = [
        format!("Via: {}", text(HeaderId::Via)),
        "Max-Forwards: 70".to_string(),
        format!("From: {}", text(HeaderId::From)),
        format!("To: {to}"),
        format!("Call-ID: {}", text(HeaderId::CallId)),
        format!("CSeq: {} {method}", request.cseq().unwrap().number),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    finish(start, &lines, "")
}

/// A response to a request that a phone has received; `headers` are whole lines.
pub fn answer(request: &Message, code: u16, tag: &str, headers: &[&str], body: &str) -> String {
    let mut text = format!("SIP/2.0 {code} Answer\r\n");
    let mut copy = |id: HeaderId| {
        for value in request.all(id) {
            let value = String::from_utf8_lossy(value);
            writeln!(text, "{}: {value}\r", id.name()).unwrap();
        }
    };
    for id in [
        HeaderId::Via,
        HeaderId::From,
        HeaderId::CallId,
        HeaderId::CSeq,
    ] {
        copy(id);
    }
    if (101..300).contains(&code) {
        copy(HeaderId::RecordRoute);
    }
    let to = request.get_str(HeaderId::To).unwrap();
    let is_tagged = request.to().unwrap().tag().is_some() || code == 100;
    let tag = if is_tagged {
        String::new()
    } else {
        format!(";tag={tag}")
    };
    writeln!(text, "To: {to}{tag}\r").unwrap();
    finish(text, headers, body)
}

fn finish(mut text: String, headers: &[&str], body: &str) -> String {
    for header in headers {
        writeln!(text, "{header}\r").unwrap();
    }
    write!(text, "Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    text
}

/// An application's draft.
pub fn draft(text: &str) -> Message {
    Message::parse_draft(text.as_bytes().to_vec().into()).expect("a draft")
}

/// The value of a header that must be there.
pub fn value(message: &Message, id: HeaderId) -> &str {
    message.get_str(id).expect("the header")
}

/// The URI of the first value of a header that holds an address.
pub fn uri_of(message: &Message, id: HeaderId) -> String {
    let value = message.values(id).next().expect("the header");
    NameAddr::parse(value).unwrap().uri.to_string()
}

/// The text without its first line that begins so.
pub fn without_line(text: &str, start: &str) -> String {
    let mut found = false;
    text.split_inclusive("\r\n")
        .filter(|line| {
            let drop = !found && line.starts_with(start);
            found |= drop;
            !drop
        })
        .collect()
}

/// The text with another branch in its topmost Via, or none.
pub fn with_branch(text: &str, branch: Option<&str>) -> String {
    let (head, rest) = text.split_once(";branch=").unwrap();
    let (_, tail) = rest.split_once("\r\n").unwrap();
    let branch = branch.map_or(String::new(), |branch| format!(";branch={branch}"));
    format!("{head}{branch}\r\n{tail}")
}

/// The Route values, topmost first.
pub fn routes(message: &Message) -> Vec<String> {
    let values = message.values(HeaderId::Route);
    values
        .map(|value| String::from_utf8(value.to_vec()).unwrap())
        .collect()
}

/// The To tag, which must be there.
pub fn to_tag(message: &Message) -> &str {
    message.to().unwrap().tag().unwrap()
}

/// The number in the CSeq.
pub fn cseq(message: &Message) -> u32 {
    message.cseq().unwrap().number
}

/// The RSeq, which must be there.
pub fn rseq(message: &Message) -> u32 {
    message.rseq().unwrap().unwrap()
}
