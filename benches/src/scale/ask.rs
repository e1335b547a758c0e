//! Questions to an open store: cold, right after it was opened with nothing of it in the system's cache, and warm, when
//! all of it has been read; the same beside plain arrays.
//!
//! A question that is asked of a service waits for nothing but its own answer, so membership is timed as a chain: which
//! question comes next depends on the answer before. What the processor overlaps where questions do not depend on one
//! another is told apart, for both.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use base::{Direction, ListRef, Relation, UserId};
use graph_store::Store;
use serde_json::{Map, Value, json};

use super::arrays::Arrays;
use super::degrees::Degrees;
use super::process::{forget_cached, own_bytes, rss_bytes};
use super::questions::Questions;
use super::{Scale, figures};

/// Questions of one kind to a cold store.
const COLD_QUESTIONS: usize = 200;
/// Questions of one kind to a warm one: enough for none of it to stay in the processor's caches.
const WARM_QUESTIONS: usize = 1 << 20;
/// Pages, lists and intersections of a warm one.
const WARM_LISTS: usize = 1 << 14;
const PAGE: usize = 100;

pub(super) fn ask(scale: &Scale) -> Result<Map<String, Value>> {
    forget_cached(&scale.graph()?)?;
    let start = Instant::now();
    let store = scale.open()?;
    let open_seconds = start.elapsed().as_secs_f64();
    eprintln!("opened in {open_seconds:.2} s");
    let forward = Degrees::of(&store, Direction::Forward)?;
    let reverse = Degrees::of(&store, Direction::Reverse)?;
    ensure!(forward.edges() == reverse.edges(), "every edge is in a list of either direction");
    let celebrity = reverse.longest();
    let celebrity_list = ListRef::reverse(Relation::Follow, celebrity);
    let warm = Warm::measure(&store, celebrity)?;
    let (serving_rss_bytes, serving_own_bytes) = (rss_bytes()?, own_bytes()?);
    eprintln!("asked when warm");
    let arrays = Arrays::of(&store, &forward)?;
    let (csr_contains_ns, csr_contains_overlapped_ns, csr_decode_ns_per_edge) = ask_arrays(&store, &arrays)?;
    drop(arrays);
    let users = store.users();
    store.close();
    drop(store);
    eprintln!("asked the arrays");

    let mut people = Questions::new(users, 5);
    let contains = cold(scale, people.pairs(COLD_QUESTIONS), |store, (source, target)| {
        Ok(usize::from(store.contains(ListRef::forward(Relation::Follow, source), target)?))
    })?;
    let page = cold(scale, people.people(COLD_QUESTIONS), |store, user| {
        Ok(store.view(ListRef::reverse(Relation::Follow, user)).newest_first("", PAGE)?.entries.len())
    })?;
    let newest =
        cold(scale, vec![celebrity], |store, _| Ok(store.view(celebrity_list).newest_first("", PAGE)?.entries.len()))?;
    let decode = cold(scale, people.people(COLD_QUESTIONS), |store, user| {
        Ok(store.ids(ListRef::forward(Relation::Follow, user))?.len())
    })?;
    let intersect = cold(scale, people.people(COLD_QUESTIONS), |store, user| intersect(store, user, celebrity_list))?;
    let both = |cold: f64, warm: f64| json!({ "cold": cold, "warm": warm });
    Ok(figures([
        ("bound_bytes_per_edge_forward", forward.bound_bytes_per_edge().into()),
        ("bound_bytes_per_edge_reverse", reverse.bound_bytes_per_edge().into()),
        ("most_followers", reverse.all()[celebrity.0 as usize].into()),
        ("open_seconds", open_seconds.into()),
        ("serving_rss_bytes", serving_rss_bytes.into()),
        ("serving_own_bytes", serving_own_bytes.into()),
        ("contains_ns", both(contains.per_question(), warm.contains)),
        ("contains_overlapped_ns", warm.contains_overlapped.into()),
        ("page100_ns", both(page.per_question(), warm.page)),
        ("newest100_of_most_followed_ns", both(newest.per_question(), warm.newest)),
        ("decode_ns_per_edge", both(decode.per_result(), warm.decode_per_edge)),
        ("intersect_ordinary_celebrity_ns", both(intersect.per_question(), warm.intersect)),
        ("csr_contains_ns", csr_contains_ns.into()),
        ("csr_contains_overlapped_ns", csr_contains_overlapped_ns.into()),
        ("csr_decode_ns_per_edge", csr_decode_ns_per_edge.into()),
    ]))
}

/// Nanoseconds of each kind of question when all of the store has been read.
struct Warm {
    contains: f64,
    contains_overlapped: f64,
    page: f64,
    newest: f64,
    decode_per_edge: f64,
    intersect: f64,
}

