//! One connection of an application, from its opening to its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{sleep, sleep_until, timeout, timeout_at, Instant};

use super::errand::Errand;
use super::queue::{Inlet, Item, Pending, Queue};
use super::seats::Seat;
use super::writing::write_all;
use super::{Shared, MAX_TAG, MAX_TAGS};
use crate::apps::{Profile, Recipient, Request};
use crate::driver::{Submission, FLUSH_TIMEOUT};
use crate::engine::{Action, AppId, Legacy};
use crate::protocol::{AppMessage, Asked, Fault, FrameReader, Said, Secret, MAX_PAYLOAD};
use crate::transport::Stream;

/// Bytes of one message of an application that has not shown the secret.
const UNAUTHENTICATED_PAYLOAD: usize = 16 * 1024;

/// Bytes read at once.
const READ_SIZE: usize = 32 * 1024;

/// How long an application that was connected to for one request is kept without having got it, since
/// the caller has given up.
const ERRAND_PATIENCE: Duration = Duration::from_secs(5);

/// Carries on a conversation with whoever the log calls `peer` until its end. True if the application has shown the secret.
pub(super) async fn converse(
    shared: Arc<Shared>,
    stream: Stream,
    peer: String,
    mut seat: Seat,
    errand: Option<Errand>,
    authenticate_by: Instant,
) -> bool {
    let (reader, writer) = tokio::io::split(stream);
    let queue = Queue::new(shared.limits.queued_bytes, peer);
    let writing = tokio::spawn(write_all(shared.clone(), queue.clone(), writer));
    let mut conversation = Conversation {
        shared: &shared,
        queue: &queue,
        seat: &mut seat,
        errand,
        member: None,
        batch: Vec::new(),
    };
    conversation.listen(reader, authenticate_by).await;
    let member = conversation.member.take();
    queue.close();
    let is_member = member.is_some();
    if let Some(member) = member {
        tracing::info!(peer = queue.peer(), "an application has gone");
        part(&shared, member);
    }
    let abort = writing.abort_handle();
    if timeout(FLUSH_TIMEOUT, writing).await.is_err() {
        abort.abort();
    }
    is_member
}

/// An application that has shown the secret.
struct Member {
    app: AppId,
    tags: Vec<String>,
}

struct Conversation<'a> {
    shared: &'a Arc<Shared>,
    queue: &'a Arc<Queue>,
    seat: &'a mut Seat,
    errand: Option<Errand>,
    member: Option<Member>,
    /// Commands that the engine has not been given.
    batch: Vec<Submission>,
}

/// Whether the conversation goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    End,
}

