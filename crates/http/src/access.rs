//! Who may call what: one table for all dialects and pages, asked before anything of a body is read.
//!
//! A route that is not in the table answers nobody, so nobody can add one without saying who may call it. What a path names has to be
//! there for the caller as well, so that a stranger's 64 MiB are refused by their first line. Handlers say once more which role they
//! need; a handler that needs more than the table says is still safe, only later.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::body::HttpBody as _;
use axum::extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use keepstep_api::lua::PrimitiveKind;
use keepstep_platform::{Actor, Caller, Error, Platform, Rate, printable};
use keepstep_store::{Role, Scope, StoreError};

use crate::address::Address;
use crate::{device, key, large_answers, pace, request_log, session};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Anybody.
    Anybody,
    /// Anybody; where the server is set up so, only whoever has a key.
    AnybodyUnlessClosed,
    /// Whoever has a key of at least this role.
    Key(Role),
    /// Whoever is signed in in a browser, with at least this role. What changes something comes from one of our own pages.
    Person(Role),
    /// Whoever has a key or is signed in in a browser.
    KeyOrPerson,
    /// Whoever has an address that was signed here.
    SignedAddress,
    /// Whoever has a link that signs in.
    Link,
    /// Whoever has a key; on the server's own machine anybody, as long as no proxy stands before the server.
    Operator,
}

/// What a path names, which has to be there for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    Nothing,
    Agent,
    /// The first part of an agent's id.
    Agents,
    /// All of the organization, so that a key of one project is too narrow.
    Organization,
    Project,
    Scenario,
    Bundle,
    Upload,
}

/// A route as the table has it.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, with names in braces.
    pub path: &'static str,
    /// Who may call it.
    pub who: Who,
    names: Names,
}

/// What the fluxloop dialect leaves to a language model on the server, which this platform does not have: each address, with what it
/// would do.
pub const LEFT_TO_MODELS: [(&str, &str); 8] = [
    ("/api/scenarios/refine", "refine scenarios"),
    ("/api/scenarios/generate", "generate scenarios"),
    ("/api/intents/refine", "refine intents"),
    ("/api/inputs/synthesize", "synthesize inputs"),
    ("/api/inputs/refine", "refine inputs"),
    ("/api/inputs/qc", "judge inputs"),
    ("/api/personas/suggest", "suggest personas"),
    ("/api/evaluations", "evaluate experiments"),
];

