//! Lines of a log, as drachtio-server writes them or as JSON.

use std::fmt::{self, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::secrets::without_secrets;
use super::settings::{LogFormat, LogLevel};
use super::tap::Passing;

/// The length of the time in front of a line of text, with the blank behind it.
pub(super) const STAMP: usize = 27;

/// A line of text without its end.
pub(super) fn line(format: LogFormat, at: SystemTime, level: LogLevel, text: &str) -> String {
    match format {
        LogFormat::Text => format!("{} {}", Moment::of(at).with_blank(), OneLine(text)),
        LogFormat::Json => format!(
            "{{\"time\":\"{}\",\"level\":\"{}\",\"message\":{}}}",
            Moment::of(at).iso(),
            level.as_str(),
            Json(text)
        ),
    }
}

/// A message that passes: in text it takes several lines.
pub(super) fn message(format: LogFormat, passing: &Passing) -> String {
    let moment = Moment::of(passing.at);
    let text = String::from_utf8_lossy(&passing.payload);
    let text = without_secrets(&text);
    let (bytes, transport) = (passing.payload.len(), passing.path.transport);
    let peer = passing.path.peer;
    match format {
        LogFormat::Text => {
            let (verb, preposition) = match passing.incoming {
                true => ("recv", "from"),
                false => ("send", "to"),
            };
            format!(
                "{} {verb} {bytes} bytes {preposition} {transport}/[{}]:{} at {}:\n{}",
                moment.with_blank(),
                peer.ip(),
                peer.port(),
                moment.time(),
                Lines(&text),
            )
        }
        LogFormat::Json => format!(
            "{{\"time\":\"{}\",\"level\":\"info\",\"event\":\"{}\",\"transport\":\"{transport}\",\"address\":\"{}\",\"port\":{},\"bytes\":{bytes},\"message\":{}}}",
            moment.iso(),
            if passing.incoming { "recv" } else { "send" },
            peer.ip(),
            peer.port(),
            Json(&text),
        ),
    }
}

/// A moment of the calendar, in UTC.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// Since 1970-01-01.
    pub(super) day: u64,
    of_day: Duration,
}

impl Moment {
    pub(super) fn of(time: SystemTime) -> Moment {
        const DAY: u64 = 86_400;
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let day = since.as_secs() / DAY;
        Moment {
            day,
            of_day: since.saturating_sub(Duration::from_secs(day * DAY)),
        }
    }

    /// `HH:MM:SS.uuuuuu`.
    pub(super) fn time(self) -> String {
        let (seconds, micros) = (self.of_day.as_secs(), self.of_day.subsec_micros());
        format!(
            "{:02}:{:02}:{:02}.{micros:06}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        )
    }

    /// `YYYY-MM-DD`, by the rule of the Gregorian calendar: years that begin in March, in eras of
    /// 400 years.
    pub(super) fn date(self) -> String {
        let days = self.day + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let (month, carry) = if month < 10 {
            (month + 3, 0)
        } else {
            (month - 9, 1)
        };
        format!("{:04}-{month:02}-{day:02}", era * 400 + year + carry)
    }

    fn with_blank(self) -> String {
        format!("{} {}", self.date(), self.time())
    }

    /// As in RFC 3339.
    pub(super) fn iso(self) -> String {
        format!("{}T{}Z", self.date(), self.time())
    }
}

/// A text that stays on its line and says nothing to a terminal: what a peer has written may
/// stand in it.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if character.is_control() && character != '\t' {
                write!(f, "{}", character.escape_debug())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}

/// A text of several lines that says nothing to a terminal. None of them can be taken for an
/// entry of the log, which begins with a number: a filter that shuts out who is named in an entry
/// would believe whoever has written it.
struct Lines<'a>(&'a str);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.0.split_inclusive('\n') {
            if line.starts_with(|first: char| first.is_ascii_digit()) {
                f.write_char(' ')?;
            }
            let end = ["\r\n", "\n"].into_iter().find(|end| line.ends_with(end));
            let text = end.and_then(|end| line.strip_suffix(end)).unwrap_or(line);
            write!(f, "{}{}", OneLine(text), end.unwrap_or_default())?;
        }
        Ok(())
    }
}

/// A text as a string of JSON (RFC 8259 §7).
pub(super) struct Json<'a>(pub(super) &'a str);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for character in self.0.chars() {
            match character {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                control if control.is_control() => write!(f, "\\u{:04x}", u32::from(control))?,
                other => f.write_char(other)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, micros: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds) + Duration::from_micros(micros)
    }

    #[test]
    fn moments_are_of_the_calendar() {
        for (seconds, iso) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (951_782_399, "2000-02-28T23:59:59.000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000Z"),
        ] {
            assert_eq!(Moment::of(at(seconds, 0)).iso(), iso);
        }
    }

    #[test]
    fn a_line_has_the_time_in_front() {
        let text = line(LogFormat::Text, at(3_661, 42), LogLevel::Info, "hello");
        assert_eq!(text, "1970-01-01 01:01:01.000042 hello");
    }

    #[test]
    fn a_line_of_text_is_one_line() {
        let text = line(
            LogFormat::Text,
            at(0, 0),
            LogLevel::Info,
            "header value: a\r\n2026-01-01 b\u{1b}[2J\0\u{9b}\tc",
        );
        assert_eq!(
            text,
            r"1970-01-01 00:00:00.000000 header value: a\r\n2026-01-01 b\u{1b}[2J\0\u{9b}"
                .to_owned()
                + "\tc"
        );
    }

    #[test]
    fn no_line_of_a_message_looks_like_an_entry() {
        let lines = [
            "MESSAGE sip:a SIP/2.0",
            "X: \u{1b}[31m",
            "",
            "1\r2026-01-01 00:00:00.000000 recv",
            "2026-01-01 00:00:00.000000 recv",
            "x",
        ];
        assert_eq!(
            Lines(&lines.join("\r\n")).to_string(),
            [
                lines[0],
                r"X: \u{1b}[31m",
                "",
                r" 1\r2026-01-01 00:00:00.000000 recv",
                " 2026-01-01 00:00:00.000000 recv",
                "x"
            ]
            .join("\r\n")
        );
        assert_eq!(Lines("1\n2\r").to_string(), " 1\n 2\\r");
    }

    #[test]
    fn a_line_of_json_is_one_line() {
        let text = line(
            LogFormat::Json,
            at(0, 0),
            LogLevel::Warning,
            "a \"b\"\r\n\u{1}\\",
        );
        assert_eq!(
            text,
            "{\"time\":\"1970-01-01T00:00:00.000000Z\",\"level\":\"warning\",\"message\":\"a \\\"b\\\"\\r\\n\\u0001\\\\\"}"
        );
    }
}
