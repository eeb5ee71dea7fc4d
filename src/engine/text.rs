//! Numbers as text. Every message has a handful, and `format!` takes ten times as long.

/// A number in decimal digits, on the stack.
pub(crate) struct Decimal {
    /// At the end of it.
    digits: [u8; Decimal::MOST],
    count: usize,
}

impl Decimal {
    /// Digits of the greatest number.
    const MOST: usize = 10;

    pub(crate) fn of(number: impl Into<u32>) -> Decimal {
        let mut decimal = Decimal {
            digits: [b'0'; Decimal::MOST],
            count: 1,
        };
        let mut rest = number.into();
        for (at, digit) in decimal.digits.iter_mut().rev().enumerate() {
            *digit = b'0' + (rest % 10) as u8;
            decimal.count = at + 1;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        decimal
    }
}

impl AsRef<[u8]> for Decimal {
    fn as_ref(&self) -> &[u8] {
        let start = Decimal::MOST - self.count;
        self.digits.get(start..).unwrap_or_default()
    }
}

/// Appends the last `digits` hexadecimal digits of a number, in lower case; an even number of them.
pub(crate) fn push_hex(text: &mut String, number: u128, digits: usize) {
    for byte in number.to_be_bytes().iter().skip(16 - digits / 2) {
        let at = 2 * usize::from(*byte);
        text.push_str(HEX_PAIRS.get(at..at + 2).unwrap_or_default());
    }
}

/// The two digits of each byte, one after the other.
const HEX_PAIRS: &str = "\
    000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\
    202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f\
    404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f\
    606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f\
    808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f\
    a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf\
    c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf\
    e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_standard_library_writes_them() {
        for number in [0, 7, 10, 42, 100, 5060, 65_535, u32::MAX] {
            let text = Decimal::of(number);
            assert_eq!(text.as_ref(), number.to_string().as_bytes());
        }
        for number in [0, 0xab, 0x0123_4567_89ab_cdef, u128::MAX] {
            let mut text = String::new();
            push_hex(&mut text, number, 32);
            assert_eq!(text, format!("{number:032x}"));
        }
    }
}