/// Returns all routes.
pub fn routes() -> Vec<Route> {
    use Names::{Agent, Agents, Bundle, Nothing, Organization, Project, Scenario, Upload};
    use Role::{Editor, Owner, Viewer};
    use Who::{Anybody, AnybodyUnlessClosed, Key, KeyOrPerson, Link, Operator, Person, SignedAddress};
    let mut routes = vec![
        // For those who run the server.
        ("GET", "/healthz", Anybody, Nothing),
        ("GET", "/metrics", Operator, Nothing),
        ("GET", "/api/openapi.json", AnybodyUnlessClosed, Nothing),
        // Our own additions.
        ("GET", "/api/v1/whoami", Key(Viewer), Nothing),
        ("GET", "/api/v1/agents", Key(Viewer), Nothing),
        ("POST", "/api/v1/agents", Key(Owner), Nothing),
        ("GET", "/api/v1/agents/{id}/state", Key(Viewer), Agent),
        ("PATCH", "/api/v1/agents/{id}/definition", Key(Editor), Agent),
        ("POST", "/api/v1/agents/{id}/drift", Key(Viewer), Agent),
        ("GET", "/api/v1/agents/{id}/revisions/{revision}", Key(Viewer), Agent),
        ("GET", "/api/v1/agents/{id}/personas", Key(Viewer), Agent),
        ("GET", "/api/v1/agents/{id}/personas/{version}", Key(Viewer), Agent),
        ("POST", "/api/v1/agents/{id}/personas/{version}/deploy", Key(Editor), Agent),
        ("GET", "/api/v1/agents/{id}/personas/{version}/diff/{other}", Key(Viewer), Agent),
        ("POST", "/api/v1/uploads", Key(Editor), Nothing),
        ("GET", "/api/v1/uploads/{upload}", Key(Editor), Upload),
        ("PUT", "/api/v1/uploads/{upload}/parts", Key(Editor), Upload),
        ("POST", "/api/v1/uploads/{upload}/commit", Key(Editor), Upload),
        ("GET", "/api/v1/artifacts/{artifact}", KeyOrPerson, Nothing),
        ("POST", "/api/v1/projects/{id}/import", Key(Editor), Project),
        ("POST", "/api/v1/projects/{id}/live", Key(Editor), Project),
        ("GET", "/api/v1/events", Key(Viewer), Nothing),
        // The lua dialect.
        ("GET", "/admin/me/authorization", Key(Viewer), Nothing),
        ("GET", "/admin/me/authorization/context", Key(Viewer), Nothing),
        ("GET", "/admin/me/authorization/orgs/{org}/resources", Key(Viewer), Nothing),
        ("GET", "/admin/agents/{id}", Key(Viewer), Agent),
        ("PATCH", "/agents/{id}/sub-agent", Key(Editor), Agents),
        ("GET", "/developer/agents/{id}/persona/versions", Key(Viewer), Agent),
        ("POST", "/developer/agents/{id}/persona/version", Key(Editor), Agent),
        ("POST", "/developer/agents/{id}/persona/version/{version}", Key(Editor), Agent),
        ("GET", "/developer/agents/{id}/versions", Key(Viewer), Agent),
        ("GET", "/developer/agents/{id}/backup", Key(Viewer), Agent),
        ("GET", "/developer/agents/{id}/backup/manifest", Key(Viewer), Agent),
        ("GET", "/developer/agents/{id}/backup/versions", Key(Viewer), Agent),
        ("POST", "/developer/agents/{id}/backup/blob-urls", Key(Viewer), Agent),
        // The fluxloop dialect.
        ("POST", "/api/cli-connect/start", Anybody, Nothing),
        ("POST", "/api/cli-connect/complete", Anybody, Nothing),
        ("POST", "/api/cli-connect/refresh", Anybody, Nothing),
        ("GET", "/api/workspaces", Key(Viewer), Nothing),
        ("GET", "/api/projects", Key(Viewer), Nothing),
        ("POST", "/api/projects", Key(Owner), Organization),
        ("GET", "/api/projects/{id}", Key(Viewer), Project),
        ("GET", "/api/api-keys", Key(Owner), Nothing),
        ("POST", "/api/api-keys", Key(Owner), Nothing),
        ("DELETE", "/api/api-keys/{id}", Key(Owner), Nothing),
        ("GET", "/api/scenarios", Key(Viewer), Nothing),
        ("POST", "/api/scenarios", Key(Editor), Nothing),
        ("GET", "/api/scenarios/{id}", Key(Viewer), Scenario),
        ("PATCH", "/api/scenarios/{id}", Key(Editor), Scenario),
        ("GET", "/api/bundles", Key(Viewer), Nothing),
        ("POST", "/api/bundles", Key(Editor), Nothing),
        ("GET", "/api/bundles/{id}", Key(Viewer), Bundle),
        ("PUT", "/api/bundles/{id}", Key(Editor), Bundle),
        ("POST", "/api/bundles/{id}/publish", Key(Editor), Bundle),
        ("GET", "/api/inputs", Key(Viewer), Nothing),
        ("GET", "/api/inputs/{id}", Key(Viewer), Nothing),
        ("GET", "/api/personas", Key(Viewer), Nothing),
        ("POST", "/api/personas", Key(Editor), Nothing),
        ("POST", "/api/storage/presign", Key(Editor), Nothing),
        ("PUT", "/api/storage/upload/{token}", SignedAddress, Nothing),
        ("POST", "/api/sync/pull", Key(Viewer), Nothing),
        ("POST", "/api/sync/upload", Key(Editor), Nothing),
        ("POST", "/api/sync/turns", Key(Editor), Nothing),
        ("GET", "/api/sync/status", Key(Viewer), Nothing),
        ("GET", "/api/experiments", Key(Viewer), Nothing),
        ("GET", "/api/runs", Key(Viewer), Nothing),
        ("GET", "/api/evaluations/jobs", Key(Viewer), Nothing),
        // The pages.
        ("GET", "/", Person(Viewer), Nothing),
        ("GET", "/changes", Person(Viewer), Nothing),
        ("GET", "/new-agent", Person(Owner), Nothing),
        ("POST", "/new-agent", Person(Owner), Nothing),
        ("GET", "/agents/{id}", Person(Viewer), Agent),
        ("GET", "/agents/{id}/edit", Person(Editor), Agent),
        ("POST", "/agents/{id}/edit", Person(Editor), Agent),
        ("PUT", "/agents/{id}/draft", Person(Editor), Agent),
        ("GET", "/agents/{id}/draft/discard", Person(Editor), Agent),
        ("POST", "/agents/{id}/draft/discard", Person(Editor), Agent),
        ("PUT", "/agents/{id}/presence", Person(Editor), Agent),
        ("GET", "/agents/{id}/versions/{version}", Person(Viewer), Agent),
        ("POST", "/agents/{id}/versions/{version}/deploy", Person(Editor), Agent),
        ("POST", "/agents/{id}/versions/{version}/propose", Person(Editor), Agent),
        ("POST", "/agents/{id}/versions/{version}/review", Person(Editor), Agent),
        ("GET", "/publishing", Person(Owner), Nothing),
        ("POST", "/publishing", Person(Owner), Nothing),
        ("GET", "/sign-in/link/{token}", Link, Nothing),
        ("POST", "/sign-in/link/{token}", Link, Nothing),
        ("GET", "/sign-in/link/{token}/oidc", Link, Nothing),
        ("GET", "/sign-in/oidc", Anybody, Nothing),
        // It signs in only the browser that has begun; see the handler.
        ("GET", "/sign-in/oidc/callback", Anybody, Nothing),
        ("GET", "/sign-in", Anybody, Nothing),
        ("POST", "/sign-in", Anybody, Nothing),
        ("POST", "/sign-out", Person(Viewer), Nothing),
        ("GET", "/account", Person(Viewer), Nothing),
        ("POST", "/account", Person(Viewer), Nothing),
        ("POST", "/account/password", Person(Viewer), Nothing),
        ("POST", "/account/theme", Person(Viewer), Nothing),
        ("POST", "/account/sessions/end", Person(Viewer), Nothing),
        ("POST", "/account/identities/link", Person(Viewer), Nothing),
        ("GET", "/account/identities/{identity}/unlink", Person(Viewer), Nothing),
        ("POST", "/account/identities/{identity}/unlink", Person(Viewer), Nothing),
        ("GET", "/members", Person(Owner), Nothing),
        ("POST", "/members", Person(Owner), Nothing),
        ("GET", "/members/invite", Person(Owner), Nothing),
        ("POST", "/members/invite", Person(Owner), Nothing),
        ("GET", "/members/links/{link}/revoke", Person(Owner), Nothing),
        ("POST", "/members/links/{link}/revoke", Person(Owner), Nothing),
        ("GET", "/members/{user}", Person(Owner), Nothing),
        ("POST", "/members/{user}/reset", Person(Owner), Nothing),
        ("POST", "/members/{user}/role", Person(Owner), Nothing),
        ("POST", "/members/{user}/projects", Person(Owner), Nothing),
        ("POST", "/members/{user}/sessions/end", Person(Owner), Nothing),
        ("GET", "/members/{user}/remove", Person(Owner), Nothing),
        ("POST", "/members/{user}/remove", Person(Owner), Nothing),
        ("GET", "/projects", Person(Viewer), Nothing),
        ("GET", "/projects/{project}", Person(Viewer), Project),
        ("GET", "/new-project", Person(Owner), Nothing),
        ("POST", "/new-project", Person(Owner), Nothing),
        ("GET", "/projects/{project}/settings", Person(Owner), Project),
        ("POST", "/projects/{project}/settings", Person(Owner), Project),
        ("GET", "/projects/{project}/retention", Person(Owner), Project),
        ("POST", "/projects/{project}/retention", Person(Owner), Project),
        ("GET", "/projects/{project}/retention/delete", Person(Owner), Project),
        ("POST", "/projects/{project}/retention/delete", Person(Owner), Project),
        ("GET", "/projects/{project}/delete", Person(Owner), Project),
        ("POST", "/projects/{project}/delete", Person(Owner), Project),
        ("POST", "/projects/{project}/restore", Person(Owner), Nothing),
        ("GET", "/projects/{project}/new-scenario", Person(Editor), Project),
        ("POST", "/projects/{project}/new-scenario", Person(Editor), Project),
        ("GET", "/projects/{project}/personas", Person(Viewer), Project),
        ("GET", "/projects/{project}/personas/new", Person(Editor), Project),
        ("POST", "/projects/{project}/personas/new", Person(Editor), Project),
        ("GET", "/projects/{project}/personas/{persona}", Person(Editor), Project),
        ("POST", "/projects/{project}/personas/{persona}", Person(Editor), Project),
        ("GET", "/projects/{project}/personas/{persona}/delete", Person(Editor), Project),
        ("POST", "/projects/{project}/personas/{persona}/delete", Person(Editor), Project),
        ("POST", "/projects/{project}/personas/{persona}/restore", Person(Editor), Project),
        ("GET", "/projects/{project}/scenarios/{scenario}", Person(Viewer), Project),
        ("GET", "/projects/{project}/scenarios/{scenario}/settings", Person(Editor), Project),
        ("POST", "/projects/{project}/scenarios/{scenario}/settings", Person(Editor), Project),
        ("POST", "/projects/{project}/scenarios/{scenario}/gate", Person(Editor), Project),
        ("GET", "/projects/{project}/scenarios/{scenario}/delete", Person(Editor), Project),
        ("POST", "/projects/{project}/scenarios/{scenario}/delete", Person(Editor), Project),
        ("POST", "/projects/{project}/scenarios/{scenario}/restore", Person(Editor), Project),
        ("GET", "/projects/{project}/scenarios/{scenario}/add", Person(Editor), Project),
        ("POST", "/projects/{project}/scenarios/{scenario}/add", Person(Editor), Project),
        ("GET", "/projects/{project}/scenarios/{scenario}/add/{sheet}", Person(Editor), Project),
        ("POST", "/projects/{project}/scenarios/{scenario}/add/{sheet}", Person(Editor), Project),
        ("GET", "/projects/{project}/scenarios/{scenario}/download/{format}", Person(Viewer), Project),
        ("GET", "/projects/{project}/scenarios/{scenario}/publish", Person(Editor), Project),
        ("POST", "/projects/{project}/scenarios/{scenario}/publish", Person(Editor), Project),
        ("GET", "/projects/{project}/scenarios/{scenario}/versions", Person(Viewer), Project),
        ("GET", "/projects/{project}/scenarios/{scenario}/versions/{version}", Person(Viewer), Project),
        ("POST", "/projects/{project}/scenarios/{scenario}/inputs", Person(Editor), Project),
        ("POST", "/projects/{project}/scenarios/{scenario}/inputs/{input}", Person(Editor), Project),
        ("GET", "/projects/{project}/scenarios/{scenario}/inputs/{input}/delete", Person(Editor), Project),
        ("POST", "/projects/{project}/scenarios/{scenario}/inputs/{input}/delete", Person(Editor), Project),
        ("GET", "/projects/{project}/scenarios/{scenario}/inputs/{input}/revert", Person(Editor), Project),
        ("POST", "/projects/{project}/scenarios/{scenario}/inputs/{input}/revert", Person(Editor), Project),
        ("GET", "/projects/{project}/scenarios/{scenario}/criteria", Person(Viewer), Project),
        ("GET", "/projects/{project}/scenarios/{scenario}/criteria/new", Person(Editor), Project),
        ("POST", "/projects/{project}/scenarios/{scenario}/criteria/new", Person(Editor), Project),
        ("GET", "/projects/{project}/scenarios/{scenario}/criteria/{pack}", Person(Editor), Project),
        ("POST", "/projects/{project}/scenarios/{scenario}/criteria/{pack}", Person(Editor), Project),
        ("GET", "/projects/{project}/scenarios/{scenario}/criteria/{pack}/delete", Person(Editor), Project),
        ("POST", "/projects/{project}/scenarios/{scenario}/criteria/{pack}/delete", Person(Editor), Project),
        ("GET", "/projects/{project}/scenarios/{scenario}/criteria/{pack}/revert", Person(Editor), Project),
        ("POST", "/projects/{project}/scenarios/{scenario}/criteria/{pack}/revert", Person(Editor), Project),
        ("GET", "/projects/{project}/scenarios/{scenario}/criteria/{pack}/{criterion}", Person(Editor), Project),
        ("POST", "/projects/{project}/scenarios/{scenario}/criteria/{pack}/{criterion}", Person(Editor), Project),
        ("GET", "/projects/{project}/scenarios/{scenario}/criteria/{pack}/{criterion}/delete", Person(Editor), Project),
        ("POST", "/projects/{project}/scenarios/{scenario}/criteria/{pack}/{criterion}/delete", Person(Editor), Project),
        ("GET", "/projects/{project}/trends", Person(Viewer), Project),
        ("GET", "/projects/{project}/trends/inputs", Person(Viewer), Project),
        ("GET", "/projects/{project}/compare", Person(Viewer), Project),
        ("GET", "/projects/{project}/experiments", Person(Viewer), Project),
        ("GET", "/projects/{project}/experiments/{experiment}", Person(Viewer), Project),
        ("GET", "/projects/{project}/experiments/{experiment}/export/{format}", Person(Viewer), Project),
        ("GET", "/projects/{project}/experiments/{experiment}/labels", Person(Editor), Project),
        ("POST", "/projects/{project}/experiments/{experiment}/labels", Person(Editor), Project),
        ("POST", "/projects/{project}/experiments/{experiment}/pin", Person(Editor), Project),
        ("POST", "/projects/{project}/experiments/{experiment}/unpin", Person(Editor), Project),
        ("POST", "/projects/{project}/experiments/{experiment}/gate/seen", Person(Editor), Project),
        ("GET", "/projects/{project}/experiments/{experiment}/delete", Person(Editor), Project),
        ("POST", "/projects/{project}/experiments/{experiment}/delete", Person(Editor), Project),
        ("POST", "/projects/{project}/experiments/{experiment}/restore", Person(Editor), Project),
        ("GET", "/projects/{project}/experiments/{experiment}/shares", Person(Editor), Project),
        ("POST", "/projects/{project}/experiments/{experiment}/shares", Person(Editor), Project),
        ("GET", "/projects/{project}/experiments/{experiment}/shares/{share}/revoke", Person(Editor), Project),
        ("POST", "/projects/{project}/experiments/{experiment}/shares/{share}/revoke", Person(Editor), Project),
        // Whoever has the link is shown what it names, and nobody else; see the handler.
        ("GET", "/shared/{token}", Anybody, Nothing),
        ("GET", "/projects/{project}/experiments/{experiment}/cases/{case}", Person(Viewer), Project),
        ("POST", "/projects/{project}/experiments/{experiment}/cases/{case}/verdict", Person(Editor), Project),
        ("POST", "/projects/{project}/experiments/{experiment}/cases/{case}/input", Person(Editor), Project),
        ("GET", "/projects/{project}/experiments/{experiment}/cases/{case}/messages/{number}", Person(Viewer), Project),
        ("GET", "/projects/{project}/experiments/{experiment}/runs/{case}", Person(Viewer), Project),
        ("GET", "/connect", Person(Viewer), Nothing),
        ("POST", "/connect", Person(Viewer), Nothing),
        ("POST", "/connect/decide", Person(Viewer), Nothing),
        ("GET", "/connect/devices/{device}/sign-out", Person(Viewer), Nothing),
        ("POST", "/connect/devices/{device}/sign-out", Person(Viewer), Nothing),
        ("GET", "/keys", Person(Owner), Nothing),
        ("POST", "/keys", Person(Owner), Nothing),
        ("GET", "/keys/{key}/revoke", Person(Owner), Nothing),
        ("POST", "/keys/{key}/revoke", Person(Owner), Nothing),
        ("GET", "/keys/devices/{device}/sign-out", Person(Owner), Nothing),
        ("POST", "/keys/devices/{device}/sign-out", Person(Owner), Nothing),
        ("GET", "/search", Person(Viewer), Nothing),
        ("GET", "/webhooks", Person(Owner), Nothing),
        ("POST", "/webhooks", Person(Owner), Nothing),
        ("GET", "/webhooks/{webhook}", Person(Owner), Nothing),
        ("POST", "/webhooks/{webhook}/test", Person(Owner), Nothing),
        ("POST", "/webhooks/{webhook}/deliveries/{delivery}/send", Person(Owner), Nothing),
        ("GET", "/webhooks/{webhook}/delete", Person(Owner), Nothing),
        ("POST", "/webhooks/{webhook}/delete", Person(Owner), Nothing),
        ("GET", "/activity", Person(Owner), Nothing),
        ("GET", "/activity/export", Person(Owner), Nothing),
        ("GET", "/server", Person(Owner), Nothing),
        ("GET", "/usage", Person(Owner), Nothing),
        ("GET", "/events", Person(Viewer), Nothing),
        ("GET", "/assets/{file}", Anybody, Nothing),
    ];
    routes.extend(LEFT_TO_MODELS.map(|(path, _)| ("POST", path, Key(Viewer), Nothing)));
    for kind in PrimitiveKind::ALL {
        routes.push(("GET", kind.path(), Key(Viewer), Agent));
        routes.push(("POST", kind.path(), Key(Editor), Agent));
    }
    routes.into_iter().map(|(method, path, who, names)| Route { method, path, who, names }).collect()
}

