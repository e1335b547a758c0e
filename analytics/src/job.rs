//! Any job, as whoever asks for one by name has it: parameters in, a table and some figures out.

use serde_json::{Map, Value, json};

use crate::graph::{Graph, Undirected};
use crate::jobs::oriented::Oriented;
use crate::jobs::{
    Cdlp, Communities, Influence, Levels, Lists, PageRank, Similar, Sssp, WhoToFollow, bfs, cdlp, communities, degrees,
    influence, kcore, lcc, pagerank, reciprocity, similar, sssp, triangles, wcc, who_to_follow,
};
use crate::output::{Column, Kind, Plot, Rows, Values};
use crate::{JobError, Run};

/// A job and its parameters. Vertices are numbers of the graph.
#[derive(Clone, PartialEq, Debug)]
pub enum Job {
    /// [`pagerank`].
    PageRank(PageRank),
    /// [`bfs`] from a vertex.
    Bfs(u32),
    /// [`wcc`].
    Wcc,
    /// [`cdlp`], with external ids as the labels.
    Cdlp(Cdlp),
    /// [`lcc`].
    Lcc,
    /// [`sssp`].
    Sssp(Sssp),
    /// [`triangles`].
    Triangles,
    /// [`kcore`], always of the undirected graph.
    KCore,
    /// [`degrees`].
    Degrees,
    /// [`reciprocity`].
    Reciprocity,
    /// [`communities`], always of the undirected graph.
    Communities(Communities),
    /// [`influence`].
    Influence(Influence),
    /// [`similar`].
    Similar(Similar, Users),
    /// [`who_to_follow`].
    WhoToFollow(WhoToFollow, Users),
}

/// For whom a job is done that is done for each user alone.
#[derive(Clone, PartialEq, Debug)]
pub enum Users {
    /// Everybody.
    All,
    /// These vertices.
    These(Vec<u32>),
}

/// What a job found.
#[derive(Clone, PartialEq, Debug)]
pub struct Found {
    /// Of whom the rows are.
    pub rows: Rows,
    /// The values of the rows.
    pub columns: Vec<Column>,
    /// What there is to say of the whole graph or of how the job went.
    pub figures: Map<String, Value>,
    /// What is worth drawing.
    pub plot: Option<Plot>,
}

