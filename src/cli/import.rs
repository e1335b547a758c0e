//! `roost graph import`: an edge list becomes part of a graph, and its people, on request, get accounts.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context;
use api::accounts::IMPORT_MAX;
use api::{Accounts, NewAccount};
use base::UserId;
use base::clock::{Clock, SystemClock};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use graph_store::adjacency::Encoding;
use graph_store::import::columns::Layout;
use graph_store::import::format::Format;
use graph_store::import::{EdgeList, Import, Step};
use graph_store::reorder::Order;
use graph_store::store::BulkOptions;
use graph_store::{Options, Store};

use super::graph::{json, table};
use super::{Failure, memory};
use crate::config::{Config, Role};
use crate::progress::Progress;
use crate::roles::services::{api_settings, open_store_with};

/// Less memory than this is no help to anybody.
const MEMORY_MIN: u64 = 64 << 20;

pub(super) fn command() -> Command {
    super::command_of("import", Role::Import)
        .about("Add an edge list: `u v` a line, separated by spaces, tabs or commas, CSV, Parquet or binary; also .gz, .zst")
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .required_unless_present("print-config")
                .help("The edge list, or - for standard input"),
        )
        .arg(
            Arg::new("vertices")
                .long("vertices")
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("A list of people, one a line, who need not have edges"),
        )
        .arg(
            Arg::new("with-accounts")
                .long("with-accounts")
                .action(ArgAction::SetTrue)
                .help("Give everybody who came from a file an account named u<id>, with which nobody can log in"),
        )
        .arg(
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .value_parser(str::parse::<Format>)
                .help("text, csv, binary, pairs (of u32, without a header) or parquet, where the file does not tell"),
        )
        .arg(
            Arg::new("columns")
                .long("columns")
                .value_name("NAMES")
                .value_parser(str::parse::<Layout>)
                .help("What the columns hold: source, target, time, weight, and _ for one to skip, with commas between"),
        )
        .arg(
            Arg::new("reorder")
                .long("reorder")
                .action(ArgAction::SetTrue)
                .help("Number new people by who follows whom instead of by their ids, which makes lists smaller; slow"),
        )
        .arg(
            Arg::new("encoding")
                .long("encoding")
                .value_name("ENCODING")
                .value_parser(["auto", "packed", "roaring"])
                .default_value("auto")
                .help("How the new lists are encoded: by what suits each, all packed, or all as bitmaps"),
        )
        .arg(
            Arg::new("memory")
                .long("memory")
                .value_name("BYTES")
                .value_parser(memory)
                .help("What edges may take in memory, such as 800M or 8G; half of the machine's by default"),
        )
        .arg(json())
}

/// What edges may take: not so little that it is no help.
fn memory(text: &str) -> Result<u64, String> {
    let bytes = memory::bytes(text)?;
    if bytes < MEMORY_MIN { Err(format!("less than {} M", MEMORY_MIN >> 20)) } else { Ok(bytes) }
}

