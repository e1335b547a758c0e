//! Bytes an edge of the real graphs in `shared/data`, by ids and encoding, against the information-theoretic bound.
//!
//! Each graph is imported into an empty store in a temporary folder, as `roost graph import` does it, under ids that are
//! as they come, permuted at random, or put in order, from either of the two.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use base::clock::SystemClock;
use base::disk::RealDisk;
use base::{Direction, ListRef, Relation, UserId};
use benches::bound;
use benches::edges::Edges;
use clap::{Parser, ValueEnum};
use graph_store::adjacency::Encoding;
use graph_store::import::{Import, import};
use graph_store::reorder::Order;
use graph_store::{Options, Store};
use serde::Serialize;

const GRAPHS: [&str; 3] =
    ["ego-twitter/ego-twitter.el.gz", "soc-epinions1/soc-epinions1.el.gz", "fb100/fb100-union.el.gz"];
/// The seed of the random permutation.
const SEED: u64 = 1;

/// Bytes an edge of the real graphs.
#[derive(Parser)]
struct Args {
    /// The folder of the datasets.
    #[arg(long, env = "ROOST_TEST_DATA", default_value = "../shared/data")]
    data: PathBuf,
    /// Only graphs whose names contain this.
    #[arg(long, default_value = "")]
    graph: String,
    /// The ids that users have.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["as-they-come", "permuted", "bisection", "permuted-bisection"])]
    ids: Vec<Ids>,
    /// How lists are encoded.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["auto", "packed", "roaring"])]
    encoding: Vec<Form>,
    /// One JSON array instead of a table.
    #[arg(long)]
    json: bool,
}

/// The ids that users have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Ids {
    /// In the order of the ids in the file.
    AsTheyCome,
    /// At random.
    Permuted,
    /// In breadth-first order.
    BreadthFirst,
    /// In breadth-first order, found from random ids.
    PermutedBreadthFirst,
    /// By bisection.
    Bisection,
    /// By bisection, from random ids.
    PermutedBisection,
}

impl Ids {
    fn permuted(self) -> bool {
        matches!(self, Ids::Permuted | Ids::PermutedBreadthFirst | Ids::PermutedBisection)
    }

    fn order(self) -> Option<Order> {
        match self {
            Ids::AsTheyCome | Ids::Permuted => None,
            Ids::BreadthFirst | Ids::PermutedBreadthFirst => Some(Order::BreadthFirst),
            Ids::Bisection | Ids::PermutedBisection => Some(Order::Bisection),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Form {
    Auto,
    Packed,
    Roaring,
}

impl From<Form> for Encoding {
    fn from(form: Form) -> Self {
        match form {
            Form::Auto => Encoding::Auto,
            Form::Packed => Encoding::Packed,
            Form::Roaring => Encoding::Roaring,
        }
    }
}

#[derive(Serialize)]
struct Row {
    graph: &'static str,
    ids: Ids,
    encoding: Form,
    users: u64,
    edges: u64,
    /// Seconds that putting the users in order took.
    order_seconds: f64,
    bytes_per_edge_forward: f64,
    bytes_per_edge_reverse: f64,
    bound_bytes_per_edge_forward: f64,
    bound_bytes_per_edge_reverse: f64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let mut rows = Vec::new();
    for graph in GRAPHS.into_iter().filter(|graph| graph.contains(&args.graph)) {
        let edges = Edges::read(&args.data.join(graph))?;
        let permuted = edges.clone().permuted(SEED);
        for ids in &args.ids {
            let mut edges = if ids.permuted() { permuted.clone() } else { edges.clone() };
            let started = Instant::now();
            if let Some(order) = ids.order() {
                edges = edges.reordered(order)?;
            }
            let order_seconds = started.elapsed().as_secs_f64();
            for encoding in &args.encoding {
                let row = measure(&edges, *encoding).with_context(|| format!("{graph} was not imported"))?;
                rows.push(Row { graph, ids: *ids, order_seconds, ..row });
            }
        }
    }
    if args.json {
        println!("{}", serde_json::to_string(&rows)?);
        return Ok(());
    }
    println!("| graph | users | edges | ids | encoding | forward | bound | reverse | bound | both |");
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for row in rows {
        let name = Path::new(row.graph).iter().next().unwrap_or_default().to_string_lossy();
        println!(
            "| {name} | {} | {} | {} | {} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} |",
            row.users,
            row.edges,
            name_of(row.ids),
            name_of(row.encoding),
            row.bytes_per_edge_forward,
            row.bound_bytes_per_edge_forward,
            row.bytes_per_edge_reverse,
            row.bound_bytes_per_edge_reverse,
            row.bytes_per_edge_forward + row.bytes_per_edge_reverse,
        );
    }
    Ok(())
}

fn measure(edges: &Edges, encoding: Form) -> anyhow::Result<Row> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("edges");
    edges.write(&file)?;
    let options = Options { encoding: encoding.into(), ..Options::default() };
    let (store, _) = Store::open(Arc::new(RealDisk), Arc::new(SystemClock), &folder.path().join("graph"), options)?;
    import(&store, &Import { edges: file, ..Import::default() }, &|_| {})?;
    let stats = store.stats()?;
    let [forward, reverse] = Direction::ALL.map(|direction| bound_bytes(&store, direction));
    Ok(Row {
        graph: "",
        ids: Ids::AsTheyCome,
        encoding,
        users: stats.users,
        edges: stats.edges,
        order_seconds: 0.0,
        bytes_per_edge_forward: stats.bytes_per_edge_forward,
        bytes_per_edge_reverse: stats.bytes_per_edge_reverse,
        bound_bytes_per_edge_forward: forward? / stats.edges as f64,
        bound_bytes_per_edge_reverse: reverse? / stats.edges as f64,
    })
}

/// As it is written as a flag.
fn name_of(value: impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// The bound of all lists of one direction, in bytes.
fn bound_bytes(store: &Store, direction: Direction) -> anyhow::Result<f64> {
    let users = store.users();
    let mut bits = 0.0;
    for user in (0..users).map(UserId) {
        bits += bound::bits(u64::from(users), store.count(ListRef { relation: Relation::Follow, direction, user })?);
    }
    Ok(bits / 8.0)
}
