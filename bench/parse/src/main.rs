//! Times the parser on the files that are named on the command line, and prints one line of JSON for each.
//!
//! `index` is the split into start line, header spans and body. `typed` is that and the headers without which no
//! transaction or dialog can be found: Via, From, To, Call-ID, CSeq, Contact and Max-Forwards, as values.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use drachtio::message::Message;

/// Long enough for a clock that ticks in tens of nanoseconds, and for a processor that has to wake up.
const ROUND: Duration = Duration::from_millis(4);
/// The best of these rounds is the one that nothing else has disturbed.
const ROUNDS: usize = 50;

fn main() {
    for path in std::env::args().skip(1) {
        let text = match std::fs::read(&path) {
            Ok(text) => Bytes::from(text),
            Err(err) => {
                eprintln!("{path}: {err}");
                std::process::exit(1);
            }
        };
        if let Err(err) = Message::parse(text.clone()) {
            eprintln!("{path}: {err}");
            std::process::exit(1);
        }
        let name = Path::new(&path)
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy();
        let index = best(|| drop(black_box(Message::parse(black_box(text.clone())))));
        let typed = best(|| read_core_headers(black_box(text.clone())));
        println!(
            r#"{{"name":"{name}","bytes":{},"index":{index:.1},"typed":{typed:.1}}}"#,
            text.len()
        );
    }
}

fn read_core_headers(text: Bytes) {
    let Ok(message) = Message::parse(text) else {
        return;
    };
    let _ = black_box(message.start_line());
    let _ = black_box(message.top_via());
    let _ = black_box(message.from());
    let _ = black_box(message.to());
    let _ = black_box(message.call_id());
    let _ = black_box(message.cseq());
    let _ = black_box(message.contact());
    let _ = black_box(message.max_forwards());
}

/// Nanoseconds per call, in the best of several rounds.
fn best(task: impl Fn()) -> f64 {
    (0..ROUNDS)
        .map(|_| round(&task))
        .fold(f64::INFINITY, f64::min)
}

fn round(task: &impl Fn()) -> f64 {
    let start = Instant::now();
    let mut calls = 0_u32;
    while start.elapsed() < ROUND {
        for _ in 0..100 {
            task();
        }
        calls += 100;
    }
    start.elapsed().as_nanos() as f64 / f64::from(calls)
}
