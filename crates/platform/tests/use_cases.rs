//! What somebody can do, asked of the platform itself: no socket, no status, no body.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use futures_util::{FutureExt as _, StreamExt as _};
use keepstep_agent::{Definition, Field};
use keepstep_base::{AgentId, Digest, PersonaVersion, Revision};
use keepstep_platform::{
    Actor, AnnouncedFile, BundleQuery, ChangedAgent, Error, InvitationRights, KeyRequest, NewProject, Plain, Platform, Repeat,
    Reply, Review, SaidVerdict, Settings, Target, UploadCommit,
};
use keepstep_store::artifacts::{NewUpload, Objects};
use keepstep_store::results::Upload;
use keepstep_store::test_data::{BundleStatus, DraftRelease, InputValues, NewBundle, NewScenario, ScenarioPatch, TestDataFile};
use keepstep_store::{
    ActivityFilter, AgentState, Edit, NewAgent, Patch, PersonaChange, PersonaStatus, ProjectPatch, PublishingRule, Role, Scope,
    Store, StoreError, StoredResponse,
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

struct World {
    platform: Platform,
    scope: Scope,
    agent: AgentId,
    _folder: TempDir,
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("keepstep.db")).await.unwrap();
        let mut transaction = store.write().await.unwrap();
        let scope = Scope::organization(transaction.ensure_organization(None).await.unwrap().id);
        let created = transaction.create_agent(NewAgent { scope: &scope, name: "Shop", author: None }).await.unwrap();
        transaction.commit().await.unwrap();
        let objects = Some(Objects::in_folder(&folder.path().join("objects")).unwrap());
        let platform = Platform::new(store, Settings { objects, ..Settings::default() });
        Self { platform, scope, agent: created.agent.id, _folder: folder }
    }

    fn actor(&self, role: Role) -> Actor {
        Actor {
            id: format!("id_{role}"),
            name: role.label().to_owned(),
            role,
            may_publish: true,
            scope: self.scope.clone(),
            memberships: Vec::new(),
            expires_at: None,
        }
    }

    fn target(&self) -> Target<'_> {
        Target { agent: &self.agent, message: None, expected: None }
    }
}

type Done<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + Send + 'a>>;

