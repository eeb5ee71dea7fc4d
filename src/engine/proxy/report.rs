//! What the application is told of a proxied request.

use std::time::Instant;

use super::{Kind, Search};
use crate::engine::event::{BranchEnd, BranchId, BranchStep, Meta, Reply};
use crate::engine::{Engine, ProxyKey};
use crate::message::Message;

/// How the application hears of the end of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// By the last report.
    Reported,
    /// By the refusal of its command.
    Refused,
}

impl Engine {
    /// A branch has given a response, or the engine has made one in the name of them all.
    pub(super) fn report_response(
        &mut self,
        key: ProxyKey,
        at: Option<usize>,
        meta: Meta,
        response: &Message,
    ) {
        let is_final = response.status() >= Some(200);
        let Some(Search {
            kind: Kind::Asked { plan, app, command },
            ..
        }) = self.search(key)
        else {
            return;
        };
        if plan.progress || (is_final && plan.full_response) {
            let (app, command) = (*app, *command);
            let reply = Reply::Branch {
                branch: at.and_then(branch_id),
                meta,
                message: response.clone(),
            };
            self.reply(app, command, reply);
        }
    }

    /// The turn of a branch has come.
    pub(super) fn report_start(&mut self, now: Instant, key: ProxyKey, at: usize) {
        self.report_step(now, key, at, |search| {
            let branch = search.branches.get(at)?;
            let target = branch.target.uri.clone();
            Some(BranchStep::Started { target })
        });
    }

    /// A branch counts no longer.
    pub(super) fn report_end(
        &mut self,
        now: Instant,
        key: ProxyKey,
        at: usize,
        why: BranchEnd,
        status: Option<u16>,
    ) {
        self.report_step(now, key, at, |_| Some(BranchStep::Ended { why, status }));
    }

    fn report_step(
        &mut self,
        now: Instant,
        key: ProxyKey,
        at: usize,
        step: impl FnOnce(&Search) -> Option<BranchStep>,
    ) {
        let Some(search) = self.search(key) else {
            return;
        };
        let Kind::Asked { plan, app, command } = &search.kind else {
            return;
        };
        if !plan.progress {
            return;
        }
        let (app, command) = (*app, *command);
        if let (Some(branch), Some(step)) = (branch_id(at), step(search)) {
            let at = now;
            self.reply(app, command, Reply::Progress { branch, at, step });
        }
    }
}

/// There are fewer branches than numbers, see `limits::MAX_BRANCHES`.
fn branch_id(at: usize) -> Option<BranchId> {
    u16::try_from(at).ok().map(BranchId)
}
