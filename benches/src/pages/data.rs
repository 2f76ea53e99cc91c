//! What the pages show: agents, test data, experiments, people, keys and a log, written through the functions of the store. The figures of
//! experiments are counted as the server does it when results are committed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use keepstep_base::AgentId;
use keepstep_store::results::{Begun, NewCommit, RunRecord, Status};
use keepstep_store::test_data::{Bundle, InputValues, Message};
use keepstep_store::{
    DriftReport, Intent, NewActivity, NewAgent, NewKey, Patch, PersonaChange, PersonaStatus, Role, Scope, Store,
};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

use crate::platform::Platform;

/// How many runs are written at a time.
const AT_ONCE: usize = 2_500;

/// When the first experiment began, in epoch milliseconds, and how much later each other one.
const BEGAN: i64 = 1_760_000_000_000;
const LATER: i64 = 20 * 60 * 1000;

/// How many turns a usual case has, and the one with the most.
const TURNS: usize = 2;
const MOST_TURNS: usize = 100;

/// How many versions of its persona the agent has that is looked at.
const VERSIONS: u32 = 20;

/// How many criteria judge each case.
const CRITERIA: [&str; 3] = ["Politeness", "Names the day of arrival", "At most three sentences"];

/// How much there is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    agents: u32,
    /// How many agents' code differs.
    drifted: u32,
    projects: u32,
    inputs: usize,
    /// How many inputs a draft changes.
    edited: usize,
    experiments: u32,
    /// The cases of a usual experiment.
    cases: usize,
    people: u32,
    entries: u32,
}

impl Size {
    /// What the report is about: 1,000,000 turns.
    pub(super) const FULL: Self = Self {
        agents: 1_000,
        drifted: 100,
        projects: 20,
        inputs: 10_000,
        edited: 100,
        experiments: 1_000,
        cases: 482,
        people: 100,
        entries: 10_000,
    };

    /// To see that it works.
    pub(super) const QUICK: Self =
        Self { agents: 10, drifted: 3, projects: 2, inputs: 30, edited: 3, experiments: 12, cases: 5, people: 3, entries: 20 };

    /// Returns how many cases an experiment has: the first is small, the last two have all inputs.
    fn cases_of(self, experiment: u32) -> usize {
        match experiment {
            0 => 5,
            _ if experiment + 2 >= self.experiments => self.inputs,
            _ => self.cases,
        }
    }
}

/// A page to ask for.
pub(super) struct Page {
    pub(super) name: &'static str,
    pub(super) path: String,
    /// A script asks for it.
    pub(super) is_json: bool,
}

impl Page {
    /// Returns the page at an address.
    pub(super) fn at(path: &str) -> Self {
        Self { name: "", path: path.to_owned(), is_json: false }
    }
}

/// What is there so far.
pub(super) struct Data {
    size: Size,
    runtime: Runtime,
    store: Store,
    scope: Scope,
    /// The agent that is looked at, and the user who is.
    agent: AgentId,
    member: String,
    project: String,
    scenario: String,
    /// Both versions of the test data.
    bundles: Vec<Bundle>,
    experiments: Vec<String>,
    cases: usize,
    turns: usize,
    filling: Duration,
}

impl Data {
    /// Makes everything but the experiments.
    pub(super) fn begin(platform: &Platform, size: Size) -> Result<Self> {
        let agents = platform.fill(size.agents - 1, 3)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let store = runtime.block_on(Store::open(&platform.database()?))?;
        let scope = Scope::organization(platform.organization());
        let project = runtime.block_on(make_projects(&store, &scope, size.projects))?;
        let agent = runtime.block_on(make_agent(&store, &scope))?;
        runtime.block_on(drift(&store, &scope, agents.iter().take(size.drifted as usize)))?;
        let member = runtime.block_on(people(&store, &scope, size))?;
        let mut bundles = Vec::new();
        for version in 1..=2 {
            bundles.push(runtime.block_on(test_data(&store, &scope, &project, size, version))?);
        }
        let scenario = bundles.first().context("no test data")?.scenario_id.clone();
        runtime.block_on(edit_inputs(&store, &scope, &scenario, size.edited))?;
        let (experiments, filling) = (Vec::new(), Duration::ZERO);
        Ok(Self {
            size,
            runtime,
            store,
            scope,
            agent,
            member,
            project,
            scenario,
            bundles,
            experiments,
            cases: 0,
            turns: 0,
            filling,
        })
    }

