//! The places of feeds and timelines.

use proto::timeline::{Entry, Explanation, Reason, Route};
use serde::Serialize;

use super::TweetView;
use super::tweet::AuthorView;
use crate::error::Answer;
use crate::state::App;

/// A tweet at its place in a timeline.
#[derive(Debug, Serialize)]
pub(crate) struct EntryView {
    #[serde(flatten)]
    tweet: TweetView,
    /// The place's own id, where it is not the tweet's: it is there by a retweet.
    #[serde(skip_serializing_if = "Option::is_none")]
    entry_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retweeted_by: Option<AuthorView>,
    /// For those who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<ExplanationView>,
}

/// Why an entry is in a feed, and how it came there.
#[derive(Debug, Serialize)]
struct ExplanationView {
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
            let retweeted_by = match entry.retweeter {
                Some(retweeter) => Some(AuthorView::from(&**people.get(&retweeter)?)),
                None => None,
            };
            let author = people.get(&tweet.author)?;
            Some(EntryView {
                tweet: TweetView::new(tweet, author, signed_in),
                entry_id: retweeted_by.is_some().then(|| entry.id.to_string()),
                retweeted_by,
                explanation: entry.explanation.map(ExplanationView::from),
            })
        };
        Ok(entries.into_iter().filter_map(view).collect())
    }
}
