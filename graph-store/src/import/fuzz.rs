//! What a fuzzer calls: see [`fuzzing`](crate::fuzzing).

use std::fs::File;
use std::io::{Read, Seek, Write};

use super::binary::{BinaryError, BlockReader, EdgeReader, EdgeWriter, EncodedEdges};
use super::columns::{Column, Layout};
use super::csv::Dialect;
use super::pairs::PairBlocks;
use super::parquet::{ParquetEdges, ParquetEdgesError};
use super::parse::{Edges, LineBlock, LineBlocks, ParseError, Vertices};
use crate::fuzzing::Input;
use crate::store::EdgeBatch;

/// Layouts of columns to choose from.
const LAYOUTS: [&str; 5] =
    ["source,target", "target,source", "source,target,time", "weight,_,target,source", "time,target,_,weight,source"];

/// Rows of a Parquet file that are read.
const ROWS_MAX: u64 = 1 << 18;

fn layout(number: u64) -> Layout {
    LAYOUTS[number as usize % LAYOUTS.len()].parse().expect("columns")
}

/// Gives a few bytes at a time.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let step = buffer.len().min(1 + self.0.len() % 7);
        self.0.read(&mut buffer[..step])
    }
}

/// Decodes all of some lines, and each line apart: the same edges and the same first error come of it.
fn decode_apart(bytes: &[u8], decode: impl Fn(&LineBlock, &mut EdgeBatch) -> Result<(), ParseError>) -> EdgeBatch {
    let mut whole = EdgeBatch::default();
    let read = decode(&LineBlock::new(bytes.to_vec(), 1), &mut whole);
    let mut apart = EdgeBatch::default();
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').zip(1..);
    let read_apart = lines.try_for_each(|(line, number)| decode(&LineBlock::new(line.to_vec(), number), &mut apart));
    assert!(same(&whole, &apart), "line by line");
    assert_eq!(
        read.map_err(|error| error.to_string()),
        read_apart.map_err(|error| error.to_string()),
        "the same error"
    );
    whole
}

fn same(one: &EdgeBatch, other: &EdgeBatch) -> bool {
    one.edges == other.edges && one.times == other.times && one.weights == other.weights
}

/// Lines of ids: of edges and of people.
pub(crate) fn lines(input: &[u8]) {
    let mut edges = vec![];
    let failed = Edges::new(input).find_map(|edge| edge.map(|edge| edges.push(edge)).err());
    let mut trickled = vec![];
    let failed_again = Edges::new(Trickle(input)).find_map(|edge| edge.map(|edge| trickled.push(edge)).err());
    assert_eq!(edges, trickled, "in pieces");
    assert_eq!(failed.map(|error| error.to_string()), failed_again.map(|error| error.to_string()), "the same error");
    let mut batch = EdgeBatch::default();
    let mut blocks = LineBlocks::new(input);
    while let Ok(Some(block)) = blocks.next_block() {
        if block.decode(&mut batch).is_err() {
            break;
        }
    }
    assert!(edges.iter().map(|[source, target]| (*source, *target)).eq(batch.edges), "in blocks");
    let written: String = edges.iter().map(|[source, target]| format!("{source} {target}\n")).collect();
    let again: Result<Vec<_>, _> = Edges::new(written.as_bytes()).collect();
    assert_eq!(again.expect("well-formed"), edges, "written again");
    let _ = Vertices::new(input).take_while(Result::is_ok).count();
}

/// Lines of other columns: which (one byte), the lines.
pub(crate) fn text(input: &[u8]) {
    let mut input = Input(input);
    let layout = layout(input.number::<1>());
    let read = decode_apart(input.0, |lines, into| super::text::decode(lines, &layout, into));
    assert_columns(&layout, &read);
    let written = written(&layout, &read, " ");
    let mut again = EdgeBatch::default();
    super::text::decode(&LineBlock::new(written.into_bytes(), 1), &layout, &mut again).expect("well-formed");
    assert!(same(&again, &read), "written again");
}

