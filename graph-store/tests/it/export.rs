//! What is exported is the graph, as independent readers of each format see it.

mod roaring_format;

use std::collections::BTreeSet;

use base::disk::SimulatedDisk;
use base::{Direction, Edge, ListRef, Relation, UserId};
use graph_store::Store;
use graph_store::export::{Export, ExportError, ExportReport, Format, Ids, export, export_partitions};
use graph_store::import::{Import, import};
use graph_store::log::Operation;
use graph_store::store::{BulkEdges, Wanted};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;

use crate::support::{NOW, change, import_csv, open, weights, with_users};

const FOLLOWS: Export = Export {
    relation: Relation::Follow,
    direction: Direction::Forward,
    format: Format::Text,
    ids: Ids::External,
    times: false,
    weights: false,
};

/// Source, target and time, by external ids.
type Rows = Vec<(u64, u64, u32)>;

/// A store whose users have external ids far from their user ids, with edges in segments and in memory.
fn filled() -> Store {
    let store = open(&SimulatedDisk::new());
    let external_ids = (0..300).map(|user| (1 << 40) + user * user).collect();
    let timed =
        (0..3000u32).map(|n| (n * 7 % 300, n * n % 299, NOW - n)).filter(|(source, target, _)| source != target);
    store.import(BulkEdges { external_ids, timed: timed.collect(), ..BulkEdges::default() }, &|_| {}).expect("works");
    let follow = |operation, source, target| change(Relation::Follow, operation, source, target);
    store.apply_blocking((0..50).map(|user| follow(Operation::Add, user, 299)).collect()).expect("the disk works");
    store.apply_blocking((0..9).map(|user| follow(Operation::Remove, user, 299)).collect()).expect("the disk works");
    store.apply_blocking(vec![change(Relation::Mute, Operation::Add, 5, 6)]).expect("the disk works");
    store
}

fn written(store: &Store, what: &Export) -> (Vec<u8>, ExportReport) {
    let mut bytes = Vec::new();
    let snapshot = store.snapshot().expect("the disk works");
    let report = export(&snapshot, what, &mut bytes, &|_, _| {}).expect("memory takes every byte");
    (bytes, report)
}

/// What the store says, list by list.
fn expected(store: &Store, relation: Relation) -> Rows {
    let name = |user: UserId| store.external_ids(&[user])[0].expect("everybody has one");
    let rows = (0..store.users()).map(UserId).flat_map(|source| {
        let edges = store.edges(ListRef::forward(relation, source)).expect("readable");
        edges.into_iter().map(move |Edge { user, time }| (name(source), name(user), time))
    });
    rows.collect()
}

fn lines(bytes: &[u8], separator: char) -> Vec<Vec<u64>> {
    let text = std::str::from_utf8(bytes).expect("text");
    text.lines().map(|line| line.split(separator).map(|id| id.parse().expect("a number")).collect()).collect()
}

#[test]
fn text_and_csv_have_a_line_for_each_edge() {
    let store = filled();
    let expected = expected(&store, Relation::Follow);
    let (text, report) = written(&store, &FOLLOWS);
    assert_eq!((report.edges, report.revision), (expected.len() as u64, store.revision().token()));
    let pairs: Vec<Vec<u64>> = expected.iter().map(|(source, target, _)| vec![*source, *target]).collect();
    assert_eq!(lines(&text, ' '), pairs);
    let timed = Export { times: true, ..FOLLOWS };
    let triples: Vec<Vec<u64>> = expected.iter().map(|(s, t, time)| vec![*s, *t, u64::from(*time)]).collect();
    assert_eq!(lines(&written(&store, &timed).0, ' '), triples);
    let (csv, _) = written(&store, &Export { format: Format::Csv, ..timed });
    let rows = csv.strip_prefix(b"source,target,time\n").expect("the names of the columns");
    assert_eq!(lines(rows, ','), triples);
    let (csv, _) = written(&store, &Export { format: Format::Csv, ..FOLLOWS });
    assert_eq!(csv.strip_prefix(b"source,target\n").map(|rows| lines(rows, ',')), Some(pairs));
}

#[test]
fn the_other_direction_is_the_same_edges_by_target_and_the_other_relation_others() {
    let store = filled();
    let (text, _) = written(&store, &Export { direction: Direction::Reverse, ..FOLLOWS });
    let rows = lines(&text, ' ');
    assert!(rows.is_sorted_by_key(|row| (row[1], row[0])), "external ids ascend as user ids do");
    let found: BTreeSet<Vec<u64>> = rows.into_iter().collect();
    let expected: BTreeSet<_> = expected(&store, Relation::Follow).iter().map(|(s, t, _)| vec![*s, *t]).collect();
    assert_eq!(found, expected);
    let (mutes, report) = written(&store, &Export { relation: Relation::Mute, ids: Ids::Users, ..FOLLOWS });
    assert_eq!((mutes.as_slice(), report.edges, report.lists), (&b"5 6\n"[..], 1, 1));
}

