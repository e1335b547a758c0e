//! Figures for profiles.

use base::{Error, UserId, limits};
use proto::timeline::{AuthorStats, AuthorStatsRequest, AuthorStatsResponse};

use super::TimelineService;

impl TimelineService {
    pub(super) async fn stats(&self, request: AuthorStatsRequest) -> Result<AuthorStatsResponse, Error> {
        proto::convert::at_most(request.users.len(), limits::BATCH_MAX, "users")?;
        let view = self.0.store.view();
        self.0
            .reads
            .run(move || {
                let count = |&user: &u32| Ok(AuthorStats { tweets_count: view.tweets_count(UserId(user))? });
                Ok(AuthorStatsResponse { stats: request.users.iter().map(count).collect::<Result<_, Error>>()? })
            })
            .await
    }
}
