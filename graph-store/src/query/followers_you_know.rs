//! "Followed by people you follow": for many users at once, who of one's followees follows them.
//!
//! What Twitter's graph feature service answers as the intersection of "whom I follow" with "who follows them", with the
//! degrees that turn the count into a similarity. The followees are read once; in the followers of each candidate
//! they are looked up where these lie, so a celebrity costs no more than anybody else.

use base::{Error, ListRef, Relation, UserId};

use super::{Lists, Metered};

/// Who of somebody's followees follows a candidate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Known {
    /// How many there are.
    pub count: u64,
    /// The first of them by id.
    pub first: Vec<UserId>,
    /// How many follow the candidate in all.
    pub followers: u64,
    /// How many the candidate follows.
    pub followees: u64,
}

/// One answer for each candidate, in their order, naming at most `limit` users each.
///
/// # Errors
///
/// What the budget says when it is spent.
pub fn followers_you_know(
    lists: &Metered<'_, impl Lists>,
    user: UserId,
    candidates: &[UserId],
    limit: usize,
) -> Result<Vec<Known>, Error> {
    let followees = lists.ids(ListRef::forward(Relation::Follow, user))?;
    let known = |candidate: &UserId| known(lists, &followees, *candidate, limit);
    candidates.iter().map(known).collect()
}

/// Who of some users, strictly increasing, follows the candidate.
pub(super) fn known(
    lists: &Metered<'_, impl Lists>,
    users: &[u32],
    candidate: UserId,
    limit: usize,
) -> Result<Known, Error> {
    let followers = ListRef::reverse(Relation::Follow, candidate);
    let (mut count, mut first) = (0, Vec::new());
    lists.each_common(followers, users, &mut |id| {
        count += 1;
        if first.len() < limit {
            first.push(UserId(id));
        }
    })?;
    let followees = lists.count(ListRef::forward(Relation::Follow, candidate))?;
    Ok(Known { count, first, followers: lists.count(followers)?, followees })
}
