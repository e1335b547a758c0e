//! People: profiles, and how they stand to the one who looks.

use std::collections::HashMap;
use std::sync::Arc;

use base::{Code, Error, ListRef, Relation, UserId, limits};
use proto::common::Revision;
use proto::graph::{CountRequest, Pair, RelateRequest, Relationship};
use proto::timeline::AuthorStatsRequest;
use serde::Serialize;

use super::{Decimal, Rfc3339};
use crate::accounts::Account;
use crate::error::Answer;
use crate::extract::Caller;
use crate::state::App;

/// People of one question to the other services: two lists of each are counted, and a service counts so many at once.
const PEOPLE_AT_ONCE: usize = limits::BATCH_MAX / 2;

/// A person, as anybody may see them, and more where the one who looks may see more.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct UserView {
    id: Decimal,
    username: String,
    name: String,
    description: String,
    image_url: Option<String>,
    hero_image_url: Option<String>,
    created_at: Rfc3339,
    followers_count: u64,
    followees_count: u64,
    tweets_count: u64,
    /// For those who are logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    relationship: Option<RelationshipView>,
    /// For the person alone.
    #[serde(flatten)]
    private: Option<PrivateView>,
}

/// What only the person sees.
#[derive(Clone, Debug, Serialize)]
struct PrivateView {
    email: Option<String>,
    date_of_birth: Option<String>,
    last_login_at: Option<Rfc3339>,
}

/// How the one who looks stands to a person. Whether that person blocks or mutes them is not theirs to know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct RelationshipView {
    following: bool,
    followed_by: bool,
    blocking: bool,
    muting: bool,
}

impl From<Relationship> for RelationshipView {
    fn from(relationship: Relationship) -> Self {
        let Relationship { following, followed_by, blocking, muting, .. } = relationship;
        RelationshipView { following, followed_by, blocking, muting }
    }
}

/// Some accounts, by id.
#[derive(Debug)]
pub(crate) struct People(Vec<Arc<Account>>);

impl People {
    /// That of a user, where they have one.
    pub(crate) fn get(&self, id: u32) -> Option<&Arc<Account>> {
        let place = self.0.binary_search_by_key(&id, |account| account.id).ok()?;
        self.0.get(place)
    }

    /// All of them.
    pub(crate) fn into_accounts(self) -> Vec<Arc<Account>> {
        self.0
    }
}

/// What the other services know of a person.
#[derive(Default)]
struct Figures {
    followers: u64,
    followees: u64,
    tweets: u64,
    relationship: Option<RelationshipView>,
}

impl UserView {
    /// Somebody who has just signed up, and so has nobody and nothing.
    pub(crate) fn newcomer(account: &Account) -> Self {
        UserView::new(account, Figures::default(), true)
    }

    fn new(account: &Account, figures: Figures, private: bool) -> Self {
        UserView {
            id: Decimal(account.id.into()),
            username: account.username.clone(),
            name: account.name.clone(),
            description: account.description.clone(),
            image_url: account.image_url.clone(),
            hero_image_url: account.hero_image_url.clone(),
            created_at: Rfc3339(account.created_at_ms),
            followers_count: figures.followers,
            followees_count: figures.followees,
            tweets_count: figures.tweets,
            relationship: figures.relationship,
            private: private.then(|| PrivateView {
                email: account.email.clone(),
                date_of_birth: account.date_of_birth.clone(),
                last_login_at: account.last_login_at_ms.map(Rfc3339),
            }),
        }
    }
}

impl App {
    /// The accounts of some users, with one statement. Users of an imported graph may have none.
    pub(crate) async fn accounts_by_id(&self, mut ids: Vec<u32>) -> Answer<People> {
        ids.sort_unstable();
        ids.dedup();
        let mut found = self.accounts.people.by_ids(ids).await?;
        found.sort_unstable_by_key(|account| account.id);
        Ok(People(found))
    }

    /// Those of some different users who have an account, as `viewer` sees them, in the order given. The others are left
    /// out: there is nobody to show.
    pub(crate) async fn people(
        &self,
        ids: Vec<u32>,
        viewer: Option<u32>,
        at_least: Option<Revision>,
    ) -> Answer<Vec<UserView>> {
        let accounts = self.accounts_by_id(ids.clone()).await?;
        let accounts = ids.iter().filter_map(|id| accounts.get(*id).cloned()).collect();
        self.user_views(accounts, viewer, at_least).await
    }

