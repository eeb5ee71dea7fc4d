//! What applications are told, as JavaScript reads it: text, and offsets into the text.
//!
//! The text of a message is `head CRLF message`, one character per byte. The head is
//! `source|bytes|protocol|address|port|time|transaction|receivedAddress|receivedPort|dialog`; the
//! dialog stands last because a Call-ID may hold a bar; that of a new INVITE is the one it replaces. The index is a string as well, of UTF-16
//! units: the offset of the message, the offset of its body (0 when there is none), then five
//! units per header: its number, and the first and last offsets of its name and of its value.

use crate::engine::{ClosedConnection, DialogId, Meta, News, Refusal, Reply, TransactionId};
use crate::message::{HeaderId, Message};
use crate::protocol::{
    write_address, write_envelope, write_number, write_progress, write_record, write_transaction,
    WallClock,
};

/// Events that JavaScript is given at once.
pub(super) const MAX_BATCH: usize = 256;

/// What an event is. The numbers are those of `lib/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// A message came, or the engine made one.
    Message = 1,
    /// A command is done: the message as sent.
    Sent = 2,
    /// A command is refused: `code|text`.
    Refused = 3,
    /// A response on a branch of a proxied request. In the head the branch's number stands in
    /// the place of the transaction; nothing if the engine has made the response.
    Branch = 4,
    /// A command is done.
    Done = 5,
    /// The engine has answered a request: `transaction|status|code|text`.
    Answered = 6,
    /// A connection has ended: `protocol|address|port`, then a line for each `contact`, `dialog`
    /// and `request` that the application had on it.
    Closed = 7,
    /// What has become of a branch of a proxied request: `time|branch|started|uri`, or
    /// `time|branch|ended|reason|status` with nothing for a status that there is not.
    Progress = 8,
    /// A request inside a dialog that is about to pass along a recorded route.
    Passing = 9,
    /// A call detail record: `event|source|time|detail`, and its message.
    Cdr = 10,
    /// The server knows the application: `hostports|version|localHostports`.
    Authenticated = 11,
    /// The stream of a server makes no sense: why.
    Broken = 12,
}

/// Up to [`MAX_BATCH`] events in three blocks of memory.
#[derive(Debug, Default)]
pub(super) struct Batch {
    text: Vec<u8>,
    units: Vec<u16>,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    kind: Kind,
    id: u32,
    text_end: usize,
    units_end: usize,
}

/// One event, as it crosses to JavaScript.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) kind: Kind,
    /// The command that is answered; 0 when none is.
    pub(super) id: u32,
    /// One character per byte.
    pub(super) text: &'a [u8],
    pub(super) index: &'a [u16],
}

impl Batch {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of memory that the text has, used or not.
    pub(super) fn text_capacity(&self) -> usize {
        self.text.capacity()
    }

