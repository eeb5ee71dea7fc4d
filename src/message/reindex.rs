//! The index of a message that has been edited: what the edit kept is not read again.

use std::sync::OnceLock;

use super::edit::{Edit, Line};
use super::header::HeaderId;
use super::index::{Index, Span, Tags};
use super::limits::{MAX_HEADERS, MAX_HEADER_LINE, MAX_HEADER_SECTION, MAX_START_LINE};
use super::message::Message;
use super::start_line::StartSpan;

impl Edit<'_> {
    /// The new message, as [`Message::parse`] would index it. `None` where
    /// [`finish`](Self::finish) fails, or what it returns can't be parsed.
    pub fn finish_message(&self) -> Option<Message> {
        let text = self.finish().ok()?;
        match self.index() {
            Some(index) => Some(Message::new(text, index)),
            None => Message::parse(text).ok(),
        }
    }

    /// `None` when something is unusual enough to be looked at again.
    fn index(&self) -> Option<Index> {
        let old = self.message.index();
        if old.flaw.is_some() || self.body.is_some() || self.lines.len() > MAX_HEADERS {
            return None;
        }
        let (start, start_length) = self.start_line()?;
        let mut at = usize::from(start_length) + 2;
        let mut spans = Vec::with_capacity(self.lines.len());
        let mut present = 0;
        let mut tags = Some(Tags::default());
        for line in &self.lines {
            let moved = |offset: u32| u16::try_from(at + (offset - line.name) as usize).ok();
            present |= line.id.bit();
            spans.push(Span {
                id: line.id,
                name: moved(line.name)?,
                name_end: moved(line.name_end)?,
                value: moved(line.value)?,
                value_end: moved(line.value_end)?,
                line_end: moved(line.line_end)?,
            });
            if matches!(line.id, HeaderId::From | HeaderId::To) {
                let old = old.tags.get().filter(|_| self.is_first(line));
                tags = tags.and_then(|tags| moved_tags(tags, old?, line, at));
            }
            let length = (line.line_end - line.name) as usize;
            if length > MAX_HEADER_LINE || (line.is_written && is_length(line.id)) {
                return None;
            }
            at += length;
        }
        let body_start = at + 2;
        let kept_length = (present ^ old.present) & HeaderId::ContentLength.bit() == 0;
        if body_start > MAX_HEADER_SECTION || !kept_length || !self.has_right_length() {
            return None;
        }
        Some(Index {
            start,
            start_length,
            spans,
            present,
            body_start,
            content_length: old.content_length,
            has_lone_break: false,
            flaw: None,
            tags: tags.map(OnceLock::from).unwrap_or_default(),
        })
    }

    /// True for the line that the header was read from before.
    fn is_first(&self, line: &Line) -> bool {
        let first = self.message.spans_of(line.id).next();
        !line.is_written && first.is_some_and(|first| u32::from(first.name) == line.name)
    }

    /// True unless the body is that of a draft, whose Content-Length nobody has looked at.
    fn has_right_length(&self) -> bool {
        match self.message.index().content_length {
            Ok(Some(length)) => usize::try_from(length) == Ok(self.message.body_octets().len()),
            length => length.is_ok(),
        }
    }

    fn start_line(&self) -> Option<(StartSpan, u16)> {
        let old = self.message.index();
        let start_length = usize::from(old.start_length);
        let (
            StartSpan::Request {
                uri,
                uri_end,
                version,
                ..
            },
            Some(new),
        ) = (old.start, &self.request_uri)
        else {
            return Some((old.start, old.start_length));
        };
        if version == uri_end {
            // Nothing stands between them, so where the URI ends depends on what is in it.
            return None;
        }
        let kept = usize::from(uri_end - uri);
        let moved = |offset: usize| u16::try_from((offset + new.len()).checked_sub(kept)?).ok();
        let start_length = moved(start_length).filter(|it| usize::from(*it) <= MAX_START_LINE)?;
        let mut start = old.start;
        if let StartSpan::Request {
            uri_end,
            version,
            version_end,
            ..
        } = &mut start
        {
            for offset in [uri_end, version, version_end] {
                *offset = moved(usize::from(*offset))?;
            }
        }
        Some((start, start_length))
    }
}

/// Where the tags are when the line that has one begins at `at`.
fn moved_tags(mut tags: Tags, old: &Tags, line: &Line, at: usize) -> Option<Tags> {
    let moved = |offset: u16| {
        let within = usize::from(offset).checked_sub(line.name as usize)?;
        u16::try_from(at + within).ok()
    };
    let place = |old: Option<(u16, u16)>| match old {
        Some((start, end)) => Some(Some((moved(start)?, moved(end)?))),
        None => Some(None),
    };
    match line.id {
        HeaderId::From => tags.from = place(old.from)?,
        _ => tags.to = place(old.to)?,
    }
    Some(tags)
}