    /// People as `viewer` sees them, in the order given: three calls at the same time for each page of them.
    pub(crate) async fn user_views(
        &self,
        mut accounts: Vec<Arc<Account>>,
        viewer: Option<u32>,
        at_least: Option<Revision>,
    ) -> Answer<Vec<UserView>> {
        let mut views = Vec::with_capacity(accounts.len());
        while !accounts.is_empty() {
            let rest = accounts.split_off(accounts.len().min(PEOPLE_AT_ONCE));
            views.extend(self.at_once(accounts, viewer, at_least.clone()).await?);
            accounts = rest;
        }
        Ok(views)
    }

    /// The same by id, for those who show one person in several places.
    pub(crate) async fn user_views_by_id(
        &self,
        accounts: Vec<Arc<Account>>,
        viewer: Option<u32>,
        at_least: Option<Revision>,
    ) -> Answer<HashMap<u32, UserView>> {
        let ids: Vec<u32> = accounts.iter().map(|account| account.id).collect();
        let views = self.user_views(accounts, viewer, at_least).await?;
        Ok(ids.into_iter().zip(views).collect())
    }

    async fn at_once(
        &self,
        accounts: Vec<Arc<Account>>,
        viewer: Option<u32>,
        at_least: Option<Revision>,
    ) -> Answer<Vec<UserView>> {
        let ids: Vec<u32> = accounts.iter().map(|account| account.id).collect();
        let list = |of: fn(Relation, UserId) -> ListRef, id: u32| of(Relation::Follow, UserId(id)).into();
        let lists = ids.iter().flat_map(|id| [list(ListRef::reverse, *id), list(ListRef::forward, *id)]).collect();
        let (counts, stats, relationships) = tokio::try_join!(
            self.graph.count(CountRequest { lists, at_least: at_least.clone() }),
            self.timeline.author_stats(AuthorStatsRequest { users: ids.clone() }),
            self.relationships(viewer, &ids, at_least),
        )?;
        let (counts, stats) = (counts.counts, stats.stats);
        if counts.len() != 2 * ids.len() || stats.len() != ids.len() {
            return Err(
                Error::new(Code::Internal, "a service answered for fewer people than it was asked about").into()
            );
        }
        let mut relationships = relationships.into_iter();
        let figures = counts.chunks_exact(2).zip(stats).map(|(counts, stats)| Figures {
            followers: counts[0],
            followees: counts[1],
            tweets: stats.tweets_count,
            relationship: relationships.next(),
        });
        let person = |(account, figures): (Arc<Account>, Figures)| {
            let private = viewer == Some(account.id);
            UserView::new(&account, figures, private)
        };
        Ok(accounts.into_iter().zip(figures.collect::<Vec<_>>()).map(person).collect())
    }

    /// One person as `viewer` sees them.
    pub(crate) async fn user_view(
        &self,
        account: Arc<Account>,
        viewer: Option<u32>,
        at_least: Option<Revision>,
    ) -> Answer<UserView> {
        let views = self.user_views(vec![account], viewer, at_least).await?;
        let missing = || Error::new(Code::Internal, "a person went missing on the way").into();
        views.into_iter().next().ok_or_else(missing)
    }

    /// How `viewer` stands to each of `ids`; nothing where nobody is looking. To oneself one stands in no way.
    pub(crate) async fn relationships(
        &self,
        viewer: Option<u32>,
        ids: &[u32],
        at_least: Option<Revision>,
    ) -> Result<Vec<RelationshipView>, Error> {
        let Some(viewer) = viewer else { return Ok(Vec::new()) };
        let others = ids.iter().filter(|id| **id != viewer);
        let pairs: Vec<_> = others.map(|id| Pair { source: viewer, target: *id }).collect();
        let asked = pairs.len();
        let related = match asked {
            0 => Vec::new(),
            _ => self.graph.relate(RelateRequest { pairs, at_least }).await?.relationships,
        };
        if related.len() != asked {
            return Err(Error::new(Code::Internal, "the graph answered for fewer pairs than it was asked about"));
        }
        let mut related = related.into_iter().map(RelationshipView::from);
        let of =
            |id: &u32| if *id == viewer { RelationshipView::default() } else { related.next().unwrap_or_default() };
        Ok(ids.iter().map(of).collect())
    }
}

/// The id of the one who looks.
pub(crate) fn viewer_id(caller: &Option<Caller>) -> Option<u32> {
    caller.as_ref().map(|caller| caller.account.id)
}
