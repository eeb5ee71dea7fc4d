//! Changing one value of a message that is indexed already: the copy is made and the index
//! shifted, without reading the message again.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::grammar::{element_end, trim_start};
use super::header::HeaderId;
use super::limits::MAX_HEADER_SECTION;
use super::message::{Inner, Message};
use super::text::Text;

impl Message {
    /// The same message with another first value of the header, as the topmost Via gets it when
    /// the source is noted (RFC 3261 §18.2.1). `None` when the header is not there, or the
    /// header section would become longer than [`MAX_HEADER_SECTION`]. The new value is the
    /// caller's to answer for: it must be well-formed.
    pub fn with_first_value(mut self, id: HeaderId, value: &[u8]) -> Option<Message> {
        let first = self.values(id).next()?.len();
        let span = self.spans_of(id).next()?;
        let start = usize::from(span.value);
        let whole = self.text();
        let (head, tail) = (whole.get(..start)?, whole.get(start + first..)?);
        let shifted = |offset: usize| (offset + value.len()).checked_sub(first);
        let body_start = shifted(self.index().body_start)?;
        if body_start > MAX_HEADER_SECTION {
            return None;
        }
        let mut text = BytesMut::with_capacity(whole.len() + value.len());
        for part in [head, value, tail] {
            text.extend_from_slice(part);
        }
        let Inner { text: old, index } = Arc::make_mut(&mut self.inner);
        let shift = |offset: &mut u16| {
            if usize::from(*offset) > start {
                *offset = u16::try_from(shifted(usize::from(*offset))?).ok()?;
            }
            Some(())
        };
        for span in &mut index.spans {
            span.offsets().into_iter().try_for_each(shift)?;
        }
        if let Some(tags) = index.tags.get_mut() {
            tags.offsets().try_for_each(shift)?;
        }
        index.body_start = body_start;
        *old = Text::from(text.freeze());
        Some(self)
    }

    /// The text without the first value of a header that may be a comma list, and without its
    /// line when no value is left in it. `None` when the header is not there.
    pub fn text_without_first_value(&self, id: HeaderId) -> Option<Bytes> {
        let span = self.spans_of(id).find(|span| span.value < span.value_end)?;
        let value = self.slice(span.value, span.value_end);
        let first = if id.allows_list() {
            element_end(value)
        } else {
            value.len()
        };
        let rest = trim_start(value.get(first + 1..).unwrap_or_default());
        let (start, end) = if rest.is_empty() {
            (usize::from(span.name), usize::from(span.line_end))
        } else {
            let end = usize::from(span.value_end);
            (usize::from(span.value), end - rest.len())
        };
        let whole = self.text();
        let (head, tail) = (whole.get(..start)?, whole.get(end..)?);
        let mut text = BytesMut::with_capacity(head.len() + tail.len());
        text.extend_from_slice(head);
        text.extend_from_slice(tail);
        Some(text.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Message {
        Message::parse(Bytes::from(text.replace('\n', "\r\n"))).unwrap()
    }

    #[test]
    fn the_copy_is_indexed_as_if_it_had_been_read() {
        let first = message(
            "OPTIONS sip:a@b SIP/2.0\nMax-Forwards: 1\nv:  SIP/2.0/UDP one;rport , SIP/2.0/UDP two\n\
             Via: SIP/2.0/UDP three\nl: 3\n\nabc",
        );
        let copy = first
            .clone()
            .with_first_value(
                HeaderId::Via,
                b"SIP/2.0/UDP one;received=10.0.0.1;rport=5060",
            )
            .unwrap();
        let read = Message::parse(copy.text().clone()).unwrap();
        assert!(copy.header_index().eq(read.header_index()));
        assert_eq!(copy.body(), "abc");
        let vias: Vec<&[u8]> = copy.values(HeaderId::Via).collect();
        assert_eq!(
            vias,
            [
                b"SIP/2.0/UDP one;received=10.0.0.1;rport=5060".as_slice(),
                b"SIP/2.0/UDP two",
                b"SIP/2.0/UDP three"
            ]
        );
    }

    #[test]
    fn a_value_may_become_shorter() {
        let first = message("OPTIONS sip:a@b SIP/2.0\nVia: SIP/2.0/UDP one;x=y\nTo: <sip:a@b>\n\n");
        let copy = first
            .clone()
            .with_first_value(HeaderId::Via, b"SIP/2.0/UDP one")
            .unwrap();
        let read = Message::parse(copy.text().clone()).unwrap();
        assert!(copy.header_index().eq(read.header_index()));
        assert_eq!(copy.get_str(HeaderId::To), Some("<sip:a@b>"));
    }

    #[test]
    fn tags_that_were_found_before_are_found_at_their_new_places() {
        let text = "OPTIONS sip:a@b SIP/2.0\nTo: <sip:a@b>;tag=above\nVia: SIP/2.0/UDP one\n\
                    From: <sip:c@d>;tag=below\n\n";
        let first = message(text);
        assert_eq!(first.from_tag(), Some("below"));
        let copy = first
            .clone()
            .with_first_value(HeaderId::Via, b"SIP/2.0/UDP one;rport=5060")
            .unwrap();
        assert_eq!(
            (copy.to_tag(), copy.from_tag()),
            (Some("above"), Some("below"))
        );
    }

    #[test]
    fn the_first_value_of_a_list_goes_and_the_rest_of_its_line_stays() {
        let message = message("SIP/2.0 200 OK\nv: one;x=\"a,b\" ,\n two\nVia: three\nl: 3\n\nabc");
        let text = message.text_without_first_value(HeaderId::Via).unwrap();
        assert_eq!(
            text,
            "SIP/2.0 200 OK\r\nv: two\r\nVia: three\r\nl: 3\r\n\r\nabc"
        );
    }

    #[test]
    fn a_line_goes_with_its_only_value() {
        let message = message("SIP/2.0 200 OK\nVia:\nVia: one\nVia: two\n\n");
        let text = message.text_without_first_value(HeaderId::Via).unwrap();
        assert_eq!(text, "SIP/2.0 200 OK\r\nVia:\r\nVia: two\r\n\r\n");
        assert!(message.text_without_first_value(HeaderId::Route).is_none());
    }

    #[test]
    fn the_header_section_does_not_outgrow_its_cap() {
        let first = message("OPTIONS sip:a@b SIP/2.0\nVia: x\n\n");
        let value = vec![b'x'; MAX_HEADER_SECTION];
        assert!(first
            .clone()
            .with_first_value(HeaderId::Via, &value)
            .is_none());
        assert!(first.with_first_value(HeaderId::Route, b"long").is_none());
    }
}
