//! Messages as a capture file that Wireshark, tcpdump and sngrep read (pcap, link type RAW).
//!
//! A message is shown as a UDP datagram between the two hosts, whatever it came over: what TLS and
//! WebSockets wrap around it is gone, and no key is needed to read the file.

use std::net::{IpAddr, SocketAddr};
use std::time::UNIX_EPOCH;

use super::tap::Passing;

/// The most of a message that is written, so that it fits into a packet.
const MAX_PAYLOAD: usize = 65_000;

/// The largest packet.
const SNAP_LENGTH: u32 = 65_535;

/// Packets begin with their IP header.
const LINK_TYPE_RAW: u32 = 101;

const UDP: u8 = 17;
const UDP_HEADER: usize = 8;
const HOPS: u8 = 64;

/// What the file begins with.
pub(super) fn header() -> Vec<u8> {
    let mut out = Vec::with_capacity(24);
    out.extend_from_slice(&0xa1b2_c3d4_u32.to_le_bytes());
    out.extend_from_slice(&2_u16.to_le_bytes());
    out.extend_from_slice(&4_u16.to_le_bytes());
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&SNAP_LENGTH.to_le_bytes());
    out.extend_from_slice(&LINK_TYPE_RAW.to_le_bytes());
    out
}

/// One packet.
pub(super) fn packet(passing: &Passing) -> Vec<u8> {
    let (source, destination) = passing.ends();
    let end = passing.payload.len().min(MAX_PAYLOAD);
    let payload = passing.payload.get(..end).unwrap_or_default();
    let packet = ip_packet(source, destination, payload);
    let since = passing.at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let length = u32::try_from(packet.len()).unwrap_or(SNAP_LENGTH);
    let seconds = u32::try_from(since.as_secs()).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(packet.len() + 16);
    for field in [seconds, since.subsec_micros(), length, length] {
        out.extend_from_slice(&field.to_le_bytes());
    }
    out.extend_from_slice(&packet);
    out
}

fn ip_packet(source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Vec<u8> {
    match (source.ip(), destination.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let datagram = udp(
                source,
                destination,
                payload,
                &[&from.octets(), &to.octets()],
            );
            let length = u16::try_from(datagram.len() + 20).unwrap_or(u16::MAX);
            let mut head = vec![0x45, 0];
            head.extend_from_slice(&length.to_be_bytes());
            head.extend_from_slice(&[0, 0, 0x40, 0, HOPS, UDP, 0, 0]);
            head.extend_from_slice(&from.octets());
            head.extend_from_slice(&to.octets());
            let checksum = checksum(&[&head]);
            for (byte, value) in head.iter_mut().skip(10).zip(checksum.to_be_bytes()) {
                *byte = value;
            }
            head.extend_from_slice(&datagram);
            head
        }
        (from, to) => {
            let (from, to) = (v6_octets(from), v6_octets(to));
            let datagram = udp(source, destination, payload, &[&from, &to]);
            let length = u16::try_from(datagram.len()).unwrap_or(u16::MAX);
            let mut head = vec![0x60, 0, 0, 0];
            head.extend_from_slice(&length.to_be_bytes());
            head.extend_from_slice(&[UDP, HOPS]);
            head.extend_from_slice(&from);
            head.extend_from_slice(&to);
            head.extend_from_slice(&datagram);
            head
        }
    }
}

/// A datagram with its checksum (RFC 768, RFC 8200 §8.1).
fn udp(
    source: SocketAddr,
    destination: SocketAddr,
    payload: &[u8],
    addresses: &[&[u8]; 2],
) -> Vec<u8> {
    let length = u16::try_from(payload.len() + UDP_HEADER).unwrap_or(u16::MAX);
    let mut out = Vec::with_capacity(payload.len() + UDP_HEADER);
    for field in [source.port(), destination.port(), length, 0] {
        out.extend_from_slice(&field.to_be_bytes());
    }
    out.extend_from_slice(payload);
    let pseudo = [&[0, UDP], length.to_be_bytes().as_slice()].concat();
    let [from, to] = addresses;
    let sum = match checksum(&[from, to, &pseudo, &out]) {
        0 => 0xffff, // Zero would say that there is none.
        sum => sum,
    };
    for (byte, value) in out.iter_mut().skip(6).zip(sum.to_be_bytes()) {
        *byte = value;
    }
    out
}

/// The checksum of the Internet (RFC 1071) over parts of which all but the last have an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum: u32 = 0;
    for pair in parts.iter().flat_map(|part| part.chunks(2)) {
        let high = pair.first().copied().unwrap_or_default();
        let low = pair.get(1).copied().unwrap_or_default();
        sum += u32::from(u16::from_be_bytes([high, low]));
    }
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !u16::try_from(sum).unwrap_or_default()
}

fn v6_octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}
