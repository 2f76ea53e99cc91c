//! What `lua.skill.yaml` may look like, and what is said about one that does not say which agent it is.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use keepstep_source::skill_file::{FILE_NAME, create_text, find_root, read};
use proptest::prelude::*;

/// Returns what the file with a text says, or the message with the folder left out.
fn outcome(text: &[u8]) -> Result<(String, String), String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(FILE_NAME), text).unwrap();
    match read(folder.path()) {
        Ok(file) => Ok((file.agent_id.to_string(), file.org_id)),
        Err(error) => Err(error.to_string().replace(&format!("{}/", folder.path().display()), "")),
    }
}

fn message(text: &str) -> String {
    outcome(text.as_bytes()).unwrap_err()
}

#[test]
fn the_ids_are_read_and_the_rest_is_ignored() {
    let expected = Ok(("baseAgent_agent_1".to_owned(), "org 1".to_owned()));
    for text in [
        "agent:\n  agentId: baseAgent_agent_1\n  orgId: 'org 1'\n",
        "\u{feff}# mine\r\nagent:\r\n  orgId: \"org 1\" # ours\r\n  agentId: baseAgent_agent_1\r\n",
        "skills:\n  - name: x\n    skillId: ''\n    version: 1.0.0\nbackup: {activeVersion: 3}\nagent: {agentId: baseAgent_agent_1, orgId: org 1, more: [1]}\n",
        "base: &b\n  orgId: org 1\nagent:\n  <<: *b\n  agentId: baseAgent_agent_1\n",
        "%YAML 1.2\n---\nagent:\n  agentId: >-\n    baseAgent_agent_1\n  orgId: |-\n    org 1\n1: number\ntrue: x\n",
    ] {
        assert_eq!(outcome(text.as_bytes()), expected, "{text}");
    }
}

