//! What must hold in every test, checked as it runs:
//!
//! - a command is answered once; a proxy command by any number of `Branch` and `Progress` and one
//!   more;
//! - a request of an application's gets one final response, and nothing after that but the 2xx of forks which it wants;
//! - a received request is never answered with two different failures.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use drachtio::engine::{Action, AppId, Command, CommandId, Forks, News, Reply, TransactionId};
use drachtio::message::{HeaderId, Message, Method};

#[derive(Default)]
pub(super) struct Contract {
    commands: HashMap<(usize, AppId, CommandId), Given>,
    requests: HashMap<(usize, TransactionId), Request>,
    answers: HashMap<(usize, SocketAddr, String), u16>,
    gone: HashSet<(usize, AppId)>,
}

struct Given {
    what: String,
    is_proxy: bool,
    /// There need not be a message to show for it.
    may_be_done: bool,
    wants_forks: bool,
    is_answered: bool,
}

struct Request {
    app: AppId,
    line: String,
    wants_forks: bool,
    finals: usize,
}

impl Contract {
    pub(super) fn note_command(&mut self, node: usize, command: &Command) {
        if command.id == CommandId::NOBODY {
            return;
        }
        let is_proxy = matches!(command.action, Action::Proxy { .. });
        let given = Given {
            what: format!("{:?}", command.action),
            is_proxy,
            may_be_done: is_proxy || matches!(command.action, Action::Cancel { .. }),
            wants_forks: matches!(
                command.action,
                Action::Request {
                    forks: Forks::All,
                    ..
                }
            ),
            is_answered: false,
        };
        let key = (node, command.app, command.id);
        let before = self.commands.insert(key, given);
        assert!(before.is_none(), "{:?} is used twice", command.id);
    }

    pub(super) fn note_gone(&mut self, node: usize, app: AppId) {
        self.gone.insert((node, app));
    }

    pub(super) fn is_gone(&self, node: usize, app: AppId) -> bool {
        self.gone.contains(&(node, app))
    }

    pub(super) fn note_news(&mut self, node: usize, app: AppId, news: &News) {
        match news {
            News::Passing { .. } | News::Record(_) | News::Refused { .. } => {}
            News::Reply { command, reply } => self.note_reply(node, app, *command, reply),
            News::ConnectionClosed(_) => {}
            News::Message {
                transaction,
                message,
                ..
            } => {
                if let (Some(id), Some(status)) = (transaction, message.status()) {
                    self.note_response(node, *id, status);
                }
            }
        }
    }

    fn note_reply(&mut self, node: usize, app: AppId, command: CommandId, reply: &Reply) {
        let given = self
            .commands
            .get_mut(&(node, app, command))
            .unwrap_or_else(|| panic!("a reply to {command:?}, which nobody gave: {reply:?}"));
        assert!(
            !given.is_answered,
            "{command:?} is answered again: {reply:?}"
        );
        match reply {
            Reply::Branch { .. } | Reply::Progress { .. } => {
                assert!(given.is_proxy, "a branch of {command:?}");
            }
            Reply::Done => {
                assert!(given.may_be_done, "{command:?} is done, without a message");
                given.is_answered = true;
            }
            Reply::Refused(_) => given.is_answered = true,
            Reply::Sent {
                transaction,
                message,
                ..
            } => {
                given.is_answered = true;
                if expects_response(message) {
                    let line = first_line(message);
                    let request = Request {
                        app,
                        line,
                        wants_forks: given.wants_forks,
                        finals: 0,
                    };
                    let before = self.requests.insert((node, *transaction), request);
                    assert!(before.is_none(), "{transaction} names two requests");
                }
            }
        }
    }

    fn note_response(&mut self, node: usize, id: TransactionId, status: u16) {
        let request = self
            .requests
            .get_mut(&(node, id))
            .unwrap_or_else(|| panic!("{status} to a request that nobody sent"));
        if request.wants_forks && request.finals > 0 && (200..300).contains(&status) {
            return;
        }
        let line = &request.line;
        assert_eq!(
            request.finals, 0,
            "{status} after the final response to {line}"
        );
        request.finals += usize::from(status >= 200);
    }

    /// A node sends a message of a transaction.
    pub(super) fn note_sent(&mut self, node: usize, to: SocketAddr, message: &Message) {
        let Some(status) = message.status().filter(|status| *status >= 300) else {
            return;
        };
        let via = message.values(HeaderId::Via).next().unwrap_or_default();
        let cseq = message.get(HeaderId::CSeq).unwrap_or_default();
        let name = [via, cseq].concat();
        let name = String::from_utf8_lossy(&name).into_owned();
        let first = *self.answers.entry((node, to, name)).or_insert(status);
        assert_eq!(
            first, status,
            "two different final responses to one request"
        );
    }

    pub(super) fn finish(&self) {
        for ((node, app, command), given) in &self.commands {
            let is_gone = self.is_gone(*node, *app);
            assert!(
                given.is_answered || is_gone,
                "{command:?} has no answer: {}",
                given.what
            );
        }
        for ((node, _), request) in &self.requests {
            let is_gone = self.is_gone(*node, request.app);
            let line = &request.line;
            assert!(
                request.finals == 1 || is_gone,
                "no final response to {line}"
            );
        }
    }
}

/// True for a request but ACK, whose transaction is that of the INVITE, and CANCEL, whose
/// answer nobody is told.
fn expects_response(message: &Message) -> bool {
    message
        .method()
        .is_some_and(|method| !matches!(method, Method::Ack | Method::Cancel))
}

fn first_line(message: &Message) -> String {
    let text = String::from_utf8_lossy(message.text());
    text.lines().next().unwrap_or_default().to_string()
}