pub(super) fn run(flags: &ArgMatches) -> Result<(), Failure> {
    let Some(config) = super::configure(Role::Import, flags)? else { return Ok(()) };
    let Some(edges) = flags.get_one::<PathBuf>("file").cloned() else { return Ok(()) };
    let machine = || memory::share_of_the_machine(2).unwrap_or_default().max(MEMORY_MIN);
    let memory = flags.get_one("memory").copied().unwrap_or_else(machine);
    let reorder = flags.get_flag("reorder").then(Order::default);
    let options = BulkOptions { memory, reorder, spill_folder: config.data.clone(), ..BulkOptions::default() };
    let import = Import {
        edges,
        format: flags.get_one("format").copied(),
        layout: flags.get_one("columns").cloned(),
        vertices: flags.get_one("vertices").cloned(),
        options,
    };

    // Everything is read before the data folder is touched: a malformed line leaves no trace.
    let reading = Reading::of(&import);
    let edges = EdgeList::read(&import, &|step| reading.tell(step))?;
    let lines = reading.end();
    let options = Options { slots: config.slots, encoding: encoding(flags), ..Options::default() };
    let store = open_store_with(&config.data, options)
        .with_context(|| format!("opening the graph in {}", config.data.display()))?;
    let loaded = {
        let progress = Progress::with_rate("writing", lines, "edges");
        let tell = |step| {
            if let Step::Writing { share } = step {
                progress.set_share(share)
            }
        };
        edges.load_into(&store, &tell).map_err(anyhow::Error::from)
    };
    let accounts = match &loaded {
        Ok(_) if flags.get_flag("with-accounts") => super::runtime()?.block_on(make_accounts(&config, &store)),
        _ => Ok(0),
    };
    store.close();
    let mut report = serde_json::to_value(loaded?)?;
    report["accounts_added"] = accounts.context("making accounts")?.into();
    super::print(&if flags.get_flag("json") { format!("{report}\n") } else { table(&report) })?;
    Ok(())
}

fn encoding(flags: &ArgMatches) -> Encoding {
    match flags.get_one::<String>("encoding").map(String::as_str) {
        Some("packed") => Encoding::Packed,
        Some("roaring") => Encoding::Roaring,
        _ => Encoding::Auto,
    }
}

/// How far files are read, one after the other.
struct Reading {
    unit: &'static str,
    state: Mutex<ReadingState>,
}

struct ReadingState {
    /// Of the file that is being read.
    progress: Option<Progress>,
    /// When its reading began.
    started: Instant,
    lines: u64,
    bytes: u64,
}

impl ReadingState {
    fn new() -> ReadingState {
        ReadingState { progress: None, started: Instant::now(), lines: 0, bytes: 0 }
    }
}

impl Reading {
    fn of(import: &Import) -> Reading {
        // A list of people has lines, too.
        let unit = if import.vertices.is_some() { "lines" } else { "edges" };
        Reading { unit, state: Mutex::new(ReadingState::new()) }
    }

    fn tell(&self, step: Step) {
        let Step::Reading { lines, bytes, bytes_total } = step else { return };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Another length is another file.
        if state.progress.as_ref().is_some_and(|progress| progress.total() != bytes_total) {
            *state = ReadingState::new();
        }
        let state = &mut *state;
        // Threads come in any order.
        state.lines = state.lines.max(lines);
        state.bytes = state.bytes.max(bytes);
        let make = || Progress::of_file("reading", bytes_total, self.unit, state.started);
        state.progress.get_or_insert_with(make).set_read(state.bytes, state.lines);
    }

    /// The lines of the last file, which is that of the edges.
    fn end(self) -> u64 {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).lines
    }
}

/// Makes an account for each user with an external id who has none; answers how many are new.
async fn make_accounts(config: &Config, store: &Store) -> anyhow::Result<u64> {
    let accounts = Accounts::open(&api_settings(config), Arc::new(SystemClock)).await?;
    let progress = Progress::with_rate("accounts", store.users().into(), "people");
    let now_ms = SystemClock.now_ms();
    let users: Vec<UserId> = (0..store.users()).map(UserId).collect();
    let mut added = 0;
    for users in users.chunks(IMPORT_MAX) {
        let external_ids = store.external_ids(users);
        let named = users.iter().zip(external_ids).filter_map(|(user, external_id)| Some((user, external_id?)));
        let new: Vec<NewAccount> = named
            .map(|(user, external_id)| NewAccount {
                id: user.0,
                username: format!("u{external_id}"),
                name: format!("u{external_id}"),
                description: String::new(),
                email: None,
                password_hash: None,
                created_at_ms: now_ms,
            })
            .collect();
        added += accounts.import_accounts(&new).await?;
        progress.advance(users.len() as u64);
    }
    accounts.close().await;
    Ok(added)
}
