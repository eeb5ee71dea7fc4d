//! Scripted phones: what they hear, what they say, when they want to be woken.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use drachtio::engine::Path;

use super::network::Place;
use super::{Heard, Phone, What, World};

/// A phone that a test has written down as a state machine.
pub trait Script {
    /// The phone receives something.
    fn hear(&mut self, heard: &Heard, lips: &mut Lips);

    /// An alarm set with [`Lips::wake_after`] rings.
    fn wake(&mut self, alarm: u64, lips: &mut Lips);
}

/// Where a phone leaves what it wants.
#[derive(Default)]
pub struct Lips {
    said: Vec<(Path, String)>,
    alarms: Vec<(Duration, u64)>,
}

impl Lips {
    /// Says something over a path whose `local` is the phone.
    pub fn say(&mut self, path: Path, text: String) {
        self.said.push((path, text));
    }

    /// Asks to be woken.
    pub fn wake_after(&mut self, delay: Duration, alarm: u64) {
        self.alarms.push((delay, alarm));
    }
}

/// A test keeps one reference, to look at the phone afterwards.
impl<T: Script> Script for Rc<RefCell<T>> {
    fn hear(&mut self, heard: &Heard, lips: &mut Lips) {
        self.borrow_mut().hear(heard, lips);
    }

    fn wake(&mut self, alarm: u64, lips: &mut Lips) {
        self.borrow_mut().wake(alarm, lips);
    }
}

impl World {
    /// Lets a phone act by itself.
    pub fn set_script(&mut self, phone: Phone, script: impl Script + 'static) {
        self.phones[phone.at].script = Some(Box::new(script));
    }

    /// Wakes a scripted phone, to begin with.
    pub fn wake_phone(&mut self, phone: Phone, alarm: u64) {
        let phone = phone.at;
        self.plan(self.now, What::PhoneAlarm { phone, alarm });
    }

    pub(super) fn ring_phone(&mut self, phone: usize, alarm: u64) {
        self.with_script(phone, |script, lips| script.wake(alarm, lips));
    }

    /// Lets a scripted phone act; false if it is not scripted.
    pub(super) fn with_script(
        &mut self,
        phone: usize,
        act: impl FnOnce(&mut dyn Script, &mut Lips),
    ) -> bool {
        let Some(script) = self.phones[phone].script.as_deref_mut() else {
            return false;
        };
        let mut lips = Lips::default();
        act(script, &mut lips);
        for (path, text) in lips.said {
            self.carry(Place::Phone(phone), path, Bytes::from(text), None);
        }
        for (delay, alarm) in lips.alarms {
            self.plan(self.now + delay, What::PhoneAlarm { phone, alarm });
        }
        true
    }
}
