//! What a server says, written from what the engine tells and read by a client: every token in its
//! place, and the forms of older servers.

use std::time::{Duration, Instant, UNIX_EPOCH};

use bytes::Bytes;
use drachtio::engine::{
    BranchEnd, BranchId, BranchStep, Cdr, CdrEvent, CdrRole, ClosedConnection, CommandId, DialogId,
    Meta, News, Refusal, Reply, Source, StopReason, TransactionId, Transport,
};
use drachtio::message::Message;
use drachtio::protocol::{
    write_authenticated, write_fault, write_news, write_ok, write_pong, write_reply, Answer, Asked,
    Envelope, Fault, FrameReader, Greeting, Malformed, ServerMessage, TokenLine, WallClock,
    MAX_PAYLOAD,
};

const ID: TransactionId = TransactionId(0x1);
const ID_TEXT: &str = "00000000-0000-0000-0000-000000000001";
const TXN: TransactionId = TransactionId(0xab27 << 112);
const TXN_TEXT: &str = "ab270000-0000-0000-0000-000000000000";
const TIME: &str = "18:02:49.734064";
const OK: &str = "SIP/2.0 200 OK\r\nTo: <sip:a@b>;tag=1\r\n\r\n";
const INVITE: &str = "INVITE sip:11@example.com SIP/2.0\r\nTo: <sip:a@b>\r\n\r\nv=0";

/// A clock that stands at [`TIME`].
fn clock() -> WallClock {
    WallClock::new(|| {
        let today = Duration::from_micros(64_969_734_064);
        (Instant::now(), UNIX_EPOCH + today)
    })
}

fn meta(source: Source, size: usize) -> Meta {
    Meta {
        source,
        transport: Transport::Udp,
        peer: "198.51.100.9:5060".parse().unwrap(),
        local: "10.0.0.5:5062".parse().unwrap(),
        size,
        at: Instant::now(),
    }
}

