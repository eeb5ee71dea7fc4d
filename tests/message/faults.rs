//! What is wrong with a received message, and the response it earns (RFC 3261 §8.2.2, §16.3).

use drachtio::message::{Fault, Message};

const GOOD: &str = "INVITE sip:bob@b SIP/2.0\r\n\
    Via: SIP/2.0/UDP h;branch=z9hG4bKa\r\n\
    Max-Forwards: 70\r\n\
    From: \"A\" <sip:a@h>;tag=1\r\n\
    To: <sip:bob@b>\r\n\
    Call-ID: c@h\r\n\
    CSeq: 1 INVITE\r\n\
    Contact: <sip:a@h>\r\n\
    Content-Length: 0\r\n\r\n";

fn fault(text: &str) -> Option<(u16, String)> {
    let message = Message::parse(text.to_owned().into()).unwrap();
    message
        .validate()
        .err()
        .map(|Fault { status, reason }| (status, reason))
}

/// The fault of `GOOD` with one part exchanged for another.
fn fault_with(old: &str, new: &str) -> Option<(u16, String)> {
    assert!(GOOD.contains(old), "{old}");
    fault(&GOOD.replacen(old, new, 1))
}

fn bad(status: u16, reason: &str) -> Option<(u16, String)> {
    Some((status, reason.to_owned()))
}

#[test]
fn a_good_request_has_none() {
    assert_eq!(fault(GOOD), None);
}

#[test]
fn a_good_response_has_none() {
    assert_eq!(
        fault(&GOOD.replace("INVITE sip:bob@b SIP/2.0", "SIP/2.0 180 Ringing")),
        None
    );
}

#[test]
fn every_mandatory_header_must_be_there() {
    for line in [
        "Via: SIP/2.0/UDP h;branch=z9hG4bKa\r\n",
        "From: \"A\" <sip:a@h>;tag=1\r\n",
        "To: <sip:bob@b>\r\n",
        "Call-ID: c@h\r\n",
        "CSeq: 1 INVITE\r\n",
    ] {
        let name = line.split(':').next().unwrap();
        assert_eq!(
            fault_with(line, ""),
            bad(400, &format!("Missing {name} Header"))
        );
    }
}

#[test]
fn headers_that_must_be_single_may_not_be_repeated() {
    for (line, name) in [
        ("From: <sip:x@y>;tag=2\r\n", "From"),
        ("t: <sip:x@y>\r\n", "To"),
        ("i: d@h\r\n", "Call-ID"),
        ("CSeq: 1 INVITE\r\n", "CSeq"),
        ("Max-Forwards: 70\r\n", "Max-Forwards"),
        ("RSeq: 1\r\nRSeq: 1\r\n", "RSeq"),
        ("RAck: 1 1 INVITE\r\nRAck: 1 1 INVITE\r\n", "RAck"),
    ] {
        let text = GOOD.replacen("Contact:", &format!("{line}Contact:"), 1);
        assert_eq!(fault(&text), bad(400, &format!("Multiple {name} Headers")));
    }
}

#[test]
fn an_rfc_2543_message_has_none() {
    let text = "INVITE sip:UserB@example.com SIP/2.0\r\nVia: SIP/2.0/UDP gw\r\nFrom: <sip:a@h;user=phone>\r\n\
        Record-Route: <sip:b@c;maddr=d>\r\nTo: sip:b@c;user=phone\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\nv=0\r\n";
    assert_eq!(fault(text), None);
}

#[test]
fn another_version_is_505_whatever_else_is_wrong() {
    for new in ["SIP/7.0", "SIP/2.1", "SIP/", "SIP/2.0x"] {
        assert_eq!(
            fault_with("SIP/2.0", new),
            bad(505, "Version Not Supported"),
            "{new}"
        );
    }
    assert_eq!(fault_with("SIP/2.0", "sip/2.0"), None);
    assert_eq!(
        fault("OPTIONS sip:a SIP/3.0\r\nno colon"),
        bad(505, "Version Not Supported")
    );
}

#[test]
fn the_request_line_has_single_spaces() {
    for line in [
        "INVITE  sip:bob@b SIP/2.0",
        "INVITE sip:bob@b  SIP/2.0",
        "INVITE sip:bob@b SIP/2.0 ",
        "INVITE sip:bob@b SIP/2.0  ",
        "INVITE \tsip:bob@b SIP/2.0",
        "INVITE  SIP/2.0",
        "INVITE SIP/2.0",
    ] {
        let found = fault_with("INVITE sip:bob@b SIP/2.0", line);
        assert_eq!(found, bad(400, "Bad Request Line"), "{line:?}");
    }
}

#[test]
fn the_request_uri_is_a_uri_without_headers() {
    for uri in [
        "<sip:bob@b>",
        "sip:bob@b; lr",
        "sip:bob@b?Route=%3Csip:c%3E",
        "bob",
        "sip:",
        "sip:bob@",
        "sip:b%",
        "sip:b\u{fc}",
    ] {
        assert_eq!(
            fault_with("sip:bob@b SIP", &format!("{uri} SIP")),
            bad(400, "Bad Request-URI"),
            "{uri}"
        );
    }
    for uri in [
        "tel:+1",
        "nobodyKnowsThisScheme:totallyopaquecontent",
        "urn:service:sos",
        "sips:b",
    ] {
        assert_eq!(
            fault_with("sip:bob@b SIP", &format!("{uri} SIP")),
            None,
            "{uri}"
        );
    }
}