/// Something that can be done: its name, the smallest role that may, and how it is done.
type Row = (&'static str, Role, for<'a> fn(&'a World, &'a Actor) -> Done<'a>);

/// What of it cannot be done in an empty world fails in another way than for its role.
const ROWS: [Row; 55] = [
    ("share an experiment", Role::Editor, |w, a| done(w.platform.share_experiment(a, "experiment_x", 1))),
    ("revoke the link of an experiment", Role::Editor, |w, a| done(w.platform.revoke_share(a, "experiment_x", "share_x"))),
    ("say whether an answer is right", Role::Editor, |w, a| {
        let said = SaidVerdict { criterion: "", is_right: Some(true), comment: "" };
        async move { w.platform.say_verdict(a, "experiment_x", "run_x", said).await }.boxed()
    }),
    ("label an experiment", Role::Editor, |w, a| {
        async { w.platform.label_experiment(a, "experiment_x", &Default::default(), "").await.map(|_| ()) }.boxed()
    }),
    ("set the gate of a scenario", Role::Editor, |w, a| done(w.platform.set_gate(a, "scenario_x", None))),
    ("mark a failed gate as seen", Role::Editor, |w, a| done(w.platform.see_gate(a, "experiment_x"))),
    ("pin an experiment", Role::Editor, |w, a| done(w.platform.pin_experiment(a, "experiment_x", true))),
    ("delete an experiment", Role::Editor, |w, a| done(w.platform.delete_experiment(a, "experiment_x"))),
    ("restore an experiment", Role::Editor, |w, a| done(w.platform.restore_experiment(a, "experiment_x"))),
    ("propose a persona", Role::Editor, |w, a| done(w.platform.propose(a, &w.agent, PersonaVersion(1)))),
    ("review a persona", Role::Editor, |w, a| done(w.platform.review(a, &w.agent, PersonaVersion(1), Review::default()))),
    ("set a rule for publishing", Role::Owner, |w, a| {
        async { w.platform.set_publishing_rule(a, &PublishingRule::default()).await }.boxed()
    }),
    ("keep a draft", Role::Editor, |w, a| {
        async {
            let edit = Edit { base: Revision(1), from: None, typed: Definition::default(), message: None };
            w.platform.keep_draft(a, &w.agent, &edit, None).await.map(drop)
        }
        .boxed()
    }),
    ("discard a draft", Role::Editor, |w, a| done(w.platform.discard_draft(a, &w.agent, ""))),
    ("save an edit", Role::Editor, |w, a| {
        async {
            let edit = Edit { base: Revision(1), from: None, typed: Definition::default(), message: None };
            w.platform.save_edit(a, &w.agent, &edit, PersonaStatus::Draft, None).await.map(drop)
        }
        .boxed()
    }),
    ("have a form open", Role::Editor, |w, a| done(w.platform.note_editor(a, &w.agent))),
    ("change a role in a project", Role::Owner, |w, a| done(w.platform.set_membership(a, "user_x", "project_x", None))),
    ("invite somebody", Role::Owner, |w, a| {
        async {
            let rights = InvitationRights::organization(Role::Viewer, true);
            w.platform.invite(a, &rights).await.map(drop)
        }
        .boxed()
    }),
    ("create a link for a new password", Role::Owner, |w, a| done(w.platform.create_reset_link(a, "user_x"))),
    ("revoke a link", Role::Owner, |w, a| done(w.platform.revoke_link(a, "link_x"))),
    ("change a role", Role::Owner, |w, a| done(w.platform.set_rights(a, "user_x", Some(Role::Viewer), true))),
    ("remove somebody", Role::Owner, |w, a| done(w.platform.remove_member(a, "user_x"))),
    ("end a session of somebody", Role::Owner, |w, a| done(w.platform.end_session_of(a, "user_x", "session_x"))),
    ("create an agent", Role::Owner, |w, a| done(w.platform.create_agent(a, "New".to_owned(), Plain))),
    ("change an agent", Role::Editor, |w, a| {
        async { w.platform.change_agent(a, w.target(), &Patch::default(), None, Plain).await.map(drop) }.boxed()
    }),
    ("save a persona", Role::Editor, |w, a| {
        done(w.platform.save_persona(a, w.target(), json!("Be kind."), PersonaStatus::Published, Plain))
    }),
    ("deploy a persona", Role::Editor, |w, a| done(w.platform.deploy_persona(a, w.target(), PersonaVersion(1), Plain))),
    ("create a primitive", Role::Editor, |w, a| {
        done(w.platform.create_primitive(a, &w.agent, "skill", "greet", Map::new(), Plain))
    }),
    ("create a project", Role::Owner, |w, a| {
        done(w.platform.create_project(a, NewProject { name: "shop".to_owned(), ..NewProject::default() }, Plain))
    }),
    ("change a project", Role::Owner, |w, a| done(w.platform.change_project(a, "project_1", ProjectPatch::default(), Plain))),
    ("delete a project", Role::Owner, |w, a| done(w.platform.delete_project(a, "project_1", Plain))),
    ("restore a project", Role::Owner, |w, a| done(w.platform.restore_project(a, "project_1", Plain))),
    ("delete a scenario", Role::Editor, |w, a| done(w.platform.delete_scenario(a, "scenario_1", Plain))),
    ("restore a scenario", Role::Editor, |w, a| done(w.platform.restore_scenario(a, "scenario_1", Plain))),
    ("add an input", Role::Editor, |w, a| {
        async { w.platform.add_input(a, "scenario_1", &InputValues::default(), Plain).await.map(drop) }.boxed()
    }),
    ("change an input", Role::Editor, |w, a| {
        let place = ("scenario_1", "item_1");
        async move { w.platform.change_input(a, place, None, &InputValues::default(), Plain).await.map(drop) }.boxed()
    }),
    ("delete an input", Role::Editor, |w, a| done(w.platform.delete_input(a, ("scenario_1", "item_1"), None, Plain))),
    ("revert an input", Role::Editor, |w, a| done(w.platform.revert_input(a, ("scenario_1", "item_1"), None, Plain))),
    ("publish a draft of inputs", Role::Editor, |w, a| {
        done(w.platform.publish_draft(a, "scenario_1", DraftRelease { message: "", seen: None }, Plain))
    }),
    ("create a scenario", Role::Editor, |w, a| {
        async {
            let config = Map::new();
            let new = NewScenario { project: "project_1", name: "a", description: "", config: &config };
            w.platform.create_scenario(a, new, Plain).await.map(drop)
        }
        .boxed()
    }),
    ("change a scenario", Role::Editor, |w, a| {
        done(w.platform.change_scenario(a, "scenario_1", ScenarioPatch::default(), Plain))
    }),
    ("create a persona for tests", Role::Editor, |w, a| {
        async { w.platform.put_test_persona(a, None, "Ada", &Map::new(), Plain).await.map(drop) }.boxed()
    }),
    ("create a bundle", Role::Editor, |w, a| {
        let new = NewBundle { project: "project_1", scenario: None, input_set: None, name: None };
        done(w.platform.create_bundle(a, new, BundleStatus::Draft, Plain))
    }),
    ("publish a bundle", Role::Editor, |w, a| done(w.platform.publish_bundle(a, "bundle_1", Plain))),
    ("import", Role::Editor, |w, a| {
        async {
            let file = TestDataFile::of_inputs("a".to_owned(), Vec::new());
            w.platform.import(a, "project_1", &file, Plain).await.map(drop)
        }
        .boxed()
    }),
    ("pull", Role::Viewer, |w, a| {
        async { w.platform.find_bundle(a, &BundleQuery { version: Some("bundle_1"), ..BundleQuery::default() }).await.map(drop) }
            .boxed()
    }),
    ("record an upload of a peer", Role::Editor, |w, a| {
        async {
            let details = Map::new();
            let upload = Upload {
                bundle: "bundle_1",
                experiment_id: None,
                is_over: true,
                started_at: None,
                completed_at: None,
                details: &details,
                runs: &[],
                turns: &[],
            };
            w.platform.record_upload(a, &upload, Vec::new(), Plain).await.map(drop)
        }
        .boxed()
    }),
    ("add turns", Role::Editor, |w, a| done(w.platform.add_turns(a, &[]))),
    ("offer an upload", Role::Editor, |w, a| {
        async {
            let (project_id, bundle_id, experiment_id) = ("project_1".to_owned(), "bundle_1".to_owned(), "nightly".to_owned());
            let upload = NewUpload { project_id, bundle_id, experiment_id, files: Vec::new() };
            w.platform.offer_upload(a, &upload).await.map(drop)
        }
        .boxed()
    }),
    ("put parts", Role::Editor, |w, a| done(w.platform.put_parts(a, "upload_1", &[], futures_util::stream::empty()))),
    ("commit an upload", Role::Editor, |w, a| {
        async {
            let details = Map::new();
            let commit = UploadCommit { runs_sha256: "", started_at: None, completed_at: None, details: &details };
            w.platform.commit_upload(a, "upload_1", commit, |_| futures_util::stream::empty().boxed()).await.map(drop)
        }
        .boxed()
    }),
    ("sign an address", Role::Editor, |w, a| {
        let file = AnnouncedFile {
            project: None,
            run_id: "run_1".to_owned(),
            file_type: "traces".to_owned(),
            name: "a.jsonl".to_owned(),
            size: None,
            sha256: None,
        };
        done(w.platform.sign_address(a, file))
    }),
    ("create a key", Role::Owner, |w, a| {
        done(w.platform.create_key(a, KeyRequest { name: "ci", role: Role::Viewer, project: None, life: None }, None))
    }),
    ("revoke a key", Role::Owner, |w, a| done(w.platform.revoke_key(a, "key_1"))),
    ("revoke a device", Role::Owner, |w, a| done(w.platform.revoke_device(a, "device_1"))),
];

fn done<'a, T>(work: impl Future<Output = Result<T, Error>> + Send + 'a) -> Done<'a> {
    work.map(|result| result.map(drop)).boxed()
}