#[test]
fn no_file_is_told_with_what_to_write() {
    let folder = tempfile::tempdir().unwrap();
    let message = read(folder.path()).unwrap_err().to_string().replace(&folder.path().display().to_string(), "/p");
    insta::assert_snapshot!(message, @"
    no lua.skill.yaml in /p; create it with

    agent:
      agentId: <the agent's id>
      orgId: <the organization's id>
    ");
}

#[test]
fn broken_yaml_is_told_with_its_line() {
    insta::assert_snapshot!(message("agent:\n  agentId: a\n orgId: [\n"), @"lua.skill.yaml:3 is not valid YAML: while parsing a block mapping, did not find expected key");
    insta::assert_snapshot!(message("agent:\n  agentId: 'a\n"), @"lua.skill.yaml:3 is not valid YAML: invalid indentation in multiline quoted scalar");
    insta::assert_snapshot!(message("agent:\n  agentId: a\n  orgId: b\n  agentId: c\n"), @"lua.skill.yaml:4 is not valid YAML: duplicate mapping key: agentId");
    insta::assert_snapshot!(message("agent: {agentId: a, orgId: b}\nagent: {}\n"), @"lua.skill.yaml:2 is not valid YAML: duplicate mapping key: agent");
    insta::assert_snapshot!(message("- agent\n"), @"
    lua.skill.yaml has no section `agent`; write

    agent:
      agentId: <the agent's id>
      orgId: <the organization's id>
    ");
    insta::assert_snapshot!(message("<<<<<<< ours\nagent:\n  agentId: a\n"), @"lua.skill.yaml:1 is not valid YAML: it holds the marks of a merge that is not finished");
    insta::assert_snapshot!(message("agent: [x]\n"), @"
    lua.skill.yaml has no section `agent`; write

    agent:
      agentId: <the agent's id>
      orgId: <the organization's id>
    ");
    insta::assert_snapshot!(message("agent: *none\n"), @"lua.skill.yaml:1 is not valid YAML: alias references unknown anchor");
}

#[test]
fn what_is_missing_is_told_with_what_to_write() {
    insta::assert_snapshot!(message(""), @"
    lua.skill.yaml has no section `agent`; write

    agent:
      agentId: <the agent's id>
      orgId: <the organization's id>
    ");
    insta::assert_snapshot!(message("skills: []\n"), @"
    lua.skill.yaml has no section `agent`; write

    agent:
      agentId: <the agent's id>
      orgId: <the organization's id>
    ");
    insta::assert_snapshot!(message("agent:\n"), @"
    lua.skill.yaml has no section `agent`; write

    agent:
      agentId: <the agent's id>
      orgId: <the organization's id>
    ");
    insta::assert_snapshot!(message("agent:\n  orgId: o\n"), @"
    lua.skill.yaml has no `agent.agentId`; write

    agent:
      agentId: <the agent's id>
      orgId: <the organization's id>
    ");
    insta::assert_snapshot!(message("agent:\n  agentId: ''\n  orgId: ''\n"), @"
    lua.skill.yaml has no `agent.agentId`; write

    agent:
      agentId: <the agent's id>
      orgId: <the organization's id>
    ");
    insta::assert_snapshot!(message("agent:\n  agentId: a\n  orgId:\n"), @"
    lua.skill.yaml has no `agent.orgId`; write

    agent:
      agentId: <the agent's id>
      orgId: <the organization's id>
    ");
}

#[test]
fn an_id_that_is_no_text_for_the_peer_is_refused() {
    insta::assert_snapshot!(message("agent:\n  agentId: 12\n  orgId: o\n"), @"`agent.agentId` in lua.skill.yaml is a number and not a text; write it in quotes: agentId: '…'");
    insta::assert_snapshot!(message("agent:\n  agentId: a\n  orgId: true\n"), @"`agent.orgId` in lua.skill.yaml is a truth value and not a text; write it in quotes: orgId: '…'");
    insta::assert_snapshot!(message("agent:\n  agentId: [a]\n  orgId: o\n"), @"`agent.agentId` in lua.skill.yaml is a list and not a text; write it in quotes: agentId: '…'");
    assert_eq!(outcome(b"agent:\n  agentId: '12'\n  orgId: \"1e3\"\n"), Ok(("12".to_owned(), "1e3".to_owned())));
    // A version is a text for everybody, and so are the words that only old readers took for truth values.
    assert_eq!(outcome(b"agent:\n  agentId: 1.0.0\n  orgId: yes\n"), Ok(("1.0.0".to_owned(), "yes".to_owned())));
}

#[test]
fn an_id_that_reads_as_a_path_is_refused() {
    insta::assert_snapshot!(message("agent:\n  agentId: ../../x\n  orgId: o\n"), @r#"`agent.agentId` in lua.skill.yaml is wrong: invalid agent id "../../x": it reads as a path; write the id that the server shows for the agent"#);
}

#[test]
fn what_is_no_text_is_refused() {
    insta::assert_snapshot!(outcome(b"agent:\n  agentId: a\xff\n").unwrap_err(), @"lua.skill.yaml is not a text that could be read: it is not UTF-8");
    insta::assert_snapshot!(outcome(&vec![b'#'; 5 << 20]).unwrap_err(), @"lua.skill.yaml is not a text that could be read: it is larger than 4 MiB");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(FILE_NAME)).unwrap();
    assert!(read(folder.path()).unwrap_err().to_string().ends_with("it is not a file"));
}

#[test]
fn a_bomb_of_aliases_or_of_nesting_is_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let before = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{before}]\n"));
    }
    bomb.push_str("agent: *a11\n");
    assert!(outcome(bomb.as_bytes()).is_err());
    let nested = format!("deep: {}{}\nagent: {{agentId: a, orgId: b}}\n", "[".repeat(100_000), "]".repeat(100_000));
    assert!(outcome(nested.as_bytes()).is_err());
}

#[test]
fn the_root_is_the_nearest_folder_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("agents/one/src");
    fs::create_dir_all(&inner).unwrap();
    fs::write(folder.path().join(FILE_NAME), "").unwrap();
    assert_eq!(find_root(&inner).as_deref(), Some(folder.path()));
    fs::write(folder.path().join("agents/one").join(FILE_NAME), "").unwrap();
    assert_eq!(find_root(&inner), Some(folder.path().join("agents/one")));
    assert_eq!(find_root(&folder.path().join("agents")).as_deref(), Some(folder.path()));
}

#[test]
fn a_new_file_is_plain() {
    insta::assert_snapshot!(create_text(&"baseAgent_agent_1".parse().unwrap(), "org-1"), @"
    agent:
      agentId: baseAgent_agent_1
      orgId: org-1
    ");
    insta::assert_snapshot!(create_text(&"12".parse().unwrap(), "Müller & Co: #1"), @r#"
    agent:
      agentId: "12"
      orgId: "Müller & Co: #1"
    "#);
}

proptest! {
    #[test]
    fn a_new_file_reads_back(agent in "[^\\s\\p{C}/\\\\]{1,40}", org in "\\PC{0,20}[a-z0-9]") {
        prop_assume!(agent != "." && agent != "..");
        let text = create_text(&agent.parse().unwrap(), &org);
        prop_assert_eq!(outcome(text.as_bytes()), Ok((agent, org)));
    }
}
