//! Messages that test a parser's patience, in the manner of RFC 4475: our own, and those of the
//! RFC where they lie beside the project.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use drachtio::message::{HeaderId, Host, Message, Method, Scheme, Uri};

/// What is wrong with a text, if anything: the error of the parser or the fault of the message.
fn complaint(text: &[u8]) -> Option<String> {
    match Message::parse(Bytes::copy_from_slice(text)) {
        Err(error) => Some(error.to_string()),
        Ok(message) => message.validate().err().map(|fault| fault.to_string()),
    }
}

fn valid(text: &str) -> Message {
    assert_eq!(complaint(text.as_bytes()), None);
    Message::parse(text.to_owned().into()).unwrap()
}

/// What this parser says of the invalid messages of RFC 4475, by their names there.
const COMPLAINTS: &[(&str, &str)] = &[
    ("badinv01", "400 Bad Via Header"),
    ("clerr", "400 Body Shorter than Content-Length"),
    ("ncl", "400 Bad Content-Length Header"),
    ("scalar02", "400 Bad CSeq Header"),
    ("scalarlg", "400 Bad CSeq Header"),
    ("quotbal", "400 Bad To Header"),
    ("ltgtruri", "400 Bad Request-URI"),
    ("lwsruri", "400 Bad Request-URI"),
    ("lwsstart", "400 Bad Request Line"),
    ("trws", "400 Bad Request Line"),
    ("escruri", "400 Bad Request-URI"),
    ("regbadct", "400 Bad Contact Header"),
    ("badaspec", "400 Bad To Header"),
    ("baddn", "400 Missing Blank Line after Headers"),
    ("badvers", "505 Version Not Supported"),
    ("mismatch01", "400 CSeq Method Does Not Match Request"),
    ("mismatch02", "400 CSeq Method Does Not Match Request"),
    ("bigcode", "bad status code"),
    ("insuf", "400 Missing From Header"),
    ("multi01", "400 Multiple CSeq Headers"),
    ("mcl01", "400 Conflicting Content-Length Headers"),
];

#[test]
fn the_messages_of_rfc_4475_are_told_apart() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/rfc4475");
    let Ok(manifest) = fs::read_to_string(folder.join("MANIFEST.tsv")) else {
        return;
    };
    let mut seen = 0;
    for line in manifest.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [name, file, .., parser, _uas, _proxy, _says] = columns[..] else {
            panic!("{line}");
        };
        let text = fs::read(folder.join(file)).unwrap();
        let expected = COMPLAINTS.iter().find(|(other, _)| *other == name);
        let found = complaint(&text);
        assert_eq!(found.as_deref(), expected.map(|(_, text)| *text), "{name}");
        if parser.starts_with("accept") {
            assert_eq!(found, None, "{name}");
        } else if parser.starts_with("reject") {
            assert!(found.is_some(), "{name}");
        }
        seen += 1;
    }
    assert_eq!(seen, 49);
}

/// A message of RFC 4475, if they lie beside the project.
fn of_the_rfc(file: &str) -> Option<Message> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../shared/rfc4475", file]
        .iter()
        .collect();
    let text = fs::read(path).ok()?;
    Some(Message::parse(text.into()).unwrap())
}

#[test]
fn the_bodies_of_rfc_4475_have_their_lengths() {
    for (file, length) in [
        ("valid/mpart01.dat", 553),
        ("valid/dblreq.dat", 0),
        ("valid/wsinv.dat", 150),
        ("special/inv2543.dat", 105),
    ] {
        if let Some(message) = of_the_rfc(file) {
            assert_eq!(message.body().len(), length, "{file}");
        }
    }
}

#[test]
fn the_short_tortuous_invite_is_understood() {
    let Some(message) = of_the_rfc("valid/wsinv.dat") else {
        return;
    };
    assert_eq!(message.max_forwards(), Ok(Some(68)));
    assert_eq!(message.cseq().unwrap().number, 9);
    assert_eq!(message.to().unwrap().tag(), Some("1918181833n"));
    assert_eq!(message.from().unwrap().tag(), Some("98asjd8"));
    let hosts: Vec<&str> = message
        .values(HeaderId::Via)
        .map(|value| drachtio::message::Via::parse(value).unwrap().host)
        .collect();
    assert_eq!(
        hosts,
        ["192.0.2.2", "spindle.example.com", "192.168.255.111"]
    );
    assert_eq!(
        message.contact().unwrap().unwrap().param("q"),
        Some(Some("0.33"))
    );
    assert_eq!(message.get(HeaderId::Subject), Some(&b""[..]));
}

