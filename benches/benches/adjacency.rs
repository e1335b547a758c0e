//! What each form of a list costs, operation by operation, beside plain arrays and a map of bitmaps.
//!
//! All lists of a kind are held by one structure of each sort: [`Stored`] as bytes of one encoding, [`Arrays`] in compressed
//! sparse rows, [`Bitmaps`] in a hash map. Times are per list of the kind, so those of `decode` and `encode` are to be
//! divided by its ids.

use std::collections::{BTreeSet, HashMap};
use std::hint::black_box;
use std::ops::Range;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use graph_store::adjacency::{Encoding, List, encode};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use roaring::RoaringBitmap;

/// The ids that there are.
const USERS: u32 = 10_000_000;
/// The ids of the hub that lists are intersected with.
const HUB_IDS: usize = 1_000_000;
/// Questions that are asked in turn.
const PROBES: usize = 1 << 12;
/// Parts into which the ids are cut where a range is decoded.
const RANGES: u32 = 8;

/// Lists of one kind.
struct Kind {
    name: &'static str,
    lists: Vec<Vec<u32>>,
}

/// What holds lists.
trait Structure {
    const NAME: &'static str;

    fn of(lists: &[Vec<u32>]) -> Self;
    fn contains(&self, list: usize, id: u32) -> bool;
    fn rank(&self, list: usize, id: u32) -> usize;
    fn decode(&self, list: usize, ids: &mut Vec<u32>);
    fn decode_range(&self, list: usize, range: Range<u32>, ids: &mut Vec<u32>);
    fn intersect(&self, list: usize, hub: &RoaringBitmap) -> u64;
}

/// Encoded one after the other: 0 is automatic, 1 packed, 2 roaring.
struct Stored<const ENCODING: usize> {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl<const ENCODING: usize> Stored<ENCODING> {
    fn list(&self, list: usize) -> List<'_> {
        let bytes = &self.bytes[self.ends[list]..self.ends[list + 1]];
        List::parse(bytes, 0).expect("encoded below")
    }
}

impl<const ENCODING: usize> Structure for Stored<ENCODING> {
    const NAME: &'static str = ["auto", "packed", "roaring"][ENCODING];

    fn of(lists: &[Vec<u32>]) -> Self {
        let encoding = [Encoding::Auto, Encoding::Packed, Encoding::Roaring][ENCODING];
        let (mut bytes, mut ends) = (Vec::new(), vec![0]);
        for ids in lists {
            encode(ids, 0, encoding, &mut bytes).expect("the ids increase");
            ends.push(bytes.len());
        }
        Stored { bytes, ends }
    }

    fn contains(&self, list: usize, id: u32) -> bool {
        self.list(list).contains(id)
    }

    fn rank(&self, list: usize, id: u32) -> usize {
        self.list(list).rank(id)
    }

    fn decode(&self, list: usize, ids: &mut Vec<u32>) {
        self.list(list).decode_into(ids);
    }

    fn decode_range(&self, list: usize, range: Range<u32>, ids: &mut Vec<u32>) {
        self.list(list).decode_range_into(range, ids);
    }

    fn intersect(&self, list: usize, hub: &RoaringBitmap) -> u64 {
        self.list(list).to_bitmap().expect("the ids increase").intersection_len(hub)
    }
}

/// Compressed sparse rows.
struct Arrays {
    ids: Vec<u32>,
    ends: Vec<usize>,
}

impl Arrays {
    fn list(&self, list: usize) -> &[u32] {
        &self.ids[self.ends[list]..self.ends[list + 1]]
    }
}

impl Structure for Arrays {
    const NAME: &'static str = "arrays";

    fn of(lists: &[Vec<u32>]) -> Self {
        let mut arrays = Arrays { ids: Vec::new(), ends: vec![0] };
        for ids in lists {
            arrays.ids.extend(ids);
            arrays.ends.push(arrays.ids.len());
        }
        arrays
    }

    fn contains(&self, list: usize, id: u32) -> bool {
        self.list(list).binary_search(&id).is_ok()
    }

    fn rank(&self, list: usize, id: u32) -> usize {
        self.list(list).partition_point(|other| *other < id)
    }

    fn decode(&self, list: usize, ids: &mut Vec<u32>) {
        ids.extend(self.list(list));
    }

    fn decode_range(&self, list: usize, range: Range<u32>, ids: &mut Vec<u32>) {
        ids.extend(&self.list(list)[self.rank(list, range.start)..self.rank(list, range.end)]);
    }

