//! `POST /api/login`, `POST /api/logout`, `POST /api/token/refresh`.

use std::sync::Arc;

use axum::extract::State;
use base::Code;
use http::StatusCode;
use serde::Serialize;

use crate::accounts::{Account, Credentials};
use crate::error::{Answer, Problem};
use crate::extract::{Body, Caller};
use crate::json::Json;
use crate::sessions::{RefreshToken, Rotation};
use crate::state::App;
use crate::views::UserView;

/// Somebody is logged in.
#[derive(Serialize)]
pub(crate) struct LoggedIn {
    access_token: String,
    refresh_token: String,
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
    user: UserView,
}

/// Logs in with a username or an email, and a password. Why it failed is not said, nor does it show in the time it takes:
/// who has an account here is nobody's business.
pub(crate) async fn log_in(State(app): State<Arc<App>>, mut body: Body) -> Answer<Json<LoggedIn>> {
    let login = body.required("login", Ok);
    let password = body.required("password", Ok);
    body.finish()?;
    let login = if login.contains('@') { login.to_lowercase() } else { login };
    let (account, kept) = match app.accounts.people.credentials(&login).await? {
        Some(Credentials { account, password_hash }) => (Some(account), password_hash),
        None => (None, None),
    };
    let right = app.accounts.passwords.verify(password, kept).await.map_err(base::Error::from)?;
    let Some(account) = account.filter(|_| right) else {
        return Err(Problem::new(Code::Unauthenticated, "the login or the password is wrong"));
    };
    let (id, now_ms) = (account.id, app.now_ms());
    let account = Arc::new(Account { last_login_at_ms: Some(now_ms), ..account });
    let user = app.user_view(account, Some(id), None).await?;
    let token = RefreshToken::random().map_err(base::Error::from)?;
    let session = app.accounts.sessions.begin(id, now_ms, &token).await?;
    logged_in(&app, id, &session, &token, user)
}

/// Takes a refresh token for new tokens. Each is good once; one that comes again ends its session.
pub(crate) async fn refresh(State(app): State<Arc<App>>, mut body: Body) -> Answer<Json<LoggedIn>> {
    let token = body.required("refresh_token", Ok);
    body.finish()?;
    let (token, next) = (RefreshToken::from_caller(token), RefreshToken::random().map_err(base::Error::from)?);
    let account = app.accounts.sessions.holder_of(&token).await?.ok_or_else(refused)?;
    let id = account.id;
    // All that can fail for want of another service comes first: a token that was used up without an answer would look
    // like theft when the caller tries again.
    let user = app.user_view(Arc::new(account), Some(id), None).await?;
    match app.accounts.sessions.rotate(&token, &next, app.now_ms()).await? {
        Rotation::Rotated(session) => logged_in(&app, id, &session, &next, user),
        Rotation::Reused => {
            tracing::warn!("a refresh token was used twice; its session has ended");
            Err(refused())
        }
        Rotation::Unknown => Err(refused()),
    }
}

/// Ends the caller's session.
pub(crate) async fn log_out(State(app): State<Arc<App>>, caller: Caller) -> Answer<StatusCode> {
    app.accounts.sessions.revoke(&caller.session, app.now_ms()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn refused() -> Problem {
    Problem::new(Code::Unauthenticated, "the refresh token is not good, or not any more")
}

fn logged_in(app: &App, id: u32, session: &str, token: &RefreshToken, user: UserView) -> Answer<Json<LoggedIn>> {
    let tokens = &app.accounts.tokens;
    let expires_in = tokens.lifetime_seconds();
    let access_token = tokens.sign(id, session, app.now_ms(), expires_in).map_err(base::Error::from)?;
    Ok(Json(LoggedIn { access_token, refresh_token: token.text().to_owned(), token_type: "Bearer", expires_in, user }))
}
