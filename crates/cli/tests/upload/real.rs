//! Uploads to a real platform, over a network that breaks and to a server that dies.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use keepstep_store::artifacts::Objects;
use keepstep_store::results::{BatchFilter, RunFilter};
use keepstep_store::{Scope, Store};
use keepstep_testkit::{Fault, Platform, Proxy, World, transcript};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::bench::{EXPERIMENT, EXPERIMENTS};
use crate::common::BINARY;

/// A platform, which several workspaces may use.
pub(super) struct Server {
    pub(super) platform: Platform,
    key: String,
    org: String,
}

/// A project with a bundle, and a workspace of it with one experiment.
pub(super) struct Place {
    world: World,
    url: String,
    key: String,
    org: String,
    data: PathBuf,
    project: String,
    bundle: String,
}

/// What an experiment is made of.
#[derive(Debug, Clone)]
pub(super) struct Shape {
    runs: Vec<RunShape>,
    /// How long what the agent says in each run is.
    answer: usize,
    /// The length of what the agent said in `traces.jsonl` beside what the runs have.
    large: usize,
}

#[derive(Debug, Clone)]
struct RunShape {
    is_good: bool,
    /// How many turns it has.
    turns: usize,
    /// The text of its report: runs with the same one share the content. None for no report.
    report: Option<u8>,
}

/// What the platform has of a batch, or the folder of an experiment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Whole {
    /// By id: status, output, and the turns.
    runs: BTreeMap<String, (String, String, Vec<String>)>,
    /// The run that a file belongs to, its type and name, and its content.
    files: BTreeMap<(Option<String>, String, String), Vec<u8>>,
}

fn shape() -> impl Strategy<Value = Shape> {
    let report = prop_oneof![Just(None), (0..4_u8).prop_map(Some)];
    let run = (any::<bool>(), 0..3_usize, report);
    let run = run.prop_map(|(is_good, turns, report)| RunShape { is_good, turns, report });
    let large = prop_oneof![Just(0), 1..5_000_usize, 1_500_000..3_000_000_usize];
    (prop::collection::vec(run, 0..12), large).prop_map(|(runs, large)| Shape { runs, answer: 10, large })
}

/// What goes wrong with the requests of one upload, in their order.
fn faults() -> impl Strategy<Value = Vec<Fault>> {
    let fault = prop_oneof![
        3 => Just(Fault::Pass),
        1 => Just(Fault::Drop),
        2 => prop_oneof![0..200_usize, 200..3_000_usize, 3_000..1_000_000_usize].prop_map(Fault::CutRequest),
        2 => (0..400_usize).prop_map(Fault::CutResponse),
        1 => Just(Fault::Duplicate),
        2 => Just(Fault::Again),
    ];
    // Mostly so often that the client gives up.
    let burst = (fault, 1..7_usize).prop_map(|(fault, times)| vec![fault; times]);
    prop::collection::vec(burst, 0..4).prop_map(|bursts| bursts.concat())
}

impl Shape {
    /// Returns good runs with long answers.
    pub(super) fn of_long_answers(runs: usize, answer: usize, large: usize) -> Self {
        Self { runs: vec![RunShape { is_good: true, turns: 1, report: None }; runs], answer, large }
    }
}

impl Server {
    pub(super) fn start() -> Self {
        Self::of(Path::new(BINARY))
    }

    /// Starts a platform with a program that is ours or starts ours.
    pub(super) fn of(binary: &Path) -> Self {
        let platform = Platform::start(binary);
        let (_, org) = platform.agent("Helper");
        let key = platform.key("owner");
        Self { platform, key, org }
    }

    pub(super) fn place(&self, name: &str, url: &str, shape: &Shape) -> Place {
        let world = World::new();
        let project = self.platform.admin(&["project", "create", "--name", name]);
        let import = world.path().join("import.json");
        let file = json!({"scenario": {"name": "orders"}, "inputs": [{"text": "Where is my order?"}]});
        std::fs::write(&import, file.to_string()).unwrap();
        let bundle = self.platform.admin(&["import", "--project", &project, import.to_str().unwrap()]);
        let place = Place {
            url: url.to_owned(),
            key: self.key.clone(),
            org: self.org.clone(),
            data: self.platform.data_dir(),
            world,
            project,
            bundle,
        };
        let workspace = place.world.project();
        workspace.file(".fluxloop/project.json", json!({"project_id": place.project, "project_name": "Shop"}).to_string());
        workspace.file(".fluxloop/scenarios/orders/configs/simulation.yaml", "name: orders\noutput_directory: experiments\n");
        place.write(shape);
        place
    }
}

