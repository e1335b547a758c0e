//! Whatever way edges take into a store, they arrive: in every format, through little memory, under other ids, and into a
//! store that has edges already; each with its time and its weight.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base::disk::{Disk, SimulatedDisk};
use base::{Direction, Relation, Slots, UserId};
use graph_store::Store;
use graph_store::import::binary::{EdgeWriter, EncodedEdges};
use graph_store::import::format::Format;
use graph_store::import::{Import, ImportError, ImportReport, import};
use graph_store::reorder::Order;
use graph_store::segment::{Segment, SegmentId};
use graph_store::store::{BulkError, BulkOptions};
use parquet::basic::Compression;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::import_parquet::{Values, written};
use crate::support::{NOW, open};

/// Time and weight of each edge, by the external ids of its ends.
type Graph = BTreeMap<(u64, u64), (u32, f64)>;

/// Which columns of a graph a file has.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Has {
    Ids,
    Times,
    Weights,
}

const FOLDER: &str = "graph/segments";

/// A graph of communities, of people whose external ids are far apart and near to each other, and beyond what is looked
/// up directly where `wide`. Another seed gives some of the same edges and some others.
fn graph(seed: u64, edges: usize, wide: bool) -> Graph {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut graph = Graph::new();
    while graph.len() < edges {
        let source: u64 = random.random_range(0..2000);
        let near = random.random_range(0..100) < 80;
        let target = if near { source / 40 * 40 + random.random_range(0..40) } else { random.random_range(0..2000) };
        let external_id = |person: u64| {
            let scattered = person * 7919 % 2000;
            if wide && scattered.is_multiple_of(3) { u64::MAX - scattered } else { scattered * 3 }
        };
        let (source, target) = (external_id(source), external_id(target));
        if source != target {
            let weight = f64::from(random.random_range(-8..8)) / 4.0;
            graph.insert((source, target), (random.random_range(1_600_000_000..1_700_000_000), weight));
        }
    }
    graph
}

/// What a file with fewer columns has of a graph.
fn with(graph: &Graph, has: Has) -> Graph {
    let edge = |(edge, (time, weight)): (&(u64, u64), &(u32, f64))| {
        let time = if has == Has::Ids { NOW } else { *time };
        (*edge, (time, if has == Has::Weights { *weight } else { 1.0 }))
    };
    graph.iter().map(edge).collect()
}

fn lines(graph: &Graph, has: Has, between: &str) -> Vec<u8> {
    let line = |((source, target), (time, weight)): (&(u64, u64), &(u32, f64))| match has {
        Has::Ids => format!("{source}{between}{target}\n"),
        Has::Times => format!("{source}{between}{target}{between}{time}\n"),
        Has::Weights => format!("{source}{between}{target}{between}{time}{between}{weight}\n"),
    };
    graph.iter().map(line).collect::<String>().into_bytes()
}

fn narrow(external_id: u64) -> u32 {
    u32::try_from(external_id).expect("the graph is not wide")
}

fn binary(graph: &Graph, has: Has) -> Vec<u8> {
    let times = has == Has::Times;
    let mut encoded = EncodedEdges::with_capacity(graph.len(), times);
    graph.iter().for_each(|((source, target), (time, _))| encoded.push(narrow(*source), narrow(*target), *time));
    let mut writer = EdgeWriter::new(vec![], times, None).expect("memory takes all");
    writer.append(&encoded).expect("as it was begun");
    writer.finish().expect("memory takes all")
}

fn pairs(graph: &Graph) -> Vec<u8> {
    graph.keys().flat_map(|(source, target)| [narrow(*source), narrow(*target)]).flat_map(u32::to_le_bytes).collect()
}

fn parquet(graph: &Graph, has: Has) -> Vec<u8> {
    let mut schema = "REQUIRED INT64 source (INTEGER(64,false)); REQUIRED INT64 target (INTEGER(64,false));".to_owned();
    let mut columns = vec![
        Values::Int64(graph.keys().map(|(source, _)| source.cast_signed()).collect()),
        Values::Int64(graph.keys().map(|(_, target)| target.cast_signed()).collect()),
    ];
    if has != Has::Ids {
        schema.push_str("REQUIRED INT64 time (TIMESTAMP(MILLIS,true));");
        columns.push(Values::Int64(graph.values().map(|(time, _)| i64::from(*time) * 1000).collect()));
    }
    if has == Has::Weights {
        schema.push_str("REQUIRED DOUBLE weight;");
        columns.push(Values::Double(graph.values().map(|(_, weight)| *weight).collect()));
    }
    written(&schema, &[columns], Compression::SNAPPY)
}