#[tokio::test]
async fn each_thing_asks_for_its_role_and_for_no_more() {
    let world = World::start().await;
    for (name, needs, work) in ROWS {
        for role in [Role::Viewer, Role::Editor, Role::Owner] {
            let result = work(&world, &world.actor(role)).await;
            let is_refused = matches!(result, Err(Error::TooNarrow { .. }));
            assert_eq!(is_refused, role < needs, "{name} as {role}: {result:?}");
        }
    }
}

#[tokio::test]
async fn who_is_confined_to_a_project_creates_no_other() {
    let world = World::start().await;
    let mut actor = world.actor(Role::Owner);
    actor.scope = Scope::of(&actor.scope.org_id, Some("project_1".to_owned()));
    let new = NewProject { name: "shop".to_owned(), ..NewProject::default() };
    assert!(matches!(world.platform.create_project(&actor, new, Plain).await, Err(Error::Confined(_))));
}

/// Tells an agent's revision, and keeps it for who asks again.
struct Told(Repeat);

impl Reply<AgentState> for Told {
    type Output = String;

    fn repeat(&self) -> Option<&Repeat> {
        Some(&self.0)
    }

    fn again(self, before: StoredResponse) -> Result<String, Error> {
        Ok(before.body)
    }

    fn first(self, state: AgentState) -> Result<(String, Option<StoredResponse>), Error> {
        let body = state.agent.id.to_string();
        Ok((body.clone(), Some(StoredResponse { status: 201, body })))
    }
}

