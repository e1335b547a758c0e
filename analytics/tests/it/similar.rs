//! Who is similar: counted exactly, and how many of them hashes find.

use std::collections::BTreeSet;

use analytics::graph::Buffer;
use analytics::jobs::{Measure, Scored, Similar, Similarities, similar};
use analytics::{Csr, Graph, JobError};
use base::Direction;
use proptest::prelude::*;

use crate::real::edges_of;
use crate::support::{run, run_on};

const USERS: u32 = 30;

fn edges() -> impl Strategy<Value = Vec<(u32, u32)>> {
    prop::collection::vec((0..USERS, 0..USERS), 0..200)
}

fn list(graph: &Csr, direction: Direction, user: u32) -> BTreeSet<u32> {
    let mut buffer = Buffer::default();
    graph.neighbours(direction, user, &mut buffer).expect("arrays").iter().copied().collect()
}

fn of_everybody(graph: &Csr, parameters: &Similar, threads: usize) -> Similarities {
    let everybody: Vec<u32> = (0..graph.vertices()).collect();
    similar(graph, &everybody, parameters, &run_on(threads)).expect("arrays")
}

proptest! {
    #[test]
    fn the_exact_way_finds_what_comparing_all_with_all_finds(
        edges in edges(),
        top in 0usize..40,
        is_cosine: bool,
        is_reverse: bool,
    ) {
        let graph = Csr::from_edges(USERS, &edges);
        let measure = if is_cosine { Measure::Cosine } else { Measure::Jaccard };
        let direction = if is_reverse { Direction::Reverse } else { Direction::Forward };
        let found = of_everybody(&graph, &Similar { top, measure, direction, ..Similar::default() }, 2);
        prop_assert!(found.is_exact);
        for (user, found) in (0..USERS).zip(found.similar.into_vectors()) {
            let own = list(&graph, direction, user);
            let similarity = |other: u32| {
                let others = list(&graph, direction, other);
                let common = own.intersection(&others).count() as f64;
                let whole = match measure {
                    Measure::Jaccard => own.union(&others).count() as f64,
                    Measure::Cosine => ((own.len() * others.len()) as f64).sqrt(),
                };
                Scored { vertex: other, score: (common / whole) as f32 }
            };
            let mut expected: Vec<_> = (0..USERS).filter(|other| *other != user).map(similarity).collect();
            expected.retain(|scored| scored.score > 0.0);
            expected.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.vertex.cmp(&b.vertex)));
            expected.truncate(top);
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn by_hashes_nobody_is_similar_who_is_not(edges in edges(), top in 1usize..40) {
        let graph = Csr::from_edges(USERS, &edges);
        let all = of_everybody(&graph, &Similar { top: USERS as usize, ..Similar::default() }, 1);
        let by_hashes = Similar { top, steps_max: 0, ..Similar::default() };
        let found = of_everybody(&graph, &by_hashes, 1);
        prop_assert_eq!(&found, &of_everybody(&graph, &by_hashes, 3));
        prop_assert_eq!(found.is_exact, found.steps == 0);
        for (found, all) in found.similar.into_vectors().iter().zip(all.similar.into_vectors()) {
            prop_assert!(found.len() <= top && found.iter().all(|scored| all.contains(scored)));
        }
    }
}

/// The chance to be found is as the parameters say, on the lists of real people.
#[test]
fn hashes_find_as_many_of_the_similar_as_they_should() {
    const PEOPLE: usize = 2_000;
    let Some((vertices, edges)) = edges_of("ego-twitter/ego-twitter.el.gz") else { return };
    let graph = Csr::from_edges(vertices, &edges);
    let users: Vec<u32> = (0..vertices).step_by(vertices as usize / PEOPLE).collect();
    let exact = similar(&graph, &users, &Similar::default(), &run()).expect("arrays");
    let parameters = Similar { steps_max: exact.steps - 1, ..Similar::default() };
    let hashed = similar(&graph, &users, &parameters, &run()).expect("arrays");
    assert_eq!((exact.is_exact, hashed.is_exact, hashed.steps), (true, false, exact.steps));
    let (mut expected, mut found, mut all) = (0.0, 0.0, 0.0);
    for (exact, hashed) in exact.similar.into_vectors().iter().zip(hashed.similar.into_vectors()) {
        // Where the last of the exact ten ties with others, either is right.
        for scored in exact.iter().filter(|scored| scored.score > exact[exact.len() - 1].score) {
            all += 1.0;
            expected += parameters.chance_found(scored.score.into());
            found += f64::from(u8::from(hashed.contains(scored)));
        }
    }
    // Lists overlap, so that pairs are found together or not: the error is greater than that of independent draws.
    assert!(all > 10_000.0 && expected < 0.9 * all && expected > 0.3 * all, "{expected} of {all}");
    assert!((found - expected).abs() < 0.03 * all, "{found} of {all} were found, where {expected} should be");
}

#[test]
fn what_cannot_be_done_is_refused() {
    let (graph, everybody) = (Csr::from_edges(2, &[(0, 1)]), [0, 1]);
    let refused = similar(&graph, &everybody, &Similar { rows: 0, ..Similar::default() }, &run());
    assert!(matches!(refused, Err(JobError::Parameter { name: "rows", .. })), "{refused:?}");
}
