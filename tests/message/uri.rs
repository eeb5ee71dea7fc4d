//! URIs: sip, sips, tel and the rest (RFC 3261 §19.1, RFC 3966).

use std::net::{Ipv4Addr, Ipv6Addr};

use drachtio::message::{Host, Scheme, Uri, UriError};

#[test]
fn a_sip_uri_has_all_its_parts() {
    let text = "sips:alice:secret@Atlanta.example.com:5061;transport=tcp;lr;maddr=10.0.0.1;method=INVITE?subject=x&to=y";
    let uri = Uri::parse(text).unwrap();
    assert_eq!(uri.scheme, Scheme::Sips);
    assert_eq!(uri.user, Some("alice"));
    assert_eq!(uri.password, Some("secret"));
    assert_eq!(uri.host, Host::Name("atlanta.EXAMPLE.com"));
    assert_eq!(uri.port, Some(5061));
    assert_eq!(uri.transport(), Some("tcp"));
    assert!(uri.lr());
    assert_eq!(uri.maddr(), Some("10.0.0.1"));
    assert_eq!(uri.method(), Some("INVITE"));
    assert_eq!(uri.headers, Some("subject=x&to=y"));
    assert_eq!(uri.text, text);
}

#[test]
fn most_parts_may_be_missing() {
    let uri = Uri::parse("SIP:example.com").unwrap();
    assert!(uri.is_sip());
    assert_eq!(
        (uri.user, uri.password, uri.port, uri.headers),
        (None, None, None, None)
    );
    assert!(uri.params.is_empty());
    assert!(!uri.lr());
}