/// The table by path.
static ROUTES: LazyLock<HashMap<&'static str, Vec<Route>>> = LazyLock::new(|| {
    let mut table: HashMap<_, Vec<Route>> = HashMap::new();
    for route in routes() {
        table.entry(route.path).or_default().push(route);
    }
    table
});

/// Returns true where a path, with names in braces, is that of a page for people.
pub fn is_page(path: &str) -> bool {
    ROUTES.get(path).is_some_and(|routes| routes.iter().any(|route| route.method == "GET" && matches!(route.who, Who::Person(_))))
}

fn route_of(request: &Request) -> Result<Route, Error> {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let method = if request.method() == Method::HEAD { "GET" } else { request.method().as_str() };
    let Some(of_path) = ROUTES.get(path) else {
        return Err(Error::Internal(format!("{path} is in no table of who may call it")));
    };
    of_path.iter().find(|route| route.method == method).copied().ok_or_else(|| Error::MethodNotAllowed {
        method: printable(request.method().as_str()),
        path: printable(request.uri().path()),
    })
}

/// Passes those on who may call a route, with what is known of them. The others are told why not, as `refuse` says it.
pub async fn decide(platform: &Platform, request: Request, next: Next, refuse: fn(Error) -> Response) -> Response {
    let is_large = request.extensions().get::<MatchedPath>().is_some_and(|path| large_answers::is_large(path.as_str()));
    let has_body = !request.body().is_end_stream();
    let request = match admit(platform, request).await {
        Ok(request) => request,
        Err(error) => {
            let rate = if let Error::TooFast(rate) = &error { Some(*rate) } else { None };
            let mut answer = refuse(error);
            if let Some(rate) = rate {
                note_rate(&mut answer, rate);
            }
            if has_body {
                // A body that nobody reads ends its connection, so a client is told not to send the next request there.
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            return answer;
        }
    };
    let caller = request.extensions().get::<Caller>().cloned();
    let rate = request.extensions().get::<Rate>().copied();
    let answer = async {
        if !is_large {
            return next.run(request).await;
        }
        large_answers::answer(platform, request, next).await.unwrap_or_else(refuse)
    };
    let mut answer = match caller {
        Some(caller) => caller.scope(answer).await,
        None => answer.await,
    };
    if let Some(rate) = rate {
        note_rate(&mut answer, rate);
    }
    answer
}

/// Says in an answer how far its caller is from the limit, as `draft-ietf-httpapi-ratelimit-headers-10` has it.
fn note_rate(answer: &mut Response, rate: Rate) {
    let Rate { limit, window, remaining, reset, .. } = rate;
    let fields = [
        ("ratelimit-policy", format!("\"requests\";q={limit};w={window}")),
        ("ratelimit", format!("\"requests\";r={remaining};t={reset}")),
    ];
    for (name, value) in fields {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().insert(name, value);
        }
    }
}

