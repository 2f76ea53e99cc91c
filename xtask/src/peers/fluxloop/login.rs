//! `auth login`: the peer shows a code, and an owner approves it on the page.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::super::expect::{Expect, equal};
use super::browser::Browser;
use super::world::{ORDERS, World};
use super::{Case, Release, cases, with_last};
use crate::command::{self, Output};

/// All cases.
pub(super) const CASES: &[Case] = cases![World:
    a_login_of_the_old_release_is_approved_on_the_page,
    a_login_of_the_new_release_is_approved_on_the_page,
    a_login_is_resumed,
    a_login_is_refused_on_the_page,
    our_own_login_is_approved_on_the_page,
];

/// Those about the first line, with its last release.
pub(super) const LAST: &[Case] = with_last![a_login_of_the_old_release_is_approved_on_the_page,];

fn a_login_of_the_old_release_is_approved_on_the_page(world: &World) -> Result<()> {
    log_in_and_work(world, world.first_line())?;
    world.fluxloop_without_key(world.first_line(), &["auth", "status"])?.exits(0)?.clean()?.says("AUTH_STATUS: logged_in")?;
    // It takes a token for old five minutes before its end, and renews it.
    let mut auth = auth(world)?;
    auth["expires_at"] = json!("2020-01-01T00:00:00Z");
    std::fs::write(world.platform().path("home/.fluxloop/auth.json"), auth.to_string())?;
    world.fluxloop_without_key(world.first_line(), &["projects", "list"])?.exits(0)?.clean()?.says("Shop")?;
    ensure!(self::auth(world)?["access_token"] != auth["access_token"], "the token was not renewed");
    Ok(())
}

fn a_login_of_the_new_release_is_approved_on_the_page(world: &World) -> Result<()> {
    log_in_and_work(world, Release::New)?;
    world.fluxloop_without_key(Release::New, &["auth", "status"])?.exits(0)?.clean()?;
    world.fluxloop_without_key(Release::New, &["auth", "logout"])?.exits(0)?.clean()?;
    world.fluxloop_without_key(Release::New, &["apikeys", "list"])?.exits(1)?;
    Ok(())
}

fn a_login_is_resumed(world: &World) -> Result<()> {
    for release in Release::ALL {
        let started = world.fluxloop_without_key(release, &["auth", "login", "--no-browser", "--no-wait"])?;
        let started = started.exits(0)?.clean()?;
        let code = started.stdout.lines().find_map(code).context("the peer showed no code")?;
        Browser::sign_in(world.platform())?.decide(&code, "approve")?;
        world.fluxloop_without_key(release, &["auth", "login", "--resume"])?.exits(0)?.clean()?.says("LOGIN_SUCCESS")?;
        world.fluxloop_without_key(release, &["auth", "logout"])?.exits(0)?.clean()?;
    }
    Ok(())
}

fn a_login_is_refused_on_the_page(world: &World) -> Result<()> {
    for release in Release::ALL {
        let output = log_in(world, release, "deny")?.exits(1)?.says("enied")?.keeps_silent_about("Traceback")?;
        ensure!(auth(world).is_err(), "a refused device has a token\n{}", output.transcript());
    }
    Ok(())
}

fn our_own_login_is_approved_on_the_page(world: &World) -> Result<()> {
    world.import(ORDERS)?;
    let run = |arguments: &[&str]| world.keepstep_without_key(arguments);
    let decided = |decision: &str| -> Result<()> {
        let started = run(&["login", "--no-browser", "--no-wait", world.platform().url()])?.exits(0)?;
        let code = started.stderr.lines().find_map(code).with_context(|| started.transcript())?;
        Browser::sign_in(world.platform())?.decide(&code, decision)
    };
    decided("deny")?;
    run(&["login", "--resume"])?.exits(9)?;
    run(&["projects", "list"])?.exits(9)?;
    decided("approve")?;
    run(&["login", "--resume"])?.exits(0)?.says("Signed in to")?;
    run(&["projects", "list"])?.exits(0)?.says("Shop")?;
    run(&["projects", "select", world.project()])?.exits(0)?;
    run(&["sync", "pull", "--scenario", "orders"])?.exits(0)?;
    run(&["logout", world.platform().url()])?.exits(0)?;
    run(&["projects", "list"])?.exits(9)?;
    Ok(())
}

/// Logs in, makes a key with the login, and pulls with the key.
fn log_in_and_work(world: &World, release: Release) -> Result<()> {
    world.import(ORDERS)?;
    log_in(world, release, "approve")?.exits(0)?.clean()?.says("LOGIN_SUCCESS")?;
    let auth = auth(world)?;
    for name in ["access_token", "refresh_token", "expires_at", "user_id"] {
        ensure!(auth[name].as_str().is_some_and(|text| !text.is_empty()), "auth.json has no {name}");
    }
    let run = |arguments: &[&str]| world.fluxloop_without_key(release, arguments)?.exits(0)?.clean();
    run(&["auth", "login", "--no-browser"])?.says("lready logged in")?;
    run(&["projects", "list"])?.says("Shop")?;
    run(&["projects", "select", world.project()])?;
    run(&["scenarios", "select", &world.scenario("orders")?])?;
    run(&["apikeys", "create"])?;
    run(&["sync", "pull"])?.says("ulled")?;
    let keys = world.ask(&format!("/api/api-keys?project_id={}", world.project()))?;
    equal("the name of the key", &keys[0]["name"], &json!("cli-generated"))
}

/// Starts a login and decides about it on the page while the peer waits.
fn log_in(world: &World, release: Release, decision: &str) -> Result<Output> {
    let mut login = world.peer(release, &world.workspace());
    login.args(["auth", "login", "--no-browser"]).env("PYTHONUNBUFFERED", "1");
    let line = command::line(&login);
    let mut child = Waiting::start(&mut login)?;
    let mut stdout = String::new();
    let mut lines = BufReader::new(child.0.stdout.take().context("no output")?).lines();
    for line in lines.by_ref() {
        let line = line?;
        stdout.push_str(&line);
        stdout.push('\n');
        if let Some(code) = code(&line) {
            Browser::sign_in(world.platform())?.decide(&code, decision)?;
        }
    }
    let ended = child.0.wait()?;
    Ok(Output { line, code: ended.code(), stdout, stderr: String::new() })
}

/// A peer that is killed when its case fails while it waits.
struct Waiting(Child);

impl Waiting {
    fn start(command: &mut Command) -> Result<Self> {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        Ok(Self(command.spawn().context("cannot start the peer")?))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns the code of a line that shows one.
fn code(line: &str) -> Option<String> {
    line.trim().strip_prefix("CODE:").map(|code| code.trim().to_owned())
}

/// Returns what the peer keeps of a login.
fn auth(world: &World) -> Result<Value> {
    let text = std::fs::read_to_string(world.platform().path("home/.fluxloop/auth.json"))?;
    Ok(serde_json::from_str(&text)?)
}
