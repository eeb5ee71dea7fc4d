//! Flow tokens (RFC 5626 §5.2): the user part of a Path or Record-Route of ours, which names the
//! way to a client so that nobody else can make one up.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ring::hmac;

use super::path::ConnectionId;

/// What every token begins with.
const PREFIX: &str = "flow-";

/// Bytes of the authentication code in a token: nobody guesses 128 bits.
const TAG_LENGTH: usize = 16;

/// The way to a client, as a token names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Over this connection and no other.
    Connection(ConnectionId),
    /// By UDP from this listener to where the client was heard from.
    Datagram { local: SocketAddr, peer: SocketAddr },
}

/// Makes and checks tokens. Those of another engine, or of this one before it was started anew,
/// are not accepted.
#[derive(Debug)]
pub(crate) struct FlowTokens(hmac::Key);

/// The text is a token, but not one of ours.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Forged;

impl FlowTokens {
    pub(crate) fn from_seed(seed: &[u8; 32]) -> FlowTokens {
        // The seed has other uses; what is derived from it tells nothing of it.
        let derived = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, seed), b"flow tokens");
        FlowTokens(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    pub(crate) fn write(&self, flow: Flow) -> String {
        let mut bytes = encode(flow);
        let tag = hmac::sign(&self.0, &bytes);
        bytes.extend(tag.as_ref().iter().take(TAG_LENGTH));
        let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
        PREFIX.chars().map(String::from).chain(digits).collect()
    }

    /// The flow that a user part names; `None` for one that is no token.
    pub(crate) fn read(&self, user: &str) -> Option<Result<Flow, Forged>> {
        let digits = user.strip_prefix(PREFIX)?;
        Some(self.check(digits).ok_or(Forged))
    }

    fn check(&self, digits: &str) -> Option<Flow> {
        let bytes = from_hex(digits)?;
        let (text, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_LENGTH)?)?;
        let expected = hmac::sign(&self.0, text);
        let pairs = expected.as_ref().iter().take(TAG_LENGTH).zip(tag);
        // In the same time for every difference.
        let differs = pairs.fold(0, |differs, (a, b)| differs | (a ^ b));
        if differs != 0 {
            return None;
        }
        decode(text)
    }
}

fn encode(flow: Flow) -> Vec<u8> {
    match flow {
        Flow::Connection(ConnectionId(id)) => {
            let mut bytes = vec![0];
            bytes.extend(id.to_be_bytes());
            bytes
        }
        Flow::Datagram { local, peer } => {
            let mut bytes = vec![if local.is_ipv4() { 4 } else { 6 }];
            for address in [local, peer] {
                match address.ip() {
                    IpAddr::V4(v4) => bytes.extend(v4.octets()),
                    IpAddr::V6(v6) => bytes.extend(v6.octets()),
                }
                bytes.extend(address.port().to_be_bytes());
            }
            bytes
        }
    }
}

fn decode(bytes: &[u8]) -> Option<Flow> {
    let (kind, rest) = bytes.split_first()?;
    if *kind == 0 {
        let id = u64::from_be_bytes(rest.try_into().ok()?);
        return Some(Flow::Connection(ConnectionId(id)));
    }
    let (local, peer) = rest.split_at_checked(rest.len() / 2)?;
    Some(Flow::Datagram {
        local: socket_address(local)?,
        peer: socket_address(peer)?,
    })
}

fn socket_address(bytes: &[u8]) -> Option<SocketAddr> {
    let (host, port) = bytes.split_at_checked(bytes.len().checked_sub(2)?)?;
    let host = match host.len() {
        4 => Ipv4Addr::from(<[u8; 4]>::try_from(host).ok()?).into(),
        _ => Ipv6Addr::from(<[u8; 16]>::try_from(host).ok()?).into(),
    };
    let port = u16::from_be_bytes(port.try_into().ok()?);
    Some(SocketAddr::new(host, port))
}

/// The longest text that a token can have behind its prefix.
const MAX_DIGITS: usize = 2 * (1 + 2 * (16 + 2) + TAG_LENGTH);

fn from_hex(digits: &str) -> Option<Vec<u8>> {
    if digits.len() > MAX_DIGITS || !digits.len().is_multiple_of(2) {
        return None;
    }
    let value = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .filter(|_| !digit.is_ascii_uppercase())
    };
    digits
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(value(*high)? << 4 | value(*low)?).ok(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flows() -> Vec<Flow> {
        let datagram = |local: &str, peer: &str| Flow::Datagram {
            local: local.parse().unwrap(),
            peer: peer.parse().unwrap(),
        };
        vec![
            Flow::Connection(ConnectionId(u64::MAX)),
            datagram("10.0.0.1:5060", "203.0.113.9:40000"),
            datagram("[2001:db8::1]:5060", "[2001:db8::9]:40000"),
        ]
    }

    #[test]
    fn a_token_names_its_flow() {
        let tokens = FlowTokens::from_seed(&[7; 32]);
        for flow in flows() {
            let token = tokens.write(flow);
            assert_eq!(tokens.read(&token), Some(Ok(flow)));
            assert!(token.len() <= PREFIX.len() + MAX_DIGITS);
        }
        assert_eq!(tokens.read("alice"), None);
    }

    #[test]
    fn no_change_of_a_token_is_accepted() {
        let tokens = FlowTokens::from_seed(&[7; 32]);
        for flow in flows() {
            let token = tokens.write(flow);
            for at in PREFIX.len()..token.len() {
                let mut changed = token.clone().into_bytes();
                changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
                let changed = String::from_utf8(changed).unwrap();
                assert_eq!(tokens.read(&changed), Some(Err(Forged)), "{changed}");
                assert_eq!(tokens.read(token.get(..at).unwrap()), Some(Err(Forged)));
            }
            assert_eq!(tokens.read(&format!("{token}00")), Some(Err(Forged)));
        }
        for text in ["flow-", "flow-0", "flow-zz", "flow-+1", "flow-ää"] {
            assert_eq!(tokens.read(text), Some(Err(Forged)), "{text}");
        }
    }

    #[test]
    fn the_token_of_another_engine_is_forged() {
        let (ours, theirs) = (
            FlowTokens::from_seed(&[1; 32]),
            FlowTokens::from_seed(&[2; 32]),
        );
        for flow in flows() {
            assert_eq!(ours.read(&theirs.write(flow)), Some(Err(Forged)));
        }
    }
}
