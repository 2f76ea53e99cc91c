//! Test data: projects, scenarios, personas, bundle versions; importing a file and pulling a version.

use keepstep_base::{AgentId, Digest};
use keepstep_store::test_data::{
    Bundle, BundleContent, BundleStatus, ImportOnto, Imported, InputPage, NewBundle, NewScenario, Scenario, ScenarioPatch,
    TestDataFile, TestPersona,
};
use keepstep_store::{Project, ProjectPatch, Role, Store, StoreError, Transaction};
use serde_json::{Map, Value, json};

use crate::actor::Actor;
use crate::definition;
use crate::error::Error;
use crate::platform::Platform;
use crate::write::{Plain, Reply};

/// The member of a scenario's configuration that says what is run. It is stored and never sent: one of the peers writes it into the
/// file that it runs from, so whoever may edit a scenario here could run commands on the machines of all who select it.
const RUNNER: &str = "runner";

/// The largest persona for tests, in bytes.
const PERSONA_LIMIT: usize = 256 * 1024;

fn check_persona_size(body: &Map<String, Value>) -> Result<(), Error> {
    let size = serde_json::to_vec(body).map_or(usize::MAX, |text| text.len());
    if size > PERSONA_LIMIT {
        return Err(Error::TooLarge { what: "The persona".into(), limit: PERSONA_LIMIT as u64 });
    }
    Ok(())
}

/// Returns the configuration of a scenario without what a client would run.
pub fn harmless(mut config: Map<String, Value>) -> Map<String, Value> {
    config.remove(RUNNER);
    config
}

/// A project to create.
#[derive(Debug, Clone, Default)]
pub struct NewProject {
    /// The organization, where it is named.
    pub organization: Option<String>,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub description: Option<String>,
    /// Its settings.
    pub settings: Option<Map<String, Value>>,
    /// The agent that it tests.
    pub agent: Option<AgentId>,
}

/// Which bundle version somebody wants to pull. What is left out is found out.
#[derive(Debug, Clone, Default)]
pub struct BundleQuery<'a> {
    /// This version.
    pub version: Option<&'a str>,
    /// The newest of this project.
    pub project: Option<&'a str>,
    /// The newest of this scenario.
    pub scenario: Option<&'a str>,
    /// The newest of the scenario with this name.
    pub scenario_name: Option<&'a str>,
}

impl Platform {
    /// Creates a project. An owner may whose key is not confined to a project.
    ///
    /// # Errors
    /// The actor may not, the organization is another one, the name is taken or not one, or the database failed.
    pub async fn create_project<R: Reply<Project>>(&self, actor: &Actor, new: NewProject, reply: R) -> Result<R::Output, Error> {
        actor.require(Role::Owner)?;
        actor.require_whole_organization()?;
        let organization = &actor.scope.org_id;
        if let Some(other) = new.organization.filter(|id| !id.is_empty() && id != organization) {
            return Err(StoreError::OrganizationNotFound(other).into());
        }
        self.write(actor, "create a project", reply, async |transaction| {
            let mut created = transaction.create_project(organization, &new.name).await?;
            if let Some(description) = new.description {
                created = transaction.describe_project(&created.id, &description).await?;
            }
            if let Some(settings) = new.settings.filter(|settings| !settings.is_empty()) {
                created = transaction.set_project_settings(&created.id, &settings).await?;
            }
            if new.agent.is_some() {
                let patch = ProjectPatch { agent: Some(new.agent), ..ProjectPatch::default() };
                created = transaction.change_project(&actor.scope, &created.id, patch).await?;
            }
            transaction.about("project", &created.id, &created.name);
            Ok(created)
        })
        .await
    }

    /// Changes a project: its name, what it is about, the agent that it tests. An owner may.
    ///
    /// # Errors
    /// The actor may not, there is no such project or agent for them, the name is taken or not one, or the database failed.
    pub async fn change_project<R: Reply<Project>>(
        &self,
        actor: &Actor,
        id: &str,
        patch: ProjectPatch,
        reply: R,
    ) -> Result<R::Output, Error> {
        actor.require(Role::Owner)?;
        self.write(actor, "change a project", reply, async |transaction| {
            let changed = transaction.change_project(&actor.scope, id, patch).await?;
            transaction.about("project", &changed.id, &changed.name);
            Ok(changed)
        })
        .await
    }