impl Place {
    /// Writes the experiment as a test leaves it.
    fn write(&self, shape: &Shape) {
        let project = self.world.project();
        let file = |name: &str, text: &str| {
            project.file(&format!("{EXPERIMENTS}/{EXPERIMENT}/{name}"), text);
        };
        let (mut summary, mut turns) = (String::new(), String::new());
        for (number, run) in shape.runs.iter().enumerate() {
            let id = id(number);
            let status = if run.is_good { "completed" } else { "failed" };
            let line = json!({"trace_id": id, "input": "q", "output": output(number, shape.answer), "success": run.is_good, "status": status});
            writeln!(summary, "{line}").unwrap();
            for turn in 0..run.turns {
                let turn = json!({
                    "run_id": id, "turn_id": format!("{id}-t{turn}"), "sequence": turn, "role": "user", "content": content(number, turn),
                });
                writeln!(turns, "{turn}").unwrap();
            }
            if let Some(report) = run.report {
                // The content 0 is none at all.
                file(&format!("per_trace_analysis/{number:03}_{id}.md"), &"The same words. ".repeat(usize::from(report)));
            }
        }
        file("trace_summary.jsonl", &summary);
        // Texts that differ, so that no two parts are the same by chance.
        let large: String = (0..shape.large / 16).map(|number| format!("{number:015} ")).collect();
        file("traces.jsonl", &format!("{}\n", json!({"output": large})));
        file("turns.jsonl", &turns);
        file("observations.jsonl", "");
        file("summary.json", &json!({"name": "orders", "date": "2026-11-21T23:28:26"}).to_string());
    }

    /// Returns what must be on the platform in the end.
    pub(super) fn expected(&self, shape: &Shape) -> Whole {
        let mut whole = Whole::default();
        for (number, run) in shape.runs.iter().enumerate() {
            let turns = (0..run.turns).map(|turn| content(number, turn)).collect();
            let status = if run.is_good { "completed" } else { "failed" };
            whole.runs.insert(id(number), (status.to_owned(), output(number, shape.answer), turns));
        }
        let folder = self.world.project().path().join(EXPERIMENTS).join(EXPERIMENT);
        for (name, kind) in [
            ("trace_summary.jsonl", "trace_summary"),
            ("traces.jsonl", "traces"),
            ("turns.jsonl", "turns"),
            ("observations.jsonl", "observations"),
            ("summary.json", "summary"),
        ] {
            whole.files.insert((None, kind.to_owned(), name.to_owned()), std::fs::read(folder.join(name)).unwrap());
        }
        for (number, _) in shape.runs.iter().enumerate().filter(|(_, run)| run.report.is_some()) {
            let name = format!("{number:03}_{}.md", id(number));
            let bytes = std::fs::read(folder.join("per_trace_analysis").join(&name)).unwrap();
            whole.files.insert((Some(id(number)), "per_trace_markdown".to_owned(), name), bytes);
        }
        whole
    }

    fn command(&self) -> Command {
        let mut command = self.world.command(BINARY);
        command.args(["sync", "upload", "--strict", "--json", "--bundle-version-id", &self.bundle]);
        command.args(["--experiment-dir", &format!("{EXPERIMENTS}/{EXPERIMENT}")]);
        command.env("KEEPSTEP_URL", &self.url).env("KEEPSTEP_API_KEY", &self.key);
        command
    }

    pub(super) fn upload(&self) -> Output {
        self.command().output().unwrap()
    }

    /// Uploads where no file may be larger than so many units of 512 bytes.
    #[cfg(unix)]
    pub(super) fn upload_without_room(&self, units: u32) -> Output {
        let whole = self.command();
        let mut command = self.world.command(Path::new("/bin/sh"));
        command.args(["-c", &format!("ulimit -f {units}; trap '' XFSZ; exec \"$@\""), "sh", BINARY]).args(whole.get_args());
        command.env("KEEPSTEP_URL", &self.url).env("KEEPSTEP_API_KEY", &self.key);
        command.output().unwrap()
    }

    pub(super) fn begin(&self) -> Child {
        self.command().stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Returns the folders of the outbox.
    pub(super) fn waiting(&self) -> Vec<String> {
        let outbox = std::fs::read_dir(self.world.project().path().join(".keepstep/outbox")).unwrap();
        let names = outbox.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        names.filter(|name| name.starts_with('0')).collect()
    }

    /// Returns a text without what differs between runs.
    pub(super) fn filtered(&self, text: &str) -> String {
        text.replace(&self.url, "[URL]").replace(&*self.world.path().to_string_lossy(), "[WORLD]")
    }

    /// Checks that the platform has the batch once and as a whole, or nothing of it, and returns whether it has it.
    pub(super) fn is_there(&self, expected: &Whole) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut found = runtime.block_on(self.batches());
        match found.pop() {
            None => false,
            Some(only) => {
                assert!(found.is_empty(), "the batch is there {} times more", found.len());
                assert!(only.runs == expected.runs, "the runs are others");
                assert_eq!(only.files.keys().collect::<Vec<_>>(), expected.files.keys().collect::<Vec<_>>());
                for (name, bytes) in &only.files {
                    assert!(expected.files[name] == *bytes, "{name:?} has other bytes");
                }
                true
            }
        }
    }

