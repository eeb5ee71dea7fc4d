//! How a message travelled, as tokens: `source|bytes|protocol|address|port|time`.

use std::io::Write;
use std::net::IpAddr;

use super::wall_clock::WallClock;
use crate::engine::{Meta, Source, TransactionId};

/// An envelope as it was read: all of it text, since it is only passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// `network`, or `application` for what was sent from there.
    pub source: &'a str,
    /// The size of the message in bytes.
    pub size: &'a str,
    /// The transport protocol, in lower case.
    pub protocol: &'a str,
    /// The other end's address, an IPv6 one without brackets.
    pub address: &'a str,
    /// The other end's port.
    pub port: &'a str,
    /// When, as `HH:MM:SS.uuuuuu` in UTC.
    pub time: &'a str,
}

impl<'a> Envelope<'a> {
    /// The first six of these tokens; `None` if there are fewer.
    pub(super) fn read<'t>(tokens: &'t [&'a str]) -> Option<(Envelope<'a>, &'t [&'a str])> {
        let ([source, size, protocol, address, port, time], rest) =
            tokens.split_first_chunk::<6>()?;
        let envelope = Envelope {
            source,
            size,
            protocol,
            address,
            port,
            time,
        };
        Some((envelope, rest))
    }

    /// Appends the tokens again.
    pub fn write(&self, text: &mut Vec<u8>) {
        for (at, token) in [
            self.source,
            self.size,
            self.protocol,
            self.address,
            self.port,
            self.time,
        ]
        .into_iter()
        .enumerate()
        {
            if at > 0 {
                text.push(b'|');
            }
            text.extend_from_slice(token.as_bytes());
        }
    }
}

/// Appends the envelope of a message.
pub fn write_envelope(text: &mut Vec<u8>, meta: &Meta, clock: &mut WallClock) {
    text.extend_from_slice(source_name(meta.source).as_bytes());
    text.push(b'|');
    write_number(text, meta.size);
    text.push(b'|');
    text.extend_from_slice(meta.transport.name().as_bytes());
    text.push(b'|');
    write_address(text, meta.peer.ip());
    text.push(b'|');
    write_number(text, meta.peer.port().into());
    text.push(b'|');
    clock.write(meta.at, text);
}

pub(super) fn source_name(source: Source) -> &'static str {
    match source {
        Source::Network => "network",
        Source::Application => "application",
    }
}

/// Appends an RFC 4122 UUID, like [`TransactionId`]'s `Display` but quicker.
pub fn write_transaction(text: &mut Vec<u8>, transaction: TransactionId) {
    for (at, byte) in transaction.0.to_be_bytes().into_iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push(b'-');
        }
        text.extend([hex_digit(byte >> 4), hex_digit(byte & 15)]);
    }
}

fn hex_digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'a' + nibble - 10,
    }
}

/// Appends an address, an IPv6 one without brackets.
pub fn write_address(text: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            write_number(text, a.into());
            for octet in [b, c, d] {
                text.push(b'.');
                write_number(text, octet.into());
            }
        }
        // Writing to a vector does not fail.
        IpAddr::V6(v6) => drop(write!(text, "{v6}")),
    }
}

/// Appends a decimal number.
pub fn write_number(text: &mut Vec<u8>, number: usize) {
    if number >= 10 {
        write_number(text, number / 10);
    }
    text.push(b'0' + u8::try_from(number % 10).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_addresses_have_no_brackets() {
        let mut text = Vec::new();
        write_address(&mut text, "2001:db8::1".parse().unwrap());
        assert_eq!(text, b"2001:db8::1");
    }

    #[test]
    fn a_transaction_is_written_as_it_is_shown() {
        let transaction = TransactionId(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff);
        let mut text = Vec::new();
        write_transaction(&mut text, transaction);
        assert_eq!(String::from_utf8(text).unwrap(), transaction.to_string());
    }
}
