//! The ACK to a 2xx, passed on along the recorded route. It belongs to no transaction
//! (RFC 3261 §16.6, §17).

use super::forward::Onward;
use crate::engine::path::Path;
use crate::engine::sips::is_sips;
use crate::engine::target::{Destination, Hop};
use crate::engine::ways::Ways;
use crate::engine::{Engine, Parked};
use crate::message::Message;

/// An ACK on its way through.
#[derive(Debug)]
pub(crate) struct ForwardedAck {
    ack: Message,
    next_hop: String,
}

impl Engine {
    pub(in crate::engine) fn proxy_ack(&mut self, path: Path, ack: &Message) {
        let hops = ack.max_forwards().ok().flatten();
        if let (Some(next_hop), true) = (self.next_hop_after_us(ack, &path), hops != Some(0)) {
            if self.is_stateless_route(ack) {
                self.pass_ack_statelessly(path, ack, next_hop);
                return;
            }
            let ack = ack.clone();
            self.forward_ack(ForwardedAck { ack, next_hop }, None);
        }
    }

    /// Sends it on, or looks up the name of the next hop first. An ACK that can't be sent is
    /// dropped: the callee repeats its 2xx and another one will come.
    pub(in crate::engine) fn forward_ack(
        &mut self,
        forwarded: ForwardedAck,
        resolved: Option<&[Destination]>,
    ) {
        let secure = forwarded.ack.request_uri().is_some_and(is_sips);
        match self.ways_to(&forwarded.next_hop, secure, resolved) {
            Ok(Hop::Ready(Ways { first: path, .. })) => {
                let branch = self.random.branch();
                let onward = Onward {
                    path: &path,
                    branch,
                    breadth: None,
                };
                let edit = self.forward_in_dialog(&forwarded.ack, None, onward);
                if let Some(text) = edit.and_then(|edit| edit.finish().ok()) {
                    self.transmit(path, text, None);
                }
            }
            Ok(Hop::Named(name)) => {
                // A full table of look-ups drops it, as above.
                let _ = self.look_up(name, Parked::Ack(Box::new(forwarded)));
            }
            Err(_) => {}
        }
    }
}
