//! Files of every format, opened as they come: told apart, read in blocks, and the same edges whatever the format.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use graph_store::import::binary::{EdgeWriter, EncodedEdges};
use graph_store::import::blocks::{EdgeSource, SourceError};
use graph_store::import::format::{Format, UnknownFormat};
use graph_store::store::{Columns, EdgeBatch};
use parquet::data_type::Int64Type;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

fn read(path: &Path, format: Option<Format>, columns: Option<&str>) -> Result<EdgeBatch, SourceError> {
    let columns = columns.map(|names| names.parse().expect("columns"));
    let mut blocks = EdgeSource::open_as(path, format, columns)?;
    let Columns { times, weights } = blocks.columns();
    let mut batch = EdgeBatch::default();
    while let Some(block) = blocks.next_block()? {
        block.decode(&mut batch)?;
    }
    assert!(blocks.next_block()?.is_none(), "the end is the end");
    let count = batch.edges.len();
    assert_eq!(
        (batch.times.len(), batch.weights.len()),
        (if times { count } else { 0 }, if weights { count } else { 0 })
    );
    let progress = blocks.progress();
    assert_eq!(Some(progress.bytes_read()), progress.bytes_total(), "all of {}", path.display());
    Ok(batch)
}

fn error(path: &Path, format: Option<Format>, columns: Option<&str>) -> String {
    read(path, format, columns).expect_err("no edges").to_string()
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("a temporary folder can be written");
    path
}

fn binary(edges: &[(u32, u32)]) -> Vec<u8> {
    let mut encoded = EncodedEdges::with_capacity(edges.len(), false);
    edges.iter().for_each(|(source, target)| encoded.push(*source, *target, 0));
    let mut writer = EdgeWriter::new(Vec::new(), false, None).expect("memory takes all");
    writer.append(&encoded).expect("memory takes all");
    writer.finish().expect("memory takes all")
}

fn parquet(edges: &[(u32, u32)]) -> Vec<u8> {
    let schema =
        parse_message_type("message edges { REQUIRED INT64 source; REQUIRED INT64 target; }").expect("a schema");
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::default()).expect("memory takes all");
    let mut group = writer.next_row_group().expect("memory takes all");
    let sources: Vec<i64> = edges.iter().map(|edge| edge.0.into()).collect();
    let targets: Vec<i64> = edges.iter().map(|edge| edge.1.into()).collect();
    for ids in [sources, targets] {
        let mut column = group.next_column().expect("memory takes all").expect("two columns");
        column.typed::<Int64Type>().write_batch(&ids, None, None).expect("as in the schema");
        column.close().expect("memory takes all");
    }
    group.close().expect("memory takes all");
    writer.into_inner().expect("memory takes all")
}