impl Conversation<'_> {
    async fn listen(&mut self, mut reader: impl AsyncRead + Unpin, authenticate_by: Instant) {
        let mut frames = FrameReader::new(UNAUTHENTICATED_PAYLOAD);
        let mut buffer = vec![0; READ_SIZE];
        let queue = self.queue;
        let gives_up = sleep_until(authenticate_by + ERRAND_PATIENCE);
        tokio::pin!(gives_up);
        let mut may_give_up = self.errand.is_some();
        loop {
            // Who asks for more than is answered is read no further until it is.
            tokio::select! {
                () = queue.room(self.shared.limits.commands) => {}
                () = queue.closed() => return,
            }
            let reading = async {
                match self.member {
                    Some(_) => reader.read(&mut buffer).await.ok(),
                    None => match timeout_at(authenticate_by, reader.read(&mut buffer)).await {
                        Ok(read) => read.ok(),
                        Err(_) => {
                            tracing::warn!(peer = queue.peer(), "no secret was shown in time");
                            None
                        }
                    },
                }
            };
            let read = tokio::select! {
                read = reading => read,
                () = queue.closed() => return,
                () = &mut gives_up, if may_give_up => {
                    may_give_up = false;
                    match queue.is_told() {
                        true => continue,
                        false => return,
                    }
                }
            };
            let Some(size) = read.filter(|size| *size > 0) else {
                return;
            };
            frames.push(buffer.get(..size).unwrap_or_default());
            let next = self.hear_frames(&mut frames);
            self.submit();
            if next == Next::End {
                return;
            }
        }
    }

    fn hear_frames(&mut self, frames: &mut FrameReader) -> Next {
        loop {
            let payload = match frames.next_frame() {
                Ok(Some(payload)) => payload,
                Ok(None) => return Next::GoOn,
                Err(error) => {
                    let peer = self.queue.peer();
                    tracing::warn!(peer, %error, "an application does not speak the protocol");
                    return Next::End;
                }
            };
            let said = Said::read(&payload);
            let next = match self.member {
                Some(_) => self.hear(said),
                None => self.hear_stranger(said),
            };
            if next == Next::End {
                return Next::End;
            }
            if self.member.is_some() {
                frames.set_max_payload(MAX_PAYLOAD);
            }
        }
    }

    /// Nothing is done for one that has not shown the secret.
    fn hear_stranger(&mut self, said: Said) -> Next {
        let fault = match said.message {
            Ok(AppMessage::Authenticate { secret, tags }) => {
                if let Err(fault) = check(self.shared, &secret, &tags) {
                    fault
                } else {
                    self.welcome(said.id, tags);
                    return Next::GoOn;
                }
            }
            Err(fault) if fault.is_fatal() => fault,
            Ok(_) | Err(_) => Fault::NotAuthenticated,
        };
        tracing::warn!(peer = self.queue.peer(), %fault, "an application is turned away");
        self.queue.push(Item::Fault(said.id, fault));
        Next::End
    }

    fn welcome(&mut self, id: String, tags: Vec<String>) {
        self.seat.authenticated();
        tracing::info!(
            peer = self.queue.peer(),
            ?tags,
            "an application has connected"
        );
        // The greeting comes before anything that the engine says.
        self.queue.push(Item::Greeting(id));
        let entrance = &self.shared.entrance;
        let profile = Profile {
            tags: tags.clone(),
            ..Profile::default()
        };
        let app = entrance.attach(Box::new(Inlet::new(self.queue.clone())), profile);
        if let Some(from) = self.shared.departed().heir_of(&tags) {
            entrance.adopt(from, app);
        }
        if let Some(errand) = self.errand.take() {
            let recipient = Recipient::App(app);
            let request = Request::Give(errand.transaction, recipient);
            let id = errand.command;
            entrance.submit(errand.director, vec![Submission { id, request }]);
        }
        self.member = Some(Member { app, tags });
    }

    fn hear(&mut self, said: Said) -> Next {
        let id = said.id;
        let fault = match said.message {
            Ok(AppMessage::Ask(request)) => {
                match &request {
                    Request::Route(verb) => self.queue.want(verb, true),
                    Request::RemoveRoute(verb) => self.queue.want(verb, false),
                    Request::Act(_) | Request::Give(..) => {}
                }
                let asked = match &request {
                    Request::Route(_) | Request::RemoveRoute(_) => Asked::Route,
                    Request::Act(Action::Proxy { .. }) => Asked::Proxy,
                    Request::Act(_) | Request::Give(..) => Asked::Sip,
                };
                let id = self.queue.note(Pending { id, asked });
                self.batch.push(Submission { id, request });
                return Next::GoOn;
            }
            Ok(AppMessage::Ping) => {
                self.queue.push(Item::Pong(id));
                return Next::GoOn;
            }
            // Once more: its tags stay what they were.
            Ok(AppMessage::Authenticate { secret, tags }) => {
                match check(self.shared, &secret, &tags) {
                    Ok(()) => {
                        self.queue.push(Item::Greeting(id));
                        return Next::GoOn;
                    }
                    Err(fault) => fault,
                }
            }
            Err(fault) => fault,
        };
        let next = match fault.is_fatal() {
            true => Next::End,
            false => Next::GoOn,
        };
        // What was said before is answered before.
        self.submit();
        self.queue.push(Item::Fault(id, fault));
        next
    }

    fn submit(&mut self) {
        if let (Some(member), false) = (&self.member, self.batch.is_empty()) {
            let batch = std::mem::take(&mut self.batch);
            self.shared.entrance.submit(member.app, batch);
        }
    }
}

fn check(shared: &Shared, secret: &Secret, tags: &[String]) -> Result<(), Fault> {
    if !shared.knows(secret) {
        return Err(Fault::IncorrectSecret);
    }
    if tags.len() > MAX_TAGS || tags.iter().any(|tag| tag.len() > MAX_TAG) {
        return Err(Fault::TooManyTags);
    }
    Ok(())
}

/// An application has gone: its dialogs wait for another one, if they may, and are ended then.
fn part(shared: &Arc<Shared>, member: Member) {
    let Member { app, tags } = member;
    let dialogs = !shared.adopt.is_zero() && shared.departed().leave(app, &tags);
    let requests = true;
    shared.entrance.detach(app, Legacy { requests, dialogs });
    if !dialogs {
        return;
    }
    let shared = shared.clone();
    tokio::spawn(async move {
        sleep(shared.adopt).await;
        if shared.departed().lapse(app) {
            shared.entrance.detach(app, Legacy::default());
        }
    });
}
