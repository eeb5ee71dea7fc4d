//! Subscriptions as usages of a dialog, also those that a REFER makes (RFC 6665 §4, RFC 3515
//! §2.4, RFC 4488, RFC 5057).

use std::time::{Duration, Instant};

use super::dialog::CallUsage;
use super::{DialogKey, Engine};
use crate::message::{HeaderId, Message, Method};

/// The lifetime of a subscription whose response names none, in seconds.
pub(super) const DEFAULT_SUBSCRIPTION: u32 = 3600;

/// How long the implicit subscription of a REFER lasts until a NOTIFY says otherwise, in seconds:
/// RFC 3515 §2.4.4 leaves it to the notifier.
const REFER_SUBSCRIPTION: u32 = 180;

/// Subscriptions in one dialog.
const MAX_SUBSCRIPTIONS: usize = 16;

/// One subscription in a dialog.
#[derive(Debug)]
pub(crate) struct Subscription {
    event: Event,
    role: Role,
    /// When it has surely lapsed (RFC 6665 §4.1.2): its lifetime and one transaction more.
    pub(crate) expires: Instant,
}

/// Which part of a subscription is ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Subscriber,
    Notifier,
}

/// What is subscribed to: an event package, and an `id` that tells apart several of one package
/// (RFC 6665 §4.5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    package: Box<str>,
    id: Option<Box<str>>,
}

/// What a NOTIFY says of its subscription.
struct State {
    is_terminated: bool,
    expires: Option<u32>,
}

impl Event {
    /// What a SUBSCRIBE or NOTIFY is about; `None` for one without an Event.
    fn of(message: &Message) -> Option<Event> {
        let (package, params) = split_params(message.get_str(HeaderId::Event)?);
        Some(Event {
            package: package.to_ascii_lowercase().into(),
            id: param(params, "id").map(Box::from),
        })
    }

    /// That of a request without an Event, from before RFC 6665.
    fn unnamed() -> Event {
        Event {
            package: "".into(),
            id: None,
        }
    }

    /// What a REFER subscribes its sender to (RFC 3515 §2.4.6).
    fn of_refer(refer: &Message) -> Event {
        Event {
            package: "refer".into(),
            id: refer.cseq().ok().map(|cseq| cseq.number.to_string().into()),
        }
    }
}

/// The subscription that a 2xx to this request makes or prolongs, and its lifetime in seconds.
pub(super) fn granted(request: &Message, response: &Message) -> Option<(Event, u32)> {
    match request.method() {
        Some(Method::Subscribe) => {
            let asked = request.expires();
            let given = response.expires().or(asked).unwrap_or(DEFAULT_SUBSCRIPTION);
            // RFC 6665 §4.2.1.1: a notifier may shorten the time, and not lengthen it.
            let seconds = asked.map_or(given, |asked| given.min(asked));
            let event = Event::of(request).unwrap_or_else(Event::unnamed);
            Some((event, seconds))
        }
        Some(Method::Refer) if refer_subscribes(request, response) => {
            Some((Event::of_refer(request), REFER_SUBSCRIPTION))
        }
        _ => None,
    }
}

/// The same before the response has come: what this NOTIFY is about, if it was asked for.
pub(super) fn expected(request: &Message, notify: &Message) -> Option<(Event, u32)> {
    if request.method() == Some(Method::Refer) {
        let is_refer = Event::of(notify).is_none_or(|event| &*event.package == "refer");
        return is_refer.then(|| (Event::of_refer(request), REFER_SUBSCRIPTION));
    }
    let event = Event::of(request);
    let is_asked_for = match (&event, Event::of(notify)) {
        (Some(asked), Some(told)) => *asked == told,
        _ => true,
    };
    let event = event.unwrap_or_else(Event::unnamed);
    let seconds = request.expires().unwrap_or(DEFAULT_SUBSCRIPTION);
    is_asked_for.then_some((event, seconds))
}

/// False if the referrer has asked for no subscription and is obeyed (RFC 4488 §4, RFC 7614 §4).
pub(super) fn refer_subscribes(refer: &Message, response: &Message) -> bool {
    let declined = response.get_named("Refer-Sub").is_some_and(|value| {
        split_params(&String::from_utf8_lossy(value))
            .0
            .eq_ignore_ascii_case("false")
    });
    let is_without = ["nosub", "explicitsub"]
        .iter()
        .any(|option| refer.has_option(HeaderId::Require, option));
    !(declined || is_without)
}

impl Engine {
    /// A subscription has been granted, or prolonged.
    pub(super) fn subscribe(
        &mut self,
        now: Instant,
        key: DialogKey,
        role: Role,
        event: Event,
        seconds: u32,
    ) {
        let expires = self.lapse(now, seconds);
        let Some(dialog) = self.dialogs.get_mut(key) else {
            return;
        };
        dialog.confirmed = true;
        let subscriptions = &mut dialog.subscriptions;
        let is_same = |one: &&mut Subscription| one.role == role && one.event == event;
        if let Some(known) = subscriptions.iter_mut().find(is_same) {
            known.expires = expires;
        } else if subscriptions.len() < MAX_SUBSCRIPTIONS {
            subscriptions.push(Subscription {
                event,
                role,
                expires,
            });
        }
        self.reschedule_dialog(key);
    }