#[test]
fn white_space_and_folds_wherever_they_are_allowed() {
    let message = valid(
        "INVITE sip:callee@example.net;x SIP/2.0\r\n\
         T\t:\r\n\t<sip:callee@example.net>\r\n ;\r\n tag\r\n =\r\n abc\r\n\
         FROM   :\"Quote \\\"inside\\\" and \\\\ \"  \t<sip:caller@example.net>  ;  tag  =  1z\r\n\
         mAX-FORWARDS \t :\t 0007\r\n\
         i:  folded-call-id@h\r\n  \r\n\
         cSEQ :\r\n 0012\r\n\tINVITE\r\n\
         V\t: SIP\r\n /\r\n 2.0\t/ UDP\r\n\thost.example.net\r\n :\r\n 5070 ; branch\t=\tz9hG4bKq ,\r\n SIP/2.0/TCP h2\r\n\
         Odd-One: ,;,=\"unbalanced <\r\n\
         s:\r\n\
         m :\"A, B\"<sip:caller@example.net;y=z>;q=0.5;\r\n expires = 30,\r\n sip:other@example.net\r\n\
         L :\t4\r\n\r\nbody",
    );
    assert_eq!(message.to().unwrap().tag(), Some("abc"));
    assert_eq!(message.from().unwrap().tag(), Some("1z"));
    assert_eq!(message.max_forwards(), Ok(Some(7)));
    assert_eq!(message.call_id(), Ok("folded-call-id@h"));
    assert_eq!(message.cseq().unwrap().number, 12);
    let via = message.top_via().unwrap();
    assert_eq!(
        (via.host, via.port, via.branch()),
        ("host.example.net", Some(5070), Some("z9hG4bKq"))
    );
    let contact = message.contact().unwrap().unwrap();
    assert_eq!(contact.param("expires"), Some(Some("30")));
    assert_eq!(message.values(HeaderId::Contact).count(), 2);
    assert_eq!(message.get(HeaderId::Subject), Some(&b""[..]));
}

#[test]
fn every_character_that_a_token_can_have() {
    let message = valid(
        "aZ09-.!%*_+`'~ sip:u%20s(e)r!*'&=+$,;?/.~:p&=+$,@xn--h.example SIP/2.0\r\n\
         Via: SIP/2.0/a-.!%*_+`'~ 10.1.2.3;branch=z9hG4bK-.!%*_+`'~\r\n\
         From: -.!%*_+`'~ word <sip:a@b>;-.!%*_+`'~=x;tag=-.!%*_+`'~\r\n\
         To: \"\\\u{1} \u{7f} \u{fc}\u{263a}\" <sip:a@b>\r\n\
         Call-ID: a!b#c$d@{e}[f]<g>?(h)\r\n\
         CSeq: 4294967295 aZ09-.!%*_+`'~\r\n\
         -.!%*_+`'~: \u{fc}\r\n\
         Max-Forwards: 255\r\nl: 0\r\n\r\n",
    );
    assert_eq!(message.method(), Some(Method::Other("aZ09-.!%*_+`'~")));
    assert_eq!(message.top_via().unwrap().transport, "a-.!%*_+`'~");
    assert_eq!(message.from().unwrap().tag(), Some("-.!%*_+`'~"));
    let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
    assert_eq!(uri.user, Some("u%20s(e)r!*'&=+$,;?/.~"));
    assert_eq!(uri.password, Some("p&=+$,"));
    assert_eq!(message.get_named("-.!%*_+`'~"), Some("\u{fc}".as_bytes()));
}

#[test]
fn a_percent_sign_is_an_escape_in_uris_only() {
    let message = valid(
        "%52EGISTER sip:r%65g.user@example.net SIP/2.0\r\n\
         Via: SIP/2.0/TCP h;branch=z9hG4bK%zz\r\nFrom: \"%Z\" <sip:%00@b>;tag=%4\r\nTo: <sip:%00%00@b>\r\n\
         Call-ID: %\r\nCSeq: 1 %52EGISTER\r\nC%6Fntact: <sip:not-one@h>\r\nContact: <sip:one@h>\r\nl: 0\r\n\r\n",
    );
    assert_eq!(message.method(), Some(Method::Other("%52EGISTER")));
    assert_eq!(message.values(HeaderId::Contact).count(), 1);
    let from = message.from().unwrap().parse_uri().unwrap();
    let to = message.to().unwrap().parse_uri().unwrap();
    assert!(!from.equivalent(&to));
}

#[test]
fn many_long_values() {
    let vias: String = (0..40)
        .map(|hop| format!("vIa : SIP/2.0/TCP hop{hop}.example.net\r\n"))
        .collect();
    let long = "long".repeat(200);
    let message = valid(&format!(
        "OPTIONS sip:{long}@example.net;{long}={long} SIP/2.0\r\n{vias}Via: SIP/2.0/TCP last;branch={long}\r\n\
         F: \"{long}\"<sip:{long}@h>;tag={long};{long}={long}\r\nTo: sip:{long}@h\r\nCall-ID: {long}@{long}\r\n\
         CSeq: 1 OPTIONS\r\nX-{long}: {long}\r\nl: 0\r\n\r\n"
    ));
    assert_eq!(message.values(HeaderId::Via).count(), 41);
    assert_eq!(message.from().unwrap().tag(), Some(long.as_str()));
}

#[test]
fn octets_behind_the_body_of_a_datagram_are_noise() {
    let first = "REGISTER sip:example.net SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n\
        To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n";
    let message = valid(&format!(
        "{first}\r\nINVITE sip:x@y SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n\r\n"
    ));
    assert_eq!(message.method(), Some(Method::Register));
    assert_eq!(&message.text()[..], first.as_bytes());
}

