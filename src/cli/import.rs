//! `roost graph import`: an edge list becomes part of a graph, and its people, on request, get accounts.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use api::accounts::IMPORT_MAX;
use api::{Accounts, NewAccount};
use base::UserId;
use base::clock::{Clock, SystemClock};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use graph_store::Store;
use graph_store::import::{EdgeList, Import, Step};

use super::Failure;
use super::graph::{json, table};
use crate::config::{Config, Role};
use crate::progress::Progress;
use crate::roles::services::{api_settings, open_store};

pub(super) fn command() -> Command {
    super::command_of("import", Role::Import)
        .about("Add an edge list: `u v` a line, separated by spaces, tabs or commas, or binary; also .gz and .zst")
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
        .arg(json())
}

pub(super) fn run(flags: &ArgMatches) -> Result<(), Failure> {
    let Some(config) = super::configure(Role::Import, flags)? else { return Ok(()) };
    let Some(edges) = flags.get_one::<PathBuf>("file").cloned() else { return Ok(()) };
    let import = Import { edges, vertices: flags.get_one("vertices").cloned() };

    // Everything is read before the data folder is touched: a malformed line leaves no trace.
    let edges = {
        let progress = Progress::new("reading", Progress::SHARES);
        EdgeList::read(&import, &|step| tell(&progress, step))?
    };
    let store = open_store(&config.data, config.slots)
        .with_context(|| format!("opening the graph in {}", config.data.display()))?;
    let loaded = {
        let progress = Progress::new("writing", Progress::SHARES);
        edges.load_into(&store, &|step| tell(&progress, step)).map_err(anyhow::Error::from)
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

fn tell(progress: &Progress, step: Step) {
    match step {
        Step::Reading { bytes, bytes_total: Some(total), .. } => progress.set_share(bytes as f64 / total.max(1) as f64),
        // Of standard input nobody knows the end.
        Step::Reading { .. } => {}
        Step::Writing { share } => progress.set_share(share),
    }
}

/// Makes an account for each user with an external id who has none; answers how many are new.
async fn make_accounts(config: &Config, store: &Store) -> anyhow::Result<u64> {
    let accounts = Accounts::open(&api_settings(config), Arc::new(SystemClock)).await?;
    let progress = Progress::new("accounts", store.users().into());
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
