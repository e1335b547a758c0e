//! Parquet files: their columns are found by name, type or place, and whatever is no edge is told with its row.

use std::fs::File;
use std::io::{Seek, Write};
use std::sync::Arc;

use graph_store::import::columns::{Column, Layout};
use graph_store::import::parquet::{ParquetEdges, ParquetEdgesError};
use graph_store::store::EdgeBatch;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

/// A column of a group of rows, with the definition levels of those that may be null.
pub(crate) enum Values {
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Text(Vec<&'static str>),
    Optional(Vec<Option<i64>>),
}

fn write<T: DataType>(group: &mut SerializedRowGroupWriter<'_, Vec<u8>>, values: &[T::T], levels: Option<&[i16]>) {
    let mut column = group.next_column().expect("memory takes all").expect("as many as in the schema");
    column.typed::<T>().write_batch(values, levels, None).expect("as in the schema");
    column.close().expect("memory takes all");
}

/// A file of some groups of rows.
pub(crate) fn written(schema: &str, groups: &[Vec<Values>], compression: Compression) -> Vec<u8> {
    let schema = parse_message_type(&format!("message edges {{ {schema} }}")).expect("a schema");
    let properties = WriterProperties::builder().set_compression(compression).set_data_page_row_count_limit(100);
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties.build()))
        .expect("memory takes all");
    for columns in groups {
        let mut group = writer.next_row_group().expect("memory takes all");
        for values in columns {
            match values {
                Values::Int32(values) => write::<Int32Type>(&mut group, values, None),
                Values::Int64(values) => write::<Int64Type>(&mut group, values, None),
                Values::Float(values) => write::<FloatType>(&mut group, values, None),
                Values::Double(values) => write::<DoubleType>(&mut group, values, None),
                Values::Text(values) => {
                    let values: Vec<ByteArray> = values.iter().copied().map(ByteArray::from).collect();
                    write::<ByteArrayType>(&mut group, &values, None);
                }
                Values::Optional(values) => {
                    let levels: Vec<i16> = values.iter().map(|value| value.is_some().into()).collect();
                    let present: Vec<i64> = values.iter().flatten().copied().collect();
                    write::<Int64Type>(&mut group, &present, Some(&levels));
                }
            }
        }
        group.close().expect("as many rows in each column");
    }
    writer.into_inner().expect("memory takes all")
}

fn plain(schema: &str, columns: Vec<Values>) -> Vec<u8> {
    written(schema, &[columns], Compression::UNCOMPRESSED)
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("a temporary file can be written");
    file.rewind().expect("a temporary file can be read from its start");
    file
}

fn read(bytes: &[u8], columns: Option<&str>) -> Result<EdgeBatch, ParquetEdgesError> {
    let columns: Option<Layout> = columns.map(|names| names.parse().expect("columns"));
    let mut edges = ParquetEdges::open(file(bytes), columns.as_ref())?;
    let mut batch = EdgeBatch::default();
    while edges.read(&mut batch)? {}
    if edges.has(Column::Time) {
        assert_eq!(batch.times.len(), batch.edges.len());
    }
    Ok(batch)
}

fn error(bytes: &[u8]) -> String {
    read(bytes, None).expect_err("no edges").to_string()
}

const IDS: &str = "REQUIRED INT64 source; REQUIRED INT64 target;";

