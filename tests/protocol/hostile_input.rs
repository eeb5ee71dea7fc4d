//! Whatever comes over a stream: no panic, no more memory than the caps allow, no way around them.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use bytes::Bytes;
use drachtio::protocol::{
    FrameReader, LengthUnit, Malformed, Said, ServerMessage, TokenLine, MAX_TOKEN_LINE,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Pieces of which a stream of nonsense is made.
const PIECES: &[&str] = &[
    "#",
    "|",
    "||||||",
    "\r\n",
    "\r",
    "0",
    "5",
    "99",
    "65536",
    "x",
    "response",
    "sip",
    "proxy",
    "authenticate",
    "route",
    "OK",
    "NOK",
    "continue",
    "Msg sent:",
    "done",
    "network",
    "application",
    "cdr:start",
    "request:answered",
    "connection:closed",
    "SIP/2.0 200 OK\r\n",
    "INVITE a SIP/2.0\r\n",
    "€",
    "\u{0}",
    "%7C",
    "%25",
    "ab270000-0000-4000-8000-000000000001",
    "127.0.0.1",
    "5060",
    "-1",
];

fn nonsense(rng: &mut StdRng) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..rng.random_range(0..40) {
        if rng.random_ratio(1, 8) {
            bytes.push(rng.random());
        } else {
            bytes.extend_from_slice(PIECES[rng.random_range(0..PIECES.len())].as_bytes());
        }
    }
    bytes
}

fn read_both_ways(payload: &Bytes) {
    let _ = Said::read(payload);
    if let Ok(line) = TokenLine::split(payload) {
        let _ = ServerMessage::read(&line);
    }
}

#[test]
fn nonsense_is_read_or_refused() {
    let seed = RandomState::new().hash_one(0);
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    for _ in 0..20_000 {
        let payload = Bytes::from(nonsense(&mut rng));
        read_both_ways(&payload);

        let mut reader = FrameReader::new(1000);
        if rng.random() {
            reader.set_unit(LengthUnit::CodePoints);
        }
        let mut stream = nonsense(&mut rng);
        if rng.random() {
            // Some frames are right, so that what is inside of them is reached.
            stream = format!("{}#", payload.len()).into_bytes();
            stream.extend_from_slice(&payload);
        }
        for piece in stream.chunks(rng.random_range(1..20)) {
            reader.push(piece);
            while let Ok(Some(payload)) = reader.next_frame() {
                assert!(payload.len() <= 1000);
                read_both_ways(&payload);
            }
        }
    }
}

#[test]
fn a_frame_cut_off_anywhere_is_waited_for() {
    let stream = b"12#a|route|info";
    for end in 0..stream.len() - 1 {
        let mut reader = FrameReader::new(1000);
        reader.push(&stream[..end]);
        assert_eq!(reader.next_frame(), Ok(None), "{end} bytes");
    }
}

#[test]
fn a_token_line_is_capped() {
    let line = |size: usize| Bytes::from(format!("{}\r\nX", "|".repeat(size)));
    assert!(TokenLine::split(&line(MAX_TOKEN_LINE)).is_ok());
    let error = TokenLine::split(&line(MAX_TOKEN_LINE + 1)).unwrap_err();
    assert_eq!(error, Malformed::LineTooLong);
}