    /// The end of a subscription is told by the notifier (RFC 6665 §4.1.3): `role` is ours, so
    /// the NOTIFY was received by a subscriber or has been sent by a notifier.
    pub(super) fn note_notify(
        &mut self,
        now: Instant,
        key: DialogKey,
        role: Role,
        notify: &Message,
    ) {
        let Some(state) = State::of(notify) else {
            return;
        };
        let Some(at) = self.subscription_of(key, role, notify) else {
            return;
        };
        if state.is_terminated {
            self.end_subscription(key, at);
        } else if let Some(seconds) = state.expires {
            let expires = self.lapse(now, seconds);
            if let Some(known) = self.subscription_mut(key, at) {
                known.expires = expires;
            }
            self.reschedule_dialog(key);
        }
    }

    /// A SUBSCRIBE or NOTIFY of this subscription was refused because there is none at the other
    /// side (RFC 6665 §4.1.2.2, §4.2.2).
    pub(super) fn subscription_refused(&mut self, key: DialogKey, role: Role, request: &Message) {
        if let Some(at) = self.subscription_of(key, role, request) {
            self.end_subscription(key, at);
        }
    }

    /// Ends the subscriptions that have lapsed.
    pub(super) fn lapse_subscriptions(&mut self, now: Instant, key: DialogKey) {
        let Some(dialog) = self.dialogs.get_mut(key) else {
            return;
        };
        let before = dialog.subscriptions.len();
        dialog.subscriptions.retain(|one| one.expires > now);
        if dialog.subscriptions.len() < before {
            self.remove_if_unused(key);
        }
    }

    /// The call in a dialog has ended; subscriptions go on without it (RFC 5057 §4.1).
    pub(super) fn end_call_usage(&mut self, key: DialogKey) {
        let Some(dialog) = self.dialogs.get_mut(key) else {
            return;
        };
        dialog.call = CallUsage::Over;
        dialog.unacknowledged = None;
        dialog.acknowledgement = None;
        dialog.bye_after_ack = false;
        dialog.expires = None;
        dialog.session = None;
        let held = std::mem::take(&mut dialog.held);
        self.refuse_held(held);
        self.remove_if_unused(key);
    }

    /// A BYE of the application's has been answered. In a dialog that never had a call it can only
    /// mean the dialog itself.
    pub(super) fn bye_ended(&mut self, key: DialogKey) {
        match self.dialogs.get(key).map(|dialog| dialog.call) {
            Some(CallUsage::Never) => self.remove_dialog(key),
            _ => self.end_call_usage(key),
        }
    }

    fn remove_if_unused(&mut self, key: DialogKey) {
        if self
            .dialogs
            .get(key)
            .is_some_and(|dialog| dialog.is_unused())
        {
            self.remove_dialog(key);
        } else {
            self.reschedule_dialog(key);
        }
    }

    fn end_subscription(&mut self, key: DialogKey, at: usize) {
        if let Some(dialog) = self.dialogs.get_mut(key) {
            if at < dialog.subscriptions.len() {
                dialog.subscriptions.swap_remove(at);
            }
        }
        self.remove_if_unused(key);
    }

    fn subscription_mut(&mut self, key: DialogKey, at: usize) -> Option<&mut Subscription> {
        self.dialogs.get_mut(key)?.subscriptions.get_mut(at)
    }

    /// The subscription that a NOTIFY belongs to. The `id` of a dialog's first REFER may be
    /// missing (RFC 3515 §2.4.6), and a NOTIFY without an Event can only mean the one there is.
    fn subscription_of(&self, key: DialogKey, role: Role, notify: &Message) -> Option<usize> {
        let subscriptions = &self.dialogs.get(key)?.subscriptions;
        let find = |wanted: &dyn Fn(&Event) -> bool| {
            let mut all = subscriptions.iter();
            all.position(|one| one.role == role && wanted(&one.event))
        };
        let Some(event) = Event::of(notify) else {
            return find(&|_| true);
        };
        let is_refer = &*event.package == "refer" && event.id.is_none();
        find(&|one| *one == event)
            .or_else(|| find(&|one| is_refer && one.package == event.package))
            .or_else(|| find(&|one| one.package.is_empty()))
    }

    fn lapse(&self, now: Instant, seconds: u32) -> Instant {
        now + Duration::from_secs(seconds.into()) + self.timers_config.transaction_timeout()
    }
}

impl State {
    fn of(notify: &Message) -> Option<State> {
        let (state, params) = split_params(notify.get_str(HeaderId::SubscriptionState)?);
        Some(State {
            is_terminated: state.eq_ignore_ascii_case("terminated"),
            expires: param(params, "expires").and_then(|seconds| seconds.parse().ok()),
        })
    }
}

/// A value and its parameters.
pub(super) fn split_params(value: &str) -> (&str, &str) {
    let (value, params) = value.split_once(';').unwrap_or((value, ""));
    (value.trim(), params)
}

/// The value of a parameter, of those that are no quoted strings.
pub(super) fn param<'a>(params: &'a str, name: &str) -> Option<&'a str> {
    params
        .split(';')
        .filter_map(|param| param.split_once('='))
        .find(|(known, _)| known.trim().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}
