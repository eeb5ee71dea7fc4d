//! Challenges and credentials (RFC 3261 §20.44, RFC 7616).

use drachtio::message::Auth;

#[test]
fn parameters_are_found_in_any_case_and_without_quotes() {
    let auth = Auth::parse(
        br#"Digest username="bob", REALM = "a \"b\", c" ,nonce="x=", uri="sip:a;b=c",qop=auth, nc=00000001,
 response="0123", algorithm=MD5,opaque="""#,
    )
    .unwrap();
    assert!(auth.is_digest());
    for (name, value) in [
        ("username", "bob"),
        ("realm", r#"a "b", c"#),
        ("Nonce", "x="),
        ("uri", "sip:a;b=c"),
        ("qop", "auth"),
        ("nc", "00000001"),
        ("algorithm", "MD5"),
        ("opaque", ""),
    ] {
        assert_eq!(auth.get(name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(auth.get("cnonce"), None);
    assert_eq!(auth.iter().count(), 9);
}

#[test]
fn an_unquoted_uri_is_let_through() {
    let auth = Auth::parse(b"Digest uri=sip:a@b;c=d,realm=r").unwrap();
    assert_eq!(auth.get("uri").as_deref(), Some("sip:a@b;c=d"));
    assert_eq!(auth.get("realm").as_deref(), Some("r"));
}

#[test]
fn other_schemes_are_read_alike() {
    let auth = Auth::parse(b"NoOneKnowsThisScheme opaque-data=here").unwrap();
    assert_eq!(auth.scheme, "NoOneKnowsThisScheme");
    assert!(!auth.is_digest());
}

#[test]
fn what_is_malformed_is_refused() {
    for value in [
        "",
        "Digest",
        "Digest ",
        "Digest realm",
        "Digest realm=",
        "Digest realm=\"",
        "Digest realm=\"a",
        "Digest realm=\"a\"b",
        "Digest realm=\"a\"\"b\"",
        "Digest =a",
        "Digest realm=a,",
        "Digest ,realm=a",
        "Digest realm=a nonce=b",
        "Digest realm=\"a\\\"",
        "realm=\"a\"",
        "Digest \u{fc}=a",
    ] {
        assert!(Auth::parse(value.as_bytes()).is_err(), "{value}");
    }
    assert!(Auth::parse(b"Digest realm=\"\xff\"").is_err());
}
