//! The commands and options of the tools that keepstep stands in for and does not have.
//!
//! Each is answered with one sentence. Nothing is guessed: a person who types `lua skills` must not get something else. A test of the real
//! tools reads the help of each and finds what is missing here.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::shell::program::Program;

/// What keepstep has in place of a command or an option.
#[derive(Debug, Clone, Copy)]
enum Instead {
    /// Nothing.
    Nothing,
    /// Nothing yet.
    Later,
    /// Another command.
    Use(&'static str),
    /// Nothing, for a reason.
    Because(&'static str),
}

use Instead::{Because, Later, Nothing, Use};

/// A language model would have to write on the server.
const NEEDS_A_MODEL: Instead = Because("no language model writes test data here; `bundles import` reads a file");

/// The commands, by the words that they begin with. What stands below one of them is answered likewise.
const COMMANDS: &[(&str, Instead)] = &[
    ("admin dashboard", Nothing),
    ("agents", Nothing),
    ("auth configure", Use("login")),
    ("auth key", Nothing),
    ("auth sessions", Nothing),
    ("bundles create", Use("bundles import")),
    ("bundles delete", Nothing),
    ("bundles update", Use("bundles publish")),
    ("channels", Nothing),
    ("chat", Nothing),
    ("completion", Use("completions")),
    ("config", Nothing),
    ("context disconnect", Use("context clear")),
    ("context set-project", Use("projects select")),
    ("context set-scenario", Use("scenarios select")),
    ("criteria", Later),
    ("data", Nothing),
    ("dev", Nothing),
    ("devices", Nothing),
    ("diff", Use("sync --dry-run")),
    ("docs", Nothing),
    ("env", Nothing),
    ("evals", Nothing),
    ("evaluate", Because("`test` judges the answers itself, and `results` shows how")),
    ("features", Nothing),
    ("generate", NEEDS_A_MODEL),
    ("git", Nothing),
    ("governance", Nothing),
    ("hello", Use("doctor")),
    ("init project", Use("projects select")),
    ("init pytest-template", Nothing),
    ("inputs delete", Nothing),
    ("inputs generate", NEEDS_A_MODEL),
    ("inputs qc", Nothing),
    ("inputs refine", NEEDS_A_MODEL),
    ("inputs synthesize", NEEDS_A_MODEL),
    ("inputs update", Nothing),
    ("integrations", Nothing),
    ("intent", NEEDS_A_MODEL),
    ("jobs", Nothing),
    ("log", Use("persona production versions")),
    ("logs", Nothing),
    ("manifests", Nothing),
    ("marketplace", Nothing),
    ("mcp", Nothing),
    ("models", Nothing),
    ("open", Because("`status` and `sync upload` print the addresses of the pages")),
    ("parse", Nothing),
    ("personas delete", Nothing),
    ("personas suggest", NEEDS_A_MODEL),
    ("personas update", Nothing),
    ("postprocessors", Nothing),
    ("preprocessors", Nothing),
    ("production", Nothing),
    ("projects changelog", Nothing),
    ("projects delete", Nothing),
    ("projects disconnect", Nothing),
    ("projects manifest", Nothing),
    ("projects update", Nothing),
    ("pull", Because("it keeps an agent's definition and not its files; `sync` brings the definition")),
    ("record", Nothing),
    ("resources", Nothing),
    ("run", Use("test")),
    ("scenarios delete", Nothing),
    ("scenarios generate", NEEDS_A_MODEL),
    ("scenarios refine", NEEDS_A_MODEL),
    ("scenarios update", Nothing),
    ("skill", Nothing),
    ("skills", Nothing),
    ("source", Because("it keeps an agent's definition and not its files")),
    ("status check", Use("doctor")),
    ("status experiments", Use("results list")),
    ("status traces", Use("results show")),
    ("telemetry", Nothing),
    ("test chain", Nothing),
    ("test job", Nothing),
    ("test postprocessor", Nothing),
    ("test preprocessor", Nothing),
    ("test skill", Nothing),
    ("test webhook", Nothing),
    ("test workflow", Nothing),
    ("triggers", Nothing),
    ("update", Nothing),
    ("version", Because("`persona` has the versions of the persona")),
    ("voice", Nothing),
    ("voices", Nothing),
    ("webhooks", Nothing),
    ("whoami", Use("auth status")),
    ("workflows", Nothing),
];

/// What `push` and `deploy` take in the peer, in the singular.
const PARTS: &[&str] = &[
    "all",
    "backup",
    "device",
    "device-trigger",
    "job",
    "mcp",
    "postprocessor",
    "preprocessor",
    "skill",
    "trigger",
    "version",
    "voice",
    "webhook",
    "workflow",
];

/// There is one server: the one that a person names.
const NO_STAGING: Instead = Because("keepstep has no staging server; pass `--url`");

/// `lua test` runs one skill.
const TESTS_SKILLS: Instead = Because("here `test` runs the inputs of a scenario, and not a skill");

/// Options, by the words of their command; `*` stands for every command.
const OPTIONS: &[(&str, &[&str], Instead)] = &[
    ("*", &["--staging"], NO_STAGING),
    ("*", &["--install-completion", "--show-completion"], Use("completions")),
    (
        "init",
        &[
            "--with-examples",
            "--agent-id",
            "--agent-name",
            "--org-id",
            "--org-name",
            "--model",
            "--force",
            "--restore-sources",
            "--from-agent-id",
            "--include-resources",
            "--include-custom-data",
            "--include-inquiry-form",
            "--include-devices",
            "--include-ecommerce-catalog",
            "--promo-code",
        ],
        Use("init agent"),
    ),
    (
        "test",
        &[
            "--name",
            "--input",
            "--step-output",
            "--approve",
            "--deny",
            "--signal",
            "--from-run",
            "--force",
            "--fixtures",
            "--record",
            "--step-wall",
            "--job-wall",
            "--max-ticks",
            "--ledger-out",
            "--agents",
            "--now",
            "--park",
            "--fast-retries",
            "--real-time",
            "--artefacts-dir",
            "--workspace",
        ],
        TESTS_SKILLS,
    ),
    (
        "push",
        &["--force", "--auto-deploy", "--name", "--set-version", "--fresh", "--apply-effort", "--no-include-source"],
        Use("push persona"),
    ),
    ("deploy", &["--name", "--set-version", "--force", "--skill-name", "--skill-version"], Use("deploy persona")),
];

/// Returns the sentence for a command or an option that a peer has and keepstep does not, if an error of the argument parser
/// is about one. `typed` are the arguments without the program.
pub(crate) fn sentence(program: Program, error: &clap::Error, typed: &[String]) -> Option<String> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        Some(ContextValue::Strings(texts)) => texts.first().map(String::as_str),
        _ => None,
    };
    if error.kind() == ErrorKind::ArgumentConflict {
        // `--record DIR` of the peer: its value is taken for a command, which stands in for the other arguments.
        return option_sentence(program, typed, text(ContextKind::PriorArg)?);
    }
    if let Some(unknown) = text(ContextKind::InvalidSubcommand) {
        return command_sentence(program, typed, unknown);
    }
    let unknown = text(ContextKind::InvalidArg)?;
    match error.kind() {
        // An option that the parser does not know, or a word where it takes none.
        ErrorKind::UnknownArgument if unknown.starts_with('-') => option_sentence(program, typed, unknown),
        ErrorKind::UnknownArgument => command_sentence(program, typed, unknown),
        _ => None,
    }
}