    /// Deletes a project with everything in it, so that it can be restored. An owner may whose key is not confined to a project.
    ///
    /// # Errors
    /// The actor may not, there is no such project for them, or the database failed.
    pub async fn delete_project<R: Reply<Project>>(&self, actor: &Actor, id: &str, reply: R) -> Result<R::Output, Error> {
        actor.require(Role::Owner)?;
        actor.require_whole_organization()?;
        self.write(actor, "delete a project", reply, async |transaction| {
            let deleted = transaction.delete_project(&actor.scope, id, &actor.name).await?;
            transaction.about("project", &deleted.id, &deleted.name);
            Ok(deleted)
        })
        .await
    }

    /// Restores a deleted project. An owner may whose key is not confined to a project.
    ///
    /// # Errors
    /// The actor may not, there is no such deleted project for them, its name is taken meanwhile, or the database failed.
    pub async fn restore_project<R: Reply<Project>>(&self, actor: &Actor, id: &str, reply: R) -> Result<R::Output, Error> {
        actor.require(Role::Owner)?;
        actor.require_whole_organization()?;
        self.write(actor, "restore a project", reply, async |transaction| {
            let restored = transaction.restore_project(&actor.scope, id).await?;
            transaction.about("project", &restored.id, &restored.name);
            Ok(restored)
        })
        .await
    }

    /// Deletes a scenario with its test data, so that it can be restored. Its results stay. It takes the right to publish besides the role
    /// of an editor, because a pull does not find the scenario any more.
    ///
    /// # Errors
    /// The actor may not, there is no such scenario for them, or the database failed.
    pub async fn delete_scenario<R: Reply<Scenario>>(&self, actor: &Actor, id: &str, reply: R) -> Result<R::Output, Error> {
        actor.require_publish()?;
        self.write(actor, "delete a scenario", reply, async |transaction| {
            let deleted = transaction.delete_scenario(&actor.scope, id, &actor.name).await?;
            transaction.about("scenario", &deleted.id, &deleted.name);
            Ok(deleted)
        })
        .await
    }

    /// Restores a deleted scenario. An editor may who may publish.
    ///
    /// # Errors
    /// The actor may not, there is no such deleted scenario for them, its name is taken meanwhile, or the database failed.
    pub async fn restore_scenario<R: Reply<Scenario>>(&self, actor: &Actor, id: &str, reply: R) -> Result<R::Output, Error> {
        actor.require_publish()?;
        self.write(actor, "restore a scenario", reply, async |transaction| {
            let restored = transaction.restore_scenario(&actor.scope, id).await?;
            transaction.about("scenario", &restored.id, &restored.name);
            Ok(restored)
        })
        .await
    }

    /// Returns the project that something is about: the one that is named, the key's, or the only one.
    ///
    /// # Errors
    /// None is named and there are several, or the database failed.
    pub async fn project_of(&self, actor: &Actor, named: Option<String>) -> Result<String, Error> {
        let own = actor.scope.only_project().map(str::to_owned);
        if let Some(project) = named.or(own) {
            return Ok(project);
        }
        let projects = self.store.projects_in(&actor.scope).await?;
        match <[_; 1]>::try_from(projects) {
            Ok([project]) => Ok(project.id),
            Err(_) => Err(Error::Invalid("Say which project it is about: `project_id`.".to_owned())),
        }
    }

    /// Creates a scenario. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such project for them, the name is taken or not one, or the database failed.
    pub async fn create_scenario<R: Reply<Scenario>>(
        &self,
        actor: &Actor,
        new: NewScenario<'_>,
        reply: R,
    ) -> Result<R::Output, Error> {
        actor.require(Role::Editor)?;
        self.write(actor, "create a scenario", reply, async |transaction| {
            let created = transaction.create_scenario(&actor.scope, new).await?;
            transaction.about("scenario", &created.id, &created.name);
            Ok(created)
        })
        .await
    }