fn layout(has: Has) -> &'static str {
    match has {
        Has::Ids => "source,target",
        Has::Times => "source,target,time",
        Has::Weights => "source,target,time,weight",
    }
}

/// Imports a file of lines with these columns.
fn import_lines(store: &Store, bytes: &[u8], has: Has, options: BulkOptions) -> Result<ImportReport, ImportError> {
    import_file(
        store,
        bytes,
        Import { layout: Some(layout(has).parse().expect("columns")), options, ..Import::default() },
    )
}

fn import_file(store: &Store, bytes: &[u8], what: Import) -> Result<ImportReport, ImportError> {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let edges = folder.path().join("edges");
    fs::write(&edges, bytes).expect("a file can be written");
    import(store, &Import { edges, ..what }, &|_| {})
}

/// What the segments of a store hold, which is all where nothing changed since: the same in both directions, and what the
/// store answers.
fn read(store: &Store, disk: &SimulatedDisk) -> Graph {
    assert!(store.check(&|_| {}).is_clean());
    let external_id = |user: UserId| store.external_ids(&[user])[0].expect("imported");
    let [forward, reverse] = Direction::ALL.map(|direction| {
        let mut graph = Graph::new();
        for name in disk.names(Path::new(FOLDER)).expect("a folder") {
            let id = SegmentId::parse(&name, Slots::new(2).expect("two")).expect("a segment");
            if (id.relation, id.direction) != (Relation::Follow, direction) || name != id.file_name() {
                continue;
            }
            let segment = Segment::open(disk, &Path::new(FOLDER).join(name)).expect("whole");
            for list in segment.lists() {
                let (ordinal, list) = list.expect("whole");
                let (mut times, mut weights) = (vec![], vec![]);
                segment.times().decode_into(ordinal, list.len(), &mut times).expect("whole");
                segment.weights().decode_into(ordinal, list.len(), &mut weights).expect("whole");
                let user = segment.user_at(ordinal);
                let of_user = base::ListRef { relation: Relation::Follow, direction, user };
                let edges = store.edges(of_user).expect("readable");
                assert!(edges.iter().map(|edge| (edge.user.0, edge.time)).eq(list.iter().zip(times.iter().copied())));
                for ((other, time), weight) in list.iter().zip(times).zip(weights) {
                    let ends = (external_id(user), external_id(UserId(other)));
                    let ends = if direction == Direction::Forward { ends } else { (ends.1, ends.0) };
                    assert_eq!(graph.insert(ends, (time, weight)), None, "an edge is there once");
                }
            }
        }
        graph
    });
    assert_eq!(forward, reverse, "both directions");
    forward
}

/// The segments of a store, byte by byte.
fn files(disk: &SimulatedDisk) -> Vec<(PathBuf, Vec<u8>)> {
    let paths = disk.names(Path::new(FOLDER)).expect("a folder").into_iter().map(|name| Path::new(FOLDER).join(name));
    paths.map(|path| (path.clone(), disk.read(&path).expect("a file"))).collect()
}

#[test]
fn every_format_gives_the_same_store() {
    let graph = graph(1, 3000, false);
    for has in [Has::Ids, Has::Times, Has::Weights] {
        let columns = || Some(layout(has).parse().expect("columns"));
        let named = |bytes: Vec<u8>| [format!("{}\n", layout(has).replace(',', ";")).into_bytes(), bytes].concat();
        let text = lines(&graph, has, " ");
        let zstd = zstd::encode_all(&text[..], 3).expect("memory takes all");
        let mut sources = vec![
            ("text", text, Import { layout: columns(), ..Import::default() }),
            ("compressed", zstd, Import { layout: columns(), ..Import::default() }),
            ("csv", named(lines(&graph, has, ";")), Import { format: Some(Format::Csv), ..Import::default() }),
            ("parquet", parquet(&graph, has), Import::default()),
        ];
        if has != Has::Weights {
            sources.push(("binary", binary(&graph, has), Import::default()));
        }
        if has == Has::Ids {
            sources.push(("pairs", pairs(&graph), Import { format: Some(Format::Pairs), ..Import::default() }));
        }
        let mut first = None;
        for (name, bytes, what) in sources {
            let disk = SimulatedDisk::new();
            let store = open(&disk);
            let report = import_file(&store, &bytes, what).unwrap_or_else(|error| panic!("{name} of {has:?}: {error}"));
            assert_eq!((report.edges_read, report.bulk.added), (3000, 3000), "{name} of {has:?}");
            assert_eq!(read(&store, &disk), with(&graph, has), "{name} of {has:?}");
            store.close();
            let files = files(&disk);
            let first = first.get_or_insert_with(|| files.clone());
            assert!(files == *first, "the files from {name} of {has:?} are other ones");
        }
    }
}

