//! What an application says, written by a client and read by a server: every token in its place.

use drachtio::driver::Request;
use drachtio::engine::{Action, Forks, Refusal, TransactionId};
use drachtio::protocol::{
    AppMessage, Command, Fault, FrameReader, MessageIds, Said, MAX_MESSAGE_ID, MAX_PAYLOAD,
};

const TXN: &str = "ab270000-0000-4000-8000-000000000001";
const INVITE: &str = "INVITE sip:bob@example.com SIP/2.0\r\nSubject: hi\r\n\r\nv=0\r\n";
const OK: &str = "SIP/2.0 200 OK\r\nContact: <sip:a@b>\r\n\r\n";
const CANCEL: &str = "CANCEL sip:bob@example.com SIP/2.0\r\n\r\n";

/// The payload of a command as it goes out, its id cut off.
fn sent(command: Command<'_>) -> String {
    let mut stream = Vec::new();
    command.write(&mut stream, TransactionId(7));
    let mut reader = FrameReader::new(MAX_PAYLOAD);
    reader.push(&stream);
    let payload = reader.next_frame().unwrap().unwrap();
    let text = String::from_utf8(payload.to_vec()).unwrap();
    text.strip_prefix(&TransactionId(7).to_string())
        .unwrap()
        .to_owned()
}

fn read(payload: &str) -> Result<AppMessage, Fault> {
    Said::read(&payload.to_owned().into()).message
}

fn action(payload: &str) -> Action {
    match read(payload) {
        Ok(AppMessage::Ask(Request::Act(action))) => action,
        other => panic!("{other:?}"),
    }
}

fn fault(payload: &str) -> Fault {
    read(payload).unwrap_err()
}

#[test]
fn what_a_client_writes() {
    let sip = |transaction, dialog, next_hop| Command::Sip {
        transaction,
        dialog,
        next_hop,
        draft: b"X",
    };
    for (command, text) in [
        (
            Command::Authenticate {
                secret: "cymru",
                tags: "blue,green",
            },
            "|authenticate|cymru|blue,green",
        ),
        (
            Command::Authenticate {
                secret: "cymru",
                tags: "",
            },
            "|authenticate|cymru|",
        ),
        (Command::Route("invite"), "|route|invite"),
        (Command::RemoveRoute("cdr:start"), "|remove_route|cdr:start"),
        (Command::Ping, "|ping"),
        (sip("T", "", ""), "|sip|T|\r\nX"),
        (sip("", "D9", ""), "|sip||D9\r\nX"),
        (
            sip("", "", "sip:10.1.1.1;transport=tcp"),
            "|sip|||sip:10.1.1.1;transport=tcp\r\nX",
        ),
        (
            sip("", "a|b%7C;from-tag=1", ""),
            "|sip||a%7Cb%7C;from-tag=1\r\nX",
        ),
        (
            Command::Proxy {
                tokens: "T||fullResponse||serial|||sip:a|sip:b",
                draft: b"X",
            },
            "|proxy|T||fullResponse||serial|||sip:a|sip:b\r\nX",
        ),
    ] {
        assert_eq!(sent(command), text);
    }
}

#[test]
fn authenticate_has_a_secret_and_tags() {
    for (payload, wanted) in [
        ("1|authenticate|cymru|blue,green", &["blue", "green"][..]),
        ("1|authenticate|cymru|", &[]),
        ("1|authenticate|cymru", &[]),
        ("1|authenticate|cymru|default|more", &["default"]),
    ] {
        match read(payload) {
            Ok(AppMessage::Authenticate { secret, tags }) => {
                assert_eq!(
                    (secret.expose(), &tags[..]),
                    (
                        "cymru",
                        &wanted.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>()[..]
                    )
                );
                assert!(!format!("{secret:?}").contains("cymru"));
            }
            other => panic!("{payload}: {other:?}"),
        }
    }
    assert_eq!(fault("1|authenticate"), Fault::InvalidFormat);
}

#[test]
fn routes_and_pings() {
    assert!(
        matches!(read("1|route|invite"), Ok(AppMessage::Ask(Request::Route(verb))) if verb == "invite")
    );
    assert!(
        matches!(read("1|remove_route|bye"), Ok(AppMessage::Ask(Request::RemoveRoute(verb))) if verb == "bye")
    );
    assert!(matches!(read("1|ping"), Ok(AppMessage::Ping)));
}

#[test]
fn a_status_line_answers_a_request() {
    match action(&format!("1|sip|{TXN}|\r\n{OK}")) {
        Action::Respond {
            transaction,
            message,
        } => {
            assert_eq!(
                (transaction.to_string().as_str(), message.status()),
                (TXN, Some(200))
            );
        }
        other => panic!("{other:?}"),
    }
    // Also when there is a dialog.
    assert!(matches!(
        action(&format!("1|sip|{TXN}|d;from-tag=1\r\n{OK}")),
        Action::Respond { .. }
    ));
    assert_eq!(
        fault(&format!("1|sip||\r\n{OK}")),
        Fault::TransactionIdMissing
    );
    assert_eq!(
        fault(&format!("1|sip|x|\r\n{OK}")),
        Fault::Refused(Refusal::UnknownTransaction)
    );
}

