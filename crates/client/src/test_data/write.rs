//! What can be made and changed on a platform.

use http::Method;
use keepstep_api::fluxloop::{
    Bundle, BundleChange, Key, NewBundle, NewKey, NewPersona, NewProject, NewScenario, Project, Scenario, ScenarioPatch,
};
use keepstep_api::own::ImportedBundle;
use serde_json::{Value, json};

use super::read::with_query;
use super::tolerant::one;
use super::{IDEMPOTENCY, TestData};
use crate::dialect::part;
use crate::error::ClientError;
use crate::transport::Call;

impl TestData {
    /// Makes a project.
    ///
    /// # Errors
    /// The server does not answer, or refuses.
    pub async fn create_project(&self, new: &NewProject) -> Result<Project, ClientError> {
        self.create("projects", json!(new), "workspace").await
    }

    /// Makes a scenario.
    ///
    /// # Errors
    /// The server does not answer, or refuses.
    pub async fn create_scenario(&self, new: &NewScenario) -> Result<Scenario, ClientError> {
        self.create("scenarios", json!(new), &format!("project {}", crate::visible(&new.project_id))).await
    }

    /// Changes a scenario.
    ///
    /// # Errors
    /// There is none with that id, or the server does not answer or refuses.
    pub async fn change_scenario(&self, id: &str, patch: &ScenarioPatch) -> Result<Scenario, ClientError> {
        let call = Call::write(Method::PATCH, format!("/api/scenarios/{}", part(id)), json!(patch)).once(IDEMPOTENCY);
        one(&self.transport, &call, &format!("scenario {}", crate::visible(id))).await
    }

    /// Makes a bundle version; without a status it is published at once.
    ///
    /// # Errors
    /// The server does not answer, or refuses.
    pub async fn create_bundle(&self, new: &NewBundle) -> Result<Bundle, ClientError> {
        self.create("bundles", json!(new), &format!("project {}", crate::visible(&new.project_id))).await
    }

    /// Publishes a bundle version that is a draft.
    ///
    /// # Errors
    /// There is none with that id, or the server does not answer or refuses.
    pub async fn publish_bundle(&self, id: &str) -> Result<Bundle, ClientError> {
        let body = BundleChange { status: "published".to_owned() };
        let call = Call::write(Method::PUT, format!("/api/bundles/{}", part(id)), json!(body)).once(IDEMPOTENCY);
        one(&self.transport, &call, &format!("bundle {}", crate::visible(id))).await
    }

    /// Brings a file with a scenario, personas, inputs and criteria to a project, and publishes it.
    ///
    /// # Errors
    /// The file has no meaning to the server, or it does not answer.
    pub async fn import(&self, project: &str, file: Value) -> Result<ImportedBundle, ClientError> {
        let path = format!("/api/v1/projects/{}/import", part(project));
        let call = Call::write(Method::POST, path, file).once(IDEMPOTENCY);
        one(&self.transport, &call, &format!("project {}", crate::visible(project))).await
    }

    /// Imports a file that was made from a bundle version, for a reason.
    ///
    /// # Errors
    /// Another version was published meanwhile ([`ClientError::Stale`]), the file has no meaning to the server, or it does not answer.
    pub async fn import_onto(
        &self,
        project: &str,
        file: Value,
        base: &str,
        message: Option<&str>,
    ) -> Result<ImportedBundle, ClientError> {
        let path = format!("/api/v1/projects/{}/import", part(project));
        let path = with_query(&path, &[("base", Some(base)), ("message", message)]);
        let call = Call::write(Method::POST, path, file).once(IDEMPOTENCY);
        one(&self.transport, &call, &format!("project {}", crate::visible(project))).await
    }

    /// Makes a persona.
    ///
    /// # Errors
    /// The server does not answer, or refuses.
    pub async fn create_persona(&self, new: &NewPersona) -> Result<Value, ClientError> {
        self.create("personas", json!(new), "project").await
    }

    /// Makes a key. It is asked for once only: no server could answer a repetition without keeping the key in
    /// readable form.
    ///
    /// # Errors
    /// The server does not answer, or refuses.
    pub async fn create_key(&self, new: &NewKey) -> Result<Key, ClientError> {
        let call = Call::write(Method::POST, "/api/api-keys".to_owned(), json!(new));
        let mut made: Value = one(&self.transport, &call, &format!("project {}", crate::visible(&new.project_id))).await?;
        // Servers of the peer have it under other names, too.
        let found = ["/key", "/api_key", "/api_key/key", "/api_key_data/key"]
            .iter()
            .find_map(|path| made.pointer(path).and_then(Value::as_str).map(str::to_owned));
        if let (Some(members), Some(found)) = (made.as_object_mut(), found) {
            members.insert("key".to_owned(), found.into());
            for (name, value) in [("id", ""), ("name", new.name.as_deref().unwrap_or_default())] {
                members.entry(name).or_insert_with(|| value.into());
            }
        }
        serde_json::from_value(made)
            .map_err(|_| ClientError::Setup { server: self.server().to_owned(), reason: "its answer holds no key".to_owned() })
    }

    /// Takes a key back.
    ///
    /// # Errors
    /// There is none with that id, the caller is no owner, or the server does not answer.
    pub async fn revoke_key(&self, id: &str) -> Result<(), ClientError> {
        let call = Call::write(Method::DELETE, format!("/api/api-keys/{}", part(id)), json!({})).harmless();
        let answer = self.transport().send(&call).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        Err(self.transport.refusal(&answer, &format!("key {}", crate::visible(id))))
    }

    async fn create<T: serde::de::DeserializeOwned>(&self, path: &str, body: Value, what: &str) -> Result<T, ClientError> {
        let call = Call::write(Method::POST, format!("/api/{path}"), body).once(IDEMPOTENCY);
        one(&self.transport, &call, what).await
    }
}
