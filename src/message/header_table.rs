//! Finds a header by its name: a hash table over the known names, made at compile time.

use super::header::HeaderId;

/// A power of two, large enough that most names sit in their own slot.
const SLOTS: usize = 256;

static TABLE: [Slot; SLOTS] = table();

/// The known header of that name in any case; not for compact names.
#[inline(always)]
pub(super) fn find(name: &[u8]) -> HeaderId {
    let key = Key::new(name);
    let mut slot = key.slot();
    loop {
        match TABLE.get(slot) {
            Some(entry) if entry.key == key => return entry.confirm(name),
            Some(entry) if entry.id != HeaderId::Other => slot = (slot + 1) % SLOTS,
            _ => return HeaderId::Other,
        }
    }
}

/// An entry; an empty one has the id `Other`.
#[derive(Clone, Copy)]
struct Slot {
    key: Key,
    id: HeaderId,
}

impl Slot {
    /// The entry's header, if the name with its key is its name.
    fn confirm(&self, name: &[u8]) -> HeaderId {
        if name.len() <= 16 {
            self.id
        } else {
            self.confirm_long(name)
        }
    }

    /// The key of a longer name leaves a gap in its middle.
    #[cold]
    fn confirm_long(&self, name: &[u8]) -> HeaderId {
        if self.id.name().as_bytes().eq_ignore_ascii_case(name) {
            self.id
        } else {
            HeaderId::Other
        }
    }
}

/// The first eight and the last eight bytes of a name, which may overlap, in lower case, and
/// its length.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    first: u64,
    last: u64,
    length: usize,
}

impl Key {
    #[inline(always)]
    const fn new(name: &[u8]) -> Key {
        let (first, last) = if let (Some(first), Some(last)) =
            (name.first_chunk::<8>(), name.last_chunk::<8>())
        {
            (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
        } else if let (Some(first), Some(last)) = (name.first_chunk::<4>(), name.last_chunk::<4>())
        {
            (
                u32::from_le_bytes(*first) as u64,
                u32::from_le_bytes(*last) as u64,
            )
        } else {
            match name {
                [a, b, c] => (*a as u64 | (*b as u64) << 8, *c as u64),
                [a, b] => (*a as u64, *b as u64),
                _ => (0, 0),
            }
        };
        // This bit makes letters lower case and leaves the hyphen alone. Of the bytes that it
        // makes look like one of these, none but CR is anything else, and a CR in a name is a
        // flaw of the whole message.
        const LOWER: u64 = 0x2020_2020_2020_2020;
        Key {
            first: first | LOWER,
            last: last | LOWER,
            length: name.len(),
        }
    }

    const fn slot(&self) -> usize {
        let mixed = self.first ^ self.last.rotate_left(29) ^ self.length as u64;
        // The multiplier is that of Fibonacci hashing, 2^64 divided by the golden ratio.
        (mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize % SLOTS
    }
}

const fn table() -> [Slot; SLOTS] {
    let empty = Slot {
        key: Key::new(b""),
        id: HeaderId::Other,
    };
    let mut table = [empty; SLOTS];
    let mut rest = HeaderId::ALL;
    while let Some((&id, tail)) = rest.split_first() {
        let key = Key::new(id.name().as_bytes());
        let mut slot = key.slot();
        loop {
            let (_, from_here) = table.split_at_mut(slot);
            match from_here.split_first_mut() {
                Some((entry, _)) if matches!(entry.id, HeaderId::Other) => {
                    *entry = Slot { key, id };
                    break;
                }
                _ => slot = (slot + 1) % SLOTS,
            }
        }
        rest = tail;
    }
    table
}
