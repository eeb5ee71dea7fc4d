//! Between the applications and the engine: what is asked on one side is done on the other, and
//! what has happened there is told here.

use std::time::Instant;

use super::{Apps, Recipient, Request, Ruling, Submission};
use crate::engine::{AppId, Cdr, Command, CommandId, Engine, News, Reply, TransactionId};

/// An engine and its applications, for as long as something passes between them.
pub struct Exchange<'a> {
    /// The engine.
    pub engine: &'a mut Engine,
    /// Its applications.
    pub apps: &'a mut Apps,
}

impl Exchange<'_> {
    /// Does what an application asks for. True when what is asked for is another set of routes.
    pub fn carry_out(&mut self, now: Instant, app: AppId, submission: Submission) -> bool {
        let Submission { id, request } = submission;
        match request {
            Request::Route(verb) => {
                self.apps.route(app, id, &verb);
                return true;
            }
            Request::RemoveRoute(verb) => {
                self.apps.remove_route(app, id, &verb);
                return true;
            }
            Request::Act(action) => self.engine.handle_command(now, Command { app, id, action }),
            Request::Give(transaction, recipient) => {
                self.give(now, app, id, transaction, &recipient);
            }
        }
        false
    }

    /// Tells the applications what has happened in the engine. `recorded` gets every call detail
    /// record.
    pub fn tell(&mut self, now: Instant, mut recorded: impl FnMut(&Cdr)) {
        while let Some(event) = self.engine.poll_event() {
            if let News::Record(record) = &event.news {
                recorded(record);
            }
            let ruling = self.apps.dispatch(event);
            self.rule(now, ruling);
        }
    }

    fn give(
        &mut self,
        now: Instant,
        app: AppId,
        id: CommandId,
        transaction: TransactionId,
        recipient: &Recipient,
    ) {
        let reply = match self.engine.take_back(now, app, transaction) {
            Ok(news) => {
                let ruling = self.apps.give(news, recipient);
                self.rule(now, ruling);
                Reply::Done
            }
            Err(refusal) => Reply::Refused(refusal),
        };
        self.apps.reply(app, id, reply);
    }

    fn rule(&mut self, now: Instant, ruling: Option<Ruling>) {
        match ruling {
            None => {}
            Some(Ruling::Assign(transaction, app)) => self.engine.assign(transaction, app),
            Some(Ruling::Pass(transaction)) => self.engine.pass(now, transaction),
            Some(Ruling::Answer {
                transaction,
                status,
                hint,
            }) => self.engine.reject(now, transaction, status, hint),
        }
    }
}
