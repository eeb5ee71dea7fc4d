//! Reliable provisional responses that an application gives (RFC 3262 §3).

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use super::compose::ResponseParts;
use super::event::Refusal;
use super::offers::{has_session, Carrier, Side};
use super::path::Sender;
use super::transaction::Backoff;
use super::uas::check_composed;
use super::uas_dialog::Answer;
use super::{limits, Engine, ServerKey};
use crate::message::{HeaderId, Message};

/// The option tag of RFC 3262.
const OPTION_100REL: &str = "100rel";

/// Why a call ended that the application had accepted; it sees this text.
const REASON_PRACK_TIMEOUT: &str = "SIP ;cause=504 ;text=\"PRACK timeout\"";

/// The reliable provisional responses of one INVITE.
#[derive(Debug)]
pub(crate) struct ReliableProvisionals {
    next_rseq: u32,
    /// The response that awaits its PRACK.
    outstanding: Option<Outstanding>,
    /// Those that may be sent only after that (§3).
    queued: VecDeque<Queued>,
}

#[derive(Debug)]
struct Outstanding {
    rseq: u32,
    response: Bytes,
    has_body: bool,
    asked: Asked,
    repeat: Backoff,
    give_up: Instant,
}

#[derive(Debug)]
struct Queued {
    /// `None` for the final 2xx.
    rseq: Option<u32>,
    asked: Asked,
    code: u16,
    has_body: bool,
    response: Bytes,
}

/// Who wants a response to be reliable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// The application: it answers the PRACK.
    ByApplication,
    /// Only the caller, with `Require: 100rel`: the engine answers the PRACK.
    ByCaller,
}

/// What a PRACK means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrackVerdict {
    /// It acknowledges nothing that is outstanding.
    Unknown,
    /// The application answers it.
    Deliver,
    /// The engine answers it.
    Answer,
}

impl ReliableProvisionals {
    fn starting_with(rseq: u32) -> ReliableProvisionals {
        ReliableProvisionals {
            next_rseq: rseq,
            outstanding: None,
            queued: VecDeque::new(),
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.outstanding
            .as_ref()
            .map(|waiting| waiting.repeat.next.min(waiting.give_up))
    }

    /// §3: a 2xx waits while a session description awaits its PRACK. It also waits for a PRACK
    /// that the application knows nothing of, and that could not be told from a wrong one once
    /// the 2xx has gone.
    fn holds_back_2xx(&self) -> bool {
        let outstanding = self.outstanding.iter().map(|o| (o.has_body, o.asked));
        let queued = self.queued.iter().map(|next| (next.has_body, next.asked));
        outstanding
            .chain(queued)
            .any(|(has_body, asked)| has_body || asked == Asked::ByCaller)
    }
}

impl Engine {
    /// Sends the response reliably if the application asks for that with `Require: 100rel`, or
    /// the caller insists on it. `None` means that it is an ordinary one.
    pub(super) fn respond_reliably(
        &mut self,
        now: Instant,
        key: ServerKey,
        request: &Message,
        parts: &ResponseParts<'_>,
    ) -> Result<Option<Bytes>, Refusal> {
        let names = |message: &Message, id| message.has_option(id, OPTION_100REL);
        let by_application = parts
            .draft
            .is_some_and(|draft| names(draft, HeaderId::Require));
        let by_caller = names(request, HeaderId::Require);
        let asked = match (by_application, by_caller) {
            (true, _) => Asked::ByApplication,
            (false, true) => Asked::ByCaller,
            (false, false) => return Ok(None),
        };
        if !by_caller && !names(request, HeaderId::Supported) {
            return Err(Refusal::PeerLacks100rel);
        }
        let first = self.random.first_rseq();
        let transaction = self
            .servers
            .get_mut(key)
            .ok_or(Refusal::UnknownTransaction)?;
        let open = transaction
            .open
            .as_deref_mut()
            .ok_or(Refusal::UnknownTransaction)?;
        let owner = open.owner.ok_or(Refusal::UnknownTransaction)?;
        let reliable = open
            .reliable
            .get_or_insert_with(|| Box::new(ReliableProvisionals::starting_with(first)));
        if reliable.queued.len() >= limits::MAX_QUEUED_PROVISIONALS {
            return Err(Refusal::LimitReached(
                "unacknowledged provisional responses",
                limits::MAX_QUEUED_PROVISIONALS,
            ));
        }
        let rseq = reliable.next_rseq;
        let require = [(HeaderId::Require, OPTION_100REL.to_string())];
        let composed = ResponseParts {
            rseq: Some(rseq),
            extra: if by_application { &[] } else { &require },
            ..*parts
        }
        .compose(request);
        check_composed(composed.clone())?;
        let answer = Answer {
            app: owner,
            request,
            local_tag: parts.to_tag,
            contact: parts.contact,
            code: parts.code,
            draft: parts.draft,
        };
        self.note_dialog(key, &answer)?;
        let queued = Queued {
            rseq: Some(rseq),
            asked,
            code: parts.code,
            has_body: parts.draft.is_some_and(|draft| !draft.body().is_empty()),
            response: composed.clone(),
        };
        self.note_offer(key, parts.draft);
        if let Some(reliable) = self.reliable_of(key) {
            reliable.next_rseq = rseq.saturating_add(1);
            reliable.queued.push_back(queued);
        }
        self.note_response(now, key, request, parts.code, &composed);
        self.send_next_reliable(now, key);
        Ok(Some(composed))
    }