fn message(text: &str) -> Message {
    Message::parse_draft(Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

/// The payload of what is written, with the time of day replaced where it stands.
fn written(write: impl FnOnce(&mut Vec<u8>, &mut WallClock)) -> String {
    let mut stream = Vec::new();
    write(&mut stream, &mut clock());
    let mut reader = FrameReader::new(MAX_PAYLOAD);
    reader.push(&stream);
    let payload = reader.next_frame().unwrap().unwrap();
    assert_eq!(reader.next_frame().unwrap(), None);
    let text = String::from_utf8(payload.to_vec()).unwrap();
    // The instants of a test differ from the clock's a little.
    match text.find("|18:0").map(|bar| bar + 1) {
        Some(time) => format!("{}{TIME}{}", &text[..time], &text[time + TIME.len()..]),
        None => text,
    }
}

fn reply(asked: Asked, reply: &Reply) -> String {
    written(|out, clock| write_reply(out, ID, "re", asked, reply, clock))
}

fn news(dialog: Option<&str>, text: &str) -> String {
    let news = News::Message {
        transaction: Some(TXN),
        dialog: dialog.map(|id| DialogId(id.into())),
        meta: meta(Source::Network, 1012),
        message: message(text),
    };
    written(|out, clock| write_news(out, ID, &news, clock))
}

fn read<T>(payload: &str, check: impl FnOnce(Result<ServerMessage<'_>, Malformed>) -> T) -> T {
    let payload = payload.to_owned().into();
    let line = TokenLine::split(&payload).unwrap();
    check(ServerMessage::read(&line))
}

fn answer(payload: &str) -> Answer<'static> {
    read(payload, |message| match message {
        Ok(ServerMessage::Response { re: "re", answer }) => leak(&answer),
        other => panic!("{payload}: {other:?}"),
    })
}

/// The same answer, for the rest of the test.
fn leak(answer: &Answer<'_>) -> Answer<'static> {
    let text = |text: &str| -> &'static str { String::leak(text.to_owned()) };
    match answer {
        Answer::Done => Answer::Done,
        Answer::Pong => Answer::Pong,
        Answer::Authenticated {
            hostports,
            version,
            local_hostports,
        } => Answer::Authenticated {
            hostports: text(hostports),
            version: text(version),
            local_hostports: text(local_hostports),
        },
        Answer::Sent {
            transaction,
            dialog,
            message,
            ..
        } => Answer::Sent {
            envelope: ENVELOPE,
            transaction: text(transaction),
            dialog: dialog.clone(),
            message: message.clone(),
        },
        Answer::Progress(step) => Answer::Progress(step.iter().map(|token| text(token)).collect()),
        Answer::Branch {
            branch, message, ..
        } => Answer::Branch {
            envelope: ENVELOPE,
            branch: text(branch),
            message: message.clone(),
        },
        Answer::Refused(why) => Answer::Refused(why.clone()),
    }
}

const ENVELOPE: Envelope<'static> = Envelope {
    source: "network",
    size: "812",
    protocol: "udp",
    address: "198.51.100.9",
    port: "5060",
    time: TIME,
};

#[test]
fn who_authenticates_learns_where_the_server_is() {
    let greeting = Greeting {
        hostports: vec![
            "udp/203.0.113.7:5060".to_owned(),
            "tcp/203.0.113.7:5060".to_owned(),
        ],
        version: "v0.9.10".to_owned(),
        local_hostports: vec!["udp/10.0.0.5:5060".to_owned()],
    };
    let text = written(|out, _| write_authenticated(out, ID, "re", &greeting));
    let hostports = "udp/203.0.113.7:5060,tcp/203.0.113.7:5060";
    assert_eq!(
        text,
        format!("{ID_TEXT}|response|re|OK|{hostports}|v0.9.10|udp/10.0.0.5:5060")
    );
    let authenticated = |version, local_hostports| Answer::Authenticated {
        hostports,
        version,
        local_hostports,
    };
    assert_eq!(answer(&text), authenticated("v0.9.10", "udp/10.0.0.5:5060"));
    // Servers of 0.8, and those before.
    assert_eq!(
        answer(&format!("x|response|re|OK|{hostports}|v0.8.4")),
        authenticated("v0.8.4", "")
    );
    assert_eq!(
        answer(&format!("x|response|re|OK|{hostports}")),
        authenticated("", "")
    );
}

#[test]
fn short_answers() {
    let ok = written(|out, _| write_ok(out, ID, "re"));
    assert_eq!(
        (ok.as_str(), answer(&ok)),
        (
            "00000000-0000-0000-0000-000000000001|response|re|OK",
            Answer::Done
        )
    );
    let pong = written(|out, _| write_pong(out, ID, "re"));
    assert!(pong.ends_with("|response|re|OK|pong"));
    assert_eq!(answer(&pong), Answer::Pong);
    assert!(reply(Asked::Route, &Reply::Done).ends_with("|re|OK"));
    let done = reply(Asked::Proxy, &Reply::Done);
    assert!(done.ends_with("|re|OK|done"));
    assert_eq!(answer(&done), Answer::Done);
}

#[test]
fn a_refusal_is_nok_and_a_breach_of_the_protocol_no() {
    let nok = reply(Asked::Sip, &Reply::Refused(Refusal::UnknownDialog));
    let text = "Server error: unable to find dialog for dialog id provided";
    assert!(nok.ends_with(&format!("|response|re|NOK|{text}")));
    assert_eq!(answer(&nok), Answer::Refused(text.to_owned()));
    let no = written(|out, _| write_fault(out, ID, "re", &Fault::UnknownType));
    assert!(no.ends_with("|response|re|NO|Unknown message type"));
    assert_eq!(
        answer(&no),
        Answer::Refused("Unknown message type".to_owned())
    );
    assert_eq!(answer("x|response|re|NOK"), Answer::Refused(String::new()));
    // What a peer or an application wrote does not break the line.
    let hostile = Refusal::InvalidRequestUri("a|b\r\nc".to_owned());
    assert!(
        reply(Asked::Sip, &Reply::Refused(hostile)).ends_with("|NOK|invalid request-uri: a%7Cb  c")
    );
}

#[test]
fn a_request_that_was_sent_names_its_transaction() {
    let sent = Reply::Sent {
        transaction: TXN,
        dialog: Some(DialogId("d;from-tag=1".into())),
        meta: meta(Source::Application, 733),
        message: message(INVITE),
    };
    let text = reply(Asked::Sip, &sent);
    assert_eq!(
        text,
        format!("{ID_TEXT}|response|re|OK|application|733|udp|198.51.100.9|5060|{TIME}|{TXN_TEXT}|Msg sent:|\r\n{INVITE}")
    );
    match answer(&text) {
        Answer::Sent {
            transaction,
            dialog,
            message,
            ..
        } => {
            assert_eq!(
                (transaction, dialog.as_str(), &message[..]),
                (TXN_TEXT, "", INVITE.as_bytes())
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_response_that_was_sent_names_its_dialog_too() {
    let sent = |dialog: Option<&str>| Reply::Sent {
        transaction: TXN,
        dialog: dialog.map(|id| DialogId(id.into())),
        meta: meta(Source::Application, 812),
        message: message(OK),
    };
    let begin =
        format!("{ID_TEXT}|response|re|OK|application|812|udp|198.51.100.9|5060|{TIME}|{TXN_TEXT}");
    for (dialog, token) in [
        (Some("a84b@h;from-tag=1928"), "a84b@h;from-tag=1928"),
        (None, ""),
        (Some("a|b"), "a%7Cb"),
    ] {
        let text = reply(Asked::Sip, &sent(dialog));
        assert_eq!(text, format!("{begin}|{token}||Msg sent:|\r\n{OK}"));
        match answer(&text) {
            Answer::Sent { dialog, .. } => assert_eq!(dialog, token),
            other => panic!("{other:?}"),
        }
    }
    // Early servers of 0.8 do not tell, and original ones do not escape.
    for (rest, expected) in [
        ("|Msg sent:|", ""),
        ("|a|b;from-tag=1||Msg sent:|", "a|b;from-tag=1"),
    ] {
        match answer(&format!("{begin}{rest}\r\n{OK}")) {
            Answer::Sent { dialog, .. } => assert_eq!(dialog, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_branch_says_that_more_follows() {
    for (branch, token) in [(Some(BranchId(3)), "3"), (None, "")] {
        let reply_of_branch = Reply::Branch {
            branch,
            meta: meta(Source::Network, 410),
            message: message(OK),
        };
        let text = reply(Asked::Proxy, &reply_of_branch);
        assert_eq!(
            text,
            format!("{ID_TEXT}|response|re|OK|network|410|udp|198.51.100.9|5060|{TIME}|{token}||continue\r\n{OK}")
        );
        match answer(&text) {
            Answer::Branch {
                branch, message, ..
            } => {
                assert_eq!((branch, &message[..]), (token, OK.as_bytes()));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_steps_of_a_search_are_told_to_who_asked() {
    let step = |step| {
        let reply = Reply::Progress {
            branch: BranchId(7),
            at: Instant::now(),
            step,
        };
        let text = self::reply(Asked::Proxy, &reply);
        let (_, told) = text.split_once("|OK|progress|").unwrap();
        assert_eq!(
            answer(&text),
            Answer::Progress(
                told.split('|')
                    .map(|token| &*String::leak(token.to_owned()))
                    .collect()
            )
        );
        told.to_owned()
    };
    let target = "sip:a|b@h".to_owned();
    assert_eq!(
        step(BranchStep::Started { target }),
        format!("{TIME}|7|started|sip:a%7Cb@h")
    );
    let (why, status) = (BranchEnd::Failed, Some(486));
    assert_eq!(
        step(BranchStep::Ended { why, status }),
        format!("{TIME}|7|ended|failed|486")
    );
    let (why, status) = (BranchEnd::Silent, None);
    assert_eq!(
        step(BranchStep::Ended { why, status }),
        format!("{TIME}|7|ended|timeout|")
    );
}

#[test]
fn a_new_request_names_where_it_came_and_others_their_dialog() {
    let begin = format!("{ID_TEXT}|sip|network|1012|udp|198.51.100.9|5060|{TIME}|{TXN_TEXT}");
    assert_eq!(
        news(None, INVITE),
        format!("{begin}||10.0.0.5|5062|\r\n{INVITE}")
    );
    let ack = "ACK sip:11@h SIP/2.0\r\n\r\n";
    assert_eq!(
        news(Some("d;from-tag=1"), ack),
        format!("{begin}|d;from-tag=1|\r\n{ack}")
    );
    assert_eq!(
        news(Some("a|b;from-tag=1"), ack),
        format!("{begin}|a%7Cb;from-tag=1|\r\n{ack}")
    );
    assert_eq!(news(None, OK), format!("{begin}||\r\n{OK}"));
    let replacing =
        "INVITE sip:a@b SIP/2.0\r\nTo: <sip:a@b>\r\nReplaces: c;to-tag=1;from-tag=2\r\n\r\n";
    assert_eq!(
        news(Some("c;from-tag=1"), replacing),
        format!("{begin}||10.0.0.5|5062||c;from-tag=1\r\n{replacing}")
    );
    let reinvite = replacing.replace("<sip:a@b>\r\nR", "<sip:a@b>;tag=7\r\nR");
    assert_eq!(
        news(Some("c;from-tag=1"), &reinvite),
        format!("{begin}|c;from-tag=1|\r\n{reinvite}")
    );
}

#[test]
fn a_client_reads_every_form_of_sip() {
    let place = |tokens: &str| {
        read(
            &format!("x|sip|network|812|udp|198.51.100.9|5060|{TIME}|T|{tokens}\r\nX"),
            |message| match message {
                Ok(ServerMessage::Sip {
                    envelope,
                    transaction: "T",
                    dialog,
                    received_on,
                    message,
                }) => {
                    assert_eq!((envelope, &message[..]), (ENVELOPE, &b"X"[..]));
                    let received_on =
                        received_on.map(|(address, port)| format!("{address}:{port}"));
                    (dialog, received_on.unwrap_or_default())
                }
                other => panic!("{other:?}"),
            },
        )
    };
    let is = |dialog: &str, received_on: &str| (dialog.to_owned(), received_on.to_owned());
    assert_eq!(place("|10.0.0.5|5062|"), is("", "10.0.0.5:5062"));
    assert_eq!(place("|10.0.0.5|5062"), is("", "10.0.0.5:5062"));
    assert_eq!(place("|10.0.0.5|5062|session|"), is("", "10.0.0.5:5062"));
    assert_eq!(
        place("|10.0.0.5|5062||c;from-tag=1"),
        is("c;from-tag=1", "10.0.0.5:5062")
    );
    assert_eq!(place("d;from-tag=1|"), is("d;from-tag=1", ""));
    assert_eq!(place("d;uas"), is("d;uas", ""));
    assert_eq!(place("a|b;from-tag=1|"), is("a|b;from-tag=1", ""));
    assert_eq!(place("|"), is("", ""));
}

#[test]
fn a_request_of_the_server_is_unsolicited() {
    let news = News::Message {
        transaction: None,
        dialog: Some(DialogId("d".into())),
        meta: meta(Source::Application, 1),
        message: message("BYE sip:a@b SIP/2.0\r\n\r\n"),
    };
    let text = written(|out, clock| write_news(out, ID, &news, clock));
    assert!(text.contains(&format!(
        "|sip|application|1|udp|198.51.100.9|5060|{TIME}|unsolicited|d|\r\nBYE "
    )));
}

#[test]
fn records_of_calls() {
    for (event, tokens) in [
        (CdrEvent::Attempt, format!("cdr:attempt|network|{TIME}")),
        (
            CdrEvent::Start(CdrRole::ProxyUac),
            format!("cdr:start|network|{TIME}|proxy-uac"),
        ),
        (
            CdrEvent::Stop(StopReason::NormalRelease),
            format!("cdr:stop|network|{TIME}|normal-release"),
        ),
    ] {
        let news = News::Record(Box::new(Cdr {
            event,
            source: Source::Network,
            at: Instant::now(),
            message: message(INVITE),
        }));
        let text = written(|out, clock| write_news(out, ID, &news, clock));
        assert_eq!(text, format!("{ID_TEXT}|{tokens}\r\n{INVITE}"));
        read(&text, |read| match read {
            Ok(ServerMessage::Cdr {
                event: name,
                source: "network",
                time: TIME,
                detail,
                message,
            }) => {
                assert_eq!(
                    (name, detail),
                    (event.name(), event.detail().unwrap_or_default())
                );
                assert_eq!(message, INVITE);
            }
            other => panic!("{other:?}"),
        });
    }
}

#[test]
fn what_only_servers_of_this_package_tell() {
    let refused = News::Refused {
        transaction: TXN,
        status: 480,
        why: Refusal::NotAnswered(480),
    };
    let text = written(|out, clock| write_news(out, ID, &refused, clock));
    let why = "the application did not answer in time: the request was answered 480";
    assert_eq!(
        text,
        format!("{ID_TEXT}|request:answered|{TXN_TEXT}|480|DRT_ERR_NOT_ANSWERED|{why}")
    );
    read(&text, |read| {
        assert_eq!(
            read,
            Ok(ServerMessage::Answered(vec![
                TXN_TEXT,
                "480",
                "DRT_ERR_NOT_ANSWERED",
                why
            ]))
        )
    });

    let closed = News::ConnectionClosed(Box::new(ClosedConnection {
        transport: Transport::Wss,
        peer: "[2001:db8::1]:443".parse().unwrap(),
        registrations: vec!["sip:a@b".into()],
        dialogs: vec![DialogId("a|b".into())],
        requests: vec![TXN],
    }));
    let text = written(|out, clock| write_news(out, ID, &closed, clock));
    let lines = format!("contact sip:a@b\r\ndialog a%7Cb\r\nrequest {TXN_TEXT}");
    assert_eq!(
        text,
        format!("{ID_TEXT}|connection:closed|wss|2001:db8::1|443\r\n{lines}")
    );
    read(&text, |read| {
        assert_eq!(
            read,
            Ok(ServerMessage::ConnectionClosed(
                vec!["wss", "2001:db8::1", "443"],
                lines.clone().into()
            ))
        );
    });
}

#[test]
fn a_request_that_is_about_to_pass_has_a_type_of_its_own() {
    let news = News::Passing {
        transaction: TXN,
        meta: meta(Source::Network, 1),
        message: message("BYE sip:a@b SIP/2.0\r\n\r\n"),
    };
    let text = written(|out, clock| write_news(out, ID, &news, clock));
    assert_eq!(
        text,
        format!("{ID_TEXT}|sip:passing|network|1|udp|198.51.100.9|5060|{TIME}|{TXN_TEXT}\r\nBYE sip:a@b SIP/2.0\r\n\r\n")
    );
    read(&text, |read| match read {
        Ok(ServerMessage::Passing {
            transaction,
            message,
            ..
        }) => {
            assert_eq!(transaction, TXN_TEXT);
            assert!(message.starts_with(b"BYE "));
        }
        other => panic!("{other:?}"),
    });
}

#[test]
fn a_reply_is_no_news() {
    let news = News::Reply {
        command: CommandId(1),
        reply: Reply::Done,
    };
    let mut out = Vec::new();
    write_news(&mut out, ID, &news, &mut clock());
    assert!(out.is_empty());
}

#[test]
fn what_a_client_can_not_read_it_says_so() {
    let unknown = |kind: &str| Malformed::UnknownType(kind.to_owned());
    let few = |kind: &str| Malformed::TooFewTokens(kind.to_owned());
    for (payload, error) in [
        ("", Malformed::NoType),
        ("garbage", Malformed::NoType),
        ("x|hello|y", unknown("hello")),
        ("x|response", few("response")),
        ("x|response|re|OK|network|1", few("response")),
        ("x|sip|network|1|udp|h|5060|time|T", few("sip")),
        ("x|cdr:stop|network", few("cdr:stop")),
    ] {
        read(payload, |read| assert_eq!(read, Err(error), "{payload}"));
    }
}