fn ids(count: i64) -> Vec<Values> {
    vec![Values::Int64((0..count).collect()), Values::Int64((0..count).map(|id| id * id).collect())]
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        groups in proptest::collection::vec(
            proptest::collection::vec((0..=i64::MAX, any::<i32>(), 0..=u32::MAX, -1e9..1e9f64), 0..300), 0..4),
        compression in prop_oneof![
            Just(Compression::UNCOMPRESSED), Just(Compression::SNAPPY), Just(Compression::LZ4_RAW),
            Just(Compression::GZIP(Default::default())), Just(Compression::ZSTD(ZstdLevel::default())),
        ],
    ) {
        let schema = "REQUIRED DOUBLE weight; REQUIRED INT32 dst (INTEGER(32,false)); REQUIRED BINARY name (STRING);
                      REQUIRED INT64 Source; REQUIRED INT64 time (TIMESTAMP(MILLIS,true));";
        let columns = groups.iter().map(|rows| vec![
            Values::Double(rows.iter().map(|row| row.3).collect()),
            Values::Int32(rows.iter().map(|row| row.1).collect()),
            Values::Text(rows.iter().map(|_| "x").collect()),
            Values::Int64(rows.iter().map(|row| row.0).collect()),
            Values::Int64(rows.iter().map(|row| i64::from(row.2) * 1000 + 999).collect()),
        ]);
        let bytes = written(schema, &columns.collect::<Vec<_>>(), compression);
        let rows: Vec<_> = groups.concat();
        let expected = EdgeBatch {
            edges: rows.iter().map(|row| (row.0 as u64, u64::from(row.1 as u32))).collect(),
            times: rows.iter().map(|row| row.2).collect(),
            weights: rows.iter().map(|row| row.3).collect(),
        };
        prop_assert_eq!(read(&bytes, None).expect("whole"), expected);
    }
}

#[test]
fn a_long_group_comes_in_pieces() {
    let bytes = plain(IDS, ids(200_000));
    let mut edges = ParquetEdges::open(file(&bytes), None).expect("whole");
    assert_eq!(edges.rows(), 200_000);
    let (mut batch, mut pieces) = (EdgeBatch::default(), 0);
    while edges.read(&mut batch).expect("whole") {
        pieces += 1;
    }
    assert_eq!(pieces, 4);
    assert!(batch.edges.iter().zip(0..).all(|(edge, id)| *edge == (id, id * id)));
    assert_eq!(batch.edges.len(), 200_000);
}

#[test]
fn columns_are_found_by_name_then_by_type_or_by_place() {
    let edges = |schema: &str, columns: Vec<Values>, named: Option<&str>| {
        read(&plain(schema, columns), named).map(|batch| batch.edges).map_err(|error| error.to_string())
    };
    let numbers = || vec![Values::Int64(vec![1]), Values::Int64(vec![2]), Values::Int64(vec![3])];
    let schema = "REQUIRED INT64 a; REQUIRED INT64 target; REQUIRED INT64 src;";
    assert_eq!(edges(schema, numbers(), None), Ok(vec![(3, 2)]));
    let schema = "REQUIRED INT64 a; REQUIRED INT64 b; REQUIRED INT64 c;";
    assert_eq!(edges(schema, numbers(), None), Ok(vec![(1, 2)]), "the first two integers");
    assert_eq!(edges(schema, numbers(), Some("_,target,source")), Ok(vec![(3, 2)]));
    let schema = "REQUIRED INT64 a; REQUIRED INT64 source; REQUIRED INT64 c;";
    assert_eq!(edges(schema, numbers(), None), Err("no column of integers is named target".to_owned()), "half is none");
    let mixed = vec![Values::Text(vec!["x"]), Values::Int64(vec![1]), Values::Double(vec![0.5])];
    let schema = "REQUIRED BINARY a (STRING); REQUIRED INT64 b; REQUIRED DOUBLE c;";
    assert_eq!(edges(schema, mixed, None), Err("no column of integers is named target".to_owned()));
    let error = edges(IDS, ids(1), Some("source,_,target")).expect_err("there is no third column");
    assert_eq!(error, "no column of integers is named target");
}

