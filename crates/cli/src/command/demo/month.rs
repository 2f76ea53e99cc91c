//! What has happened before the tour: a team of three, an agent with five versions of its persona, and a month of nightly experiments with
//! something that got worse three days ago. It is what there is to look at in the dashboard.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use keepstep_agent::drift::{Base, Local, SeenField};
use keepstep_agent::{Field, canonical};
use keepstep_base::{AgentId, Digest};
use keepstep_platform::{
    Actor, Browser, InvitationRights, LinkForm, NewProject, Plain, Platform, SaidVerdict, SeenDrift, Target,
};
use keepstep_results::gate::Gate;
use keepstep_results::record::RunRecord;
use keepstep_results::status::Status;
use keepstep_store::results::{ExperimentFilter, Upload};
use keepstep_store::{Device, PersonaStatus, Role, Store, Surroundings};
use serde_json::{Map, Value, json};

use crate::session::data_file;
use crate::session::platform_data::alone;
use crate::shell::failure::Failure;

/// In milliseconds.
const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;

/// How many days ago the first nightly experiment ran.
const FIRST_NIGHT: i64 = 28;

/// How many days ago another model was taken, which is faster and cheaper.
const OTHER_MODEL: i64 = 12;

/// How many days ago the last version was published: what it leaves out is the regression.
const LAST_VERSION: i64 = 3;

const PERSONA: &str = "You help customers of the shop Lamplight to return what they bought.

Be friendly, and ask one question at a time.
Close with the return number.";

/// The versions: how many days ago, by which of the two editors, why, the text that is replaced, and the one in its place.
const VERSIONS: [(i64, bool, &str, &str, &str); 5] = [
    (30, true, "First version", "", ""),
    (24, false, "Refunds take time", "Close with", "Say that a refund takes five working days.\nClose with"),
    (17, true, "Opened goods", "Close with", "What was opened can be returned, too, within 30 days.\nClose with"),
    (9, false, "Shorter greetings", "Be friendly, and ask one question at a time.", "Be friendly and brief."),
    (LAST_VERSION, true, "No need for numbers", "\nClose with the return number.", ""),
];

/// The criteria and the questions, as the file that was imported.
const TEST_DATA: &str = r"scenario: {name: returns, description: Customers who send something back}
personas:
  - {name: first-time, description: Has never returned anything and wants to do it right}
  - {name: annoyed, description: Writes for the second time}
criteria:
  - name: House rules
    items:
      - {name: Closes with the return number, regex: 'R-\d{4}'}
      - {name: Promises no date, not_regex: 'on \d+ [A-Z][a-z]+'}
inputs:
";

/// A question: its id, who asks, the text, what a good answer says, and what a bad one does.
struct Question {
    id: &'static str,
    persona: &'static str,
    text: &'static str,
    good: &'static str,
    bad: &'static str,
    /// How it ended that many days ago.
    is_good: fn(i64) -> bool,
}

