//! Who to follow, and why.
//!
//! Four sources, in this order; a user comes from the first that names them:
//!
//! 1. **Followees of followees.** The score of a candidate is `mutuals / sqrt(followers + 100)`, where *mutuals* is the
//!    number of the user's followees who follow the candidate: the cosine similarity (Salton index) of "whom I follow"
//!    and "who follows them", without the factor that is the same for all, and smoothed so that a candidate with three
//!    followers does not win by one of them. So the famous, whom everybody's followees follow, do not crowd out those
//!    who are known around here. The reason is [`MutualConnections`](Reason::MutualConnections) where somebody follows
//!    both and is followed by both, and else [`FollowedByFollowees`](Reason::FollowedByFollowees).
//! 2. **Followers** who are not followed back, newest first.
//! 3. **Similar followees**: those who follow at least two of the same people. The score is the cosine similarity of the two lists
//!    of followees, `shared / sqrt(followees)`, again without the factor that is the same for all.
//! 4. **The most followed**, where nothing nearer is known.
//!
//! Before all of them come **published** candidates, whom a job over the whole graph found for the user: in the order that it
//! gave them, as far as they can be suggested now. Their reason is the first of the sources' that holds, in this order, and
//! else [`NearYou`](Reason::NearYou).
//!
//! Never suggested: the user, those already followed or muted, and those with a block in either direction.
//!
//! The work is bounded. Of the followees a sample at even distances is asked, at most [`FOLLOWEES_SAMPLED_MAX`]; of each
//! list that is read for it, [`LIST_SAMPLED_MAX`] ids at even distances count, and one of more than [`LIST_READ_MAX`] says
//! too little about any of its members to be read at all. Either source looks at [`SUGGEST_EDGES_MAX`] edges at
//! the most; what would go beyond is left out of the sample. The candidates that most of the sample name are looked at
//! closely, and the mutual connections of those who are suggested are counted in full, whatever the sample. Nothing is
//! random: one graph always gives one answer.

mod near;
mod published;
mod similar;

use base::{Edge, Error, ListRef, Relation, UserId};
use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use super::followers_you_know::known;
use super::{Lists, Metered};

/// Edges that each of the two samples looks at.
pub const SUGGEST_EDGES_MAX: u64 = 500_000;
/// Followees of whom a sample reads a list.
pub const FOLLOWEES_SAMPLED_MAX: usize = 500;
/// Ids of one list that count.
pub const LIST_SAMPLED_MAX: usize = 5_000;
/// A list with more ids than this is passed over.
pub const LIST_READ_MAX: u64 = 100_000;
/// Candidates whose popularity is looked up: those that most of the sample name.
pub const CANDIDATES_MAX: usize = 1_000;
/// Followers among whom the newest are looked for; who has more is not short of company.
pub const FOLLOWERS_READ_MAX: u64 = 100_000;
/// Mutual connections that a suggestion names.
pub const MUTUALS_NAMED_MAX: usize = 10;

/// Why somebody is suggested.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// Somebody follows them and the user, and both follow back.
    MutualConnections,
    /// People whom the user follows follow them.
    FollowedByFollowees,
    /// They follow the user, who does not follow back.
    FollowsYou,
    /// They follow the same people as the user.
    SimilarFollowees,
    /// They are among the most followed.
    Popular,
    /// A job over the whole graph found them around the user; nothing simpler can be said.
    NearYou,
}

/// Somebody to follow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Suggestion {
    /// Who.
    pub user: UserId,
    /// Why.
    pub reason: Reason,
    /// Those whom the user follows and who follow the suggested: the first [`MUTUALS_NAMED_MAX`] by id.
    pub mutuals: Vec<UserId>,
    /// How many of them there are in all.
    pub mutuals_count: u64,
}

/// At most `limit` suggestions, best first: those of `published` who can be suggested, in their order, and then others.
///
/// # Errors
///
/// What the budget says when its time is over.
pub fn suggest(
    lists: &Metered<'_, impl Lists>,
    user: UserId,
    published: &[UserId],
    limit: usize,
) -> Result<Vec<Suggestion>, Error> {
    let followees = lists.ids(ListRef::forward(Relation::Follow, user))?;
    let mut excluded: RoaringBitmap = followees.iter().copied().collect();
    excluded.insert(user.0);
    for unwanted in [
        ListRef::forward(Relation::Block, user),
        ListRef::reverse(Relation::Block, user),
        ListRef::forward(Relation::Mute, user),
    ] {
        excluded.extend(lists.ids(unwanted)?);
    }
    let mut search = Search { lists, user, followees, excluded, limit, found: Vec::new() };
    search.published(published)?;
    search.near()?;
    search.followers()?;
    search.similar()?;
    search.popular()?;
    Ok(search.found)
}

