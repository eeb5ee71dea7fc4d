//! Real messages, damaged at random and edited at random: reading them never fails in any other way than by an
//! error, and an edited message is what the parser makes of its text.
//!
//! The number of messages is that of the environment variable `MUTATIONS`; `SEED` plays one of them again.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use drachtio::message::{HeaderId, Message};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use crate::properties::read_all;

/// Messages unless the environment says otherwise: so many that they take a second.
const MUTATIONS: u64 = 4_000;

/// Pieces that have a meaning somewhere in a message.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\r\n\r\n",
    b"\r\n ",
    b"\n",
    b"\r",
    b"\0",
    b"\xff",
    b"\xc3\xa9",
    b" ",
    b"\t",
    b":",
    b";",
    b",",
    b"\"",
    b"<",
    b">",
    b"@",
    b"?",
    b"=",
    b"[",
    b"]",
    b"\\",
    b"/",
    b"(",
    b"%",
    b"%0",
    b"*",
    b"sip:",
    b"tel:",
    b"-1",
    b"+5",
    b"65536",
    b"4294967296",
    b"99999999999999999999",
    b";tag=",
    b";tag=x",
    b";lr",
    b";branch=",
    b"SIP/2.0",
    b"\r\nl: 3",
    b"\r\nContent-Length: 0",
    b"\r\nFrom: <sip:x>;tag=1",
    b"\r\nt: y",
    b"\r\nX:",
    b"\r\nv: SIP/2.0/UDP h, SIP/2.0/UDP i",
    b"\x0b:",
    b" :",
    b"<sip:a;lr>,",
];

const NAMED: &[HeaderId] = &[
    HeaderId::Via,
    HeaderId::From,
    HeaderId::To,
    HeaderId::CallId,
    HeaderId::CSeq,
    HeaderId::Contact,
    HeaderId::Route,
    HeaderId::RecordRoute,
    HeaderId::MaxForwards,
    HeaderId::ContentLength,
    HeaderId::Supported,
    HeaderId::Expires,
    HeaderId::Other,
];

const NAMES: &[&str] = &[
    "X-New",
    "x-own",
    "l",
    "Content-Length",
    "f",
    "To",
    "v",
    "User-Agent",
    "Subject",
    "bad name",
    "",
];

const VALUES: &[&str] = &[
    "",
    " ",
    "x",
    "0",
    "4",
    "70",
    "99999999999",
    "<sip:a@b>;tag=1",
    "\"A, B\" <sip:a@b;x=y>",
    "<sip:a;lr>, <sip:b;lr>",
    "SIP/2.0/UDP h;branch=z9hG4bKx",
    "SIP/2.0/UDP h;branch=z9hG4bKx,SIP/2.0/TCP i",
    "a\r\n b",
    "a\r\nb",
    "a\n",
    "\r",
    ",",
    ", x",
    "x ,",
    "\"",
    "<",
    "1 INVITE",
    "é",
];

#[test]
fn damaged_messages_can_be_read_and_edited() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let corpus = corpus();
    if let Some(seed) = number("SEED") {
        eprintln!("{:?}", play(&corpus, seed));
        return;
    }
    let mut edited = 0;
    let mutations = number("MUTATIONS").unwrap_or(MUTATIONS);
    for seed in 0..mutations {
        edited += u64::from(play(&corpus, seed));
    }
    // A test that has seen few edits says little about them.
    assert!(edited > mutations / 4, "{edited}");
}

/// The messages of the benchmarks, and those of RFC 4475 where they lie beside the project.
fn corpus() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = [
        "bench/messages",
        "../shared/rfc4475/valid",
        "../shared/rfc4475/invalid",
        "../shared/rfc4475/special",
    ];
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let Ok(found) = fs::read_dir(root.join(folder)) else {
            continue;
        };
        files.extend(found.map(|entry| entry.unwrap().path()));
    }
    files.sort();
    let texts = files.iter().map(|file| fs::read(file).unwrap());
    let texts: Vec<Vec<u8>> = texts.map(with_crlf).collect();
    assert!(texts.len() >= 10);
    texts
}

/// The messages of the benchmarks have lines as an editor makes them.
fn with_crlf(text: Vec<u8>) -> Vec<u8> {
    if text.windows(2).any(|pair| pair == b"\r\n") {
        return text;
    }
    let text = String::from_utf8(text).unwrap();
    text.replace('\n', "\r\n").into_bytes()
}

/// True if the message could be edited.
fn play(corpus: &[Vec<u8>], seed: u64) -> bool {
    let mut rng = StdRng::seed_from_u64(seed);
    let text = damaged(&mut rng, corpus);
    let result = std::panic::catch_unwind(move || {
        let drafted = match Message::parse_draft(text.clone().into()) {
            Ok(draft) => edit(&mut rng, &draft, seed),
            Err(_) => false,
        };
        let Ok(message) = Message::parse(text.into()) else {
            return drafted;
        };
        check(&message);
        edit(&mut rng, &message, seed) || drafted
    });
    result.unwrap_or_else(|_| panic!("SEED={seed}"))
}