const QUESTIONS: [Question; 10] = [
    Question {
        id: "start",
        persona: "first-time",
        text: "How do I send back a lamp that I bought last week?",
        good: "Put it into its box and print the label that I have sent to you. Your return number is R-4711.",
        bad: "Put it into its box and print the label that I have sent to you.",
        is_good: |ago| ago > LAST_VERSION,
    },
    Question {
        id: "money",
        persona: "annoyed",
        text: "I sent it back ten days ago. Where is my money?",
        good: "I am sorry that you had to ask twice. A refund takes five working days from when it arrives: R-4690.",
        bad: "You will have it on 14 March. Your return number is R-4690.",
        is_good: |ago| ago <= 24,
    },
    Question {
        id: "opened",
        persona: "first-time",
        text: "The box is open. Can I return it anyway?",
        good: "Yes: what was opened can be returned, too, within 30 days. Your return number is R-4712.",
        bad: "What was opened cannot be returned.",
        is_good: |ago| ago <= 17,
    },
    Question {
        id: "broken",
        persona: "annoyed",
        text: "The shade came broken, and no one answers the phone!",
        good: "That should not have happened. A new shade is on its way, and the old one need not come back: R-4713.",
        bad: "That should not have happened. It will be there on 3 April. R-4713.",
        is_good: |ago| ago % 5 != 2,
    },
    Question {
        id: "receipt",
        persona: "first-time",
        text: "I have lost the receipt.",
        good: "No problem: your name and the day are enough. Your return number is R-4714.",
        bad: "Without a receipt I cannot help.",
        is_good: |_| true,
    },
    Question {
        id: "exchange",
        persona: "first-time",
        text: "Can I have the blue one instead?",
        good: "Yes. Send the other one back with the number R-4715, and the blue one leaves the same day.",
        bad: "Yes. Send the other one back, and the blue one leaves the same day.",
        is_good: |ago| ago > LAST_VERSION,
    },
    Question {
        id: "gift",
        persona: "first-time",
        text: "It was a gift. Does my aunt have to know?",
        good: "She does not. You get a voucher, and she gets no message. R-4716.",
        bad: "The money goes back to the buyer.",
        is_good: |ago| ago != 21,
    },
    Question {
        id: "abroad",
        persona: "annoyed",
        text: "I live in Norway now. Who pays the postage?",
        good: "We do, up to 15 euros. Your return number is R-4717.",
        bad: "You do.",
        is_good: |ago| ago <= 9,
    },
    Question {
        id: "late",
        persona: "annoyed",
        text: "It is day 31. Will you still take it?",
        good: "For one day I can make an exception. Your return number is R-4718.",
        bad: "No.",
        is_good: |_| false,
    },
    Question {
        id: "two",
        persona: "first-time",
        text: "I want to keep one of the two lamps.",
        good: "Send back the one that you do not want, with the number R-4719.",
        bad: "A set can only be returned as a whole.",
        is_good: |_| true,
    },
];

/// Writes it down.
pub(super) async fn write(database: &Path) -> Result<(), Failure> {
    let today = Surroundings::of_the_machine().now();
    let clock = Arc::new(AtomicI64::new(today));
    let surroundings = {
        let clock = Arc::clone(&clock);
        Surroundings::of_the_machine().with_clock(move || clock.load(Ordering::Relaxed))
    };
    let platform = alone(Store::open_with(database, surroundings).await?);
    let month = Month { platform, clock, today };
    let outcome = month.happens().await;
    month.platform.store.close().await;
    outcome
}

struct Month {
    platform: Platform,
    clock: Arc<AtomicI64>,
    today: i64,
}

impl Month {
    async fn happens(&self) -> Result<(), Failure> {
        self.days_ago(32);
        let operator = self.platform.operator(None).await?;
        if !self.platform.store.projects(&operator.scope.org_id).await?.is_empty() {
            // The folder is that of an earlier demo.
            return Ok(());
        }
        let maria = self.comes(&operator, Role::Owner, "Maria Lopez").await?;
        self.days_ago(31);
        let jonas = self.comes(&maria, Role::Editor, "Jonas Weber").await?;
        self.comes(&maria, Role::Viewer, "Aisha Khan").await?;

        let agent = self.platform.create_agent(&maria, "Returns".to_owned(), Plain).await?.agent.id;
        let mut personas = Vec::new();
        for (ago, is_by_maria, message, before, after) in VERSIONS {
            self.days_ago(ago);
            let text = personas.last().map_or_else(|| PERSONA.to_owned(), |last: &String| last.replacen(before, after, 1));
            let target = Target { agent: &agent, message: Some(message.to_owned()), expected: None };
            let by = if is_by_maria { &maria } else { &jonas };
            self.platform.save_persona(by, target, Value::from(text.clone()), PersonaStatus::Published, Plain).await?;
            personas.push(text);
        }
        self.tests(&maria, &jonas, &agent, &personas).await?;
        self.reports_drift(&jonas, &agent, &personas).await
    }

