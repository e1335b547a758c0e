//! Bytes an edge of the real graphs in `shared/data`, by encoding, against the information-theoretic bound.
//!
//! Each graph is imported into an empty store in a temporary folder, as `roost graph import` does it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use base::clock::SystemClock;
use base::disk::RealDisk;
use base::{Direction, ListRef, Relation, UserId};
use benches::bound;
use clap::Parser;
use graph_store::adjacency::Encoding;
use graph_store::import::{Import, import};
use graph_store::store::BulkOptions;
use graph_store::{Options, Store};
use serde::Serialize;

const GRAPHS: [&str; 3] =
    ["ego-twitter/ego-twitter.el.gz", "soc-epinions1/soc-epinions1.el.gz", "fb100/fb100-union.el.gz"];

/// Bytes an edge of the real graphs.
#[derive(Parser)]
struct Args {
    /// The folder of the datasets.
    #[arg(long, env = "ROOST_TEST_DATA", default_value = "../shared/data")]
    data: PathBuf,
    /// One JSON array instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Row {
    graph: &'static str,
    encoding: &'static str,
    users: u64,
    edges: u64,
    bytes_per_edge_forward: f64,
    bytes_per_edge_reverse: f64,
    bound_bytes_per_edge_forward: f64,
    bound_bytes_per_edge_reverse: f64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let encodings = [("auto", Encoding::Auto), ("packed", Encoding::Packed), ("roaring", Encoding::Roaring)];
    let mut rows = Vec::new();
    for graph in GRAPHS {
        for (name, encoding) in encodings {
            rows.push(measure(&args.data, graph, name, encoding)?);
        }
    }
    if args.json {
        println!("{}", serde_json::to_string(&rows)?);
        return Ok(());
    }
    println!("| graph | users | edges | encoding | forward | bound | reverse | bound |");
    println!("|---|---|---|---|---|---|---|---|");
    for row in rows {
        let name = Path::new(row.graph).iter().next().unwrap_or_default().to_string_lossy();
        println!(
            "| {name} | {} | {} | {} | {:.2} | {:.2} | {:.2} | {:.2} |",
            row.users,
            row.edges,
            row.encoding,
            row.bytes_per_edge_forward,
            row.bound_bytes_per_edge_forward,
            row.bytes_per_edge_reverse,
            row.bound_bytes_per_edge_reverse,
        );
    }
    Ok(())
}

fn measure(data: &Path, graph: &'static str, name: &'static str, encoding: Encoding) -> anyhow::Result<Row> {
    let folder = tempfile::tempdir()?;
    let options = Options { encoding, ..Options::default() };
    let (store, _) = Store::open(Arc::new(RealDisk), Arc::new(SystemClock), folder.path(), options)?;
    let what = Import { edges: data.join(graph), vertices: None, options: BulkOptions::default() };
    import(&store, &what, &|_| {}).with_context(|| format!("{graph} was not imported"))?;
    let stats = store.stats()?;
    let [forward, reverse] = Direction::ALL.map(|direction| bound_bytes(&store, direction));
    Ok(Row {
        graph,
        encoding: name,
        users: stats.users,
        edges: stats.edges,
        bytes_per_edge_forward: stats.bytes_per_edge_forward,
        bytes_per_edge_reverse: stats.bytes_per_edge_reverse,
        bound_bytes_per_edge_forward: forward? / stats.edges as f64,
        bound_bytes_per_edge_reverse: reverse? / stats.edges as f64,
    })
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
