//! `/admin/me/authorization`: whose key it is, in the dialect's words.

use axum::Json;
use axum::extract::State;
use keepstep_api::lua::{Authorization, AuthorizationContext, Envelope};
use keepstep_platform::Platform;
use keepstep_store::{Role, StoreError};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::api::lua::backup::time;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::request::{Parameters, Segments};

/// `GET /admin/me/authorization`
#[utoipa::path(
    get,
    path = "/admin/me/authorization",
    responses((status = 200, description = "Whose key it is", body = Envelope<Authorization>))
)]
pub(crate) async fn authorization(
    State(platform): State<Platform>,
    caller: Caller,
) -> Result<Json<Envelope<Authorization>>, ApiError> {
    caller.require(Role::Viewer)?;
    let role = caller.role;
    let org_id = &caller.scope.org_id;
    let organizations = platform.store.organizations().await?;
    let name = organizations.into_iter().find(|organization| organization.id == *org_id);
    let organization = json!({
        "orgId": org_id,
        "name": name.map(|organization| organization.name),
        "archived": false,
        "capabilityProfile": role.label(),
        "displayRoles": [{ "role": role.label(), "boundTo": "org", "resourceId": org_id }],
        "membership": { "rostered": true, "active": true },
        "discoveredVia": "org-grant",
    });
    Ok(Json(Envelope::of(Authorization {
        version: 1,
        generated_at: time(platform.store.now()),
        authorization_principal: json!({ "subjectType": "user", "subjectId": caller.id }),
        orgs: vec![organization],
        capability_profiles: Map::from_iter([(role.label().to_owned(), json!(allowed(role)))]),
    })))
}

/// `GET /admin/me/authorization/context`
#[utoipa::path(
    get,
    path = "/admin/me/authorization/context",
    responses((status = 200, description = "A name to show", body = Envelope<AuthorizationContext>))
)]
pub(crate) async fn context(caller: Caller) -> Result<Json<Envelope<AuthorizationContext>>, ApiError> {
    caller.require(Role::Viewer)?;
    // A key has no address; its name is what a person knows it by.
    let name = caller.name.clone();
    Ok(Json(Envelope::of(AuthorizationContext { email: name.clone(), full_name: Some(name) })))
}

/// Which resources a client wants.
#[derive(Debug, Deserialize)]
pub(crate) struct ResourceQuery {
    kind: Option<String>,
}

/// `GET /admin/me/authorization/orgs/{org}/resources?kind=agent&limit=&cursor=`: what a key can read of an organization, in one page.
///
/// `agents` and `init` of the peer read it and fail without any single member of it.
#[utoipa::path(
    get,
    path = "/admin/me/authorization/orgs/{org}/resources",
    params(("org" = String, Path, description = "The organization"), ("kind" = Option<String>, Query, description = "`agent`, the only kind")),
    responses((status = 200, description = "The agents that the key can read", body = Object))
)]
pub(crate) async fn resources(
    State(platform): State<Platform>,
    caller: Caller,
    Segments(org): Segments<String>,
    Parameters(query): Parameters<ResourceQuery>,
) -> Result<Json<Envelope<Value>>, ApiError> {
    caller.require(Role::Viewer)?;
    if org != caller.scope.org_id {
        return Err(StoreError::OrganizationNotFound(org).into());
    }
    let role = caller.role;
    let agents = if query.kind.as_deref().is_none_or(|kind| kind == "agent") {
        platform.store.agents(&caller.scope).await?
    } else {
        Vec::new()
    };
    let resources: Vec<Value> = agents
        .into_iter()
        .map(|agent| {
            json!({
                "resourceType": "agent",
                "resourceId": agent.id,
                "kind": "agent",
                "orgId": agent.org_id,
                "name": agent.name(),
                "visibility": "private",
                "capabilityProfile": role.label(),
                "displayRoles": [],
                "discoveredVia": "org-cascade",
                "rostered": true,
            })
        })
        .collect();
    Ok(Json(Envelope::of(json!({
        "version": 1,
        "generatedAt": time(platform.store.now()),
        "orgId": org,
        "nextCursor": null,
        "capabilityProfiles": { role.label(): allowed(role) },
        "resources": resources,
    }))))
}

/// Returns what a role may do, in the dialect's words.
fn allowed(role: Role) -> Vec<&'static str> {
    let mut allowed = vec!["agent:read"];
    if role >= Role::Editor {
        allowed.push("agent:write");
    }
    if role >= Role::Owner {
        allowed.push("org:admin");
    }
    allowed
}
