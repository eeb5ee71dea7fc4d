//! Where messages pass: the engine's side of what is observed.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicU8, Ordering};
use std::sync::mpsc::{sync_channel, SyncSender, TrySendError};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::SystemTime;

use bytes::Bytes;
use thiserror::Error;

use super::log::Log;
use super::settings::{LogLevel, Observe};
use super::traffic::Traffic;
use super::writer::Writer;
use crate::engine::{Cdr, Path};

/// Records that wait to be written; when there are more, new ones are lost.
const MAX_WAITING: usize = 16_384;

/// Something to be written.
#[derive(Debug)]
pub(super) enum Record {
    Message(Passing),
    Call {
        at: SystemTime,
        record: Box<Cdr>,
    },
    Line {
        at: SystemTime,
        level: LogLevel,
        text: String,
    },
    /// Nothing more is written.
    End,
}

/// A message that passes.
#[derive(Debug)]
pub(super) struct Passing {
    pub(super) at: SystemTime,
    pub(super) incoming: bool,
    pub(super) path: Path,
    pub(super) payload: Bytes,
}

/// What is to be observed can't be.
#[derive(Debug, Error)]
pub enum ObserveError {
    /// A file can't be written.
    #[error("observe: cannot write {path}: {source}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The system has no socket or thread for it.
    #[error("observe: {0}")]
    System(#[from] io::Error),
}

/// What an engine's thread has to show.
#[derive(Debug, Default)]
pub struct Observer {
    traffic: Option<Box<Traffic>>,
    tap: Option<Tap>,
    writer: Option<JoinHandle<()>>,
}

/// Where messages are handed over.
#[derive(Debug)]
struct Tap {
    log: LogHandle,
    /// Messages go to others than the log.
    traces: bool,
    logs_messages: bool,
    takes_calls: bool,
}

/// Writes to the log of an engine, from any thread.
#[derive(Debug, Clone)]
pub struct LogHandle {
    records: SyncSender<Record>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    level: AtomicU8,
    pub(super) lost: AtomicU64,
}

impl Observer {
    /// Opens what is to be written to.
    ///
    /// # Errors
    /// A file can't be opened, or the system has no socket or thread.
    pub fn start(settings: &Observe) -> Result<Observer, ObserveError> {
        let traffic = settings.counts.then(Box::default);
        let traces = settings.hep.is_some() || settings.pcap.is_some();
        let takes_calls = settings.cdr.is_some();
        if settings.log.is_none() && !traces && !takes_calls {
            return Ok(Observer {
                traffic,
                tap: None,
                writer: None,
            });
        }
        let level = settings
            .log
            .as_ref()
            .map_or(LogLevel::Notice, |log| log.level);
        let shared = Arc::new(Shared {
            level: AtomicU8::new(level as u8),
            lost: AtomicU64::new(0),
        });
        let (records, inbox) = sync_channel(MAX_WAITING);
        let writer = Writer::open(settings, shared.clone())?;
        let thread = std::thread::Builder::new()
            .name("drachtio-observe".to_owned())
            .spawn(move || writer.run(&inbox))?;
        Ok(Observer {
            traffic,
            tap: Some(Tap {
                log: LogHandle { records, shared },
                traces,
                logs_messages: settings.log.as_ref().is_some_and(|log| log.messages),
                takes_calls,
            }),
            writer: Some(thread),
        })
    }

    /// The log, if there is one.
    pub fn log(&self) -> Option<LogHandle> {
        self.tap.as_ref().map(|tap| tap.log.clone())
    }

    /// What has been counted.
    pub fn traffic(&self) -> Option<&Traffic> {
        self.traffic.as_deref()
    }

    /// Records that were lost because what writes them was behind.
    pub fn lost(&self) -> u64 {
        let lost = self.tap.as_ref().map(|tap| &tap.log.shared.lost);
        lost.map_or(0, |lost| lost.load(Ordering::Relaxed))
    }

    /// Has what happens on this thread logged until the guard is dropped. Another thread is heard too if
    /// it takes over the `tracing::Dispatch` that this one has then.
    pub fn listen(&self) -> Option<tracing::subscriber::DefaultGuard> {
        let log = Log::new(self.log()?);
        Some(tracing::subscriber::set_default(log))
    }

    /// A message has arrived.
    pub fn received(&mut self, path: &Path, payload: &Bytes) {
        if let Some(traffic) = &mut self.traffic {
            traffic.count(true, payload);
        }
        if let Some(tap) = &self.tap {
            tap.pass(true, path, payload);
        }
    }

    /// Whether call detail records are written.
    pub fn takes_calls(&self) -> bool {
        self.tap.as_ref().is_some_and(|tap| tap.takes_calls)
    }

    /// The engine has made a call detail record.
    pub fn recorded(&self, record: &Cdr) {
        if let Some(tap) = self.tap.as_ref().filter(|tap| tap.takes_calls) {
            tap.log.hand_over(Record::Call {
                at: SystemTime::now(),
                record: Box::new(record.clone()),
            });
        }
    }

    /// A message is about to be sent.
    pub fn sent(&mut self, path: &Path, payload: &Bytes) {
        if let Some(traffic) = &mut self.traffic {
            traffic.count(false, payload);
        }
        if let Some(tap) = &self.tap {
            tap.pass(false, path, payload);
        }
    }
}

impl Drop for Observer {
    /// Waits until everything has been written. What others who hold the log write later is lost.
    fn drop(&mut self) {
        if let (Some(tap), Some(writer)) = (self.tap.take(), self.writer.take()) {
            // Fails when the writer has ended.
            let _ = tap.log.records.send(Record::End);
            let _ = writer.join();
        }
    }
}

impl Tap {
    fn pass(&self, incoming: bool, path: &Path, payload: &Bytes) {
        let is_logged = self.logs_messages && self.log.takes(LogLevel::Info);
        if !self.traces && !is_logged {
            return;
        }
        self.log.hand_over(Record::Message(Passing {
            at: SystemTime::now(),
            incoming,
            path: *path,
            payload: payload.clone(),
        }));
    }
}

impl LogHandle {
    /// Whether something of this level is logged.
    pub fn takes(&self, level: LogLevel) -> bool {
        self.shared.takes(level)
    }

    /// What is logged from now on.
    pub fn set_level(&self, level: LogLevel) {
        self.shared.level.store(level as u8, Ordering::Relaxed);
    }

    /// Logs a line.
    pub fn write(&self, level: LogLevel, text: String) {
        if self.takes(level) {
            let at = SystemTime::now();
            self.hand_over(Record::Line { at, level, text });
        }
    }

    fn hand_over(&self, record: Record) {
        if let Err(TrySendError::Full(_)) = self.records.try_send(record) {
            self.shared.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Shared {
    pub(super) fn takes(&self, level: LogLevel) -> bool {
        level as u8 <= self.level.load(Ordering::Relaxed)
    }
}