fn is_length(id: HeaderId) -> bool {
    id == HeaderId::ContentLength
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const INVITE: &str = "INVITE sip:bob@example.com SIP/2.0\n\
        Via: SIP/2.0/UDP one;branch=z9hG4bK1 ,\n SIP/2.0/UDP two\nRoute: <sip:a;lr>, <sip:b;lr>\n\
        From: <sip:alice@example.com>;tag=f\nt: Bob <sip:bob@example.com>;tag=t\ni: 1\n\
        CSeq: 1 INVITE\nX-Empty:\nMax-Forwards: 70\nl: 4\n\nbody";

    fn message() -> Message {
        Message::parse(Bytes::from(INVITE.replace('\n', "\r\n"))).unwrap()
    }

    /// The edited message, which must be what a parser makes of its text.
    fn edited(change: impl FnOnce(&mut Edit<'_>)) -> Message {
        let message = message();
        message.validate().unwrap();
        let mut edit = message.edit();
        change(&mut edit);
        let edited = edit.finish_message().unwrap();
        let parsed = Message::parse(edited.text().clone()).unwrap();
        assert!(edited.header_index().eq(parsed.header_index()));
        assert_eq!(edited.index().present, parsed.index().present);
        assert_eq!(edited.start_line(), parsed.start_line());
        assert_eq!(edited.body(), parsed.body());
        assert_eq!(edited.flaw(), parsed.flaw());
        assert_eq!(
            (edited.from_tag(), edited.to_tag()),
            (parsed.from_tag(), parsed.to_tag())
        );
        assert_eq!(edited.validate(), parsed.validate());
        edited
    }

    #[test]
    fn nothing_changes_without_a_change() {
        assert_eq!(edited(|_| {}).text(), message().text());
    }

    #[test]
    fn lines_that_come_and_go_move_the_others() {
        edited(|edit| {
            edit.prepend(HeaderId::Via, "SIP/2.0/UDP zero;branch=z9hG4bK0");
            edit.set(HeaderId::MaxForwards, "69");
            edit.remove_first_value(HeaderId::Route);
            edit.append("X-Folded", "one\r\n two");
            edit.append("X-None", "");
        });
        edited(|edit| {
            edit.remove(HeaderId::Route);
            edit.remove_named("x-empty");
        });
    }

    #[test]
    fn the_request_uri_may_become_longer_or_shorter() {
        let longer = edited(|edit| {
            edit.set_request_uri("sip:somebody-else@far-away.example.com:5070;transport=tcp");
        });
        assert_eq!(longer.to_tag(), Some("t"));
        edited(|edit| {
            edit.set_request_uri("sip:b");
        });
    }

    #[test]
    fn a_new_from_or_to_has_its_own_tag() {
        let message = edited(|edit| {
            edit.set(HeaderId::To, "<sip:bob@example.com>;tag=other");
        });
        assert_eq!(
            (message.from_tag(), message.to_tag()),
            (Some("f"), Some("other"))
        );
        let message = edited(|edit| {
            edit.append(HeaderId::From, "<sip:eve@example.com>;tag=second");
        });
        assert_eq!(message.from_tag(), Some("f"));
    }

    #[test]
    fn the_tag_is_that_of_the_line_which_has_become_the_first() {
        let mut message = message();
        for from in ["<sip:alice@example.com>", "<sip:eve@example.com>;tag=e"] {
            let mut edit = message.edit();
            match from.contains("tag") {
                false => edit.set(HeaderId::From, from),
                true => edit.append(HeaderId::From, from),
            };
            message = edit.finish_message().unwrap();
        }
        assert_eq!(message.from_tag(), None);
        let mut edit = message.edit();
        edit.remove_first_value(HeaderId::From);
        assert_eq!(edit.finish_message().unwrap().from_tag(), Some("e"));
    }

    #[test]
    fn the_body_of_a_draft_ends_where_its_content_length_says() {
        let draft = Message::parse_draft("INFO sip:a SIP/2.0\r\nl: 2\r\n\r\nbody".into()).unwrap();
        assert_eq!(draft.body(), "body");
        assert_eq!(draft.edit().finish_message().unwrap().body(), "bo");
    }

    #[test]
    fn the_length_of_the_body_is_looked_at_again_if_its_header_changes() {
        let shorter = edited(|edit| {
            edit.set(HeaderId::ContentLength, "2");
        });
        assert_eq!(shorter.body(), "bo");
        edited(|edit| {
            edit.remove(HeaderId::ContentLength);
        });
        edited(|edit| {
            edit.set_body("another");
        });
    }

    #[test]
    fn what_outgrows_a_limit_is_noted() {
        let flaw = |change: fn(&mut Edit<'_>)| edited(change).flaw();
        assert!(flaw(|edit| {
            edit.append("X-Long", "x".repeat(MAX_HEADER_LINE));
        })
        .is_some());
        assert!(flaw(|edit| {
            for _ in 0..MAX_HEADERS {
                edit.append("X-Many", "x");
            }
        })
        .is_some());
        assert!(flaw(|edit| {
            for _ in 0..8 {
                edit.append("X-Large", "x".repeat(MAX_HEADER_LINE - 20));
            }
        })
        .is_some());
        assert!(flaw(|edit| {
            edit.set_request_uri(&format!("sip:{}", "x".repeat(MAX_START_LINE)));
        })
        .is_some());
    }
}
