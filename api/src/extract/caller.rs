//! Who is calling: the bearer of an access token whose session has not ended.
//!
//! As an extractor, [`Caller`] refuses those who did not log in; `Option<Caller>` lets them pass as nobody. A token that is
//! not good is refused either way: who sends one means to be somebody.

use std::sync::Arc;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use base::Code;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::accounts::Account;
use crate::error::{Answer, Problem};
use crate::state::App;

/// Somebody who is logged in.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) account: Arc<Account>,
    pub(crate) session: Arc<str>,
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Answer<Self> {
        let caller = identify(&parts.headers, app).await?;
        caller.ok_or_else(|| Problem::new(Code::Unauthenticated, "log in first: this needs an access token"))
    }
}

impl OptionalFromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Answer<Option<Self>> {
        identify(&parts.headers, app).await
    }
}

async fn identify(headers: &HeaderMap, app: &App) -> Answer<Option<Caller>> {
    let Some(authorization) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let refused = || Problem::new(Code::Unauthenticated, "the access token is not good, or not any more");
    let (scheme, token) = authorization.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(refused());
    }
    let now_ms = app.now_ms();
    let access = app.accounts.tokens.read(token.trim(), now_ms).ok_or_else(refused)?;
    // The session is looked up each time: a token must be good for nothing the moment its session is revoked here, and a
    // second after another process did.
    match app.accounts.sessions.account_of(&access.session, now_ms).await? {
        Some(account) if account.id == access.user => Ok(Some(Caller { account, session: access.session })),
        _ => Err(refused()),
    }
}