async fn admit(platform: &Platform, request: Request) -> Result<Request, Error> {
    let route = route_of(&request)?;
    let (mut parts, body) = request.into_parts();
    // Reading changes nothing, and has no body: the handler finds out itself what is not there.
    let writes = !matches!(route.method, "GET" | "DELETE");
    match route.who {
        Who::Anybody => {}
        Who::AnybodyUnlessClosed => {
            if platform.settings.is_description_closed {
                require_key(platform, &mut parts).await?;
            }
        }
        Who::Key(role) => {
            let mut holder = key::holder(&parts.headers, platform).await?;
            count_request(platform, &holder.actor, &mut parts)?;
            if !holder.actor.memberships.is_empty()
                && let Some(project) = project_named(platform, &holder.actor.scope, route.names, &mut parts).await?
            {
                holder.actor = holder.actor.inside(Some(&project));
            }
            holder.actor.require(role)?;
            if writes {
                check_named(platform, &holder.actor, route.names, &mut parts).await?;
            }
            request_log::note_caller(&holder.actor.name);
            platform.note_key_use(&holder.actor, || device::name(&parts.headers));
            parts.extensions.insert(holder);
        }
        Who::Person(role) => {
            if writes {
                session::check_origin(&parts.headers, platform)?;
            }
            match session::of(&parts.headers, platform).await {
                Ok(mut session) => {
                    if !session.rights.memberships.is_empty()
                        && let Some(project) = project_named(platform, &session.rights.scope, route.names, &mut parts).await?
                    {
                        session.rights = session.rights.inside(Some(&project));
                        session.user.role = session.rights.role;
                    }
                    let actor = Actor::from(&session);
                    count_request(platform, &actor, &mut parts)?;
                    actor.require(role)?;
                    if writes && route.names == Names::Agent {
                        let id = first_parameter(&mut parts, platform).await.unwrap_or_default();
                        let agent = id.parse().map_err(|_| Error::NoAgents(printable(&id)))?;
                        platform.store.agent(&actor.scope, &agent).await?;
                    }
                    request_log::note_caller(&actor.name);
                    platform.note_session_use(&session);
                    parts.extensions.insert(session);
                }
                // What somebody typed outlives their session: the form says so itself, to them alone.
                Err(Error::NotSignedIn { ended: true })
                    if writes && session::ended(&parts.headers, platform).await?.is_some() => {}
                Err(error) => return Err(error),
            }
        }
        // The handler says who may; here it is counted.
        Who::KeyOrPerson => {
            if parts.headers.contains_key(header::AUTHORIZATION) {
                let holder = key::holder(&parts.headers, platform).await?;
                count_request(platform, &holder.actor, &mut parts)?;
                parts.extensions.insert(holder);
            } else if let Ok(session) = session::of(&parts.headers, platform).await {
                count_request(platform, &Actor::from(&session), &mut parts)?;
            }
        }
        Who::SignedAddress => {
            let token = first_parameter(&mut parts, platform).await.unwrap_or_default();
            platform.check_address(&token).await?;
        }
        Who::Link => {
            if writes {
                session::check_origin(&parts.headers, platform)?;
                let token = first_parameter(&mut parts, platform).await.unwrap_or_default();
                platform.link_target(&token).await?;
            }
        }
        Who::Operator => {
            if !is_on_this_machine(&parts, platform) {
                require_key(platform, &mut parts).await?;
            }
        }
    }
    if route.method != "GET" && !matches!(route.who, Who::SignedAddress) {
        let Ok(Address(address)) = Address::from_request_parts(&mut parts, platform).await;
        parts.extensions.insert(Caller { device: device::name(&parts.headers), address });
    }
    let body = if body.is_end_stream() { body } else { pace::paced(body) };
    Ok(Request::from_parts(parts, body))
}

