//! `roost token`: access tokens for operators and load tests, minted beside a running server or without one.

use std::sync::Arc;

use anyhow::Context;
use api::Accounts;
use base::clock::SystemClock;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::Failure;
use crate::config::Role;
use crate::roles::services::api_settings;

pub(super) fn command() -> Command {
    super::command_of("token", Role::Token).about("Mint access tokens").arg(
        Arg::new("user")
            .long("user")
            .value_name("NAME")
            .required_unless_present("print-config")
            .action(ArgAction::Append)
            .help("Whose token; given again, one token a line in the order of the names"),
    )
}

pub(super) fn run(flags: &ArgMatches) -> Result<(), Failure> {
    let Some(config) = super::configure(Role::Token, flags)? else { return Ok(()) };
    let names: Vec<&String> = flags.get_many("user").into_iter().flatten().collect();
    let tokens = super::runtime()?.block_on(async {
        let folder = api_settings(&config);
        if !folder.folder.is_dir() {
            anyhow::bail!("there are no accounts in {}", config.data.display());
        }
        let accounts = Accounts::open(&folder, Arc::new(SystemClock)).await.context("opening the accounts")?;
        let mut tokens = String::new();
        for name in names {
            let token =
                accounts.mint_access_token(name, None).await.with_context(|| format!("a token for {name:?}"))?;
            tokens += &format!("{token}\n");
        }
        accounts.close().await;
        Ok(tokens)
    })?;
    super::print(&tokens)?;
    Ok(())
}
