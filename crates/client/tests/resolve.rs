//! Which key goes to which platform: the table of `resolve.rs`, row by row.
#![allow(clippy::unwrap_used, reason = "a test may panic, also in its helpers")]

use std::collections::BTreeMap;
use std::fs;

use keepstep_client::{
    About, LUA_SERVICE, ResolveError, Secret, Surroundings, Target, TargetOptions, Tool, UrlOrigin, credentials, resolve, trust,
};
use proptest::prelude::*;

/// What a test sets up, in the words of its table.
#[derive(Default, Clone)]
struct Given {
    tool: Option<Tool>,
    about: About,
    login_first: bool,
    is_ci: bool,
    trusted: &'static [&'static str],
    tracked: &'static [&'static str],
    flags: &'static [(&'static str, &'static str)],
    environment: &'static [(&'static str, &'static str)],
    dot_env: Option<&'static str>,
    stored: &'static [(&'static str, &'static str)],
    peer_file: Option<&'static str>,
    fluxloop: &'static [(&'static str, &'static str)],
}

impl Given {
    fn resolve(&self) -> Result<Target, ResolveError> {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["home/.lua-cli", "project/.fluxloop", "config"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        if let Some(text) = self.dot_env {
            fs::write(at("project/.env"), text).unwrap();
        }
        if let Some(text) = self.peer_file {
            fs::write(at("home/.lua-cli/credentials"), format!("{text}\n")).unwrap();
        }
        for name in ["home/.fluxloop", "project/.fluxloop/scenarios/orders"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        for (name, text) in self.fluxloop {
            fs::write(at("project/.fluxloop").join(name), text).unwrap();
        }
        for url in self.trusted {
            trust::add(&at("config"), &url.parse().unwrap(), &at("project")).unwrap();
        }
        // What git tracks is told by a list that lies beside each file.
        for name in self.tracked {
            fs::write(at("project").join(format!("{name}.tracked")), "").unwrap();
        }
        for (url, key) in self.stored {
            credentials::store(&at("config"), &url.parse().unwrap(), &Secret::from(*key)).unwrap();
        }
        let flag = |name| self.flags.iter().find(|(flag, _)| *flag == name).map(|(_, value)| *value);
        let wanted = TargetOptions {
            url_flag: flag("url").map(str::to_owned),
            key_flag: flag("key").map(Secret::from),
            called_as: self.tool.unwrap_or(Tool::Keepstep),
            about: self.about,
            login_first: self.login_first,
        };
        let text = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let surroundings = Surroundings {
            variables: self.environment.iter().map(text).collect::<BTreeMap<_, _>>(),
            home: Some(at("home")),
            config_dir: Some(at("config")),
            project: Some(at("project")),
            scenario: Some(at("project/.fluxloop/scenarios/orders")),
            is_ci: self.is_ci,
            is_tracked: Some(is_tracked),
        };
        resolve(&wanted, &surroundings)
    }

    /// Returns the outcome as one line: `URL | KEY`, with `-` for no key.
    fn outcome(&self) -> String {
        let target = self.resolve().unwrap();
        let key = target.key.as_ref().map_or("-", |key| key.secret.reveal());
        format!("{} | {key}", target.server())
    }
}

#[expect(clippy::unnecessary_wraps, reason = "git may not know")]
fn is_tracked(path: &std::path::Path) -> Option<bool> {
    Some(path.with_file_name(format!("{}.tracked", path.file_name().unwrap().to_str().unwrap())).exists())
}

/// Every place of an address, beside every place of a key, tracked by git or not, trusted or not, in CI or not.
#[test]
fn a_key_goes_to_an_address_of_a_file_once_the_person_said_so() {
    const URL: &str = "https://there.example";
    const CONNECTION: &str = r#"{"project_id": "p", "project_name": "n", "api_url": "https://there.example"}"#;
    let mut rows = Vec::new();
    for url in ["flag", "environment", ".env", "project.json"] {
        for key in ["environment", "same file", "other file", "login"] {
            for tracked in ["nothing", "the address", "the key", "both"] {
                let (address, key_file): (Option<&str>, Option<&str>) = match (url, key) {
                    (".env", "same file") => (Some(".env"), Some(".env")),
                    (".env", "other file") => (Some(".env"), Some(".fluxloop/scenarios/orders/.env")),
                    (".env", _) => (Some(".env"), None),
                    ("project.json", "other file") => (Some(".fluxloop/project.json"), Some(".fluxloop/.env")),
                    ("project.json", "same file") => continue,
                    ("project.json", _) => (Some(".fluxloop/project.json"), None),
                    (_, "same file") => continue,
                    (_, "other file") => (None, Some(".env")),
                    _ => (None, None),
                };
                let is_address_tracked = matches!(tracked, "the address" | "both");
                let is_key_tracked = matches!(tracked, "the key" | "both");
                if (is_address_tracked && address.is_none()) || (is_key_tracked && key_file.is_none()) {
                    continue;
                }
                let tracked_files: Vec<&'static str> = [(is_address_tracked, address), (is_key_tracked, key_file)]
                    .into_iter()
                    .filter_map(|(is, file)| file.filter(|_| is).map(|file| &*String::from(file).leak()))
                    .collect();
                let mut sent = Vec::new();
                for (is_trusted, is_ci) in [(false, false), (true, false), (false, true)] {
                    let with_url = |file: &str| (address == Some(file)).then_some("FLUXLOOP_API_URL=https://there.example\n");
                    let with_key = |file: &str| (key_file == Some(file)).then_some("FLUXLOOP_API_KEY=the-key-1\n");
                    let text = |file: &str| [with_url(file), with_key(file)].concat_some();
                    let mut fluxloop: Vec<(&'static str, &'static str)> = Vec::new();
                    if url == "project.json" {
                        fluxloop.push(("project.json", CONNECTION));
                    }
                    for (name, file) in [(".env", ".fluxloop/.env"), ("scenarios/orders/.env", ".fluxloop/scenarios/orders/.env")]
                    {
                        if let Some(text) = text(file) {
                            fluxloop.push((name, text.leak()));
                        }
                    }
                    let mut environment: Vec<(&'static str, &'static str)> = Vec::new();
                    if url == "environment" {
                        environment.push(("FLUXLOOP_API_URL", URL));
                    }
                    if key == "environment" {
                        environment.push(("FLUXLOOP_API_KEY", "the-key-1"));
                    }
                    let given = Given {
                        about: About::TestData,
                        flags: if url == "flag" { &[("url", URL)] } else { &[] },
                        environment: environment.leak(),
                        dot_env: text(".env").map(|text| &*text.leak()),
                        stored: if key == "login" { &[(URL, "the-key-1")] } else { &[] },
                        fluxloop: fluxloop.leak(),
                        is_ci,
                        trusted: if is_trusted { &[URL] } else { &[] },
                        tracked: tracked_files.clone().leak(),
                        ..Given::default()
                    };
                    let target = given.resolve().unwrap();
                    assert_eq!(target.server(), URL);
                    sent.push(match (&target.key, target.named_only_by.is_some()) {
                        (Some(_), true) => "named",
                        (Some(_), false) => "sent",
                        (None, _) => {
                            assert!(
                                target.withheld.iter().any(|key| key.needs_trust),
                                "{url} {key} {tracked}: {:?}",
                                target.withheld
                            );
                            "asks"
                        }
                    });
                }
                rows.push(format!("{url:<13}{key:<12}{tracked:<12}{}", sent.join("  ")));
            }
        }
    }
    insta::assert_snapshot!(format!("address      key         tracked     else  trusted  CI\n{}", rows.join("\n")), @"
    address      key         tracked     else  trusted  CI
    flag         environment nothing     sent  sent  sent
    flag         other file  nothing     sent  sent  sent
    flag         other file  the key     sent  sent  sent
    flag         login       nothing     sent  sent  sent
    environment  environment nothing     sent  sent  sent
    environment  other file  nothing     sent  sent  sent
    environment  other file  the key     sent  sent  sent
    environment  login       nothing     sent  sent  sent
    .env         environment nothing     asks  sent  named
    .env         environment the address asks  sent  named
    .env         same file   nothing     sent  sent  sent
    .env         same file   the address sent  sent  sent
    .env         same file   the key     sent  sent  sent
    .env         same file   both        sent  sent  sent
    .env         other file  nothing     asks  sent  named
    .env         other file  the address asks  sent  named
    .env         other file  the key     sent  sent  sent
    .env         other file  both        sent  sent  sent
    .env         login       nothing     sent  sent  sent
    .env         login       the address sent  sent  sent
    project.json environment nothing     asks  sent  named
    project.json environment the address asks  sent  named
    project.json other file  nothing     sent  sent  sent
    project.json other file  the address asks  sent  named
    project.json other file  the key     sent  sent  sent
    project.json other file  both        sent  sent  sent
    project.json login       nothing     sent  sent  sent
    project.json login       the address sent  sent  sent
    ");
}

/// Puts together what is there.
trait ConcatSome {
    fn concat_some(self) -> Option<String>;
}

impl ConcatSome for [Option<&str>; 2] {
    fn concat_some(self) -> Option<String> {
        let text: String = self.into_iter().flatten().collect();
        (!text.is_empty()).then_some(text)
    }
}

macro_rules! table {
    ($($name:literal: { $($field:ident: $value:expr),* $(,)? } => $outcome:literal,)*) => {
        $(
            let given = Given { $($field: $value,)* ..Given::default() };
            assert_eq!(given.outcome(), $outcome, $name);
        )*
    };
}

const LUA: Option<Tool> = Some(Tool::Lua);
const FLUXLOOP: Option<Tool> = Some(Tool::Fluxloop);
const DATA: About = About::TestData;
const URL: &[(&str, &str)] = &[("url", "https://h")];

#[test]
fn the_address_is_the_first_that_somebody_names() {
    const KEEPSTEP_AND_LUA: &[(&str, &str)] = &[("KEEPSTEP_URL", "http://own"), ("LUA_API_URL", "http://lua")];
    table! {
        "flag": { flags: &[("url", "http://flag/base/")], environment: KEEPSTEP_AND_LUA } => "http://flag/base | -",
        "our variable": { environment: KEEPSTEP_AND_LUA, dot_env: Some("KEEPSTEP_URL=http://file") } => "http://own | -",
        "the tool's variable": { environment: &KEEPSTEP_AND_LUA[1..], dot_env: Some("KEEPSTEP_URL=http://file") } => "http://lua | -",
        "an empty variable is none": { environment: &[("KEEPSTEP_URL", " ")], dot_env: Some("LUA_API_URL=http://file") } => "http://file | -",
        "file": { dot_env: Some("LUA_API_URL=http://lua\nKEEPSTEP_URL=http://own"), stored: &[("http://stored", "s")] } => "http://own | -",
        "last login": { stored: &[("http://a", "1"), ("http://b", "2")] } => "http://b | 2",
        "last login, called as lua": { tool: LUA, stored: &[("http://b", "2")] } => "http://b | 2",
        "the tool's service": { tool: LUA } => "https://api.heylua.ai | -",
        "the other tool's service": { tool: FLUXLOOP, environment: &[("LUA_API_URL", "http://lua")] } => "https://api.fluxloop.ai | -",
        "the other tool's names": { tool: FLUXLOOP, environment: &[("FLUXLOOP_SYNC_URL", "http://b"), ("FLUXLOOP_API_URL", "http://a")] } => "http://a | -",
        "the other tool's files": { tool: FLUXLOOP, fluxloop: &[("project.json", "{\"api_url\": \"http://j\"}")] } => "http://j | -",
    }
}

#[test]
fn the_key_is_the_first_that_belongs_to_the_address() {
    table! {
        "flag": { flags: &[("url", "https://h"), ("key", "f")], environment: &[("KEEPSTEP_API_KEY", "e")] } => "https://h | f",
        "our variable": { flags: URL, environment: &[("KEEPSTEP_API_KEY", "e"), ("LUA_API_KEY", "l")] } => "https://h | e",
        "the tool's variable": { flags: URL, environment: &[("LUA_API_KEY", "l")], dot_env: Some("KEEPSTEP_API_KEY=d") } => "https://h | l",
        "file": { flags: URL, dot_env: Some("LUA_API_KEY=d"), stored: &[("https://h", "s")] } => "https://h | d",
        "stored": { flags: URL, stored: &[("https://other", "o"), ("https://h/", "s")], peer_file: Some("p") } => "https://h | s",
        "peer's file, its service": { tool: LUA, peer_file: Some("p") } => "https://api.heylua.ai | p",
        "peer's file, its variable": { environment: &[("LUA_API_URL", "http://127.0.0.1:1")], peer_file: Some("p") } => "http://127.0.0.1:1 | p",
        "a template's placeholder is no key": { tool: FLUXLOOP, environment: &[("FLUXLOOP_API_KEY", "k")], fluxloop: &[(".env", "FLUXLOOP_SYNC_API_KEY=your-api-key-here")] } => "https://api.fluxloop.ai | k",
    }
}

#[test]
fn a_key_beside_an_address_belongs_to_that_address() {
    const PAIR: &[(&str, &str)] = &[("KEEPSTEP_URL", "https://a"), ("KEEPSTEP_API_KEY", "k")];
    const LUA_PAIR: &[(&str, &str)] = &[("LUA_API_URL", "https://a"), ("LUA_API_KEY", "k")];
    table! {
        "same": { environment: PAIR } => "https://a | k",
        "same by flag": { flags: &[("url", "https://a/")], environment: PAIR } => "https://a | k",
        "another by flag": { flags: &[("url", "https://b")], environment: PAIR } => "https://b | -",
        "another port": { flags: &[("url", "https://a:444")], environment: PAIR } => "https://a:444 | -",
        "another path": { flags: &[("url", "https://a/x")], environment: PAIR } => "https://a/x | -",
        "then the stored one": { flags: &[("url", "https://b")], environment: PAIR, stored: &[("https://b", "s")] } => "https://b | s",
        "the tool's pair": { environment: LUA_PAIR } => "https://a | k",
        "the tool's pair, ours elsewhere": { environment: &[("KEEPSTEP_URL", "https://b"), ("LUA_API_URL", "https://a"), ("LUA_API_KEY", "k")] } => "https://b | -",
        "a pair in the file": { dot_env: Some("LUA_API_URL=https://a\nLUA_API_KEY=k") } => "https://a | k",
        "a pair in the file, another by flag": { flags: &[("url", "https://b")], dot_env: Some("LUA_API_URL=https://a\nLUA_API_KEY=k") } => "https://b | -",
    }
}

#[test]
fn an_address_that_only_the_project_names_gets_no_key_that_is_not_for_it() {
    const FILE: Option<&str> = Some("LUA_API_URL=https://evil");
    table! {
        "once it is trusted": { environment: &[("LUA_API_KEY", "k")], dot_env: FILE, trusted: &["https://evil"] } => "https://evil | k",
        "not where another is trusted": { environment: &[("LUA_API_KEY", "k")], dot_env: FILE, trusted: &["https://evil/x", "http://evil"] } => "https://evil | -",
        "in CI": { environment: &[("LUA_API_KEY", "k")], dot_env: FILE, is_ci: true } => "https://evil | k",
        "typed": { flags: &[("key", "f")], dot_env: FILE } => "https://evil | f",
        // And this is what a stranger's repository could ask for.
        "not the tool's key for the tool's address": { environment: &[("LUA_API_KEY", "k")], dot_env: FILE } => "https://evil | -",
        "nor on this machine": { environment: &[("LUA_API_KEY", "k")], dot_env: Some("LUA_API_URL=http://127.0.0.1:1") } => "http://127.0.0.1:1 | -",
        "not in the clear": { environment: &[("LUA_API_KEY", "k")], dot_env: Some("LUA_API_URL=http://evil") } => "http://evil | -",
        "not our key for the tool's address": { environment: &[("KEEPSTEP_API_KEY", "k")], dot_env: FILE } => "https://evil | -",
        "not the tool's key for our address": { environment: &[("LUA_API_KEY", "k")], dot_env: Some("KEEPSTEP_URL=https://evil") } => "https://evil | -",
        "not a key that was stored for another": { environment: &[("LUA_API_KEY", "k")], dot_env: FILE, stored: &[("https://mine", "k")] } => "https://evil | -",
        "nor in CI": { environment: &[("LUA_API_KEY", "k")], dot_env: FILE, stored: &[("https://mine", "k")], is_ci: true } => "https://evil | -",
        "not a stored one": { dot_env: FILE, stored: &[("https://mine", "k")] } => "https://evil | -",
        "not the peer's": { dot_env: FILE, peer_file: Some("p") } => "https://evil | -",
        "not one with another address beside it": { environment: &[("LUA_API_KEY", "k"), ("LUA_API_URL", "https://mine")], dot_env: Some("KEEPSTEP_URL=https://evil") } => "https://mine | k",
        // The variable of the machine stays text.
        "no variable gets into an address": { environment: &[("SECRET", "s")], dot_env: Some("LUA_API_URL=https://evil/${SECRET}") } => "https://evil/$%7BSECRET%7D | -",
        // Somebody logged in there, so they know it.
        "stored for it": { dot_env: FILE, stored: &[("https://evil", "k")] } => "https://evil | k",
    }
}

#[test]
fn keys_of_one_tool_do_not_go_to_the_service_of_the_other() {
    table! {
        "ours to the lua service": { tool: LUA, environment: &[("KEEPSTEP_API_KEY", "k")] } => "https://api.heylua.ai | -",
        "theirs to the lua service": { tool: LUA, environment: &[("LUA_API_KEY", "k")] } => "https://api.heylua.ai | k",
        "theirs from the file": { tool: LUA, dot_env: Some("LUA_API_KEY=k") } => "https://api.heylua.ai | k",
        "theirs to our last login": { environment: &[("LUA_API_KEY", "k")], stored: &[("https://mine", "s")] } => "https://mine | s",
        "ours to our last login": { environment: &[("KEEPSTEP_API_KEY", "k")], stored: &[("https://mine", "s")] } => "https://mine | k",
        "lua's for fluxloop": { tool: FLUXLOOP, environment: &[("LUA_API_KEY", "k")], peer_file: Some("p") } => "https://api.fluxloop.ai | -",
        "peer's file to an address by flag": { tool: LUA, flags: &[("url", "https://h")], peer_file: Some("p") } => "https://h | -",
    }
}

const PROJECT: (&str, &str) = ("project.json", r#"{"project_id": "p", "api_url": "https://shop"}"#);

#[test]
fn f4_an_untouched_template_names_neither_key_nor_server() {
    const TEMPLATE: (&str, &str) =
        ("scenarios/orders/.env", "FLUXLOOP_SYNC_URL=https://api.fluxloop.ai\nFLUXLOOP_SYNC_API_KEY=your-api-key-here\n");
    table! {
        "the workspace's key": { about: DATA, fluxloop: &[PROJECT, TEMPLATE, (".env", "FLUXLOOP_SYNC_API_KEY=w")] } => "https://shop | w",
        "an exported key": { about: DATA, environment: &[("FLUXLOOP_SYNC_API_KEY", "e")], fluxloop: &[PROJECT, TEMPLATE], trusted: &["https://shop"] } => "https://shop | e",
        "exported": { about: DATA, environment: &[("FLUXLOOP_SYNC_URL", "https://e")], fluxloop: &[TEMPLATE, ("scenarios/orders/.env ", "")] } => "https://e | -",
        "a filled one counts": { about: DATA, fluxloop: &[PROJECT, ("scenarios/orders/.env", "FLUXLOOP_SYNC_URL=https://s\nFLUXLOOP_SYNC_API_KEY=k"), (".env", "FLUXLOOP_SYNC_API_KEY=w")] } => "https://s | k",
    }
}

#[test]
fn f33_a_key_of_the_workspace_goes_to_the_server_of_the_workspace_only() {
    const KEY: (&str, &str) = (".env", "FLUXLOOP_SYNC_API_KEY=w");
    table! {
        "connected": { about: DATA, fluxloop: &[PROJECT, KEY] } => "https://shop | w",
        "connected by whoever wrote the repository": { about: DATA, fluxloop: &[PROJECT, KEY], tracked: &[".fluxloop/project.json"] } => "https://shop | -",
        "the login manages": { about: DATA, login_first: true, fluxloop: &[PROJECT, KEY], stored: &[("https://shop", "s")] } => "https://shop | s",
        "without one the workspace's key does": { about: DATA, login_first: true, fluxloop: &[PROJECT, KEY], stored: &[("https://other", "s")] } => "https://shop | w",
        "what is exported comes first": { about: DATA, login_first: true, environment: &[("FLUXLOOP_API_URL", "https://shop"), ("FLUXLOOP_API_KEY", "e")], fluxloop: &[PROJECT, KEY], stored: &[("https://shop", "s")] } => "https://shop | e",
        "called as the tool": { about: DATA, tool: FLUXLOOP, fluxloop: &[PROJECT, KEY] } => "https://shop | w",
        "another by flag": { about: DATA, flags: URL, fluxloop: &[PROJECT, KEY] } => "https://h | -",
        "another by variable": { about: DATA, environment: &[("FLUXLOOP_API_URL", "https://e")], fluxloop: &[PROJECT, KEY] } => "https://e | -",
        "with its own address": { about: DATA, fluxloop: &[PROJECT, (".env", "FLUXLOOP_SYNC_URL=https://own\nFLUXLOOP_SYNC_API_KEY=w")] } => "https://own | w",
        "its own address, another by flag": { about: DATA, flags: URL, fluxloop: &[(".env", "FLUXLOOP_SYNC_URL=https://own\nFLUXLOOP_SYNC_API_KEY=w")] } => "https://h | -",
        "stored for it": { about: DATA, fluxloop: &[PROJECT], stored: &[("https://shop", "s"), ("https://other", "o")] } => "https://shop | s",
        "our variable first": { about: DATA, environment: &[("KEEPSTEP_URL", "https://k"), ("KEEPSTEP_API_KEY", "k"), ("FLUXLOOP_API_URL", "https://e")], fluxloop: &[PROJECT, KEY] } => "https://k | k",
        "the lua tool's names do not count": { about: DATA, environment: &[("LUA_API_URL", "https://l"), ("LUA_API_KEY", "l")], fluxloop: &[PROJECT] } => "https://shop | -",
    }
}

#[test]
fn f43_a_token_that_names_no_server_is_sent_to_none_that_is_not_confirmed() {
    const TOKEN: (&str, &str) = ("../../home/.fluxloop/auth.json", r#"{"access_token": "t"}"#);
    const PENDING: (&str, &str) = ("../../home/.fluxloop/pending_login.json", r#"{"api_url": "https://h"}"#);
    table! {
        "typed and connected": { about: DATA, flags: &[("url", "https://shop")], fluxloop: &[PROJECT, TOKEN] } => "https://shop | t",
        "only typed": { about: DATA, flags: URL, fluxloop: &[PROJECT, TOKEN] } => "https://h | -",
        "only in the workspace, which may be a stranger's": { about: DATA, fluxloop: &[PROJECT, TOKEN] } => "https://shop | -",
        "the login that waits": { about: DATA, flags: URL, fluxloop: &[TOKEN, PENDING] } => "https://h | t",
        "the tool's service": { about: DATA, tool: FLUXLOOP, fluxloop: &[TOKEN] } => "https://api.fluxloop.ai | -",
    }
    let given = Given { about: DATA, fluxloop: &[PROJECT, TOKEN], ..Given::default() };
    let withheld = given.resolve().unwrap().withheld;
    assert!(withheld[0].to_string().contains("with --url it is sent"), "{}", withheld[0]);
}

#[test]
fn a_key_that_is_passed_over_is_explained() {
    let given = Given {
        environment: &[("KEEPSTEP_API_KEY", "k"), ("LUA_API_KEY", "l"), ("LUA_API_URL", "https://a")],
        flags: &[("url", "https://b")],
        ..Given::default()
    };
    assert_eq!(given.outcome(), "https://b | k");
    let given = Given {
        environment: &[("KEEPSTEP_API_KEY", "k")],
        dot_env: Some("LUA_API_URL=https://evil"),
        peer_file: Some("p"),
        ..Given::default()
    };
    let withheld: Vec<String> = given.resolve().unwrap().withheld.iter().map(ToString::to_string).collect();
    insta::with_settings!({filters => vec![(r"/\S*/(project|home)/", "[$1]/")]}, {
        insta::assert_snapshot!(withheld.join("\n"), @"
    the key from KEEPSTEP_API_KEY is not sent there: only [project]/.env names that address
    the key from [home]/.lua-cli/credentials is not sent there: it belongs to https://api.heylua.ai
    ");
    });
}

#[test]
fn what_is_no_address_is_refused_with_its_origin() {
    let mut lines = Vec::new();
    for text in [
        "localhost:4747",
        "keepstep.example.com",
        "ftp://h",
        "http://",
        "https://me:pass@h",
        "https://h/?a=b",
        "https://h\u{1b}[31m",
    ] {
        let wanted = TargetOptions {
            url_flag: Some(text.to_owned()),
            key_flag: None,
            called_as: Tool::Keepstep,
            about: About::Agent,
            login_first: false,
        };
        lines.push(resolve(&wanted, &Surroundings::default()).unwrap_err().to_string());
    }
    let wanted =
        TargetOptions { url_flag: None, key_flag: None, called_as: Tool::Keepstep, about: About::Agent, login_first: false };
    let variables = BTreeMap::from([("KEEPSTEP_URL".to_owned(), "x".to_owned())]);
    lines.push(resolve(&wanted, &Surroundings { variables, ..Surroundings::default() }).unwrap_err().to_string());
    let nobody = resolve(&wanted, &Surroundings::default()).unwrap_err();
    lines.push(format!("{nobody}\n{}", nobody.hint("keepstep").unwrap()));
    insta::assert_snapshot!(lines.join("\n"), @r#"
    "localhost:4747" from the command line is not the address of a server: it must begin with https:// or http://
    "keepstep.example.com" from the command line is not the address of a server: it must look like https://keepstep.example.com
    "ftp://h" from the command line is not the address of a server: it must begin with https:// or http://
    "http://" from the command line is not the address of a server: it must look like https://keepstep.example.com
    "https://…@h" from the command line is not the address of a server: a name or password does not belong into it
    "https://h/?a=b" from the command line is not the address of a server: it must end before any ? or #
    "https://h\u{1b}[31m" from the command line is not the address of a server: it must look like https://keepstep.example.com
    "x" from KEEPSTEP_URL is not the address of a server: it must look like https://keepstep.example.com
    no server configured: no --url, no KEEPSTEP_URL, and no login on this machine
    run `keepstep login URL`, or set KEEPSTEP_URL
    "#);
}

#[test]
fn broken_stored_keys_do_not_matter_where_flags_say_all() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("credentials.toml"), "broken").unwrap();
    let surroundings = Surroundings { config_dir: Some(folder.path().to_owned()), ..Surroundings::default() };
    let wanted = |key: Option<&str>| TargetOptions {
        url_flag: Some("https://h".to_owned()),
        key_flag: key.map(Secret::from),
        called_as: Tool::Keepstep,
        about: About::Agent,
        login_first: false,
    };
    assert!(resolve(&wanted(Some("k")), &surroundings).is_ok());
    let error = resolve(&wanted(None), &surroundings).unwrap_err();
    assert!(matches!(error, ResolveError::Credentials(_)), "{error}");
}

#[test]
fn a_folder_named_like_the_file_is_no_file() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".env")).unwrap();
    let surroundings = Surroundings { project: Some(folder.path().to_owned()), ..Surroundings::default() };
    let wanted = TargetOptions { url_flag: None, key_flag: None, called_as: Tool::Lua, about: About::Agent, login_first: false };
    assert!(resolve(&wanted, &surroundings).is_ok());
    fs::remove_dir(folder.path().join(".env")).unwrap();
    fs::write(folder.path().join(".env"), b"\xff\xfe").unwrap();
    assert!(matches!(resolve(&wanted, &surroundings), Err(ResolveError::Unreadable { .. })));
}

const HOSTS: [&str; 4] = ["https://a.example", "https://b.example", "http://c.example", "http://127.0.0.1:1"];

fn some_host() -> impl Strategy<Value = Option<&'static str>> {
    proptest::option::of(proptest::sample::select(HOSTS.as_slice()))
}

fn assignments(pairs: &[(&str, Option<&str>)]) -> BTreeMap<String, String> {
    pairs.iter().filter_map(|(name, value)| Some(((*name).to_owned(), (*value)?.to_owned()))).collect()
}

proptest! {
    /// The promise, stated without the code's cases: whatever is set wherever, a key never leaves for a server that it is
    /// known not to be for, and a stranger's project gets only what the peer's set-up needs.
    #[test]
    fn no_key_goes_where_it_does_not_belong(
        flag in some_host(),
        own_url in some_host(),
        lua_url in some_host(),
        own_key in any::<bool>(),
        lua_key in any::<bool>(),
        file_own_url in some_host(),
        file_lua_url in some_host(),
        file_key in any::<bool>(),
        stored in some_host(),
        peer_file in any::<bool>(),
        is_lua in any::<bool>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("home/.lua-cli")).unwrap();
        let file = assignments(&[("KEEPSTEP_URL", file_own_url), ("LUA_API_URL", file_lua_url), ("LUA_API_KEY", file_key.then_some("in file"))]);
        let text: String = file.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        fs::write(path(".env"), text).unwrap();
        if peer_file {
            fs::write(path("home/.lua-cli/credentials"), "of peer").unwrap();
        }
        if let Some(url) = stored {
            credentials::store(&path("config"), &url.parse().unwrap(), &Secret::from("stored")).unwrap();
        }
        let surroundings = Surroundings {
            variables: assignments(&[
                ("KEEPSTEP_URL", own_url), ("LUA_API_URL", lua_url),
                ("KEEPSTEP_API_KEY", own_key.then_some("own")), ("LUA_API_KEY", lua_key.then_some("lua")),
            ]),
            home: Some(path("home")),
            config_dir: Some(path("config")),
            project: Some(folder.path().to_owned()),
            scenario: None,
            ..Surroundings::default()
        };
        let called_as = if is_lua { Tool::Lua } else { Tool::Keepstep };
        let Ok(target) = resolve(&TargetOptions { url_flag: flag.map(str::to_owned), key_flag: None, called_as, about: About::Agent, login_first: false }, &surroundings) else {
            prop_assert!(!is_lua && [flag, own_url, lua_url, file_own_url, file_lua_url, stored].iter().all(Option::is_none));
            return Ok(());
        };
        let server = target.server();
        let is_strangers = matches!(target.url_origin, UrlOrigin::File(_));
        match target.key.as_ref().map(|key| key.secret.reveal()) {
            None => {}
            Some("stored") => prop_assert_eq!(Some(server.as_str()), stored),
            Some("of peer") => prop_assert!(server == LUA_SERVICE || (Some(server.as_str()) == lua_url && !is_strangers)),
            Some("own") => {
                prop_assert!(own_url.is_none_or(|url| url == server));
                prop_assert!(server != LUA_SERVICE && (!is_strangers || file_own_url == Some(server.as_str())));
            }
            Some("lua") => {
                prop_assert!(lua_url.is_none_or(|url| url == server));
                prop_assert!(!is_strangers || (file_own_url.is_none() && server != "http://c.example"));
            }
            Some("in file") => prop_assert!(file_lua_url.is_none_or(|url| url == server)),
            Some(other) => prop_assert!(false, "{}", other),
        }
    }
}
