//! What a platform can be asked for.

use http::header::{ACCEPT_ENCODING, ETAG, IF_NONE_MATCH};
use http::{Method, StatusCode};
use keepstep_api::fluxloop::{Bundle, InputSet, Key, KnownRun, Project, PullRequest, Scenario, SyncStatus, Workspace};
use serde_json::{Value, json};

use super::tolerant::{list, one};
use super::{PullAnswer, TestData};
use crate::dialect::part;
use crate::error::ClientError;
use crate::transport::{Call, Sink};

/// How many runs are asked about at once: their ids are in the address.
const RUNS_AT_ONCE: usize = 50;

/// Which bundle versions to list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BundleQuery<'a> {
    /// Of this project.
    pub project: Option<&'a str>,
    /// Only of this scenario.
    pub scenario: Option<&'a str>,
    /// `published` where this is left out, or `draft`.
    pub status: Option<&'a str>,
    /// At most so many, the newest first.
    pub limit: Option<u32>,
}

impl TestData {
    /// Returns the organizations.
    ///
    /// # Errors
    /// The server does not answer, or refuses.
    pub async fn workspaces(&self) -> Result<Vec<Workspace>, ClientError> {
        list(&self.transport, &Call::get("/api/workspaces".to_owned()), "workspaces", "list of workspaces").await
    }

    /// Returns the projects that the key opens.
    ///
    /// # Errors
    /// The server does not answer, or refuses.
    pub async fn projects(&self) -> Result<Vec<Project>, ClientError> {
        list(&self.transport, &Call::get("/api/projects".to_owned()), "projects", "list of projects").await
    }

    /// Returns a project.
    ///
    /// # Errors
    /// There is none with that id, or the server does not answer.
    pub async fn project(&self, id: &str) -> Result<Project, ClientError> {
        let mut project: Value = self.one("projects", "project", id).await?;
        // A peer's server need not repeat the id that it was asked for.
        default_id(&mut project, id);
        serde_json::from_value(project).map_err(|_| self.unreadable("project"))
    }

    /// Returns the scenarios of a project.
    ///
    /// # Errors
    /// There is no such project, or the server does not answer.
    pub async fn scenarios(&self, project: Option<&str>) -> Result<Vec<Scenario>, ClientError> {
        let call = Call::get(with_query("/api/scenarios", &[("project_id", project)]));
        list(&self.transport, &call, "scenarios", &project_words(project)).await
    }

    /// Returns a scenario.
    ///
    /// # Errors
    /// There is none with that id, or the server does not answer.
    pub async fn scenario(&self, id: &str) -> Result<Scenario, ClientError> {
        let mut scenario: Value = self.one("scenarios", "scenario", id).await?;
        default_id(&mut scenario, id);
        serde_json::from_value(scenario).map_err(|_| self.unreadable("scenario"))
    }

    /// Returns bundle versions, the newest first.
    ///
    /// # Errors
    /// There is no such project or scenario, or the server does not answer.
    pub async fn bundles(&self, query: BundleQuery<'_>) -> Result<Vec<Bundle>, ClientError> {
        let limit = query.limit.map(|limit| limit.to_string());
        let call = Call::get(with_query(
            "/api/bundles",
            &[
                ("project_id", query.project),
                ("scenario_id", query.scenario),
                ("status", query.status),
                ("limit", limit.as_deref()),
            ],
        ));
        list(&self.transport, &call, "bundles", &project_words(query.project)).await
    }

    /// Returns a bundle version without its content.
    ///
    /// # Errors
    /// There is none with that id, or the server does not answer.
    pub async fn bundle(&self, id: &str) -> Result<Bundle, ClientError> {
        self.one("bundles", "bundle", id).await
    }

    /// Returns the sets of inputs of a project or of one of its scenarios, the newest first.
    ///
    /// # Errors
    /// There is no such project or scenario, or the server does not answer.
    pub async fn input_sets(&self, project: Option<&str>, scenario: Option<&str>) -> Result<Vec<InputSet>, ClientError> {
        let call = Call::get(with_query("/api/inputs", &[("project_id", project), ("scenario_id", scenario)]));
        list(&self.transport, &call, "input_sets", &project_words(project)).await
    }

    /// Returns a set of inputs with its inputs.
    ///
    /// # Errors
    /// There is none with that id, or the server does not answer.
    pub async fn input_set(&self, id: &str) -> Result<InputSet, ClientError> {
        self.one("inputs", "input set", id).await
    }

    /// Returns the personas of a project, each as the object that was sent.
    ///
    /// # Errors
    /// There is no such project, or the server does not answer.
    pub async fn personas(&self, project: Option<&str>, scenario: Option<&str>) -> Result<Vec<Value>, ClientError> {
        let call = Call::get(with_query("/api/personas", &[("project_id", project), ("scenario_id", scenario)]));
        list(&self.transport, &call, "personas", &project_words(project)).await
    }

