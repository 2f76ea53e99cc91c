//! What must not leave the machine does not, on any surface.

use std::process::Output;

use super::Orders;

/// Says its secrets in its answer, in what it breaks with, and in its prints, in forms that programs give to texts.
const LEAKY: &str = r#"
import base64, html, json, os, shlex, sys, urllib.parse
SECRETS = ["p#ss w0rd's", "s3cr<e>t&99", "db-passw0rd", "line-one-of-key", "token-of-environment"]
def forms(text):
    raw = text.encode()
    yield text
    yield base64.b64encode(raw).decode()
    yield base64.b64encode(b"u:" + raw + b"!").decode()
    yield base64.urlsafe_b64encode(b"x" + raw).decode()
    yield raw.hex()
    yield urllib.parse.quote(text, safe="")
    yield urllib.parse.quote_plus(text)
    yield html.escape(text)
    yield json.dumps({"deep": json.dumps(text)})
    yield shlex.quote(text)
    yield repr([text])
def run(input, persona=None, iteration=0):
    said = "\n".join(form for secret in SECRETS for form in forms(secret))
    print(said)
    print(said, file=sys.stderr)
    if "boom" in input: raise ValueError("x" * 180 + said)
    return "x" * 180 + said
"#;

/// As people write it: a comment sign in a value, quotes with escapes, a value made of others, an address with a password, lines.
const VARIABLES: &str = "FIRST=p#ss w0rd's\nexport SECOND=\"s3cr<e>t&99\"  # rotate\nDATABASE_URL=postgres://app:db-passw0rd@h/d\n\
                         PART=token-of\nWHOLE=${PART}-environment\nPEM=\"-----BEGIN-----\nline-one-of-key\nline-two-of-key\n-----END-----\"\n";

/// The forms that a reader could take the secrets from.
const FORMS: [&str; 16] = [
    "p#ss w0rd",
    "p%23ss",
    "cCNzcyB3MHJk",
    "7023737320773072",
    "s3cr<e>t",
    "s3cr&lt;e&gt;t",
    "s3cr%3Ce%3Et",
    "czNjcjxlPnQ",
    "7333637",
    "db-passw0rd",
    "ZGItcGFzc3cwcm",
    "64622d70617373",
    "line-one-of-key",
    "bGluZS1vbmUt",
    "token-of-environment",
    "dG9rZW4tb2YtZW52",
];

fn leaky() -> Orders {
    let orders = Orders::new(LEAKY);
    orders.inputs(&["hello", "boom"]).file(".env", VARIABLES);
    orders
}

/// Asserts that a text has no form of a secret, apart from the masks for GitHub's runner, and returns it without them.
fn is_clean(surface: &str, text: &str) -> String {
    let masked = |line: &&str| line.starts_with("::add-mask::");
    let text: String = text.lines().filter(|line| !masked(line)).map(|line| format!("{line}\n")).collect();
    for form in FORMS {
        assert!(!text.contains(form), "{form} is on {surface}:\n{text}");
    }
    text
}

fn printed(output: &Output) -> [String; 2] {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8(bytes.clone()).unwrap())
}

#[test]
fn no_form_of_a_secret_is_on_any_surface_of_ci() {
    let orders = leaky();
    let (summary, junit) = (orders.project().path().join("summary.md"), orders.project().path().join("junit.xml"));
    let run = |arguments: &[&str]| {
        let mut command = orders.command(arguments);
        command.env("CI", "true").env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", &summary);
        printed(&command.output().unwrap())
    };
    let [stdout, stderr] = run(&["test", "--stream", "--junit", "junit.xml", "--skip-upload"]);
    assert!(stderr.lines().any(|line| line == "::add-mask::p#ss w0rd's"), "{stderr}");
    assert!(stderr.lines().any(|line| line == "::add-mask::token-of-environment"), "{stderr}");
    let stderr = is_clean("the log", &(stdout + &stderr));
    assert!(stderr.contains("[removed]") && stderr.contains("2 cases had secret values in it"), "{stderr}");
    assert!(is_clean("the summary of the job", &std::fs::read_to_string(&summary).unwrap()).contains("boom"));
    assert!(is_clean("the JUnit report", &std::fs::read_to_string(&junit).unwrap()).contains("[removed]"));
    let said = orders.of_experiment(".cases.jsonl");
    assert!(FORMS.iter().all(|form| said.contains(form)), "the agent says every form: {said}");
    let name = orders.experiments().pop().unwrap();
    for arguments in [
        &["test", "--json", "--skip-upload"][..],
        &["test", "results"],
        &["test", "results", "--raw"],
        &["test", "results", "--json"],
        &["results", "show", &name, "--verbose", "--all"],
        &["results", "show", &name, "--verbose", "--all", "--json"],
        &["results", "list", "--json"],
        &["results", "compare", &name, "latest"],
        &["results", "compare", &name, "latest", "--json"],
    ] {
        let [stdout, stderr] = run(arguments);
        assert!(!stdout.is_empty(), "{arguments:?}\n{stderr}");
        is_clean(&format!("{arguments:?}"), &(stdout + &stderr));
    }
}

#[test]
fn a_pipe_is_nobodys_own_screen() {
    let orders = leaky();
    let [stdout, stderr] = printed(&orders.output(&["test", "--skip-upload"]));
    assert!(!stderr.contains("::add-mask::"));
    is_clean("a pipe", &(stdout + &stderr));
}

#[test]
fn a_person_at_a_terminal_sees_what_the_agent_said() {
    let orders = leaky();
    let mut command = orders.command(&["test", "--skip-upload", "--stream"]);
    command.env_remove("CI").env("TERM", "xterm");
    let mut session = rexpect::session::spawn_command(command, Some(60_000)).unwrap();
    let shown = session.exp_eof().unwrap();
    assert!(shown.contains("db-passw0rd"), "{shown}");
}

#[test]
fn keys_of_keepstep_and_the_peers_do_not_reach_the_agent() {
    let agent = "import os\ndef run(input, persona=None, iteration=0):\n    return ' '.join(sorted(os.environ))\n";
    let orders = Orders::new(agent);
    orders.inputs(&["which?"]).file(".env", "FLUXLOOP_SYNC_API_KEY=fls_1234567\nOPENAI_API_KEY=sk-1234567\n");
    let mut command = orders.command(&["test", "--json", "--skip-upload"]);
    for name in ["KEEPSTEP_API_KEY", "LUA_API_KEY", "FLUXLOOP_API_KEY", "FLUXLOOP_TOKEN", "SHOP_API_KEY"] {
        command.env(name, format!("ks_of_{name}"));
    }
    let [stdout, _] = printed(&command.env("KEEPSTEP_URL", "http://127.0.0.1:9").output().unwrap());
    let finished = stdout.lines().find(|line| line.contains("case_finished")).unwrap();
    let finished: serde_json::Value = serde_json::from_str(finished).unwrap();
    let names: Vec<&str> = finished["output"].as_str().unwrap().split(' ').collect();
    for hidden in ["KEEPSTEP_API_KEY", "LUA_API_KEY", "FLUXLOOP_API_KEY", "FLUXLOOP_TOKEN", "FLUXLOOP_SYNC_API_KEY"] {
        assert!(!names.contains(&hidden), "{hidden} is in {names:?}");
    }
    for given in ["SHOP_API_KEY", "OPENAI_API_KEY", "KEEPSTEP_URL"] {
        assert!(names.contains(&given), "{given} is not in {names:?}");
    }
}
