//! Frames are found in a stream however it is split, and in either unit of length.

use drachtio::protocol::{write_frame, FrameError, FrameReader, LengthUnit, MAX_PAYLOAD};
use proptest::collection::vec;
use proptest::prelude::*;

fn frames(payloads: &[Vec<u8>]) -> Vec<u8> {
    let mut stream = Vec::new();
    for payload in payloads {
        write_frame(&mut stream, |out| out.extend_from_slice(payload));
    }
    stream
}

/// Reads a stream in these pieces.
fn read<'a>(
    reader: &mut FrameReader,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<Vec<u8>>, FrameError> {
    let mut found = Vec::new();
    for piece in pieces {
        reader.push(piece);
        while let Some(payload) = reader.next_frame()? {
            found.push(payload.to_vec());
        }
    }
    Ok(found)
}

fn read_all(stream: &[u8]) -> Result<Vec<Vec<u8>>, FrameError> {
    read(&mut FrameReader::new(MAX_PAYLOAD), [stream])
}

#[test]
fn a_frame_is_its_length_in_bytes_and_its_payload() {
    assert_eq!(
        frames(&["a|b€".into(), vec![b'x'; 12]]),
        "6#a|b€12#xxxxxxxxxxxx".as_bytes()
    );
}

#[test]
fn a_stream_may_be_split_at_every_byte() {
    let payloads = ["one".into(), "zw\u{f6}lf|\r\n3#x".into(), vec![b'y'; 1000]];
    let stream = frames(&payloads);
    for at in 0..=stream.len() {
        let (left, right) = stream.split_at(at);
        let found = read(&mut FrameReader::new(MAX_PAYLOAD), [left, right]);
        assert_eq!(found.unwrap(), payloads, "split at {at}");
    }
    let found = read(&mut FrameReader::new(MAX_PAYLOAD), stream.chunks(1));
    assert_eq!(found.unwrap(), payloads);
}

#[test]
fn an_empty_frame_is_passed_over() {
    assert_eq!(read_all(b"0#1#a00#1#b").unwrap(), [b"a", b"b"]);
}

#[test]
fn what_is_no_length_ends_the_stream_for_good() {
    for stream in [
        "#abc",
        "x",
        " 3#abc",
        "3 #abc",
        "-3#abc",
        "3\r\n#abc",
        "1#a\r\n1#b",
    ] {
        let mut reader = FrameReader::new(MAX_PAYLOAD);
        let error = read(&mut reader, [stream.as_bytes()]).unwrap_err();
        assert_eq!(error, FrameError::NotALength, "{stream:?}");
        assert_eq!(read(&mut reader, [&b"1#a"[..]]), Err(error));
    }
}

#[test]
fn a_length_beyond_the_cap_is_refused_before_anything_of_it_is_kept() {
    let mut reader = FrameReader::new(10);
    assert_eq!(read(&mut reader, [&b"10#0123456789"[..]]).unwrap().len(), 1);
    assert_eq!(
        read(&mut reader, [&b"11#"[..]]),
        Err(FrameError::TooLong(10))
    );
    for endless in [
        "99999999#",
        "00000001#a",
        "111111111111111111111111111111111",
    ] {
        assert_eq!(
            read_all(endless.as_bytes()),
            Err(FrameError::TooLong(MAX_PAYLOAD))
        );
    }
    assert_eq!(read_all(b"0000001#a").unwrap(), [b"a"]);
}

#[test]
fn servers_of_old_count_characters() {
    let stream = "4#a€😀b2#öö1#x".as_bytes();
    for size in 1..stream.len() {
        let mut reader = FrameReader::new(MAX_PAYLOAD);
        reader.set_unit(LengthUnit::CodePoints);
        let found = read(&mut reader, stream.chunks(size)).unwrap();
        assert_eq!(
            found,
            ["a€😀b".as_bytes(), "öö".as_bytes(), b"x"],
            "in pieces of {size}"
        );
    }
}

#[test]
fn the_version_of_a_server_tells_what_it_counts() {
    for version in ["", "v0.7.4", "v0.8.0-rc3", "v0.8.22", "0.8.1"] {
        assert_eq!(
            LengthUnit::of_server(version),
            LengthUnit::CodePoints,
            "{version}"
        );
    }
    for version in [
        "v0.9.0-rc1",
        "v0.9.10",
        "v0.10.0",
        "v1.0.0",
        "9c2dd4c",
        "v4",
    ] {
        assert_eq!(
            LengthUnit::of_server(version),
            LengthUnit::Bytes,
            "{version}"
        );
    }
}

#[test]
fn the_unit_changes_between_two_frames() {
    let mut reader = FrameReader::new(MAX_PAYLOAD);
    assert_eq!(read(&mut reader, [&b"2#ok"[..]]).unwrap().len(), 1);
    reader.set_unit(LengthUnit::CodePoints);
    assert_eq!(
        read(&mut reader, ["1#ä".as_bytes()]).unwrap(),
        ["ä".as_bytes()]
    );
}

#[test]
fn characters_are_capped_in_bytes() {
    let mut reader = FrameReader::new(10);
    reader.set_unit(LengthUnit::CodePoints);
    let stream = format!("10#{}", "€".repeat(10));
    assert_eq!(
        read(&mut reader, [stream.as_bytes()]),
        Err(FrameError::TooLong(10))
    );
}

proptest! {
    #[test]
    fn what_was_framed_is_read_back_from_any_pieces(
        payloads in vec(vec(any::<u8>(), 1..300), 0..8),
        sizes in vec(1usize..64, 1..8),
    ) {
        let stream = frames(&payloads);
        let mut rest = &stream[..];
        let mut pieces = Vec::new();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, more) = rest.split_at((*size).min(rest.len()));
            pieces.push(piece);
            rest = more;
        }
        prop_assert_eq!(read(&mut FrameReader::new(MAX_PAYLOAD), pieces).unwrap(), payloads);
    }

    #[test]
    fn text_is_read_back_in_characters(texts in vec("\\PC{1,40}", 0..6), size in 1usize..20) {
        let stream: String =
            texts.iter().map(|text| format!("{}#{text}", text.chars().count())).collect();
        let mut reader = FrameReader::new(MAX_PAYLOAD);
        reader.set_unit(LengthUnit::CodePoints);
        let found = read(&mut reader, stream.as_bytes().chunks(size)).unwrap();
        let expected: Vec<Vec<u8>> = texts.iter().map(|text| text.as_bytes().to_vec()).collect();
        prop_assert_eq!(found, expected);
    }
}