/// Fails for whoever has no key, of any role.
async fn require_key(platform: &Platform, parts: &mut Parts) -> Result<(), Error> {
    let actor = key::holder(&parts.headers, platform).await?.actor;
    count_request(platform, &actor, parts)?;
    actor.require(Role::Viewer)
}

/// Counts a request, and keeps for its answer how far the caller is from the limit.
fn count_request(platform: &Platform, actor: &Actor, parts: &mut Parts) -> Result<(), Error> {
    if let Some(rate) = platform.count_request(&actor.id)? {
        parts.extensions.insert(rate);
    }
    Ok(())
}

/// Returns true for a request that was made on the server's own machine, as far as that can be known: behind a proxy all are.
fn is_on_this_machine(parts: &Parts, platform: &Platform) -> bool {
    let is_forwarded = ["forwarded", "x-forwarded-for", "x-real-ip", "via"].iter().any(|name| parts.headers.contains_key(*name));
    let connected = parts.extensions.get::<axum::extract::ConnectInfo<std::net::SocketAddr>>();
    platform.settings.public_url.is_none()
        && !is_forwarded
        && connected.is_some_and(|connected| connected.0.ip().to_canonical().is_loopback())
}

async fn first_parameter(parts: &mut Parts, platform: &Platform) -> Option<String> {
    let parameters = RawPathParams::from_request_parts(parts, platform).await.ok()?;
    parameters.iter().next().map(|(_, value)| value.to_owned())
}

