//! The typed views of Via, From, To, Contact, CSeq and the other headers of the engine.

use drachtio::message::{
    CSeq, GrammarError, HeaderError, HeaderId, Message, Method, NameAddr, RAck, Via,
};

fn message(headers: &str) -> Message {
    Message::parse(format!("OPTIONS sip:a SIP/2.0\r\n{headers}\r\n\r\n").into()).unwrap()
}

#[test]
fn a_via_has_transport_host_port_and_parameters() {
    let via = Via::parse(b"SIP/2.0/TCP client.example.com:5061;branch=z9hG4bK1;rport=99;received=10.0.0.1;ttl=3;maddr=224.2.0.1;x").unwrap();
    assert_eq!(via.check(), Ok(()));
    assert_eq!(via.transport, "TCP");
    assert_eq!(via.host, "client.example.com");
    assert_eq!(via.port, Some(5061));
    assert_eq!(via.branch(), Some("z9hG4bK1"));
    assert_eq!(via.rport(), Some(Some(99)));
    assert_eq!(via.received(), Some("10.0.0.1"));
    assert_eq!(via.ttl(), Some(3));
    assert_eq!(via.maddr(), Some("224.2.0.1"));
    assert_eq!(via.params.get("X"), Some(None));
    assert_eq!(via.params.get("y"), None);
}

#[test]
fn a_via_may_have_white_space_wherever_the_grammar_has_it() {
    let value =
        b"SIP  /   2.0\r\n /UDP\r\n    192.0.2.2 : 5060 ; branch\r\n =  390skdjuw ;\trport ";
    let via = Via::parse(value).unwrap();
    assert_eq!(via.check(), Ok(()));
    assert_eq!(
        (via.transport, via.host, via.port),
        ("UDP", "192.0.2.2", Some(5060))
    );
    assert_eq!(via.branch(), Some("390skdjuw"));
    assert_eq!(via.rport(), Some(None));
}

#[test]
fn the_host_of_a_via_may_be_an_ipv6_address() {
    let via = Via::parse(b"SIP/2.0/UDP [2001:db8::1]:5070;received=::1").unwrap();
    assert_eq!(via.check(), Ok(()));
    assert_eq!((via.host, via.port), ("2001:db8::1", Some(5070)));
    assert_eq!(via.received(), Some("::1"));
}

#[test]
fn a_malformed_via_is_refused() {
    for value in [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ",
        "SIP/2.0/UDP ;branch=1",
        "SIP/2.0 UDP h",
        "SIP/2.0/ h",
        "/2.0/UDP h",
        "SIP//UDP h",
        "SIP/2.0/UDPh",
        "SIP/2.0/UDP h:",
        "SIP/2.0/UDP h:x",
        "SIP/2.0/UDP h:65536",
        "SIP/2.0/UDP h:99999999999999999999",
        "SIP/2.0/UDP h:1:2",
        "SIP/2.0/UDP h h",
        "SIP/2.0/UDP [::1",
        "SIP/2.0/UDP [::1]x",
        "SIP/2.0/UDP []",
        "SIP/2.0/UDP :5060",
        "SIP/2.0/UDP h, SIP/2.0/UDP i",
        "SIP/2.0/UDP \u{fc}",
        "SIP/2.0/UDP h (comment)",
    ] {
        assert!(Via::parse(value.as_bytes()).is_err(), "{value}");
    }
    assert!(Via::parse(b"SIP/2.0/UDP h;x=\"\xff\"").is_err());
}

#[test]
fn the_check_of_a_via_covers_host_and_parameters() {
    for value in [
        "SIP/2.0/UDP [::x]",
        "SIP/2.0/UDP [1.2.3.4]",
        "SIP/2.0/UDP 1.2.3.400",
        "SIP/2.0/UDP a..b",
        "SIP/2.0/UDP -a",
        "SIP/2.0/UDP h;",
        "SIP/2.0/UDP h;;branch=1",
        "SIP/2.0/UDP h;branch",
        "SIP/2.0/UDP h;branch=",
        "SIP/2.0/UDP h;branch=1;branch=2",
        "SIP/2.0/UDP h;branch=1 2",
        "SIP/2.0/UDP h;x=\"",
        "SIP/2.0/UDP h;x=\"a\"b",
        "SIP/2.0/UDP h;=b",
        "SIP/2.0/UDP h;a@b",
        "SIP/2.0/UDP h;a=b@c",
    ] {
        let checked = Via::parse(value.as_bytes()).and_then(|via| via.check());
        assert!(checked.is_err(), "{value}");
    }
}