impl Reply<ChangedAgent> for Told {
    type Output = String;

    fn repeat(&self) -> Option<&Repeat> {
        Some(&self.0)
    }

    fn again(self, before: StoredResponse) -> Result<String, Error> {
        Ok(before.body)
    }

    fn first(self, changed: ChangedAgent) -> Result<(String, Option<StoredResponse>), Error> {
        <Self as Reply<AgentState>>::first(self, changed.state)
    }
}

#[tokio::test]
async fn a_request_that_comes_again_is_done_once() {
    let world = World::start().await;
    let owner = world.actor(Role::Owner);
    let told = |text: &str| Told(Repeat { key: Some("k".to_owned()), request: Digest::of_bytes(text.as_bytes()) });
    let create = |reply| world.platform.create_agent(&owner, "New".to_owned(), reply);
    let first = create(told("a")).await.unwrap();
    assert_eq!(create(told("a")).await.unwrap(), first);
    assert_eq!(world.platform.store.agents(&world.scope).await.unwrap().len(), 2);
    assert!(matches!(create(told("b")).await, Err(Error::Store(StoreError::OtherRequest))));
}

#[tokio::test]
async fn a_request_with_a_key_that_changes_nothing_is_in_no_log() {
    let world = World::start().await;
    let owner = world.actor(Role::Owner);
    let platform = &world.platform;
    let change = async |key: &str| {
        let told = Told(Repeat { key: Some(key.to_owned()), request: Digest::of_bytes(key.as_bytes()) });
        let patch = Patch::of(Field::NAME, json!("Sales"));
        platform.change_agent(&owner, world.target(), &patch, None, told).await.unwrap();
        platform.activity(&owner, &ActivityFilter::default(), 10).await.unwrap().len()
    };
    let logged = change("first").await;
    assert_eq!(change("second").await, logged, "it was so already");
    assert_eq!(change("second").await, logged);
}

#[tokio::test]
async fn the_end_of_an_experiment_of_another_tool_is_told_once() {
    use keepstep_store::results::{RunRecord, Status};

    let world = World::start().await;
    let platform = &world.platform;
    let (editor, owner) = (world.actor(Role::Editor), world.actor(Role::Owner));
    let file = serde_json::from_value(json!({"scenario": {"name": "orders"}, "inputs": [{"id": "a", "text": "A"}]})).unwrap();
    let mut transaction = platform.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, "shop").await.unwrap().id;
    let bundle = transaction.import(&world.scope, &project, &file).await.unwrap();
    transaction.commit().await.unwrap();
    let events = ["experiment.ended".to_owned()];
    let (webhook, _) = platform.create_webhook(&owner, "https://example.com", &events).await.unwrap();
    let upload = async |is_over: bool, status: Status| {
        let (details, runs) = (Map::new(), [RunRecord::new("a", status), RunRecord::new("b", Status::Passed)]);
        let upload = Upload {
            bundle: &bundle.id,
            experiment_id: Some("nightly"),
            is_over,
            started_at: None,
            completed_at: None,
            details: &details,
            runs: &runs,
            turns: &[],
        };
        platform.record_upload(&editor, &upload, Vec::new(), Plain).await.unwrap();
        platform.store.deliveries(&webhook.id, 10).await.unwrap()
    };
    assert_eq!(upload(false, Status::Running).await, []);
    let told = upload(true, Status::Failed).await;
    let body: Value = serde_json::from_str(&told[0].body).unwrap();
    assert_eq!((told.len(), &body["type"]), (1, &json!("experiment.ended")));
    assert_eq!((&body["data"]["cases"], &body["data"]["failed"]), (&json!(2), &json!(1)));
    assert_eq!((&body["data"]["project_id"], &body["data"]["experiment"]["experiment_id"]), (&json!(project), &json!("nightly")));
    assert_eq!(upload(true, Status::Failed).await.len(), 1, "what comes again has ended before");
}

