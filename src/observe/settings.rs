//! What is wanted of the observation of an engine.

use std::net::SocketAddr;
use std::str::FromStr;

use thiserror::Error;

use super::rotating_file::FileSettings;
use super::syslog::SyslogSettings;

/// What is shown of an engine. By default nothing is.
#[derive(Debug, Clone, Default)]
pub struct Observe {
    /// Whether messages are counted, for [`metrics`](super::render).
    pub counts: bool,
    /// The log.
    pub log: Option<LogSettings>,
    /// Every message, sent to a capture server.
    pub hep: Option<HepSettings>,
    /// Every message, written to a file.
    pub pcap: Option<FileSettings>,
    /// Call detail records, written to a file.
    pub cdr: Option<FileSettings>,
}

/// A log.
#[derive(Debug, Clone)]
pub struct LogSettings {
    /// What is the least important that is logged.
    pub level: LogLevel,
    /// How lines look.
    pub format: LogFormat,
    /// Whether SIP messages are logged, at level `info`.
    pub messages: bool,
    /// Whether lines go to the standard error output.
    pub console: bool,
    /// The file that they go to.
    pub file: Option<FileSettings>,
    /// The collector that they go to.
    pub syslog: Option<SyslogSettings>,
}

impl Default for LogSettings {
    fn default() -> LogSettings {
        LogSettings {
            level: LogLevel::Info,
            format: LogFormat::Text,
            messages: true,
            console: false,
            file: None,
            syslog: None,
        }
    }
}

/// How important something is, by the words and in the order of drachtio-server: a notice is
/// always logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// What somebody outside waits for, such as a filter of fail2ban.
    Notice,
    /// Something does not work.
    Error,
    /// Something may not work.
    Warning,
    /// What happens, and every message.
    Info,
    /// What happens inside.
    Debug,
}

impl LogLevel {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            LogLevel::Notice => "notice",
            LogLevel::Error => "error",
            LogLevel::Warning => "warning",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
        }
    }

    /// From the number by which it is kept while it may change.
    pub(super) fn from_number(number: u8) -> LogLevel {
        match number {
            0 => LogLevel::Notice,
            1 => LogLevel::Error,
            2 => LogLevel::Warning,
            3 => LogLevel::Info,
            _ => LogLevel::Debug,
        }
    }
}

/// The text is not the name of a level.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} is not a level of a log")]
pub struct NotALevel(pub String);

impl FromStr for LogLevel {
    type Err = NotALevel;

    fn from_str(text: &str) -> Result<LogLevel, NotALevel> {
        let levels = (0..5).map(LogLevel::from_number);
        levels
            .into_iter()
            .find(|level| level.as_str() == text)
            .ok_or_else(|| NotALevel(text.to_owned()))
    }
}

/// How the lines of a log look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// As those of drachtio-server.
    #[default]
    Text,
    /// An object of JSON each.
    Json,
}

/// A capture server (Homer), to which every message is sent in a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HepSettings {
    /// Where it is.
    pub address: SocketAddr,
    /// The number by which it knows this host.
    pub capture_id: u32,
    /// What it understands.
    pub version: HepVersion,
}

/// A version of the Homer encapsulation protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HepVersion {
    /// Addresses and ports.
    V1,
    /// With the time and the id of the host.
    V2,
    /// Of chunks, with a correlation id.
    #[default]
    V3,
}
