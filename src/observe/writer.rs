//! The thread that writes what is observed, so that the engine's need not.

use std::io::{stderr, Write};
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::Arc;
use std::time::SystemTime;
use std::{io, net::SocketAddr};

use super::hep::Hep;
use super::rotating_file::{FileSettings, RotatingFile};
use super::settings::{LogFormat, LogLevel, LogSettings, Observe};
use super::syslog::Syslog;
use super::tap::{ObserveError, Passing, Record, Shared};
use super::{line, pcap, records};
use crate::engine::Cdr;

/// Where everything goes.
pub(super) struct Writer {
    log: Option<Lines>,
    hep: Option<Hep>,
    pcap: Option<RotatingFile>,
    calls: Option<RotatingFile>,
    /// Records of calls can't be written, which is spoken of once.
    calls_fail: bool,
    shared: Arc<Shared>,
    /// Records that were lost and have been spoken of.
    reported: u64,
}

/// Where lines go.
struct Lines {
    format: LogFormat,
    messages: bool,
    console: bool,
    file: Option<RotatingFile>,
    syslog: Option<Syslog>,
    /// A file that can't be written is spoken of once.
    has_failed: bool,
}

impl Writer {
    pub(super) fn open(settings: &Observe, shared: Arc<Shared>) -> Result<Writer, ObserveError> {
        let log = settings.log.as_ref().map(Lines::open).transpose()?;
        let pcap = settings.pcap.clone();
        let calls = settings.cdr.clone();
        Ok(Writer {
            log,
            hep: settings.hep.map(Hep::open).transpose()?,
            pcap: pcap
                .map(|pcap| open_file(pcap, &pcap::header()))
                .transpose()?,
            calls: calls.map(|file| open_file(file, b"")).transpose()?,
            calls_fail: false,
            shared,
            reported: 0,
        })
    }

    /// Writes until it is told of the end, or nobody can hand over any more.
    pub(super) fn run(mut self, records: &Receiver<Record>) {
        while let Ok(record) = records.recv() {
            match record {
                Record::Message(passing) => self.message(&passing),
                Record::Call { at, record } => self.call(at, &record),
                Record::Line { at, level, text } => self.line(at, level, &text),
                Record::End => return,
            }
            self.report_losses();
        }
    }

    fn message(&mut self, passing: &Passing) {
        if let Some(hep) = &self.hep {
            hep.send(passing);
        }
        let outcome = match &mut self.pcap {
            Some(pcap) => pcap.append(passing.at, &pcap::packet(passing)),
            None => Ok(()),
        };
        if let Err(error) = outcome {
            self.pcap = None;
            let text = format!("the trace of messages has ended: {error}");
            self.line(passing.at, LogLevel::Error, &text);
        }
        let takes = self.shared.takes(LogLevel::Info);
        if let Some(log) = self.log.as_mut().filter(|log| log.messages && takes) {
            log.write(
                passing.at,
                LogLevel::Info,
                &line::message(log.format, passing),
            );
        }
    }

    fn call(&mut self, at: SystemTime, record: &Cdr) {
        let Some(calls) = &mut self.calls else { return };
        let text = format!("{}\n", records::line(at, record));
        // A full disk may have room again later.
        let outcome = calls.append(at, text.as_bytes());
        let failed_before = std::mem::replace(&mut self.calls_fail, outcome.is_err());
        if let (Err(error), false) = (outcome, failed_before) {
            let text = format!("records of calls cannot be written: {error}");
            self.line(at, LogLevel::Error, &text);
        }
    }

    fn line(&mut self, at: SystemTime, level: LogLevel, text: &str) {
        if let Some(log) = &mut self.log {
            log.write(at, level, &line::line(log.format, at, level, text));
        }
    }

    fn report_losses(&mut self) {
        let lost = self.shared.lost.load(Ordering::Relaxed);
        if lost > self.reported {
            let text = format!(
                "{} lines and messages were lost: they came faster than they could be written",
                lost - self.reported
            );
            self.reported = lost;
            self.line(SystemTime::now(), LogLevel::Warning, &text);
        }
    }
}

impl Lines {
    fn open(settings: &LogSettings) -> Result<Lines, ObserveError> {
        let file = settings.file.clone();
        Ok(Lines {
            format: settings.format,
            messages: settings.messages,
            console: settings.console,
            file: file.map(|file| open_file(file, b"")).transpose()?,
            syslog: settings.syslog.map(Syslog::open).transpose()?,
            has_failed: false,
        })
    }

    fn write(&mut self, at: SystemTime, level: LogLevel, text: &str) {
        if let Some(syslog) = &self.syslog {
            // A collector's line has a time of its own.
            let bare = match self.format {
                LogFormat::Text => text.get(line::STAMP..).unwrap_or_default(),
                LogFormat::Json => text,
            };
            syslog.send(at, level, bare);
        }
        let text = format!("{}\n", text.trim_end());
        if self.console {
            // Nobody is left to be told.
            let _ = stderr().write_all(text.as_bytes());
        }
        let outcome = match &mut self.file {
            Some(file) => file.append(at, text.as_bytes()),
            None => Ok(()),
        };
        // A full disk may have room again later.
        if let (Err(error), false) = (outcome, self.has_failed) {
            self.has_failed = true;
            let _ = writeln!(stderr(), "the log cannot be written: {error}");
        }
    }
}

fn open_file(settings: FileSettings, header: &[u8]) -> Result<RotatingFile, ObserveError> {
    let path = settings.path.display().to_string();
    RotatingFile::open(settings, header)
        .map_err(|source: io::Error| ObserveError::File { path, source })
}

impl Passing {
    /// Where the message came from, and where it went.
    pub(super) fn ends(&self) -> (SocketAddr, SocketAddr) {
        match self.incoming {
            true => (self.path.peer, self.path.local),
            false => (self.path.local, self.path.peer),
        }
    }
}