fn damaged(rng: &mut StdRng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut text = corpus.choose(rng).unwrap().clone();
    for _ in 0..rng.random_range(0..5) {
        let at = rng.random_range(0..=text.len());
        let end = (at + rng.random_range(0..30)).min(text.len());
        let piece = PIECES.choose(rng).unwrap();
        match rng.random_range(0..8) {
            0 if at < text.len() => text[at] = rng.random(),
            1 => drop(text.drain(at..end)),
            2 | 3 => drop(text.splice(at..at, piece.iter().copied())),
            4 => drop(text.splice(at..end, piece.iter().copied())),
            5 => {
                let copy = text[at..end].repeat(rng.random_range(1..30));
                text.splice(at..at, copy);
            }
            6 if rng.random_bool(0.1) => text.truncate(at),
            _ => {
                let mut lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
                if lines.len() > 1 {
                    let (from, to) = (
                        rng.random_range(0..lines.len()),
                        rng.random_range(0..lines.len()),
                    );
                    if rng.random() {
                        lines.swap(from, to)
                    } else {
                        lines.insert(to, lines[from])
                    }
                }
                text = lines.concat();
            }
        }
    }
    text
}

/// What holds of every message that has been parsed.
fn check(message: &Message) {
    let tags = (
        message.from_tag().map(str::to_owned),
        message.to_tag().map(str::to_owned),
    );
    read_all(message);
    assert_eq!(
        tags,
        (
            message.from_tag().map(str::to_owned),
            message.to_tag().map(str::to_owned)
        ),
        "tags before and after a check"
    );
    assert_eq!(message.validate(), message.validate());
    let mut before = 0;
    for (_, name, name_end, value, value_end) in message.header_index() {
        assert!(
            before <= name
                && name < name_end
                && name_end < value
                && value <= value_end
                && value_end < message.text().len()
        );
        before = value_end;
    }
    assert!(message.body_start() <= message.text().len() || message.flaw().is_some());
}

/// A few changes at random. True if they could be made.
fn edit(rng: &mut StdRng, message: &Message, seed: u64) -> bool {
    if rng.random() {
        let _ = message.validate();
    }
    let mut edit = message.edit();
    for _ in 0..rng.random_range(0..6) {
        let (id, name, value) = (
            *NAMED.choose(rng).unwrap(),
            *NAMES.choose(rng).unwrap(),
            *VALUES.choose(rng).unwrap(),
        );
        let value: Vec<u8> = match rng.random_range(0..40) {
            0 => value.repeat(rng.random_range(1..2_000)).into_bytes(),
            _ => value.into(),
        };
        let value = &value[..];
        match rng.random_range(0..12) {
            0 if id != HeaderId::Other => drop(edit.prepend(id, value)),
            1 => drop(edit.prepend(name, value)),
            2 if id != HeaderId::Other => drop(edit.append(id, value)),
            3 => drop(edit.append(name, value)),
            4 if id != HeaderId::Other => drop(edit.set(id, value)),
            5 => drop(edit.set(name, value)),
            6 => drop(edit.remove(id)),
            7 => drop(edit.remove_named(name)),
            8 => drop(edit.remove_first_value(id)),
            9 => drop(edit.replace_first_value(id, value)),
            10 if message.is_request() => drop(
                edit.set_request_uri(["sip:a", "tel:1", "sip:a@b;lr", ""].choose(rng).unwrap()),
            ),
            11 => drop(edit.set_body(Bytes::copy_from_slice(value))),
            _ => {}
        }
    }
    let finished = edit.finish().ok();
    let edited = edit.finish_message();
    let parsed = finished.and_then(|text| Message::parse(text).ok());
    let (Some(edited), Some(parsed)) = (&edited, &parsed) else {
        assert!(
            edited.is_none() && parsed.is_none(),
            "SEED={seed}: {edited:?} {parsed:?}"
        );
        return false;
    };
    assert_eq!(edited.text(), parsed.text(), "SEED={seed}");
    assert_eq!(edited.flaw(), parsed.flaw(), "SEED={seed}: {parsed:?}");
    assert!(
        edited.header_index().eq(parsed.header_index()),
        "SEED={seed}"
    );
    assert_eq!(edited.start_line(), parsed.start_line(), "SEED={seed}");
    assert_eq!(
        (edited.body_start(), edited.body()),
        (parsed.body_start(), parsed.body()),
        "SEED={seed}"
    );
    assert_eq!(
        (edited.from_tag(), edited.to_tag()),
        (parsed.from_tag(), parsed.to_tag()),
        "SEED={seed}"
    );
    assert_eq!(edited.validate(), parsed.validate(), "SEED={seed}");
    for &id in HeaderId::ALL {
        assert!(edited.values(id).eq(parsed.values(id)), "SEED={seed}: {id}");
    }
    check(edited);
    true
}
