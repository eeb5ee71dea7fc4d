//! Requests that cross in a dialog (RFC 3261 §14.2, RFC 3311 §5.2).

use std::time::Instant;

use super::dialog::Dialog;
use super::offers::{has_session, Carrier, Side};
use super::{DialogKey, Engine, ServerKey};
use crate::message::{HeaderId, Message, Method};

/// Why a request that changes the session must be refused for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crossing {
    /// It has crossed one of ours: 491.
    Glare,
    /// The one before it has no answer yet: 500 with Retry-After.
    Overlap,
}

impl Engine {
    /// Refuses an INVITE or UPDATE that may not come now, else takes note that it is open. False
    /// if it was refused.
    pub(super) fn admit(
        &mut self,
        now: Instant,
        key: DialogKey,
        transaction: ServerKey,
        request: &Message,
    ) -> bool {
        let Some(dialog) = self.dialogs.get_mut(key) else {
            return false;
        };
        let has_session = has_session(request);
        match dialog.crossing(request.method(), has_session) {
            Some(Crossing::Glare) => {
                self.respond_plainly(now, transaction, 491);
                return false;
            }
            Some(Crossing::Overlap) => {
                let retry = (HeaderId::RetryAfter, self.random.retry_after().to_string());
                self.respond_with(now, transaction, 500, &[retry]);
                return false;
            }
            None => {}
        }
        match request.method() {
            Some(Method::Invite) => {
                dialog.open_server_invite = Some(transaction);
                let offers = &mut dialog.offers;
                offers.carried(Side::Theirs, Carrier::Invite, has_session);
                self.respond_plainly(now, transaction, 100);
            }
            Some(Method::Update) => {
                dialog.open_server_update = Some(transaction);
                let offers = &mut dialog.offers;
                offers.carried(Side::Theirs, Carrier::Update, has_session);
            }
            _ => {}
        }
        true
    }
}

impl Dialog {
    fn crossing(&self, method: Option<Method<'_>>, has_session: bool) -> Option<Crossing> {
        let pending = match self.offers.pending() {
            Some(Side::Ours) => Some(Crossing::Glare),
            Some(Side::Theirs) => Some(Crossing::Overlap),
            None => None,
        };
        match method {
            Some(Method::Invite) if self.open_server_invite.is_some() => Some(Crossing::Overlap),
            Some(Method::Invite) if self.open_client_invite.is_some() => Some(Crossing::Glare),
            Some(Method::Invite) => pending,
            Some(Method::Update) if self.open_server_update.is_some() => Some(Crossing::Overlap),
            Some(Method::Update) if has_session => pending,
            _ => None,
        }
    }

    /// A request of ours or of the peer's has its final response.
    pub(super) fn offer_ended(&mut self, by: Side, method: Option<Method<'_>>) {
        match method {
            Some(Method::Prack) => self.offers.ended(by, Carrier::Prack),
            Some(Method::Update) => self.offers.ended(by, Carrier::Update),
            _ => {}
        }
    }
}