    /// Changes a scenario. An editor may. What of its configuration is never sent stays.
    ///
    /// # Errors
    /// The actor may not, there is no such scenario for them, the name is taken or not one, or the database failed.
    pub async fn change_scenario<R: Reply<Scenario>>(
        &self,
        actor: &Actor,
        id: &str,
        mut patch: ScenarioPatch,
        reply: R,
    ) -> Result<R::Output, Error> {
        actor.require(Role::Editor)?;
        self.write(actor, "change a scenario", reply, async |transaction| {
            // What is never sent cannot come back, and is not meant to be gone.
            if let Some(config) = &mut patch.config
                && let Some(runner) = self.store.scenario(&actor.scope, id).await?.config.remove(RUNNER)
            {
                config.entry(RUNNER).or_insert(runner);
            }
            let changed = transaction.change_scenario(&actor.scope, id, patch).await?;
            transaction.about("scenario", &changed.id, &changed.name);
            Ok(changed)
        })
        .await
    }

    /// Creates a persona of a project, or changes the one that has the name. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such project for them, the name is not one, or the database failed.
    pub async fn put_test_persona<R: Reply<TestPersona>>(
        &self,
        actor: &Actor,
        project: Option<String>,
        name: &str,
        body: &Map<String, Value>,
        reply: R,
    ) -> Result<R::Output, Error> {
        actor.require(Role::Editor)?;
        let project = self.project_of(actor, project).await?;
        self.write(actor, "put a persona for tests", reply, async |transaction| {
            transaction.about("project", &project, name);
            Ok(transaction.put_test_persona(&actor.scope, &project, name, body).await?)
        })
        .await
    }

    /// Creates a persona of a project with a name that no other one has. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such project for them, the name is taken or not one, it is too large, or the database failed.
    pub async fn add_test_persona(
        &self,
        actor: &Actor,
        project: &str,
        name: &str,
        body: &Map<String, Value>,
    ) -> Result<TestPersona, Error> {
        actor.require(Role::Editor)?;
        check_persona_size(body)?;
        self.write(actor, "add a persona for tests", Plain, async |transaction| {
            let added = transaction.add_test_persona(&actor.scope, project, name, body).await?;
            transaction.about("project", project, &added.name);
            Ok(added)
        })
        .await
    }

    /// Changes a persona of a project, as long as it is what the actor has seen. Bundle versions that are published keep what they have. An
    /// editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such persona for them, it was changed meanwhile, the name is taken or not one, it is too large, or the
    /// database failed.
    pub async fn change_test_persona(
        &self,
        actor: &Actor,
        project: &str,
        changed: &TestPersona,
        seen: Option<&Digest>,
    ) -> Result<TestPersona, Error> {
        actor.require(Role::Editor)?;
        check_persona_size(&changed.body)?;
        self.write(actor, "change a persona for tests", Plain, async |transaction| {
            let changed = transaction.change_test_persona(&actor.scope, project, changed, seen).await?;
            transaction.about("project", project, &changed.name);
            Ok(changed)
        })
        .await
    }

    /// Deletes a persona of a project, as long as it is what the actor has seen. Inputs, bundle versions and results that name it keep it. An
    /// editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such persona for them, it was changed meanwhile, or the database failed.
    pub async fn delete_test_persona(
        &self,
        actor: &Actor,
        project: &str,
        id: &str,
        seen: Option<&Digest>,
    ) -> Result<TestPersona, Error> {
        actor.require(Role::Editor)?;
        self.write(actor, "delete a persona for tests", Plain, async |transaction| {
            let deleted = transaction.delete_test_persona(&actor.scope, project, id, seen, &actor.name).await?;
            transaction.about("project", project, &deleted.name);
            Ok(deleted)
        })
        .await
    }

    /// Restores a deleted persona of a project. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such deleted persona for them, its name is taken meanwhile, or the database failed.
    pub async fn restore_test_persona(&self, actor: &Actor, project: &str, id: &str) -> Result<TestPersona, Error> {
        actor.require(Role::Editor)?;
        self.write(actor, "restore a persona for tests", Plain, async |transaction| {
            let restored = transaction.restore_test_persona(&actor.scope, project, id).await?;
            transaction.about("project", project, &restored.name);
            Ok(restored)
        })
        .await
    }