    /// Adds experiments until there are this many turns, or all of them.
    pub(super) fn grow(&mut self, turns: u64) -> Result<()> {
        let started = Instant::now();
        while (self.turns as u64) < turns && !self.is_complete() {
            let number = u32::try_from(self.experiments.len())?;
            let cases = self.size.cases_of(number);
            let (id, turns) = self.runtime.block_on(self.experiment(number, cases))?;
            self.experiments.push(id);
            self.cases += cases;
            self.turns += turns;
        }
        self.runtime.block_on(self.count_cases())?;
        self.filling += started.elapsed();
        Ok(())
    }

    /// Adds what is left, and ends the work on the database.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.grow(u64::MAX)?;
        self.runtime.block_on(self.store.close());
        Ok(())
    }

    /// Returns true if all experiments are there.
    pub(super) fn is_complete(&self) -> bool {
        self.experiments.len() >= self.size.experiments as usize
    }

    pub(super) fn agents(&self) -> u64 {
        self.size.agents.into()
    }

    pub(super) fn experiments(&self) -> u64 {
        self.experiments.len() as u64
    }

    pub(super) fn cases(&self) -> u64 {
        self.cases as u64
    }

    pub(super) fn turns(&self) -> u64 {
        self.turns as u64
    }

    pub(super) fn turns_per_second(&self) -> u64 {
        self.turns() * 1000 / u64::try_from(self.filling.as_millis()).unwrap_or(u64::MAX).max(1)
    }

    /// Returns the address of the list of experiments.
    pub(super) fn experiments_path(&self) -> String {
        format!("/projects/{}/experiments", self.project)
    }

    /// Returns the address of the first experiment.
    pub(super) fn first_experiment(&self) -> Result<String> {
        let id = self.experiments.first().context("no experiment")?;
        Ok(format!("{}/{id}", self.experiments_path()))
    }

    /// Returns the pages to ask for, when everything is there.
    pub(super) fn pages(&self) -> Result<Vec<Page>> {
        let [.., before, after] = &self.experiments[..] else { bail!("too few experiments") };
        let (before, after) = (before.as_str(), after.as_str());
        let agent = format!("/agents/{}", self.agent);
        let project = format!("/projects/{}", self.project);
        let scenario = format!("{project}/scenarios/{}", self.scenario);
        let list = self.experiments_path();
        let experiment = format!("{list}/{after}");
        let number = |id: &str| self.experiments.iter().position(|known| known == id).unwrap_or_default();
        let case = |case: usize| format!("{experiment}/cases/{}", run_id(number(after), case));
        let some = |count: usize| {
            let ids = self.experiments.iter().rev().skip(2).take(count);
            let asked: Vec<String> = ids.map(|id| format!("experiment={id}")).collect();
            format!("{project}/compare?{}", asked.join("&"))
        };
        let compared = format!("{project}/compare?before={before}&after={after}");
        let pages = [
            ("Front page, with all agents", "/".to_owned()),
            ("Changes, the diffs of 100 agents", "/changes".to_owned()),
            ("Agent", agent.clone()),
            ("Agent, the form", format!("{agent}/edit")),
            ("Agent, a version and its difference", format!("{agent}/versions/{VERSIONS}?against=1")),
            ("Agent, the same side by side", format!("{agent}/versions/{VERSIONS}?against=1&view=split&lines=all")),
            ("Projects", "/projects".to_owned()),
            ("Project", project.clone()),
            ("Project, settings", format!("{project}/settings")),
            ("Scenario, inputs", scenario.clone()),
            ("Scenario, the last inputs", format!("{scenario}?from={}", self.size.inputs.saturating_sub(50))),
            ("Scenario, inputs with a text", format!("{scenario}?text=brings")),
            ("Scenario, settings", format!("{scenario}/settings")),
            ("Scenario, what is to be published", format!("{scenario}/publish")),
            ("Scenario, versions", format!("{scenario}/versions")),
            ("Scenario, a version", format!("{scenario}/versions/2")),
            ("Experiments", list.clone()),
            ("Experiments, the last page", format!("{list}?from={}", self.size.experiments.saturating_sub(50))),
            ("Experiments of a branch and an author", format!("{list}?branch=main&author=Ada")),
            ("Experiments of an agent and a persona", format!("{list}?agent={}&persona=v3", self.agent)),
            ("Experiments with a text", format!("{list}?text=nightly")),
            ("Experiments, oldest first", format!("{list}?sort=oldest")),
            ("Experiments, lowest pass rate first", format!("{list}?sort=worst")),
            ("Experiments, highest pass rate first", format!("{list}?sort=best")),
            ("Experiments, most cases first", format!("{list}?sort=cases")),
            ("Experiments, slowest first", format!("{list}?sort=slowest")),
            ("Experiments, most expensive first", format!("{list}?sort=cost")),
            ("Experiment of all inputs", experiment.clone()),
            ("Experiment, cases of a status", format!("{experiment}?status=completed")),
            ("Experiment, cases of a criterion", format!("{experiment}?criterion=0&verdict=failed")),
            ("Experiment, cases with a text", format!("{experiment}?text=carrier")),
            ("Experiment, cases with a text that is nowhere", format!("{experiment}?text=nowhere")),
            ("Experiment, labels", format!("{experiment}/labels")),
            ("Experiment, links that share it", format!("{experiment}/shares")),
            ("Case of 2 turns", case(1)),
            ("Case of 100 turns", case(0)),
            ("Two experiments of all inputs compared", compared.clone()),
            ("The same, what is the same", format!("{compared}&show=same")),
            ("10 experiments compared", some(10)),
            ("100 experiments compared", some(100)),
            ("Trends", format!("{project}/trends")),
            ("Trends of a branch", format!("{project}/trends?branch=main")),
            ("1,000 experiments, input by input", format!("{project}/trends/inputs")),
            ("The same, all inputs", format!("{project}/trends/inputs?show=all")),
            ("Activity", "/activity".to_owned()),
            ("Members", "/members".to_owned()),
            ("Member", format!("/members/{}", self.member)),
            ("Keys", "/keys".to_owned()),
            ("Webhooks", "/webhooks".to_owned()),
            ("Publishing", "/publishing".to_owned()),
            ("Your account", "/account".to_owned()),
            ("Search", "/search?q=shop".to_owned()),
        ];
        let mut pages: Vec<Page> = pages.into_iter().map(|(name, path)| Page { name, path, is_json: false }).collect();
        pages.push(Page { name: "Search of the palette", path: "/search?q=nightly".to_owned(), is_json: true });
        Ok(pages)
    }

    /// Writes an experiment, and returns its id and how many turns it has.
    async fn experiment(&self, number: u32, cases: usize) -> Result<(String, usize)> {
        let bundle = self.bundles.get((number % 2) as usize).context("no test data")?;
        // Both of those that are compared have the same inputs.
        let bundle = if cases == self.size.inputs { self.bundles.last().context("no test data")? } else { bundle };
        let name = format!("{} {number}", if number.is_multiple_of(3) { "nightly" } else { "change" });
        let details = details(&self.agent, number);
        let began = BEGAN + i64::from(number) * LATER;
        let new = NewCommit {
            project: &self.project,
            bundle: &bundle.id,
            experiment_id: &name,
            digest: &name,
            source: "runs.jsonl",
            started_at: Some(began),
            completed_at: Some(began + 5 * 60 * 1000),
            details: &details,
        };
        let mut transaction = self.store.write().await?;
        let Begun::New(mut commit) = transaction.begin_commit(&self.scope, &new).await? else { bail!("{name} is there") };
        let has_most = cases == self.size.inputs;
        let mut turns = 0;
        for from in (0..cases).step_by(AT_ONCE) {
            let runs: Vec<RunRecord> = chunk(from, cases)
                .map(|case| run(number, case, if has_most && case == 0 { MOST_TURNS } else { TURNS }))
                .collect();
            turns += runs.iter().map(|run| run.turns.len()).sum::<usize>();
            transaction.commit_runs(&mut commit, &runs).await?;
        }
        let committed = transaction.finish_commit(commit).await?;
        transaction.commit().await?;
        Ok((committed.batch_id, turns))
    }

    async fn count_cases(&self) -> Result<()> {
        loop {
            let uncounted = self.store.uncounted_experiments(&self.project, 100).await?;
            if uncounted.is_empty() {
                return Ok(());
            }
            for experiment in uncounted {
                let counted = self.store.count_cases(experiment).await?;
                let mut transaction = self.store.write().await?;
                transaction.keep_counted(&counted).await?;
                transaction.commit().await?;
            }
        }
    }
}