#[tokio::test]
async fn a_gate_is_checked_when_an_experiment_ends_and_a_failure_is_told_once() {
    use keepstep_results::gate::{Gate, GateState};
    use keepstep_store::results::{RunRecord, Status};

    let world = World::start().await;
    let platform = &world.platform;
    let (editor, owner) = (world.actor(Role::Editor), world.actor(Role::Owner));
    let file = serde_json::from_value(json!({"scenario": {"name": "orders"}, "inputs": [{"id": "a", "text": "A"}]})).unwrap();
    let mut transaction = platform.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, "shop").await.unwrap().id;
    let bundle = transaction.import(&world.scope, &project, &file).await.unwrap();
    transaction.commit().await.unwrap();
    let gate = Gate { min_pass_rate: None, no_new_failures: true };
    platform.set_gate(&editor, &bundle.scenario_id, Some(gate)).await.unwrap();
    let events = ["gate.failed".to_owned()];
    let (webhook, _) = platform.create_webhook(&owner, "https://example.com", &events).await.unwrap();
    let upload = async |name: &str, statuses: [Status; 2]| {
        let ended = |id: &str, status| {
            let input = id.to_owned();
            RunRecord { input, ..RunRecord::new(format!("{name}-{id}"), status) }
        };
        let (details, runs) = (Map::new(), [ended("first", statuses[0]), ended("second", statuses[1])]);
        let upload = Upload {
            bundle: &bundle.id,
            experiment_id: Some(name),
            is_over: true,
            started_at: None,
            completed_at: None,
            details: &details,
            runs: &runs,
            turns: &[],
        };
        let recorded = platform.record_upload(&editor, &upload, Vec::new(), Plain).await.unwrap();
        platform.store.experiment(&world.scope, &recorded.batch_id).await.unwrap()
    };
    let said = |experiment: &keepstep_store::results::Experiment| {
        let gate = experiment.gate.clone().unwrap();
        (gate.state.unwrap(), gate.reason)
    };
    let told = async || platform.store.deliveries(&webhook.id, 10).await.unwrap();
    let (good, bad) = (Status::Passed, Status::Failed);
    let first = upload("one", [good, good]).await;
    assert_eq!(said(&first), (GateState::Undecided, "no earlier experiment to compare with".to_owned()));
    assert_eq!(told().await, []);

    let second = upload("two", [good, bad]).await;
    assert_eq!(said(&second), (GateState::Failed, "1 new failure against the baseline".to_owned()));
    let kept = second.gate.clone().unwrap();
    assert_eq!((kept.baseline.as_deref(), kept.first_run.as_deref()), (Some(first.batch.id.as_str()), Some("two-second")));
    let body: Value = serde_json::from_str(&told().await[0].body).unwrap();
    assert_eq!(body["type"], "gate.failed");
    assert_eq!(
        body["data"],
        json!({
            "project": {"id": project, "name": "shop"},
            "scenario": {"id": bundle.scenario_id, "name": "orders"},
            "experiment": {"id": second.batch.id, "experiment_id": "two", "name": "two"},
            "reason": "1 new failure against the baseline",
            "gate": {"no_new_failures": true},
        })
    );
    // What comes again, and another gate, change neither the answer nor what was told.
    let rate = Gate { min_pass_rate: Some(50), no_new_failures: false };
    platform.set_gate(&editor, &bundle.scenario_id, Some(rate)).await.unwrap();
    assert_eq!(upload("two", [good, bad]).await.gate, second.gate);
    platform.count_experiments(&project).await.unwrap();
    assert_eq!(platform.store.experiment(&world.scope, &second.batch.id).await.unwrap().gate, second.gate);
    assert_eq!(told().await.len(), 1);
    assert_eq!(said(&upload("three", [good, bad]).await), (GateState::Passed, "50 % passed, 50 % required".to_owned()));
    let fourth = upload("four", [bad, Status::Error]).await;
    assert_eq!(said(&fourth), (GateState::Failed, "0 % passed, 50 % required".to_owned()));
    assert_eq!(fourth.gate.unwrap().first_run.as_deref(), Some("four-first"));
    assert_eq!(told().await.len(), 2);
    platform.see_gate(&editor, &fourth.batch.id).await.unwrap();
    platform.set_gate(&editor, &bundle.scenario_id, Some(Gate::default())).await.unwrap();
    assert_eq!(platform.store.gate(&world.scope, &bundle.scenario_id).await.unwrap(), None);
    assert_eq!(upload("five", [bad, bad]).await.gate, None);
    let done = platform.activity_actions(&owner).await.unwrap();
    for action in ["set the gate of a scenario", "remove the gate of a scenario", "mark a failed gate as seen"] {
        assert!(done.iter().any(|known| known == action), "{action} in {done:?}");
    }
}

