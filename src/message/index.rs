//! The index over a message's header section: where each line, name and value lies.

use std::sync::OnceLock;

use memchr::memchr;

use super::class::Class;
use super::grammar::{find_near, number, trim_end, trim_start};
use super::header::HeaderId;
use super::limits::{MAX_HEADERS, MAX_HEADER_LINE, MAX_HEADER_SECTION, MAX_START_LINE};
use super::parse_error::ParseError;
use super::start_line::StartSpan;

// The offsets of a Span are 16 bits wide.
const _: () = assert!(MAX_HEADER_SECTION + 2 * MAX_HEADER_LINE + 512 <= u16::MAX as usize);

/// Room for the headers of a usual message, so that the index is allocated once.
const USUAL_HEADERS: usize = 20;

/// Where everything lies in the text of a message.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    pub(crate) start: StartSpan,
    /// The length of the start line without its CRLF.
    pub(crate) start_length: u16,
    pub(crate) spans: Vec<Span>,
    /// The [`HeaderId::bit`]s of all headers that are there.
    pub(crate) present: u64,
    /// Where the body begins; the text's length when the blank line is missing.
    pub(crate) body_start: usize,
    /// What the Content-Length fields say together.
    pub(crate) content_length: Result<Option<u32>, ParseError>,
    /// True when a CR or LF was not part of a CRLF.
    pub(crate) has_lone_break: bool,
    /// The first other thing that is wrong.
    pub(crate) flaw: Option<ParseError>,
    /// Found when first asked for, and then kept: they are asked for half a dozen times.
    pub(crate) tags: OnceLock<Tags>,
}

/// Where the tags of From and To lie in the text: start and end.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tags {
    pub(crate) from: Option<(u16, u16)>,
    pub(crate) to: Option<(u16, u16)>,
}

/// Where one header field lies in the text; the line begins with the name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) id: HeaderId,
    pub(crate) name: u16,
    pub(crate) name_end: u16,
    pub(crate) value: u16,
    pub(crate) value_end: u16,
    /// Behind the CRLF that ends the field, folds included.
    pub(crate) line_end: u16,
}

impl Span {
    pub(crate) fn offsets(&mut self) -> [&mut u16; 5] {
        [
            &mut self.name,
            &mut self.name_end,
            &mut self.value,
            &mut self.value_end,
            &mut self.line_end,
        ]
    }
}

impl Tags {
    pub(crate) fn offsets(&mut self) -> impl Iterator<Item = &mut u16> {
        let places = [&mut self.from, &mut self.to].into_iter().flatten();
        places.flat_map(|(start, end)| [start, end])
    }
}

impl Index {
    /// Reads the start line and the headers. Fails only without a usable start line, and
    /// otherwise reads on after what is wrong, so that the message can be answered.
    pub(crate) fn read(text: &[u8]) -> Result<Index, ParseError> {
        let mut lines = Lines::new(text);
        let start_line = lines.start_line().ok_or(ParseError::NotSip)?;
        let mut index = Index {
            start: StartSpan::find(start_line)?,
            start_length: u16::try_from(start_line.len())
                .map_err(|_| ParseError::StartLineTooLong)?,
            spans: Vec::with_capacity(USUAL_HEADERS),
            present: 0,
            body_start: text.len(),
            content_length: Ok(None),
            has_lone_break: false,
            flaw: None,
            tags: OnceLock::new(),
        };
        if start_line.len() > MAX_START_LINE {
            index.note(ParseError::StartLineTooLong);
        }
        index.read_headers(&mut lines);
        index.has_lone_break = lines.has_lone_break();
        Ok(index)
    }

    fn read_headers(&mut self, lines: &mut Lines<'_>) {
        loop {
            let start = lines.at;
            let Some(line) = lines.next_line() else {
                return self.note(if lines.text.len() > MAX_HEADER_SECTION {
                    ParseError::HeaderSectionTooLong
                } else {
                    ParseError::NoBlankLine
                });
            };
            if lines.at > MAX_HEADER_SECTION {
                return self.note(ParseError::HeaderSectionTooLong);
            }
            if line == b"\r\n" {
                self.body_start = lines.at;
                return;
            }
            if line.len() > MAX_HEADER_LINE {
                self.note(ParseError::HeaderLineTooLong);
                continue;
            }
            let Some(id) = read_header(line, start, &mut self.spans) else {
                self.note(ParseError::BadHeaderLine);
                continue;
            };
            self.present |= id.bit();
            if id == HeaderId::ContentLength {
                self.content_length = self.add_content_length(lines.text);
            }
            if self.spans.len() > MAX_HEADERS {
                self.spans.pop();
                self.note(ParseError::TooManyHeaders);
            }
        }
    }

