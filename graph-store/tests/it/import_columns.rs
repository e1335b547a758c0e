//! Edge lists with columns: CSV, text with times and weights, bare pairs. What was written is read, in pieces as well as
//! at once; what is malformed is named.

use std::fmt::Write as _;

use graph_store::import::columns::{COLUMNS_MAX, Column, Layout, LayoutError};
use graph_store::import::csv::Dialect;
use graph_store::import::pairs::{EDGE_BYTES, PairBlocks};
use graph_store::import::parse::{LineBlock, ParseError};
use graph_store::import::text;
use graph_store::store::EdgeBatch;
use proptest::prelude::*;

type Decode<'a> = dyn Fn(&LineBlock, &mut EdgeBatch) -> Result<(), ParseError> + 'a;

fn columns(names: &str) -> Layout {
    names.parse().expect("columns")
}

/// All edges of a file, decoded in blocks that end behind the lines of these numbers.
fn in_blocks(file: &str, ends: &[usize], decode: &Decode) -> Result<EdgeBatch, ParseError> {
    let lines: Vec<&str> = file.split_inclusive('\n').collect();
    let mut batch = EdgeBatch::default();
    let mut start = 0;
    let ends = ends.iter().map(|end| end % (lines.len() + 1)).chain([lines.len()]);
    for end in ends {
        if end > start {
            let bytes = lines[start..end].concat().into_bytes();
            decode(&LineBlock::new(bytes, start as u64 + 1), &mut batch)?;
            start = end;
        }
    }
    Ok(batch)
}

fn decode_csv(file: &str, named: Option<&str>, ends: &[usize]) -> Result<EdgeBatch, String> {
    let dialect = Dialect::sniff(file.as_bytes(), named.map(columns)).map_err(|error| error.to_string())?;
    in_blocks(file, ends, &|rows, into| dialect.decode(rows, into)).map_err(|error| error.to_string())
}

fn decode_text(file: &str, named: &str, ends: &[usize]) -> Result<EdgeBatch, String> {
    let columns = columns(named);
    in_blocks(file, ends, &|lines, into| text::decode(lines, &columns, into)).map_err(|error| error.to_string())
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    source: u64,
    target: u64,
    time: u32,
    weight: f64,
}

fn edges() -> impl Strategy<Value = Vec<Edge>> {
    let edge = (any::<u64>(), any::<u64>(), any::<u32>(), -1e12..1e12)
        .prop_map(|(source, target, time, weight)| Edge { source, target, time, weight });
    proptest::collection::vec(edge, 1..30)
}

fn order() -> impl Strategy<Value = Vec<&'static str>> {
    Just(vec!["source", "target", "time", "weight", "note"]).prop_shuffle()
}

fn expected(edges: &[Edge]) -> EdgeBatch {
    EdgeBatch {
        edges: edges.iter().map(|edge| (edge.source, edge.target)).collect(),
        times: edges.iter().map(|edge| edge.time).collect(),
        weights: edges.iter().map(|edge| edge.weight).collect(),
    }
}

fn field(edge: &Edge, name: &str) -> String {
    match name {
        "source" => edge.source.to_string(),
        "target" => edge.target.to_string(),
        "time" => edge.time.to_string(),
        "weight" => format!("{:?}", edge.weight),
        _ => "x".to_owned(),
    }
}

