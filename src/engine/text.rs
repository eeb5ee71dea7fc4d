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

/// Appends the last `digits` hexadecimal digits of a number, in lower case.
pub(crate) fn push_hex(text: &mut String, number: u128, digits: usize) {
    let mut hex = [0; 32];
    for (pair, byte) in hex.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        if let [high, low] = pair {
            (*high, *low) = (hex_digit(byte >> 4), hex_digit(byte & 0xf));
        }
    }
    let last = hex.len().checked_sub(digits).and_then(|at| hex.get(at..));
    let last = last.and_then(|digits| std::str::from_utf8(digits).ok());
    text.push_str(last.unwrap_or_default());
}

fn hex_digit(value: u8) -> u8 {
    match value {
        0..=9 => b'0' + value,
        _ => b'a' - 10 + value,
    }
}

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