/// The same edges in every format, under the names that they usually have.
fn files(edges: &[(u32, u32)]) -> [(&'static str, Format, Vec<u8>); 5] {
    let lines = |between: &str| -> String {
        edges.iter().map(|(source, target)| format!("{source}{between}{target}\n")).collect()
    };
    let pairs = edges.iter().flat_map(|(source, target)| [source.to_le_bytes(), target.to_le_bytes()]).flatten();
    [
        ("edges.el", Format::Text, lines(" ").into_bytes()),
        ("edges.csv", Format::Csv, format!("src;dst\n{}", lines(";")).into_bytes()),
        ("edges.roost", Format::Binary, binary(edges)),
        ("edges.bin", Format::Pairs, pairs.collect()),
        ("edges.parquet", Format::Parquet, parquet(edges)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_same_edges_come_out_of_every_format_compressed_or_not(
        edges in proptest::collection::vec(any::<(u32, u32)>(), 1..300),
    ) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let expected: Vec<(u64, u64)> = edges.iter().map(|(source, target)| ((*source).into(), (*target).into())).collect();
        for (name, format, bytes) in files(&edges) {
            let compressed = zstd::encode_all(&bytes[..], 1).expect("memory takes all");
            // Pairs look like anything, so they have to be named.
            let told = (format == Format::Pairs).then_some(format);
            for (name, bytes) in [(name.to_owned(), bytes), (format!("{name}.zst"), compressed)] {
                let path = file(folder.path(), &name, &bytes);
                prop_assert_eq!(&read(&path, told, None).expect("whole").edges, &expected, "{}", name);
                prop_assert_eq!(&read(&path, Some(format), None).expect("whole").edges, &expected, "{}", name);
            }
        }
    }
}

#[test]
fn long_files_come_in_blocks_in_their_order() {
    let edges: Vec<(u32, u32)> = (0..400_000).map(|i| (i, u32::MAX - i)).collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, format, bytes) in files(&edges) {
        let path = file(folder.path(), name, &bytes);
        let mut blocks = EdgeSource::open_as(&path, Some(format), None).expect("whole");
        let (mut batch, mut count) = (EdgeBatch::default(), 0);
        while let Some(block) = blocks.next_block().expect("whole") {
            block.decode(&mut batch).expect("whole");
            count += 1;
        }
        assert!(count > 3, "{name} in {count} blocks");
        assert_eq!(batch.edges.len(), edges.len(), "{name}");
        let same = batch.edges.iter().zip(&edges).all(|(found, edge)| *found == (edge.0.into(), edge.1.into()));
        assert!(same, "{name} in its order");
    }
    // A malformed line has its number, whichever block it is in.
    let mut text: String = edges.iter().map(|(source, target)| format!("{source},{target}\n")).collect();
    text.push_str("1,x\n");
    for (name, columns) in [("bad.el", None), ("bad.csv", None), ("bad.el", Some("target,source"))] {
        let path = file(folder.path(), name, text.as_bytes());
        assert_eq!(error(&path, None, columns), "line 400001: \"1,x\": not a number", "{name}");
    }
}

#[test]
fn columns_are_named_where_the_format_has_columns() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = file(folder.path(), "edges.el", b"1 2 30 0.5\n");
    let batch = read(&path, None, Some("target,source,time,weight")).expect("well-formed");
    assert_eq!((batch.edges, batch.times, batch.weights), (vec![(2, 1)], vec![30], vec![0.5]));
    assert_eq!(error(&path, None, None), "line 1: \"1 2 30 0.5\": too many columns: more than 2");
    assert_eq!(error(&path, Some(Format::Pairs), Some("source,target")), "the columns of a pairs file cannot be named");
    let path = file(folder.path(), "edges", &binary(&[(1, 2)]));
    assert_eq!(error(&path, None, Some("source,target")), "the columns of a binary file cannot be named");
    let path = file(folder.path(), "edges.parquet", &parquet(&[(1, 2)]));
    assert_eq!(read(&path, None, Some("target,source")).expect("well-formed").edges, [(2, 1)]);
    assert_eq!("xml".parse::<Format>(), Err(UnknownFormat { name: "xml".to_owned() }));
    for format in Format::ALL {
        assert_eq!(format.to_string().parse(), Ok(format));
    }
}

#[test]
fn empty_files_have_no_edges() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for format in [Format::Text, Format::Csv, Format::Pairs] {
        let path = file(folder.path(), "empty", b"");
        assert_eq!(read(&path, Some(format), None).expect("well-formed"), EdgeBatch::default(), "{format}");
    }
    let path = file(folder.path(), "empty.parquet", &parquet(&[]));
    assert_eq!(read(&path, None, None).expect("whole"), EdgeBatch::default());
}

#[test]
fn a_compressed_file_that_is_cut_is_an_error_in_every_format() {
    let edges: Vec<(u32, u32)> = (0..50_000).map(|i| (i * 7919, i)).collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, format, bytes) in files(&edges) {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&bytes).expect("memory takes all");
        let compressed = encoder.finish().expect("memory takes all");
        let path = file(folder.path(), &format!("{name}.gz"), &compressed[..compressed.len() / 2]);
        assert!(read(&path, Some(format), None).is_err(), "{name}");
    }
}