impl Job {
    /// Its name, as on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Job::PageRank(_) => "pagerank",
            Job::Bfs(_) => "bfs",
            Job::Wcc => "wcc",
            Job::Cdlp(_) => "cdlp",
            Job::Lcc => "lcc",
            Job::Sssp(_) => "sssp",
            Job::Triangles => "triangles",
            Job::KCore => "kcore",
            Job::Degrees => "degrees",
            Job::Reciprocity => "reciprocity",
            Job::Communities(_) => "communities",
            Job::Influence(_) => "influence",
            Job::Similar(..) => "similar",
            Job::WhoToFollow(..) => "who-to-follow",
        }
    }

    /// Runs it. `undirected` lets each edge count in both directions; `id` is the external id of a vertex.
    ///
    /// # Errors
    ///
    /// Those of the job.
    pub fn run<G: Graph>(
        &self,
        graph: G,
        undirected: bool,
        id: &dyn Fn(u32) -> u64,
        run: &Run<'_>,
    ) -> Result<Found, JobError> {
        if undirected || matches!(self, Job::KCore | Job::Communities(_)) {
            // Counting neighbours reads all lists, for nothing where there is too little memory for the rest.
            run.fits(self.name(), self.memory_undirected(&graph, run.threads()))?;
            self.run_on(&Undirected::new(graph, run)?, id, run)
        } else {
            self.run_on(&graph, id, run)
        }
    }

    /// Bytes of memory that it takes at the most on a graph of which it is given every edge in both directions.
    fn memory_undirected<G: Graph>(&self, graph: &G, threads: usize) -> u64 {
        let (vertices, edges) = (graph.vertices(), graph.edges());
        let of_job = match self {
            Job::PageRank(_) => PageRank::memory(vertices),
            Job::Bfs(_) => Levels::memory(vertices),
            Job::Wcc => wcc::memory(vertices),
            Job::Cdlp(_) => Cdlp::memory(vertices),
            Job::Sssp(_) => Sssp::memory(vertices),
            Job::Lcc | Job::Triangles => Oriented::memory(vertices, edges, threads),
            Job::KCore => kcore::memory(vertices),
            Job::Degrees => degrees::memory(vertices),
            Job::Reciprocity => reciprocity::memory(vertices),
            // How many edges have one back is not known before they are counted.
            Job::Communities(_) => Communities::memory(vertices, 2 * edges),
            Job::Influence(parameters) => parameters.memory(vertices),
            Job::Similar(parameters, users) => parameters.memory(vertices, users.len(graph), threads),
            Job::WhoToFollow(parameters, users) => parameters.memory(users.len(graph), threads),
        };
        Undirected::memory(graph) + of_job
    }

    fn run_on<G: Graph>(&self, graph: &G, id: &dyn Fn(u32) -> u64, run: &Run<'_>) -> Result<Found, JobError> {
        let value = |kind, values| vec![Column { name: "value".into(), kind, values }];
        let (mut rows, mut plot) = (Rows::Each(graph.vertices()), None);
        let (columns, figures) = match self {
            Job::PageRank(parameters) => {
                let found = pagerank(graph, parameters, run)?;
                let figures = json!({ "iterations": found.iterations, "change": found.change });
                (value(Kind::Score, Values::Reals(found.ranks)), figures)
            }
            Job::Bfs(source) => {
                let found = bfs(graph, *source, run)?;
                let figures = json!({ "reached": found.reached, "depth": found.depth });
                plot = Some(Plot::levels(&found.levels));
                (value(Kind::Distance, Values::Levels(found.levels)), figures)
            }
            Job::Wcc => {
                let found = wcc(graph, run)?;
                plot = Some(Plot::sizes("components", found.iter().copied()));
                (value(Kind::Group, Values::Vertices(found)), json!({}))
            }
            Job::Cdlp(parameters) => {
                let found = cdlp(graph, parameters, (0..graph.vertices()).map(id).collect(), run)?;
                plot = Some(Plot::sizes("communities", found.labels.iter().copied()));
                (value(Kind::Group, Values::Wholes(found.labels)), json!({ "iterations": found.iterations }))
            }
            Job::Lcc => {
                let found = lcc(graph, run)?;
                let mean = found.iter().sum::<f64>() / found.len().max(1) as f64;
                (value(Kind::Score, Values::Reals(found)), json!({ "mean": mean }))
            }
            Job::Sssp(parameters) => {
                let found = sssp(graph, parameters, run)?;
                let reached = found.iter().filter(|distance| distance.is_finite());
                let figures = json!({
                    "reached": reached.clone().count(),
                    "furthest": reached.fold(0.0, |furthest: f64, distance| furthest.max(*distance)),
                });
                (value(Kind::Distance, Values::Reals(found)), figures)
            }
            Job::Triangles => {
                let found = triangles(graph, run)?;
                let figures = json!({ "triangles": found.total, "transitivity": found.transitivity() });
                (value(Kind::Score, Values::Wholes(found.of_vertices)), figures)
            }
            Job::KCore => {
                let found = kcore(graph, run)?;
                let degeneracy = found.iter().max().copied().unwrap_or_default();
                (value(Kind::Score, Values::Counts(found)), json!({ "degeneracy": degeneracy }))
            }
            Job::Degrees => {
                let found = degrees(graph, run)?;
                let isolated = found.incoming.iter().zip(&found.outgoing).filter(|(to, from)| (**to, **from) == (0, 0));
                let figures = json!({
                    "max_in": found.incoming.iter().max().copied().unwrap_or_default(),
                    "max_out": found.outgoing.iter().max().copied().unwrap_or_default(),
                    "isolated": isolated.count(),
                });
                plot = Some(Plot::degrees(&found));
                let column = |name: &'static str, degrees| {
                    let values = Values::Counts(degrees);
                    Column { name: name.into(), kind: Kind::Score, values }
                };
                let columns = match graph.is_symmetric() {
                    true => vec![column("degree", found.outgoing)],
                    false => vec![column("in", found.incoming), column("out", found.outgoing)],
                };
                (columns, figures)
            }
            Job::Reciprocity => {
                let found = reciprocity(graph, run)?;
                let figures = json!({ "mutual_edges": found.mutual, "reciprocity": found.overall() });
                (value(Kind::Score, Values::Reals(found.of_vertices)), figures)
            }
            Job::Communities(parameters) => {
                let found = communities(graph, parameters, run)?;
                plot = Some(Plot::sizes("communities", found.communities.iter().copied()));
                let figures = json!({ "modularity": found.modularity });
                (value(Kind::Group, Values::Vertices(named_by_smallest(found.communities))), figures)
            }
            Job::Influence(parameters) => {
                let found = influence(graph, parameters, run)?;
                plot = Some(Plot::distances(&found.distribution()));
                let figures = json!({
                    "effective_diameter": found.effective_diameter(0.9),
                    "mean_distance": found.mean(),
                    "distance_distribution": found.distribution(),
                    "neighbourhood_function": found.neighbourhood,
                    "relative_error": parameters.error(),
                    "all_distances_seen": found.is_complete,
                });
                (value(Kind::Score, Values::Reals(found.harmonic)), figures)
            }
            Job::Similar(parameters, users) => {
                let users = users.of(graph);
                let found = similar(graph, &users, parameters, run)?;
                let chance_found: Map<String, Value> = [0.1, 0.3, 0.5]
                    .map(|similarity: f64| (similarity.to_string(), parameters.chance_found(similarity).into()))
                    .into_iter()
                    .collect();
                let mut figures = json!({ "exact": found.is_exact, "steps": found.steps });
                if !found.is_exact {
                    figures["chance_found_by_similarity"] = chance_found.into();
                }
                let columns;
                (rows, columns) = pairs(&users, found.similar, "similar", "similarity");
                (columns, figures)
            }
            Job::WhoToFollow(parameters, users) => {
                let users = users.of(graph);
                let found = who_to_follow(graph, &users, parameters, run)?;
                let without = found.lengths.iter().filter(|length| **length == 0).count();
                let columns;
                (rows, columns) = pairs(&users, found, "suggested", "score");
                (columns, json!({ "users": users.len(), "without_suggestions": without }))
            }
        };
        Ok(Found { rows, columns, figures: figures.as_object().cloned().unwrap_or_default(), plot })
    }
}