#[test]
fn a_request_uri_that_is_not_utf8_is_bad() {
    let (method, rest) = GOOD.split_at(7);
    let text = [
        method.as_bytes(),
        b"sip:\xff@h SIP/2.0",
        &rest.as_bytes()[17..],
    ]
    .concat();
    let message = Message::parse(text.into()).unwrap();
    assert_eq!(message.validate().unwrap_err().reason, "Bad Request-URI");
}

#[test]
fn every_via_is_checked() {
    for value in [
        "SIP/2.0/UDP h;branch=",
        "SIP/2.0/UDP h;;branch=z9hG4bKa",
        "SIP/2.0/UDP 192.0.2.15;;,;,,",
        "SIP/2.0/UDP h, ",
        ", SIP/2.0/UDP h",
        "SIP/2.0/UDP h SIP/2.0/UDP h",
        "SIP/2.0/UDP ::::",
        "SIP/2.0/UDP (comment)",
        "SIP/2.0/UDP h;a=b/c",
        "",
    ] {
        let found = fault_with("SIP/2.0/UDP h;branch=z9hG4bKa", value);
        assert_eq!(found, bad(400, "Bad Via Header"), "{value}");
        let second = format!("Max-Forwards: 70\r\nVia: {value}\r\n");
        assert_eq!(
            fault_with("Max-Forwards: 70\r\n", &second),
            bad(400, "Bad Via Header"),
            "{value}"
        );
    }
    for value in [
        "SIP/2.0/UDP h;branch=z9hG4bK",
        "SIP/2.0/UDP h;branch=x",
        "SIP/2.0/UNKNOWN h",
        "FOO/1.1/BAR h",
        "SIP/2.0/UDP h;branch=z9hG4bK1 , SIP/2.0/TCP i:5060",
    ] {
        assert_eq!(
            fault_with("SIP/2.0/UDP h;branch=z9hG4bKa", value),
            None,
            "{value}"
        );
    }
    let huge = format!("SIP/2.0/UDP h;branch=z9hG4bK{}", "x".repeat(8000));
    assert_eq!(fault_with("SIP/2.0/UDP h;branch=z9hG4bKa", &huge), None);
}

#[test]
fn from_and_to_are_addresses_with_one_tag_at_most() {
    for value in [
        "<sip:a@h>;tag",
        "<sip:a@h>;tag=",
        "<sip:a@h>;tag=\"1\"",
        "<sip:a@h>;tag=1;tag=1",
        "<sip:a@h>;tag=a:b",
        "sip:a@h?x=y",
        "*",
        "\"A <sip:a@h>",
        "<sip:a@h>;tag=1, <sip:b@h>;tag=2",
        "<sip:a@h%>",
        "",
    ] {
        assert_eq!(
            fault_with("\"A\" <sip:a@h>;tag=1", value),
            bad(400, "Bad From Header"),
            "{value}"
        );
        assert_eq!(
            fault_with("To: <sip:bob@b>", &format!("To: {value}")),
            bad(400, "Bad To Header"),
            "{value}"
        );
    }
    for value in [
        "sip:a@h",
        "isbn:2983792873",
        "<http://www.example.com>;tag=3",
        "<tel:+1;a=b>;tag=1",
    ] {
        assert_eq!(fault_with("\"A\" <sip:a@h>;tag=1", value), None, "{value}");
    }
}

#[test]
fn a_call_id_is_visible_ascii() {
    for value in ["", "a b", "a\tb", "\u{fc}", "a\0", "a\r\n b"] {
        assert_eq!(
            fault_with("c@h", value),
            bad(400, "Bad Call-ID Header"),
            "{value:?}"
        );
    }
    for value in [
        "x",
        "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
        "a=b|c;d,e@f@g",
    ] {
        assert_eq!(fault_with("c@h", value), None, "{value}");
    }
}

#[test]
fn cseq_is_in_range_and_of_the_requests_method() {
    for value in [
        "4294967296 INVITE",
        "-1 INVITE",
        "INVITE",
        "1",
        "x INVITE",
        "1 INV(ITE",
    ] {
        assert_eq!(
            fault_with("1 INVITE", value),
            bad(400, "Bad CSeq Header"),
            "{value}"
        );
    }
    for value in ["1 OPTIONS", "1 invite", "1 INVITEX"] {
        assert_eq!(
            fault_with("1 INVITE", value),
            bad(400, "CSeq Method Does Not Match Request"),
            "{value}"
        );
    }
    assert_eq!(fault_with("1 INVITE", "4294967295 INVITE"), None);
    let response = GOOD
        .replace("INVITE sip:bob@b SIP/2.0", "SIP/2.0 200 OK")
        .replace("1 INVITE", "1 ANY");
    assert_eq!(fault(&response), None);
}

