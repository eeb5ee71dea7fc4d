//! The application at the proxy: it forwards by the scenario's plan, and may stop that.

use std::collections::HashSet;
use std::time::Duration;

use drachtio::engine::{
    Action, BranchEnd, BranchId, BranchStep, News, ProxyPlan, Reply, TransactionId,
};

use super::scenario::Scenario;
use crate::world::{cancel, App, Desk};

pub struct Proxy {
    plan: ProxyPlan,
    decides_after: Duration,
    stops_after: Option<Duration>,
    request: Option<TransactionId>,
    open: HashSet<BranchId>,
}

impl Proxy {
    pub fn new(scenario: &Scenario) -> Proxy {
        Proxy {
            plan: scenario.plan.clone(),
            decides_after: scenario.decides_after,
            stops_after: scenario.application_stops,
            request: None,
            open: HashSet::new(),
        }
    }

    /// Branches that have begun and not ended when the application was told that all is done.
    pub fn open_branches(&self) -> usize {
        self.open.len()
    }
}

impl App for Proxy {
    fn hear(&mut self, news: &News, desk: &mut Desk) {
        match news {
            News::Message {
                transaction,
                message,
                ..
            } if message
                .cseq()
                .is_ok_and(|cseq| cseq.method.as_str() != "CANCEL") =>
            {
                if let (None, Some(transaction)) = (self.request, *transaction) {
                    self.request = Some(transaction);
                    let plan = self.plan.clone();
                    desk.give_after(self.decides_after, Action::Proxy { transaction, plan });
                    if let Some(delay) = self.stops_after {
                        desk.give_after(self.decides_after + delay, cancel(transaction));
                    }
                }
            }
            News::Reply {
                reply: Reply::Progress { branch, step, .. },
                ..
            } => match step {
                BranchStep::Started { .. } => assert!(self.open.insert(*branch)),
                // One that was given up may answer all the same.
                BranchStep::Ended { why, .. } => {
                    let was_open = self.open.remove(branch);
                    assert!(was_open || *why == BranchEnd::Answered, "{branch:?}");
                }
            },
            _ => {}
        }
    }
}