    /// Forgets the events and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.units.clear();
        self.entries.clear();
    }

    pub(super) fn push(&mut self, news: &News, clock: &mut WallClock) {
        match news {
            News::Message {
                transaction,
                dialog,
                meta,
                message,
            } => {
                let names = Names {
                    transaction: *transaction,
                    dialog: dialog.as_ref(),
                    without_transaction: b"unsolicited",
                };
                self.push_message(names, meta, message, clock);
                self.finish(Kind::Message, 0);
            }
            News::Passing {
                transaction,
                meta,
                message,
            } => {
                let names = Names {
                    transaction: Some(*transaction),
                    dialog: None,
                    without_transaction: b"",
                };
                self.push_message(names, meta, message, clock);
                self.finish(Kind::Passing, 0);
            }
            News::Refused {
                transaction,
                status,
                why,
            } => {
                let text = format!("{transaction}|{status}|{}|{why}", why.code());
                self.text.extend_from_slice(text.as_bytes());
                self.finish(Kind::Answered, 0);
            }
            News::Record(record) => {
                let write = |text: &mut Vec<u8>| write_record(text, record, clock);
                self.push_indexed(Kind::Cdr, 0, &record.message, write);
            }
            News::ConnectionClosed(closed) => self.push_closed(closed),
            News::Reply { command, reply } => self.push_reply(command.0, reply, clock),
        }
    }

    pub(super) fn push_refusal(&mut self, id: u32, code: &str, text: &str) {
        self.text.extend_from_slice(code.as_bytes());
        self.text.push(b'|');
        self.text.extend_from_slice(text.as_bytes());
        self.finish(Kind::Refused, id);
    }

    fn push_closed(&mut self, closed: &ClosedConnection) {
        let peer = closed.peer;
        let mut lines = vec![format!(
            "{}|{}|{}",
            closed.transport,
            peer.ip(),
            peer.port()
        )];
        let contacts = closed.registrations.iter();
        lines.extend(contacts.map(|contact| format!("contact {contact}")));
        let dialogs = closed.dialogs.iter();
        lines.extend(dialogs.map(|dialog| format!("dialog {dialog}")));
        let requests = closed.requests.iter();
        lines.extend(requests.map(|request| format!("request {request}")));
        self.text.extend_from_slice(lines.join("\r\n").as_bytes());
        self.finish(Kind::Closed, 0);
    }

    pub(super) fn frames(&self) -> impl Iterator<Item = Frame<'_>> {
        let (mut text_start, mut units_start) = (0, 0);
        self.entries.iter().map(move |entry| {
            let text = self.text.get(text_start..entry.text_end);
            let index = self.units.get(units_start..entry.units_end);
            (text_start, units_start) = (entry.text_end, entry.units_end);
            Frame {
                kind: entry.kind,
                id: entry.id,
                text: text.unwrap_or_default(),
                index: index.unwrap_or_default(),
            }
        })
    }

    fn push_reply(&mut self, id: u32, reply: &Reply, clock: &mut WallClock) {
        match reply {
            Reply::Sent {
                transaction,
                dialog,
                meta,
                message,
            } => {
                let names = Names {
                    transaction: Some(*transaction),
                    dialog: dialog.as_ref(),
                    without_transaction: b"",
                };
                self.push_message(names, meta, message, clock);
                self.finish(Kind::Sent, id);
            }
            Reply::Refused(refusal) => self.push_engine_refusal(id, refusal),
            Reply::Branch {
                branch,
                meta,
                message,
            } => {
                let number = branch
                    .map(|branch| branch.0.to_string())
                    .unwrap_or_default();
                let names = Names {
                    transaction: None,
                    dialog: None,
                    without_transaction: number.as_bytes(),
                };
                self.push_message(names, meta, message, clock);
                self.finish(Kind::Branch, id);
            }
            Reply::Progress { branch, at, step } => {
                write_progress(&mut self.text, *branch, *at, step, clock);
                self.finish(Kind::Progress, id);
            }
            Reply::Done => self.finish(Kind::Done, id),
        }
    }

    fn push_engine_refusal(&mut self, id: u32, refusal: &Refusal) {
        self.push_refusal(id, refusal.code(), &refusal.to_string());
    }

    fn push_message(
        &mut self,
        names: Names<'_>,
        meta: &Meta,
        message: &Message,
        clock: &mut WallClock,
    ) {
        self.push_parts(message, |text| write_head(text, names, meta, clock));
    }

    /// An event that is a message.
    pub(super) fn push_indexed(
        &mut self,
        kind: Kind,
        id: u32,
        message: &Message,
        write_head: impl FnOnce(&mut Vec<u8>),
    ) {
        self.push_parts(message, write_head);
        self.finish(kind, id);
    }

    /// An event that is a text.
    pub(super) fn push_text(&mut self, kind: Kind, id: u32, text: &[u8]) {
        self.text.extend_from_slice(text);
        self.finish(kind, id);
    }

    fn push_parts(&mut self, message: &Message, write_head: impl FnOnce(&mut Vec<u8>)) {
        let frame_start = self.text.len();
        write_head(&mut self.text);
        self.text.extend_from_slice(b"\r\n");
        let message_start = self.text.len() - frame_start;
        self.text.extend_from_slice(message.text());
        write_index(&mut self.units, message_start, message);
    }

    fn finish(&mut self, kind: Kind, id: u32) {
        self.entries.push(Entry {
            kind,
            id,
            text_end: self.text.len(),
            units_end: self.units.len(),
        });
    }
}

struct Names<'a> {
    transaction: Option<TransactionId>,
    dialog: Option<&'a DialogId>,
    /// Stands for a transaction id where there is none.
    without_transaction: &'a [u8],
}

fn write_head(text: &mut Vec<u8>, names: Names<'_>, meta: &Meta, clock: &mut WallClock) {
    write_envelope(text, meta, clock);
    text.push(b'|');
    match names.transaction {
        Some(transaction) => write_transaction(text, transaction),
        None => text.extend_from_slice(names.without_transaction),
    }
    text.push(b'|');
    write_address(text, meta.local.ip());
    text.push(b'|');
    write_number(text, meta.local.port().into());
    text.push(b'|');
    if let Some(dialog) = names.dialog {
        text.extend_from_slice(dialog.as_str().as_bytes());
    }
}

