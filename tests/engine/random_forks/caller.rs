//! The caller: it repeats itself until it is answered, acknowledges, and may cancel.

use std::net::SocketAddr;
use std::time::Duration;

use drachtio::engine::{Path, Transport};
use drachtio::message::{Host, Uri};

use super::scenario::Scenario;
use crate::world::{companion, Heard, Lips, Script, Ua};

/// The alarm that begins it all.
pub const BEGIN: u64 = 0;
const REPEAT: u64 = 1;
const CANCEL: u64 = 2;
const REPEAT_CANCEL: u64 = 3;

const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);

/// The caller of a request.
#[derive(Debug)]
pub struct Caller {
    ua: Ua,
    proxy: Path,
    is_invite: bool,
    cancels_after: Option<Duration>,
    request: String,
    repeats: Repeats,
    /// Some response has come.
    is_heard: bool,
    wants_cancel: bool,
    cancel: Option<(String, Repeats)>,
    cancel_is_answered: bool,
    statuses: Vec<u16>,
    /// The To tags of the 2xx.
    pub accepted: Vec<String>,
}

/// How often something is sent again, and at which intervals.
#[derive(Debug, Clone, Copy)]
pub struct Repeats {
    interval: Duration,
    longest: Duration,
    left: u32,
}

impl Repeats {
    /// The intervals double for as long as 64 * T1 (timer A).
    fn doubling() -> Repeats {
        Repeats {
            interval: T1,
            longest: 32 * T1,
            left: 6,
        }
    }

    /// They double up to T2 (timers E and G).
    pub fn up_to_t2() -> Repeats {
        Repeats {
            interval: T1,
            longest: T2,
            left: 10,
        }
    }

    /// When to send again.
    pub fn next(&mut self) -> Option<Duration> {
        self.left = self.left.checked_sub(1)?;
        let interval = self.interval;
        self.interval = (2 * interval).min(self.longest);
        Some(interval)
    }
}

impl Caller {
    pub fn new(scenario: &Scenario, mut ua: Ua, proxy: SocketAddr) -> Caller {
        let method = if scenario.is_invite {
            "INVITE"
        } else {
            "MESSAGE"
        };
        let request = ua.request(method);
        let proxy = path(ua.address, proxy);
        let is_invite = scenario.is_invite;
        Caller {
            ua,
            proxy,
            is_invite,
            cancels_after: scenario.caller_cancels.filter(|_| is_invite),
            request,
            repeats: if is_invite {
                Repeats::doubling()
            } else {
                Repeats::up_to_t2()
            },
            is_heard: false,
            wants_cancel: false,
            cancel: None,
            cancel_is_answered: false,
            statuses: Vec::new(),
            accepted: Vec::new(),
        }
    }

    /// The final responses to its request, one for each time that one has come.
    pub fn finals(&self) -> impl Iterator<Item = u16> + '_ {
        self.statuses.iter().copied().filter(|code| *code >= 200)
    }

    fn has_final(&self) -> bool {
        self.finals().next().is_some()
    }

    fn send(&mut self, lips: &mut Lips) {
        lips.say(self.proxy, self.request.clone());
        if let Some(interval) = self.repeats.next() {
            lips.wake_after(interval, REPEAT);
        }
    }

    /// §9.1: not before a response.
    fn cancel_if_possible(&mut self, lips: &mut Lips) {
        if self.wants_cancel && self.is_heard && self.cancel.is_none() && !self.has_final() {
            let text = companion(&self.request, "CANCEL", None);
            self.cancel = Some((text, Repeats::up_to_t2()));
            self.send_cancel(lips);
        }
    }

    fn send_cancel(&mut self, lips: &mut Lips) {
        if let Some((text, repeats)) = &mut self.cancel {
            lips.say(self.proxy, text.clone());
            if let Some(interval) = repeats.next() {
                lips.wake_after(interval, REPEAT_CANCEL);
            }
        }
    }

    /// §13.2.2.4: each time the 2xx comes.
    fn acknowledge(&mut self, heard: &Heard, lips: &mut Lips) {
        let mut ua = self.ua.clone();
        ua.answered(heard);
        let tag = heard.to_tag().unwrap().to_string();
        let to = if ua.routes.is_empty() {
            let uri = Uri::parse(&ua.target).unwrap();
            match uri.host {
                Host::V4(address) => SocketAddr::new(address.into(), uri.port.unwrap_or(5060)),
                _ => panic!("phones have addresses: {}", ua.target),
            }
        } else {
            self.proxy.peer
        };
        let ack = ua.ack();
        lips.say(path(ua.address, to), ack);
        if !self.accepted.contains(&tag) {
            self.accepted.push(tag);
        }
    }
}

impl Script for Caller {
    fn hear(&mut self, heard: &Heard, lips: &mut Lips) {
        let Some(status) = heard.status() else {
            return;
        };
        if heard.cseq().unwrap().method.as_str() == "CANCEL" {
            self.cancel_is_answered = true;
            return;
        }
        self.is_heard = true;
        self.statuses.push(status);
        if status >= 300 && self.is_invite {
            lips.say(self.proxy, companion(&self.request, "ACK", Some(heard)));
        } else if status >= 200 && self.is_invite {
            self.acknowledge(heard, lips);
        } else if status >= 200 {
            let tag = heard.to_tag().unwrap_or_default().to_string();
            if status < 300 && !self.accepted.contains(&tag) {
                self.accepted.push(tag);
            }
        }
        self.cancel_if_possible(lips);
    }

    fn wake(&mut self, alarm: u64, lips: &mut Lips) {
        match alarm {
            BEGIN => {
                self.send(lips);
                if let Some(delay) = self.cancels_after {
                    lips.wake_after(delay, CANCEL);
                }
            }
            REPEAT => {
                let is_done = if self.is_invite {
                    self.is_heard
                } else {
                    self.has_final()
                };
                if !is_done {
                    self.send(lips);
                }
            }
            CANCEL => {
                self.wants_cancel = true;
                self.cancel_if_possible(lips);
            }
            REPEAT_CANCEL if !self.cancel_is_answered => self.send_cancel(lips),
            _ => {}
        }
    }
}

/// By UDP.
pub fn path(local: SocketAddr, peer: SocketAddr) -> Path {
    Path {
        transport: Transport::Udp,
        local,
        peer,
        connection: None,
        server: None,
    }
}