#[tokio::test]
async fn the_right_to_publish_is_apart_from_the_role() {
    let world = World::start().await;
    let editor = Actor { may_publish: false, ..world.actor(Role::Editor) };
    let platform = &world.platform;
    let persona = |status| platform.save_persona(&editor, world.target(), json!("Be kind."), status, Plain);
    persona(PersonaStatus::Draft).await.unwrap();
    let draft = |status| Patch { persona: Some(PersonaChange { persona: json!("Be brief."), status }), ..Patch::default() };
    platform.change_agent(&editor, world.target(), &draft(PersonaStatus::Draft), None, Plain).await.unwrap();
    let file = TestDataFile::of_inputs("a".to_owned(), Vec::new());
    let new = NewBundle { project: "project_1", scenario: None, input_set: None, name: None };
    let refused = [
        persona(PersonaStatus::Published).await.map(drop),
        platform.change_agent(&editor, world.target(), &draft(PersonaStatus::Published), None, Plain).await.map(drop),
        platform.change_agent(&editor, world.target(), &Patch::default(), Some(PersonaVersion(1)), Plain).await.map(drop),
        platform.change_agent(&editor, world.target(), &Patch::of(Field::NAME, json!("x")), None, Plain).await.map(drop),
        platform.deploy_persona(&editor, world.target(), PersonaVersion(1), Plain).await.map(drop),
        platform.create_bundle(&editor, new, BundleStatus::Published, Plain).await.map(drop),
        platform.publish_bundle(&editor, "bundle_1", Plain).await.map(drop),
        platform.import(&editor, "project_1", &file, Plain).await.map(drop),
    ];
    for (index, refused) in refused.into_iter().enumerate() {
        assert!(matches!(refused, Err(Error::MayNotPublish(_))), "{index}: {refused:?}");
    }
    let state = platform.store.agent_state(&world.scope, &world.agent).await.unwrap();
    assert_eq!((state.agent.published, state.agent.name()), (None, Some("Shop")));
    // An owner always may, and the right alone is no role.
    let owner = Actor { may_publish: false, ..world.actor(Role::Owner) };
    platform.deploy_persona(&owner, world.target(), PersonaVersion(1), Plain).await.unwrap();
    let viewer = world.actor(Role::Viewer);
    let refused = platform.deploy_persona(&viewer, world.target(), PersonaVersion(1), Plain).await;
    assert!(matches!(refused, Err(Error::TooNarrow { .. })), "{refused:?}");
}

