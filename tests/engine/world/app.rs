//! Scripted applications: what they are told, what they do, when they want to be woken.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use drachtio::engine::{Action, Command, CommandId, News};

use super::node::APP;
use super::{What, World};

/// An application that a test has written down as a state machine.
pub trait App {
    /// The application is told something.
    fn hear(&mut self, news: &News, desk: &mut Desk);

    /// An alarm set with [`Desk::wake_after`] rings.
    fn wake(&mut self, _alarm: u64, _desk: &mut Desk) {}
}

/// Where an application leaves what it wants.
pub struct Desk {
    next_command: u32,
    commands: Vec<(Duration, Command)>,
    alarms: Vec<(Duration, u64)>,
}

impl Desk {
    /// Gives a command.
    pub fn give(&mut self, action: Action) -> CommandId {
        self.give_after(Duration::ZERO, action)
    }

    /// Gives a command, but later.
    pub fn give_after(&mut self, delay: Duration, action: Action) -> CommandId {
        let id = CommandId(self.next_command);
        self.next_command += 1;
        let app = APP;
        self.commands.push((delay, Command { app, id, action }));
        id
    }

    /// Asks to be woken.
    pub fn wake_after(&mut self, delay: Duration, alarm: u64) {
        self.alarms.push((delay, alarm));
    }
}

/// A test keeps one reference, to look at the application afterwards.
impl<T: App> App for Rc<RefCell<T>> {
    fn hear(&mut self, news: &News, desk: &mut Desk) {
        self.borrow_mut().hear(news, desk);
    }

    fn wake(&mut self, alarm: u64, desk: &mut Desk) {
        self.borrow_mut().wake(alarm, desk);
    }
}

impl World {
    pub(super) fn ring(&mut self, node: usize, alarm: u64) {
        self.with_app(node, |app, desk| app.wake(alarm, desk));
    }

    /// Lets the scripted application act and plans what it wants; false if there is none.
    pub(super) fn with_app(
        &mut self,
        node: usize,
        act: impl FnOnce(&mut dyn App, &mut Desk),
    ) -> bool {
        let state = &mut self.nodes[node];
        let Some(app) = state.app.as_deref_mut() else {
            return false;
        };
        let mut desk = Desk {
            next_command: state.next_command,
            commands: Vec::new(),
            alarms: Vec::new(),
        };
        act(app, &mut desk);
        state.next_command = desk.next_command;
        for (delay, command) in desk.commands {
            self.plan(self.now + delay, What::Command { node, command });
        }
        for (delay, alarm) in desk.alarms {
            self.plan(self.now + delay, What::Alarm { node, alarm });
        }
        true
    }
}
