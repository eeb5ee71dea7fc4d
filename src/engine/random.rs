//! Names that must be unique and hard to guess, from the random source that was passed in.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::command::TransactionId;
use super::text::push_hex;

/// The branch of a request we sent, without its textual form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Branch(u128);

/// RFC 3261 §8.1.1.7: a branch that begins so is unique.
pub(crate) const MAGIC_COOKIE: &str = "z9hG4bK";

/// Hexadecimal digits of a branch after the cookie.
const BRANCH_DIGITS: usize = 24;

/// Hexadecimal digits of a tag.
const TAG_DIGITS: usize = 16;

impl Branch {
    /// Bytes of the Via parameter's value.
    pub(crate) const LENGTH: usize = MAGIC_COOKIE.len() + BRANCH_DIGITS;

    /// Appends the Via parameter's value.
    pub(crate) fn write(self, text: &mut String) {
        text.push_str(MAGIC_COOKIE);
        push_hex(text, self.0, BRANCH_DIGITS);
    }

    /// The same with the hash that tells loops in it; as much again stays random.
    pub(crate) fn with_loop_hash(self, hash: u32) -> Branch {
        Branch((self.0 & !u128::from(u32::MAX)) | u128::from(hash))
    }

    /// The hash that tells loops, if the branch is one of a proxy's.
    pub(crate) fn loop_hash(self) -> u32 {
        (self.0 & u128::from(u32::MAX)) as u32
    }

    /// How many bytes of a branch that is computed can't be guessed.
    pub(crate) const MARK_BYTES: usize = 11;

    /// A branch that is computed: a mark, and the number of a listener.
    pub(crate) fn marked(mark: u128, listener: u8) -> Branch {
        Branch::from_number((mark << 8) | u128::from(listener))
    }

    /// The listener that a computed branch names.
    pub(crate) fn listener(self) -> u8 {
        (self.0 & 0xff) as u8
    }

    /// A number that is as much the branch's own as the branch.
    pub(crate) fn mark(self) -> u64 {
        (self.0 >> 8) as u64
    }

    /// The branch as a number of 96 bits.
    pub(crate) fn number(self) -> u128 {
        self.0
    }

    /// The branch of a number; what is beyond 96 bits of it is left out.
    pub(crate) fn from_number(number: u128) -> Branch {
        Branch(number & (u128::MAX >> 32))
    }

    /// `None` for a branch that this engine can't have made.
    pub(crate) fn from_text(text: &str) -> Option<Branch> {
        let digits = text.strip_prefix(MAGIC_COOKIE)?;
        if digits.len() != BRANCH_DIGITS {
            return None;
        }
        u128::from_str_radix(digits, 16).ok().map(Branch)
    }
}

/// The source of every generated name.
#[derive(Debug)]
pub(crate) struct Random(StdRng);

impl Random {
    pub(crate) fn from_seed(seed: [u8; 32]) -> Random {
        Random(StdRng::from_seed(seed))
    }

    pub(crate) fn transaction_id(&mut self) -> TransactionId {
        // Version 4, variant 1: what a UUID of random numbers looks like (RFC 9562 §5.4).
        let number = self.0.random::<u128>();
        let version = (number & !(0xf << 76)) | (0x4 << 76);
        TransactionId((version & !(0x3 << 62)) | (0x2 << 62))
    }

    pub(crate) fn branch(&mut self) -> Branch {
        Branch(self.0.random::<u128>() >> 32)
    }

    /// A tag (RFC 3261 §19.3 asks for at least 32 random bits).
    pub(crate) fn tag(&mut self) -> Box<str> {
        let mut tag = String::with_capacity(TAG_DIGITS);
        push_hex(&mut tag, self.0.random::<u64>().into(), TAG_DIGITS);
        tag.into()
    }

    pub(crate) fn call_id(&mut self) -> String {
        self.transaction_id().to_string()
    }

    /// A first CSeq number, below 2^31 with room to count up (§8.1.1.5).
    pub(crate) fn first_cseq(&mut self) -> u32 {
        self.0.random_range(1..0x0800_0000)
    }

    /// A first RSeq number (RFC 3262 §3).
    pub(crate) fn first_rseq(&mut self) -> u32 {
        self.0.random_range(1..0x4000_0000)
    }

    /// What makes the hashes of one engine unlike those of every other.
    pub(crate) fn salt(&mut self) -> u64 {
        self.0.random()
    }

    /// How long to wait after a 491 (§14.1): 2.1 to 4 seconds in steps of 10 ms, as if the call
    /// were ours; the other side then tries first.
    pub(crate) fn glare_wait(&mut self) -> Duration {
        Duration::from_millis(10 * self.0.random_range(210..=400))
    }

    /// A Retry-After of up to ten seconds (RFC 3261 §14.2).
    pub(crate) fn retry_after(&mut self) -> u32 {
        self.0.random_range(0..=10)
    }
}