    /// Sets the clock to the night of some days ago.
    fn days_ago(&self, days: i64) {
        self.clock.store((self.today / DAY - days) * DAY + 2 * HOUR, Ordering::Relaxed);
    }

    /// Lets some time go by.
    fn later(&self, time: i64) {
        self.clock.fetch_add(time, Ordering::Relaxed);
    }

    /// Somebody is invited and comes. Nobody knows their password.
    async fn comes(&self, by: &Actor, role: Role, name: &str) -> Result<Actor, Failure> {
        let link = match role {
            Role::Owner => self.platform.create_owner_link(by).await?,
            _ => self.platform.invite(by, &InvitationRights::organization(role, role == Role::Editor)).await?,
        };
        let address = format!("{}@example.com", name.split(' ').next().unwrap_or(name).to_lowercase());
        let password: [u8; 16] = self.platform.store.surroundings().random()?;
        let password: String = password.iter().map(|byte| format!("{byte:02x}")).collect();
        let form = LinkForm { name, email: &address, password: &password };
        let device = Device { name: "Firefox on Linux".to_owned(), address: "127.0.0.1".to_owned() };
        let session = self.platform.sign_in_by_link(link.reveal(), form, Browser { device: &device, previous: None }).await?;
        let session = self.platform.store.session(session.reveal()).await?;
        session.as_ref().map(Actor::from).ok_or_else(|| Failure::usage("the demo's people cannot sign in"))
    }

    /// The project, its test data, and an experiment for each night and for a branch.
    async fn tests(&self, maria: &Actor, jonas: &Actor, agent: &AgentId, personas: &[String]) -> Result<(), Failure> {
        self.days_ago(29);
        let new = NewProject {
            organization: None,
            name: "Returns".to_owned(),
            description: Some("Nightly tests of the agent that handles returns".to_owned()),
            settings: None,
            agent: Some(agent.clone()),
        };
        let project = self.platform.create_project(maria, new, Plain).await?.id;
        // The last two questions came later.
        let mut bundle = self.imports(jonas, &project, 8).await?;
        for ago in (1..=FIRST_NIGHT).rev() {
            self.days_ago(ago);
            if ago == 20 {
                let gate = Gate { min_pass_rate: Some(75), no_new_failures: true };
                self.platform.set_gate(maria, &self.scenario(maria, &project).await?, Some(gate)).await?;
            }
            if ago == 15 {
                bundle = self.imports(jonas, &project, QUESTIONS.len()).await?;
            }
            let questions = if ago > 15 { 8 } else { QUESTIONS.len() };
            let night = Night { ago, branch: "main", author: if ago % 3 == 0 { "Maria Lopez" } else { "Jonas Weber" } };
            let id = self.tested(jonas, &bundle, agent, personas, &night, questions).await?;
            self.later(HOUR);
            match ago {
                8 => self.platform.pin_experiment(maria, &id, true).await?,
                1 => self.labels(jonas, &id).await?,
                _ => {}
            }
            // The newest ones wait for somebody.
            if ago > 2 {
                self.platform.see_experiment(jonas, &id).await?;
            }
            if (8..=10).contains(&ago) {
                let night = Night { ago, branch: "shorter-answers", author: "Jonas Weber" };
                let id = self.tested(jonas, &bundle, agent, personas, &night, questions).await?;
                self.platform.see_experiment(jonas, &id).await?;
            }
        }
        Ok(())
    }

    async fn scenario(&self, by: &Actor, project: &str) -> Result<String, Failure> {
        let newest = ExperimentFilter { limit: 1, ..ExperimentFilter::default() };
        let newest = self.platform.store.experiments(&by.scope, project, &newest).await?;
        Ok(newest.first().map(|newest| newest.batch.scenario_id.clone()).unwrap_or_default())
    }