/// A request with this request line and these headers besides the usual ones.
fn request(line: &str, headers: &str) -> String {
    let method = line.split(' ').next().unwrap();
    format!(
        "{line}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\n\
         CSeq: 1 {method}\r\n{headers}l: 0\r\n\r\n"
    )
}

#[test]
fn a_semicolon_may_be_part_of_the_user() {
    let message = valid(&request("OPTIONS sip:a;b=c%40d@example.net SIP/2.0", ""));
    let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
    assert_eq!(uri.user, Some("a;b=c%40d"));
    assert_eq!(uri.host, Host::Name("example.net"));
    assert!(uri.params.is_empty());
}

#[test]
fn a_parameter_belongs_to_the_uri_or_to_the_header() {
    let message = valid(&request(
        "REGISTER sip:b SIP/2.0",
        "m: sip:a@h;mine\r\nm: <sip:a@h;its>\r\n",
    ));
    let contacts: Vec<_> = message
        .values(HeaderId::Contact)
        .map(|value| drachtio::message::NameAddr::parse(value).unwrap())
        .collect();
    assert!(contacts[0].params.has("mine"));
    assert!(contacts[0].parse_uri().unwrap().params.is_empty());
    assert!(contacts[1].params.is_empty());
    assert!(contacts[1].parse_uri().unwrap().params.has("its"));
}

#[test]
fn schemes_that_nobody_knows_are_still_uris() {
    for uri in [
        "nobody.knows+this-1:(anything)",
        "soap.beep://10.0.0.1:3002",
        "mailto:a@b",
    ] {
        let message = valid(&request(&format!("OPTIONS {uri} SIP/2.0"), ""));
        assert_eq!(
            Uri::parse(message.request_uri().unwrap()).unwrap().scheme,
            Scheme::Other
        );
    }
}

#[test]
fn responses_of_any_phrase_and_route() {
    for line in [
        "SIP/2.0 200 ",
        "SIP/2.0 200",
        "SIP/2.0 299 = 2**3 * 5**2 \u{43d}\u{43e}",
    ] {
        let message = valid(
            &request(
                "OPTIONS sip:a SIP/2.0",
                "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK2\r\n",
            )
            .replace("OPTIONS sip:a SIP/2.0", line),
        );
        assert!(!message.is_request());
    }
}

#[test]
fn what_is_wrong_is_named() {
    let good = request("INVITE sip:a@b SIP/2.0", "Contact: <sip:a@h>\r\n");
    for (old, new, complaint_text) in [
        ("UDP h;branch=z9hG4bK1", "UDP h;;,,;", "400 Bad Via Header"),
        ("l: 0", "l: 1000", "400 Body Shorter than Content-Length"),
        ("l: 0", "l: -1000", "400 Bad Content-Length Header"),
        (
            "l: 0",
            "l: 0\r\nContent-Length: 7",
            "400 Conflicting Content-Length Headers",
        ),
        (
            "CSeq: 1",
            "CSeq: 18446744073709551617",
            "400 Bad CSeq Header",
        ),
        ("To: <sip:a@b>", "To: \"a <sip:a@b>", "400 Bad To Header"),
        ("To: <sip:a@b>", "To: < sip:a@b >", "400 Bad To Header"),
        (
            "To: <sip:a@b>",
            "To: Doe, Jane <sip:a@b>",
            "400 Bad To Header",
        ),
        ("sip:a@b SIP", "<sip:a@b> SIP", "400 Bad Request-URI"),
        ("sip:a@b SIP", "sip:a@b; lr SIP", "400 Bad Request-URI"),
        ("sip:a@b SIP", "sip:a@b?X=y SIP", "400 Bad Request-URI"),
        (
            "INVITE sip:a@b SIP",
            "INVITE  sip:a@b  SIP",
            "400 Bad Request Line",
        ),
        ("SIP/2.0\r\n", "SIP/2.0 \r\n", "400 Bad Request Line"),
        ("SIP/2.0\r\n", "SIP/9.1\r\n", "505 Version Not Supported"),
        ("<sip:a@h>", "sip:a@h?X=y", "400 Bad Contact Header"),
        (
            "1 INVITE",
            "1 OPTIONS",
            "400 CSeq Method Does Not Match Request",
        ),
        ("Call-ID: 1\r\n", "", "400 Missing Call-ID Header"),
        (
            "Call-ID: 1\r\n",
            "Call-ID: 1\r\nCall-ID: 2\r\n",
            "400 Multiple Call-ID Headers",
        ),
        ("\r\n\r\n", "\r\n", "400 Missing Blank Line after Headers"),
        (
            "INVITE sip:a@b SIP/2.0",
            "SIP/2.0 4294967496 OK",
            "bad status code",
        ),
    ] {
        assert!(good.contains(old), "{old}");
        let text = good.replacen(old, new, 1);
        assert_eq!(
            complaint(text.as_bytes()).as_deref(),
            Some(complaint_text),
            "{new:?}"
        );
    }
}
