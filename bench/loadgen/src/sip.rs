//! As much SIP as load needs: requests from a pattern, and the few lines of a message that steer a call.
//!
//! This is no parser. It reads what the program under test sends, which is known to be well formed, and says nothing of
//! what it does not look for.

use std::io::Write;
use std::net::SocketAddr;

use crate::args::Transport;

/// The lines of a received message that steer a call.
#[derive(Debug, Default)]
pub struct Lines<'a> {
    /// The start line.
    pub start: &'a [u8],
    /// Each Via line, whole.
    pub via: Vec<&'a [u8]>,
    /// The value of each Record-Route line.
    pub record_route: Vec<&'a [u8]>,
    /// The From line, whole.
    pub from: &'a [u8],
    /// The To line, whole.
    pub to: &'a [u8],
    /// The Call-ID line, whole.
    pub call_id: &'a [u8],
    /// The CSeq line, whole.
    pub cseq: &'a [u8],
    /// The value of Contact.
    pub contact: &'a [u8],
}

impl<'a> Lines<'a> {
    /// Cuts out the lines.
    pub fn of(text: &'a [u8]) -> Self {
        let mut lines = Lines::default();
        for line in text
            .split(|byte| *byte == b'\n')
            .map(|line| line.trim_ascii_end())
        {
            if lines.start.is_empty() {
                lines.start = line;
                continue;
            }
            if line.is_empty() {
                break;
            }
            let colon = line
                .iter()
                .position(|byte| *byte == b':')
                .unwrap_or(line.len());
            let (name, value) = line.split_at(colon);
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            match name.to_ascii_lowercase().as_slice() {
                b"via" | b"v" => lines.via.push(line),
                b"record-route" => lines.record_route.push(value),
                b"from" | b"f" => lines.from = line,
                b"to" | b"t" => lines.to = line,
                b"call-id" | b"i" => lines.call_id = line,
                b"cseq" => lines.cseq = line,
                b"contact" | b"m" => lines.contact = value,
                _ => {}
            }
        }
        lines
    }

    /// The status code, when this is a response.
    pub fn status(&self) -> Option<u16> {
        let code = self.start.strip_prefix(b"SIP/2.0 ")?.get(..3)?;
        std::str::from_utf8(code).ok()?.parse().ok()
    }

    /// The method: of a request itself, of a response that of its CSeq.
    pub fn method(&self) -> &'a [u8] {
        match self.status() {
            Some(_) => self
                .cseq
                .rsplit(|byte| *byte == b' ')
                .next()
                .unwrap_or_default(),
            None => self
                .start
                .split(|byte| *byte == b' ')
                .next()
                .unwrap_or_default(),
        }
    }

    /// The number of the call, which [`call_id`] wrote into the Call-ID.
    pub fn call_number(&self) -> Option<usize> {
        let colon = self.call_id.iter().position(|byte| *byte == b':')?;
        let value = self.call_id.get(colon + 1..)?.trim_ascii();
        let digits = value.split(|byte| *byte == b'-').next()?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    }
}

/// A Call-ID from which [`Lines::call_number`] gets the number back.
pub fn call_id(number: usize, run: u32) -> String {
    format!("{number}-{run:08x}@loadgen")
}

/// The URI within the angle brackets of a name-addr.
pub fn uri_of(value: &[u8]) -> &[u8] {
    let open = value
        .iter()
        .position(|byte| *byte == b'<')
        .map_or(0, |at| at + 1);
    let rest = value.get(open..).unwrap_or_default();
    let end = rest
        .iter()
        .position(|byte| *byte == b'>')
        .unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

/// The address in a URI whose host is an IPv4 address.
pub fn address_of(uri: &[u8]) -> Option<SocketAddr> {
    let uri = std::str::from_utf8(uri).ok()?;
    let rest = uri.strip_prefix("sip:")?;
    let rest = rest.split_once('@').map_or(rest, |(_, host)| host);
    let host_port = rest.split([';', '?']).next()?;
    match host_port.contains(':') {
        true => host_port.parse().ok(),
        false => format!("{host_port}:5060").parse().ok(),
    }
}

/// The session description that every call offers and accepts.
const SDP: &str = "v=0\r\no=- 3001 3001 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
m=audio 40000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n";

/// What names one request of a call.
pub struct Request<'a> {
    pub method: &'a str,
    pub uri: &'a [u8],
    pub transport: Transport,
    pub local: SocketAddr,
    /// Tells the transactions of a call apart.
    pub branch: u8,
    pub number: usize,
    pub run: u32,
    pub cseq: u32,
    /// The To line of the dialog, or none before there is one.
    pub to: Option<&'a [u8]>,
    /// The URIs to visit, in order.
    pub routes: &'a [Vec<u8>],
}