    /// Publishes a bundle version with the first questions, and returns its id.
    async fn imports(&self, by: &Actor, project: &str, questions: usize) -> Result<String, Failure> {
        let inputs: String = QUESTIONS[..questions]
            .iter()
            .map(|question| format!("  - {{id: {}, text: {:?}, persona: {}}}\n", question.id, question.text, question.persona))
            .collect();
        let file = data_file::test_data(&format!("{TEST_DATA}{inputs}"), Path::new("returns.yaml"), None)?;
        Ok(self.platform.import(by, project, &file, Plain).await?.bundle.id)
    }

    async fn tested(
        &self,
        by: &Actor,
        bundle: &str,
        agent: &AgentId,
        personas: &[String],
        night: &Night,
        questions: usize,
    ) -> Result<String, Failure> {
        let version = VERSIONS.iter().filter(|(ago, ..)| *ago >= night.ago).count();
        let persona = Value::from(personas[version - 1].as_str());
        let details = json!({
            "agent": agent, "persona_version": version, "persona_modified": false,
            "code_persona_digest": canonical::digest(Field::PERSONA, Some(&persona)).map(|digest| digest.to_string()),
            "git_branch": night.branch, "git_author": night.author, "git_commit": night.commit(), "model": night.model(),
            "target_kind": "process", "target": "node dist/returns.js",
        });
        let Value::Object(details) = details else { return Err(Failure::usage("no object")) };
        let runs: Vec<RunRecord> =
            QUESTIONS[..questions].iter().enumerate().map(|(number, question)| night.case(number, question)).collect();
        let began = self.platform.store.now();
        let name = format!("{} {}", if night.branch == "main" { "nightly" } else { night.branch }, night.number());
        let upload = Upload {
            bundle,
            experiment_id: Some(&name),
            is_over: true,
            started_at: Some(began),
            completed_at: Some(began + 40_000),
            details: &details,
            runs: &runs,
            turns: &[],
        };
        Ok(self.platform.record_upload(by, &upload, Vec::new(), Plain).await?.batch_id)
    }

    /// Somebody looks at answers and says what they think of them.
    async fn labels(&self, by: &Actor, experiment: &str) -> Result<(), Failure> {
        let cases = [("start", Some(false), "Where is the number?"), ("late", Some(true), "A clear no is what we want here.")];
        for (id, is_right, comment) in cases {
            let said = SaidVerdict { criterion: "", is_right, comment };
            self.platform.say_verdict(by, experiment, &case_id("main", 1, id), said).await?;
        }
        Ok(())
    }

    /// The code has not taken the last version.
    async fn reports_drift(&self, by: &Actor, agent: &AgentId, personas: &[String]) -> Result<(), Failure> {
        self.days_ago(2);
        let last_but_one = personas.iter().rev().nth(1).map(|text| Value::from(text.as_str()));
        let field = Field::PERSONA;
        let base = Base::Agreed(canonical::digest(field, last_but_one.as_ref()));
        let seen = SeenField::of(field, base, &Local::Value(last_but_one));
        let seen = SeenDrift {
            repository: "github.com/lamplight/returns".to_owned(),
            branch: Some("main".to_owned()),
            commit: Some(Night { ago: 2, branch: "main", author: "" }.commit()),
            fields: BTreeMap::from([(field.key().to_owned(), seen)]),
        };
        Ok(self.platform.report_drift(by, agent, seen).await?)
    }
}

/// An experiment.
struct Night {
    ago: i64,
    branch: &'static str,
    author: &'static str,
}

impl Night {
    /// Which one it is, from 1.
    fn number(&self) -> i64 {
        FIRST_NIGHT + 1 - self.ago
    }

    fn commit(&self) -> String {
        Digest::of_bytes(format!("{} {}", self.branch, self.ago).as_bytes()).to_string().chars().rev().take(12).collect()
    }