#[test]
fn text_comes_back_through_an_import() {
    let store = filled();
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("edges.txt");
    let (text, _) = written(&store, &FOLLOWS);
    std::fs::write(&path, &text).expect("a file can be written");
    let again = open(&SimulatedDisk::new());
    import(&again, &Import { edges: path, ..Import::default() }, &|_| {}).expect("well-formed");
    let pairs = |store: &Store| -> BTreeSet<(u64, u64)> {
        expected(store, Relation::Follow).into_iter().map(|(source, target, _)| (source, target)).collect()
    };
    assert_eq!(pairs(&again), pairs(&store));
}

#[test]
fn times_and_weights_come_back_through_an_import_of_every_format_that_holds_them() {
    let disk = SimulatedDisk::new();
    let store = open(&disk);
    import_csv(&store, "source,target,time,weight\n7,8,100,0.1\n7,9,200,1\n8,7,300,-2.5e-300\n9,7,400,12345678.9\n");
    let follow = |operation| vec![change(Relation::Follow, operation, 2, 0)];
    store.apply_blocking(follow(Operation::Remove)).expect("the disk works");
    // Who comes back weighs 1, and so does who comes one by one.
    store.apply_blocking(follow(Operation::Add)).expect("the disk works");
    store.apply_blocking(vec![change(Relation::Follow, Operation::Add, 1, 2)]).expect("the disk works");
    let all = Export { times: true, weights: true, format: Format::Csv, ..FOLLOWS };
    let tiny = format!("8,7,300,{}", -2.5e-300);
    let rows = ["source,target,time,weight", "7,8,100,0.1", "7,9,200,1", &tiny, "8,9,1800000000,1", "9,7,1800000000,1"];
    let csv = written(&store, &all).0;
    assert_eq!(String::from_utf8_lossy(&csv).lines().collect::<Vec<_>>(), rows);
    for compacted in [false, true] {
        if compacted {
            store.compact().expect("the disk works");
        }
        for (format, layout) in
            [(Format::Text, Some("source,target,time,weight")), (Format::Csv, None), (Format::Parquet, None)]
        {
            let file = tempfile::NamedTempFile::new().expect("a file can be made");
            std::fs::write(file.path(), written(&store, &Export { format, ..all }).0).expect("a file can be written");
            let format = match format {
                Format::Csv => graph_store::import::format::Format::Csv,
                Format::Parquet => graph_store::import::format::Format::Parquet,
                _ => graph_store::import::format::Format::Text,
            };
            let layout = layout.map(|names| names.parse().expect("columns"));
            let what = Import { edges: file.path().to_owned(), format: Some(format), layout, ..Import::default() };
            let again = open(&SimulatedDisk::new());
            import(&again, &what, &|_| {}).expect("well-formed");
            assert_eq!(written(&again, &all).0, csv, "{format:?}");
            assert_eq!(weights(&again), weights(&store), "{format:?}");
        }
    }
    let weights_only = written(&store, &Export { times: false, direction: Direction::Reverse, ..all }).0;
    let rows = ["source,target,weight", "8,7,-2.5e-300", "9,7,1", "7,8,0.1", "7,9,1", "8,9,1"];
    let found: Vec<Vec<f64>> = String::from_utf8_lossy(&weights_only).lines().skip(1).map(numbers).collect();
    assert_eq!(found, rows[1..].iter().map(|row| numbers(row)).collect::<Vec<_>>());
    assert!(weights_only.starts_with(rows[0].as_bytes()));
}

fn numbers(row: &str) -> Vec<f64> {
    row.split(',').map(|number| number.parse().expect("a number")).collect()
}

#[test]
fn parquet_has_a_column_for_each_part_of_an_edge() {
    let store = filled();
    for times in [false, true] {
        let (bytes, report) = written(&store, &Export { format: Format::Parquet, times, ..FOLLOWS });
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).expect("a Parquet file");
        let columns = reader.metadata().file_metadata().schema_descr().columns().to_vec();
        let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
        assert_eq!(names, &["source", "target", "time"][..if times { 3 } else { 2 }]);
        let rows: Rows = reader
            .get_row_iter(None)
            .expect("rows")
            .map(|row| {
                let row = row.expect("a row");
                let time = if times { row.get_long(2).expect("a number") as u32 } else { 0 };
                (row.get_ulong(0).expect("unsigned"), row.get_ulong(1).expect("unsigned"), time)
            })
            .collect();
        let time = |time| if times { time } else { 0 };
        let expected = expected(&store, Relation::Follow).into_iter();
        assert_eq!(rows, expected.map(|(s, t, at)| (s, t, time(at))).collect::<Rows>());
        assert_eq!(report.edges, rows.len() as u64);
    }
}