fn chunk(from: usize, of: usize) -> Range<usize> {
    from..of.min(from + AT_ONCE)
}

/// Makes projects, and returns the id of the first.
async fn make_projects(store: &Store, scope: &Scope, count: u32) -> Result<String> {
    let mut transaction = store.write().await?;
    let first = transaction.create_project(&scope.org_id, "Shop").await?.id;
    for number in 1..count {
        transaction.create_project(&scope.org_id, &format!("Shop {number}")).await?;
    }
    transaction.commit().await?;
    Ok(first)
}

/// Makes the agent that is looked at: each version of its persona has another line.
async fn make_agent(store: &Store, scope: &Scope) -> Result<AgentId> {
    let mut transaction = store.write().await?;
    let created = transaction.create_agent(NewAgent { scope, name: "Order desk", author: Some("Ada") }).await?;
    let agent = created.agent.id;
    for version in 1..=VERSIONS {
        let line = |line: u32| {
            let changed = if line <= version * 3 { "short, plain and polite" } else { "plain" };
            format!("Rule {line}: answer in {changed} words, and say when the order arrives.")
        };
        let text: Vec<String> = (1..=150).map(line).collect();
        let change = PersonaChange { persona: json!(text.join("\n")), status: PersonaStatus::Published };
        let patch = Patch { persona: Some(change), ..Patch::default() };
        let intent = Intent { scope, agent: &agent, author: Some("Ada"), message: Some("More polite"), expected: None };
        transaction.change(&intent, &patch).await?;
    }
    transaction.commit().await?;
    Ok(agent)
}