    /// Reads all batches of the project as others see them.
    async fn batches(&self) -> Vec<Whole> {
        let store = Store::open(&self.data.join("keepstep.db")).await.unwrap();
        let objects = Objects::in_folder(&self.data.join("objects")).unwrap();
        let scope = Scope::organization(self.org.as_str());
        let all = BatchFilter { scenario: None, offset: 0, limit: 10 };
        let mut found = Vec::new();
        for batch in store.run_batches(&scope, &self.project, all).await.unwrap() {
            let mut whole = Whole::default();
            let filter = RunFilter { limit: 1000, ..RunFilter::default() };
            let runs = store.runs(&scope, &batch.id, &filter).await.unwrap();
            assert_eq!(batch.counts.total(), runs.len() as u64);
            for run in runs {
                let detail = store.run(&scope, &batch.id, &run.id).await.unwrap();
                let turns = detail.turns.into_iter().map(|turn| turn.content).collect();
                let ended = run.status.label().to_owned();
                whole.runs.insert(run.id, (ended, detail.run.output, turns));
            }
            for artifact in store.artifacts(&scope, &batch.id, 0, 1000).await.unwrap() {
                let (_, content) = store.open_blob(&objects, &scope, &artifact.blob_id).await.unwrap();
                let mut bytes = Vec::new();
                let mut stream = content.whole();
                while let Some(piece) = futures_util::StreamExt::next(&mut stream).await {
                    bytes.extend_from_slice(&piece.unwrap());
                }
                let name = (artifact.run_id, artifact.artifact_type, artifact.name);
                assert!(whole.files.insert(name, bytes).is_none(), "a file is there twice");
            }
            found.push(whole);
        }
        store.close().await;
        found
    }

    /// Returns the parts that an upload lacks, as the platform says.
    fn missing(&self, platform: &Platform, upload: &str) -> BTreeSet<String> {
        let mut stream = TcpStream::connect(platform.address()).unwrap();
        let key = &self.key;
        write!(
            stream,
            "GET /api/v1/uploads/{upload} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let answer: Value = serde_json::from_str(body).unwrap();
        answer["missing"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    }
}

fn id(number: usize) -> String {
    format!("0f22bbd9-b3a6-407d-b432-{number:012}")
}

fn output(number: usize, length: usize) -> String {
    format!("answer {number} ").repeat(1 + length / 10)
}

fn content(number: usize, turn: usize) -> String {
    format!("turn {turn} of {number}")
}

/// Uploads until it is done, and returns how often it took.
fn until_done(place: &Place, expected: &Whole, told: &str) -> usize {
    for attempt in 1..=10 {
        let output = place.upload();
        let is_there = place.is_there(expected);
        if output.status.success() {
            assert!(is_there, "{told}: what is acknowledged is there");
            return attempt;
        }
        // Nobody answered, or what answered was cut off.
        assert_eq!(output.status.code(), Some(11), "{told}: {}", transcript(&output));
    }
    panic!("{told}: it never ends");
}

#[test]
fn f14_f36_whatever_the_network_does_there_is_one_batch_with_every_byte() {
    const CASES: usize = 12;
    const AT_ONCE: usize = 3;
    let server = Server::start();
    let mut runner = TestRunner::deterministic();
    let strategy = (shape(), faults(), faults());
    let cases: Vec<_> = (0..CASES).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
    let (next, attempts) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some((shape, first, second)) = cases.get(number) else { return };
                    let told = format!("case {number}: {:?} {first:?} {second:?}", shape.runs.len());
                    let proxy = Proxy::before(server.platform.address());
                    let place = server.place(&format!("project {number}"), &proxy.url(), shape);
                    let expected = place.expected(shape);
                    assert!(!place.is_there(&expected));
                    proxy.script(first.clone());
                    attempts.fetch_add(until_done(&place, &expected, &told), Ordering::Relaxed);
                    // Once more, over the same bad network: it is the same batch.
                    proxy.script(second.clone());
                    until_done(&place, &expected, &told);
                }
            });
        }
    });
    assert!(attempts.into_inner() > CASES, "no fault stopped an upload");
}

