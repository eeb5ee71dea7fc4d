//! Numbers as text. Every message has a handful, and `format!` takes ten times as long.

/// Appends a number in decimal digits.
pub(crate) fn push_number(text: &mut String, number: usize) {
    if number >= 10 {
        push_number(text, number / 10);
    }
    text.push(digit(number % 10));
}

/// Appends the last `digits` hexadecimal digits of a number, in lower case.
pub(crate) fn push_hex(text: &mut String, number: u128, digits: usize) {
    for place in (0..digits).rev() {
        text.push(digit((number >> (4 * place)) as usize & 0xf));
    }
}

fn digit(value: usize) -> char {
    let value = value as u8;
    char::from(match value {
        0..=9 => b'0' + value,
        _ => b'a' + value - 10,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_standard_library_writes_them() {
        for number in [0, 7, 10, 42, 100, 5060, 65_535, usize::MAX] {
            let mut text = String::new();
            push_number(&mut text, number);
            assert_eq!(text, number.to_string());
        }
        for number in [0, 0xab, 0x0123_4567_89ab_cdef, u128::MAX] {
            let mut text = String::new();
            push_hex(&mut text, number, 32);
            assert_eq!(text, format!("{number:032x}"));
        }
    }
}
