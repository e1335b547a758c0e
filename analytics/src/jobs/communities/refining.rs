//! Each community is put together anew, along edges.
//!
//! At first every vertex is a part by itself. In random order, those that are still alone join the part within their
//! community with which they gain most, if they gain anything, and if both hold well enough together with the rest of the
//! community: a set *S* within *C* does if the edges from *S* to the rest weigh at least `resolution / 2m * K(S) * (K(C) - K(S))`.
//! Only who is alone joins, and only neighbours: so parts stay connected.

use std::ops::Range;

use super::Search;
use super::network::{Groups, Network, Tally};
use crate::JobError;
use crate::graph::Buffer;
use crate::random::{mix, shuffle};

/// Strength and cohesion of a part within its community.
#[derive(Clone, Copy, Debug)]
struct Part {
    strength: u64,
    /// What the edges to the rest of the community weigh.
    outward: u64,
    size: u32,
}

/// The part of each vertex, named by one of its members. Labels are from 0 on.
pub(super) fn parts<N: Network>(network: &N, labels: &[u32], search: Search<'_>) -> Result<Vec<u32>, JobError> {
    let Search { run, step, .. } = search;
    let count = labels.iter().max().map_or(0, |last| last + 1);
    let groups = Groups::new(labels, count);
    let mut places = vec![0; labels.len()];
    let all: Vec<u32> = (0..count).collect();
    for label in &all {
        groups.of(*label).iter().zip(0..).for_each(|(vertex, place)| places[*vertex as usize] = place);
    }
    let refined = run.some(step, &all, <(Tally, Buffer)>::default, |(tally, buffer), all| {
        let refine = |label: &u32| {
            run.check()?;
            let community = Community { network, labels, places: &places, members: groups.of(*label), search };
            community.refine(*label, tally, buffer)
        };
        all.iter().map(refine).collect::<Result<Vec<_>, _>>()
    })?;
    let mut parts = vec![0; labels.len()];
    for (label, refined) in all.iter().zip(refined.into_iter().flatten()) {
        for (vertex, part) in groups.of(*label).iter().zip(refined) {
            parts[*vertex as usize] = groups.of(*label)[part as usize];
        }
    }
    Ok(parts)
}

/// One community.
struct Community<'a, N> {
    network: &'a N,
    labels: &'a [u32],
    /// The place of each vertex among the members of its community.
    places: &'a [u32],
    members: &'a [u32],
    search: Search<'a>,
}

impl<N: Network> Community<'_, N> {
    /// The part of each member, as the place of one of its members.
    fn refine(&self, label: u32, tally: &mut Tally, buffer: &mut Buffer) -> Result<Vec<u32>, JobError> {
        let places: Range<u32> = 0..self.members.len() as u32;
        let mut parts = Vec::with_capacity(self.members.len());
        for vertex in self.members {
            let (mut outward, strength) = (0, self.network.strength(*vertex)?);
            self.each_inner(*vertex, buffer, |_, weight| outward += weight)?;
            parts.push(Part { strength, outward, size: 1 });
        }
        let whole: u64 = parts.iter().map(|part| part.strength).sum();
        let expected = |strength: u64, other: u64| self.search.penalty * strength as f64 * other as f64;
        let holds = |part: &Part| part.outward as f64 >= expected(part.strength, whole - part.strength);
        let mut part_of: Vec<u32> = places.clone().collect();
        let mut order: Vec<u32> = places.collect();
        shuffle(&mut order, mix(self.search.seed ^ u64::from(label)));
        for place in order {
            let alone = parts[place as usize];
            if part_of[place as usize] != place || alone.size > 1 || !holds(&alone) {
                continue;
            }
            self.each_inner(self.members[place as usize], buffer, |other, weight| {
                tally.add(part_of[other as usize], weight);
            })?;
            let gains = tally.drain().filter(|(part, _)| holds(&parts[*part as usize]));
            let gains = gains.map(|(part, weight)| {
                (weight as f64 - expected(alone.strength, parts[part as usize].strength), part, weight)
            });
            let best = gains.max_by(|(a_gain, a, _), (b_gain, b, _)| a_gain.total_cmp(b_gain).then(b.cmp(a)));
            if let Some((gain, part, weight)) = best
                && gain >= 0.0
            {
                part_of[place as usize] = part;
                let joined = &mut parts[part as usize];
                joined.strength += alone.strength;
                joined.size += 1;
                // What was outward between the two no longer is, from either side.
                joined.outward = joined.outward + alone.outward - 2 * weight;
            }
        }
        Ok(part_of)
    }

    /// Calls back with the places of the neighbours of a vertex within the community.
    fn each_inner(&self, vertex: u32, buffer: &mut Buffer, mut each: impl FnMut(u32, u64)) -> Result<(), JobError> {
        let label = self.labels[vertex as usize];
        self.network.each_neighbour(vertex, buffer, |neighbour, weight| {
            if self.labels[neighbour as usize] == label {
                each(self.places[neighbour as usize], weight);
            }
        })
    }
}