/// Changes some lines of what agents have published, and reports that their code still has what was published before. So the server has both
/// texts of each difference.
async fn drift(store: &Store, scope: &Scope, agents: impl Iterator<Item = &AgentId>) -> Result<()> {
    let mut transaction = store.write().await?;
    let now = transaction.now();
    for (number, agent) in agents.enumerate() {
        let before = store.agent_state(scope, agent).await?.published.context("nothing is published")?;
        let text = before.persona.as_str().context("a persona with channels")?;
        let edited = |(line, text): (usize, &str)| {
            if line % 9 == 4 { format!("{text} Say so in case {number}.") } else { text.to_owned() }
        };
        let text: Vec<String> = text.lines().enumerate().map(edited).collect();
        let change = PersonaChange { persona: json!(text.join("\n")), status: PersonaStatus::Published };
        let patch = Patch { persona: Some(change), ..Patch::default() };
        let intent = Intent { scope, agent, author: Some("Grace"), message: Some("Cases"), expected: None };
        transaction.change(&intent, &patch).await?;
        let code = format!("sha256:{}", before.summary.digest.context("a persona without a digest")?);
        let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
        let seen = json!({"persona": {"code": code, "base": code}, "name": {"code": digest("c"), "base": digest("d")}});
        let report = DriftReport {
            agent_id: agent.clone(),
            repository: format!("git.example.com/shops/{number}"),
            branch: "main".to_owned(),
            commit: Some("0123456789abcdef".to_owned()),
            fields: serde_json::from_value::<BTreeMap<_, _>>(seen)?,
            reported_by: "CI".to_owned(),
            reported_at: now,
            since: Some(now),
        };
        transaction.put_drift_report(&report).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Adds members, a key of each, and entries of the log. Returns the id of a member.
async fn people(store: &Store, scope: &Scope, size: Size) -> Result<String> {
    let mut transaction = store.write().await?;
    let mut last = String::new();
    for number in 0..size.people {
        last = transaction.create_user(&scope.org_id, Role::Editor, &format!("Person {number}")).await?.id;
        let name = format!("CI {number}");
        transaction.create_key(NewKey { name: &name, role: Role::Viewer, scope, expires_at: None }).await?;
    }
    transaction.commit().await?;
    let mut transaction = store.write().await?;
    transaction.about("agent", "agent_1", "Order desk");
    for number in 0..size.entries {
        let new = NewActivity {
            org_id: &scope.org_id,
            actor_id: &last,
            actor_name: "Ada",
            device: Some("Firefox on Linux"),
            address: Some("192.0.2.1"),
            action: ["publish a persona", "pin an experiment", "label an experiment"][number as usize % 3],
        };
        transaction.record_activity(new).await?;
    }
    transaction.commit().await?;
    Ok(last)
}

/// Publishes a version of the test data; the second says every hundredth input in other words.
async fn test_data(store: &Store, scope: &Scope, project: &str, size: Size, version: usize) -> Result<Bundle> {
    let input = |number: usize| {
        let more = if version > 1 && number.is_multiple_of(100) { " Please." } else { "" };
        json!({
            "id": item_id(number),
            "text": format!("Question {number}: where is my order, when does it arrive, and who brings it to me?{more}"),
            "persona": persona(number),
            "metadata": {"category": (["happy", "edge", "angry"][number % 3]), "tags": ["orders"]},
        })
    };
    let personas = (0..10).map(|number| json!({"name": persona(number), "description": "asks what people ask"}));
    let file = json!({
        "scenario": {"name": "orders"},
        "personas": personas.collect::<Vec<Value>>(),
        "inputs": (0..size.inputs).map(input).collect::<Vec<Value>>(),
        "criteria": [{"name": "Politeness", "items": ["Be polite"]}],
    });
    let mut transaction = store.write().await?;
    let bundle = transaction.import(scope, project, &serde_json::from_value(file)?).await?;
    transaction.commit().await?;
    Ok(bundle)
}

/// Changes inputs in the draft of a scenario.
async fn edit_inputs(store: &Store, scope: &Scope, scenario: &str, count: usize) -> Result<()> {
    let mut transaction = store.write().await?;
    for number in 0..count {
        let content = format!("Question {number}: where is my parcel, and who brings it?");
        let messages = vec![Message { role: "user".to_owned(), content }];
        let values = InputValues { messages, ..InputValues::default() };
        transaction.change_input(scope, scenario, &item_id(number), None, &values, "Ada").await?;
    }
    transaction.commit().await?;
    Ok(())
}

fn persona(number: usize) -> String {
    format!("persona {}", number % 10)
}

fn item_id(number: usize) -> String {
    format!("item-{number}")
}

fn run_id(experiment: usize, case: usize) -> String {
    format!("{experiment:08x}-0000-4000-8000-{case:012x}")
}

/// Returns what a client says of an experiment.
fn details(agent: &AgentId, number: u32) -> Map<String, Value> {
    let details = json!({
        "agent": agent.as_str(),
        "persona_version": number / 50 + 1,
        "git_branch": if number.is_multiple_of(4) { "main".to_owned() } else { format!("change-{}", number % 40) },
        "git_author": (["Ada", "Grace", "Edsger"][number as usize % 3]),
        "git_commit": format!("{number:040x}"),
        "target": "agents.shop:run",
        "target_kind": "python_function",
        "model": (["small-1", "large-1"][number as usize / 100 % 2]),
        "tool": "keepstep 0.1.0",
    });
    details.as_object().cloned().unwrap_or_default()
}

/// Returns a run. One of twenty fails, in each experiment others; every fifth answer differs from that of the experiment before.
fn run(experiment: u32, case: usize, turns: usize) -> RunRecord {
    let id = run_id(experiment as usize, case);
    let salt = experiment as usize;
    let is_bad = (case * 7 + salt * 3).is_multiple_of(20);
    let carrier = if (case + salt).is_multiple_of(5) { "the carrier of the day" } else { "our carrier" };
    let answer = format!("It is on its way, **{carrier}** brings it, and it arrives tomorrow. ").repeat(4);
    let asked = format!("Question {case}: where is my order, when does it arrive, and who brings it to me?");
    let verdict = |name: usize| if is_bad && name == case % 3 { "failed" } else { "passed" };
    let criterion = |(at, name): (usize, &&str)| {
        json!({
            "pack": "orders", "name": name, "kind": "contains", "required": true, "verdict": verdict(at),
            "expected": "tomorrow", "found": "It arrives tomorrow",
        })
    };
    let criteria: Vec<Value> = CRITERIA.iter().enumerate().map(criterion).collect();
    let evaluation = json!({"verdict": if is_bad { "failed" } else { "passed" }, "criteria": criteria});
    let duration = 400 + (case * 37 + salt * 11) % 900;
    let metrics = json!({
        "duration_ms": duration, "turn_count": turns, "prompt_tokens": 220, "completion_tokens": 80, "total_tokens": 300,
        "cost_usd": 0.0004,
    });
    let turn = |sequence: usize| {
        let is_answer = sequence.is_multiple_of(2);
        let (role, content) = if is_answer { ("assistant", &answer) } else { ("user", &asked) };
        serde_json::from_value(json!({
            "turn_id": format!("{id}-t{sequence}"), "sequence": sequence, "role": role, "content": content,
            "timestamp": "2026-01-01T00:00:00Z",
        }))
    };
    let object = |value: Value| value.as_object().cloned().unwrap_or_default();
    RunRecord {
        input_item_id: Some(item_id(case)),
        persona: Some(persona(case)),
        input: asked.clone(),
        output: answer.clone(),
        metrics: object(metrics),
        evaluation: object(evaluation),
        turns: (1..=turns).filter_map(|sequence| turn(sequence).ok()).collect(),
        ..RunRecord::new(id.clone(), if is_bad { Status::Failed } else { Status::Passed })
    }
}