    /// What is said of the session in a reliable response counts as an offer or answer.
    fn note_offer(&mut self, key: ServerKey, draft: Option<&Message>) {
        let dialog = self
            .servers
            .get(key)
            .and_then(|t| t.open.as_deref()?.dialog);
        if let Some(dialog) = dialog.and_then(|dialog| self.dialogs.get_mut(dialog)) {
            let offers = &mut dialog.offers;
            offers.carried(
                Side::Ours,
                Carrier::Provisional,
                draft.is_some_and(has_session),
            );
        }
    }

    /// Queues a 2xx behind a reliable response that carries a session description and has not
    /// been acknowledged. False if there is none, so that the 2xx can go at once.
    pub(super) fn hold_back_2xx(&mut self, key: ServerKey, code: u16, text: &Bytes) -> bool {
        match self.reliable_of(key) {
            Some(reliable) if reliable.holds_back_2xx() => {
                reliable.queued.push_back(Queued {
                    rseq: None,
                    asked: Asked::ByApplication,
                    code,
                    has_body: false,
                    response: text.clone(),
                });
                true
            }
            _ => false,
        }
    }

    fn reliable_of(&mut self, key: ServerKey) -> Option<&mut ReliableProvisionals> {
        let open = self.servers.get_mut(key)?.open.as_deref_mut()?;
        open.reliable.as_deref_mut()
    }

    /// True if a final response has been given but is held back.
    pub(super) fn has_held_back_2xx(&self, key: ServerKey) -> bool {
        self.servers
            .get(key)
            .and_then(|t| t.open.as_deref()?.reliable.as_deref())
            .is_some_and(|reliable| reliable.queued.iter().any(|next| next.rseq.is_none()))
    }

    /// Sends the oldest queued response if none awaits its PRACK.
    fn send_next_reliable(&mut self, now: Instant, key: ServerKey) {
        let timers = self.timers_config;
        let Some(open) = self
            .servers
            .get_mut(key)
            .and_then(|t| t.open.as_deref_mut())
        else {
            return;
        };
        let request = open.request.clone();
        let Some(reliable) = open.reliable.as_deref_mut() else {
            return;
        };
        if reliable.outstanding.is_some() {
            return;
        }
        let Some(next) = reliable.queued.pop_front() else {
            return;
        };
        let (code, text) = (next.code, next.response);
        match next.rseq {
            Some(rseq) => {
                reliable.outstanding = Some(Outstanding {
                    rseq,
                    response: text.clone(),
                    has_body: next.has_body,
                    asked: next.asked,
                    repeat: Backoff::start(now, timers.t1),
                    give_up: now + timers.transaction_timeout(),
                });
            }
            None => self.note_response(now, key, &request, code, &text),
        }
        self.send_response(now, key, code, text);
    }

    /// A PRACK arrived in the dialog of this INVITE.
    pub(super) fn receive_prack(
        &mut self,
        now: Instant,
        invite: ServerKey,
        prack: &Message,
    ) -> PrackVerdict {
        let (Ok(Some(rack)), Some(open)) = (
            prack.rack(),
            self.servers
                .get_mut(invite)
                .and_then(|t| t.open.as_deref_mut()),
        ) else {
            return PrackVerdict::Unknown;
        };
        let cseq = open.request.cseq().map_or(0, |cseq| cseq.number);
        let Some(reliable) = open.reliable.as_deref_mut() else {
            return PrackVerdict::Unknown;
        };
        match &reliable.outstanding {
            Some(waiting) if waiting.rseq == rack.rseq && cseq == rack.cseq => {
                let verdict = match waiting.asked {
                    // With an answer or offer in it (§5) it is not the engine's to answer.
                    Asked::ByCaller if prack.body().is_empty() => PrackVerdict::Answer,
                    _ => PrackVerdict::Deliver,
                };
                reliable.outstanding = None;
                self.send_next_reliable(now, invite);
                self.reschedule_server(invite);
                verdict
            }
            _ => PrackVerdict::Unknown,
        }
    }

    /// A reliable response is due again, or its PRACK will not come any more (§3).
    pub(super) fn reliable_timeout(&mut self, now: Instant, key: ServerKey) {
        let Some(transaction) = self.servers.get_mut(key) else {
            return;
        };
        let path = transaction.reply_path;
        let Some(waiting) = transaction
            .open
            .as_deref_mut()
            .and_then(|open| open.reliable.as_deref_mut()?.outstanding.as_mut())
        else {
            return;
        };
        if waiting.give_up <= now {
            self.prack_missing(now, key);
        } else if waiting.repeat.due(now, None) {
            let response = waiting.response.clone();
            self.counters.retransmissions += 1;
            self.transmit(path, response, Some(Sender::Server(key)));
        }
    }

    /// The caller is refused. An application that has already accepted, with a 2xx that was held
    /// back, must hear that its call has ended.
    fn prack_missing(&mut self, now: Instant, key: ServerKey) {
        let accepted = self.has_held_back_2xx(key);
        let dialog = self
            .servers
            .get(key)
            .and_then(|transaction| transaction.open.as_deref()?.dialog);
        if let (true, Some(dialog)) = (accepted, dialog) {
            self.tell_of_bye(now, dialog, REASON_PRACK_TIMEOUT);
        }
        self.respond_plainly(now, key, 504);
    }
}
