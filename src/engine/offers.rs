//! Which side's offer awaits its answer (RFC 3264; RFC 3261 §13.2.1, RFC 3262 §5, RFC 3311 §5).

use crate::message::{HeaderId, Message};

/// Who made an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Ours,
    Theirs,
}

/// The message that an offer travels in. It says which message brings the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    Invite,
    /// A reliable provisional response; the PRACK has the answer.
    Provisional,
    /// A 2xx to an INVITE; the ACK has the answer.
    Success,
    Prack,
    Update,
}

/// The offer of a dialog that has no answer yet. There is one at most.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Offers {
    pending: Option<(Side, Carrier)>,
    /// The INVITE that is open, or was last, has had its offer: descriptions that its later
    /// responses carry only repeat what was said.
    settled: bool,
}

impl Offers {
    /// The state of a dialog that an INVITE makes.
    pub(crate) fn of_invite(by: Side, invite: &Message) -> Offers {
        let mut offers = Offers::default();
        offers.carried(by, Carrier::Invite, has_session(invite));
        offers
    }

    /// Whose offer awaits its answer.
    pub(crate) fn pending(&self) -> Option<Side> {
        self.pending.map(|(by, _)| by)
    }

    /// True if a description in the next response to the INVITE would be an offer.
    pub(crate) fn is_unsettled(&self) -> bool {
        !self.settled
    }

    /// A message that may carry an offer, or the answer to one, was sent or received.
    pub(crate) fn carried(&mut self, by: Side, carrier: Carrier, has_session: bool) {
        let answered = match (self.pending, carrier) {
            (Some((_, Carrier::Invite)), Carrier::Success) => true,
            (Some((_, Carrier::Invite)), Carrier::Provisional) => has_session,
            (Some((_, Carrier::Provisional)), Carrier::Prack) => true,
            _ => false,
        };
        if answered {
            self.pending = None;
            return;
        }
        let is_offer = match carrier {
            Carrier::Invite => {
                self.settled = has_session;
                has_session
            }
            Carrier::Provisional | Carrier::Success => has_session && !self.settled,
            Carrier::Prack | Carrier::Update => has_session,
        };
        if is_offer {
            self.settled = true;
            self.pending = self.pending.or(Some((by, carrier)));
        }
    }

    /// What would have brought the answer has come, or never will.
    pub(crate) fn ended(&mut self, by: Side, carrier: Carrier) {
        self.pending = self.pending.filter(|pending| *pending != (by, carrier));
    }

    /// An INVITE has failed, and with it what it and its provisional responses have offered.
    pub(crate) fn invite_failed(&mut self) {
        self.pending = self
            .pending
            .filter(|(_, carrier)| !matches!(carrier, Carrier::Invite | Carrier::Provisional));
    }
}

/// True if the body describes a session, or one part of it does.
pub(crate) fn has_session(message: &Message) -> bool {
    let body = message.body();
    if body.is_empty() {
        return false;
    }
    let Some(content_type) = message.get_str(HeaderId::ContentType) else {
        return super::compose::is_sdp(&body);
    };
    let content_type = content_type.trim().to_ascii_lowercase();
    content_type.starts_with("application/sdp")
        || (content_type.starts_with("multipart/")
            && memchr::memmem::find(&body, b"application/sdp").is_some())
}
