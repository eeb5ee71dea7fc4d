//! How a client names what it sends, and tells which command a response is for.

use crate::engine::TransactionId;

/// Where the number of the message stands in an id.
const SEQUENCE_SHIFT: u32 = 96;

/// The bits of an id that are the connection's own.
const RANDOM_BITS: u128 = 0x0000_0000_ffff_0fff_3fff_ffff_0000_0000;

/// Version 4 and the variant of an RFC 4122 UUID.
const UUID_BITS: u128 = 0x0000_0000_0000_4000_8000_0000_0000_0000;

/// Makes the ids of a client's messages, which must differ from those of every other client of the
/// server: RFC 4122 UUIDs whose first 32 bits count the messages and whose last 32 bits are the number
/// of the command. So nothing has to be remembered to tell which command a response is for.
#[derive(Debug, Clone)]
pub struct MessageIds {
    own: u128,
    sequence: u32,
}

impl MessageIds {
    /// Ids that no other client makes, given a number that no other client was given.
    pub fn new(random: u128) -> MessageIds {
        MessageIds {
            own: random & RANDOM_BITS | UUID_BITS,
            sequence: 0,
        }
    }

    /// The id of a message that is this command.
    pub fn next(&mut self, command: u32) -> TransactionId {
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = u128::from(self.sequence) << SEQUENCE_SHIFT;
        TransactionId(sequence | self.own | u128::from(command))
    }

    /// The command that a response is for; `None` if it is for none of ours.
    pub fn command_of(&self, id: &str) -> Option<u32> {
        let TransactionId(id) = id.parse().ok()?;
        let is_own = (id ^ self.own) & RANDOM_BITS == 0;
        is_own.then(|| u32::try_from(id & u128::from(u32::MAX)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_uuids_that_tell_their_command_to_the_client_that_made_them() {
        let mut ids = MessageIds::new(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        let others = MessageIds::new(0x0123_4567_89ab_cdef_0123_4567_99ab_cdef_u128 << 4);
        let mut seen = std::collections::HashSet::new();
        for command in [0, 1, 0x7fff_ffff, u32::MAX, 0] {
            let id = ids.next(command).to_string();
            assert_eq!(id.as_bytes().get(14), Some(&b'4'), "{id}");
            assert!(matches!(id.as_bytes().get(19), Some(b'8'..=b'b')), "{id}");
            assert_eq!(ids.command_of(&id), Some(command));
            assert_eq!(others.command_of(&id), None);
            assert!(seen.insert(id));
        }
        assert_eq!(ids.command_of("no id at all"), None);
    }
}