    fn intersect(&self, list: usize, hub: &RoaringBitmap) -> u64 {
        self.list(list).iter().filter(|id| hub.contains(**id)).count() as u64
    }
}

/// A bitmap for each list, found by hashing.
struct Bitmaps(HashMap<usize, RoaringBitmap>);

impl Structure for Bitmaps {
    const NAME: &'static str = "bitmaps";

    fn of(lists: &[Vec<u32>]) -> Self {
        let bitmap = |ids: &Vec<u32>| RoaringBitmap::from_sorted_iter(ids.iter().copied()).expect("the ids increase");
        Bitmaps(lists.iter().map(bitmap).enumerate().collect())
    }

    fn contains(&self, list: usize, id: u32) -> bool {
        self.0[&list].contains(id)
    }

    fn rank(&self, list: usize, id: u32) -> usize {
        self.0[&list].range_cardinality(..id) as usize
    }

    fn decode(&self, list: usize, ids: &mut Vec<u32>) {
        ids.extend(&self.0[&list]);
    }

    fn decode_range(&self, list: usize, range: Range<u32>, ids: &mut Vec<u32>) {
        ids.extend(self.0[&list].range(range));
    }

    fn intersect(&self, list: usize, hub: &RoaringBitmap) -> u64 {
        self.0[&list].intersection_len(hub)
    }
}

fn kinds(random: &mut ChaCha8Rng) -> [Kind; 4] {
    let mut lists = |name, count, len, near: usize| {
        let list = |_| {
            let home = random.random_range(0..USERS - 1000);
            let mut ids = BTreeSet::new();
            while ids.len() < near {
                ids.insert(home + random.random_range(0..750));
            }
            while ids.len() < len {
                ids.insert(random.random_range(0..USERS));
            }
            ids.into_iter().collect()
        };
        Kind { name, lists: (0..count).map(list).collect() }
    };
    [
        lists("ordinary of 200", 1000, 200, 0),
        lists("local of 200", 1000, 200, 120),
        lists("long of 10000", 20, 10_000, 0),
        lists("hub of 1000000", 1, HUB_IDS, 0),
    ]
}

fn measure<S: Structure>(criterion: &mut Criterion, kind: &Kind, hub: &RoaringBitmap, random: &mut ChaCha8Rng) {
    let structure = S::of(&kind.lists);
    let probes: Vec<(usize, u32)> = (0..PROBES)
        .map(|_| {
            let list = random.random_range(0..kind.lists.len());
            // Half of the answers are yes.
            let ids = &kind.lists[list];
            let id =
                if random.random() { ids[random.random_range(0..ids.len())] } else { random.random_range(0..USERS) };
            (list, id)
        })
        .collect();
    let mut ids = Vec::new();
    let mut run = |operation: &str, ask: &mut dyn FnMut(usize, u32)| {
        let mut group: BenchmarkGroup<'_, WallTime> = criterion.benchmark_group(format!("{operation}/{}", kind.name));
        let mut turn = probes.iter().cycle();
        group.bench_function(S::NAME, |bencher| {
            bencher.iter(|| {
                if let Some((list, id)) = turn.next() {
                    ask(*list, *id);
                }
            });
        });
        group.finish();
    };
    run("contains", &mut |list, id| {
        black_box(structure.contains(list, id));
    });
    run("rank", &mut |list, id| {
        black_box(structure.rank(list, id));
    });
    run("decode", &mut |list, _| {
        ids.clear();
        structure.decode(list, &mut ids);
        black_box(&ids);
    });
    run("range", &mut |list, id| {
        ids.clear();
        let start = id / (USERS / RANGES) * (USERS / RANGES);
        structure.decode_range(list, start..start + USERS / RANGES, &mut ids);
        black_box(&ids);
    });
    run("intersect", &mut |list, _| {
        black_box(structure.intersect(list, hub));
    });
    run("encode", &mut |list, _| {
        black_box(S::of(&kind.lists[list..=list]));
    });
}

fn adjacency(criterion: &mut Criterion) {
    let random = &mut ChaCha8Rng::seed_from_u64(1);
    let hub = (0..HUB_IDS).map(|_| random.random_range(0..USERS)).collect();
    for kind in kinds(random) {
        measure::<Stored<0>>(criterion, &kind, &hub, random);
        measure::<Stored<1>>(criterion, &kind, &hub, random);
        measure::<Stored<2>>(criterion, &kind, &hub, random);
        measure::<Arrays>(criterion, &kind, &hub, random);
        measure::<Bitmaps>(criterion, &kind, &hub, random);
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400))
        .without_plots();
    targets = adjacency
}
criterion_main!(benches);