impl Request<'_> {
    /// Writes the request over `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.clear();
        let Request {
            method,
            transport,
            local,
            branch,
            number,
            run,
            cseq,
            ..
        } = self;
        put(out, &[method.as_bytes(), b" ", self.uri, b" SIP/2.0\r\n"]);
        line(
            out,
            format_args!(
                "Via: SIP/2.0/{} {local};rport;branch=z9hG4bK-{run:08x}-{number}-{branch}",
                transport.name().to_ascii_uppercase()
            ),
        );
        line(out, format_args!("Max-Forwards: 70"));
        for route in self.routes {
            put(out, &[b"Route: <", route, b">\r\n"]);
        }
        line(
            out,
            format_args!("From: \"Load\" <sip:caller@{local}>;tag=f{number}"),
        );
        match self.to {
            Some(to) => put(out, &[to, b"\r\n"]),
            None => put(out, &[b"To: <", self.uri, b">\r\n"]),
        }
        line(out, format_args!("Call-ID: {}", call_id(*number, *run)));
        line(out, format_args!("CSeq: {cseq} {method}"));
        line(out, format_args!("User-Agent: loadgen"));
        if *method == "INVITE" {
            let name = transport.name();
            line(
                out,
                format_args!("Contact: <sip:caller@{local};transport={name}>"),
            );
            line(
                out,
                format_args!("Allow: INVITE, ACK, CANCEL, OPTIONS, BYE"),
            );
            line(out, format_args!("Content-Type: application/sdp"));
            line(
                out,
                format_args!("Content-Length: {}\r\n\r\n{SDP}", SDP.len()),
            );
            out.truncate(out.len() - 2);
        } else {
            line(out, format_args!("Content-Length: 0\r\n"));
        }
    }
}

/// The length of the message at the start of `stream`, when it is there whole (RFC 3261 §18.3).
pub fn whole_message(stream: &[u8]) -> Option<usize> {
    let head = 4 + stream.windows(4).position(|part| part == b"\r\n\r\n")?;
    let name = b"content-length:";
    let value = stream[..head]
        .split(|byte| *byte == b'\n')
        .filter(|line| line.len() >= name.len())
        .find(|line| line[..name.len()].eq_ignore_ascii_case(name))
        .map_or(&b"0"[..], |line| line[name.len()..].trim_ascii());
    let body: usize = std::str::from_utf8(value).ok()?.parse().ok()?;
    Some(head + body).filter(|length| *length <= stream.len())
}

/// Writes the callee's response to `request` over `out`.
pub fn respond(out: &mut Vec<u8>, request: &Lines<'_>, status: &str, local: SocketAddr) {
    out.clear();
    put(out, &[b"SIP/2.0 ", status.as_bytes(), b"\r\n"]);
    for via in &request.via {
        put(out, &[via, b"\r\n"]);
    }
    for route in &request.record_route {
        put(out, &[b"Record-Route: ", route, b"\r\n"]);
    }
    put(out, &[request.from, b"\r\n", request.to]);
    if !request.to.windows(5).any(|part| part == b";tag=") {
        put(out, &[b";tag=callee"]);
    }
    put(
        out,
        &[b"\r\n", request.call_id, b"\r\n", request.cseq, b"\r\n"],
    );
    line(out, format_args!("Contact: <sip:callee@{local}>"));
    if request.method() == b"INVITE" && status.starts_with('2') {
        line(out, format_args!("Content-Type: application/sdp"));
        line(
            out,
            format_args!("Content-Length: {}\r\n\r\n{SDP}", SDP.len()),
        );
        out.truncate(out.len() - 2);
    } else {
        line(out, format_args!("Content-Length: 0\r\n"));
    }
}

fn put(out: &mut Vec<u8>, parts: &[&[u8]]) {
    for part in parts {
        out.extend_from_slice(part);
    }
}

fn line(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{text}\r\n");
}