#[test]
fn a_name_addr_has_display_name_uri_and_parameters() {
    for (value, name, uri, tag) in [
        ("<sip:a@b>", None, "sip:a@b", None),
        ("<sip:a@b>;tag=1", None, "sip:a@b", Some("1")),
        ("<sip:a@b>;branch=2;tag=1", None, "sip:a@b", Some("1")),
        ("<sip:a@b;x=y>;Tag=1", None, "sip:a@b;x=y", Some("1")),
        ("sip:a@b;tag=1;x", None, "sip:a@b", Some("1")),
        ("sip:a@b", None, "sip:a@b", None),
        ("sip:a@b ;  tag  =  1", None, "sip:a@b", Some("1")),
        ("Bob <sip:a@b>;tag=1", Some("Bob"), "sip:a@b", Some("1")),
        (
            "Bob the Great\r\n <sip:a@b>",
            Some("Bob the Great"),
            "sip:a@b",
            None,
        ),
        ("caller<sip:a@b>", Some("caller"), "sip:a@b", None),
        (
            "\"Bob, Inc.\" <sip:a@b>",
            Some("Bob, Inc."),
            "sip:a@b",
            None,
        ),
        ("\"\"<sip:a@b>", Some(""), "sip:a@b", None),
        (
            r#""J \\\"" <sip:a@b>;tag=1"#,
            Some(r#"J \\\""#),
            "sip:a@b",
            Some("1"),
        ),
        (
            "\"<sip:x@y>\" <sip:a@b>",
            Some("<sip:x@y>"),
            "sip:a@b",
            None,
        ),
        ("Jörg <sip:a@b>", Some("Jörg"), "sip:a@b", None),
        (
            "<tel:+1-201-555;x>;tag=1",
            None,
            "tel:+1-201-555;x",
            Some("1"),
        ),
    ] {
        let address = NameAddr::parse(value.as_bytes()).unwrap();
        assert_eq!(address.check(), Ok(()), "{value}");
        assert_eq!(address.display_name, name.map(str::as_bytes), "{value}");
        assert_eq!(address.uri, uri, "{value}");
        assert_eq!(address.tag(), tag, "{value}");
    }
}

#[test]
fn quoted_parameters_keep_their_semicolons() {
    let value = br#"<sip:a@b>;x="; tag=no \" ";tag=yes;q=0.5"#;
    let address = NameAddr::parse(value).unwrap();
    assert_eq!(address.check(), Ok(()));
    assert_eq!(address.tag(), Some("yes"));
    assert_eq!(address.param("q"), Some(Some("0.5")));
    assert_eq!(address.param("x"), Some(Some(r#""; tag=no \" ""#)));
    let names: Vec<&str> = address.params.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["x", "tag", "q"]);
}

#[test]
fn a_malformed_name_addr_is_refused() {
    for value in [
        "",
        "<>",
        "<sip:a@b",
        "sip:a@b>",
        "\"Bob <sip:a@b>",
        "\"Bob\\\" <sip:a@b>",
        "Bell, Alexander <sip:a@b>",
        "Bob (home) <sip:a@b>",
        "\"Bob\" sip:a@b",
        "\"Bob\"",
        "< sip:a@b >",
        "<sip:a b@c>",
        "sip:a@b?x=y",
        "sip:a@b,sip:c@d",
        "<sip:a@b>tag=1",
        "<sip:a@b> x;tag=1",
        "<sip:a@b>;tag=1,<sip:c@d>",
        "None",
        "<None>",
        "<sip:a@b>;;tag=1",
        "<sip:a@b>;tag",
        "<sip:a@b>;tag=",
        "<sip:a@b>;tag=1;TAG=2",
        "<sip:a@b>;",
        "<<sip:a@b>>",
        "<\u{fc}>",
    ] {
        let checked = NameAddr::parse(value.as_bytes()).and_then(|address| address.check());
        assert!(checked.is_err(), "{value}");
    }
    assert_eq!(
        NameAddr::parse(b"\"\xff\" <sip:a@b>").unwrap_err(),
        GrammarError::NotUtf8
    );
}

#[test]
fn octets_that_are_no_utf8_spoil_the_value_they_are_in_and_no_other() {
    let text = b"OPTIONS sip:a SIP/2.0\r\nFrom: <sip:\xc3\xa4@b>;tag=f\r\nTo: \"\xe4\" <sip:b>\r\n\
        Call-ID: \xff\r\nSubject: \xc3\xa4\r\nContact: <sip:c\xfc>\r\n\r\n\x80";
    let message = Message::parse(text.as_slice().into()).unwrap();
    assert_eq!(message.from().unwrap().uri, "sip:ä@b");
    assert_eq!(message.from_tag(), Some("f"));
    assert_eq!(message.get_str(HeaderId::Subject), Some("ä"));
    for (error, id) in [
        (message.to().unwrap_err(), HeaderId::To),
        (message.call_id().unwrap_err(), HeaderId::CallId),
        (message.contact().unwrap_err(), HeaderId::Contact),
    ] {
        assert_eq!(error, HeaderError::Malformed(id, GrammarError::NotUtf8));
    }
    assert_eq!(message.get(HeaderId::CallId), Some(b"\xff".as_slice()));
    assert_eq!(message.body(), b"\x80".as_slice());
}

#[test]
fn a_wildcard_contact_is_one() {
    let message = message("Contact: *");
    assert!(message.contact().unwrap().unwrap().is_wildcard());
}

#[test]
fn a_cseq_is_a_number_and_a_method() {
    for (value, number, method) in [
        ("1 INVITE", 1, Method::Invite),
        ("0009\r\n  INVITE", 9, Method::Invite),
        ("4294967295 ACK", u32::MAX, Method::Ack),
        ("0\tinvite", 0, Method::Other("invite")),
        ("  7  X.y ", 7, Method::Other("X.y")),
    ] {
        assert_eq!(
            CSeq::parse(value.as_bytes()),
            Ok(CSeq { number, method }),
            "{value}"
        );
    }
    let huge = "9".repeat(64 * 1024);
    for value in [
        "",
        "INVITE",
        "1",
        "1 ",
        "1INVITE",
        "-1 INVITE",
        "+1 INVITE",
        "1 INVITE x",
        "1 IN(VITE",
        "4294967296 INVITE",
        "36893488147419103232 REGISTER",
        "1.0 INVITE",
        "1 INV\u{fc}TE",
        &format!("{huge} INVITE"),
    ] {
        assert!(CSeq::parse(value.as_bytes()).is_err(), "{value:.40}");
    }
}

#[test]
fn a_rack_is_two_numbers_and_a_method() {
    assert_eq!(
        RAck::parse(b"776656 1\r\n INVITE"),
        Ok(RAck {
            rseq: 776_656,
            cseq: 1,
            method: Method::Invite
        })
    );
    for value in [
        "",
        "1",
        "1 2",
        "1 INVITE",
        "1 2 3",
        "1 2 INVITE x",
        "4294967296 1 INVITE",
        "1 4294967296 INVITE",
    ] {
        let parsed = RAck::parse(value.as_bytes());
        // A method may be any token, so `1 2 3` is one.
        assert_eq!(parsed.is_ok(), value == "1 2 3", "{value}");
    }
}

#[test]
fn max_forwards_beyond_255_counts_as_absent() {
    for (value, hops) in [
        ("0", Some(0)),
        ("70", Some(70)),
        ("0068", Some(68)),
        ("255", Some(255)),
        ("256", None),
        ("99999999999999999999", None),
    ] {
        assert_eq!(
            message(&format!("Max-Forwards: {value}")).max_forwards(),
            Ok(hops)
        );
    }
    assert_eq!(message("To: x").max_forwards(), Ok(None));
    for value in ["", "-1", "7a", "7 0", "seventy"] {
        let error = message(&format!("Max-Forwards: {value}"))
            .max_forwards()
            .unwrap_err();
        assert_eq!(error.header(), HeaderId::MaxForwards, "{value}");
    }
}

#[test]
fn an_expires_that_is_no_number_counts_as_absent() {
    for (value, seconds) in [
        ("0", Some(0)),
        ("3600", Some(3600)),
        ("4294967295", Some(u32::MAX)),
        ("4294967296", None),
        ("-1", None),
        ("Thu, 01 Dec 1994 16:00:00 GMT", None),
    ] {
        assert_eq!(
            message(&format!("Expires: {value}")).expires(),
            seconds,
            "{value}"
        );
    }
}

#[test]
fn an_rseq_is_a_number() {
    assert_eq!(message("RSeq: 4294967295").rseq(), Ok(Some(u32::MAX)));
    assert_eq!(message("X: y").rseq(), Ok(None));
    assert!(message("RSeq: 4294967296").rseq().is_err());
    assert!(message("RSeq: x").rseq().is_err());
    assert!(message("RAck: 1 1").rack().is_err());
    assert_eq!(message("X: y").rack(), Ok(None));
}

#[test]
fn the_views_take_the_first_value() {
    let message = message(
        "Via: SIP/2.0/TCP one;branch=\"a,b\" , SIP/2.0/UDP two\r\nVia: SIP/2.0/UDP three\r\n\
         Contact: \"a, b\" <sip:c,d@e>;q=1, <sip:f@g>",
    );
    assert_eq!(message.top_via().unwrap().host, "one");
    assert_eq!(message.contact().unwrap().unwrap().uri, "sip:c,d@e");
}

#[test]
fn a_missing_or_malformed_header_is_named() {
    let empty = message("X: y");
    assert_eq!(
        empty.top_via().unwrap_err(),
        HeaderError::Missing(HeaderId::Via)
    );
    assert_eq!(empty.from().unwrap_err().to_string(), "no From header");
    assert_eq!(empty.to().unwrap_err().header(), HeaderId::To);
    assert_eq!(
        empty.call_id().unwrap_err().to_string(),
        "no Call-ID header"
    );
    assert_eq!(empty.cseq().unwrap_err().header(), HeaderId::CSeq);
    assert!(empty.contact().unwrap().is_none());
    let bad = message("Via: SIP/2.0/UDP h:x\r\nContact: <sip:a\r\nTo: \"a");
    assert_eq!(
        bad.top_via().unwrap_err().to_string(),
        "bad Via header: malformed port"
    );
    assert_eq!(
        bad.contact().unwrap_err().to_string(),
        "bad Contact header: malformed name-addr"
    );
    assert_eq!(
        bad.to().unwrap_err().to_string(),
        "bad To header: unterminated quoted string"
    );
}
