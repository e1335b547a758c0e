//! A job on the graph of a running server, which computes it.

use analytics::output::{Column, Format, Kind, ROW_GROUP, Rows as OfWhom, Table, TableWriter, Values};
use anyhow::Context;
use clap::ArgMatches;
use futures::StreamExt;
use proto::admin::AnalyticsLink;
use proto::analytics::run_response::Part;
use proto::analytics::{Found, Rows, RunRequest};

use super::{Shown, format};
use crate::cli::new_file::NewFile;
use crate::cli::runtime;
use crate::config::Config;
use crate::roles::shutdown;

/// Has a server run a job, and writes its rows if there is a file for them.
pub(super) fn run(
    flags: &ArgMatches,
    config: &Config,
    request: RunRequest,
    file: Option<NewFile>,
) -> anyhow::Result<Found> {
    runtime()?.block_on(async {
        let stopping = shutdown::on_signals()?;
        tokio::select! {
            // Dropping the stream ends the job there.
            () = stopping.cancelled() => anyhow::bail!("the job was cancelled"),
            told = listen(config, request, format(flags), file) => told,
        }
    })
}

/// Reads the stream to its end.
async fn listen(
    config: &Config,
    request: RunRequest,
    format: Format,
    mut file: Option<NewFile>,
) -> anyhow::Result<Found> {
    let link = AnalyticsLink::connect(config.graph_store.clone(), config.service_token.clone());
    let asked = || format!("asking {}", config.graph_store);
    let mut stream = link.run(request).await.with_context(asked)?;
    let (shown, mut found, mut table) = (Shown::default(), None, None);
    while let Some(message) = stream.next().await {
        match message.with_context(asked)?.part {
            Some(Part::Notice(notice)) => eprintln!("{}", notice.text),
            Some(Part::Progress(progress)) => shown.show(&progress.step, progress.done, progress.total),
            Some(Part::Found(told)) => {
                shown.clear();
                table = file.take().map(|file| Received::new(file, format, &told)).transpose()?;
                found = Some(told);
            }
            Some(Part::Rows(rows)) => {
                if let Some(table) = &mut table {
                    table.add(rows)?;
                }
            }
            None => {}
        }
    }
    let found = found.with_context(|| format!("{} ended the job without saying how it went", config.graph_store))?;
    table.map(|table| table.finish(found.rows)).transpose()?;
    Ok(found)
}

/// A table that comes in parts, and goes to a file in larger ones.
struct Received {
    writer: TableWriter<NewFile>,
    /// Of the rows that are not in the file yet.
    ids: Vec<u64>,
    columns: Vec<Column>,
    /// How many have come in all.
    rows: u64,
}

impl Received {
    fn new(file: NewFile, format: Format, found: &Found) -> anyhow::Result<Self> {
        let column = |column: &proto::analytics::Column| Column {
            name: column.name.clone().into(),
            kind: Kind::Score,
            values: if column.reals { Values::Reals(Vec::new()) } else { Values::Wholes(Vec::new()) },
        };
        let columns: Vec<Column> = found.columns.iter().map(column).collect();
        Ok(Received { writer: TableWriter::new(format, file, &columns)?, ids: Vec::new(), columns, rows: 0 })
    }

    fn add(&mut self, rows: Rows) -> anyhow::Result<()> {
        let Rows { ids, columns } = rows;
        anyhow::ensure!(columns.len() == self.columns.len(), "the server told of other columns before");
        for (column, values) in self.columns.iter_mut().zip(columns) {
            let whole = match &mut column.values {
                Values::Reals(reals) if values.reals.len() == ids.len() => {
                    reals.extend(values.reals);
                    true
                }
                Values::Wholes(wholes) if values.wholes.len() == ids.len() => {
                    wholes.extend(values.wholes);
                    true
                }
                _ => false,
            };
            anyhow::ensure!(whole, "the server left values out");
        }
        self.rows += ids.len() as u64;
        self.ids.extend(ids);
        if self.ids.len() >= ROW_GROUP { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        let (rows, ids) = (OfWhom::Each(self.ids.len() as u32), &self.ids);
        self.writer.write(&Table { rows: &rows, id: &|row| ids[row as usize], columns: &self.columns })?;
        self.ids.clear();
        for column in &mut self.columns {
            match &mut column.values {
                Values::Reals(reals) => reals.clear(),
                Values::Wholes(wholes) => wholes.clear(),
                _ => {}
            }
        }
        Ok(())
    }

    fn finish(mut self, expected: u64) -> anyhow::Result<()> {
        anyhow::ensure!(self.rows == expected, "the server told {} of {expected} rows", self.rows);
        self.flush()?;
        self.writer.finish()?.finish()
    }
}
