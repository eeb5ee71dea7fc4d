//! What no log may hold: credentials and challenges (RFC 3261 §22), and the keys of media
//! (RFC 4567, RFC 4568).

use std::borrow::Cow;

/// Headers whose values are left out.
const HEADERS: [&str; 5] = [
    "Authorization",
    "Proxy-Authorization",
    "WWW-Authenticate",
    "Proxy-Authenticate",
    "Authentication-Info",
];

/// Lines of a session description that hold a key.
const DESCRIPTION: [&str; 3] = ["a=crypto:", "a=key-mgmt:", "k="];

/// What stands in the place of a secret.
const LEFT_OUT: &str = "(left out)";

/// The text of a message without what must be kept.
pub(super) fn without_secrets(message: &str) -> Cow<'_, str> {
    if !message.split_inclusive('\n').any(is_secret) {
        return Cow::Borrowed(message);
    }
    let mut text = String::with_capacity(message.len());
    // A value may go on in the lines below (§7.3.1).
    let mut goes_on = false;
    for line in message.split_inclusive('\n') {
        let is_continuation = line.starts_with([' ', '\t']);
        if goes_on && is_continuation {
            continue;
        }
        goes_on = is_secret(line);
        if goes_on {
            let end_of_name = line.find(':').or_else(|| line.find('='));
            let name = end_of_name.and_then(|at| line.get(..=at));
            let end = if line.ends_with("\r\n") { "\r\n" } else { "\n" };
            for part in [name.unwrap_or_default(), " ", LEFT_OUT, end] {
                text.push_str(part);
            }
        } else {
            text.push_str(line);
        }
    }
    Cow::Owned(text)
}

fn is_secret(line: &str) -> bool {
    let is_header = line.split_once(':').is_some_and(|(name, _)| {
        let name = name.trim_end();
        HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name))
    });
    is_header || DESCRIPTION.iter().any(|own| line.starts_with(own))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out_and_nothing_else() {
        let message = "REGISTER sip:a SIP/2.0\r\n\
            authorization : Digest username=\"u\",\r\n \tresponse=\"0123\"\r\n\
            Proxy-Authorization: Digest x\r\n\
            To: sip:a@b\r\n\
            \r\n\
            v=0\r\na=crypto:1 AES inline:KEY\r\na=key-mgmt:mikey KEY\r\nm=audio\r\n";
        assert_eq!(
            without_secrets(message),
            "REGISTER sip:a SIP/2.0\r\n\
            authorization : (left out)\r\n\
            Proxy-Authorization: (left out)\r\n\
            To: sip:a@b\r\n\
            \r\n\
            v=0\r\na=crypto: (left out)\r\na=key-mgmt: (left out)\r\nm=audio\r\n"
        );
    }

    #[test]
    fn a_message_without_secrets_is_not_copied() {
        assert!(matches!(
            without_secrets("OPTIONS sip:a SIP/2.0\r\n\r\n"),
            Cow::Borrowed(_)
        ));
    }
}