struct Search<'a, L> {
    lists: &'a Metered<'a, L>,
    user: UserId,
    /// Strictly increasing.
    followees: Vec<u32>,
    /// Who cannot be suggested, or has been.
    excluded: RoaringBitmap,
    limit: usize,
    found: Vec<Suggestion>,
}

impl<L: Lists> Search<'_, L> {
    fn is_full(&self) -> bool {
        self.found.len() >= self.limit
    }

    /// Those whom the user follows and who follow the user.
    fn friends(&self) -> Result<Vec<u32>, Error> {
        self.lists.common(ListRef::reverse(Relation::Follow, self.user), &self.followees)
    }

    fn followers(&mut self) -> Result<(), Error> {
        let list = ListRef::reverse(Relation::Follow, self.user);
        if self.is_full() || self.lists.count(list)? > FOLLOWERS_READ_MAX {
            return Ok(());
        }
        let mut followers = self.lists.edges(list)?;
        followers.retain(|Edge { user, .. }| !self.excluded.contains(user.0));
        followers.sort_unstable_by_key(|edge| std::cmp::Reverse((edge.time, edge.user)));
        self.suggest_all(followers.into_iter().map(|edge| edge.user), Reason::FollowsYou)
    }

    fn popular(&mut self) -> Result<(), Error> {
        if self.is_full() {
            return Ok(());
        }
        let popular = self.lists.popular()?;
        self.suggest_all(popular.iter().copied(), Reason::Popular)
    }

    /// Suggests users in this order as far as there is room, but for those who are excluded.
    fn suggest_all(&mut self, users: impl IntoIterator<Item = UserId>, reason: Reason) -> Result<(), Error> {
        for user in users {
            if self.is_full() {
                break;
            }
            if !self.excluded.contains(user.0) {
                let suggestion = self.suggestion(user, reason)?;
                self.push(suggestion);
            }
        }
        Ok(())
    }

    fn suggestion(&self, user: UserId, reason: Reason) -> Result<Suggestion, Error> {
        let known = known(self.lists, &self.followees, user, MUTUALS_NAMED_MAX)?;
        Ok(Suggestion { user, reason, mutuals: known.first, mutuals_count: known.count })
    }

    fn push(&mut self, suggestion: Suggestion) {
        self.excluded.insert(suggestion.user.0);
        self.found.push(suggestion);
    }

    /// Who is in the lists that are sampled, and in how many of them, those in the most first: at most
    /// [`CANDIDATES_MAX`], without those who are excluded.
    fn tally(&self, sampled: impl IntoIterator<Item = ListRef>) -> Result<Vec<(UserId, u64)>, Error> {
        let mut tally: FxHashMap<UserId, u64> = FxHashMap::default();
        let mut edges = 0;
        for list in sampled {
            let count = self.lists.count(list)?;
            if count > LIST_READ_MAX {
                continue;
            }
            edges += count;
            if edges > SUGGEST_EDGES_MAX {
                break;
            }
            let step = (count as usize).div_ceil(LIST_SAMPLED_MAX).max(1);
            for id in self.lists.ids(list)?.into_iter().step_by(step) {
                if !self.excluded.contains(id) {
                    *tally.entry(UserId(id)).or_default() += 1;
                }
            }
        }
        let mut candidates: Vec<_> = tally.into_iter().collect();
        candidates.sort_unstable_by_key(|(candidate, lists)| (std::cmp::Reverse(*lists), *candidate));
        candidates.truncate(CANDIDATES_MAX);
        Ok(candidates)
    }

    /// Some of the followees, at even distances.
    fn sampled_followees(&self) -> impl Iterator<Item = UserId> {
        let step = self.followees.len().div_ceil(FOLLOWEES_SAMPLED_MAX).max(1);
        self.followees.iter().step_by(step).copied().map(UserId)
    }
}

/// Sorts by score, highest first, then by id.
fn best_first<T>(items: &mut [(f64, UserId, T)]) {
    items.sort_by(|(a_score, a_user, _), (b_score, b_user, _)| b_score.total_cmp(a_score).then(a_user.cmp(b_user)));
}
