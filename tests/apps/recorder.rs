//! Applications that only keep what they are told, and events for them.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use drachtio::apps::{Apps, Outlet, Profile, Ruling};
use drachtio::engine::{AppId, Event, Hint, Meta, News, Source, TransactionId, Transport};
use drachtio::message::Message;

/// The transaction of every request here.
pub const REQUEST: TransactionId = TransactionId(1);

/// What an application was told and how far it is behind.
#[derive(Default)]
pub struct Record {
    pub news: Vec<News>,
    pub flushes: usize,
    pub backlog: usize,
    pub waits: Duration,
    pub end: Option<Option<String>>,
}

/// An application that keeps what it is told.
#[derive(Clone, Default)]
pub struct Recorder(pub Arc<Mutex<Record>>);

impl Recorder {
    pub fn told(&self) -> usize {
        self.0.lock().unwrap().news.len()
    }

    pub fn set_backlog(&self, backlog: usize) {
        self.0.lock().unwrap().backlog = backlog;
    }

    pub fn set_waits(&self, waits: Duration) {
        self.0.lock().unwrap().waits = waits;
    }
}

impl Outlet for Recorder {
    fn deliver(&mut self, news: News) {
        self.0.lock().unwrap().news.push(news);
    }

    fn flush(&mut self) {
        self.0.lock().unwrap().flushes += 1;
    }

    fn backlog(&self) -> usize {
        self.0.lock().unwrap().backlog
    }

    fn waits(&self) -> Duration {
        self.0.lock().unwrap().waits
    }

    fn end(&mut self, failure: Option<&str>) {
        self.0.lock().unwrap().end = Some(failure.map(str::to_owned));
    }
}

pub fn apps(routes: &[&[&str]]) -> (Apps, Vec<Recorder>) {
    let mut apps = Apps::default();
    let mut recorders = Vec::new();
    for (id, verbs) in (1..).zip(routes) {
        let recorder = Recorder::default();
        let verbs = verbs.iter().map(|verb| (*verb).to_owned()).collect();
        let profile = Profile {
            verbs,
            ..Profile::default()
        };
        apps.add(AppId(id), Box::new(recorder.clone()), profile);
        recorders.push(recorder);
    }
    (apps, recorders)
}

pub fn event(app: Option<AppId>, start_line: &str) -> Event {
    let address = "127.0.0.1:5060".parse().unwrap();
    let message = Message::parse_draft(format!("{start_line}\r\n\r\n").into()).unwrap();
    let meta = Meta {
        source: Source::Network,
        transport: Transport::Udp,
        peer: address,
        local: address,
        size: message.text().len(),
        at: Instant::now(),
    };
    let news = News::Message {
        transaction: Some(REQUEST),
        dialog: None,
        meta,
        message,
    };
    Event { app, news }
}

pub fn new_request(method: &str) -> Event {
    event(None, &format!("{method} sip:a@b SIP/2.0"))
}

pub fn passing(method: &str) -> Event {
    match new_request(method).news {
        News::Message { meta, message, .. } => Event {
            app: None,
            news: News::Passing {
                transaction: REQUEST,
                meta,
                message,
            },
        },
        other => panic!("{other:?}"),
    }
}

pub fn rejection(status: u16, hint: Option<Hint>) -> Option<Ruling> {
    Some(Ruling::Answer {
        transaction: REQUEST,
        status,
        hint,
    })
}

pub fn add(apps: &mut Apps, id: u32, verbs: &[&str], tags: &[&str], directs: bool) -> Recorder {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let profile = Profile {
        verbs: owned(verbs),
        tags: owned(tags),
        directs,
    };
    let recorder = Recorder::default();
    apps.add(AppId(id), Box::new(recorder.clone()), profile);
    recorder
}
