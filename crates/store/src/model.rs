//! What is stored, as the readers see it.

use keepstep_agent::Definition;
use keepstep_agent::Field;
pub use keepstep_agent::versions::{Change, PersonaDocument as Persona, PersonaStatus, PersonaSummary};
use keepstep_base::AgentId;
use keepstep_base::PersonaVersion;
use keepstep_base::Revision;
pub use keepstep_base::access::Role;
use serde_json::{Map, Value};

/// Owns agents, projects, keys and users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: String,
    /// Its name; no two have the same.
    pub name: String,
}

/// A part of an organization that a key can be confined to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its id.
    pub id: String,
    /// The organization that owns it.
    pub org_id: String,
    /// Its name; no two of an organization have the same.
    pub name: String,
    /// What it is about.
    pub description: String,
    /// What a client has set for it, as it was sent.
    pub settings: Map<String, Value>,
    /// The agent that it tests.
    pub agent: Option<AgentId>,
    /// When it was created.
    pub created_at: i64,
}

/// What somebody may see: the agents of an organization, or only those of one of its projects.
///
/// What is outside is not refused but not there: a reader cannot tell an agent of somebody else from none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The organization.
    pub org_id: String,
    /// Its projects that are meant; `None` for the whole organization.
    projects: Option<Vec<String>>,
}

impl Scope {
    /// Returns the scope of a whole organization.
    pub fn organization(org_id: impl Into<String>) -> Self {
        Self { org_id: org_id.into(), projects: None }
    }

    /// Returns the scope of a project of an organization, or of all of it: where a thing belongs, and what a key opens.
    pub fn of(org_id: impl Into<String>, project: Option<String>) -> Self {
        Self { org_id: org_id.into(), projects: project.map(|project| vec![project]) }
    }

    /// Returns the scope of some projects of an organization, or of none.
    pub fn some_projects(org_id: impl Into<String>, projects: impl IntoIterator<Item = String>) -> Self {
        Self { org_id: org_id.into(), projects: Some(projects.into_iter().collect()) }
    }

    /// Returns the projects; `None` for the whole organization.
    pub fn projects(&self) -> Option<&[String]> {
        self.projects.as_deref()
    }

    /// Returns the project, where it is one and not the organization.
    pub fn only_project(&self) -> Option<&str> {
        match self.projects.as_deref() {
            Some([project]) => Some(project),
            _ => None,
        }
    }

    /// Returns the projects for a statement that looks for an id between blanks; nothing for all of them.
    pub(crate) fn listed_projects(&self) -> Option<String> {
        Some(self.projects.as_ref()?.iter().fold(" ".to_owned(), |list, id| list + id + " "))
    }

    /// Returns true if something of that organization and project is inside.
    pub fn covers(&self, org_id: &str, project_id: Option<&str>) -> bool {
        let is_inside = |projects: &Vec<String>| project_id.is_some_and(|id| projects.iter().any(|project| project == id));
        self.org_id == org_id && self.projects.as_ref().is_none_or(is_inside)
    }
}

/// What somebody may do in one project, beside their role in the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The project.
    pub project_id: String,
    /// What they may do there.
    pub role: Role,
    /// Whether they may publish there, where their role lets them write.
    pub may_publish: bool,
}

/// What somebody may do, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// What they may do everywhere in the scope.
    pub role: Role,
    /// Whether they may publish everywhere in the scope, where their role lets them write.
    pub may_publish: bool,
    /// What they may see.
    pub scope: Scope,
    /// What else they may do in single projects.
    pub memberships: Vec<Membership>,
}

impl Rights {
    /// Returns those of a person. Who has no role in the organization may everywhere what they may in each of their projects.
    pub(crate) fn of(user: &User, memberships: Vec<Membership>) -> Self {
        if !user.confined {
            let scope = Scope::organization(&user.org_id);
            return Self { role: user.role, may_publish: user.may_publish, scope, memberships };
        }
        let projects = memberships.iter().map(|membership| membership.project_id.clone());
        Self {
            role: memberships.iter().map(|membership| membership.role).min().unwrap_or(Role::Viewer),
            may_publish: memberships.iter().all(|membership| membership.may_publish),
            scope: Scope::some_projects(&user.org_id, projects),
            memberships,
        }
    }

    /// Returns what they may do with something of a project. Who may more there than elsewhere sees nothing else with it: a request that
    /// names one thing cannot change another one.
    #[must_use]
    pub fn inside(&self, project: Option<&str>) -> Self {
        let publishes = |role: Role, may_publish: bool| role >= Role::Editor && may_publish;
        let found = self.memberships.iter().find(|membership| Some(membership.project_id.as_str()) == project);
        let Some(membership) = found.filter(|_| self.scope.covers(&self.scope.org_id, project)) else { return self.clone() };
        let may_publish = publishes(self.role, self.may_publish) || publishes(membership.role, membership.may_publish);
        let role = self.role.max(membership.role);
        if role == self.role && may_publish == publishes(self.role, self.may_publish) {
            return self.clone();
        }
        let scope = Scope::some_projects(&self.scope.org_id, [membership.project_id.clone()]);
        Self { role, may_publish, scope, memberships: Vec::new() }
    }
}