#[test]
fn a_request_is_new_or_inside_a_dialog_or_cancels() {
    let request = |payload: &str| match action(payload) {
        Action::Request {
            dialog,
            next_hop,
            forks: Forks::First,
            message,
        } => (
            dialog.map(|id| id.to_string()),
            next_hop,
            message.body().to_vec(),
        ),
        other => panic!("{other:?}"),
    };
    let body = b"v=0\r\n".to_vec();
    assert_eq!(
        request(&format!("1|sip||\r\n{INVITE}")),
        (None, None, body.clone())
    );
    assert_eq!(
        request(&format!("1|sip|||sip:10.1.1.1\r\n{INVITE}")),
        (None, Some("sip:10.1.1.1".to_owned()), body.clone())
    );
    assert_eq!(
        request(&format!("1|sip||a%7Cb;from-tag=1\r\n{INVITE}")),
        (Some("a|b;from-tag=1".to_owned()), None, body)
    );
    assert!(matches!(
        action(&format!("1|sip|{TXN}|\r\n{CANCEL}")),
        Action::Cancel { .. }
    ));
    assert_eq!(
        fault(&format!("1|sip|{TXN}|\r\n{INVITE}")),
        Fault::Refused(Refusal::InvalidMethod(
            "INVITE sip:bob@example.com SIP/2.0".to_owned()
        ))
    );
    assert_eq!(fault("1|sip|"), Fault::InvalidFormat);
}

#[test]
fn an_invite_may_ask_for_all_its_forks() {
    for (token, hop) in [
        (" forks=all", None),
        ("sip:a;lr forks=all", Some("sip:a;lr")),
    ] {
        match action(&format!("1|sip|||{token}\r\n{INVITE}")) {
            Action::Request {
                next_hop, forks, ..
            } => assert_eq!((next_hop.as_deref(), forks), (hop, Forks::All)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn proxy_needs_its_seven_tokens() {
    match action(&format!("1|proxy|{TXN}|remainInDialog|fullResponse||simultaneous|2s|20s|sip:b@127.0.0.1:5080|tel:+123\r\n{INVITE}")) {
        Action::Proxy { plan, .. } => {
            assert!(plan.remain_in_dialog && plan.full_response);
            assert_eq!(plan.redirects, 0);
            assert_eq!(plan.provisional_timeout.unwrap().as_secs(), 2);
            assert_eq!(plan.final_timeout.unwrap().as_secs(), 20);
            let uris: Vec<&str> = plan.groups.iter().flatten().map(|target| &*target.uri).collect();
            assert_eq!(uris, ["sip:b@127.0.0.1:5080", "tel:+123"]);
            assert_eq!(plan.groups.len(), 1);
        }
        other => panic!("{other:?}"),
    }
    for few in ["1|proxy", "1|proxy|x", "1|proxy|x||||serial|"] {
        assert_eq!(
            fault(&format!("{few}\r\n{INVITE}")),
            Fault::ProxyTokensMissing
        );
    }
    let bad_time = fault(&format!("1|proxy|{TXN}||||serial|soon||sip:a\r\n{INVITE}"));
    assert!(!bad_time.is_fatal());
}

#[test]
fn what_is_no_message_says_so_and_ends_the_connection() {
    for (payload, text) in [
        ("", "Invalid message format"),
        ("abc", "Invalid message format"),
        ("1|quit", "Unknown message type"),
        ("1|", "Unknown message type"),
        (
            "1|proxy|a",
            "Invalid proxy request: not enough information provided",
        ),
        (
            "1|sip||\r\nSIP/2.0 200 OK\r\n\r\n",
            "transaction id missing",
        ),
    ] {
        let fault = fault(payload);
        assert!(fault.is_fatal());
        assert_eq!(fault.to_string(), text, "{payload:?}");
    }
    let long = "x".repeat(MAX_MESSAGE_ID + 1);
    assert_eq!(fault(&format!("{long}|ping")), Fault::InvalidFormat);
    assert!(read(&format!("{}|ping", &long[1..])).is_ok());
}

#[test]
fn the_id_that_a_client_gives_is_the_one_that_it_knows_again() {
    let mut ids = MessageIds::new(u128::MAX);
    let mut stream = Vec::new();
    Command::Ping.write(&mut stream, ids.next(41));
    let mut reader = FrameReader::new(MAX_PAYLOAD);
    reader.push(&stream);
    let said = Said::read(&reader.next_frame().unwrap().unwrap());
    assert_eq!(ids.command_of(&said.id), Some(41));
}
