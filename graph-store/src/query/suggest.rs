//! Who to follow, and why.
//!
//! Three sources, in this order; a user comes from the first that names them:
//!
//! 1. **Followees of followees.** The score of a candidate is `mutuals / sqrt(followers + 100)`, where *mutuals* is the
//!    number of the user's followees who follow the candidate: the cosine similarity (Salton index) of "whom I follow"
//!    and "who follows them", without the factor that is the same for all, and smoothed so that a candidate with three
//!    followers does not win by one of them. So the famous, whom everybody's followees follow, do not crowd out those
//!    who are known around here.
//! 2. **Followers** who are not followed back, newest first.
//! 3. **The most followed**, where nothing nearer is known.
//!
//! Never suggested: the user, those already followed or muted, and those with a block in either direction.
//!
//! The work is bounded: of the followees a sample at even distances is read, without those who follow very many, and
//! the candidates that most of the sample follow are looked at closely. The mutual connections of those who are
//! suggested are counted in full, whatever the sample. Nothing is random: one graph always gives one answer.

use base::{Edge, Error, ListRef, Relation, UserId};
use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use super::{Lists, narrow};

/// Followees whose followees are read.
pub const FOLLOWEES_SAMPLED_MAX: usize = 500;
/// A followee who follows more than this many says little about any of them, and is passed over.
pub const FOLLOWEE_LIST_MAX: u64 = 5_000;
/// Edges read from the sample; the rest of it is left out.
pub const SAMPLE_EDGES_MAX: u64 = 500_000;
/// Candidates whose popularity is looked up: those that most of the sample follow.
pub const CANDIDATES_MAX: usize = 1_000;
/// Followers among whom the newest are looked for; who has more is not short of company.
pub const FOLLOWERS_READ_MAX: u64 = 100_000;
/// Mutual connections that a suggestion names.
pub const MUTUALS_NAMED_MAX: usize = 10;
/// Keeps candidates with few followers from the top.
const SMOOTHING: f64 = 100.0;

/// Why somebody is suggested.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// People whom the user follows follow them.
    FollowedByFollowees,
    /// They follow the user, who does not follow back.
    FollowsYou,
    /// They are among the most followed.
    Popular,
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

/// At most `limit` suggestions, best first.
pub fn suggest(lists: &impl Lists, user: UserId, limit: usize) -> Result<Vec<Suggestion>, Error> {
    let followees = lists.members(ListRef::forward(Relation::Follow, user))?;
    let mut excluded = followees.clone();
    excluded.insert(user.0);
    excluded |= lists.members(ListRef::forward(Relation::Block, user))?;
    excluded |= lists.members(ListRef::reverse(Relation::Block, user))?;
    excluded |= lists.members(ListRef::forward(Relation::Mute, user))?;

    let mut search = Search { lists, followees, excluded, limit, found: Vec::new() };
    search.followees_of_followees()?;
    search.followers(user)?;
    search.popular()?;
    Ok(search.found)
}

struct Search<'a, L> {
    lists: &'a L,
    followees: RoaringBitmap,
    /// Who cannot be suggested, or has been.
    excluded: RoaringBitmap,
    limit: usize,
    found: Vec<Suggestion>,
}

impl<L: Lists> Search<'_, L> {
    fn followees_of_followees(&mut self) -> Result<(), Error> {
        let mut scored = Vec::new();
        for (user, mutuals) in self.candidates()? {
            let followers = self.lists.count(ListRef::reverse(Relation::Follow, user))?;
            scored.push((score(mutuals, followers), user, followers));
        }
        best_first(&mut scored, |(score, user, _)| (*score, *user));
        scored.truncate(self.limit);

        // Among those who made it, the order is by the mutual connections counted in full.
        let mut exact = Vec::with_capacity(scored.len());
        for (_, user, followers) in scored {
            let suggestion = self.suggestion(user, Reason::FollowedByFollowees)?;
            exact.push((score(suggestion.mutuals_count, followers), suggestion));
        }
        best_first(&mut exact, |(score, suggestion)| (*score, suggestion.user));
        for (_, suggestion) in exact {
            self.push(suggestion);
        }
        Ok(())
    }

    /// Whom the sampled followees follow, and how many of them do; at most [`CANDIDATES_MAX`].
    fn candidates(&self) -> Result<Vec<(UserId, u64)>, Error> {
        let mut mutuals: FxHashMap<UserId, u64> = FxHashMap::default();
        let mut edges = 0;
        let stride = (self.followees.len() as usize).div_ceil(FOLLOWEES_SAMPLED_MAX).max(1);
        for followee in self.followees.iter().step_by(stride) {
            let list = ListRef::forward(Relation::Follow, UserId(followee));
            let count = self.lists.count(list)?;
            if count > FOLLOWEE_LIST_MAX {
                continue;
            }
            edges += count;
            if edges > SAMPLE_EDGES_MAX {
                break;
            }
            for candidate in self.lists.members(list)? - &self.excluded {
                *mutuals.entry(UserId(candidate)).or_default() += 1;
            }
        }
        let mut candidates: Vec<_> = mutuals.into_iter().collect();
        candidates.sort_unstable_by_key(|(candidate, mutuals)| (std::cmp::Reverse(*mutuals), *candidate));
        candidates.truncate(CANDIDATES_MAX);
        Ok(candidates)
    }

    fn followers(&mut self, user: UserId) -> Result<(), Error> {
        let list = ListRef::reverse(Relation::Follow, user);
        if self.found.len() >= self.limit || self.lists.count(list)? > FOLLOWERS_READ_MAX {
            return Ok(());
        }
        let mut followers = self.lists.edges(list)?;
        followers.retain(|Edge { user, .. }| !self.excluded.contains(user.0));
        followers.sort_unstable_by_key(|edge| std::cmp::Reverse((edge.time, edge.user)));
        for Edge { user, .. } in followers {
            if self.found.len() >= self.limit {
                break;
            }
            let suggestion = self.suggestion(user, Reason::FollowsYou)?;
            self.push(suggestion);
        }
        Ok(())
    }

    fn popular(&mut self) -> Result<(), Error> {
        if self.found.len() >= self.limit {
            return Ok(());
        }
        for user in self.lists.popular()?.iter() {
            if self.found.len() >= self.limit {
                break;
            }
            if !self.excluded.contains(user.0) {
                let suggestion = self.suggestion(*user, Reason::Popular)?;
                self.push(suggestion);
            }
        }
        Ok(())
    }

    fn suggestion(&self, user: UserId, reason: Reason) -> Result<Suggestion, Error> {
        let mutuals = narrow(self.lists, ListRef::reverse(Relation::Follow, user), &self.followees)?;
        Ok(Suggestion {
            user,
            reason,
            mutuals: mutuals.iter().take(MUTUALS_NAMED_MAX).map(UserId).collect(),
            mutuals_count: mutuals.len(),
        })
    }

    fn push(&mut self, suggestion: Suggestion) {
        self.excluded.insert(suggestion.user.0);
        self.found.push(suggestion);
    }
}

fn score(mutuals: u64, followers: u64) -> f64 {
    mutuals as f64 / (followers as f64 + SMOOTHING).sqrt()
}

/// Sorts by score, highest first, then by id.
fn best_first<T>(items: &mut [T], key: impl Fn(&T) -> (f64, UserId)) {
    items.sort_by(|a, b| {
        let ((a_score, a_user), (b_score, b_user)) = (key(a), key(b));
        b_score.total_cmp(&a_score).then(a_user.cmp(&b_user))
    });
}
