//! `POST /api/users`, `GET` and `PATCH /api/users/{username}`.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::IntoResponse;
use base::Code;
use http::StatusCode;
use http::header::LOCATION;
use proto::graph::AllocateUsersRequest;

use crate::accounts::{NewAccount, ProfileChange, validation};
use crate::error::{Answer, Problem};
use crate::extract::{AtLeast, Body, Caller, with_revision};
use crate::json::Json;
use crate::state::App;
use crate::views::{UserView, viewer_id};

/// Signs somebody up: 201 with the user.
///
/// The id comes from the graph before the account is written. Where the account cannot be written after all, the id is a
/// gap: never the other way round, an account without a user.
pub(crate) async fn sign_up(State(app): State<Arc<App>>, mut body: Body) -> Answer<impl IntoResponse> {
    let username = body.required("username", validation::username);
    let email = body.required("email", validation::email);
    let password = body.required("password", validation::password);
    let name = body.optional("name", validation::name);
    body.finish()?;
    app.accounts.people.check_free(&username, Some(&email)).await?;
    let password_hash = app.accounts.passwords.hash(password).await.map_err(base::Error::from)?;
    let idempotency_key = uuid::Uuid::new_v4().simple().to_string();
    let request = AllocateUsersRequest { count: 1, external_ids: Vec::new(), idempotency_key };
    let allocated = app.graph.allocate_users(request).await?;
    let missing = || base::Error::new(Code::Internal, "the graph gave out no id");
    let id = *allocated.users.first().ok_or_else(missing)?;
    let new = NewAccount {
        id,
        name: name.unwrap_or_else(|| username.clone()),
        username,
        description: String::new(),
        email: Some(email),
        password_hash: Some(password_hash),
        created_at_ms: app.now_ms(),
    };
    app.accounts.people.insert(&new).await?;
    let account = app.account_of(&new.username).await?;
    let location = [(LOCATION, format!("/api/users/{}", account.username))];
    let created = (StatusCode::CREATED, location, Json(UserView::newcomer(&account)));
    Ok(with_revision(allocated.revision, created))
}

/// A profile.
pub(crate) async fn profile(
    State(app): State<Arc<App>>,
    Path(username): Path<String>,
    AtLeast(at_least): AtLeast,
    caller: Option<Caller>,
) -> Answer<Json<UserView>> {
    let account = app.account_of(&username).await?;
    Ok(Json(app.user_view(account, viewer_id(&caller), at_least).await?))
}

/// Changes the caller's own profile, as a JSON merge patch (RFC 7396): what is missing stays, what is null is cleared. A
/// name that is cleared is the username again.
pub(crate) async fn change_profile(
    State(app): State<Arc<App>>,
    Path(username): Path<String>,
    caller: Caller,
    mut body: Body,
) -> Answer<Json<UserView>> {
    let account = caller.account;
    if account.username != username {
        app.account_of(&username).await?;
        return Err(Problem::new(Code::PermissionDenied, "a profile is changed by its owner alone"));
    }
    let now_ms = app.now_ms();
    let change = ProfileChange {
        name: body.patch("name", validation::name).map(|name| name.unwrap_or_else(|| username.clone())),
        description: body.patch("description", validation::description).map(Option::unwrap_or_default),
        image_url: body.patch("image_url", validation::web_url),
        hero_image_url: body.patch("hero_image_url", validation::web_url),
        date_of_birth: body.patch("date_of_birth", |text| validation::date_of_birth(text, now_ms)),
    };
    body.refuse_the_rest();
    body.finish()?;
    let changed = app.accounts.people.update(account.id, change).await?.ok_or_else(Problem::no_such_user)?;
    Ok(Json(app.user_view(changed.into(), Some(account.id), None).await?))
}
