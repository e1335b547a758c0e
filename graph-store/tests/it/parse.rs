//! Edge lists: what was written is read, however it is laid out and cut up; what is malformed is named.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use graph_store::import::parse::{Edges, LINE_MAX_BYTES, Lines, ParseError, Vertices};
use graph_store::import::source::Source;
use proptest::prelude::*;

fn edges(bytes: &[u8]) -> Result<Vec<[u64; 2]>, ParseError> {
    Edges::new(bytes).collect()
}

fn message(bytes: &[u8]) -> String {
    edges(bytes).expect_err("malformed").to_string()
}

/// Gives at most a few bytes at a time, so that lines come in pieces.
struct Trickle<'a> {
    bytes: &'a [u8],
    step: usize,
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let step = self.step.min(buffer.len());
        self.bytes.read(&mut buffer[..step])
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        lines in proptest::collection::vec(
            (any::<u64>(), any::<u64>(), "[ \t,]{0,3}", "[ \t,]{1,3}", "[ \t,]{0,2}\r?\n", "(#[^\n]{0,9}\n|[ \t,]{0,2}\r?\n)?"),
            0..30,
        ),
        ends in any::<bool>(),
        step in 1..40usize,
    ) {
        let mut text = String::new();
        for (source, target, before, between, after, other) in &lines {
            write!(text, "{other}{before}{source}{between}{target}{after}").expect("memory takes all");
        }
        if !ends {
            text.truncate(text.trim_end_matches('\n').len());
        }
        let expected: Vec<_> = lines.iter().map(|line| [line.0, line.1]).collect();
        let mut read = Edges::new(Trickle { bytes: text.as_bytes(), step });
        let found: Vec<_> = read.by_ref().map(|line| line.expect("well-formed")).collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(read.lines_read(), text.lines().count() as u64);
    }

    #[test]
    fn rubbish_is_an_error_or_a_list_but_no_panic(bytes in proptest::collection::vec(prop_oneof![
        Just(b' '), Just(b'\n'), Just(b'\r'), Just(b'1'), Just(b'#'), Just(b','), any::<u8>()
    ], 0..200)) {
        let mut lines = Edges::new(&bytes[..]);
        let errors = lines.by_ref().filter(Result::is_err).count();
        prop_assert!(errors <= 1);
        prop_assert!(lines.next().is_none());
    }
}

#[test]
fn lines_that_lie_across_blocks_are_whole() {
    let mut text = String::new();
    for i in 0..400_000u64 {
        writeln!(text, "{i}\t{}", u64::MAX - i).expect("memory takes all");
    }
    assert!(text.len() > 4 << 20);
    for (i, edge) in Edges::new(text.as_bytes()).enumerate() {
        assert_eq!(edge.expect("well-formed"), [i as u64, u64::MAX - i as u64]);
    }
    assert_eq!(edges(text.as_bytes()).expect("well-formed").len(), 400_000);
}

