//! `keepstep admin import`

use std::fs;
use std::path::PathBuf;

use clap::Args;
use keepstep_store::Scope;
use keepstep_store::test_data::TestDataFile;
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::context::Context;
use crate::failure::Failure;
use crate::platform_data::DataArguments;

/// The largest file, in bytes.
const LARGEST: u64 = 256 * 1024 * 1024;

/// What the parser says to those who call it, in the middle of what it says to those who wrote the file.
const FOR_PROGRAMMERS: &str = ", set DuplicateKeyPolicy in Options if acceptable";

/// The arguments.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  keepstep admin import --data ./data --project project_1a2b orders.yaml")]
pub(super) struct Arguments {
    #[command(flatten)]
    data: DataArguments,
    /// The project that gets it
    #[arg(long, value_name = "ID")]
    project: String,
    /// The file, YAML or JSON: a scenario, its personas, inputs and criteria
    file: PathBuf,
}

/// Runs it.
pub(super) async fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let path = context.directory.join(&arguments.file);
    let shown = arguments.file.display().to_string();
    let size = fs::metadata(&path).map_err(|error| Failure::io("read", &shown, error))?.len();
    if size > LARGEST {
        return Err(Failure::usage(format!("{shown} is larger than {LARGEST} bytes; split it into several scenarios")));
    }
    let text = fs::read_to_string(&path).map_err(|error| Failure::io("read", &shown, error))?;
    let file = parse(&text).map_err(|reason| Failure::usage(format!("{shown}: {reason}")))?;
    file.check().map_err(|error| Failure::usage(format!("{shown}: {error}")))?;

    let store = arguments.data.open(context).await?;
    let mut transaction = store.write().await?;
    let project = transaction.project(&arguments.project).await?;
    let scope = Scope { org_id: project.org_id, project_id: Some(project.id.clone()) };
    let bundle = transaction.import(&scope, &project.id, &file).await?;
    transaction.commit().await?;
    store.close().await;
    context.printer.answer(bundle.id.as_str());
    context.printer.document(
        "admin.import",
        json!({
            "bundleVersionId": bundle.id, "projectId": bundle.project_id, "scenarioId": bundle.scenario_id,
            "name": bundle.name, "generation": bundle.generation, "inputs": bundle.input_count,
        }),
    );
    Ok(Outcome::Done)
}

/// Reads a file: as JSON where it begins like that, as YAML otherwise.
fn parse(text: &str) -> Result<TestDataFile, String> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim_start().starts_with('{')
        && let Ok(file) = serde_json::from_str(text)
    {
        return Ok(file);
    }
    // What begins with a brace may be YAML, too, and its errors name the line just as well. How far aliases may grow a
    // document is limited by the parser.
    let options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
    let problem = |error: serde_saphyr::Error| error.to_string().replace(FOR_PROGRAMMERS, "");
    serde_saphyr::from_str_with_options(text, options).map_err(problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_json_say_the_same() {
        let yaml = parse("scenario: {name: orders}\ninputs:\n  - text: Hello\n").unwrap();
        let json = parse(r#"{"scenario": {"name": "orders"}, "inputs": [{"text": "Hello"}]}"#).unwrap();
        assert_eq!(yaml, json);
        assert_eq!(parse("\u{feff}{scenario: {name: orders}, inputs: [{text: Hello}]}").unwrap(), json);
    }

    #[test]
    fn a_broken_file_is_named_with_its_line() {
        for (text, said) in [
            ("scenario: {name: orders}\ninputs:\n\t- text: Hello\n", "line 3"),
            ("scenario: {name: orders}\ninputs:\n  - txt: Hello\n", "line 3"),
            ("scenario: {name: orders}\nscenario: {name: other}\ninputs: []\n", "line 2"),
            ("scenario: {name: orders}\n", "inputs"),
            ("{\"scenario\": {\"name\": \"orders\"},\n \"inputs\": [{\"text\": ]}", "line 2"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.contains(said), "{text:?}: {problem}");
        }
    }

    #[test]
    fn a_file_that_grows_by_its_aliases_is_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let last = format!("*a{}, ", level - 1).repeat(10);
            bomb += &format!("a{level}: &a{level} [{}]\n", last.trim_end_matches(", "));
        }
        bomb += "scenario: {name: orders, config: {x: *a11}}\ninputs: [{text: Hello}]\n";
        assert!(parse(&bomb).is_err());
    }
}
