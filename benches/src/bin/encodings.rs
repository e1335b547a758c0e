//! Bytes an edge of a generated graph, by encoding, against the information-theoretic bound: lists alone, without the index
//! of a segment and its checksums, which take some four bytes a list and 0.1 %.

use std::io::{self, Read};
use std::thread;

use anyhow::Context;
use benches::bound;
use clap::Parser;
use graph_store::adjacency::{Encoding, encode};
use graph_store::generate::{GraphSpec, generate};
use graph_store::import::binary::EdgeReader;

const ENCODINGS: [(&str, Encoding); 3] =
    [("auto", Encoding::Auto), ("packed", Encoding::Packed), ("roaring", Encoding::Roaring)];

/// Bytes an edge of a generated graph.
#[derive(Parser)]
struct Args {
    /// How many users there are.
    #[arg(long, default_value_t = 1_000_000)]
    users: u32,
    /// How many others each of them follows, on average.
    #[arg(long, default_value_t = 100.0)]
    mean_followees: f64,
    /// The share of the followees that are from the user's own community.
    #[arg(long, default_value_t = 0.6)]
    locality: f64,
    /// What all chance comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The sizes of some lists, in bytes.
#[derive(Default)]
struct Sizes {
    edges: u64,
    bound: f64,
    encoded: [u64; ENCODINGS.len()],
    bytes: Vec<u8>,
}

impl Sizes {
    fn add(&mut self, users: u32, ids: &[u32]) -> anyhow::Result<()> {
        self.edges += ids.len() as u64;
        self.bound += bound::bits(users.into(), ids.len() as u64) / 8.0;
        for ((_, encoding), size) in ENCODINGS.iter().zip(&mut self.encoded) {
            self.bytes.clear();
            encode(ids, 0, *encoding, &mut self.bytes)?;
            *size += self.bytes.len() as u64;
        }
        Ok(())
    }
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let spec = GraphSpec::new(args.users, args.mean_followees, args.seed)?.with_locality(args.locality)?;
    let mut forward = Sizes::default();
    let mut followers = vec![0u32; args.users as usize];
    each_list(&spec, |_, followees| {
        followees.iter().for_each(|id| followers[*id as usize] += 1);
        forward.add(args.users, followees)
    })?;
    let mut ends: Vec<usize> = Vec::with_capacity(followers.len());
    let mut end = 0;
    for count in &followers {
        ends.push(end);
        end += *count as usize;
    }
    let mut sources = vec![0u32; end];
    each_list(&spec, |user, followees| {
        for id in followees {
            sources[ends[*id as usize]] = user;
            ends[*id as usize] += 1;
        }
        Ok(())
    })?;
    let mut reverse = Sizes::default();
    for (end, count) in ends.iter().zip(&followers) {
        reverse.add(args.users, &sources[end - *count as usize..*end])?;
    }
    println!("| encoding | forward | reverse | both | of {} edges |", forward.edges);
    println!("|---|---|---|---|---|");
    let row = |name: &str, sizes: [f64; 2]| {
        let [forward, reverse] = [sizes[0] / forward.edges as f64, sizes[1] / reverse.edges as f64];
        println!("| {name} | {forward:.2} | {reverse:.2} | {:.2} | |", forward + reverse);
    };
    for (i, (name, _)) in ENCODINGS.iter().enumerate() {
        row(name, [forward.encoded[i] as f64, reverse.encoded[i] as f64]);
    }
    row("bound, ids apart", [forward.bound, reverse.bound]);
    Ok(())
}

/// Gives each user's followees, sorted, in the order of the users.
fn each_list(spec: &GraphSpec, mut take: impl FnMut(u32, &[u32]) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let (reader, writer) = io::pipe().context("no pipe")?;
    thread::scope(|scope| {
        let generated = scope.spawn(|| generate(spec, writer, &|_, _| {}));
        let taken = take_lists(reader, &mut take);
        generated.join().expect("generating does not panic")?;
        taken
    })
}

fn take_lists(source: impl Read, take: &mut dyn FnMut(u32, &[u32]) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let (mut user, mut followees) = (0, Vec::new());
    for edge in EdgeReader::new(io::BufReader::with_capacity(1 << 20, source))? {
        let edge = edge?;
        if edge.source != user {
            followees.sort_unstable();
            take(user, &followees)?;
            followees.clear();
            user = edge.source;
        }
        followees.push(edge.target);
    }
    followees.sort_unstable();
    take(user, &followees)
}