/// Returns the project of what a path names, where it is one thing of a project that the caller can see.
async fn project_named(platform: &Platform, scope: &Scope, names: Names, parts: &mut Parts) -> Result<Option<String>, Error> {
    let Some(id) = first_parameter(parts, platform).await else { return Ok(None) };
    let store = &platform.store;
    let found = match names {
        Names::Nothing | Names::Organization | Names::Agents => Ok(None),
        Names::Agent => match id.parse() {
            Ok(agent) => store.agent(scope, &agent).await.map(|agent| agent.project_id),
            Err(_) => Ok(None),
        },
        Names::Project => store.project(scope, &id).await.map(|project| Some(project.id)),
        Names::Scenario => store.scenario(scope, &id).await.map(|scenario| Some(scenario.project_id)),
        Names::Bundle => store.bundle(scope, &id).await.map(|bundle| Some(bundle.project_id)),
        Names::Upload => store.upload(scope, &id).await.map(|upload| Some(upload.project_id)),
    };
    match found {
        Ok(project) => Ok(project),
        // The handler says it in its own words.
        Err(
            StoreError::AgentNotFound(_)
            | StoreError::ProjectNotFound(_)
            | StoreError::ScenarioNotFound(_)
            | StoreError::BundleNotFound(_)
            | StoreError::UploadNotFound(_),
        ) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Checks that what the path names is there for the caller.
async fn check_named(platform: &Platform, actor: &Actor, names: Names, parts: &mut Parts) -> Result<(), Error> {
    match names {
        Names::Nothing => return Ok(()),
        Names::Organization => return actor.require_whole_organization(),
        _ => {}
    }
    let Some(id) = first_parameter(parts, platform).await else { return Err(Error::NotFound(printable(parts.uri.path()))) };
    let (store, scope) = (&platform.store, &actor.scope);
    match names {
        Names::Nothing | Names::Organization => {}
        Names::Agent => {
            let agent = id.parse().map_err(|_| Error::NotFound(printable(&id)))?;
            store.agent(scope, &agent).await?;
        }
        Names::Agents => {
            if !store.has_agent_of_base(scope, &id).await? {
                return Err(Error::NoAgents(printable(&id)));
            }
        }
        Names::Project => drop(store.project(scope, &id).await?),
        Names::Scenario => drop(store.scenario(scope, &id).await?),
        Names::Bundle => drop(store.bundle(scope, &id).await?),
        Names::Upload => drop(store.upload(scope, &id).await?),
    }
    Ok(())
}
