//! What comes back for the requests of applications, and the dialogs that it makes
//! (RFC 3261 §8.1.3, §12.1.2, §13.2.2).

use std::time::Instant;

use super::ack::Told;
use super::cdr::CdrRole;
use super::command::AppId;
use super::compose::ResponseParts;
use super::event::Meta;
use super::forks::remote_tag;
use super::offers::{has_session, Carrier, Side};
use super::path::Path;
use super::send_failure::SendFailure;
use super::subscription::{self, Role};
use super::transaction::client::ClientUser;
use super::uas_dialog::{refresh_target, refreshes_target};
use super::ways::Failure;
use super::{ClientKey, DialogKey, Engine, TransactionKey};
use crate::message::{HeaderId, Message, Method};

impl Engine {
    /// A response for an application, or one that nobody waits for.
    pub(super) fn user_response(
        &mut self,
        now: Instant,
        path: Path,
        key: ClientKey,
        status: u16,
        response: &Message,
    ) {
        if let Some(ClientUser::Refresh(dialog)) = self.clients.get(key).map(|t| &t.user) {
            self.refresh_response(now, path, key, *dialog, status, response);
            return;
        }
        let meta = Meta::received(path, response, now);
        if status < 200 {
            self.release_cancel(now, key);
            if status > 100 {
                self.app_provisional(path, key, meta, response);
            }
        } else {
            self.app_final(now, path, key, status, meta, response);
        }
    }

    fn app_provisional(&mut self, path: Path, key: ClientKey, meta: Meta, response: &Message) {
        let Some(ClientUser::Application { app, dialog, call }) =
            self.clients.get(key).map(|t| &t.user)
        else {
            return;
        };
        let (app, in_dialog, makes_dialog) = (*app, *dialog, call.is_some());
        let dialog = match in_dialog {
            Some(dialog) => Some(dialog),
            None if makes_dialog => self.fork_of(path, key, response),
            None => None,
        };
        if !self.accept_rseq(dialog, response) {
            return;
        }
        self.deliver_response(key, app, meta, response);
    }

    /// RFC 3262 §4: a reliable response that repeats or overtakes is not delivered.
    fn accept_rseq(&mut self, dialog: Option<DialogKey>, response: &Message) -> bool {
        if !response.has_option(HeaderId::Require, "100rel") {
            return true;
        }
        let Ok(Some(rseq)) = response.rseq() else {
            return true;
        };
        let Some(dialog) = dialog.and_then(|key| self.dialogs.get_mut(key)) else {
            return true;
        };
        if dialog
            .remote_rseq
            .is_some_and(|last| last.wrapping_add(1) != rseq)
        {
            return false;
        }
        dialog.remote_rseq = Some(rseq);
        let offers = &mut dialog.offers;
        offers.carried(Side::Theirs, Carrier::Provisional, has_session(response));
        true
    }

    fn app_final(
        &mut self,
        now: Instant,
        path: Path,
        key: ClientKey,
        status: u16,
        meta: Meta,
        response: &Message,
    ) {
        let Some(transaction) = self.clients.get_mut(key) else {
            return;
        };
        let id = transaction.id;
        let is_invite = transaction.machine.is_invite();
        let ClientUser::Application { app, dialog, call } = &transaction.user else {
            transaction.request = None;
            return;
        };
        let (app, in_dialog, makes_dialog) = (*app, *dialog, call.is_some());
        let is_orphan = call.as_deref().is_some_and(|call| call.is_orphan);
        let succeeded = status < 300;
        if is_invite && succeeded {
            if !self.invite_succeeded(now, path, key, in_dialog, response) {
                return;
            }
        } else if is_invite {
            self.record_failure(now, key, meta.source, response);
            self.invite_failed(key, in_dialog);
        } else if makes_dialog {
            self.subscribe_ended(now, path, key, succeeded && !is_orphan, response);
        } else if let Some(dialog) = in_dialog {
            self.request_ended(now, dialog, key, status, response);
        }
        self.deliver_response(key, app, meta, response);
        self.forget_transaction(id, TransactionKey::Client(key));
        if let Some(transaction) = self.clients.get_mut(key).filter(|t| !t.expects_forks()) {
            transaction.request = None;
        }
    }

