//! Lines to a collector, each in a datagram (RFC 5424, RFC 5426).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::str::FromStr;
use std::time::SystemTime;
use std::{io, process};

use thiserror::Error;

use super::line::Moment;
use super::settings::LogLevel;

/// What a collector must take at least and should take (RFC 5426 §3.2).
const MAX_LENGTH: usize = 2_048;

/// A collector of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyslogSettings {
    /// Where it is.
    pub address: SocketAddr,
    /// What lines are filed under.
    pub facility: Facility,
}

/// `local0` to `local7`, by the number of RFC 5424 §6.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facility(u8);

/// The text is not the name of a facility.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is none of local0 to local7")]
pub struct NotAFacility(pub String);

impl Default for Facility {
    fn default() -> Facility {
        Facility(16)
    }
}

impl FromStr for Facility {
    type Err = NotAFacility;

    fn from_str(text: &str) -> Result<Facility, NotAFacility> {
        let number = text
            .strip_prefix("local")
            .and_then(|n| n.parse::<u8>().ok());
        match number {
            Some(number) if number < 8 => Ok(Facility(16 + number)),
            _ => Err(NotAFacility(text.to_owned())),
        }
    }
}

#[derive(Debug)]
pub(super) struct Syslog {
    socket: UdpSocket,
    facility: Facility,
}

impl Syslog {
    pub(super) fn open(settings: SyslogSettings) -> io::Result<Syslog> {
        Ok(Syslog {
            socket: socket_to(settings.address)?,
            facility: settings.facility,
        })
    }

    /// What can't be sent is lost, as datagrams are.
    pub(super) fn send(&self, at: SystemTime, level: LogLevel, text: &str) {
        let line = compose(self.facility, at, level, text);
        let _ = self.socket.send(&line);
    }
}

/// A socket for datagrams to one place.
pub(super) fn socket_to(address: SocketAddr) -> io::Result<UdpSocket> {
    let any = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

fn compose(facility: Facility, at: SystemTime, level: LogLevel, text: &str) -> Vec<u8> {
    // §6.2.1; errors are critical, as in drachtio-server.
    let severity = match level {
        LogLevel::Error => 2,
        LogLevel::Warning => 4,
        LogLevel::Notice => 5,
        LogLevel::Info => 6,
        LogLevel::Debug => 7,
    };
    let priority = facility.0 * 8 + severity;
    let time = Moment::of(at).iso();
    let mut line = format!(
        "<{priority}>1 {time} - drachtio {} - - {text}",
        process::id()
    );
    let mut end = line.len().min(MAX_LENGTH);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line.truncate(end);
    line.into_bytes()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn a_line_has_its_priority_and_no_more_than_a_collector_takes() {
        let facility: Facility = "local6".parse().unwrap();
        let line = compose(facility, UNIX_EPOCH, LogLevel::Info, "hello");
        let expected = format!(
            "<182>1 1970-01-01T00:00:00.000000Z - drachtio {} - - hello",
            process::id()
        );
        assert_eq!(String::from_utf8(line).unwrap(), expected);
        let long = compose(facility, UNIX_EPOCH, LogLevel::Error, &"é".repeat(5_000));
        assert!(long.len() <= MAX_LENGTH && String::from_utf8(long).is_ok());
        assert!("local8".parse::<Facility>().is_err());
    }
}