/// Where a log is written, to be read here.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn each_write_has_a_line_that_says_who_did_it() {
    let world = World::start().await;
    let lines = Lines::default();
    let writer = lines.clone();
    let log =
        tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_ansi(false).with_writer(move || writer.clone());
    // For all threads: what is asked for by one thread alone is lost where another one comes to the place in the code first.
    tracing::subscriber::set_global_default(log.finish()).unwrap();
    let text = Value::from("Be kind.");
    // The other tests write too, at the same time.
    let named = |role| Actor { name: "audited".to_owned(), ..world.actor(role) };
    let editor = named(Role::Editor);
    world.platform.save_persona(&editor, world.target(), text, PersonaStatus::Published, Plain).await.unwrap();
    world.platform.save_persona(&named(Role::Viewer), world.target(), json!("x"), PersonaStatus::Draft, Plain).await.unwrap_err();
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let audit: Vec<&str> = log.lines().filter_map(|line| line.split_once(" audit: ")).map(|(_, line)| line).collect();
    let audit: Vec<&str> = audit.into_iter().filter(|line| line.contains("audited")).collect();
    assert_eq!(audit, [r#"by="id_editor" name="audited" role="editor" what="publish a persona""#]);
}

#[tokio::test]
async fn a_key_that_nobody_received_opens_nothing() {
    let world = World::start().await;
    let owner = world.actor(Role::Owner);
    let repeat = Repeat { key: Some("k".to_owned()), request: Digest::of_bytes(b"a") };
    let wanted = || KeyRequest { name: "ci", role: Role::Viewer, project: None, life: None };
    let (lost, _) = world.platform.create_key(&owner, wanted(), Some(&repeat)).await.unwrap();
    let (kept, _) = world.platform.create_key(&owner, wanted(), Some(&repeat)).await.unwrap();
    assert!(world.platform.holder_of_key(lost.reveal()).await.is_err());
    assert_eq!(world.platform.holder_of_key(kept.reveal()).await.unwrap().actor.name, "ci");
}

#[tokio::test]
async fn a_draft_is_published_as_itself_and_nobody_comes_between() {
    let world = World::start().await;
    let editor = world.actor(Role::Editor);
    let text = Value::from("Be kind.");
    let saved = world.platform.save_persona(&editor, world.target(), text, PersonaStatus::Draft, Plain).await.unwrap();
    let (draft, revision) = (saved.persona.summary.version, saved.revision);
    let target = || Target { expected: Some(revision), ..world.target() };
    let patch = Patch::of(Field::NAME, "Shop 2".into());
    let changed = world.platform.change_agent(&editor, target(), &patch, Some(draft), Plain).await.unwrap();
    assert!(changed.is_new && changed.state.agent.published == Some(draft));
    assert_eq!(changed.state.agent.name(), Some("Shop 2"));
    let stale = world.platform.change_agent(&editor, target(), &patch, None, Plain).await;
    assert!(matches!(stale, Err(Error::Store(StoreError::Stale { .. }))));
}

#[tokio::test]
async fn where_personas_are_reviewed_only_what_somebody_approved_is_published() {
    use keepstep_store::ProposalState;

    let world = World::start().await;
    let platform = &world.platform;
    let named = |name: &str, role: Role| Actor { id: format!("user_{name}"), name: name.to_owned(), ..world.actor(role) };
    let (ada, bob, owner) = (named("Ada", Role::Editor), named("Bob", Role::Editor), named("Own", Role::Owner));
    let save = async |text: &str, status| {
        let saved = platform.save_persona(&ada, world.target(), json!(text), status, Plain).await;
        saved.map(|saved| saved.persona.summary.version)
    };
    let rule = |review| PublishingRule { review, ..PublishingRule::default() };
    let first = save("One", PersonaStatus::Published).await.unwrap();
    platform.set_publishing_rule(&owner, &rule(true)).await.unwrap();
    let second = save("Two", PersonaStatus::Draft).await.unwrap();
    let refused = [
        save("Two", PersonaStatus::Published).await.map(drop),
        platform.deploy_persona(&owner, world.target(), second, Plain).await.map(drop),
        platform.change_agent(&ada, world.target(), &Patch::default(), Some(second), Plain).await.map(drop),
    ];
    for refused in refused {
        assert!(matches!(&refused, Err(Error::Refused(why)) if why.contains("reviewed")), "{refused:?}");
    }
    // What is no persona is not reviewed, and what was published before is not, either.
    platform.change_agent(&ada, world.target(), &Patch::of(Field::NAME, json!("Sales")), None, Plain).await.unwrap();
    platform.deploy_persona(&ada, world.target(), first, Plain).await.unwrap();
    save("One", PersonaStatus::Published).await.unwrap();

    let review = |state| Review { state, comment: "so".to_owned(), ..Review::default() };
    let approve = || review(Some(ProposalState::Approved));
    assert!(matches!(platform.review(&bob, &world.agent, second, approve()).await, Err(Error::NotFound(_))));
    platform.propose(&ada, &world.agent, second).await.unwrap();
    let own = platform.review(&ada, &world.agent, second, approve()).await;
    assert!(matches!(own, Err(Error::Refused(_))), "{own:?}");
    let writer = Actor { may_publish: false, ..bob.clone() };
    assert!(matches!(platform.review(&writer, &world.agent, second, approve()).await, Err(Error::MayNotPublish(_))));
    platform.review(&writer, &world.agent, second, review(Some(ProposalState::ChangesRequested))).await.unwrap();
    assert!(platform.deploy_persona(&ada, world.target(), second, Plain).await.is_err());
    let withdrawn = platform.review(&bob, &world.agent, second, review(Some(ProposalState::Withdrawn))).await;
    assert!(matches!(withdrawn, Err(Error::Refused(_))), "{withdrawn:?}");
    platform.review(&ada, &world.agent, second, review(Some(ProposalState::Withdrawn))).await.unwrap();
    for state in [ProposalState::Approved, ProposalState::ChangesRequested] {
        let refused = platform.review(&bob, &world.agent, second, review(Some(state))).await;
        assert!(matches!(&refused, Err(Error::Refused(why)) if why.contains("withdrawn")), "{refused:?}");
    }
    platform.propose(&ada, &world.agent, second).await.unwrap();
    platform.review(&bob, &world.agent, second, approve()).await.unwrap();
    // Exactly this text, and no other one.
    assert!(save("Two, changed", PersonaStatus::Published).await.is_err());
    platform.deploy_persona(&ada, world.target(), second, Plain).await.unwrap();
    let late = platform.review(&bob, &world.agent, second, review(None)).await;
    assert!(matches!(late, Err(Error::Refused(_))), "{late:?}");
    assert!(matches!(platform.propose(&ada, &world.agent, first).await, Err(Error::Refused(_))));
    platform.set_publishing_rule(&owner, &rule(false)).await.unwrap();
    save("Three", PersonaStatus::Published).await.unwrap();
}

#[tokio::test]
async fn where_a_scenario_has_to_pass_only_exactly_the_text_that_passed_is_published() {
    use keepstep_agent::canonical::persona_digest;
    use keepstep_store::results::{RunRecord, Status};

    let world = World::start().await;
    let platform = &world.platform;
    let (editor, owner) = (world.actor(Role::Editor), world.actor(Role::Owner));
    let file: TestDataFile =
        serde_json::from_value(json!({"scenario": {"name": "orders"}, "inputs": [{"id": "a", "text": "A"}]})).unwrap();
    let mut transaction = platform.store.write().await.unwrap();
    let project = transaction.create_project(&world.scope.org_id, "shop").await.unwrap().id;
    let bundle = transaction.import(&world.scope, &project, &file).await.unwrap();
    transaction.commit().await.unwrap();
    let rule = PublishingRule { scenario: Some(bundle.scenario_id.clone()), ..PublishingRule::default() };
    platform.set_publishing_rule(&owner, &rule).await.unwrap();
    let unknown = PublishingRule { scenario: Some("scenario_x".to_owned()), ..PublishingRule::default() };
    assert!(platform.set_publishing_rule(&owner, &unknown).await.is_err());
    let publish = async |text: &str| {
        platform.save_persona(&editor, world.target(), json!(text), PersonaStatus::Published, Plain).await.map(drop)
    };
    let test = async |text: &str, name: &str, status: Status, agent: &str| {
        let digest = persona_digest(Some(&json!(text))).unwrap().to_string();
        let details = json!({"agent": agent, "code_persona_digest": digest});
        let Value::Object(details) = details else { panic!("an object") };
        let upload = Upload {
            bundle: &bundle.id,
            experiment_id: Some(name),
            is_over: true,
            started_at: None,
            completed_at: None,
            details: &details,
            runs: &[RunRecord::new(name, status)],
            turns: &[],
        };
        let mut transaction = platform.store.write().await.unwrap();
        transaction.record_upload(&world.scope, &upload).await.unwrap();
        transaction.commit().await.unwrap();
    };
    let agent = world.agent.as_str();
    test("One", "failed", Status::Failed, agent).await;
    test("One", "other-agent", Status::Passed, "base1_agent").await;
    test("Two", "other-text", Status::Passed, agent).await;
    let refused = publish("One").await;
    assert!(matches!(&refused, Err(Error::Refused(why)) if why.contains("pass a scenario")), "{refused:?}");
    publish("Two").await.unwrap();
    test("One", "passed", Status::Passed, agent).await;
    publish("One").await.unwrap();
    let digest = persona_digest(Some(&json!("One"))).unwrap();
    let found = platform.store.run_batches_of_persona(&world.scope, &world.agent, digest, 10).await.unwrap();
    assert_eq!(found.iter().map(|batch| batch.experiment_id.as_deref().unwrap()).collect::<Vec<_>>(), ["passed", "failed"]);
    let elsewhere = Scope::organization("org_other");
    assert!(platform.store.run_batches_of_persona(&elsewhere, &world.agent, digest, 10).await.unwrap().is_empty());
}