#[test]
fn parquet_comes_in_row_groups_of_bounded_size() {
    let disk = SimulatedDisk::new();
    let store = open(&disk);
    let edges = (0..1100u32).flat_map(|source| (1..=1000).map(move |step| (source, (source + step) % 1100))).collect();
    let external_ids = (0..1100).map(|user| u64::MAX - 1100 + user).collect();
    store.import(BulkEdges { external_ids, edges, ..BulkEdges::default() }, &|_| {}).expect("the disk works");
    let (bytes, _) = written(&store, &Export { format: Format::Parquet, ..FOLLOWS });
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).expect("a Parquet file");
    let groups: Vec<i64> = reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(groups, [1 << 20, 1_100_000 - (1 << 20)]);
    let first = reader.get_row_iter(None).expect("rows").next().expect("a row").expect("a row");
    assert_eq!(first.get_ulong(0).expect("unsigned"), u64::MAX - 1100, "more than 63 bits");
}

#[test]
fn who_has_no_external_id_goes_by_the_user_id_unless_that_is_anothers() {
    let disk = SimulatedDisk::new();
    let store = with_users(&disk, 2);
    store.apply_blocking(vec![change(Relation::Follow, Operation::Add, 0, 1)]).expect("the disk works");
    assert_eq!(written(&store, &FOLLOWS).0, b"0 1\n");
    store.allocate_blocking(Wanted::ExternalIds(vec![70]), String::new()).expect("the disk works");
    store.apply_blocking(vec![change(Relation::Follow, Operation::Add, 1, 2)]).expect("the disk works");
    assert_eq!(written(&store, &FOLLOWS).0, b"0 1\n1 70\n");
    store.allocate_blocking(Wanted::ExternalIds(vec![1]), String::new()).expect("the disk works");
    let snapshot = store.snapshot().expect("the disk works");
    let refused = export(&snapshot, &FOLLOWS, Vec::new(), &|_, _| {}).expect_err("two users would be 1");
    assert!(matches!(refused, ExportError::Ambiguous { user: UserId(1), other: UserId(3) }), "{refused}");
    assert_eq!(written(&store, &Export { ids: Ids::Users, ..FOLLOWS }).0, b"0 1\n1 2\n");
}

#[test]
fn parts_together_are_the_graph_and_nobody_is_in_two() {
    let store = filled();
    let snapshot = store.snapshot().expect("the disk works");
    let folder = tempfile::tempdir().expect("a folder can be made");
    for partitions in [1, 3, 400] {
        let root = folder.path().join(partitions.to_string());
        let create = |name: &str| {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().expect("it is in a folder"))?;
            std::fs::File::create_new(path)
        };
        let what = Export { format: Format::Parquet, times: true, ..FOLLOWS };
        let report = export_partitions(&snapshot, &what, partitions, create, &|_, _| {}).expect("the disk works");
        let (mut rows, mut vertices, mut owners) = (Rows::new(), Vec::new(), Vec::new());
        for part in 0..partitions {
            let reader = |kind: &str| {
                let file = std::fs::File::open(root.join(format!("{kind}/part-{part:05}.parquet"))).expect("there");
                SerializedFileReader::new(file).expect("a Parquet file")
            };
            for row in reader("vertices").get_row_iter(None).expect("readable") {
                vertices.push(row.expect("readable").get_ulong(0).expect("an id"));
            }
            let before = rows.len();
            for row in reader("edges").get_row_iter(None).expect("readable") {
                let row = row.expect("readable");
                let time = row.get_long(2).expect("a time") as u32;
                rows.push((row.get_ulong(0).expect("an id"), row.get_ulong(1).expect("an id"), time));
            }
            owners.push(rows[before..].iter().map(|(source, ..)| *source).collect::<BTreeSet<_>>());
        }
        assert_eq!(rows, expected(&store, Relation::Follow));
        assert_eq!(vertices, (0..300).map(|user| (1 << 40) + user * user).collect::<Vec<_>>());
        assert_eq!(owners.iter().map(BTreeSet::len).sum::<usize>() as u64, report.lists);
        assert_eq!((report.edges, report.revision), (rows.len() as u64, store.revision().token()));
        let files = ["edges", "vertices"].map(|kind| std::fs::read_dir(root.join(kind)).expect("there").count());
        assert_eq!(files, [partitions as usize; 2]);
    }
}
