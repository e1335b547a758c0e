//! The graph's stream of follows becomes notifications, each once.
//!
//! The revision up to which follows are told is written in one batch with their notifications, and the stream goes on
//! from there, after a restart and whenever it breaks. The graph keeps its log for a reader with a name; where it could
//! not any more, or has never given out that revision (it was restored from a backup), it goes on from now: people miss
//! notifications, which is logged. Follows that came in bulk notify nobody.

use std::time::Duration;

use base::error::chain;
use base::{Code, Error, Revision};
use futures::StreamExt;

use super::pause::Pause;
use crate::graph::{Begin, Graph, News, Told};
use crate::tweets::{Follow, NotifyFollows, Store};

/// What the graph told that becomes one command.
const BATCH_MAX: usize = 256;
/// A stream that tells nothing for so long is opened anew: nobody can tell a quiet graph from a connection that is lost.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// Works without end.
pub(super) async fn run(store: &Store, graph: &dyn Graph) {
    let mut pause = Pause::new();
    let mut anew = false;
    loop {
        let Err(error) = listen(store, graph, anew, &mut pause).await else {
            anew = false;
            continue;
        };
        let lost = error.code() == Code::RevisionTrimmed
            || error.code() == Code::InvalidArgument && error.field() == Some("from");
        if lost && !anew {
            anew = true;
            tracing::warn!(error = %chain(&error), "follows were missed: the graph goes on telling of them from now");
        } else if pause.is_notable() {
            tracing::warn!(error = %chain(&error), "follows notify nobody until the graph tells of them again");
        }
        pause.wait().await;
    }
}

/// Listens until the stream breaks off, or has to be opened again.
async fn listen(store: &Store, graph: &dyn Graph, anew: bool, pause: &mut Pause) -> Result<(), Error> {
    let begin = match store.view().follows_told()? {
        _ if anew => Begin::Now,
        Some(revision) => Begin::After(revision),
        None => Begin::Kept,
    };
    let mut stream = graph.follows(begin).await?.ready_chunks(BATCH_MAX);
    loop {
        let Ok(chunk) = tokio::time::timeout(SILENCE_MAX, stream.next()).await else { return Ok(()) };
        let chunk = chunk.ok_or_else(|| Error::new(Code::Unavailable, "the stream of follows ended"))?;
        let (told, broken) = until_broken(chunk);
        if let Some(&Told { revision, .. }) = told.last() {
            store.write(command(&told, revision, anew)).await?;
            pause.reset();
        }
        if let Some(error) = broken {
            return Err(error);
        }
        if anew {
            // There is a revision to go on from under our name, for which the graph keeps its log.
            return Ok(());
        }
    }
}

fn until_broken(chunk: Vec<Result<Told, Error>>) -> (Vec<Told>, Option<Error>) {
    let mut told = Vec::with_capacity(chunk.len());
    for item in chunk {
        match item {
            Ok(news) => told.push(news),
            Err(error) => return (told, Some(error)),
        }
    }
    (told, None)
}

fn command(told: &[Told], revision: Revision, anew: bool) -> NotifyFollows {
    let follow = |&Told { revision, news }: &Told| match news {
        News::Followed { follower, followee } => Some(Follow { revision, follower, followee }),
        News::Imported { edges } => {
            tracing::info!(edges, "edges came in bulk: they notify nobody");
            None
        }
        News::Nothing => None,
    };
    NotifyFollows { follows: told.iter().filter_map(follow).collect(), revision, anew }
}