    /// A 2xx to an INVITE: true if the application must see it.
    fn invite_succeeded(
        &mut self,
        now: Instant,
        path: Path,
        key: ClientKey,
        in_dialog: Option<DialogKey>,
        response: &Message,
    ) -> bool {
        let cseq = response.cseq().map_or(0, |cseq| cseq.number);
        let Some(transaction) = self.clients.get_mut(key) else {
            return false;
        };
        let ClientUser::Application {
            call: Some(call), ..
        } = &mut transaction.user
        else {
            return false;
        };
        let (cancelled, is_orphan) = (call.cancelling.is_asked(), call.is_orphan);
        let is_first = call.answered.is_none();
        let tag = remote_tag(response);
        let answered = call.answered.get_or_insert_with(|| tag.into());
        if in_dialog.is_none() && **answered != *tag {
            let Some(other) = self.other_fork(now, path, key, response) else {
                return false;
            };
            self.confirm_call(now, other, key, cseq, response);
            return true;
        }
        if !is_first {
            self.repeat_ack(key);
            return false;
        }
        let dialog = in_dialog.or_else(|| self.fork_of(path, key, response));
        let Some(dialog_key) = dialog else {
            return true;
        };
        self.take_answer(path, dialog_key, response);
        if is_orphan {
            // The application has gone: the call is answered and ended (§13.2.2.4).
            self.record_answer(now, CdrRole::Uac, response);
            self.acknowledge_and_end(now, dialog_key, key, cseq, Told::Nobody);
            return true;
        }
        if let Some(dialog) = self.dialogs.get_mut(dialog_key) {
            dialog.bye_after_ack = cancelled && in_dialog.is_none();
        }
        if in_dialog.is_none() {
            self.record_answer(now, CdrRole::Uac, response);
        }
        self.confirm_call(now, dialog_key, key, cseq, response);
        true
    }

    /// The call in this dialog is up, and the application is to acknowledge it.
    fn confirm_call(
        &mut self,
        now: Instant,
        dialog_key: DialogKey,
        key: ClientKey,
        cseq: u32,
        response: &Message,
    ) {
        if let Some(dialog) = self.dialogs.get_mut(dialog_key) {
            dialog.confirmed = true;
            dialog.open_client_invite = None;
            let offers = &mut dialog.offers;
            offers.carried(Side::Theirs, Carrier::Success, has_session(response));
        }
        self.session_answered(now, dialog_key, key, response);
        self.await_ack(now, dialog_key, key, cseq);
    }

    /// A failure of an INVITE ends the dialogs it has made (§12.3).
    fn invite_failed(&mut self, key: ClientKey, in_dialog: Option<DialogKey>) {
        if let Some(dialog) = in_dialog.and_then(|dialog| self.dialogs.get_mut(dialog)) {
            dialog.open_client_invite = None;
            dialog.offers.invite_failed();
        }
        self.end_early_forks(key);
    }

    /// A SUBSCRIBE or REFER outside a dialog has its final response.
    fn subscribe_ended(
        &mut self,
        now: Instant,
        path: Path,
        key: ClientKey,
        succeeded: bool,
        response: &Message,
    ) {
        let Some(transaction) = self.clients.get(key) else {
            return;
        };
        let ClientUser::Application {
            call: Some(call), ..
        } = &transaction.user
        else {
            return;
        };
        let id = call.id.clone();
        let request = transaction.request.clone();
        let granted = request
            .filter(|_| succeeded)
            .and_then(|request| subscription::granted(&request, response));
        let Some((event, seconds)) = granted else {
            self.expect_no_notifies(&id);
            self.end_early_forks(key);
            return;
        };
        let Some(dialog) = self.fork_of(path, key, response) else {
            return;
        };
        if let Some(dialog) = self.dialogs.get_mut(dialog) {
            refresh_target(dialog, response);
        }
        self.subscribe(now, dialog, Role::Subscriber, event, seconds);
    }

    /// A request in a dialog, other than INVITE, has its final response.
    fn request_ended(
        &mut self,
        now: Instant,
        dialog: DialogKey,
        key: ClientKey,
        status: u16,
        response: &Message,
    ) {
        let Some(request) = self.clients.get(key).and_then(|t| t.request.clone()) else {
            return;
        };
        let method = request.method();
        if let Some(dialog) = self.dialogs.get_mut(dialog) {
            dialog.offer_ended(Side::Ours, method);
            if status < 300 && refreshes_target(method) {
                refresh_target(dialog, response);
            }
        }
        if status < 300 {
            self.session_answered(now, dialog, key, response);
        }
        match method {
            // A challenged BYE is tried again (§15.1.1 would end the dialog at once).
            Some(Method::Bye) if !matches!(status, 401 | 407) => self.bye_ended(dialog),
            Some(Method::Subscribe | Method::Refer) if status < 300 => {
                if let Some((event, seconds)) = subscription::granted(&request, response) {
                    self.subscribe(now, dialog, Role::Subscriber, event, seconds);
                }
            }
            Some(Method::Subscribe) if status == 481 => {
                self.subscription_refused(dialog, Role::Subscriber, &request);
            }
            // RFC 6665 §4.2.2: nobody listens any more.
            Some(Method::Notify) if matches!(status, 408 | 481) => {
                self.subscription_refused(dialog, Role::Notifier, &request);
            }
            Some(Method::Notify) => self.note_notify(now, dialog, Role::Notifier, &request),
            _ => {}
        }
    }

