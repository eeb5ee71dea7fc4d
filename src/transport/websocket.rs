//! The frames of a WebSocket (RFC 6455 §5), as SIP uses them: one message of text or bytes for
//! each SIP message (RFC 7118 §5).

use std::io::Cursor;

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};
use tungstenite::protocol::frame::FrameHeader;

use super::framing::{Received, PING, PONG};
use super::limits::MAX_FRAGMENTS;
use crate::message::limits::MAX_STREAM_MESSAGE;

/// The longest payload of a control frame (RFC 6455 §5.5).
const MAX_CONTROL: usize = 125;

/// The longest header of a frame: two bytes, eight of length and four of mask.
const MAX_HEADER: usize = 14;

/// Status codes of a close frame (RFC 6455 §7.4.1).
const NORMAL: u16 = 1000;
const GOING_AWAY: u16 = 1001;

/// Who has opened the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// This side: what it sends is masked (RFC 6455 §5.3).
    Client,
    /// The peer: what it sends is masked.
    Server,
}

/// Why a WebSocket can't be followed further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum Violation {
    #[error("bad WebSocket frame")]
    BadFrame,
    #[error("WebSocket frame with the wrong masking")]
    BadMasking,
    #[error("text that is not UTF-8")]
    NotUtf8,
    #[error("message too long")]
    TooLong,
    #[error("message in too many fragments")]
    TooManyFragments,
}

impl Violation {
    /// What the peer is told (RFC 6455 §7.4.1).
    pub(super) fn status(self) -> u16 {
        match self {
            Violation::BadFrame | Violation::BadMasking => 1002,
            Violation::NotUtf8 => 1007,
            Violation::TooManyFragments => 1008,
            Violation::TooLong => 1009,
        }
    }
}

/// One WebSocket after its handshake. It holds no memory while nothing is under way.
#[derive(Debug)]
pub(super) struct WebSocket {
    role: Role,
    buffer: BytesMut,
    message: Option<Fragments>,
    failed: Option<Violation>,
}

/// A message of which not all has come.
#[derive(Debug)]
struct Fragments {
    is_text: bool,
    count: usize,
    data: BytesMut,
}

impl WebSocket {
    pub(super) fn new(role: Role) -> WebSocket {
        WebSocket {
            role,
            buffer: BytesMut::new(),
            message: None,
            failed: None,
        }
    }