/// Offsets are 16 bits wide, which no message that was received exceeds: see
/// `MAX_HEADER_SECTION`. A header beyond their reach is left out, and so is a body.
fn write_index(units: &mut Vec<u16>, message_start: usize, message: &Message) {
    let absolute = |offset: usize| u16::try_from(message_start + offset).ok();
    let body_start = message.body_start();
    let has_body = body_start < message.text().len();
    units.push(u16::try_from(message_start).unwrap_or(u16::MAX));
    units.push(absolute(body_start).filter(|_| has_body).unwrap_or(0));
    for (id, name, name_end, value, value_end) in message.header_index() {
        let Some(value_end) = absolute(value_end) else {
            break;
        };
        units.push(id.number().into());
        units.extend([name, name_end, value].into_iter().filter_map(absolute));
        units.push(value_end);
    }
}

/// The canonical name of every header by its number.
pub(super) fn header_names() -> impl Iterator<Item = &'static str> {
    HeaderId::ALL.iter().map(|id| id.name())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Instant;

    use crate::driver::clocks;
    use crate::engine::Source;

    use bytes::Bytes;

    use super::*;
    use crate::engine::{BranchEnd, BranchId, BranchStep, CommandId, Transport};
    use crate::message::limits::{MAX_HEADER_LINE, MAX_HEADER_SECTION};

    const TEXT: &str = "OPTIONS sip:a@b SIP/2.0\r\nf: <sip:x@y>\r\nX-Thing:  some \r\n\r\n";

    fn meta(peer: &str, local: &str, size: usize) -> Meta {
        Meta {
            source: Source::Network,
            transport: Transport::Tcp,
            peer: peer.parse::<SocketAddr>().unwrap(),
            local: local.parse::<SocketAddr>().unwrap(),
            size,
            at: Instant::now(),
        }
    }

    fn news(transaction: Option<u128>, dialog: Option<&str>, text: &str) -> News {
        let text = Bytes::copy_from_slice(text.as_bytes());
        News::Message {
            transaction: transaction.map(TransactionId),
            dialog: dialog.map(|id| DialogId(id.into())),
            meta: meta("192.0.2.10:5071", "127.0.0.1:5060", 1234),
            message: Message::parse_draft(text).unwrap(),
        }
    }

    fn reply(reply: Reply) -> News {
        let command = CommandId(77);
        News::Reply { command, reply }
    }

    fn batch(news: &[News]) -> Batch {
        let mut clock = WallClock::new(clocks);
        let mut batch = Batch::default();
        for news in news {
            batch.push(news, &mut clock);
        }
        batch
    }

    fn text(frame: &Frame<'_>) -> String {
        String::from_utf8(frame.text.to_vec()).unwrap()
    }

    #[test]
    fn the_head_tells_how_the_message_came() {
        let id = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff;
        let batch = batch(&[news(Some(id), Some("a|b;from-tag=1"), TEXT)]);
        let frame = batch.frames().next().unwrap();
        assert_eq!((frame.kind, frame.id), (Kind::Message, 0));
        let text = text(&frame);
        let (head, message) = text.split_once("\r\n").unwrap();
        let tokens: Vec<&str> = head.splitn(10, '|').collect();
        assert_eq!(
            tokens[..5],
            ["network", "1234", "tcp", "192.0.2.10", "5071"]
        );
        assert_eq!(tokens[5].len(), "HH:MM:SS.uuuuuu".len());
        assert_eq!(tokens[6], TransactionId(id).to_string());
        assert_eq!(tokens[7..], ["127.0.0.1", "5060", "a|b;from-tag=1"]);
        assert_eq!(message, TEXT);
    }

    #[test]
    fn a_request_without_transaction_is_unsolicited() {
        let batch = batch(&[news(None, None, TEXT)]);
        let frame = batch.frames().next().unwrap();
        let tokens = text(&frame);
        assert_eq!(tokens.split('|').nth(6), Some("unsolicited"));
    }

    #[test]
    fn the_index_cuts_the_frame_into_headers_and_body() {
        let batch = batch(&[news(Some(1), None, &format!("{TEXT}the body"))]);
        let frame = batch.frames().next().unwrap();
        let cut = |from: u16, to: u16| {
            let range = usize::from(from)..usize::from(to);
            std::str::from_utf8(frame.text.get(range).unwrap()).unwrap()
        };
        let [message, body, headers @ ..] = frame.index else {
            panic!("{:?}", frame.index)
        };
        let end = u16::try_from(frame.text.len()).unwrap();
        assert!(cut(*message, end).starts_with("OPTIONS sip:a@b"));
        assert_eq!(cut(*body, end), "the body");
        let headers: Vec<_> = headers
            .chunks(5)
            .map(|unit| (unit[0], cut(unit[1], unit[2]), cut(unit[3], unit[4])))
            .collect();
        let from = u16::from(HeaderId::From.number());
        assert_eq!(
            headers,
            [(from, "f", "<sip:x@y>"), (255, "X-Thing", "some")]
        );
    }

    #[test]
    fn without_a_body_its_offset_is_zero() {
        let batch = batch(&[news(Some(1), None, TEXT)]);
        assert_eq!(batch.frames().next().unwrap().index[1], 0);
    }

    #[test]
    fn the_longest_dialog_id_and_header_section_are_within_reach() {
        let line = format!("X: {}\r\n", "v".repeat(1_000));
        let text = format!("OPTIONS sip:a@b SIP/2.0\r\n{}", line.repeat(47));
        assert!(text.len() > MAX_HEADER_SECTION - 1_000);
        let dialog = "d".repeat(2 * MAX_HEADER_LINE);
        let batch = batch(&[news(Some(1), Some(&dialog), &format!("{text}\r\nbody"))]);
        let frame = batch.frames().next().unwrap();
        assert!(frame.index[1] > 0);
        assert_eq!((frame.index.len() - 2) / 5, 47);
    }

    #[test]
    fn a_request_that_was_answered_in_place_of_the_application_is_named() {
        let batch = batch(&[News::Refused {
            transaction: TransactionId(5),
            status: 503,
            why: Refusal::NotAnswered(503),
        }]);
        let frame = batch.frames().next().unwrap();
        assert_eq!((frame.kind, frame.id), (Kind::Answered, 0));
        let id = TransactionId(5).to_string();
        let start = format!("{id}|503|DRT_ERR_NOT_ANSWERED|");
        assert!(text(&frame).starts_with(&start));
    }

    #[test]
    fn replies_carry_the_id_of_their_command() {
        let News::Message { meta, message, .. } = news(None, None, TEXT) else {
            unreachable!()
        };
        let batch = batch(&[
            reply(Reply::Sent {
                transaction: TransactionId(5),
                dialog: None,
                meta,
                message: message.clone(),
            }),
            reply(Reply::Refused(Refusal::UnknownTransaction)),
            reply(Reply::Branch {
                branch: Some(BranchId(3)),
                meta,
                message: message.clone(),
            }),
            reply(Reply::Branch {
                branch: None,
                meta,
                message,
            }),
            reply(Reply::Done),
        ]);
        let frames: Vec<Frame<'_>> = batch.frames().collect();
        let kinds: Vec<Kind> = frames.iter().map(|frame| frame.kind).collect();
        assert_eq!(
            kinds,
            [
                Kind::Sent,
                Kind::Refused,
                Kind::Branch,
                Kind::Branch,
                Kind::Done
            ]
        );
        assert!(frames.iter().all(|frame| frame.id == 77));
        assert!(text(&frames[0]).contains(&TransactionId(5).to_string()));
        let refusal = Refusal::UnknownTransaction;
        assert_eq!(text(&frames[1]), format!("{}|{refusal}", refusal.code()));
        assert_eq!(text(&frames[2]).split('|').nth(6), Some("3"));
        assert_eq!(text(&frames[3]).split('|').nth(6), Some(""));
        assert_eq!((frames[4].text.len(), frames[4].index.len()), (0, 0));
    }

    #[test]
    fn the_steps_of_a_branch_are_told() {
        let step = |step| {
            let (branch, at) = (BranchId(7), Instant::now());
            let batch = batch(&[reply(Reply::Progress { branch, at, step })]);
            let frame = batch.frames().next().unwrap();
            assert_eq!((frame.kind, frame.id), (Kind::Progress, 77));
            let text = text(&frame);
            text.split_once('|').unwrap().1.to_string()
        };
        let target = "sip:a@b;x=1".to_string();
        assert_eq!(
            step(BranchStep::Started { target }),
            "7|started|sip:a@b;x=1"
        );
        let (why, status) = (BranchEnd::FinalTimeout, None);
        assert_eq!(
            step(BranchStep::Ended { why, status }),
            "7|ended|final-timeout|"
        );
        let (why, status) = (BranchEnd::Failed, Some(486));
        assert_eq!(
            step(BranchStep::Ended { why, status }),
            "7|ended|failed|486"
        );
    }
}
