//! The time of day of an instant.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Reads both clocks of the system at once. Passed in, so that nothing here looks at a clock.
pub type Clocks = fn() -> (Instant, SystemTime);

/// How long the monotonic clock is trusted to keep step with the wall clock, which may be set.
const RESYNC_INTERVAL: Duration = Duration::from_secs(60);

const MICROS_PER_SECOND: u64 = 1_000_000;
const MICROS_PER_DAY: u64 = 86_400 * MICROS_PER_SECOND;

/// Tells the time of day, in UTC, of instants of the last minutes.
#[derive(Debug)]
pub struct WallClock {
    clocks: Clocks,
    anchor: Instant,
    /// Microseconds since 1970 at the anchor.
    micros: u64,
}

impl WallClock {
    /// A clock that is set now, and again by itself.
    pub fn new(clocks: Clocks) -> WallClock {
        let (anchor, now) = clocks();
        let since_1970 = now.duration_since(UNIX_EPOCH);
        WallClock {
            clocks,
            anchor,
            micros: since_1970.map_or(0, to_micros),
        }
    }

    /// Appends `HH:MM:SS.uuuuuu`.
    pub fn write(&mut self, at: Instant, text: &mut Vec<u8>) {
        if at.saturating_duration_since(self.anchor) > RESYNC_INTERVAL {
            *self = WallClock::new(self.clocks);
        }
        let micros = match at.checked_duration_since(self.anchor) {
            Some(after) => self.micros.saturating_add(to_micros(after)),
            None => self
                .micros
                .saturating_sub(to_micros(self.anchor.saturating_duration_since(at))),
        };
        write_time_of_day(micros % MICROS_PER_DAY, text);
    }
}

fn to_micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn write_time_of_day(micros: u64, text: &mut Vec<u8>) {
    let seconds = micros / MICROS_PER_SECOND;
    write_padded(seconds / 3600, 2, text);
    text.push(b':');
    write_padded(seconds / 60 % 60, 2, text);
    text.push(b':');
    write_padded(seconds % 60, 2, text);
    text.push(b'.');
    write_padded(micros % MICROS_PER_SECOND, 6, text);
}

fn write_padded(number: u64, digits: u32, text: &mut Vec<u8>) {
    text.extend((0..digits).rev().map(|place| {
        let digit = number / 10u64.pow(place) % 10;
        b'0' + u8::try_from(digit).unwrap_or_default()
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(micros: u64) -> String {
        let mut text = Vec::new();
        write_time_of_day(micros, &mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn hours_minutes_seconds_and_microseconds_are_padded() {
        assert_eq!(told(0), "00:00:00.000000");
        assert_eq!(
            told(3_600_000_000 + 2 * 60_000_000 + 3_000_045),
            "01:02:03.000045"
        );
        assert_eq!(told(MICROS_PER_DAY - 1), "23:59:59.999999");
    }

    #[test]
    fn instants_before_and_after_the_anchor_are_told_in_order() {
        let mut clock = WallClock::new(|| (Instant::now(), SystemTime::now()));
        clock.micros = 50_000_000_000;
        let anchor = clock.anchor;
        let mut told = |at| {
            let mut text = Vec::new();
            clock.write(at, &mut text);
            String::from_utf8(text).unwrap()
        };
        assert_eq!(told(anchor), "13:53:20.000000");
        assert_eq!(told(anchor + Duration::from_micros(7)), "13:53:20.000007");
        assert_eq!(told(anchor - Duration::from_secs(1)), "13:53:19.000000");
    }

    #[test]
    fn a_wall_clock_that_was_set_is_followed_within_a_minute() {
        let mut clock = WallClock::new(|| (Instant::now(), SystemTime::now()));
        let true_micros = clock.micros;
        clock.micros = 0;
        let mut text = Vec::new();
        clock.write(clock.anchor + RESYNC_INTERVAL * 2, &mut text);
        assert!(clock.micros >= true_micros);
    }
}