    /// Returns the keys of a project, without the keys themselves.
    ///
    /// # Errors
    /// There is no such project, the key is not an owner's, or the server does not answer.
    pub async fn keys(&self, project: Option<&str>) -> Result<Vec<Key>, ClientError> {
        let call = Call::get(with_query("/api/api-keys", &[("project_id", project)]));
        list(&self.transport, &call, "api_keys", &project_words(project)).await
    }

    /// Pulls a bundle version, if it is another one than what `etag` or the request's `known_bundle_version_id` name. The answer
    /// may be larger than memory, so it goes into a sink as it comes: once more from its beginning where the connection broke, and still
    /// packed with zstd where the platform packs it.
    ///
    /// # Errors
    /// There is no such bundle, nothing is published, or the server does not answer.
    pub async fn pull(&self, request: &PullRequest, etag: Option<&str>, sink: &mut dyn Sink) -> Result<PullAnswer, ClientError> {
        let mut call =
            Call::write(Method::POST, "/api/sync/pull".to_owned(), json!(request)).harmless().with(ACCEPT_ENCODING, "zstd");
        if let Some(etag) = etag {
            call = call.with(IF_NONE_MATCH, etag);
        }
        let answer = self.transport.send_into(&call, Some(sink)).await?;
        if answer.status == StatusCode::NOT_MODIFIED {
            return Ok(PullAnswer::NotModified);
        }
        let what = match (&request.bundle_version_id, &request.scenario_id, &request.project_id) {
            (Some(bundle), ..) => format!("bundle version {}", crate::visible(bundle)),
            (None, Some(scenario), _) => format!("published bundle of scenario {}", crate::visible(scenario)),
            (None, None, Some(project)) => format!("published bundle of project {}", crate::visible(project)),
            (None, None, None) => "published bundle".to_owned(),
        };
        if !answer.status.is_success() {
            return Err(self.transport.refusal(&answer, &what));
        }
        let etag = answer.headers.get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        Ok(PullAnswer::Fresh { etag })
    }

    /// Returns what the server has newer than a workspace, and of its experiments. Only a keepstep platform knows.
    ///
    /// # Errors
    /// The server does not answer, or has no such address.
    pub async fn sync_status(
        &self,
        project: Option<&str>,
        scenario: Option<&str>,
        bundle: Option<&str>,
        experiments: &[String],
    ) -> Result<SyncStatus, ClientError> {
        let experiments = (!experiments.is_empty()).then(|| experiments.join(","));
        let call = Call::get(with_query(
            "/api/sync/status",
            &[
                ("project_id", project),
                ("scenario_id", scenario),
                ("bundle_version_id", bundle),
                ("experiment_ids", experiments.as_deref()),
            ],
        ));
        one(&self.transport, &call, "status of test data").await
    }

    /// Asks which of these runs the server has; `None` where it does not tell.
    ///
    /// # Errors
    /// The server does not answer, or refuses.
    pub async fn known_runs(&self, project: &str, runs: &[String]) -> Result<Option<Vec<KnownRun>>, ClientError> {
        let mut known = Vec::new();
        for some in runs.chunks(RUNS_AT_ONCE) {
            let ids = some.join(",");
            let call = Call::get(with_query("/api/sync/status", &[("project_id", Some(project)), ("run_ids", Some(&ids))]));
            let status: SyncStatus = match one(&self.transport, &call, "status of results").await {
                Ok(status) => status,
                // Another server does not know the address.
                Err(error)
                    if matches!(
                        error.cause(),
                        ClientError::NotFound { .. } | ClientError::NotOurs { status: Some(404 | 405), .. }
                    ) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            // An older one does not know the question.
            let Some(runs) = status.runs else { return Ok(None) };
            known.extend(runs);
        }
        Ok(Some(known))
    }

    async fn one<T: serde::de::DeserializeOwned>(&self, path: &str, what: &str, id: &str) -> Result<T, ClientError> {
        let call = Call::get(format!("/api/{path}/{}", part(id)));
        one(&self.transport, &call, &format!("{what} {}", crate::visible(id))).await
    }

    fn unreadable(&self, what: &str) -> ClientError {
        ClientError::Setup { server: self.server().to_owned(), reason: format!("it sends no {what} where one belongs") }
    }
}

fn default_id(value: &mut Value, id: &str) {
    if let Some(members) = value.as_object_mut()
        && !members.contains_key("id")
    {
        members.insert("id".to_owned(), Value::from(id));
    }
}

fn project_words(project: Option<&str>) -> String {
    project.map_or_else(|| "project".to_owned(), |project| format!("project {}", crate::visible(project)))
}

/// Returns a path with those of the parameters that have a value.
pub(super) fn with_query(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let pairs: Vec<String> = parameters.iter().filter_map(|(name, value)| Some(format!("{name}={}", part((*value)?)))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}