#[test]
fn times_and_weights_are_converted() {
    let times = |of: &str, values: Values| {
        let [source, target] = [(); 2].map(|()| Values::Int64(vec![1, 2]));
        read(&plain(&format!("{IDS} REQUIRED {of};"), vec![source, target, values]), None).expect("times").times
    };
    assert_eq!(times("INT64 time", Values::Int64(vec![0, 4_294_967_295])), [0, u32::MAX]);
    assert_eq!(times("INT32 time (INTEGER(32,false))", Values::Int32(vec![1, -1])), [1, u32::MAX]);
    assert_eq!(times("INT64 time (TIMESTAMP(MICROS,false))", Values::Int64(vec![1_999_999, 2_000_000])), [1, 2]);
    assert_eq!(times("INT64 time (TIMESTAMP(NANOS,true))", Values::Int64(vec![0, 5_000_000_000])), [0, 5]);
    assert_eq!(times("INT64 time (TIMESTAMP_MILLIS)", Values::Int64(vec![0, 7_000])), [0, 7]);
    assert_eq!(times("INT32 time (DATE)", Values::Int32(vec![0, 20_000])), [0, 1_728_000_000]);
    let weights = |of: &str, values: Values| {
        read(
            &plain(
                &format!("{IDS} REQUIRED {of} weight;"),
                vec![Values::Int64(vec![1]), Values::Int64(vec![1]), values],
            ),
            None,
        )
        .expect("weights")
        .weights
    };
    assert_eq!(weights("FLOAT", Values::Float(vec![0.5])), [0.5]);
    assert_eq!(weights("INT32", Values::Int32(vec![-7])), [-7.0]);
}

#[test]
fn whatever_is_no_edge_is_told_with_its_row() {
    let schema = "REQUIRED INT64 source; OPTIONAL INT64 target;";
    let bytes = plain(schema, vec![Values::Int64(vec![1, 2, 3]), Values::Optional(vec![Some(1), None, Some(3)])]);
    assert_eq!(error(&bytes), "row 2: no target");
    let mut columns = ids(70_000);
    if let Values::Int64(sources) = &mut columns[0] {
        sources[69_999] = -3;
    }
    assert_eq!(error(&plain(IDS, columns)), "row 70000: -3 is no source");
    let with = |of: &str, values| {
        let one = || Values::Int64(vec![1]);
        error(&plain(&format!("{IDS} REQUIRED {of};"), vec![one(), one(), values]))
    };
    assert_eq!(with("INT64 time", Values::Int64(vec![1 << 32])), "row 1: 4294967296 is no time");
    assert_eq!(with("INT64 time (TIMESTAMP(MILLIS,true))", Values::Int64(vec![-1])), "row 1: -1 is no time");
    assert_eq!(with("DOUBLE weight", Values::Double(vec![f64::NAN])), "row 1: NaN is no weight");
    assert_eq!(with("DOUBLE time", Values::Double(vec![1.0])), "column \"time\" has DOUBLE, which is no time");
    let named = with("BINARY weight (STRING)", Values::Text(vec!["x"]));
    assert_eq!(named, "column \"weight\" has String, which is no weight");
}

#[test]
fn a_file_that_is_cut_or_damaged_is_an_error_or_other_edges_but_no_panic() {
    assert_eq!(error(b"1 2\n2 3\n"), "the file is no whole Parquet file");
    let bytes = written(IDS, &[ids(40), ids(30)], Compression::SNAPPY);
    for end in 0..bytes.len() {
        assert!(read(&bytes[..end], None).is_err(), "{end} of {} bytes are as good as all", bytes.len());
    }
    for at in 0..bytes.len() {
        for bit in [0, 3, 7] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            let _ = read(&damaged, None);
        }
    }
}

/// Stepping over each number that is not there would take some minutes.
#[test]
fn a_page_that_claims_numbers_after_the_end_of_the_file_is_refused_at_once() {
    let mut bytes = plain(IDS, ids(10));
    // In the header of the first page: a field that is not known (15), of a list (9) of 2^31 - 1 (15 and a varint) doubles (7).
    bytes[4..11].copy_from_slice(&[0xF9, 0xF7, 0xFF, 0xFF, 0xFF, 0xFF, 0x07]);
    assert_eq!(error(&bytes), "row 1: cannot be read");
}
