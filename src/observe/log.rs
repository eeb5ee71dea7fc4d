//! What the program says of itself (`tracing`), as lines of the log.

use std::fmt::{Debug, Write};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record as Values};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};

use super::settings::LogLevel;
use super::tap::LogHandle;

/// The target of what is logged as a notice, for which `tracing` has no level.
const NOTICE: &str = "notice";

/// The part of the program whose events are ours.
const OURS: &str = "drachtio";

/// Takes the events of a thread to a log.
pub(super) struct Log {
    handle: LogHandle,
}

impl Log {
    pub(super) fn new(handle: LogHandle) -> Log {
        Log { handle }
    }
}

fn level_of(metadata: &Metadata<'_>) -> LogLevel {
    if metadata.target() == NOTICE {
        return LogLevel::Notice;
    }
    match *metadata.level() {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warning,
        Level::INFO => LogLevel::Info,
        _ => LogLevel::Debug,
    }
}

impl Subscriber for Log {
    /// The level may change, so nothing is decided for good.
    fn register_callsite(&self, _metadata: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Libraries below speak of what they hold, secrets among it; they are heard only when
        // something does not work.
        let is_ours = metadata.target() == NOTICE || metadata.target().starts_with(OURS);
        (is_ours || *metadata.level() <= Level::WARN) && self.handle.takes(level_of(metadata))
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        self.handle.write(level_of(event.metadata()), text.finish());
    }

    fn new_span(&self, _attributes: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Values<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

/// An event in words: its message, and `name=value` of its fields.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Text {
    fn finish(mut self) -> String {
        self.message.push_str(&self.fields);
        self.message
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
