//! What has happened to the calls of an application that has gone, for the one that adopts them.

use std::collections::VecDeque;

use super::command::AppId;
use super::event::News;
use super::limits::{MAX_UNTOLD, MAX_UNTOLD_BYTES};

/// The ends of calls that nobody could be told of, oldest first.
#[derive(Debug, Default)]
pub(super) struct Untold {
    /// Applications that have gone, and whose dialogs wait.
    departed: Vec<AppId>,
    ends: VecDeque<(AppId, News)>,
    /// Of the messages.
    bytes: usize,
}

impl Untold {
    /// The dialogs of this application wait for another one.
    pub(super) fn open(&mut self, app: AppId) {
        if !self.departed.contains(&app) {
            self.departed.push(app);
        }
    }

    /// Whether somebody may still come for the dialogs of this application.
    pub(super) fn awaits_heir_of(&self, app: AppId) -> bool {
        self.departed.contains(&app)
    }

    /// Keeps the end of a call. When there are too many, the oldest are forgotten.
    pub(super) fn keep(&mut self, app: AppId, end: News) {
        self.bytes += size(&end);
        self.ends.push_back((app, end));
        while self.ends.len() > MAX_UNTOLD || self.bytes > MAX_UNTOLD_BYTES {
            let Some((_, forgotten)) = self.ends.pop_front() else {
                return;
            };
            self.bytes -= size(&forgotten);
        }
    }

    /// Nobody has to wait for an heir any more: what has been kept, oldest first.
    pub(super) fn take(&mut self, app: AppId) -> Vec<News> {
        if !self.awaits_heir_of(app) {
            return Vec::new();
        }
        self.departed.retain(|other| *other != app);
        let ends = std::mem::take(&mut self.ends).into_iter();
        let (taken, kept) = ends.partition::<VecDeque<_>, _>(|(owner, _)| *owner == app);
        self.ends = kept;
        self.bytes -= taken.iter().map(|(_, end)| size(end)).sum::<usize>();
        taken.into_iter().map(|(_, end)| end).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
}

fn size(news: &News) -> usize {
    match news {
        News::Message { message, .. } => message.text().len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Meta, Path, Transport};
    use crate::message::Message;

    fn end(body: usize) -> News {
        let text = format!(
            "BYE sip:a@b SIP/2.0\r\nContent-Length: {body}\r\n\r\n{}",
            "x".repeat(body)
        );
        let message = Message::parse(text.into()).unwrap();
        let path = Path {
            transport: Transport::Udp,
            local: "10.0.0.1:5060".parse().unwrap(),
            peer: "10.0.0.2:5060".parse().unwrap(),
            connection: None,
            server: None,
        };
        News::Message {
            transaction: None,
            dialog: None,
            meta: Meta::sent(path, &message, std::time::Instant::now()),
            message,
        }
    }

    #[test]
    fn each_departed_application_s_ends_are_given_out_once() {
        let (one, other) = (AppId(1), AppId(2));
        let mut untold = Untold::default();
        untold.open(one);
        untold.open(one);
        untold.open(other);
        untold.keep(one, end(1));
        untold.keep(other, end(2));
        untold.keep(one, end(3));
        let sizes = |ends: Vec<News>| ends.iter().map(size).collect::<Vec<_>>();
        assert_eq!(sizes(untold.take(one)), [size(&end(1)), size(&end(3))]);
        assert!(!untold.awaits_heir_of(one));
        assert!(untold.take(one).is_empty());
        assert_eq!((untold.len(), untold.bytes), (1, size(&end(2))));
        assert_eq!(untold.take(other).len(), 1);
        assert_eq!((untold.len(), untold.bytes), (0, 0));
    }

    #[test]
    fn the_oldest_ends_make_room() {
        let app = AppId(1);
        let mut untold = Untold::default();
        untold.open(app);
        for _ in 0..=MAX_UNTOLD {
            untold.keep(app, end(1));
        }
        assert_eq!(untold.len(), MAX_UNTOLD);
        let large = 60_000;
        for _ in 0..MAX_UNTOLD_BYTES / large + 10 {
            untold.keep(app, end(large));
        }
        assert!(untold.bytes <= MAX_UNTOLD_BYTES);
        assert_eq!(untold.len(), MAX_UNTOLD_BYTES / size(&end(large)));
    }
}