/// Rows of comma-separated values: which columns, or those that the rows say (one byte), the rows.
pub(crate) fn csv(input: &[u8]) {
    let mut input = Input(input);
    let named = input.number::<1>();
    let named = (named % 2 == 1).then(|| layout(named / 2));
    let Ok(dialect) = Dialect::sniff(input.0, named) else { return };
    let read = decode_apart(input.0, |rows, into| dialect.decode(rows, into));
    assert_columns(dialect.layout(), &read);
    let written = written(dialect.layout(), &read, "|");
    let rows = written.into_bytes();
    let mut again = EdgeBatch::default();
    let dialect = Dialect::sniff(&rows, Some(dialect.layout().clone())).expect("columns are named");
    dialect.decode(&LineBlock::new(rows, 1), &mut again).expect("well-formed");
    assert!(same(&again, &read), "written again");
}

fn assert_columns(layout: &Layout, read: &EdgeBatch) {
    let count = |column| layout.place(column).map_or(0, |_| read.edges.len());
    assert_eq!((read.times.len(), read.weights.len()), (count(Column::Time), count(Column::Weight)), "in all columns");
    assert!(read.weights.iter().all(|weight| weight.is_finite()), "weights are finite");
}

fn written(layout: &Layout, read: &EdgeBatch, between: &str) -> String {
    let columns = [Column::Source, Column::Target, Column::Time, Column::Weight];
    let rows = read.edges.iter().enumerate().map(|(row, (source, target))| {
        let mut fields = vec!["1".to_owned(); layout.count()];
        for column in columns {
            let Some(place) = layout.place(column) else { continue };
            fields[place] = match column {
                Column::Source => source.to_string(),
                Column::Target => target.to_string(),
                Column::Time => read.times[row].to_string(),
                _ => format!("{:?}", read.weights[row]),
            };
        }
        fields.join(between) + "\n"
    });
    rows.collect()
}

/// Pairs of numbers.
pub(crate) fn pairs(input: &[u8]) {
    let mut batch = EdgeBatch::default();
    let mut blocks = PairBlocks::new(Trickle(input));
    let mut read = || -> Result<(), super::pairs::PairsError> {
        while let Some(block) = blocks.next_block()? {
            block.decode(&mut batch);
        }
        Ok(())
    };
    assert_eq!(read().is_ok(), input.len().is_multiple_of(8), "whole edges");
    let half = |number: u64| u32::try_from(number).expect("half of eight bytes").to_le_bytes();
    let again: Vec<u8> =
        batch.edges.iter().flat_map(|(source, target)| [half(*source), half(*target)].concat()).collect();
    assert!(again.is_empty() && !input.len().is_multiple_of(8) || again == input, "written again");
}

/// A binary edge list: whether to seal it (one byte), the file.
pub(crate) fn binary(input: &[u8]) {
    let mut input = Input(input);
    let seal = input.number::<1>() & 1 == 1;
    let bytes = if seal { sealed(input.0) } else { input.0.to_vec() };
    let Ok(mut reader) = EdgeReader::new(&bytes[..]) else { return };
    let edges: Result<Vec<_>, BinaryError> = reader.by_ref().collect();
    assert!(reader.next().is_none(), "it ends after an error");
    let mut batch = EdgeBatch::default();
    let mut read = || -> Result<(), BinaryError> {
        let mut blocks = BlockReader::new(Trickle(&bytes))?;
        while let Some(block) = blocks.next_block()? {
            block.decode(&mut batch)?;
        }
        Ok(())
    };
    assert_eq!(read().is_ok(), edges.is_ok(), "block by block");
    let Ok(edges) = edges else { return };
    assert!(edges.iter().map(|edge| (edge.source.into(), edge.target.into())).eq(batch.edges), "block by block");
    let times = reader.has_times();
    let mut encoded = EncodedEdges::with_capacity(edges.len(), times);
    edges.iter().for_each(|edge| encoded.push(edge.source, edge.target, edge.time.unwrap_or_default()));
    let mut writer = EdgeWriter::new(vec![], times, reader.edges_promised()).expect("memory takes all");
    writer.append(&encoded).expect("times as before");
    let written = writer.finish().expect("as many as promised");
    let again: Result<Vec<_>, _> = EdgeReader::new(&written[..]).expect("written just now").collect();
    assert_eq!(again.expect("written just now"), edges, "written again");
}