    /// Creates a bundle version, as a draft or published at once. An editor may.
    ///
    /// # Errors
    /// The actor may not, something that it names is not there for them, or the database failed.
    pub async fn create_bundle<R: Reply<Bundle>>(
        &self,
        actor: &Actor,
        new: NewBundle<'_>,
        status: BundleStatus,
        reply: R,
    ) -> Result<R::Output, Error> {
        actor.require(Role::Editor)?;
        if status == BundleStatus::Published {
            actor.require_publish()?;
        }
        self.write(actor, "create a bundle", reply, async |transaction| {
            let created = match status {
                BundleStatus::Draft => transaction.create_bundle(&actor.scope, new).await?,
                BundleStatus::Published => transaction.publish_new_bundle(&actor.scope, new).await?,
            };
            match status {
                BundleStatus::Draft => transaction.about("bundle", &created.id, &created.name),
                BundleStatus::Published => published_bundle(transaction, actor, &created).await?,
            }
            Ok(created)
        })
        .await
    }

    /// Publishes a bundle version. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such version for them, or the database failed.
    pub async fn publish_bundle<R: Reply<Bundle>>(&self, actor: &Actor, id: &str, reply: R) -> Result<R::Output, Error> {
        actor.require_publish()?;
        self.write(actor, "publish a bundle", reply, async |transaction| {
            let published = transaction.publish_bundle(&actor.scope, id).await?;
            published_bundle(transaction, actor, &published).await?;
            Ok(published)
        })
        .await
    }

    /// Imports a file with a scenario, its personas, inputs and criteria as the next bundle version, all of it or nothing. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such project for them, the file is not valid, or the database failed.
    pub async fn import<R: Reply<Imported>>(
        &self,
        actor: &Actor,
        project: &str,
        file: &TestDataFile,
        reply: R,
    ) -> Result<R::Output, Error> {
        self.import_onto(actor, project, file, ImportOnto::default(), reply).await
    }

    /// Imports a file that was made from a bundle version, as long as that is the newest one. An editor may.
    ///
    /// # Errors
    /// As [`Platform::import`], and another version was published meanwhile.
    pub async fn import_onto<R: Reply<Imported>>(
        &self,
        actor: &Actor,
        project: &str,
        file: &TestDataFile,
        onto: ImportOnto<'_>,
        reply: R,
    ) -> Result<R::Output, Error> {
        actor.require_publish()?;
        let message = definition::message(onto.message.map(str::to_owned))?;
        self.write(actor, "import test data", reply, async |transaction| {
            let onto = ImportOnto { message: message.as_deref(), ..onto };
            let imported = transaction.import_onto(&actor.scope, project, file, onto).await?;
            published_bundle(transaction, actor, &imported.bundle).await?;
            Ok(imported)
        })
        .await
    }

    /// Returns the bundle version that somebody wants to pull. A viewer may. One of another project or scenario is not found, so that
    /// nobody gets something else than they asked for.
    ///
    /// # Errors
    /// The actor may not, there is no such version for them, it is a draft, or the database failed.
    pub async fn find_bundle(&self, actor: &Actor, wanted: &BundleQuery<'_>) -> Result<Bundle, Error> {
        actor.require(Role::Viewer)?;
        let scenario = match (wanted.scenario, wanted.scenario_name) {
            (None, Some(name)) => Some(self.scenario_named(actor, wanted.project, name).await?),
            (id, _) => id.map(str::to_owned),
        };
        if let Some(id) = wanted.version {
            let bundle = self.store.bundle(&actor.scope, id).await?;
            // Nobody pulls a version of a scenario that is deleted.
            self.store.scenario(&actor.scope, &bundle.scenario_id).await?;
            let is_asked_for = wanted.project.is_none_or(|project| project == bundle.project_id)
                && scenario.as_ref().is_none_or(|scenario| *scenario == bundle.scenario_id);
            return match bundle.status {
                _ if !is_asked_for => Err(StoreError::BundleNotFound(id.to_owned()).into()),
                BundleStatus::Draft => Err(StoreError::BundleIsDraft(id.to_owned()).into()),
                BundleStatus::Published => Ok(bundle),
            };
        }
        let project = match (wanted.project, &scenario) {
            (None, Some(scenario)) => self.store.scenario(&actor.scope, scenario).await?.project_id,
            (project, _) => self.project_of(actor, project.map(str::to_owned)).await?,
        };
        Ok(self.store.newest_bundle(&actor.scope, &project, scenario.as_deref()).await?)
    }

