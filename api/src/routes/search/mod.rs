//! `GET /api/search/users?q=`: people by handle and name.
//!
//! - `standing`: in which order, and pages of it.
//!
//! People who block the caller are not found.

mod standing;

use std::sync::Arc;

use axum::extract::State;
use base::{Code, Error, ListRef, Relation, UserId, limits};
use proto::common::Revision;
use proto::graph::{ContainsRequest, CountRequest, RanksRequest};

use self::standing::Standing;
use crate::accounts::{Matches, PeopleQuery};
use crate::error::Answer;
use crate::extract::{AtLeast, Caller, Paging, Parameters};
use crate::json::Json;
use crate::state::App;
use crate::views::{Page, UserView, viewer_id};

/// People who are put in order, at the most: the graph is asked about so many at once.
const CANDIDATES_MAX: usize = limits::BATCH_MAX;

/// People whose handle or name has the words that are searched for.
pub(crate) async fn users(
    State(app): State<Arc<App>>,
    mut parameters: Parameters,
    AtLeast(at_least): AtLeast,
    caller: Option<Caller>,
) -> Answer<Json<Page<UserView>>> {
    let query = parameters.required("q", PeopleQuery::parse);
    let paging = Paging::take(&mut parameters);
    parameters.finish()?;
    paging.by_cursor_only()?;
    let viewer = viewer_id(&caller);
    let matches = app.accounts.people.matching(&query, CANDIDATES_MAX).await?;
    let standings = app.standings(matches, viewer, at_least.clone()).await?;
    let page = standing::page(&standings, &paging.request())?;
    let ids = page.standings.iter().map(Standing::user).collect();
    let users = app.people(ids, viewer, at_least).await?;
    Ok(Json(Page::new(users, page.next_cursor, page.prev_cursor)))
}

impl App {
    /// Those of some matches whom `viewer` may find, in order, with one call for each thing that is asked about them.
    async fn standings(
        &self,
        matches: Matches,
        viewer: Option<u32>,
        at_least: Option<Revision>,
    ) -> Answer<Vec<Standing>> {
        let Matches { ids, named } = matches;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let followers = ids.iter().map(|id| ListRef::reverse(Relation::Follow, UserId(*id)).into()).collect();
        let (ranked, counted, hidden) = tokio::try_join!(
            self.graph.ranks(RanksRequest { users: ids.clone() }),
            self.graph.count(CountRequest { lists: followers, at_least: at_least.clone() }),
            self.blocking(&ids, viewer, at_least),
        )?;
        let ranks = if ranked.run.is_some() { ranked.ranks } else { vec![0.0; ids.len()] };
        let followers = counted.counts;
        if [ranks.len(), followers.len(), hidden.len()] != [ids.len(); 3] {
            return Err(
                Error::new(Code::Internal, "the graph answered for fewer people than it was asked about").into()
            );
        }
        let seen = (0..ids.len()).filter(|place| !hidden[*place]);
        let standing = |place: usize| {
            let id = ids[place];
            Standing::new(named == Some(id), ranks[place], followers[place], id)
        };
        let mut standings: Vec<Standing> = seen.map(standing).collect();
        standings.sort_unstable();
        Ok(standings)
    }

    /// For each of some people, whether they block `viewer`.
    async fn blocking(&self, ids: &[u32], viewer: Option<u32>, at_least: Option<Revision>) -> Result<Vec<bool>, Error> {
        let Some(viewer) = viewer else { return Ok(vec![false; ids.len()]) };
        let blockers = ListRef::reverse(Relation::Block, UserId(viewer));
        let request = ContainsRequest { list: Some(blockers.into()), users: ids.to_vec(), at_least };
        Ok(self.graph.contains(request).await?.contained)
    }
}