#[test]
fn reordering_changes_user_ids_and_nothing_that_anybody_sees() {
    for has in [Has::Ids, Has::Weights] {
        let (first, second) = (graph(1, 4000, true), graph(2, 4000, true));
        let all: Graph = second.iter().chain(&first).map(|(edge, columns)| (*edge, *columns)).collect();
        for order in [Order::Bisection, Order::BreadthFirst] {
            let disk = SimulatedDisk::new();
            let store = open(&disk);
            let options = BulkOptions { reorder: Some(order), ..BulkOptions::default() };
            import_lines(&store, &lines(&first, has, " "), has, options.clone()).expect("well-formed");
            assert_eq!(read(&store, &disk), with(&first, has), "{order:?} of {has:?}");
            let external_ids: Vec<u64> =
                store.external_ids(&(0..store.users()).map(UserId).collect::<Vec<_>>()).into_iter().flatten().collect();
            assert!(!external_ids.is_sorted(), "nobody was put elsewhere");
            // Those who were here before keep their ids.
            import_lines(&store, &lines(&second, has, " "), has, options).expect("well-formed");
            assert_eq!(read(&store, &disk), with(&all, has), "{order:?} of {has:?}, into a store with edges");
            let kept = store.users_with_external_ids(&external_ids);
            assert!(kept.into_iter().eq((0..external_ids.len() as u32).map(|user| Some(UserId(user)))));
            store.close();
        }
    }
}

#[test]
fn an_import_that_spills_gives_the_same_store_as_one_that_does_not() {
    let graph = graph(3, 100_000, true);
    let spill = tempfile::tempdir().expect("a folder can be made");
    // No file can be made there.
    let nowhere = Path::new("/proc");
    for has in [Has::Ids, Has::Weights] {
        let bytes = lines(&graph, has, " ");
        let run = |memory: u64, spill_folder: &Path, reorder: Option<Order>| {
            let disk = SimulatedDisk::new();
            let store = open(&disk);
            let spill_folder = spill_folder.to_owned();
            let options = BulkOptions { memory, spill_folder, threads: 2, reorder, ..BulkOptions::default() };
            import_lines(&store, &bytes, has, options).map(|_| {
                let found = read(&store, &disk);
                store.close();
                (found, files(&disk))
            })
        };
        for reorder in [None, Some(Order::default())] {
            // Without a folder to spill to, what spills fails and what does not spill does not notice.
            let (found, expected) = run(1 << 30, nowhere, reorder).expect("there is memory");
            assert_eq!(found, with(&graph, has));
            let refused = run(1 << 16, nowhere, reorder).expect_err("it does not spill");
            assert!(matches!(refused, ImportError::Bulk(BulkError::Scratch(_))), "{refused:?}");
            let (found, files) = run(1 << 16, spill.path(), reorder).expect("there is a folder");
            assert_eq!(found, with(&graph, has));
            assert!(files == expected, "other files of {has:?} with {reorder:?}");
        }
    }
    assert_eq!(fs::read_dir(spill.path()).expect("a folder").count(), 0, "nothing is left");
}

#[test]
fn weights_come_into_an_empty_store_and_into_one_with_weights_and_without() {
    let (first, second) = (graph(4, 2000, false), graph(5, 2000, false));
    let new = second.keys().filter(|edge| !first.contains_key(edge)).count() as u64;
    assert!((1..2000).contains(&new), "some edges are in both");
    let import_into = |store: &Store, graph: &Graph, has| {
        import_lines(store, &lines(graph, has, " "), has, BulkOptions::default()).expect("well-formed").bulk
    };
    for (has_first, has_second) in
        [(Has::Weights, Has::Weights), (Has::Weights, Has::Times), (Has::Times, Has::Weights)]
    {
        let disk = SimulatedDisk::new();
        let store = open(&disk);
        assert_eq!(import_into(&store, &first, has_first).added, 2000);
        let report = import_into(&store, &second, has_second);
        assert_eq!((report.added, report.existing), (new, 2000 - new));
        // An edge that is there already keeps its time and its weight.
        let mut expected = with(&second, has_second);
        expected.extend(with(&first, has_first));
        assert_eq!(read(&store, &disk), expected, "{has_first:?}, then {has_second:?}");
        store.close();
        drop(store);
        let store = open(&disk);
        assert_eq!(read(&store, &disk), expected, "{has_first:?}, then {has_second:?}, reopened");
        store.close();
    }
}
