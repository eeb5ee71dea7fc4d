//! What a drachtio-server tells, in the frames in which JavaScript is told what the engine does.

use bytes::Bytes;

use super::frame::{Batch, Kind};
use crate::message::Message;
use crate::protocol::{refusal_code, Answer, Envelope, MessageIds, ServerMessage};

/// Names in a frame.
#[derive(Default)]
struct Names<'a> {
    transaction: &'a str,
    received_on: Option<(&'a str, &'a str)>,
    dialog: &'a str,
}

impl Batch {
    /// The stream makes no sense: there is nothing after this.
    pub(super) fn push_broken(&mut self, why: &str) {
        self.push_text(Kind::Broken, 0, why.as_bytes());
    }

    /// Answers to commands that these ids do not know are passed over.
    pub(super) fn push_server_message(&mut self, message: ServerMessage<'_>, ids: &MessageIds) {
        match message {
            ServerMessage::Response { re, answer } => {
                if let Some(id) = ids.command_of(re) {
                    self.push_answer(id, answer);
                }
            }
            ServerMessage::Sip {
                envelope,
                transaction,
                dialog,
                received_on,
                message,
            } => {
                let names = Names {
                    transaction,
                    received_on,
                    dialog: &dialog,
                };
                match Message::parse(message) {
                    Ok(message) => {
                        self.push_enveloped(Kind::Message, 0, &envelope, &names, &message);
                    }
                    // No fault of the server, which passes on what it was sent.
                    Err(error) => {
                        tracing::warn!(%error, "a message of a server is not SIP");
                    }
                }
            }
            ServerMessage::Passing {
                envelope,
                transaction,
                message,
            } => {
                let names = Names {
                    transaction,
                    ..Names::default()
                };
                if let Ok(message) = Message::parse(message) {
                    self.push_enveloped(Kind::Passing, 0, &envelope, &names, &message);
                }
            }
            ServerMessage::Cdr {
                event,
                source,
                time,
                detail,
                message,
            } => {
                if let Ok(message) = Message::parse(message) {
                    let head = format!("{event}|{source}|{time}|{detail}");
                    let write = |text: &mut Vec<u8>| text.extend_from_slice(head.as_bytes());
                    self.push_indexed(Kind::Cdr, 0, &message, write);
                }
            }
            ServerMessage::Answered(tokens) => {
                self.push_text(Kind::Answered, 0, tokens.join("|").as_bytes());
            }
            ServerMessage::ConnectionClosed(tokens, lines) => {
                let text = [tokens.join("|").as_bytes(), &lines].join(&b"\r\n"[..]);
                self.push_text(Kind::Closed, 0, &text);
            }
        }
    }

    fn push_answer(&mut self, id: u32, answer: Answer<'_>) {
        match answer {
            Answer::Done | Answer::Pong => self.push_text(Kind::Done, id, b""),
            Answer::Authenticated {
                hostports,
                version,
                local_hostports,
            } => {
                let text = format!("{hostports}|{version}|{local_hostports}");
                self.push_text(Kind::Authenticated, id, text.as_bytes());
            }
            Answer::Sent {
                envelope,
                transaction,
                dialog,
                message,
            } => {
                let names = Names {
                    transaction,
                    received_on: None,
                    dialog: &dialog,
                };
                self.push_carried_out(Kind::Sent, id, &envelope, &names, message);
            }
            Answer::Branch {
                envelope,
                branch,
                message,
            } => {
                let names = Names {
                    transaction: branch,
                    ..Names::default()
                };
                self.push_carried_out(Kind::Branch, id, &envelope, &names, message);
            }
            Answer::Progress(step) => {
                self.push_text(Kind::Progress, id, step.join("|").as_bytes());
            }
            Answer::Refused(why) => self.push_refusal(id, refusal_code(&why), &why),
        }
    }

    fn push_carried_out(
        &mut self,
        kind: Kind,
        id: u32,
        envelope: &Envelope<'_>,
        names: &Names<'_>,
        message: Bytes,
    ) {
        match Message::parse(message) {
            Ok(message) => self.push_enveloped(kind, id, envelope, names, &message),
            Err(error) if kind == Kind::Sent => {
                self.push_refusal(id, "DRT_ERR_UNREADABLE", &error.to_string());
            }
            Err(_) => {}
        }
    }

    fn push_enveloped(
        &mut self,
        kind: Kind,
        id: u32,
        envelope: &Envelope<'_>,
        names: &Names<'_>,
        message: &Message,
    ) {
        self.push_indexed(kind, id, message, |text| {
            envelope.write(text);
            let (address, port) = names.received_on.unwrap_or_default();
            for name in [names.transaction, address, port, names.dialog] {
                text.push(b'|');
                text.extend_from_slice(name.as_bytes());
            }
        });
    }
}
