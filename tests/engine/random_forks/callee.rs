//! A callee: it rings, answers or redirects as the scenario says, repeats what is not acknowledged,
//! and may be cancelled.

use std::time::Duration;

use drachtio::engine::Path;

use super::caller::Repeats;
use super::scenario::Manner;
use crate::world::{answer, Heard, Lips, Phone, Script};

/// A phone that is called, perhaps on several branches.
#[derive(Debug)]
pub struct Callee {
    phone: Phone,
    manner: Manner,
    calls: Vec<Call>,
    /// What has become of each of its calls.
    pub branches: Vec<Branch>,
}

/// What has become of a branch at its callee.
#[derive(Debug, Clone, Default)]
pub struct Branch {
    /// Its To tag.
    pub tag: String,
    /// It has said that it rings.
    pub rang: bool,
    /// It has been cancelled.
    pub cancelled: bool,
    /// Its final response, but for one that it was cancelled into.
    pub answer: Option<u16>,
    /// That was acknowledged.
    pub acknowledged: bool,
    /// It has got a BYE.
    pub ended: bool,
}

#[derive(Debug)]
struct Call {
    request: Heard,
    is_invite: bool,
    last: Option<String>,
    final_code: Option<u16>,
    repeats: Repeats,
}

/// What an alarm is for; the rest of its number is the call.
const KINDS: u64 = 4;
const RING: u64 = 0;
const ANSWER: u64 = 1;
const REPEAT: u64 = 2;
const GIVE_IN: u64 = 3;

impl Callee {
    pub fn new(phone: Phone, manner: Manner) -> Callee {
        Callee {
            phone,
            manner,
            calls: Vec::new(),
            branches: Vec::new(),
        }
    }

    fn position(&self, heard: &Heard) -> Option<usize> {
        let branch = |message: &Heard| {
            let via = message.top_via().unwrap();
            via.branch().unwrap().to_string()
        };
        let wanted = branch(heard);
        self.calls
            .iter()
            .position(|call| branch(&call.request) == wanted)
    }

    fn by_tag(&self, heard: &Heard) -> Option<usize> {
        let tag = heard.to_tag()?;
        self.branches.iter().position(|branch| branch.tag == tag)
    }

    fn called(&mut self, heard: &Heard, lips: &mut Lips) {
        if let Some(at) = self.position(heard) {
            // A repetition gets the last response again; a 2xx repeats itself.
            let call = &self.calls[at];
            let is_2xx = call.is_invite && call.final_code.is_some_and(|code| code < 300);
            if let (Some(text), false) = (&call.last, is_2xx) {
                lips.say(call.request.path, text.clone());
            }
            return;
        }
        let at = self.calls.len();
        let is_invite = heard.what() == "INVITE";
        self.calls.push(Call {
            request: heard.clone(),
            is_invite,
            last: None,
            final_code: None,
            repeats: Repeats::up_to_t2(),
        });
        self.branches.push(Branch {
            tag: format!("{}-{at}", self.phone.address.ip()),
            ..Branch::default()
        });
        let mut answers_after = Duration::ZERO;
        if let Some((delay, _)) = self.manner.rings {
            lips.wake_after(delay, alarm(RING, at));
            answers_after = delay;
        }
        if let Some((delay, _)) = self.manner.answers {
            lips.wake_after(answers_after + delay, alarm(ANSWER, at));
        }
    }

    fn say(&mut self, at: usize, code: u16, lips: &mut Lips) {
        let call = &mut self.calls[at];
        if call.final_code.is_some() {
            return;
        }
        let tag = &self.branches[at].tag;
        let contact = match code {
            300..=399 => format!("Contact: {}", self.manner.contacts),
            _ => format!("Contact: <sip:phone@{}>", self.phone.address),
        };
        let challenge = format!("WWW-Authenticate: Digest realm=\"{tag}\", nonce=\"n\"");
        let text = answer(&call.request, code, tag, &[&contact, &challenge], "");
        lips.say(call.request.path, text.clone());
        call.last = Some(text);
        if code >= 200 {
            call.final_code = Some(code);
            self.repeat_later(at, lips);
        }
    }

    fn repeat_later(&mut self, at: usize, lips: &mut Lips) {
        let call = &mut self.calls[at];
        let is_reliable = call.request.path.transport.is_reliable();
        let is_2xx = call.final_code.is_some_and(|code| code < 300);
        if call.is_invite && (is_2xx || !is_reliable) {
            if let Some(interval) = call.repeats.next() {
                lips.wake_after(interval, alarm(REPEAT, at));
            }
        }
    }

    fn agree(&self, path: Path, heard: &Heard, lips: &mut Lips) {
        lips.say(path, answer(heard, 200, "agreed", &[], ""));
    }
}

impl Script for Callee {
    fn hear(&mut self, heard: &Heard, lips: &mut Lips) {
        if heard.status().is_some() {
            return;
        }
        match heard.what().as_str() {
            "ACK" => {
                let known = self.by_tag(heard).or_else(|| self.position(heard));
                if let Some(at) = known {
                    self.branches[at].acknowledged = true;
                }
            }
            "BYE" => {
                if let Some(at) = self.by_tag(heard) {
                    self.branches[at].ended = true;
                }
                self.agree(heard.path, heard, lips);
            }
            "CANCEL" => {
                self.agree(heard.path, heard, lips);
                if let Some(at) = self.position(heard) {
                    if !std::mem::replace(&mut self.branches[at].cancelled, true) {
                        let (delay, _) = self.manner.cancelled;
                        lips.wake_after(delay, alarm(GIVE_IN, at));
                    }
                }
            }
            _ => self.called(heard, lips),
        }
    }

    fn wake(&mut self, number: u64, lips: &mut Lips) {
        let at = (number / KINDS) as usize;
        let is_open = self.calls[at].final_code.is_none();
        match number % KINDS {
            RING if is_open => {
                let (_, code) = self.manner.rings.unwrap();
                self.branches[at].rang |= self.calls[at].is_invite;
                self.say(at, code, lips);
            }
            ANSWER if is_open => {
                let (_, code) = self.manner.answers.unwrap();
                self.branches[at].answer = Some(code);
                self.say(at, code, lips);
            }
            GIVE_IN if is_open => {
                let (_, code) = self.manner.cancelled;
                if code < 300 {
                    self.branches[at].answer = Some(code);
                }
                self.say(at, code, lips);
            }
            REPEAT if !self.branches[at].acknowledged => {
                let call = &self.calls[at];
                if let Some(text) = &call.last {
                    lips.say(call.request.path, text.clone());
                }
                self.repeat_later(at, lips);
            }
            _ => {}
        }
    }
}

fn alarm(kind: u64, call: usize) -> u64 {
    call as u64 * KINDS + kind
}