    /// Returns the id of the scenario with a name.
    async fn scenario_named(&self, actor: &Actor, project: Option<&str>, name: &str) -> Result<String, Error> {
        let project = self.project_of(actor, project.map(str::to_owned)).await?;
        let scenarios = self.store.scenarios(&actor.scope, &project).await?;
        let scenario = scenarios.into_iter().find(|scenario| scenario.name == name);
        Ok(scenario.ok_or_else(|| StoreError::ScenarioNotFound(name.to_owned()))?.id)
    }

    /// Returns what a bundle version says, but for its items, without what a client would run. A viewer may.
    ///
    /// # Errors
    /// The actor may not, there is no such version for them, or the database failed.
    pub async fn bundle_content(&self, actor: &Actor, id: &str) -> Result<BundleContent, Error> {
        actor.require(Role::Viewer)?;
        let mut content = self.store.bundle_content(&actor.scope, id).await?;
        let mut scenario: Value = serde_json::from_str(&content.scenario).map_err(|error| Error::Internal(error.to_string()))?;
        if let Some(Value::Object(config)) = scenario.get_mut("config_snapshot") {
            *config = harmless(std::mem::take(config));
        }
        content.scenario = scenario.to_string();
        Ok(content)
    }

    /// Returns the items of a bundle version, or none of them.
    pub fn bundle_items(&self, bundle: &Bundle, with_items: bool) -> BundleItems {
        let missing = if with_items { bundle.input_count } else { 0 };
        BundleItems { store: self.store.clone(), set: bundle.input_set_id.clone(), next: 0, missing }
    }
}

/// The items of a bundle version, read a few pages at a time.
#[derive(Debug)]
pub struct BundleItems {
    store: Store,
    set: String,
    /// Which page is to be read next.
    next: u32,
    /// How many items were not read yet.
    missing: u32,
}

impl BundleItems {
    /// Returns true if all items were read.
    pub fn is_over(&self) -> bool {
        self.missing == 0
    }

    /// Reads the next pages.
    ///
    /// # Errors
    /// Items are lost, or the database failed.
    pub async fn next(&mut self) -> Result<Vec<InputPage>, StoreError> {
        let pages = self.store.input_pages(&self.set, self.next).await?;
        // An answer that breaks off is noticed; one with fewer items would be taken for an update that removes them.
        if pages.is_empty() {
            return Err(StoreError::InputSetNotFound(self.set.clone()));
        }
        self.next += u32::try_from(pages.len()).unwrap_or(u32::MAX);
        self.missing = self.missing.saturating_sub(pages.iter().map(|page| page.item_count).sum::<u32>());
        Ok(pages)
    }
}

/// Says in the log which bundle version is published, and tells who wants to know.
pub(crate) async fn published_bundle(transaction: &mut Transaction, actor: &Actor, bundle: &Bundle) -> Result<(), Error> {
    transaction.about("bundle", &bundle.id, &bundle.name);
    let data = json!({
        "project_id": bundle.project_id,
        "scenario_id": bundle.scenario_id,
        "bundle": { "id": bundle.id, "name": bundle.name, "number": bundle.generation },
        "inputs": bundle.input_count,
        "by": actor.name,
    });
    transaction.announce(&actor.scope, "bundle.published", &data).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn items_that_are_lost_are_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("k.db")).await.unwrap();
        let mut items = BundleItems { store, set: "inputs_1".to_owned(), next: 3, missing: 1 };
        assert!(!items.is_over());
        assert!(items.next().await.is_err());
    }
}