#[test]
fn numbers_are_numbers() {
    assert_eq!(fault_with("70", "x"), bad(400, "Bad Max-Forwards Header"));
    assert_eq!(fault_with("70", "300"), None);
    assert_eq!(
        fault_with("Max-Forwards: 70", "RSeq: 4294967296"),
        bad(400, "Bad RSeq Header")
    );
    assert_eq!(
        fault_with("Max-Forwards: 70", "RAck: 1 INVITE"),
        bad(400, "Bad RAck Header")
    );
    assert_eq!(fault_with("Max-Forwards: 70", "Expires: never"), None);
    let digits = "9".repeat(8000);
    for header in [
        "CSeq",
        "Max-Forwards",
        "RSeq",
        "RAck",
        "Expires",
        "Content-Length",
    ] {
        let text = GOOD.replacen("Contact:", &format!("{header}: {digits}\r\nContact:"), 1);
        assert_eq!(fault(&text).is_some(), header != "Expires", "{header}");
    }
}

#[test]
fn every_contact_and_route_is_checked() {
    for value in [
        "None",
        "\"Joe\" <sip:joe@h>;;;;",
        "sip:a@h?Route=%3Csip:b%3E",
        "<sip:a@h>, *",
        "*, *",
        "*;q=",
        "",
        "<sip:a@h>,",
    ] {
        assert_eq!(
            fault_with("Contact: <sip:a@h>", &format!("Contact: {value}")),
            bad(400, "Bad Contact Header"),
            "{value}"
        );
    }
    for value in [
        "*",
        "sip:a@h;unknown",
        "<name:John_Smith>",
        "<sip:a@h>;q=0.1, \"b, c\" <sips:d@e>",
        "<sip:a@h?Route=%3Csip:b%3E>",
    ] {
        assert_eq!(
            fault_with("Contact: <sip:a@h>", &format!("Contact: {value}")),
            None,
            "{value}"
        );
    }
    for name in ["Route", "Record-Route", "Path", "Service-Route"] {
        for value in ["", "<sip:a@h", "<tel:+1>", "<sip:a@h>,", "a, b", "*"] {
            let reason = format!("Bad {name} Header");
            assert_eq!(
                fault_with("Contact: <sip:a@h>", &format!("{name}: {value}")),
                bad(400, &reason),
                "{value}"
            );
        }
        let value = format!("{name}: <sip:h;lr>,\r\n <sip:i>;x=y\r\n{name}: sip:j");
        assert_eq!(fault_with("Contact: <sip:a@h>", &value), None);
    }
}

#[test]
fn what_the_stack_does_not_act_on_is_not_checked() {
    for line in [
        "Date: Fri, 01 Jan 2010 16:00:00 EST",
        "Refer-To: nonsense",
        "Warning: x",
        "Authorization: \"",
        "Accept: ;;,",
    ] {
        assert_eq!(fault_with("Max-Forwards: 70", line), None, "{line}");
    }
}

#[test]
fn damage_to_the_outer_form_is_named() {
    assert_eq!(
        fault_with("Contact: <sip:a@h>", "Contact"),
        bad(400, "Bad Header Line")
    );
    assert_eq!(
        fault_with("Contact: <sip:a@h>", "X: a\nY: b"),
        bad(400, "Bare CR or LF in Header")
    );
    assert_eq!(
        fault_with("\r\n\r\n", "\r\n"),
        bad(400, "Missing Blank Line after Headers")
    );
    assert_eq!(
        fault_with("Content-Length: 0", "l: -1"),
        bad(400, "Bad Content-Length Header")
    );
    assert_eq!(
        fault_with("Content-Length: 0", "l: 1"),
        bad(400, "Body Shorter than Content-Length")
    );
    assert_eq!(
        fault_with("Content-Length: 0", "l: 0\r\nl: 1"),
        bad(400, "Conflicting Content-Length Headers")
    );
}

#[test]
fn a_flawed_request_can_still_be_read_to_be_answered() {
    let message = Message::parse(GOOD.replace("Contact: <sip:a@h>", "X\0: y").into()).unwrap();
    assert!(message.validate().is_err());
    assert_eq!(message.top_via().unwrap().branch(), Some("z9hG4bKa"));
    assert_eq!(message.from().unwrap().tag(), Some("1"));
    assert_eq!(message.cseq().unwrap().number, 1);
}

#[test]
fn every_single_byte_change_is_survived() {
    // A stray byte anywhere is either seen or harmless, never a panic (CVE-2021-33056).
    for at in 0..GOOD.len() {
        for byte in [
            b'/', b'<', b'>', b'"', b'\\', b';', b',', b'=', b'%', b'@', b':', b'[', 0, 0xff,
            b'\r', b'\n', b' ',
        ] {
            let mut text = GOOD.as_bytes().to_vec();
            text[at] = byte;
            if let Ok(message) = Message::parse(text.into()) {
                let valid = message.validate().is_ok();
                let readable = message.top_via().is_ok()
                    && message.from().is_ok()
                    && message.to().is_ok()
                    && message.call_id().is_ok()
                    && message.cseq().is_ok()
                    && message.contact().is_ok();
                assert!(readable || !valid);
            }
        }
    }
}
