//! Spans of time as the protocol writes them.

use std::time::Duration;

/// `\d+(ms|s)`; `None` for anything else.
pub(super) fn read_time(text: &str) -> Option<Duration> {
    let (number, to_duration): (&str, fn(u64) -> Duration) = match text.strip_suffix("ms") {
        Some(number) => (number, Duration::from_millis),
        None => (text.strip_suffix('s')?, Duration::from_secs),
    };
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|_| is_number).map(to_duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_with_ms_or_s() {
        assert_eq!(read_time("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(read_time("20s"), Some(Duration::from_secs(20)));
        for text in [
            "",
            "s",
            "5",
            "5m",
            "+5s",
            "-5s",
            "5 s",
            "99999999999999999999s",
        ] {
            assert_eq!(read_time(text), None, "{text}");
        }
    }
}