#[test]
fn f15_f36_a_server_that_is_killed_loses_nothing_that_it_acknowledged() {
    let mut server = Server::start();
    let run =
        |number: usize| RunShape { is_good: !number.is_multiple_of(3), turns: number % 3, report: Some((number % 5) as u8) };
    let shape = Shape { runs: (0..60).map(run).collect(), answer: 100, large: 5_000_000 };
    let mut runner = TestRunner::deterministic();
    // After how many requests, before or while or after the server works on the next one.
    let strategy = (0..4_usize, 0..3_u8);
    for round in 0..6 {
        let (passed, moment) = strategy.new_tree(&mut runner).unwrap().current();
        let told = format!("round {round}: {passed} {moment}");
        let proxy = Proxy::before(server.platform.address());
        let place = server.place(&format!("project {round}"), &proxy.url(), &shape);
        let expected = place.expected(&shape);
        let fault = if moment == 2 { Fault::HoldResponse } else { Fault::Hold };
        proxy.script(std::iter::repeat_n(Fault::Pass, passed).chain([fault]));
        let child = place.begin();
        proxy.wait_until_held();
        let requests = proxy.requests();
        let upload = requests.iter().find_map(|request| request.target.strip_prefix("/api/v1/uploads/")?.split('/').next());
        // What it lacked before cannot be more than what it lacks now, if it keeps what it said to have.
        let was_missing = upload.map(|upload| place.missing(&server.platform, upload));
        if moment == 1 {
            proxy.release();
        }
        server.platform.kill();
        server.platform.restart();
        if let (Some(upload), Some(was_missing)) = (upload, was_missing) {
            let is_missing = place.missing(&server.platform, upload);
            assert!(is_missing.is_subset(&was_missing), "{told}: what was there is gone");
        }
        if moment != 1 {
            proxy.release();
        }
        let ended = child.wait_with_output().unwrap();
        assert!(place.is_there(&expected) || !ended.status.success(), "{told}: what is acknowledged is there");
        until_done(&place, &expected, &told);
    }
}

/// What a case of ours says reaches the platform whole: it is read from the journal.
#[test]
fn what_the_journal_says_of_a_case_that_failed_is_on_the_platform() {
    let server = Server::start();
    let place = server.place("journal", &server.platform.url(), &Shape::of_long_answers(0, 10, 0));
    let project = place.world.project();
    std::fs::remove_dir_all(project.path().join(EXPERIMENTS).join(EXPERIMENT)).unwrap();
    let answer = json!({
        "success": true, "output": "No.", "tool_calls": [{"name": "lookup", "arguments": {"order": 7}}], "token_usage": {"total_tokens": 3, "cost_usd": 0.5},
    });
    let scenario = ".fluxloop/scenarios/orders";
    project.file("answer.json", format!("{answer}\n"));
    let config = json!({
        "name": "orders", "iterations": 1, "output_directory": "experiments",
        "runner": {"type": "process", "command": ["cat", project.path().join("answer.json")]},
    });
    project.file(&format!("{scenario}/configs/simulation.yaml"), config.to_string());
    project.file(&format!("{scenario}/inputs/generated.yaml"), "- input: Where is my order?\n");
    project.file(&format!("{scenario}/criteria/own.yaml"), "- contains: on its way\n");
    let run = |arguments: &[&str]| {
        let mut command = place.world.command(BINARY);
        command.args(arguments).env("KEEPSTEP_URL", &place.url).env("KEEPSTEP_API_KEY", &place.key);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", transcript(&output));
    };
    run(&["test", "--scenario", "orders", "--skip-upload", "--no-fail"]);
    run(&["sync", "upload", "--strict", "--scenario", "orders", "--bundle-version-id", &place.bundle]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let detail = runtime.block_on(async {
        let store = Store::open(&place.data.join("keepstep.db")).await.unwrap();
        let scope = Scope::organization(place.org.as_str());
        let all = BatchFilter { scenario: None, offset: 0, limit: 10 };
        let batch = store.run_batches(&scope, &place.project, all).await.unwrap().pop().unwrap();
        let run = store.runs(&scope, &batch.id, &RunFilter { limit: 1, ..RunFilter::default() }).await.unwrap().pop().unwrap();
        let detail = store.run(&scope, &batch.id, &run.id).await.unwrap();
        store.close().await;
        detail
    });
    let said = &detail.result.evaluation;
    assert_eq!((detail.run.status.label(), detail.run.verdict.as_deref()), ("failed", Some("fail")));
    assert_eq!((&said["criteria"][0]["verdict"], &said["criteria"][0]["kind"]), (&json!("failed"), &json!("contains")));
    assert_eq!(said["tool_calls"], answer["tool_calls"]);
    assert_eq!((&detail.result.metrics["total_tokens"], &detail.result.metrics["cost_usd"]), (&json!(3.0), &json!(0.5)));
    let turns: Vec<(&str, &str)> = detail.turns.iter().map(|turn| (turn.role.as_str(), turn.content.as_str())).collect();
    assert_eq!(turns, [("user", "Where is my order?"), ("assistant", "No.")]);
}