impl Users {
    fn len(&self, graph: &impl Graph) -> usize {
        match self {
            Users::All => graph.vertices() as usize,
            Users::These(users) => users.len(),
        }
    }

    fn of(&self, graph: &impl Graph) -> Vec<u32> {
        match self {
            Users::All => (0..graph.vertices()).collect(),
            Users::These(users) => users.clone(),
        }
    }
}

/// A row for each user and each of those who were found for them, best first. For everybody that is the most of what such a job
/// takes: whatever is needed no more goes at once.
fn pairs(users: &[u32], found: Lists, name: &'static str, score: &'static str) -> (Rows, Vec<Column>) {
    let Lists { lengths, vertices: others, scores } = found;
    let mut rows = Vec::with_capacity(others.len());
    for (user, length) in users.iter().zip(lengths) {
        rows.extend(std::iter::repeat_n(*user, length as usize));
    }
    let scores = scores.into_iter().map(f64::from).collect();
    let columns = vec![
        Column { name: name.into(), kind: Kind::Group, values: Values::Vertices(others) },
        Column { name: score.into(), kind: Kind::Score, values: Values::Reals(scores) },
    ];
    (Rows::Of(rows), columns)
}

/// Puts the smallest vertex of each community in the place of its number; numbers are in the order of those.
fn named_by_smallest(mut communities: Vec<u32>) -> Vec<u32> {
    let mut smallest = Vec::new();
    for (vertex, community) in (0..).zip(&mut communities) {
        if *community as usize == smallest.len() {
            smallest.push(vertex);
        }
        *community = smallest[*community as usize];
    }
    communities
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn communities_are_named_by_their_smallest_vertices() {
        assert_eq!(named_by_smallest(vec![0, 1, 0, 2, 1, 2]), [0, 1, 0, 3, 1, 3]);
    }

    #[test]
    fn pairs_are_in_the_order_of_users_and_of_scores() {
        let found = Lists { lengths: vec![2, 0, 1], vertices: vec![7, 2, 4], scores: vec![0.5, 0.25, 1.0] };
        let place = found.vertices.as_ptr();
        let (rows, columns) = pairs(&[9, 3, 5], found, "suggested", "score");
        assert_eq!(rows, Rows::Of(vec![9, 9, 5]));
        assert_eq!(columns[0].values, Values::Vertices(vec![7, 2, 4]));
        assert!(matches!(&columns[0].values, Values::Vertices(others) if others.as_ptr() == place), "copied");
        assert_eq!(columns[1].values, Values::Reals(vec![0.5, 0.25, 1.0]));
    }
}
