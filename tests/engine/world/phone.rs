//! Phones: raw peers. A test says what they send, byte by byte, and looks at what they hear.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::ops::Deref;
use std::time::Instant;

use bytes::Bytes;
use drachtio::engine::{Path, Transport};
use drachtio::message::Message;

use super::network::Place;
use super::script::Script;
use super::sip::Ua;
use super::{Node, World};

/// A raw peer in the world.
#[derive(Debug, Clone, Copy)]
pub struct Phone {
    pub(super) at: usize,
    /// Where it sends from and listens, by UDP and TCP.
    pub address: SocketAddr,
    /// What it sends by.
    pub transport: Transport,
}

pub(super) struct PhoneState {
    inbox: VecDeque<Heard>,
    pub(super) script: Option<Box<dyn Script>>,
}

/// A message that a phone has received.
#[derive(Debug, Clone)]
pub struct Heard {
    /// When.
    pub at: Instant,
    /// How it came: `local` is the phone.
    pub path: Path,
    /// The message.
    pub message: Message,
}

impl Deref for Heard {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.message
    }
}

impl Heard {
    /// The method of a request, or the status of a response.
    pub fn what(&self) -> String {
        match self.status() {
            Some(status) => status.to_string(),
            None => self.method().unwrap().as_str().to_string(),
        }
    }
}

impl Phone {
    /// The same phone, sending by TCP.
    pub fn by_tcp(self) -> Phone {
        self.by(Transport::Tcp)
    }

    /// The same phone, sending by another transport.
    pub fn by(self, transport: Transport) -> Phone {
        Phone { transport, ..self }
    }
}

impl World {
    /// A phone that sends by UDP.
    pub fn phone(&mut self, address: &str) -> Phone {
        self.phone_by(address, &[Transport::Udp, Transport::Tcp])
    }

    /// A phone that refuses connections.
    pub fn phone_on_udp(&mut self, address: &str) -> Phone {
        self.phone_by(address, &[Transport::Udp])
    }

    /// A phone that takes datagrams, or connections, of these transports.
    pub fn phone_by(&mut self, address: &str, transports: &[Transport]) -> Phone {
        let at = self.phones.len();
        let address = address.parse().unwrap();
        for transport in transports.iter().copied() {
            self.network.settle_in(transport, address, Place::Phone(at));
        }
        self.phones.push(PhoneState {
            inbox: VecDeque::new(),
            script: None,
        });
        let transport = Transport::Udp;
        Phone {
            at,
            address,
            transport,
        }
    }

    /// What a phone needs to write requests of a call to this URI.
    pub fn ua(&mut self, phone: Phone, uri: &str) -> Ua {
        self.order += 1;
        Ua::calling(phone, uri, self.order)
    }

    /// The phone sends bytes to a node.
    pub fn say(&mut self, phone: Phone, to: Node, text: impl AsRef<[u8]>) {
        self.say_to(phone, to.address, text);
    }

    /// The phone sends bytes to an address.
    pub fn say_to(&mut self, phone: Phone, to: SocketAddr, text: impl AsRef<[u8]>) {
        let path = Path {
            transport: phone.transport,
            local: phone.address,
            peer: to,
            connection: None,
            server: None,
        };
        let payload = Bytes::copy_from_slice(text.as_ref());
        self.carry(Place::Phone(phone.at), path, payload, None);
    }

    /// The phone sends bytes back the way a message came.
    pub fn say_back(&mut self, phone: Phone, heard: &Heard, text: impl AsRef<[u8]>) {
        let payload = Bytes::copy_from_slice(text.as_ref());
        self.carry(Place::Phone(phone.at), heard.path, payload, None);
    }

    /// What the phone has received since the last call.
    pub fn heard(&mut self, phone: Phone) -> Vec<Heard> {
        self.phones[phone.at].inbox.drain(..).collect()
    }

    /// The same, methods and statuses only.
    pub fn heard_what(&mut self, phone: Phone) -> Vec<String> {
        self.heard(phone).iter().map(Heard::what).collect()
    }

    /// The next message that the phone has received.
    pub fn hear(&mut self, phone: Phone) -> Heard {
        let heard = self.phones[phone.at].inbox.pop_front();
        heard.expect("the phone has received something")
    }

    /// The next message that the phone has received must be this request or status.
    pub fn hear_what(&mut self, phone: Phone, what: &str) -> Heard {
        let heard = self.hear(phone);
        assert_eq!(heard.what(), what);
        heard
    }

    /// Closes all connections of the phone's.
    pub fn close_connections(&mut self, phone: Phone) {
        self.hang_up(Place::Phone(phone.at));
    }

    pub(super) fn phone_hears(&mut self, phone: usize, path: Path, payload: Bytes) {
        let message = Message::parse(payload).expect("phones are sent SIP");
        let at = self.now;
        let heard = Heard { at, path, message };
        if !self.with_script(phone, |script, lips| script.hear(&heard, lips)) {
            self.phones[phone].inbox.push_back(heard);
        }
    }
}
