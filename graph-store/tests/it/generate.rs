//! Generated graphs: the shape that was asked for, and the same bytes for the same specification.

use std::collections::{BTreeMap, HashSet};

use graph_store::generate::{FOLLOWEES_MAX, GraphSpec, SpecError, TIMES_END, TIMES_START, generate};
use graph_store::import::binary::{Edge, EdgeReader};

const USERS: u32 = 20_000;
const MEAN: f64 = 60.0;

fn bytes(spec: &GraphSpec) -> Vec<u8> {
    let mut bytes = Vec::new();
    let report = generate(spec, &mut bytes, &|_, _| {}).expect("memory takes all");
    let promised = EdgeReader::new(&bytes[..]).expect("whole").edges_promised();
    assert_eq!((report.users, Some(report.edges)), (spec.users(), promised));
    bytes
}

fn read(bytes: &[u8]) -> Vec<Edge> {
    EdgeReader::new(bytes).and_then(Iterator::collect).expect("whole")
}

fn edges(spec: &GraphSpec) -> Vec<Edge> {
    let edges = read(&bytes(spec));
    let ends: HashSet<(u32, u32)> = edges.iter().map(|edge| (edge.source, edge.target)).collect();
    assert_eq!(ends.len(), edges.len(), "no edge comes twice");
    assert!(edges.iter().all(|edge| edge.source != edge.target), "nobody follows themselves");
    assert!(edges.iter().all(|edge| edge.source.max(edge.target) < spec.users()), "users are 0 to N - 1");
    assert!(edges.is_sorted_by_key(|edge| edge.source), "sources ascend");
    edges
}

fn spec(seed: u64) -> GraphSpec {
    GraphSpec::new(USERS, MEAN, seed).expect("there is such a graph")
}

/// How often each user is there.
fn counts(users: impl Iterator<Item = u32>, of: u32) -> Vec<u32> {
    let mut counts = vec![0; of as usize];
    users.for_each(|user| counts[user as usize] += 1);
    counts
}