/// A key, without the key itself: only its hash is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Names the key where it is shown, revoked or logged.
    pub id: String,
    /// The name it was given; the author of what is written with it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// What it may see.
    pub scope: Scope,
    /// When it was created.
    pub created_at: i64,
    /// When it ends.
    pub expires_at: Option<i64>,
    /// When it was taken back.
    pub revoked_at: Option<i64>,
    /// The name of whoever made it; keys of an older server have none.
    pub created_by: Option<String>,
    /// When it was last used, to within [`USE_NOTED`](crate::USE_NOTED).
    pub used_at: Option<i64>,
    /// What used it then, as it calls itself.
    pub used_by: Option<String>,
    /// Whether it may publish, where its role lets it write: the device of a person may what they may.
    pub may_publish: bool,
    /// What else it may do in single projects: the device of a person may what they may.
    pub memberships: Vec<Membership>,
}

/// A person who signs in with a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: String,
    /// Their name; the author of what they write.
    pub name: String,
    /// What they type to sign in, as they typed it first; who came by a link of an older server has none.
    pub email: Option<String>,
    /// What they may do.
    pub role: Role,
    /// The organization they belong to.
    pub org_id: String,
    /// Whether they may publish, where their role lets them write.
    pub may_publish: bool,
    /// True where they have no role in the organization, but only in some of its projects.
    pub confined: bool,
}

impl User {
    /// Returns true for an owner of the whole organization.
    pub fn is_owner(&self) -> bool {
        !self.confined && self.role >= Role::Owner
    }
}

/// A browser that is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id, which opens nothing.
    pub id: String,
    /// Who. Their role is what they may do everywhere in the scope.
    pub user: User,
    /// What they may do, and where.
    pub rights: Rights,
    /// The token that each of the session's forms carries.
    pub csrf: String,
    /// When it ends.
    pub expires_at: i64,
    /// When it was last used, to within [`USE_NOTED`](crate::USE_NOTED).
    pub used_at: i64,
}

/// An agent, without its personas.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// The organization that owns it.
    pub org_id: String,
    /// The project that it belongs to.
    pub project_id: Option<String>,
    /// Its revision.
    pub revision: Revision,
    /// Every field that is set but the persona, under the key that the lua dialect sends it with; also those that no client of ours
    /// knows, untouched.
    pub fields: Map<String, Value>,
    /// The latest persona version that was ever deployed: what a code base is compared with.
    pub published: Option<PersonaVersion>,
    /// The persona version in production.
    pub current: Option<PersonaVersion>,
    /// The newest version that was never deployed.
    pub draft: Option<PersonaVersion>,
    /// Its last change.
    pub changed: Change,
}

impl Agent {
    /// Returns its name.
    pub fn name(&self) -> Option<&str> {
        self.fields.get(Field::NAME.sent_as()).and_then(Value::as_str)
    }
}

/// Everything that a comparison needs to know about an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentState {
    /// The agent.
    pub agent: Agent,
    /// The latest published persona.
    pub published: Option<Persona>,
    /// The persona in production.
    pub current: Option<PersonaSummary>,
    /// The newest draft, if it is newer than the latest published version.
    pub newest_draft: Option<PersonaSummary>,
    /// Who put the version into production that is there, where that is another one than the latest published one.
    pub deployed: Option<Change>,
}

impl AgentState {
    /// Returns the fields that are set, with the latest published persona.
    pub fn definition(&self) -> Definition {
        definition(&self.agent.fields, self.published.as_ref().map(|published| &published.persona))
    }
}

/// A draft of an agent's persona that is newer than what is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewerDraft {
    /// Which agent.
    pub agent_id: AgentId,
    /// The newest draft.
    pub version: PersonaVersion,
    /// Who saved it, when, and why.
    pub created: Change,
}

/// An agent as it was at a revision.
#[derive(Debug, Clone, PartialEq)]
pub struct RevisionRow {
    /// Which revision.
    pub revision: Revision,
    /// The fields that were set, with the persona that was the latest published one.
    pub definition: Definition,
    /// Author, time and reason.
    pub changed: Change,
}

/// One change of one agent, in the order of all changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// Grows with every change of any agent.
    pub sequence: i64,
    /// Which agent.
    pub agent_id: AgentId,
    /// The organization and the project that it belongs to.
    pub scope: Scope,
    /// The revision that the change created.
    pub revision: Revision,
    /// Author, time and reason.
    pub changed: Change,
}

/// A skill, a webhook, a job, …: what an agent is made of besides its definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Primitive {
    /// Its id.
    pub id: String,
    /// Its name; no two of a kind have the same.
    pub name: String,
    /// Everything that a client said about it.
    pub body: Map<String, Value>,
}

/// Returns the fields that are set, of the values of all but the persona and of the persona.
pub(crate) fn definition(fields: &Map<String, Value>, persona: Option<&Value>) -> Definition {
    let value = |field: Field| if field.has_versions() { persona } else { fields.get(field.sent_as()) };
    Field::ALL.into_iter().filter_map(|field| Some((field, value(field)?.clone()))).collect()
}

/// What an entry of the log of activity is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The kind, in a word of people: `agent`, `key`, `person`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// How it was called then.
    pub name: String,
}
