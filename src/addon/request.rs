//! What JavaScript asks for, from text to [`Request`].

use bytes::Bytes;

use crate::apps::Recipient;
use crate::driver::Request;
use crate::engine::{Refusal, TransactionId};
use crate::protocol::{proxy_action, sip_action, Fault};
use crate::server::{Place, Proof};

/// Reads one command. The kinds are those of `lib/`: 1 `ROUTE` and 2 `REMOVE_ROUTE` with the
/// method as head; 3 `SIP` with `transaction|nextHop|dialog` and a draft; 4 `PROXY` with the
/// tokens of the drachtio protocol's `proxy` and a draft; 5 `GIVE` with `transaction|tag`. 6
/// `CONNECT` is read by [`read_connect`].
pub(super) fn read_request(kind: u32, head: &str, text: Bytes) -> Result<Request, Fault> {
    match kind {
        1 => Ok(Request::Route(head.to_owned())),
        2 => Ok(Request::RemoveRoute(head.to_owned())),
        3 => {
            let (transaction, next_hop, dialog) = split_names(head).ok_or(Fault::InvalidFormat)?;
            Ok(Request::Act(sip_action(
                transaction,
                dialog,
                next_hop,
                text,
            )?))
        }
        4 => proxy_action(head, text).map(Request::Act),
        5 => {
            let (transaction, tag) = split_transaction(head)?;
            Ok(Request::Give(transaction, Recipient::Tag(tag.to_owned())))
        }
        _ => Err(Fault::UnknownType),
    }
}

/// The number of the command [`read_connect`] is for.
pub(super) const CONNECT: u32 = 6;

/// Reads `transaction|tcp|host:port`: the request that is to be brought to the application there. In
/// the place of `tcp`, `tls` is for one that must prove its name and `tls-unverified` for any.
pub(super) fn read_connect(head: &str) -> Result<(TransactionId, Place, Proof), Fault> {
    let (transaction, rest) = split_transaction(head)?;
    let (scheme, place) = rest.split_once('|').ok_or(Fault::InvalidFormat)?;
    let (secure, proof) = match scheme {
        "tcp" => (false, Proof::Needless),
        "tls" => (true, Proof::Needed),
        "tls-unverified" => (true, Proof::Needless),
        _ => return Err(Fault::InvalidFormat),
    };
    let place = Place::new(secure, place).map_err(|_| Fault::InvalidFormat)?;
    Ok((transaction, place, proof))
}

fn split_transaction(head: &str) -> Result<(TransactionId, &str), Fault> {
    let (transaction, rest) = head.split_once('|').ok_or(Fault::InvalidFormat)?;
    let unknown = |_| Fault::Refused(Refusal::UnknownTransaction);
    Ok((transaction.parse().map_err(unknown)?, rest))
}

