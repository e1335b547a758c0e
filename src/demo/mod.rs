//! `roost serve --demo`: an empty data folder becomes a small lively community of two thousand people.
//!
//! Everything is written through the services' own interfaces, in a folder beside the real ones. Only when all of it is
//! there are the services' folders moved to their places; so a demo that was interrupted is begun again, not half a one
//! served. A data folder that holds anything else is served as it is.

mod community;
mod fill;
mod names;
mod staging;
mod tweets;

use anyhow::Context;
use base::clock::{Clock, SystemClock};

use crate::config::Config;
use staging::Staging;

/// The handle of the visitor.
const LOGIN: &str = "demo";
/// The visitor's password. It opens a made-up account of a made-up community.
const PASSWORD: &str = "roost-demo";
/// What the community grows from.
const SEED: u64 = 2026;

/// Fills the data folder if it is empty, and says how to log in.
pub(crate) async fn prepare(config: &Config) -> anyhow::Result<()> {
    let staging = Staging::of(&config.data);
    if staging.is_wanted().context("looking into the data folder")? {
        let folder = staging.begin().context("making the demo's folder")?;
        fill::fill(&Config { data: folder, ..config.clone() }, SystemClock.now_ms())
            .await
            .context("filling the demo")?;
    }
    if staging.finish().context("moving the demo to its place")? {
        eprintln!("The demo community is there: log in as {LOGIN} with the password {PASSWORD}");
    } else {
        tracing::info!("the data folder is not empty, serving what is there");
    }
    Ok(())
}
