//! Any job, as whoever asks for one by name has it: parameters in, a table and some figures out.

use serde_json::{Map, Value, json};

use crate::graph::{Graph, Undirected};
use crate::jobs::{Cdlp, PageRank, Sssp, bfs, cdlp, degrees, kcore, lcc, pagerank, reciprocity, sssp, triangles, wcc};
use crate::output::{Column, Kind, Values};
use crate::{JobError, Run};

/// A job and its parameters. Vertices are numbers of the graph.
#[derive(Clone, Copy, PartialEq, Debug)]
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
}

/// What a job found.
#[derive(Clone, PartialEq, Debug)]
pub struct Found {
    /// A value for each vertex, or several.
    pub columns: Vec<Column>,
    /// What there is to say of the whole graph or of how the job went.
    pub figures: Map<String, Value>,
}

impl Job {
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
        if undirected || *self == Job::KCore {
            self.run_on(&Undirected::new(graph, run)?, id, run)
        } else {
            self.run_on(&graph, id, run)
        }
    }

    fn run_on<G: Graph>(&self, graph: &G, id: &dyn Fn(u32) -> u64, run: &Run<'_>) -> Result<Found, JobError> {
        let value = |kind, values| vec![Column { name: "value", kind, values }];
        let (columns, figures) = match self {
            Job::PageRank(parameters) => {
                let found = pagerank(graph, parameters, run)?;
                let figures = json!({ "iterations": found.iterations, "change": found.change });
                (value(Kind::Score, Values::Reals(found.ranks)), figures)
            }
            Job::Bfs(source) => {
                let found = bfs(graph, *source, run)?;
                let figures = json!({ "reached": found.reached, "depth": found.depth });
                (value(Kind::Distance, Values::Levels(found.levels)), figures)
            }
            Job::Wcc => (value(Kind::Group, Values::Vertices(wcc(graph, run)?)), json!({})),
            Job::Cdlp(parameters) => {
                let found = cdlp(graph, parameters, (0..graph.vertices()).map(id).collect(), run)?;
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
                let column = |name, degrees| Column { name, kind: Kind::Score, values: Values::Counts(degrees) };
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
        };
        Ok(Found { columns, figures: figures.as_object().cloned().unwrap_or_default() })
    }
}