    fn deliver_response(&mut self, key: ClientKey, app: AppId, meta: Meta, response: &Message) {
        let Some(transaction) = self.clients.get(key) else {
            return;
        };
        let ClientUser::Application { dialog, call, .. } = &transaction.user else {
            return;
        };
        let id = transaction.id;
        let in_dialog = dialog.and_then(|dialog| self.dialogs.get(dialog));
        let dialog = match in_dialog {
            Some(dialog) => Some(dialog.id.clone()),
            None => call
                .as_deref()
                .and_then(|call| self.fork_id(call, response)),
        };
        self.deliver(Some(app), Some(id), dialog, meta, response.clone());
    }

    /// No response will come: the user gets one that is made here (§8.1.3.1).
    pub(super) fn client_failed(
        &mut self,
        now: Instant,
        key: ClientKey,
        status: u16,
        failure: Option<SendFailure>,
    ) {
        let Some(transaction) = self.clients.get(key) else {
            return;
        };
        let path = transaction.path;
        match &transaction.user {
            ClientUser::Branch { proxy, branch } => {
                let (proxy, branch) = (*proxy, *branch);
                self.record_silence(now, key, status);
                self.remove_client(key);
                self.branch_failed(now, proxy, branch, status);
                return;
            }
            ClientUser::Engine => {
                self.remove_client(key);
                return;
            }
            ClientUser::Refresh(dialog) => {
                let dialog = *dialog;
                self.remove_client(key);
                self.refresh_failed(now, key, dialog, status, 0, None);
                return;
            }
            ClientUser::Application { call, .. } => {
                let cancelled = call
                    .as_deref()
                    .is_some_and(|call| call.cancelling.is_asked());
                let status = if cancelled { 487 } else { status };
                let tag = self.random.tag();
                let warning = failure.map(|failure| warning(&path, failure));
                let response = transaction
                    .request
                    .as_ref()
                    .and_then(|request| local_response(request, status, &tag, warning));
                if let Some(response) = response {
                    let meta = Meta::sent(path, &response, now);
                    self.app_final(now, path, key, status, meta, &response);
                }
            }
        }
        self.client_terminated(key);
    }

    pub(super) fn client_send_failure(
        &mut self,
        now: Instant,
        key: ClientKey,
        attempt: u8,
        failure: SendFailure,
    ) {
        let concerned = self
            .clients
            .get(key)
            .is_some_and(|t| t.machine.awaits_final() && t.attempt == attempt);
        if concerned && !self.fail_over(now, key, Failure::Unsent) {
            self.client_failed(now, key, 503, Some(failure));
        }
    }

    /// The last timer of a transaction has run.
    pub(super) fn client_terminated(&mut self, key: ClientKey) {
        let proxy = match self.clients.get(key).map(|t| &t.user) {
            Some(ClientUser::Branch { proxy, .. }) => Some(*proxy),
            _ => None,
        };
        self.end_early_forks(key);
        self.remove_client(key);
        if let Some(proxy) = proxy {
            self.branch_terminated(proxy);
        }
    }
}

/// A response made here, in the name of a peer that is not heard.
pub(super) fn local_response(
    request: &Message,
    status: u16,
    tag: &str,
    warning: Option<String>,
) -> Option<Message> {
    let extra = warning.map(|warning| (HeaderId::Warning, warning));
    let parts = ResponseParts {
        extra: extra.as_slice(),
        ..ResponseParts::plain(status, tag)
    };
    Message::parse(parts.compose(request)).ok()
}

/// Says why nothing was sent (§20.43).
fn warning(path: &Path, failure: SendFailure) -> String {
    let Path {
        transport,
        local,
        peer,
        ..
    } = path;
    format!("399 {local} \"{transport} to {peer}: {failure}\"")
}