    fn model(&self) -> &'static str {
        if self.ago > OTHER_MODEL { "lantern-large" } else { "lantern-small" }
    }

    fn case(&self, number: usize, question: &Question) -> RunRecord {
        let is_good = (question.is_good)(self.ago);
        let output = if is_good { question.good } else { question.bad };
        // (Which of both rules an answer breaks, the answers above say.)
        let has_number = output.contains("R-4");
        let has_date = output.contains("March") || output.contains("April");
        let criterion = |name: &str, kind: &str, expected: &str, is_met: bool| {
            json!({"pack": "House rules", "name": name, "kind": kind, "expected": expected, "found": output, "required": true, "weight": 1.0,
                "verdict": if is_met { "passed" } else { "failed" }})
        };
        let passed = has_number && !has_date;
        // Times that differ from night to night, and are the same whenever the demo runs.
        let spread = f64::from(u32::try_from((number * 37 + self.ago.unsigned_abs() as usize * 53) % 100).unwrap_or_default());
        let (base, price) = if self.ago > OTHER_MODEL { (1400.0, 0.000_012) } else { (620.0, 0.000_002) };
        let tokens = 180 + output.len();
        RunRecord {
            input_item_id: Some(question.id.to_owned()),
            persona: Some(question.persona.to_owned()),
            input: question.text.to_owned(),
            output: output.to_owned(),
            metrics: object(
                json!({"duration_ms": base + 9.0 * spread, "total_tokens": tokens, "cost_usd": tokens as f64 * price}),
            ),
            transcript: vec![json!({"role": "user", "content": question.text}), json!({"role": "assistant", "content": output})],
            evaluation: object(json!({"verdict": if passed { "pass" } else { "fail" }, "criteria": [
                criterion("Closes with the return number", "regex", r"R-\d{4}", has_number),
                criterion("Promises no date", "not_regex", r"on \d+ [A-Z][a-z]+", !has_date),
            ]})),
            ..RunRecord::new(case_id(self.branch, self.ago, question.id), if passed { Status::Passed } else { Status::Failed })
        }
    }
}

fn case_id(branch: &str, ago: i64, question: &str) -> String {
    format!("{branch}-{}-{question}", FIRST_NIGHT + 1 - ago)
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(object) = value { object } else { Map::new() }
}

#[cfg(test)]
mod tests {
    use keepstep_store::Scope;

    use super::*;

    #[tokio::test]
    async fn there_is_a_regression_to_find_and_a_second_demo_adds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("keepstep.db");
        write(&database).await.unwrap();
        write(&database).await.unwrap();
        let platform = alone(Store::open(&database).await.unwrap());
        let operator = platform.operator(None).await.unwrap();
        let scope = Scope::organization(operator.scope.org_id.clone());
        let projects = platform.store.projects(&scope.org_id).await.unwrap();
        let [project] = &projects[..] else { panic!("{projects:?}") };

        let of_main = ExperimentFilter { branch: Some("main"), limit: 100, ..ExperimentFilter::default() };
        let nights = platform.store.trend(&scope, &project.id, &of_main).await.unwrap();
        assert_eq!(nights.len() as i64, FIRST_NIGHT);
        // The newest first: what the last version leaves out fails from the night on that it was published.
        let passed: Vec<u64> = nights.iter().take(4).map(|night| night.counts.passed).collect();
        assert!(passed[..3].iter().all(|later| *later < passed[3]), "{passed:?}");
        let versions: Vec<_> = nights.iter().take(4).map(|night| night.persona.clone().unwrap_or_default()).collect();
        assert_eq!(versions, ["v5", "v5", "v5", "v4"]);
        assert_eq!(platform.store.failed_gates(&scope, 0).await.unwrap().len(), 1);
        let agents = platform.store.agents(&scope).await.unwrap();
        let states = platform.code_states(&operator, &agents).await.unwrap();
        let states: Vec<_> = states.values().flatten().flat_map(|code| code.drifted().map(|(_, state)| state)).collect();
        assert_eq!(states, [keepstep_agent::State::Behind]);
    }
}
