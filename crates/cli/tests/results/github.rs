//! What GitHub Actions is told.

use super::{AGENT, questions};
use crate::test_command::Orders;

/// What GitHub's runner does with a line of the log.
fn commands(log: &[u8]) -> Vec<String> {
    let log = String::from_utf8_lossy(log).into_owned();
    log.split(['\n', '\r'])
        .filter(|line| line.trim_start().starts_with("::") || line.contains("##["))
        .map(str::to_owned)
        .collect()
}

#[test]
fn cases_that_did_not_pass_are_annotated() {
    let orders = questions(12);
    orders.project().file("says", "one 1 2 3 4 5 6 7 8 9 10 11");
    let summary = orders.project().path().join("summary.md");
    let mut command = orders.command(&["test", "--skip-upload", "--parallel", "1"]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", orders.project().path()).env("GITHUB_STEP_SUMMARY", &summary);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(commands(&output.stdout).is_empty());
    let told = commands(&output.stderr);
    assert_eq!(told.len(), 11, "{told:?}");
    assert_eq!(
        told[0],
        "::error file=.fluxloop/scenarios/orders/inputs/generated.yaml,line=1,title=item-1 crashed::ValueError: boom question 1%0A%0Ainput: question 1"
    );
    assert_eq!(told[10], "::notice::1 more cases did not pass");
    let summary = std::fs::read_to_string(summary).unwrap();
    assert!(summary.contains("❌ **1 of 12 cases passed**"), "{summary}");
    assert!(summary.contains("| item\\-1 | crashed | question 1 | ValueError\\: boom question 1 |  |"), "{summary}");
}

#[test]
fn the_folder_of_the_shell_is_no_secret() {
    let orders = questions(2);
    orders.project().file("says", "one 1");
    let mut command = orders.command(&["test", "--skip-upload", "--parallel", "1"]);
    command.env("GITHUB_ACTIONS", "true").env("PWD", orders.project().path());
    let output = command.output().unwrap();
    let told = commands(&output.stderr);
    // A path that is masked leads nowhere.
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("::error file=/") && told[0].contains("/inputs/generated.yaml,line=1"), "{told:?}");
}

#[test]
fn what_an_agent_says_is_never_a_command() {
    let evil = r"::set-output name=a::b\n  ::add-mask::x\n##[warning]y\n::error file=a::%0A| <img src=x>";
    let orders =
        Orders::new(&format!("def run(input):\n    if input == 'bad': raise ValueError('{evil}')\n    return '{evil}'\n"));
    orders.inputs(&["bad", "::add-path::good"]);
    let summary = orders.project().path().join("summary.md");
    for arguments in [
        &["test", "--skip-upload", "--stream"][..],
        &["test", "--skip-upload", "--json"],
        &["results", "show", "--all", "--verbose"],
        &["results", "show", "--all", "--verbose", "--json"],
        &["results", "compare", "latest", "latest~1"],
        &["test", "results"],
    ] {
        let mut command = orders.command(arguments);
        command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary);
        let output = command.output().unwrap();
        assert!(commands(&output.stdout).is_empty(), "{arguments:?}: {:?}", commands(&output.stdout));
        for told in commands(&output.stderr) {
            assert!(
                told.starts_with("::error file=")
                    && told.contains("title=item-1 crashed::ValueError: ") | told.contains("crashed::::set"),
                "{told}"
            );
            assert_eq!(arguments[0], "test");
        }
    }
    let summary = std::fs::read_to_string(summary).unwrap();
    assert!(!summary.contains("<img") && !summary.contains("\n::"), "{summary}");
    let output = Orders::new(AGENT);
    output.inputs(&["a"]);
    assert!(commands(&output.output(&["test", "--skip-upload"]).stderr).is_empty(), "elsewhere nobody is told anything");
}