proptest! {
    #[test]
    fn csv_that_was_written_is_read(
        edges in edges(),
        order in order(),
        separator in prop_oneof![Just(','), Just(';'), Just('\t'), Just('|')],
        header in any::<bool>(),
        quoted in proptest::collection::vec(any::<bool>(), 5),
        line_end in prop_oneof![Just("\n"), Just("\r\n"), Just("\n\n"), Just("\r\n# \"note\n")],
        last_ends in any::<bool>(),
        ends in proptest::collection::vec(any::<usize>(), 0..4),
    ) {
        let mut file = String::new();
        let mut row = |fields: Vec<String>| {
            let quote = |(field, quoted): (&String, &bool)| match (field.as_str(), quoted) {
                ("x", true) => format!("\"a {separator} \"\"b\"\"\""),
                (_, true) => format!("\"{field}\""),
                (_, false) => format!(" {field}"),
            };
            let fields: Vec<_> = fields.iter().zip(&quoted).map(quote).collect();
            write!(file, "{}{line_end}", fields.join(&separator.to_string())).expect("memory takes all");
        };
        if header {
            row(order.iter().map(|name| name.to_uppercase()).collect());
        }
        for edge in &edges {
            row(order.iter().map(|name| field(edge, name)).collect());
        }
        if !last_ends {
            file.truncate(file.trim_end_matches('\n').len());
        }
        let named: Vec<_> = order.iter().map(|name| if *name == "note" { "_" } else { name }).collect();
        let named = named.join(",");
        let read = decode_csv(&file, (!header).then_some(&named), &ends);
        prop_assert_eq!(read, Ok(expected(&edges)), "{}", file);
    }

    #[test]
    fn text_that_was_written_is_read(
        edges in edges(),
        order in order(),
        between in "[ \t,]{1,3}",
        line_end in prop_oneof![Just("\n"), Just("\r\n"), Just("\n \n"), Just(" \n# 1 2\n")],
        ends in proptest::collection::vec(any::<usize>(), 0..4),
    ) {
        let mut file = String::new();
        for edge in &edges {
            let fields: Vec<_> = order.iter().map(|name| field(edge, name)).collect();
            write!(file, "{}{line_end}", fields.join(&between)).expect("memory takes all");
        }
        let named: Vec<_> = order.iter().map(|name| if *name == "note" { "_" } else { name }).collect();
        prop_assert_eq!(decode_text(&file, &named.join(","), &ends), Ok(expected(&edges)));
    }

    #[test]
    fn pairs_that_were_written_are_read(edges in proptest::collection::vec(any::<(u32, u32)>(), 0..50), cut in any::<usize>()) {
        let bytes: Vec<u8> =
            edges.iter().flat_map(|(source, target)| [source.to_le_bytes(), target.to_le_bytes()]).flatten().collect();
        let edges: Vec<(u64, u64)> = edges.into_iter().map(|(source, target)| (source.into(), target.into())).collect();
        let read = |bytes: &[u8]| -> Result<EdgeBatch, String> {
            let (mut blocks, mut batch) = (PairBlocks::new(bytes), EdgeBatch::default());
            while let Some(block) = blocks.next_block().map_err(|error| error.to_string())? {
                block.decode(&mut batch);
            }
            Ok(batch)
        };
        prop_assert_eq!(read(&bytes).map(|batch| batch.edges), Ok(edges));
        let short = cut % (bytes.len() + 1);
        let told = format!("edge {}: cut short there", 1 + short / EDGE_BYTES);
        prop_assert_eq!(read(&bytes[..short]).map(drop), if short.is_multiple_of(EDGE_BYTES) { Ok(()) } else { Err(told) });
    }

    #[test]
    fn rubbish_is_an_error_or_edges_but_no_panic(bytes in proptest::collection::vec(prop_oneof![
        Just(b' '), Just(b'\n'), Just(b'\r'), Just(b'1'), Just(b'#'), Just(b','), Just(b'"'), Just(b';'), any::<u8>()
    ], 0..200), named in prop_oneof![Just(None), Just(Some("source,target")), Just(Some("weight,source,_,target,time"))]) {
        let mut batch = EdgeBatch::default();
        if let Ok(dialect) = Dialect::sniff(&bytes, named.map(columns)) {
            let _ = dialect.decode(&LineBlock::new(bytes.clone(), 1), &mut batch);
        }
        let _ = text::decode(&LineBlock::new(bytes, 1), &columns(named.unwrap_or("target,source")), &mut batch);
    }
}

