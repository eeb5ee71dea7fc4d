//! Call detail records as lines of JSON.

use std::fmt::Write;
use std::time::SystemTime;

use super::line::{Json, Moment};
use crate::engine::{Cdr, CdrEvent, Source};
use crate::message::{HeaderId, Message};

/// A record without the end of its line: what has happened, and which message of which call it was.
pub(super) fn line(at: SystemTime, record: &Cdr) -> String {
    let source = match record.source {
        Source::Network => "network",
        Source::Application => "application",
    };
    let mut line = format!(
        "{{\"time\":\"{}\",\"event\":\"{}\",\"source\":\"{source}\"",
        Moment::of(at).iso(),
        record.event.name(),
    );
    match record.event {
        CdrEvent::Attempt => {}
        CdrEvent::Start(role) => member(&mut line, "role", role.name()),
        CdrEvent::Stop(reason) => member(&mut line, "reason", reason.name()),
    }
    about(&mut line, &record.message);
    line.push('}');
    line
}

fn about(line: &mut String, message: &Message) {
    if let Some(method) = message.method() {
        member(line, "method", method.as_str());
    }
    if let Some(uri) = message.request_uri() {
        member(line, "uri", uri);
    }
    if let Some(status) = message.status() {
        // Writing to a string does not fail.
        let _ = write!(line, ",\"status\":{status}");
    }
    let headers = [
        ("callId", HeaderId::CallId),
        ("from", HeaderId::From),
        ("to", HeaderId::To),
        ("cause", HeaderId::Reason),
    ];
    for (name, id) in headers {
        if let Some(value) = message.get(id) {
            member(line, name, &String::from_utf8_lossy(value));
        }
    }
}

fn member(line: &mut String, name: &str, value: &str) {
    let _ = write!(line, ",\"{name}\":{}", Json(value));
}

#[cfg(test)]
mod tests {
    use std::time::{Instant, UNIX_EPOCH};

    use super::*;
    use crate::engine::{CdrRole, StopReason};

    fn written(event: CdrEvent, text: &'static str) -> String {
        let record = Cdr {
            event,
            source: Source::Network,
            at: Instant::now(),
            message: Message::parse_draft(text.as_bytes().into()).unwrap(),
        };
        line(UNIX_EPOCH, &record)
    }

    #[test]
    fn a_record_is_an_object_on_one_line() {
        let start = "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"event\":\"cdr:";
        let bye = "BYE sip:a@b SIP/2.0\r\nCall-ID: \"1\"\r\nFrom: <sip:x@y>;tag=1\r\nReason: Q.850;cause=16\r\n\r\n";
        assert_eq!(
            written(CdrEvent::Stop(StopReason::NormalRelease), bye),
            format!("{start}stop\",\"source\":\"network\",\"reason\":\"normal-release\",\"method\":\"BYE\",\"uri\":\"sip:a@b\",\"callId\":\"\\\"1\\\"\",\"from\":\"<sip:x@y>;tag=1\",\"cause\":\"Q.850;cause=16\"}}")
        );
        assert_eq!(
            written(CdrEvent::Start(CdrRole::ProxyUas), "SIP/2.0 200 OK\r\n\r\n"),
            format!(
                "{start}start\",\"source\":\"network\",\"role\":\"proxy-uas\",\"status\":200}}"
            )
        );
    }
}