    /// Adds bytes that have arrived.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    pub(super) fn is_partial(&self) -> bool {
        !self.buffer.is_empty() || self.message.is_some()
    }

    /// How many bytes wait for the rest of their message.
    pub(super) fn held(&self) -> usize {
        let fragments = self
            .message
            .as_ref()
            .map_or(0, |message| message.data.len());
        self.buffer.len() + fragments
    }

    pub(super) fn is_between_fragments(&self) -> bool {
        self.message.is_some()
    }

    /// The next thing; `None` until more bytes have arrived. After a violation there is nothing
    /// but the same violation.
    pub(super) fn next(&mut self) -> Result<Option<Received>, Violation> {
        if let Some(violation) = self.failed {
            return Err(violation);
        }
        self.find().inspect_err(|&violation| {
            self.failed = Some(violation);
            self.buffer = BytesMut::new();
            self.message = None;
        })
    }

    fn find(&mut self) -> Result<Option<Received>, Violation> {
        while let Some((header, payload)) = self.next_frame()? {
            let received = match header.opcode {
                OpCode::Control(control) => self.control(control, payload)?,
                OpCode::Data(data) => self.data(data, header.is_final, payload)?,
            };
            if received.is_some() {
                return Ok(received);
            }
        }
        Ok(None)
    }

    /// Cuts the frame in front out of the buffer, when all of it is there, and takes off its mask.
    fn next_frame(&mut self) -> Result<Option<(FrameHeader, BytesMut)>, Violation> {
        let mut cursor = Cursor::new(self.buffer.as_ref());
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| Violation::BadFrame)?;
        let Some((header, length)) = parsed else {
            return Ok(None);
        };
        let start = usize::try_from(cursor.position()).map_err(|_| Violation::BadFrame)?;
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Violation::BadFrame);
        }
        if header.mask.is_some() != (self.role == Role::Server) {
            return Err(Violation::BadMasking);
        }
        let length = usize::try_from(length).map_err(|_| Violation::TooLong)?;
        match header.opcode {
            OpCode::Control(_) if length > MAX_CONTROL || !header.is_final => {
                return Err(Violation::BadFrame);
            }
            OpCode::Data(_) if length > MAX_STREAM_MESSAGE => return Err(Violation::TooLong),
            _ => {}
        }
        let end = start.saturating_add(length);
        if self.buffer.len() < end {
            return Ok(None);
        }
        self.buffer.advance(start);
        let mut payload = match self.buffer.len() == length {
            // An idle connection holds no memory.
            true => std::mem::take(&mut self.buffer),
            false => BytesMut::from(self.buffer.get(..length).unwrap_or_default()),
        };
        self.buffer.advance(length.min(self.buffer.len()));
        if let Some(mask) = header.mask {
            apply_mask(&mut payload, mask);
        }
        Ok(Some((header, payload)))
    }

    fn control(&self, control: Control, payload: BytesMut) -> Result<Option<Received>, Violation> {
        Ok(match control {
            Control::Ping => Some(Received::Ping(
                self.frame(OpCode::Control(Control::Pong), &payload),
            )),
            Control::Pong => Some(Received::Pong),
            Control::Close => Some(Received::Farewell(self.farewell(NORMAL))),
            Control::Reserved(_) => return Err(Violation::BadFrame),
        })
    }

    fn data(
        &mut self,
        data: Data,
        is_final: bool,
        payload: BytesMut,
    ) -> Result<Option<Received>, Violation> {
        let message = match (data, self.message.take()) {
            (Data::Text | Data::Binary, None) => Fragments {
                is_text: data == Data::Text,
                count: 1,
                data: payload,
            },
            (Data::Continue, Some(mut message)) => {
                message.count += 1;
                if message.count > MAX_FRAGMENTS {
                    return Err(Violation::TooManyFragments);
                }
                if message.data.len() + payload.len() > MAX_STREAM_MESSAGE {
                    return Err(Violation::TooLong);
                }
                message.data.extend_from_slice(&payload);
                message
            }
            _ => return Err(Violation::BadFrame),
        };
        if !is_final {
            self.message = Some(message);
            return Ok(None);
        }
        if message.is_text && std::str::from_utf8(&message.data).is_err() {
            return Err(Violation::NotUtf8);
        }
        // Keep-alives of RFC 5626 may come as messages (RFC 7118 §6).
        Ok(Some(if message.data == PING {
            Received::Ping(self.wrap(&PONG))
        } else if message.data == PONG || message.data.is_empty() {
            Received::Pong
        } else {
            // Read from a larger buffer, it may hold that.
            Received::Message(Bytes::copy_from_slice(&message.data))
        }))
    }

    /// A message as one frame: of text, unless it is none.
    pub(super) fn wrap(&self, message: &[u8]) -> Bytes {
        let kind = match std::str::from_utf8(message) {
            Ok(_) => Data::Text,
            Err(_) => Data::Binary,
        };
        self.frame(OpCode::Data(kind), message)
    }

    pub(super) fn ping(&self) -> Bytes {
        self.frame(OpCode::Control(Control::Ping), &[])
    }

    pub(super) fn going_away(&self) -> Bytes {
        self.farewell(GOING_AWAY)
    }

    pub(super) fn farewell(&self, status: u16) -> Bytes {
        self.frame(OpCode::Control(Control::Close), &status.to_be_bytes())
    }

    fn frame(&self, opcode: OpCode, payload: &[u8]) -> Bytes {
        let header = FrameHeader {
            is_final: true,
            opcode,
            mask: (self.role == Role::Client).then(rand::random),
            ..FrameHeader::default()
        };
        let mut frame = Vec::with_capacity(MAX_HEADER + payload.len());
        // Writing to memory does not fail.
        let _ = header.format(payload.len() as u64, &mut frame);
        let start = frame.len();
        frame.extend_from_slice(payload);
        if let Some(mask) = header.mask {
            apply_mask(frame.get_mut(start..).unwrap_or_default(), mask);
        }
        frame.into()
    }
}

/// Puts a mask on, or takes it off (RFC 6455 §5.3), eight bytes at once.
fn apply_mask(data: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (eights, rest) = data.as_chunks_mut::<8>();
    for eight in eights {
        *eight = (u64::from_ne_bytes(*eight) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}
