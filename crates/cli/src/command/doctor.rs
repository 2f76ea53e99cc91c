//! `keepstep doctor`

use clap::Args;
use jiff::Timestamp;
use keepstep_core::Field;
use keepstep_source::Property;
use serde_json::{Value, json};

use super::{CommandResult, Outcome};
use crate::context::Context;
use crate::failure::Failure;
use crate::lock_file::LockFile;
use crate::printer::{Label, Text, count};
use crate::server::Server;
use crate::settings::Settings;
use crate::sides::{self, Project};

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep doctor")]
pub(crate) struct Arguments {}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grade {
    Good,
    Warning,
    Bad,
}

/// A check that was made.
#[derive(Debug)]
struct Check {
    name: &'static str,
    grade: Grade,
    message: String,
    hints: Vec<String>,
}

/// The checks that were made so far.
struct Checks<'a> {
    context: &'a Context,
    made: Vec<Check>,
}

impl Checks<'_> {
    fn add(&mut self, name: &'static str, grade: Grade, message: String, hints: Vec<String>) {
        self.made.push(Check { name, grade, message, hints });
    }

    /// Adds how a check ended, and returns what it found.
    fn note<T>(&mut self, name: &'static str, result: Result<T, Failure>, good: impl FnOnce(&T) -> String) -> Option<T> {
        match result {
            Ok(found) => {
                self.add(name, Grade::Good, good(&found), Vec::new());
                Some(found)
            }
            Err(failure) => {
                let told = failure.told(self.context.program);
                self.add(name, Grade::Bad, told.message, told.hints);
                None
            }
        }
    }
}

/// Checks everything that the other commands depend on; writes nothing.
pub(crate) fn run(context: &Context, _arguments: &Arguments) -> CommandResult {
    let mut checks = Checks { context, made: Vec::new() };
    checks.add("version", Grade::Good, format!("keepstep {}", env!("CARGO_PKG_VERSION")), Vec::new());
    let project = checks
        .note("project", Project::open(context), |project| format!("agent {} in {}", project.agent, project.root.display()));
    if let Some(project) = &project {
        check_project(context, &mut checks, project);
    }
    check_server(context, &mut checks, project.as_ref());
    let is_bad = checks.made.iter().any(|check| check.grade == Grade::Bad);
    for check in &checks.made {
        show(context, check);
    }
    let document: Vec<Value> = checks
        .made
        .iter()
        .map(|check| {
            let grade = match check.grade {
                Grade::Good => "ok",
                Grade::Warning => "warning",
                Grade::Bad => "error",
            };
            json!({ "check": check.name, "result": grade, "message": check.message, "hints": check.hints })
        })
        .collect();
    context.printer.document("doctor", json!({ "ok": !is_bad, "checks": document }));
    Ok(if is_bad { Outcome::Unfit } else { Outcome::Done })
}

fn show(context: &Context, check: &Check) {
    let (label, mark) = match check.grade {
        Grade::Good => (Label::Good, "ok   "),
        Grade::Warning => (Label::Warning, "warn "),
        Grade::Bad => (Label::Error, "fail "),
    };
    context.printer.answer(Text::of(label, mark).and(Label::Plain, format!("{:<9}{}", check.name, check.message)));
    for hint in &check.hints {
        context.printer.answer(Text::of(Label::Hint, format!("     {:<9}{}", "", context.program.own_words(hint))));
    }
}

fn check_project(context: &Context, checks: &mut Checks<'_>, project: &Project) {
    let tsconfig = project.root.join("tsconfig.json");
    if tsconfig.is_file() {
        checks.add("tsconfig", Grade::Good, "tsconfig.json is there".to_owned(), Vec::new());
    } else {
        let hint = "keepstep does without; `lua compile` of the other tool does not".to_owned();
        checks.add("tsconfig", Grade::Warning, "there is no tsconfig.json".to_owned(), vec![hint]);
    }
    checks.note("settings", Settings::read(context, &project.root), |_| "readable".to_owned());
    checks.note("lock", LockFile::read(&project.root), |lock| {
        if lock.exists() {
            "keepstep.lock is readable".to_owned()
        } else {
            "no keepstep.lock yet; the first sync writes it".to_owned()
        }
    });
    let code =
        checks.note("code", sides::read_code(context, &project.root), |code| format!("the agent is at {}", code.location()));
    let Some(code) = code else { return };
    for field in Field::ALL {
        match code.property(field) {
            Property::Unreadable(problem) => {
                let hints = Some(problem.help.clone()).filter(|help| !help.is_empty());
                checks.add(field.key(), Grade::Bad, problem.to_string(), hints.into_iter().collect());
            }
            Property::Known { computed: true, location, .. } => {
                let message = format!("computed at {location}: compared and published, but never edited by keepstep");
                checks.add(field.key(), Grade::Good, message, Vec::new());
            }
            Property::Known { location, .. } | Property::Function { location } => {
                checks.add(field.key(), Grade::Good, format!("written at {location}"), Vec::new());
            }
            Property::Absent if matches!(field, Field::Name | Field::Persona) => {
                checks.add(field.key(), Grade::Warning, "the code does not set it".to_owned(), Vec::new());
            }
            Property::Absent => {}
        }
    }
}

/// Compares the two clocks. Nothing here depends on them, but certificates and the end of a key do.
fn check_clock(checks: &mut Checks<'_>, ours: i64, theirs: i64) {
    const TOLERATED: u64 = 60;
    let apart = ours.abs_diff(theirs);
    if apart <= TOLERATED {
        checks.add("clock", Grade::Good, "agrees with the server's".to_owned(), Vec::new());
        return;
    }
    let direction = if ours > theirs { "ahead of" } else { "behind" };
    let hint = "set the clock of the one that is wrong; certificates and keys end by it".to_owned();
    checks.add("clock", Grade::Warning, format!("{} {direction} the server's", in_words(apart)), vec![hint]);
}

/// Returns a time in its largest unit.
fn in_words(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    count(usize::try_from(number).unwrap_or(usize::MAX), unit)
}

fn check_server(context: &Context, checks: &mut Checks<'_>, project: Option<&Project>) {
    let root = project.map(|project| project.root.as_path());
    let server = checks
        .note("address", Server::connect(context, root), |server| format!("{} ({})", server.name(), server.target().url_origin));
    let Some(server) = server else { return };
    let health = checks.note("server", server.health().map_err(Failure::Client), |health| match &health.version {
        Some(version) => format!("keepstep {version} answers"),
        None => "answers, in the lua dialect".to_owned(),
    });
    let Some(health) = health else { return };
    if let Some(theirs) = health.time {
        check_clock(checks, Timestamp::now().as_second(), theirs);
    }
    match &server.target().key {
        Some(key) => checks.add("key", Grade::Good, format!("found: {}", key.origin), Vec::new()),
        None => {
            let hint = format!("`keepstep login {}` stores one", server.name());
            checks.add("key", Grade::Bad, format!("there is no key for {}", server.name()), vec![hint]);
            return;
        }
    }
    let identity = checks.note("you", server.whoami(), super::login::described);
    if let (Some(_), Some(project)) = (identity, project) {
        checks.note("agent", server.state(&project.agent), |agent| match agent.revision {
            Some(revision) => format!("{} is there, at revision {revision}", project.agent),
            None => format!("{} is there", project.agent),
        });
    }
}