#[test]
fn what_is_malformed_is_named_and_quoted() {
    let good = "1 2\n".repeat(16);
    let cases: [(&str, &str); 14] = [
        ("12 x", r#""12 x": not a number"#),
        ("x 12", r#""x 12": not a number"#),
        ("-1 2", r#""-1 2": not a number"#),
        ("1.5 2", r#""1.5 2": not a number"#),
        ("1;2", r#""1;2": not a number"#),
        ("1\r2", r#""1\r2": not a number"#),
        ("1 2\"\t\u{7}", r#""1 2\"\t\u{7}": not a number"#),
        ("12", r#""12": too few columns: 1 of 2"#),
        ("12 \r", r#""12 ": too few columns: 1 of 2"#),
        ("1 2 3", r#""1 2 3": too many columns: more than 2"#),
        ("1 2 # why", r##""1 2 # why": too many columns: more than 2"##),
        ("18446744073709551616 1", r#""18446744073709551616 1": a number of more than 64 bits"#),
        ("1 99999999999999999999999", r#""1 99999999999999999999999": a number of more than 64 bits"#),
        ("1 0x10", r#""1 0x10": not a number"#),
    ];
    for (line, expected) in cases {
        assert_eq!(message(format!("{good}{line}\n1 2\n").as_bytes()), format!("line 17: {expected}"));
        assert_eq!(message(format!("{good}{line}").as_bytes()), format!("line 17: {expected}"), "as the last line");
    }
    assert_eq!(message(b"# a\n\n1 2\n\xff 1\n"), "line 4: \"\u{fffd} 1\": not a number");
}

#[test]
fn a_number_may_have_leading_zeros_and_all_64_bits() {
    let text = b"18446744073709551615 0000000000000000000000000000000000007\n";
    assert_eq!(edges(text).expect("well-formed"), [[u64::MAX, 7]]);
}

#[test]
fn a_quote_is_cut_after_80_characters() {
    let line = "é".repeat(200);
    let expected = format!("line 1: \"{}\"..: not a number", "é".repeat(80));
    assert_eq!(message(line.as_bytes()), expected);
    let line = "x".repeat(80);
    assert_eq!(message(line.as_bytes()), format!("line 1: \"{line}\": not a number"));
}

#[test]
fn a_line_may_be_as_long_as_the_limit_and_no_longer() {
    let blanks = " ".repeat(LINE_MAX_BYTES - 3);
    assert_eq!(edges(format!("1{blanks}22\n3 4").as_bytes()).expect("well-formed"), [[1, 22], [3, 4]]);
    for too_long in [
        format!("1 2\n1 {blanks}22\n3 4\n"),
        format!("1 2\n#{blanks}abc\n"),
        format!("1 2\n1 {blanks}xx\n"),
        format!("1 2\n1{}", " ".repeat(3 << 20)),
        format!("1 2\n{}2", "#".repeat(3 << 20)),
    ] {
        let message = message(too_long.as_bytes());
        assert!(message.starts_with("line 2: \"") && message.ends_with(": longer than 65536 bytes"), "{message}");
    }
}

#[test]
fn vertices_stand_alone() {
    let found: Result<Vec<_>, _> = Vertices::new(&b"# ids\n7\r\n , 8 \n"[..]).collect();
    assert_eq!(found.expect("well-formed"), [[7], [8]]);
    let found: Result<Vec<_>, _> = Vertices::new(&b"7\n8 9\n"[..]).collect();
    assert_eq!(found.expect_err("malformed").to_string(), "line 2: \"8 9\": too many columns: more than 1");
}

#[test]
fn nothing_comes_after_an_error() {
    let mut lines = Edges::new(&b"1 2\nx\n3 4\n"[..]);
    assert!(lines.next().is_some_and(|line| line.is_ok()));
    assert!(lines.next().is_some_and(|line| line.is_err()));
    assert!(lines.next().is_none());
    assert_eq!(lines.lines_read(), 1);
}

fn text(lines: std::ops::Range<u64>) -> String {
    lines.map(|i| format!("{i} {}\n", i * i)).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("memory takes all")
}

fn open(folder: &Path, name: &str, bytes: &[u8]) -> Source {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a temporary folder can be written");
    Source::open(&path).expect("the file is there")
}

#[test]
fn compression_is_told_by_content_whatever_the_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (first, second) = (text(0..20_000), text(20_000..30_000));
    let expected = edges(format!("{first}{second}").as_bytes()).expect("well-formed");
    let plain = format!("{first}{second}").into_bytes();
    let members = [gzip(first.as_bytes()), gzip(second.as_bytes())].concat();
    let frames = [zstd(first.as_bytes()), zstd(second.as_bytes())].concat();
    for name in ["edges", "edges.el.gz", "edges.zst"] {
        for bytes in [&members, &frames] {
            let source = open(folder.path(), name, bytes);
            let progress = source.progress();
            assert_eq!(progress.bytes_total(), Some(bytes.len() as u64));
            let found: Result<Vec<_>, _> = Edges::new(source).collect();
            assert_eq!(found.expect("well-formed"), expected, "{name}");
            assert_eq!(progress.bytes_read(), bytes.len() as u64, "{name}");
        }
    }
    let found: Result<Vec<_>, _> = Edges::new(open(folder.path(), "edges.txt", &plain)).collect();
    assert_eq!(found.expect("well-formed"), expected);
    let found: Result<Vec<_>, _> = Edges::new(open(folder.path(), "short", b"1 2")).collect();
    assert_eq!(found.expect("well-formed"), [[1, 2]]);
    assert_eq!(Edges::new(open(folder.path(), "empty", b"")).count(), 0);
}

/// Reads until the error, and says how many edges came before it.
fn broken(source: Source) -> (u64, ParseError) {
    let mut lines = Lines::<_, 2>::new(source);
    let mut edges = 0;
    for line in lines.by_ref() {
        match line {
            Ok(_) => edges += 1,
            Err(error) => return (edges, error),
        }
    }
    panic!("{edges} edges and no error");
}

#[test]
fn a_compressed_file_that_was_cut_is_an_error_that_names_the_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = text(0..100_000);
    for (name, whole) in [("cut.gz", gzip(text.as_bytes())), ("cut.zst", zstd(text.as_bytes()))] {
        for cut in [1, 3, 9, whole.len() / 2, whole.len() - 1] {
            let (edges, error) = broken(open(folder.path(), name, &whole[..cut]));
            assert_eq!(error.to_string(), format!("line {}: cannot be read", edges + 1), "{name} cut at {cut}");
            assert!(error.source().is_some());
        }
    }
    // What came before the cut was read.
    let whole = gzip(text.as_bytes());
    let (edges, _) = broken(open(folder.path(), "half.gz", &whole[..whole.len() / 2]));
    assert!((10_000..100_000).contains(&edges), "{edges}");
}

#[test]
fn a_name_that_promises_compression_is_held_to_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["plain.gz", "plain.zst"] {
        assert_eq!(broken(open(folder.path(), name, b"1 2\n3 4\n")).0, 0);
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("nowhere.el");
    let error = Source::open(&path).err().expect("there is no such file");
    assert_eq!(error.to_string(), format!("{}: cannot be opened", path.display()));
    assert_eq!(error.source.kind(), io::ErrorKind::NotFound);
    assert!(Source::open(folder.path()).is_err(), "a folder is no file");
}