#[test]
fn a_header_says_which_column_is_which() {
    let read = |file: &str| decode_csv(file, None, &[]).map(|batch| (batch.edges, batch.times, batch.weights));
    assert_eq!(read("dst,src\n1,2\n"), Ok((vec![(2, 1)], vec![], vec![])));
    assert_eq!(read("# made today\n\nname;Source;TARGET;Weight\nann;1;2;0.5\n"), Ok((vec![(1, 2)], vec![], vec![0.5])));
    assert_eq!(read("1,2\n3,4"), Ok((vec![(1, 2), (3, 4)], vec![], vec![])));
    assert_eq!(read("\"1\",\"2\"\r\n"), Ok((vec![(1, 2)], vec![], vec![])));
    assert_eq!(read("\u{feff}source,target\n1,2\n"), Ok((vec![(1, 2)], vec![], vec![])));
    assert_eq!(read("\u{feff}1,2\n"), Ok((vec![(1, 2)], vec![], vec![])));
    assert_eq!(read("note\tsource\ttarget\n\t\"1\"\t2\n"), Ok((vec![(1, 2)], vec![], vec![])));
    assert_eq!(read("source,target\n"), Ok((vec![], vec![], vec![])));
    assert_eq!(read(""), Ok((vec![], vec![], vec![])));
    // What the columns are called does not matter to those who say what they hold.
    let read = decode_csv("a,b,c\n1,2,3\n", Some("time,target,source"), &[]).expect("well-formed");
    assert_eq!((read.edges, read.times), (vec![(3, 2)], vec![1]));
    let error = |file: &str| read_error(file, None);
    assert_eq!(error("a,b\n1,2\n"), "no column is named source");
    assert_eq!(error("source,time\n1,2\n"), "no column is named target");
    assert_eq!(error("source,target,src\n1,2,3\n"), "two columns are named source");
    // It is no header that has a number in it.
    assert_eq!(error("source,2\n"), r#"line 1: "source,2": not a number"#);
}

fn read_error(file: &str, named: Option<&str>) -> String {
    decode_csv(file, named, &[]).expect_err("malformed")
}

#[test]
fn malformed_rows_are_named_and_quoted() {
    let all = "source,target,time,weight";
    let cases: [(&str, &str); 15] = [
        ("\"1\",2,3\r4,4", r#""\"1\",2,3\r4,4": not a time in seconds since 1970"#),
        ("1,2,3", r#""1,2,3": too few columns: 3 of 4"#),
        ("1,2,3,4,5", r#""1,2,3,4,5": too many columns: more than 4"#),
        ("1,2,3,4,", r#""1,2,3,4,": too many columns: more than 4"#),
        ("1,,3,4", r#""1,,3,4": not a number"#),
        ("+1,2,3,4", r#""+1,2,3,4": not a number"#),
        ("1,18446744073709551616,3,4", r#""1,18446744073709551616,3,4": a number of more than 64 bits"#),
        ("1,2,-3,4", r#""1,2,-3,4": not a time in seconds since 1970"#),
        ("1,2,4294967296,4", r#""1,2,4294967296,4": not a time in seconds since 1970"#),
        ("1,2,3.5,4", r#""1,2,3.5,4": not a time in seconds since 1970"#),
        ("1,2,3,NaN", r#""1,2,3,NaN": not a finite weight"#),
        ("1,2,3,1e999", r#""1,2,3,1e999": not a finite weight"#),
        ("1,2,3,x", r#""1,2,3,x": not a finite weight"#),
        ("1,2,3,\"4", r#""1,2,3,\"4": a quotation mark is left open"#),
        ("1, \"2\",3,4", r#""1, \"2\",3,4": not a number"#),
    ];
    let good = "1,2,3,4\n".repeat(16);
    for (row, expected) in cases {
        for file in [format!("{good}{row}\n1,2,3,4\n"), format!("{good}{row}\r\n1,2,3,4\r\n"), format!("{good}{row}")] {
            assert_eq!(read_error(&file, Some(all)), format!("line 17: {expected}"), "{file:?}");
        }
        let headed = format!("{all}\n{row}\n");
        assert_eq!(read_error(&headed, None), format!("line 2: {expected}"));
    }
    // More columns than two must be named.
    assert_eq!(read_error("1,2\n1,2,3\n", None), r#"line 2: "1,2,3": too many columns: more than 2"#);
    let wide = format!("1,2{}\n", ",3".repeat(COLUMNS_MAX));
    assert!(read_error(&wide, None).ends_with(": too many columns: more than 2"));
    let wide = format!("\"1\",2{}\n", ",3".repeat(COLUMNS_MAX));
    assert!(read_error(&wide, None).ends_with(": too many columns: more than 2"));
    let long = format!("1,2{}\n", " ".repeat(64 << 10));
    assert!(read_error(&long, None).ends_with(": longer than 65536 bytes"));
}

#[test]
fn malformed_lines_are_named_and_quoted() {
    let named = "source,target,_,time";
    let cases = [
        ("1 2 x", r#""1 2 x": too few columns: 3 of 4"#),
        ("1 2 x 3 4", r#""1 2 x 3 4": too many columns: more than 4"#),
        ("1 2 x y", r#""1 2 x y": not a time in seconds since 1970"#),
        ("1 b x 3", r#""1 b x 3": not a number"#),
    ];
    for (line, expected) in cases {
        for line_end in ["\n", "\r\n", ""] {
            let file = format!("1 2 x 3\n# no\n{line}{line_end}");
            assert_eq!(decode_text(&file, named, &[]), Err(format!("line 3: {expected}")));
            assert_eq!(decode_text(&file, named, &[1, 2]), Err(format!("line 3: {expected}")), "in blocks");
        }
    }
}

#[test]
fn names_of_columns_are_checked() {
    let error = |names: &str| names.parse::<Layout>().expect_err("refused");
    assert_eq!(error("source,target,when"), LayoutError::Unknown { name: "when".to_owned() });
    assert_eq!(error("source"), LayoutError::Missing { column: Column::Target });
    assert_eq!(error(""), LayoutError::Unknown { name: String::new() });
    assert_eq!(error("source,target,time,TIME"), LayoutError::Twice { column: Column::Time });
    assert_eq!(error(&format!("source,target{}", ",_".repeat(COLUMNS_MAX))), LayoutError::TooMany);
    assert!(columns("src, DST").are_ids());
    assert!(!columns("target,source").are_ids());
}
