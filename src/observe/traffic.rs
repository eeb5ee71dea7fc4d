//! Messages, counted by direction, method and status.

use std::collections::BTreeMap;

/// Methods that have a name in the counts; all others are counted together.
const METHODS: [&str; 14] = [
    "ACK",
    "BYE",
    "CANCEL",
    "INFO",
    "INVITE",
    "MESSAGE",
    "NOTIFY",
    "OPTIONS",
    "PRACK",
    "PUBLISH",
    "REFER",
    "REGISTER",
    "SUBSCRIBE",
    "UPDATE",
];

/// The name of all other methods.
const OTHER: &str = "OTHER";

/// How far into a message its CSeq is looked for, in bytes.
const MAX_HEAD: usize = 65_535;

/// How many messages have passed.
#[derive(Debug, Clone, Default)]
pub struct Traffic {
    incoming: Counts,
    outgoing: Counts,
}

/// The messages of one direction.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Requests by method.
    pub requests: BTreeMap<&'static str, u64>,
    /// Responses by method and status.
    pub responses: BTreeMap<(&'static str, u16), u64>,
    /// What is neither.
    pub garbage: u64,
}

impl Traffic {
    /// What has come in.
    pub fn incoming(&self) -> &Counts {
        &self.incoming
    }

    /// What has gone out.
    pub fn outgoing(&self) -> &Counts {
        &self.outgoing
    }

    /// A message passes.
    pub fn count(&mut self, incoming: bool, message: &[u8]) {
        let counts = match incoming {
            true => &mut self.incoming,
            false => &mut self.outgoing,
        };
        match kind(message) {
            Some((method, None)) => *counts.requests.entry(method).or_default() += 1,
            Some((method, Some(status))) => {
                *counts.responses.entry((method, status)).or_default() += 1;
            }
            None => counts.garbage += 1,
        }
    }
}

/// The method of a message, and its status if it is a response.
fn kind(message: &[u8]) -> Option<(&'static str, Option<u16>)> {
    let end = memchr::memchr(b' ', message)?;
    let first = message.get(..end)?;
    let Some(status) = status_of(first, message) else {
        return Some((named(first), None));
    };
    Some((cseq_method(message).unwrap_or(OTHER), Some(status)))
}

/// The status of a response: three digits behind the version.
fn status_of(first: &[u8], message: &[u8]) -> Option<u16> {
    first
        .get(..4)
        .filter(|start| start.eq_ignore_ascii_case(b"SIP/"))?;
    let digits = message.get(first.len() + 1..first.len() + 4)?;
    let status: u16 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (100..700).contains(&status).then_some(status)
}

fn cseq_method(message: &[u8]) -> Option<&'static str> {
    let head = message.get(..message.len().min(MAX_HEAD))?;
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            return None;
        }
        let (name, value) = line.split_at_checked(memchr::memchr(b':', line)?)?;
        if name.trim_ascii_end().eq_ignore_ascii_case(b"CSeq") {
            return value.rsplit(|byte| *byte == b' ').next().map(named);
        }
    }
    None
}

fn named(method: &[u8]) -> &'static str {
    let mut methods = METHODS.iter();
    let known = methods.find(|known| known.as_bytes() == method);
    known.copied().unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Method;

    #[test]
    fn messages_are_told_apart() {
        for (message, expected) in [
            ("INVITE sip:a SIP/2.0\r\n\r\n", Some(("INVITE", None))),
            ("FROB sip:a SIP/2.0\r\n\r\n", Some(("OTHER", None))),
            (
                "SIP/2.0 180 Ringing\r\nVia: x\r\ncseq : 1 INVITE\r\n\r\n",
                Some(("INVITE", Some(180))),
            ),
            (
                "SIP/2.0 200 OK\r\n\r\nCSeq: 1 BYE\r\n",
                Some(("OTHER", Some(200))),
            ),
            ("SIP/2.0 20", Some(("OTHER", None))),
            ("garbage", None),
        ] {
            assert_eq!(kind(message.as_bytes()), expected, "{message}");
        }
    }

    #[test]
    fn every_method_that_the_engine_knows_has_a_name() {
        for method in METHODS {
            assert!(
                !matches!(Method::from(method), Method::Other(_)),
                "{method}"
            );
        }
    }
}
