//! The places of feeds and timelines.

use std::sync::Arc;

use proto::timeline::{Entry, Explanation, Reason, Route};
use serde::{Serialize, Serializer};

use super::TweetView;
use super::scalar::Decimal;
use super::tweet::AuthorJson;
use crate::accounts::Account;
use crate::error::Answer;
use crate::state::App;

/// A tweet at its place in a timeline.
#[derive(Debug)]
pub(crate) struct EntryView {
    tweet: TweetView,
    /// The place's own id, and who retweeted, where it is there by a retweet.
    retweet: Option<(u64, Arc<Account>)>,
    /// For those who asked.
    explanation: Option<ExplanationView>,
}

impl Serialize for EntryView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let retweet = self.retweet.as_ref();
        let mut json = self.tweet.json();
        json.entry_id = retweet.map(|(id, _)| Decimal(*id));
        json.retweeted_by = retweet.map(|(_, retweeter)| AuthorJson::of(retweeter));
        json.explanation = self.explanation.as_ref();
        json.serialize(serializer)
    }
}

/// Why an entry is in a feed, and how it came there.
#[derive(Debug, Serialize)]
pub(super) struct ExplanationView {
    reason: &'static str,
    route: &'static str,
}

impl From<Explanation> for ExplanationView {
    fn from(explanation: Explanation) -> Self {
        let reason = match explanation.reason() {
            Reason::Own => "own",
            Reason::OwnRetweet => "own_retweet",
            Reason::AuthorFollowed => "author_followed",
            Reason::RetweeterFollowed => "retweeter_followed",
            Reason::ConversationFollowed => "conversation_followed",
            Reason::Unspecified => "unspecified",
        };
        let route = match explanation.route() {
            Route::Pulled => "pulled",
            Route::Pushed => "pushed",
            Route::UnderWay => "under_way",
            Route::Unspecified => "unspecified",
        };
        ExplanationView { reason, route }
    }
}

impl App {
    /// Entries with their authors and retweeters, in the order given, with one statement for all of them. Those by users of
    /// an imported graph who have no account are left out: there is nobody to show.
    pub(crate) async fn entry_views(&self, entries: Vec<Entry>, signed_in: bool) -> Answer<Vec<EntryView>> {
        let authors = entries.iter().filter_map(|entry| Some(entry.tweet.as_ref()?.author));
        let people = authors.chain(entries.iter().filter_map(|entry| entry.retweeter)).collect();
        let people = self.accounts_by_id(people).await?;
        let view = |entry: Entry| {
            let tweet = entry.tweet?;
            let retweet = match entry.retweeter {
                Some(retweeter) => Some((entry.id, people.get(retweeter)?.clone())),
                None => None,
            };
            let author = people.get(tweet.author)?.clone();
            let tweet = TweetView::new(tweet, author, signed_in);
            Some(EntryView { tweet, retweet, explanation: entry.explanation.map(ExplanationView::from) })
        };
        Ok(entries.into_iter().filter_map(view).collect())
    }
}
