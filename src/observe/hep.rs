//! Messages for a capture server: the Homer encapsulation protocol (HEP, versions 1 to 3).

use std::io;
use std::net::{IpAddr, UdpSocket};
use std::time::{Duration, UNIX_EPOCH};

use super::settings::{HepSettings, HepVersion};
use super::syslog::socket_to;
use super::tap::Passing;
use crate::engine::Transport;
use crate::message::Message;

/// The most of a message that is sent, so that it fits into a datagram.
const MAX_PAYLOAD: usize = 60_000;

/// Version 3 is told from the others by its first bytes.
const MAGIC: &[u8] = b"HEP3";

/// The payload is SIP.
const SIP: u8 = 1;

/// Chunks of version 3 that everybody knows (vendor 0).
mod chunk {
    pub(super) const FAMILY: u16 = 1;
    pub(super) const PROTOCOL: u16 = 2;
    pub(super) const SOURCE_V4: u16 = 3;
    pub(super) const DESTINATION_V4: u16 = 4;
    pub(super) const SOURCE_V6: u16 = 5;
    pub(super) const DESTINATION_V6: u16 = 6;
    pub(super) const SOURCE_PORT: u16 = 7;
    pub(super) const DESTINATION_PORT: u16 = 8;
    pub(super) const SECONDS: u16 = 9;
    pub(super) const MICROSECONDS: u16 = 10;
    pub(super) const KIND: u16 = 11;
    pub(super) const CAPTURE_ID: u16 = 12;
    pub(super) const PAYLOAD: u16 = 15;
    pub(super) const CORRELATION_ID: u16 = 17;
}

#[derive(Debug)]
pub(super) struct Hep {
    socket: UdpSocket,
    settings: HepSettings,
}

impl Hep {
    pub(super) fn open(settings: HepSettings) -> io::Result<Hep> {
        Ok(Hep {
            socket: socket_to(settings.address)?,
            settings,
        })
    }

    /// What can't be sent is lost, as datagrams are.
    pub(super) fn send(&self, passing: &Passing) {
        let datagram = match self.settings.version {
            HepVersion::V3 => chunks(self.settings.capture_id, passing),
            version => headers(self.settings.capture_id, passing, version),
        };
        let _ = self.socket.send(&datagram);
    }
}

/// The number of the protocol below SIP, as capture servers expect it: TLS has one of its own,
/// which stands for no protocol of IANA's.
fn protocol(transport: Transport) -> u8 {
    match transport {
        Transport::Udp => 17,
        Transport::Tls => 22,
        Transport::Tcp | Transport::Ws | Transport::Wss => 6,
    }
}

fn family(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 2,
        IpAddr::V6(_) => 10,
    }
}

fn payload(passing: &Passing) -> &[u8] {
    let end = passing.payload.len().min(MAX_PAYLOAD);
    passing.payload.get(..end).unwrap_or_default()
}

fn since_epoch(passing: &Passing) -> (u32, u32) {
    let since: Duration = passing.at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = u32::try_from(since.as_secs()).unwrap_or(u32::MAX);
    (seconds, since.subsec_micros())
}

/// Version 3.
fn chunks(capture_id: u32, passing: &Passing) -> Vec<u8> {
    let (source, destination) = passing.ends();
    let (seconds, micros) = since_epoch(passing);
    let mut out = Vec::with_capacity(passing.payload.len() + 160);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[0, 0]);
    let mut put = |kind: u16, value: &[u8]| {
        let length = u16::try_from(value.len() + 6).unwrap_or(u16::MAX);
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(value);
    };
    put(chunk::FAMILY, &[family(source.ip())]);
    put(chunk::PROTOCOL, &[protocol(passing.path.transport)]);
    match (source.ip(), destination.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            put(chunk::SOURCE_V4, &from.octets());
            put(chunk::DESTINATION_V4, &to.octets());
        }
        (from, to) => {
            put(chunk::SOURCE_V6, &v6_octets(from));
            put(chunk::DESTINATION_V6, &v6_octets(to));
        }
    }
    put(chunk::SOURCE_PORT, &source.port().to_be_bytes());
    put(chunk::DESTINATION_PORT, &destination.port().to_be_bytes());
    put(chunk::SECONDS, &seconds.to_be_bytes());
    put(chunk::MICROSECONDS, &micros.to_be_bytes());
    put(chunk::KIND, &[SIP]);
    put(chunk::CAPTURE_ID, &capture_id.to_be_bytes());
    if let Ok(message) = Message::parse(passing.payload.clone()) {
        if let Ok(call_id) = message.call_id() {
            put(chunk::CORRELATION_ID, call_id.as_bytes());
        }
    }
    put(chunk::PAYLOAD, payload(passing));
    let length = u16::try_from(out.len()).unwrap_or(u16::MAX).to_be_bytes();
    for (byte, value) in out.iter_mut().skip(MAGIC.len()).zip(length) {
        *byte = value;
    }
    out
}

/// Versions 1 and 2.
fn headers(capture_id: u32, passing: &Passing, version: HepVersion) -> Vec<u8> {
    let (source, destination) = passing.ends();
    let (number, addresses) = match version {
        HepVersion::V1 => (1, address_octets(source.ip(), destination.ip())),
        _ => (2, address_octets(source.ip(), destination.ip())),
    };
    let length = u8::try_from(8 + addresses.len()).unwrap_or(u8::MAX);
    let mut out = vec![
        number,
        length,
        family(source.ip()),
        protocol(passing.path.transport),
    ];
    out.extend_from_slice(&source.port().to_be_bytes());
    out.extend_from_slice(&destination.port().to_be_bytes());
    out.extend_from_slice(&addresses);
    if version == HepVersion::V2 {
        // These are in the order of the capturing host's bytes, as the servers read them: of a
        // little-endian one.
        let (seconds, micros) = since_epoch(passing);
        let id = u16::try_from(capture_id).unwrap_or(u16::MAX);
        out.extend_from_slice(&seconds.to_le_bytes());
        out.extend_from_slice(&micros.to_le_bytes());
        out.extend_from_slice(&id.to_le_bytes());
        out.extend_from_slice(&[0, 0]);
    }
    out.extend_from_slice(payload(passing));
    out
}

fn address_octets(from: IpAddr, to: IpAddr) -> Vec<u8> {
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => [from.octets(), to.octets()].concat(),
        (from, to) => [v6_octets(from), v6_octets(to)].concat(),
    }
}

fn v6_octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}
