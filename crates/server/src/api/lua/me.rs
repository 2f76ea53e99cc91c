//! `/admin/me/authorization`: whose key it is, in the dialect's words.

use axum::Json;
use axum::extract::State;
use keepstep_api::lua::{Authorization, AuthorizationContext, Envelope};
use keepstep_store::Role;
use serde_json::{Map, json};

use crate::api::lua::backup::time;
use crate::app::AppState;
use crate::auth::Caller;
use crate::error::ApiError;

/// `GET /admin/me/authorization`
#[utoipa::path(
    get,
    path = "/admin/me/authorization",
    responses((status = 200, description = "Whose key it is", body = Envelope<Authorization>))
)]
pub(crate) async fn authorization(
    State(state): State<AppState>,
    caller: Caller,
) -> Result<Json<Envelope<Authorization>>, ApiError> {
    caller.must_be(Role::Viewer)?;
    let role = caller.key.role;
    let mut allowed = vec!["agent:read"];
    if role >= Role::Editor {
        allowed.push("agent:write");
    }
    if role >= Role::Owner {
        allowed.push("org:admin");
    }
    let org_id = &caller.scope().org_id;
    let organisations = state.store.organisations().await?;
    let name = organisations.into_iter().find(|organisation| organisation.id == *org_id);
    let organisation = json!({
        "orgId": org_id,
        "name": name.map(|organisation| organisation.name),
        "archived": false,
        "capabilityProfile": role.label(),
        "displayRoles": [{ "role": role.label(), "boundTo": "org", "resourceId": org_id }],
        "membership": { "rostered": true, "active": true },
        "discoveredVia": "org-grant",
    });
    Ok(Json(Envelope::of(Authorization {
        version: 1,
        generated_at: time(state.store.now()),
        authorization_principal: json!({ "subjectType": "user", "subjectId": caller.key.id }),
        orgs: vec![organisation],
        capability_profiles: Map::from_iter([(role.label().to_owned(), json!(allowed))]),
    })))
}

/// `GET /admin/me/authorization/context`
#[utoipa::path(
    get,
    path = "/admin/me/authorization/context",
    responses((status = 200, description = "A name to show", body = Envelope<AuthorizationContext>))
)]
pub(crate) async fn context(caller: Caller) -> Result<Json<Envelope<AuthorizationContext>>, ApiError> {
    caller.must_be(Role::Viewer)?;
    // A key has no address; its name is what a person knows it by.
    let name = caller.name().to_owned();
    Ok(Json(Envelope::of(AuthorizationContext { email: name.clone(), full_name: Some(name) })))
}