    /// What Content-Length says with the field that has just been indexed. The same number
    /// twice is harmless; two numbers leave no way to tell where the message ends
    /// (RFC 4475 §3.3.9).
    fn add_content_length(&self, text: &[u8]) -> Result<Option<u32>, ParseError> {
        let before = self.content_length?;
        let length = self.spans.last().and_then(|span| {
            let value = text.get(usize::from(span.value)..usize::from(span.value_end));
            value.and_then(number)
        });
        if length.is_none() {
            return Err(ParseError::BadContentLength);
        }
        if before.is_some() && before != length {
            return Err(ParseError::ConflictingContentLength);
        }
        Ok(length)
    }

    pub(crate) fn note(&mut self, flaw: ParseError) {
        self.flaw.get_or_insert(flaw);
    }
}

/// Walks over the lines of a message.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    /// How many CRLFs there were, within folds too.
    breaks: usize,
    /// True once a LF stood alone.
    has_lone_lf: bool,
}

impl<'a> Lines<'a> {
    fn new(text: &'a [u8]) -> Self {
        Lines {
            text,
            at: 0,
            breaks: 0,
            has_lone_lf: false,
        }
    }

    /// The start line without its CRLF; `None` when there is no CRLF.
    fn start_line(&mut self) -> Option<&'a [u8]> {
        self.skip_break(0)?;
        self.text.get(..self.at - 2)
    }

    /// The next header field with its folds and its CRLF; the blank line is a CRLF alone.
    /// `None` when there is no CRLF any more.
    fn next_line(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        loop {
            self.skip_break(start)?;
            // A line that white space follows is folded (RFC 3261 §7.3.1), unless it is blank.
            let is_folded = matches!(self.text.get(self.at), Some(b' ' | b'\t'));
            if !is_folded || self.at == start + 2 {
                return self.text.get(start..self.at);
            }
        }
    }

    /// Goes behind the next CRLF of the line that began at `start`.
    fn skip_break(&mut self, start: usize) -> Option<()> {
        loop {
            let line_feed = self.at + memchr(b'\n', self.text.get(self.at..)?)?;
            self.at = line_feed + 1;
            if line_feed > start && self.text.get(line_feed - 1) == Some(&b'\r') {
                self.breaks += 1;
                return Some(());
            }
            self.has_lone_lf = true;
        }
    }

    /// True when a CR or LF in what has been read was not part of a CRLF. To be asked at the
    /// end: one count of the CRs is cheaper than a look for them in every line.
    fn has_lone_break(&self) -> bool {
        self.has_lone_lf || count_cr(self.text.get(..self.at).unwrap_or_default()) != self.breaks
    }
}

/// Counts without a branch per byte: in sums of bytes that can't overflow, which the compiler
/// makes into vector instructions.
fn count_cr(text: &[u8]) -> usize {
    text.chunks(128)
        .map(|chunk| {
            let count: u8 = chunk.iter().map(|&byte| u8::from(byte == b'\r')).sum();
            usize::from(count)
        })
        .sum()
}

/// Splits a line into name and value: `token *(SP / HTAB) ":" value` (RFC 3261 §25.1 HCOLON).
/// `line` and `start` are within the limits, so that 16 bits hold every offset. The span is
/// pushed here rather than returned: reading it back at once would wait for the writes.
#[inline(never)]
fn read_header(line: &[u8], start: usize, spans: &mut Vec<Span>) -> Option<HeaderId> {
    let colon = find_near(line, b':')?;
    let (mut name, value) = line.split_at_checked(colon)?;
    while let [rest @ .., b' ' | b'\t'] = name {
        name = rest;
    }
    let id = HeaderId::from_name(name);
    if id == HeaderId::Other && !Class::TOKEN.is_all(name) {
        return None;
    }
    let value = trim_start(value.get(1..)?.strip_suffix(b"\r\n")?);
    let value_start = line.len() - 2 - value.len();
    let value = trim_end(value);
    let offset = |at: usize| (start + at) as u16;
    spans.push(Span {
        id,
        name: offset(0),
        name_end: offset(name.len()),
        value: offset(value_start),
        value_end: offset(value_start + value.len()),
        line_end: offset(line.len()),
    });
    Some(id)
}
