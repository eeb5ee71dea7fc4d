//! The class `ProtocolCodec` that JavaScript sees: a drachtio-server's stream, as the same commands and
//! events that the engine of this process takes and gives.

#![allow(unsafe_code)]

use std::cell::RefCell;
use std::panic::{RefUnwindSafe, UnwindSafe};

use bytes::Bytes;
use napi::bindgen_prelude::{Buffer, JsValue, Object, Uint8Array, Unknown};
use napi::Env;
use napi_derive::napi;

use super::engine::{internal, unknown, write_events, Result, STRIDE};
use super::frame::Batch;
use super::mailbox::SPARE_BATCH_SIZE;
use super::request::split_names;
use super::values::{Js, Value};
use crate::protocol::{
    Answer, Command, FrameReader, LengthUnit, Malformed, MessageIds, ServerMessage, TokenLine,
    MAX_PAYLOAD,
};

/// What the stream of a connection to a server says, and how it is spoken to. It has no socket: bytes go
/// in and come out.
#[napi]
pub struct ProtocolCodec {
    state: RefCell<State>,
}

struct State {
    reader: FrameReader,
    ids: MessageIds,
    /// Kept for its memory.
    batch: Batch,
    /// Kept for its memory.
    text: Vec<u8>,
}

// Everything is used on the JavaScript thread only, and a panic leaves at most a batch half done.
impl UnwindSafe for ProtocolCodec {}
impl RefUnwindSafe for ProtocolCodec {}

#[napi]
impl ProtocolCodec {
    /// A codec for one connection.
    #[napi(constructor, catch_unwind)]
    #[allow(clippy::new_without_default)]
    pub fn new() -> ProtocolCodec {
        ProtocolCodec {
            state: RefCell::new(State {
                reader: FrameReader::new(MAX_PAYLOAD),
                ids: MessageIds::new(rand::random()),
                batch: Batch::default(),
                text: Vec::new(),
            }),
        }
    }

    /// Takes what was read from the connection, and gives the events that are complete now, four entries
    /// each: kind, id, frame and index. The last one may be that the stream makes no sense: there are no
    /// more then.
    #[napi(catch_unwind)]
    pub fn receive<'env>(&self, env: &'env Env, bytes: Uint8Array) -> Result<Unknown<'env>> {
        let js = Js(env.raw());
        let mut state = self.state.borrow_mut();
        state.reader.push(&bytes);
        state.batch.clear();
        state.read_frames();
        let events = write_events(js, std::slice::from_ref(&state.batch)).map_err(internal)?;
        if state.batch.text_capacity() > SPARE_BATCH_SIZE {
            state.batch = Batch::default();
        }
        Ok(unknown(env, events))
    }

    /// The bytes of commands, four entries each: kind, id, head and text. The kinds are those of the engine,
    /// and 7 `AUTHENTICATE` with the tags and the secret, 8 `PING`.
    #[napi(catch_unwind)]
    pub fn encode(&self, env: &Env, batch: Object<'_>) -> Result<Buffer> {
        let js = Js(env.raw());
        let mut state = self.state.borrow_mut();
        let out = state.write_commands(js, batch.raw()).map_err(internal)?;
        Ok(out.into())
    }
}

impl State {
    fn read_frames(&mut self) {
        let broken = loop {
            match self.reader.next_frame() {
                Ok(Some(payload)) => match self.read_message(&payload) {
                    // A type that is not known yet is passed over.
                    Ok(()) | Err(Malformed::UnknownType(_)) => {}
                    Err(error) => break error.to_string(),
                },
                Ok(None) => return,
                Err(error) => break error.to_string(),
            }
        };
        self.batch.push_broken(&broken);
    }

    fn read_message(&mut self, payload: &Bytes) -> std::result::Result<(), Malformed> {
        let line = TokenLine::split(payload)?;
        let message = ServerMessage::read(&line)?;
        if let ServerMessage::Response {
            answer: Answer::Authenticated { version, .. },
            ..
        } = &message
        {
            self.reader.set_unit(LengthUnit::of_server(version));
        }
        self.batch.push_server_message(message, &self.ids);
        Ok(())
    }

    fn write_commands(&mut self, js: Js, batch: Value) -> napi::Result<Vec<u8>> {
        let mut out = Vec::new();
        for first in (0..js.array_length(batch)? / STRIDE).map(|command| command * STRIDE) {
            let kind = js.to_number(js.get(batch, first)?)?;
            let id = self.ids.next(js.to_number(js.get(batch, first + 1)?)?);
            js.read_text(js.get(batch, first + 2)?, &mut self.text)?;
            let head = String::from_utf8_lossy(&self.text).into_owned();
            js.read_text(js.get(batch, first + 3)?, &mut self.text)?;
            if let Some(command) = command(kind, &head, &self.text) {
                command.write(&mut out, id);
            }
        }
        Ok(out)
    }
}

/// `None` for what `lib/` never gives.
fn command<'a>(kind: u32, head: &'a str, text: &'a [u8]) -> Option<Command<'a>> {
    Some(match kind {
        1 => Command::Route(head),
        2 => Command::RemoveRoute(head),
        3 => {
            let (transaction, next_hop, dialog) = split_names(head)?;
            Command::Sip {
                transaction,
                dialog,
                next_hop,
                draft: text,
            }
        }
        4 => Command::Proxy {
            tokens: head,
            draft: text,
        },
        7 => Command::Authenticate {
            secret: std::str::from_utf8(text).ok()?,
            tags: head,
        },
        8 => Command::Ping,
        _ => return None,
    })
}
