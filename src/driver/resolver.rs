//! Names to addresses, by the system's resolver, which blocks and therefore runs on threads of
//! its own.

use std::collections::VecDeque;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;

use crate::engine::{Destination, Query, QueryId, Transport};

/// Look-ups under way; further ones wait their turn.
pub(super) const LOOKUPS_AT_ONCE: usize = 32;

/// How long one look-up may take.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);

/// Addresses of a name that are used; a name with thousands of them is no reason to try them all.
const MAX_ADDRESSES: usize = 8;

/// What a [`Query`] came to: destinations in the system's order, none if there are none.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) id: QueryId,
    pub(super) destinations: Vec<Destination>,
}

#[derive(Debug)]
pub(super) struct Resolver {
    waiting: VecDeque<Query>,
    active: usize,
    sender: UnboundedSender<Answer>,
    receiver: UnboundedReceiver<Answer>,
}

impl Resolver {
    pub(super) fn new() -> Resolver {
        let (sender, receiver) = unbounded_channel();
        Resolver {
            waiting: VecDeque::new(),
            active: 0,
            sender,
            receiver,
        }
    }

    /// The engine limits how many queries there may be.
    pub(super) fn ask(&mut self, query: Query) {
        self.waiting.push_back(query);
        self.start();
    }

    /// The next answer.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        match self.receiver.poll_recv(cx) {
            Poll::Ready(Some(answer)) => {
                self.active -= 1;
                self.start();
                Poll::Ready(answer)
            }
            // Never closed: this side holds a sender.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    fn start(&mut self) {
        while self.active < LOOKUPS_AT_ONCE {
            let Some(query) = self.waiting.pop_front() else {
                return;
            };
            self.active += 1;
            let sender = self.sender.clone();
            tokio::spawn(async move {
                // Fails when the engine has gone.
                let _ = sender.send(look_up(query).await);
            });
        }
    }
}

async fn look_up(query: Query) -> Answer {
    let Query { id, name } = query;
    let host = name.host;
    let transport = match (name.transport, name.secure) {
        (Some(transport), _) => transport,
        (None, true) => Transport::Tls,
        (None, false) => Transport::Udp,
    };
    let port = name.port.unwrap_or(transport.default_port());
    let found = timeout(LOOKUP_TIMEOUT, lookup_host((host.as_str(), port))).await;
    let destinations = match found {
        Ok(Ok(addresses)) => addresses
            .take(MAX_ADDRESSES)
            .map(|address| Destination { transport, address })
            .collect(),
        Ok(Err(error)) => {
            tracing::debug!(host, %error, "a name was not resolved");
            Vec::new()
        }
        Err(_) => {
            tracing::debug!(host, "a name was not resolved in time");
            Vec::new()
        }
    };
    Answer { id, destinations }
}
