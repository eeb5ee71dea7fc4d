//! The look-ups of one engine: those of one name are merged, and all are limited in number and
//! time. They run as tasks of their own, so that the engine never waits.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::task::{self, JoinSet};
use tokio::time::{timeout_at, Instant};

use super::locate::{locate, Located, Reach};
use super::lookup::Lookups;
use super::records::{Answers, Records, MAX_QUESTIONS};
use super::DnsSettings;
use rand::rngs::StdRng;
use rand::SeedableRng;

use crate::engine::{Destination, Listener, Name, Query, QueryId};

/// Names looked up at once; further ones wait their turn.
pub const LOOKUPS_AT_ONCE: usize = 64;

/// What a [`Query`] came to.
#[derive(Debug)]
pub struct Answer {
    /// Of the query.
    pub id: QueryId,
    /// Where the name leads to, best first; nowhere if that is not known.
    pub destinations: Vec<Destination>,
}

/// The look-ups of one engine. Dropping it ends them.
pub struct Resolver {
    lookups: Arc<Lookups>,
    reach: Arc<Reach>,
    deadline: Duration,
    /// Who waits for a name, and with which draw among its servers.
    asking: HashMap<Name, Vec<(QueryId, u64)>>,
    /// The names whose look-up has not begun.
    waiting: VecDeque<Name>,
    running: JoinSet<Answers>,
    names: HashMap<task::Id, Name>,
    ready: VecDeque<Answer>,
}

impl Resolver {
    /// Looks up for an engine on these listeners. Must be called inside a tokio runtime.
    pub fn new(settings: &DnsSettings, listeners: &[Listener]) -> Resolver {
        let reach = Reach::of(listeners, settings.naptr);
        Resolver {
            lookups: Arc::new(Lookups::new(settings, &reach)),
            reach: Arc::new(reach),
            deadline: settings.deadline,
            asking: HashMap::new(),
            waiting: VecDeque::new(),
            running: JoinSet::new(),
            names: HashMap::new(),
            ready: VecDeque::new(),
        }
    }

    /// The engine limits how many queries there may be.
    pub fn ask(&mut self, query: Query) {
        let Query { id, name, draw } = query;
        if let Some(others) = self.asking.get_mut(&name) {
            others.push((id, draw));
            return;
        }
        self.asking.insert(name.clone(), vec![(id, draw)]);
        self.waiting.push_back(name);
        self.start();
    }

    /// The next answer.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Answer> {
        loop {
            if let Some(answer) = self.ready.pop_front() {
                return Poll::Ready(answer);
            }
            let (id, answers) = match self.running.poll_join_next_with_id(cx) {
                Poll::Ready(Some(Ok((id, answers)))) => (id, answers),
                // It has panicked: nothing is known of the name.
                Poll::Ready(Some(Err(error))) => (error.id(), Answers::new()),
                // Nothing is under way, and `ask` is what changes that.
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            };
            if let Some(name) = self.names.remove(&id) {
                self.answer(&name, &answers);
            }
            self.start();
        }
    }

    /// Everybody who waits for the name gets a draw of their own among its servers.
    fn answer(&mut self, name: &Name, answers: &Answers) {
        for (id, draw) in self.asking.remove(name).unwrap_or_default() {
            let destinations = match locate_now(name, &self.reach, answers, draw) {
                Located::At(destinations) => destinations,
                Located::Ask(_) => Vec::new(),
            };
            self.ready.push_back(Answer { id, destinations });
        }
    }

    fn start(&mut self) {
        while self.running.len() < LOOKUPS_AT_ONCE {
            let Some(name) = self.waiting.pop_front() else {
                return;
            };
            let deadline = Instant::now() + self.deadline;
            let (lookups, reach) = (self.lookups.clone(), self.reach.clone());
            let wanted = name.clone();
            let task = async move { gather(&wanted, &reach, &lookups, deadline).await };
            let id = self.running.spawn(task).id();
            self.names.insert(id, name);
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver")
            .field("asking", &self.asking)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

fn locate_now(name: &Name, reach: &Reach, answers: &Answers, draw: u64) -> Located {
    locate(name, reach, answers, &mut StdRng::seed_from_u64(draw))
}

/// Asks until everything is known that there is to know of a name, or the time is over: then
/// what has been answered must do.
async fn gather(name: &Name, reach: &Reach, lookups: &Arc<Lookups>, deadline: Instant) -> Answers {
    let mut answers = Answers::new();
    while let Located::Ask(questions) = locate_now(name, reach, &answers, 0) {
        let mut asked = JoinSet::new();
        for question in questions {
            if answers.len() < MAX_QUESTIONS && Instant::now() < deadline {
                let (lookups, question) = (lookups.clone(), question.clone());
                asked.spawn(async move {
                    let records = lookups.ask(&question).await;
                    (question, records)
                });
            }
            // Until there is an answer, and if there is none.
            answers.insert(question, Records::default());
        }
        while let Ok(Some(answered)) = timeout_at(deadline, asked.join_next()).await {
            if let Ok((question, records)) = answered {
                answers.insert(question, records);
            }
        }
    }
    answers
}