/// The same file with the right checksums.
fn sealed(file: &[u8]) -> Vec<u8> {
    let mut bytes = file.to_vec();
    if bytes.len() < super::binary::HEADER_BYTES {
        return bytes;
    }
    let checksum = crc32c::crc32c(&bytes[..20]).to_le_bytes();
    bytes[20..24].copy_from_slice(&checksum);
    let edge_bytes = super::binary::edge_bytes(bytes[10] & 1 == 1);
    let (mut at, mut before) = (super::binary::HEADER_BYTES, 0);
    while let Some(n) = bytes.get(at..at + 8).and_then(<[u8]>::first_chunk).map(|n| u32::from_le_bytes(*n)) {
        let Some(edges) = bytes.get(at + 8..at + 8 + n as usize * edge_bytes) else { break };
        let checksum = super::binary::block_checksum(before, n, edges).to_le_bytes();
        bytes[at + 4..at + 8].copy_from_slice(&checksum);
        at += 8 + n as usize * edge_bytes;
        before += u64::from(n);
    }
    bytes
}

/// Whether a Parquet file may claim so many booleans, which take no bytes, that stepping over them takes long: see
/// [`parquet`](super::parquet).
fn claims_many_booleans(file: &[u8]) -> bool {
    /// Greater counts are refused.
    const MANY: std::ops::RangeInclusive<u64> = 1 << 20..=i32::MAX as u64;
    let boolean = |kind: u8| matches!(kind, 1 | 2);
    (0..file.len()).any(|at| {
        let mut rest = &file[at..];
        let count = varint(&mut rest);
        let of_map = rest.first().is_some_and(|kinds| boolean(kinds >> 4) && boolean(kinds & 15));
        let of_list = at > 0 && file[at - 1] >> 4 == 15 && boolean(file[at - 1] & 15);
        MANY.contains(&count) && (of_map || of_list)
    })
}