/// Returns the words of a command line that are no options and stand before a position.
fn words_before(typed: &[String], at: usize) -> Vec<&str> {
    typed[..at].iter().filter(|argument| !argument.starts_with('-')).map(String::as_str).collect()
}

fn command_sentence(program: Program, typed: &[String], unknown: &str) -> Option<String> {
    let at = typed.iter().position(|argument| argument == unknown)?;
    // A word before it can be the value of an option, so the command may begin later.
    let words = [words_before(typed, at), vec![unknown]].concat();
    (0..words.len()).find_map(|start| {
        let command = words[start..].join(" ");
        if let [verb @ ("push" | "deploy"), part] = &words[start..] {
            let is_part = PARTS.iter().any(|known| part == known || part.strip_suffix('s') == Some(known));
            return is_part.then(|| describe(program, &format!("{verb} {part}"), Nothing));
        }
        COMMANDS.iter().find(|(name, _)| *name == command).map(|(name, instead)| describe(program, name, *instead))
    })
}

fn option_sentence(program: Program, typed: &[String], unknown: &str) -> Option<String> {
    let name = unknown.split('=').next().unwrap_or(unknown);
    let at = typed.iter().position(|argument| argument.split('=').next() == Some(name))?;
    let words = words_before(typed, at);
    let (_, _, instead) = OPTIONS.iter().find(|(command, options, _)| {
        options.contains(&name) && (*command == "*" || words.last() == Some(command) || words.first() == Some(command))
    })?;
    let command = words.join(" ");
    Some(describe(program, format!("{command} {name}").trim_start(), *instead))
}

fn describe(program: Program, what: &str, instead: Instead) -> String {
    let name = program.name();
    match instead {
        Nothing => format!("keepstep does not have `{name} {what}`"),
        Later => format!("keepstep does not have `{name} {what}` yet"),
        Use(other) => format!("keepstep does not have `{name} {what}`; use `{name} {other}`"),
        Because(reason) => format!("keepstep does not have `{name} {what}`: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_stands_once() {
        let names: Vec<&str> = COMMANDS.iter().map(|(name, _)| *name).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted, "in the order of the alphabet, each once");
    }
}