/// The probability of each rank under the law, summed and divided rank by rank.
fn popularity() -> Vec<f64> {
    let weights: Vec<f64> = (0..USERS).map(|rank| (f64::from(rank) + 50.0).powf(-0.9)).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

#[test]
fn lists_are_as_long_as_a_log_normal_law_says() {
    const USERS: u32 = 100_000;
    const MEAN: f64 = 30.0;
    let spec = GraphSpec::new(USERS, MEAN, 1).expect("there is such a graph");
    let lengths = counts(edges(&spec).iter().map(|edge| edge.source), USERS);
    let mean = f64::from(lengths.iter().sum::<u32>()) / f64::from(USERS);
    assert!((mean / MEAN - 1.0).abs() < 0.02, "{mean} followees on average");
    // Of a log-normal law with sigma 1.2 half are below the mean times exp(-0.72), and 2.275 % above that times exp(2.4).
    let median = MEAN * (-0.72f64).exp();
    let below = lengths.iter().filter(|length| f64::from(**length) < median).count() as f64 / f64::from(USERS);
    assert!((below - 0.5).abs() < 0.02, "{below} of the lists are below the median");
    let above = median * 2.4f64.exp();
    let above = lengths.iter().filter(|length| f64::from(**length) > above).count() as f64 / f64::from(USERS);
    assert!((above - 0.022_75).abs() < 0.004, "{above} of the lists are above two deviations");
}

#[test]
fn the_most_followed_have_the_followers_that_the_law_gives_them() {
    let edges = edges(&spec(2));
    let lengths = counts(edges.iter().map(|edge| edge.source), USERS);
    let mut followers = counts(edges.iter().map(|edge| edge.target), USERS);
    followers.sort_unstable_by(|a, b| b.cmp(a));
    let expected = expected_followers(&lengths);
    // Single counts scatter by about their root; sums of a hundred ranks by less. Sorting favours the first a little.
    let first = f64::from(followers[0]) / expected[0];
    assert!((0.95..1.08).contains(&first), "the most followed has {first} times what is expected");
    for (from, to, tolerance) in [(0, 100, 0.02), (100, 1000, 0.02), (1000, 5000, 0.02), (5000, USERS as usize, 0.02)] {
        let found: u32 = followers[from..to].iter().sum();
        let expected: f64 = expected[from..to].iter().sum();
        let ratio = f64::from(found) / expected;
        assert!((ratio - 1.0).abs() < tolerance, "ranks {from} to {to} have {ratio} times what is expected");
    }
}

/// How many followers each rank has where lists of these lengths are drawn without repetition: as if draws came at random
/// times, until as many different ones have come as the list has places.
fn expected_followers(lengths: &[u32]) -> Vec<f64> {
    let popularity = popularity();
    let mut by_length: BTreeMap<u32, f64> = BTreeMap::new();
    lengths.iter().for_each(|length| *by_length.entry(*length).or_default() += 1.0);
    let different = |draws: f64| popularity.iter().map(|p| 1.0 - (-p * draws).exp()).sum::<f64>();
    // The lengths that some numbers of draws give; between them lines are near enough.
    let table: Vec<(f64, f64)> = (0..120).map(|i| 1.12f64.powi(i)).map(|draws| (different(draws), draws)).collect();
    let mut expected = vec![0.0; popularity.len()];
    let mut lists_by_draws: BTreeMap<u64, f64> = BTreeMap::new();
    for (length, lists) in by_length {
        let length = f64::from(length);
        let next = table.partition_point(|(different, _)| *different < length);
        let draws = match next {
            0 => length,
            _ => {
                let ((low, from), (high, to)) = (table[next - 1], table[next]);
                from + (to - from) * (length - low) / (high - low)
            }
        };
        *lists_by_draws.entry(draws.round() as u64).or_default() += lists;
    }
    for (expected, p) in expected.iter_mut().zip(&popularity) {
        *expected = lists_by_draws.iter().map(|(draws, lists)| lists * (1.0 - (-p * *draws as f64).exp())).sum();
    }
    expected
}

#[test]
fn the_popular_are_anywhere_among_the_ids() {
    let followers = counts(edges(&spec(3)).iter().map(|edge| edge.target), USERS);
    let halves = followers.split_at(USERS as usize / 2);
    let [first, second] = [halves.0, halves.1].map(|half| f64::from(half.iter().sum::<u32>()));
    assert!((first / second - 1.0).abs() < 0.2, "{first} followers in the first half, {second} in the second");
}

#[test]
fn a_share_of_followees_is_from_a_community_of_consecutive_ids() {
    let near = |edges: &[Edge]| {
        let near = edges.iter().filter(|edge| edge.source.abs_diff(edge.target) < 1000).count();
        near as f64 / edges.len() as f64
    };
    let without = near(&edges(&spec(4)));
    let with = near(&edges(&spec(4).with_locality(0.6).expect("a share")));
    // Those from everywhere are near by chance as often as without. Few lists are longer than their community allows.
    let expected = 0.6 + 0.4 * without;
    assert!((with - expected).abs() < 0.015, "{with} of the edges are near, {expected} expected");

    let all =
        edges(&GraphSpec::new(5000, 20.0, 4).and_then(|spec| spec.with_locality(1.0)).expect("there is such a graph"));
    let all = near(&all);
    assert!(all > 0.99, "{all} of the edges are near");
}

#[test]
fn a_celebrity_has_exactly_the_followers_asked_for() {
    for (users, celebrity) in [(USERS, 15_000), (USERS, USERS - 1), (USERS, 1), (2, 1), (700, 699)] {
        let spec = GraphSpec::new(users, 1.0, 5).and_then(|spec| spec.with_celebrity(celebrity));
        let edges = edges(&spec.and_then(|spec| spec.with_locality(0.5)).expect("there is such a graph"));
        let followers = counts(edges.iter().map(|edge| edge.target), users);
        assert!(followers.contains(&celebrity), "nobody of {users} has {celebrity} followers");
        if celebrity == 15_000 {
            assert_eq!(followers.iter().max(), Some(&celebrity));
            let early = edges.iter().filter(|edge| followers[edge.target as usize] == celebrity);
            let early = early.filter(|edge| edge.source < users / 2).count();
            assert!((7300..7700).contains(&early), "{early} of the followers are in the first half");
        }
    }
}

#[test]
fn times_are_uniform_and_change_no_edge() {
    let (without, with) = (edges(&spec(6)), edges(&spec(6).with_times()));
    let ends = |edges: &[Edge]| edges.iter().map(|edge| (edge.source, edge.target)).collect::<Vec<_>>();
    assert!(ends(&without) == ends(&with), "the edges are the same");
    assert!(without.iter().all(|edge| edge.time.is_none()));
    let times: Vec<u32> = with.iter().map(|edge| edge.time.expect("each has one")).collect();
    assert!(times.iter().all(|time| (TIMES_START..TIMES_END).contains(time)));
    let years = counts(times.iter().map(|time| (time - TIMES_START) / ((TIMES_END - TIMES_START) / 5)), 5);
    for year in &years {
        let share = f64::from(*year) / times.len() as f64;
        assert!((share - 0.2).abs() < 0.005, "{years:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_with_any_number_of_threads() {
    let spec =
        |seed| spec(seed).with_times().with_locality(0.3).and_then(|spec| spec.with_celebrity(900)).expect("fine");
    let with_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
        pool.install(|| bytes(&spec(7)))
    };
    let one = with_threads(1);
    assert!(one == with_threads(3), "the number of threads makes a difference");
    assert!(one == bytes(&spec(7)), "the same seed gives other bytes");
    assert!(one != bytes(&spec(8)), "another seed gives the same bytes");
}

/// What a seed gives is part of the contract: measurements of one version are repeated with the next.
#[test]
fn the_bytes_of_a_seed_stay_what_they_are() {
    let plain = GraphSpec::new(3000, 20.0, 42).expect("there is such a graph");
    let full = plain.clone().with_times().with_locality(0.6).and_then(|spec| spec.with_celebrity(2000)).expect("fine");
    assert_eq!([plain, full].map(|spec| crc32c::crc32c(&bytes(&spec))), [0xbca7_e30e, 0x2068_e802]);
}

#[test]
fn everybody_can_follow_nearly_everybody() {
    let edges = edges(&GraphSpec::new(300, 299.0, 9).and_then(|spec| spec.with_locality(0.5)).expect("fine"));
    let lengths = counts(edges.iter().map(|edge| edge.source), 300);
    assert_eq!(lengths.iter().max(), Some(&299), "some follow all others");
    let most = GraphSpec::new(FOLLOWEES_MAX + 10, f64::from(FOLLOWEES_MAX), 9);
    assert!(most.is_ok(), "{most:?}");
}

#[test]
fn progress_ends_with_everything() {
    let told = std::sync::Mutex::new(Vec::new());
    let report = generate(&spec(10), std::io::sink(), &|done, all| told.lock().unwrap().push((done, all)));
    let edges = report.expect("a sink takes all").edges;
    let told = told.into_inner().unwrap();
    assert!(told.is_sorted() && told.iter().all(|(_, all)| *all == edges), "{told:?}");
    assert_eq!(told.last(), Some(&(edges, edges)));
}

#[test]
fn a_full_disk_is_told() {
    let mut room = [0; 100_000];
    let error = generate(&spec(11), &mut room[..], &|_, _| {}).expect_err("no room");
    assert_eq!(error.kind(), std::io::ErrorKind::WriteZero);
}

#[test]
fn graphs_that_cannot_be_are_refused_by_name() {
    let refused = |spec: Result<GraphSpec, SpecError>| spec.expect_err("refused").field();
    assert_eq!(refused(GraphSpec::new(1, 1.0, 0)), "users");
    for mean in [0.0, -1.0, f64::NAN, f64::INFINITY, 10.0] {
        assert_eq!(refused(GraphSpec::new(10, mean, 0)), "mean-followees", "{mean}");
    }
    assert_eq!(refused(GraphSpec::new(u32::MAX, 20_001.0, 0)), "mean-followees");
    for share in [-0.1, 1.1, f64::NAN] {
        assert_eq!(refused(spec(0).with_locality(share)), "locality", "{share}");
    }
    for followers in [0, USERS] {
        assert_eq!(refused(spec(0).with_celebrity(followers)), "celebrity", "{followers}");
    }
}