/// A number of seven bits a byte, the lowest first, as that library reads it: of any length.
fn varint(bytes: &mut &[u8]) -> u64 {
    let (mut number, mut shift) = (0, 0);
    while let Some((byte, rest)) = bytes.split_first() {
        *bytes = rest;
        number |= u64::from(byte & 0x7F).wrapping_shl(shift);
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    number
}

/// A Parquet file: which columns, or those that the file says (one byte), the file.
pub(crate) fn parquet(input: &[u8]) {
    let mut input = Input(input);
    let named = input.number::<1>();
    let named = (named % 2 == 1).then(|| layout(named / 2));
    if claims_many_booleans(input.0) {
        return;
    }
    let read = || -> Result<EdgeBatch, ParquetEdgesError> {
        let mut file: File = tempfile::tempfile().expect("a temporary file");
        file.write_all(input.0).and_then(|()| file.rewind()).expect("a temporary file can be written");
        let mut edges = ParquetEdges::open(file, named.as_ref())?;
        let mut all = EdgeBatch::default();
        let mut batch = EdgeBatch::default();
        // A run of equal values takes no bytes, however many rows it is.
        while edges.rows_read() < ROWS_MAX && edges.read(&mut batch)? {
            let count = |column| if edges.has(column) { batch.edges.len() } else { 0 };
            assert_eq!((batch.times.len(), batch.weights.len()), (count(Column::Time), count(Column::Weight)));
            all.edges.append(&mut batch.edges);
            all.edges.truncate(1000);
            batch.clear();
        }
        Ok(all)
    };
    if let Ok(all) = read() {
        assert_eq!(read().expect("read before").edges, all.edges, "read again");
    }
}

/// Edges with what may stand around them.
pub(crate) fn lines_seeds() -> Vec<Vec<u8>> {
    ["1 2\n2,3\n\n# people\n 18446744073709551615\t7 \r\n", "1 2", "1 2 3\n", "7\n8\n"].map(Into::into).to_vec()
}

pub(crate) fn text_seeds() -> Vec<Vec<u8>> {
    ["\x021 2 1700000000\n# no\n3\t4,0\r\n", "\x030.5 x 1 2\n-1e300 y 3 4", "\x047 1 x 2.5 3\n"]
        .map(Into::into)
        .to_vec()
}

/// Each separator, headers, quotes and a byte order mark.
pub(crate) fn csv_seeds() -> Vec<Vec<u8>> {
    let seeds = [
        "\0source,target\n1,2\n\"3\", 4\r\n",
        "\0\u{feff}name;Weight;DST;src;time\n\"a \"\"b\"\";\";0.5;1;2;3\n",
        "\x001|2\n# no\n3|4",
        "\x051\t2\t1700000000\n",
        "\x07-0.25,\"x,y\",1,2\n",
    ];
    seeds.map(Into::into).to_vec()
}

pub(crate) fn pairs_seeds() -> Vec<Vec<u8>> {
    vec![[1u32, 2, 3, u32::MAX].iter().flat_map(|number| number.to_le_bytes()).collect(), vec![0; 13]]
}

/// With and without times, and of several blocks.
pub(crate) fn binary_seeds() -> Vec<Vec<u8>> {
    let seeds = [(false, Some(3), 0), (true, None, 1), (true, Some(3), 1)].map(|(times, promised, seal)| {
        let mut encoded = EncodedEdges::with_capacity(3, times);
        (1..4).for_each(|id| encoded.push(id, id * 7, 1_700_000_000 + id));
        let mut writer = EdgeWriter::new(vec![seal], times, promised).expect("memory takes all");
        writer.append(&encoded).expect("as it was begun");
        writer.finish().expect("as many as promised")
    });
    seeds.to_vec()
}

/// With all columns, in two groups, plain and compressed.
pub(crate) fn parquet_seeds() -> Vec<Vec<u8>> {
    use ::parquet::basic::Compression;
    use ::parquet::data_type::{DataType, DoubleType, Int32Type, Int64Type};
    use ::parquet::file::properties::WriterProperties;
    use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
    use ::parquet::schema::parser::parse_message_type;

    const SCHEMA: &str = "message edges { REQUIRED INT64 source; OPTIONAL INT64 target;
                          REQUIRED INT32 time (INTEGER(32,false)); REQUIRED DOUBLE weight; }";
    fn put<T: DataType>(group: &mut SerializedRowGroupWriter<'_, Vec<u8>>, values: &[T::T], levels: Option<&[i16]>) {
        let mut column = group.next_column().expect("memory takes all").expect("as in the schema");
        column.typed::<T>().write_batch(values, levels, None).expect("as in the schema");
        column.close().expect("memory takes all");
    }

    let seeds = [Compression::UNCOMPRESSED, Compression::SNAPPY].map(|compression| {
        let properties = WriterProperties::builder().set_compression(compression);
        let schema = parse_message_type(SCHEMA).expect("a schema");
        let mut writer = SerializedFileWriter::new(vec![0], schema.into(), properties.build().into()).expect("a file");
        for first in [0, 5] {
            let mut group = writer.next_row_group().expect("memory takes all");
            let ids: Vec<i64> = (first..first + 5).collect();
            put::<Int64Type>(&mut group, &ids, None);
            put::<Int64Type>(&mut group, &ids, Some(&[1; 5]));
            put::<Int32Type>(&mut group, &[7, 8, 9, 8, 7], None);
            put::<DoubleType>(&mut group, &[0.5; 5], None);
            group.close().expect("as many rows in each column");
        }
        writer.into_inner().expect("memory takes all")
    });
    seeds.to_vec()
}
