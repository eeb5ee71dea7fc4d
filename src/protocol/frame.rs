//! Frames: `<decimal length>#<payload>`, one after the other, without anything between them.

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

use super::envelope::write_number;
use super::token_line::MAX_TOKEN_LINE;
use crate::message::limits::MAX_STREAM_MESSAGE;

/// Bytes of one payload: the largest SIP message and its token line. A server of the original kind
/// takes no more than 99,999.
pub const MAX_PAYLOAD: usize = MAX_STREAM_MESSAGE + MAX_TOKEN_LINE;

/// Digits of a length, leading zeros included.
const MAX_DIGITS: usize = 7;

/// Memory that a reader keeps when it has nothing left to read.
const IDLE_BUFFER: usize = 16 * 1024;

/// What the length of a frame counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LengthUnit {
    /// Bytes: what applications send, and servers since 0.9.
    #[default]
    Bytes,
    /// Characters: what servers of 0.7 and 0.8 send.
    CodePoints,
}

impl LengthUnit {
    /// What a server of this version counts. Until the middle of 2018 servers counted bytes, and then said
    /// nothing of their version, as those did that came after them until 2019.
    pub fn of_server(version: &str) -> LengthUnit {
        let is_old = version.is_empty()
            || ["v0.", "0."].iter().any(|zero| {
                let minor = version
                    .strip_prefix(zero)
                    .and_then(|rest| rest.split('.').next());
                minor
                    .and_then(|minor| minor.parse::<u32>().ok())
                    .is_some_and(|minor| minor < 9)
            });
        if is_old {
            LengthUnit::CodePoints
        } else {
            LengthUnit::Bytes
        }
    }
}

/// The stream can't be read on: where its next frame begins is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Something else than digits and `#`.
    #[error("a frame does not begin with its length")]
    NotALength,
    /// More than the reader takes.
    #[error("a frame is longer than {0} bytes")]
    TooLong(usize),
}

/// Cuts a stream into payloads. What it holds is bounded by the largest payload and one `push`, if
/// the frames are taken after each of them.
#[derive(Debug)]
pub struct FrameReader {
    buffer: BytesMut,
    /// The length of the frame whose payload the buffer begins with; `None` before it is known.
    announced: Option<usize>,
    measured: Measured,
    unit: LengthUnit,
    max_payload: usize,
    failed: Option<FrameError>,
}

/// How far a payload has been counted in characters.
#[derive(Debug, Default)]
struct Measured {
    code_points: usize,
    bytes: usize,
}

impl FrameReader {
    /// A reader of payloads of up to so many bytes.
    pub fn new(max_payload: usize) -> FrameReader {
        FrameReader {
            buffer: BytesMut::new(),
            announced: None,
            measured: Measured::default(),
            unit: LengthUnit::Bytes,
            max_payload,
            failed: None,
        }
    }

    /// How lengths count from the next frame on.
    pub fn set_unit(&mut self, unit: LengthUnit) {
        self.unit = unit;
    }

    /// How many bytes a payload may have from now on.
    pub fn set_max_payload(&mut self, max_payload: usize) {
        self.max_payload = max_payload;
    }

    /// Takes what was read from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The payload of the next frame; `None` if it is not complete. Empty ones are passed over.
    ///
    /// # Errors
    /// The stream makes no sense. It never does again.
    pub fn next_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.read_frame().inspect_err(|error| {
            self.failed = Some(*error);
            self.buffer = BytesMut::new();
        })
    }

    fn read_frame(&mut self) -> Result<Option<Bytes>, FrameError> {
        loop {
            let length = match self.announced {
                Some(length) => length,
                None => match self.read_length()? {
                    Some(length) => length,
                    None => return Ok(None),
                },
            };
            self.announced = Some(length);
            let Some(size) = self.payload_size(length)? else {
                return Ok(None);
            };
            self.announced = None;
            self.measured = Measured::default();
            if size == 0 {
                continue;
            }
            // A copy, so that a message that is kept does not keep what else came with it.
            let payload = Bytes::copy_from_slice(self.buffer.get(..size).unwrap_or_default());
            self.buffer.advance(size);
            if self.buffer.is_empty() && self.buffer.capacity() > IDLE_BUFFER {
                self.buffer = BytesMut::new();
            }
            return Ok(Some(payload));
        }
    }

    fn read_length(&mut self) -> Result<Option<usize>, FrameError> {
        let mut length = 0;
        for (at, byte) in self.buffer.iter().enumerate() {
            match byte {
                b'0'..=b'9' if at < MAX_DIGITS => length = length * 10 + usize::from(byte - b'0'),
                b'0'..=b'9' => return Err(FrameError::TooLong(self.max_payload)),
                b'#' if at > 0 => {
                    if length > self.max_payload {
                        return Err(FrameError::TooLong(self.max_payload));
                    }
                    self.buffer.advance(at + 1);
                    return Ok(Some(length));
                }
                _ => return Err(FrameError::NotALength),
            }
        }
        Ok(None)
    }

    /// The bytes of the payload, once all of it is there.
    fn payload_size(&mut self, length: usize) -> Result<Option<usize>, FrameError> {
        if self.unit == LengthUnit::Bytes {
            return Ok(Some(length).filter(|size| *size <= self.buffer.len()));
        }
        let measured = &mut self.measured;
        while measured.code_points < length {
            let Some(first) = self.buffer.get(measured.bytes) else {
                return Ok(None);
            };
            measured.bytes += utf8_width(*first);
            measured.code_points += 1;
            if measured.bytes > self.max_payload {
                return Err(FrameError::TooLong(self.max_payload));
            }
        }
        Ok(Some(measured.bytes).filter(|size| *size <= self.buffer.len()))
    }
}

/// The bytes of a character by its first one (RFC 3629 §3).
fn utf8_width(first: u8) -> usize {
    match first {
        0xc0..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf7 => 4,
        _ => 1,
    }
}

/// Appends a frame, its length in bytes, whose payload `write` appends.
pub fn write_frame(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    write(out);
    let mut length = Vec::with_capacity(MAX_DIGITS + 1);
    write_number(&mut length, out.len() - start);
    length.push(b'#');
    out.splice(start..start, length);
}
