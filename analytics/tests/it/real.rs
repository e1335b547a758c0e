//! The real graphs.

use std::collections::BTreeMap;

use graph_store::import::parse::Edges;
use graph_store::import::source::Source;

use crate::support::data;

/// How many vertices an edge list has, and its edges between them; vertices are in the order of the ids in the file. `None`
/// where there is no such file.
pub(crate) fn edges_of(name: &str) -> Option<(u32, Vec<(u32, u32)>)> {
    let source = Source::open(&data(name)?).expect("it is there");
    let pairs: Vec<[u64; 2]> = Edges::new(source).map(|edge| edge.expect("well-formed")).collect();
    let ids: BTreeMap<u64, u32> = pairs.iter().flatten().map(|id| (*id, 0)).collect();
    let ids: BTreeMap<u64, u32> = ids.into_keys().zip(0..).collect();
    let edges = pairs.iter().map(|[source, target]| (ids[source], ids[target])).collect();
    Some((ids.len() as u32, edges))
}