impl Warm {
    fn measure(store: &Store, celebrity: UserId) -> Result<Self> {
        let pairs = Questions::new(store.users(), 1).pairs_half_following(store, WARM_QUESTIONS)?;
        let contains =
            |(source, target): (UserId, UserId)| store.contains(ListRef::forward(Relation::Follow, source), target);
        let chained = chain(&pairs, |pair| Ok(contains(pair)?))?;
        let overlapped = time(pairs, |pair| Ok(usize::from(contains(pair)?)))?;
        let people = Questions::new(store.users(), 2).people(WARM_LISTS);
        // Pages are read twice, since nobody has read their times before.
        let page_of = |list| Ok(store.view(list).newest_first("", PAGE)?.entries.len());
        let pages = || time(people.clone(), |user| page_of(ListRef::reverse(Relation::Follow, user)));
        let newest = || time(vec![celebrity; PAGE], |user| page_of(ListRef::reverse(Relation::Follow, user)));
        let (_, page) = (pages()?, pages()?);
        let (_, newest) = (newest()?, newest()?);
        let decode = time(people.clone(), |user| Ok(store.ids(ListRef::forward(Relation::Follow, user))?.len()))?;
        let celebrity_list = ListRef::reverse(Relation::Follow, celebrity);
        let intersect = time(people, |user| intersect(store, user, celebrity_list))?;
        Ok(Warm {
            contains: chained,
            contains_overlapped: overlapped.per_question(),
            page: page.per_question(),
            newest: newest.per_question(),
            decode_per_edge: decode.per_result(),
            intersect: intersect.per_question(),
        })
    }
}

/// Nanoseconds of the arrays for the questions of the warm store: chained, overlapped, and to copy out lists.
fn ask_arrays(store: &Store, arrays: &Arrays) -> Result<(f64, f64, f64)> {
    let pairs = Questions::new(store.users(), 1).pairs_half_following(store, WARM_QUESTIONS)?;
    for (source, target) in pairs.iter().take(COLD_QUESTIONS) {
        let expected = store.contains(ListRef::forward(Relation::Follow, *source), *target)?;
        ensure!(arrays.contains(*source, *target) == expected, "arrays and lists are the same");
    }
    let chained = chain(&pairs, |(source, target)| Ok(arrays.contains(source, target)))?;
    let overlapped = time(pairs, |(source, target)| Ok(usize::from(arrays.contains(source, target))))?;
    let people = Questions::new(store.users(), 2).people(WARM_LISTS);
    let decode = time(people, |user| Ok(black_box(arrays.followees(user).to_vec()).len()))?;
    Ok((chained, overlapped.per_question(), decode.per_result()))
}

/// Whom somebody follows that follows a celebrity; how many they are.
fn intersect(store: &Store, user: UserId, celebrity: ListRef) -> Result<usize> {
    let followees = store.ids(ListRef::forward(Relation::Follow, user))?;
    let mut common = 0;
    store.each_common(celebrity, &followees, &mut |_| common += 1)?;
    Ok(common)
}

/// How long questions took, and how much came of them.
struct Took {
    time: Duration,
    questions: usize,
    results: usize,
}

impl Took {
    fn per_question(&self) -> f64 {
        self.time.as_nanos() as f64 / self.questions as f64
    }

    fn per_result(&self) -> f64 {
        self.time.as_nanos() as f64 / self.results.max(1) as f64
    }
}

/// Asks one question after the other.
fn time<Q>(questions: Vec<Q>, mut ask: impl FnMut(Q) -> Result<usize>) -> Result<Took> {
    let (count, mut results) = (questions.len(), 0);
    let start = Instant::now();
    for question in questions {
        results += ask(question)?;
    }
    Ok(Took { time: start.elapsed(), questions: count, results: black_box(results) })
}

/// Nanoseconds a question, where each can only be asked when the one before was answered.
fn chain<Q: Copy>(questions: &[Q], mut ask: impl FnMut(Q) -> Result<bool>) -> Result<f64> {
    let mut next = 0;
    let start = Instant::now();
    for _ in 0..questions.len() {
        let answer = ask(questions[next])?;
        next = (next + 1 + usize::from(answer)) % questions.len();
    }
    Ok(start.elapsed().as_nanos() as f64 / questions.len() as f64)
}

/// The same of a store of which nothing is in memory.
fn cold<Q>(scale: &Scale, questions: Vec<Q>, ask: impl Fn(&Store, Q) -> Result<usize>) -> Result<Took> {
    forget_cached(&scale.graph()?)?;
    let store = scale.open()?;
    let took = time(questions, |question| ask(&store, question))?;
    store.close();
    Ok(took)
}