/// `transaction|nextHop|dialog`; the dialog stands last because it may hold a bar.
pub(super) fn split_names(head: &str) -> Option<(&str, &str, &str)> {
    let (transaction, rest) = head.split_once('|')?;
    let (next_hop, dialog) = rest.split_once('|')?;
    Some((transaction, next_hop, dialog))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::{Action, Refusal};

    const ID: &str = "00112233-4455-6677-8899-aabbccddeeff";
    const REQUEST: &str = "OPTIONS sip:a@b SIP/2.0\r\nSubject: hi\r\n\r\nbody";
    const RESPONSE: &str = "SIP/2.0 200 OK\r\n\r\n";

    fn read(kind: u32, head: &str, text: &str) -> Result<Request, Fault> {
        read_request(kind, head, Bytes::copy_from_slice(text.as_bytes()))
    }

    fn action(kind: u32, head: &str, text: &str) -> Action {
        match read(kind, head, text) {
            Ok(Request::Act(action)) => action,
            other => panic!("{other:?}"),
        }
    }

    fn refusal(kind: u32, head: &str, text: &str) -> Refusal {
        match read(kind, head, text) {
            Err(Fault::Refused(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_is_given_to_a_tag_or_brought_to_a_place() {
        let given = read(5, &format!("{ID}|a|b"), "");
        let tag = Recipient::Tag("a|b".to_owned());
        assert!(matches!(given, Ok(Request::Give(_, to)) if to == tag));
        assert_eq!(refusal(5, "x|blue", ""), Refusal::UnknownTransaction);
        let (transaction, place, proof) = read_connect(&format!("{ID}|tls|[::1]:9022")).unwrap();
        assert_eq!(proof, Proof::Needed);
        assert_eq!(transaction.to_string(), ID);
        assert_eq!(place.to_string(), "tls/[::1]:9022");
        assert_eq!(read_connect(ID), Err(Fault::InvalidFormat));
        let udp = read_connect(&format!("{ID}|udp|a:1"));
        assert_eq!(udp, Err(Fault::InvalidFormat));
        assert_eq!(
            read_connect(&format!("{ID}|tcp|host")),
            Err(Fault::InvalidFormat)
        );
    }

    #[test]
    fn routes_name_a_method() {
        assert!(matches!(read(1, "invite", ""), Ok(Request::Route(verb)) if verb == "invite"));
        assert!(matches!(read(2, "bye", ""), Ok(Request::RemoveRoute(verb)) if verb == "bye"));
    }

    #[test]
    fn a_status_line_answers_the_transaction() {
        match action(3, &format!("{ID}||"), RESPONSE) {
            Action::Respond {
                transaction,
                message,
            } => {
                assert_eq!(transaction.to_string(), ID);
                assert_eq!(message.status(), Some(200));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(refusal(3, "||", RESPONSE), Refusal::UnknownTransaction);
        assert_eq!(refusal(3, "xyz||", RESPONSE), Refusal::UnknownTransaction);
        let bad = refusal(3, &format!("{ID}||"), "SIP/2.0 200 OK\r\nbad line\r\n\r\n");
        assert!(matches!(bad, Refusal::MalformedResponse(_)));
    }

    #[test]
    fn a_request_without_ids_is_new() {
        match action(3, "|sip:next|", REQUEST) {
            Action::Request {
                dialog,
                next_hop,
                message,
                ..
            } => {
                assert_eq!(dialog, None);
                assert_eq!(next_hop.as_deref(), Some("sip:next"));
                assert_eq!(&message.body()[..], b"body");
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_dialog_id_may_hold_bars_and_wins_over_a_transaction() {
        for transaction in ["", ID] {
            match action(3, &format!("{transaction}||a|b;from-tag=1"), REQUEST) {
                Action::Request {
                    dialog, next_hop, ..
                } => {
                    assert_eq!(dialog.unwrap().as_str(), "a|b;from-tag=1");
                    assert_eq!(next_hop, None);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_transaction_without_dialog_is_for_cancel() {
        let cancel = "CANCEL sip:a@b SIP/2.0\r\n\r\n";
        assert!(matches!(
            action(3, &format!("{ID}||"), cancel),
            Action::Cancel { .. }
        ));
        assert_eq!(
            refusal(3, "nonsense||", cancel),
            Refusal::CancelUnknown("nonsense".to_owned())
        );
        assert_eq!(
            refusal(3, &format!("{ID}||"), REQUEST),
            Refusal::InvalidMethod("OPTIONS sip:a@b SIP/2.0".to_owned())
        );
    }

    #[test]
    fn a_bad_start_line_is_named_and_a_bad_header_is_another_matter() {
        assert_eq!(
            refusal(3, "||", "OPTIONS\r\n\r\n"),
            Refusal::InvalidRequestUri("OPTIONS".to_owned())
        );
        assert_eq!(
            refusal(3, "||a;from-tag=1", "hello\r\n\r\n"),
            Refusal::InvalidMethod("hello".to_owned())
        );
        let bad = refusal(3, "||", "OPTIONS sip:a@b SIP/2.0\r\nbad line\r\n\r\n");
        assert!(matches!(bad, Refusal::MalformedHeader(_)));
    }

    #[test]
    fn a_proxy_command_names_its_transaction_and_a_plan() {
        let head = format!("{ID}|remainInDialog||||500ms||sip:a|sip:b");
        match action(4, &head, REQUEST) {
            Action::Proxy { transaction, plan } => {
                assert_eq!(transaction.to_string(), ID);
                assert!(plan.remain_in_dialog && !plan.full_response);
                assert_eq!(plan.provisional_timeout, Some(Duration::from_millis(500)));
                assert_eq!(plan.target_count(), 2);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(
            refusal(4, "nonsense|||||||sip:a", REQUEST),
            Refusal::ProxyUnknown("nonsense".to_owned())
        );
    }

    #[test]
    fn what_is_no_command_is_said_to_be_none() {
        for (kind, head) in [
            (0, ""),
            (5, ""),
            (3, ""),
            (3, "a|b"),
            (4, ID),
            (4, &format!("{ID}|||||5|")),
            (4, &format!("{ID}|||||5m|")),
            (4, &format!("{ID}|||||+5s|")),
            (4, &format!("{ID}|||||99999999999999999999s|")),
        ] {
            let rejection = read(kind, head, REQUEST).unwrap_err();
            assert_eq!(
                rejection.code(),
                "DRT_ERR_MALFORMED_COMMAND",
                "{kind} {head}"
            );
        }
    }
}
