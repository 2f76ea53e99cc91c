//! `/search`: agents, projects, scenarios, experiments and actions by what their names say. The palette asks for the same as JSON.

use askama::Template;
use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use keepstep_http::addresses::{agent_path, experiment_path, project_path, scenario_path};
use keepstep_platform::Platform;
use keepstep_store::{Named, Role};
use serde::{Deserialize, Serialize};

use crate::error_page::PageError;
use crate::parts::frame::Frame;
use crate::parts::view::{may_create, page, title_of};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many results of one kind are shown.
const OF_A_KIND: usize = 10;

/// How many scenarios that fit, and how many of the newest experiments, are read to choose the best from.
const READ: u32 = 200;

/// The longest text that is looked for, in characters.
const LONGEST: usize = 200;

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    frame: Frame,
    text: Visible,
    results: Vec<(Visible, Visible, Found)>,
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct SearchQuery {
    #[serde(default)]
    q: String,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Found {
    /// What it is.
    kind: &'static str,
    /// Its name.
    title: String,
    /// What tells it from others of the same name; may be empty.
    about: String,
    /// The address of its page.
    path: String,
}

/// `GET`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    headers: HeaderMap,
    Query(asked): Query<SearchQuery>,
) -> Result<Response, PageError> {
    let words = Words::of(&asked.q);
    let results = find(&platform, &by, &words).await?;
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let vary = [(header::VARY, "accept")];
    if accepts.starts_with("application/json") {
        return Ok((vary, Json(serde_json::json!({ "results": results }))).into_response());
    }
    let shown = results.into_iter().map(|found| (Visible::of(&found.title), Visible::of(&found.about), found));
    let page = page(&SearchPage { frame: Frame::of(&by.session), text: Visible::of(&asked.q), results: shown.collect() })?;
    Ok((vary, page).into_response())
}

/// What somebody looks for: words that all have to be there, in any order.
struct Words(Vec<String>);

impl Words {
    fn of(text: &str) -> Self {
        let text: String = text.chars().take(LONGEST).collect();
        Self(text.to_lowercase().split_whitespace().map(str::to_owned).collect())
    }

    /// Returns how well a name fits, the best the smallest; nothing where a word is in neither of both texts.
    fn rank(&self, title: &str, about: &str) -> Option<usize> {
        let (title, about) = (title.to_lowercase(), about.to_lowercase());
        self.0.iter().try_fold(0, |sum, word| match title.find(word.as_str()) {
            Some(0) => Some(sum),
            Some(_) => Some(sum + 1),
            None if about.contains(word.as_str()) => Some(sum + 2),
            None => None,
        })
    }

    /// Returns those that fit, the best first, as many as are shown of a kind.
    fn best(&self, found: impl Iterator<Item = Found>) -> Vec<Found> {
        let mut ranked: Vec<(usize, Found)> =
            found.filter_map(|found| Some((self.rank(&found.title, &found.about)?, found))).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().take(OF_A_KIND).map(|(_, found)| found).collect()
    }
}

/// Returns what fits among everything that somebody may see.
async fn find(platform: &Platform, by: &SignedIn, words: &Words) -> Result<Vec<Found>, PageError> {
    let store = &platform.store;
    let needed: Vec<&str> = words.0.iter().map(String::as_str).collect();
    let (agents, projects, scenarios, experiments) = tokio::try_join!(
        store.agents(&by.scope),
        store.projects_in(&by.scope),
        store.find_scenarios(&by.scope, &needed, READ),
        store.find_experiments(&by.scope, &needed, READ),
    )?;
    let agents = agents.iter().map(|agent| Found {
        kind: "Agent",
        title: title_of(agent).to_owned(),
        about: agent.id.as_str().to_owned(),
        path: agent_path(&agent.id),
    });
    let mut found = words.best(agents);
    found.extend(words.best(projects.iter().map(|project| Found {
        kind: "Project",
        title: project.name.clone(),
        about: project.id.clone(),
        path: project_path(&project.id),
    })));
    found.extend(words.best(scenarios.into_iter().map(|scenario| inside("Scenario", scenario, scenario_path))));
    found.extend(words.best(experiments.into_iter().map(|experiment| inside("Experiment", experiment, experiment_path))));
    found.extend(words.best(actions(by).into_iter()));
    Ok(found)
}

/// Returns something of a project as what was found.
fn inside(kind: &'static str, named: Named, path: impl Fn(&str, &str) -> String) -> Found {
    let path = path(&named.project_id, &named.id);
    Found { kind, title: named.name, about: named.project_name, path }
}

/// Returns what somebody may do that has a page.
fn actions(by: &SignedIn) -> Vec<Found> {
    let action =
        |title: &str, path: &str| Found { kind: "Action", title: title.to_owned(), about: String::new(), path: path.to_owned() };
    let mut actions =
        vec![action("All agents", "/"), action("All projects", "/projects"), action("Changes of agents", "/changes")];
    if may_create(&by.session) {
        actions.push(action("New agent", "/new-agent"));
        actions.push(action("New project", "/new-project"));
    }
    if by.session.user.role >= Role::Owner {
        actions.push(action("Invite a member", "/members#invite"));
        actions.push(action("New key", "/keys#new"));
    }
    actions.extend([
        action("Your account", "/account"),
        action("Set a new password", "/account#password-head"),
        action("Theme: light, dark, like the system", "/account#theme"),
        action("Connect a device", "/connect"),
    ]);
    actions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(title: &str, about: &str) -> Found {
        Found { kind: "Agent", title: title.to_owned(), about: about.to_owned(), path: String::new() }
    }

    #[test]
    fn all_words_have_to_be_there_and_the_best_is_first() {
        let all = [found("The Shop", "agent_1"), found("Shop of shoes", "agent_2"), found("Bank", "shop_3"), found("Other", "x")];
        let titles = |text: &str| -> Vec<String> {
            Words::of(text).best(all.iter().cloned()).into_iter().map(|found| found.title).collect()
        };
        assert_eq!(titles("shop"), ["Shop of shoes", "The Shop", "Bank"]);
        assert_eq!(titles("SHOES shop"), ["Shop of shoes"]);
        assert_eq!(titles(""), ["The Shop", "Shop of shoes", "Bank", "Other"]);
        assert!(titles("nothing of this").is_empty());
    }
}