#[test]
fn hosts_are_names_or_addresses() {
    for (text, host) in [
        ("sip:a@10.0.0.1", Host::V4(Ipv4Addr::new(10, 0, 0, 1))),
        ("sip:a@[::1]", Host::V6(Ipv6Addr::LOCALHOST)),
        ("sip:a@[::1]:5060", Host::V6(Ipv6Addr::LOCALHOST)),
        (
            "sip:[2001:db8::1.2.3.4];lr",
            Host::V6("2001:db8::102:304".parse().unwrap()),
        ),
        ("sip:example.com.", Host::Name("example.com.")),
        ("sip:my_service", Host::Name("my_service")),
        ("sip:7d793037a076:5060", Host::Name("7d793037a076")),
        ("sip:1.2.3.4a", Host::Name("1.2.3.4a")),
    ] {
        assert_eq!(Uri::parse(text).unwrap().host, host, "{text}");
    }
    for text in [
        "sip:",
        "sip:@",
        "sip:a@",
        "sip::5060",
        "sip:a@:5060",
        "sip:[::1",
        "sip:::1",
        "sip:[::x]",
        "sip:[1.2.3.4]",
        "sip:256.1.1.1",
        "sip:1.2.3",
        "sip:12",
        "sip:a..b",
        "sip:.a",
        "sip:-a",
        "sip:a-",
        "sip:a%62",
        "sip:\u{fc}.de",
        "sip:a b",
        "sip:[]",
    ] {
        assert!(Uri::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_host_stands_alone_as_well() {
    assert_eq!(
        Host::parse("[::1]").unwrap().ip(),
        Some(Ipv6Addr::LOCALHOST.into())
    );
    assert_eq!(
        Host::parse("::1").unwrap().ip(),
        Some(Ipv6Addr::LOCALHOST.into())
    );
    assert_eq!(Host::parse("example.com").unwrap().ip(), None);
    for text in ["", "[::1", "::1]", "[example.com]", "a/b", "1.2.3.4:5"] {
        assert!(Host::parse(text).is_err(), "{text}");
    }
}

#[test]
fn ports_are_below_65536() {
    assert_eq!(Uri::parse("sip:a:65535").unwrap().port, Some(65535));
    assert_eq!(Uri::parse("sip:a:05060").unwrap().port, Some(5060));
    for text in [
        "sip:a:",
        "sip:a:65536",
        "sip:a:99999999999999999999",
        "sip:a:-1",
        "sip:a:x",
    ] {
        assert!(Uri::parse(text).is_err(), "{text}");
    }
    assert_eq!(Uri::parse("sip:a:65536").unwrap_err(), UriError::Port);
}

#[test]
fn the_user_part_may_have_what_the_grammar_allows() {
    for (text, user) in [
        (
            "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@h",
            "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*",
        ),
        ("sip:user;par=u%40example.net@h", "user;par=u%40example.net"),
        ("sip:%00@h", "%00"),
        ("sip:null-%00-null@h", "null-%00-null"),
        (
            "sip:sips%3Auser%40example.com@h",
            "sips%3Auser%40example.com",
        ),
        ("sip:+1-212-555-1212:1234@h", "+1-212-555-1212"),
    ] {
        assert_eq!(Uri::parse(text).unwrap().user, Some(user), "{text}");
    }
    for text in [
        "sip:@h",
        "sip::p@h",
        "sip:a@b@h",
        "sip:a b@h",
        "sip:a<b@h",
        "sip:a\"b@h",
        "sip:\u{fc}@h",
        "sip:a:b:c@h",
    ] {
        assert!(Uri::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_percent_sign_begins_two_hex_digits() {
    for place in [
        "sip:a%@h",
        "sip:a%4@h",
        "sip:a%4g@h",
        "sip:a:%zz@h",
        "sip:h;a%=b",
        "sip:h;a=%4",
        "sip:h?a=%",
        "sip:h?%x=b",
    ] {
        assert!(Uri::parse(place).is_err(), "{place}");
    }
}

#[test]
fn parameters_are_found_in_any_case_and_escaped() {
    let uri = Uri::parse("sip:h;%6C%72;n%61me=v%61lue;TRANSPORT=udp;x=[::1]/:&+$").unwrap();
    assert!(uri.lr());
    assert_eq!(uri.param("NAME"), Some(Some("v%61lue")));
    assert_eq!(uri.transport(), Some("udp"));
    assert_eq!(uri.params.value("x"), Some("[::1]/:&+$"));
    for text in [
        "sip:h;",
        "sip:h;;lr",
        "sip:h;=a",
        "sip:h;a=",
        "sip:h;a=b=c",
        "sip:u@h;a@b",
        "sip:h; lr",
        "sip:h;a=\"b\"",
        "sip:hlr=a;",
    ] {
        assert!(Uri::parse(text).is_err(), "{text}");
    }
}

#[test]
fn headers_have_a_name_and_a_value() {
    assert_eq!(
        Uri::parse("sip:h?Route=%3Csip:a%3E&b=").unwrap().headers,
        Some("Route=%3Csip:a%3E&b=")
    );
    for text in [
        "sip:h?",
        "sip:h?a",
        "sip:h?=b",
        "sip:h?a=b&",
        "sip:h?a=b&&c=d",
        "sip:h?a=b;c",
    ] {
        assert!(Uri::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_tel_uri_has_a_number() {
    let uri = Uri::parse("tel:+1-201-555-0123;phone-context=example.com").unwrap();
    assert_eq!(uri.scheme, Scheme::Tel);
    assert_eq!(uri.user, Some("+1-201-555-0123"));
    assert_eq!(uri.params.value("phone-context"), Some("example.com"));
    assert_eq!(uri.host, Host::Name(""));
    assert_eq!(Uri::parse("tel:*31#112").unwrap().user, Some("*31#112"));
    for text in [
        "tel:", "tel:+", "tel:-", "tel:xyz", "tel:+1 2", "tel:+1;", "tel:+1@h",
    ] {
        assert!(Uri::parse(text).is_err(), "{text}");
    }
}

#[test]
fn other_schemes_are_opaque() {
    for text in [
        "urn:service:sos",
        "http://www.example.com/?a=b#c",
        "soap.beep://192.0.2.103:3002",
        "name:John_Smith",
        "isbn:2983792873",
        "h323:user@example.com",
    ] {
        let uri = Uri::parse(text).unwrap();
        assert_eq!(uri.scheme, Scheme::Other, "{text}");
        assert_eq!(uri.text, text);
        assert!(!uri.is_sip());
    }
    for text in [
        "",
        ":",
        "None",
        "*",
        "1x:y",
        "a b:c",
        "x:",
        "x:a b",
        "x:<a>",
        "<sip:a@b>",
        " sip:a@b",
        "x:\u{fc}",
        "\u{fc}:x",
    ] {
        assert!(Uri::parse(text).is_err(), "{text}");
    }
}

#[test]
fn equal_uris_name_the_same_resource() {
    // RFC 3261 §19.1.4.
    for (a, b) in [
        (
            "sip:%61lice@atlanta.com;transport=TCP",
            "sip:alice@AtlanTa.CoM;Transport=tcp",
        ),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        (
            "sip:carol@chicago.com;security=on",
            "sip:carol@chicago.com;newparam=5",
        ),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("sip:a@[::1]", "sip:a@[0:0::1]"),
        ("sip:a@h;%6Dethod=X", "sip:a@h;method=x"),
        ("sip:a@h;%6Dethod=X", "sip:a@h;method=x"),
        ("tel:+1", "tel:+1"),
    ] {
        let (a, b) = (Uri::parse(a).unwrap(), Uri::parse(b).unwrap());
        assert!(
            a.equivalent(&b) && b.equivalent(&a),
            "{} {}",
            a.text,
            b.text
        );
    }
    for (a, b) in [
        (
            "SIP:ALICE@AtLanTa.CoM;Transport=udp",
            "sip:alice@AtLanTa.CoM;Transport=UDP",
        ),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        (
            "sip:bob@biloxi.com",
            "sip:bob@biloxi.com:6000;transport=tcp",
        ),
        (
            "sip:carol@chicago.com",
            "sip:carol@chicago.com?Subject=next%20meeting",
        ),
        (
            "sip:carol@chicago.com;security=on",
            "sip:carol@chicago.com;security=off",
        ),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:null-%00@h", "sip:%00@h"),
        ("sip:a:b@h", "sip:a:c@h"),
        ("sip:a@h", "sips:a@h"),
        ("tel:+1", "tel:+2"),
    ] {
        let (a, b) = (Uri::parse(a).unwrap(), Uri::parse(b).unwrap());
        assert!(
            !a.equivalent(&b) && !b.equivalent(&a),
            "{} {}",
            a.text,
            b.text
        );
    }
}
