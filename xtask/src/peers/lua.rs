//! The cases with the real lua-cli.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::expect::{Expect, equal};
use super::world::World;
use super::{Case, cases, project};

/// All cases, the longest first.
pub(super) const CASES: &[Case] = cases![World:
    sync_in_all_directions,
    the_npm_template,
    persona_versions_and_deployments,
    what_keepstep_writes_lua_reads,
    what_lua_pushes_keepstep_reads,
    a_persona_for_each_channel,
    a_persona_in_a_constant,
    an_imported_persona_and_a_model,
    push_persona_and_push_agent,
    a_manifest_of_keepstep_is_read_by_lua,
    the_sources_beside_a_manifest_are_those_of_lua,
    a_project_with_a_skill,
    a_merge_is_in_step_for_lua,
    status_of_a_project,
    a_wrong_key_is_refused,
];

/// What the peer says whenever it finds drift, which is no complaint about the server.
const DRIFT: &[&str] = &["drift detected", "Drift detected", "Operation failed"];

/// A text with everything that has ever been lost on the way into a source file. The peer reads a file in sandboxed
/// Node, so what it finds there is the truth about what we wrote.
const HARD_TEXT: &str = "Say \"hello\", it's `code`, ${process.env.HOME} and \\${HOME}.\nPaths: C:\\new\\table, \\users\\x, a\\\\b.\n\té 😀 \u{2028} ends with \\";

/// Publishes a first persona. Without one on the server the peer's `sync` sees no drift and pushes none.
fn publish_another_persona(world: &World) -> Result<()> {
    world.colleague_changes(&json!({ "persona": "Somebody else." }))
}

/// Checks that both programs say that code and platform are in step.
fn both_in_step(world: &World) -> Result<()> {
    world.lua(&["sync", "--check"])?.exits(0)?.clean()?.says("No drift detected")?;
    world.keepstep(&["sync", "--check"])?.exits(0)?;
    Ok(())
}

/// Checks that both programs find drift.
fn both_find_drift(world: &World) -> Result<()> {
    world.lua(&["sync", "--check"])?.exits(1)?.warns_only(DRIFT)?;
    world.keepstep(&["sync", "--check"])?.exits(1)?;
    Ok(())
}

fn published_persona(world: &World) -> Result<Value> {
    Ok(world.state()?["definition"]["persona"].clone())
}

fn sync_in_all_directions(world: &World) -> Result<()> {
    project::minimal(world)?;
    publish_another_persona(world)?;
    world.lua(&["sync", "--push"])?.exits(0)?.warns_only(DRIFT)?.says("Sync complete.")?;
    let state = world.state()?;
    equal("the name on the server", &state["definition"]["name"], &json!("Shop helper"))?;
    equal("the persona on the server", &state["definition"]["persona"], &json!("You help in a shop.\nYou are brief."))?;
    both_in_step(world)?;

    world.colleague_changes(&json!({ "name": "Store helper", "persona": "You help in a store.\nYou are brief." }))?;
    world.lua(&["sync", "--check"])?.exits(1)?.warns_only(DRIFT)?.says("Total: 2 component(s) with drift")?;
    world.lua(&["sync", "--accept"])?.exits(0)?.warns_only(DRIFT)?.says("Sync complete.")?;
    let index = world.read("src/index.ts")?;
    ensure!(index.contains("name: 'Store helper', // so does this"), "lua wrote no name:\n{index}");
    ensure!(index.contains("`You help in a store.\nYou are brief.`"), "lua wrote no persona:\n{index}");
    both_in_step(world)?;
    world.lua(&["sync"])?.exits(0)?.clean()?.says("No drift detected")?;
    Ok(())
}

fn the_npm_template(world: &World) -> Result<()> {
    project::template(world)?;
    publish_another_persona(world)?;
    world.lua(&["sync", "--push"])?.exits(0)?.warns_only(DRIFT)?;
    equal("the persona on the server", &published_persona(world)?, &json!("You help in a shop."))?;
    both_in_step(world)?;
    world.lua(&["compile", "--sync"])?.exits(0)?.clean()?;
    let by_lua = world.manifest_agent()?;
    world.keepstep(&["compile", "--sync"])?.exits(0)?;
    let by_us = world.manifest_agent()?;
    for key in ["name", "description", "persona"] {
        equal(&format!("`{key}` of the manifest"), &by_us[key], &by_lua[key])?;
    }
    world.colleague_changes(&json!({ "persona": "You help in a store." }))?;
    world.keepstep(&["sync", "--accept"])?.exits(0)?;
    both_in_step(world)
}

fn persona_versions_and_deployments(world: &World) -> Result<()> {
    project::minimal(world)?;
    world.lua(&["push", "persona", "--force"])?.exits(0)?.clean()?.says("Persona version")?;
    world.colleague_changes(&json!({ "persona": "The second." }))?;
    let versions = world.versions()?;
    ensure!(versions.len() == 2, "there should be two versions: {versions:?}");
    let first = versions[1]["version"].to_string();
    let second = versions[0]["version"].to_string();

    let listed = world.lua(&["persona", "production", "versions"])?.exits(0)?.clean()?.says("Total: 2 version(s)")?;
    let current = listed.stdout.lines().find(|line| line.contains("CURRENT")).unwrap_or_default().to_owned();
    ensure!(current.contains(&format!("Version {second} ")), "the second version is current, not: {current}");
    world.lua(&["persona", "production", "view"])?.exits(0)?.clean()?.says("The second.")?;

    // A rollback moves what is current; `sync` still compares with the newest published one.
    world
        .lua(&["persona", "production", "deploy", "--persona-version", &first, "--force"])?
        .exits(0)?
        .clean()?
        .says("deployed successfully")?;
    let state = world.state()?;
    equal("the current version", &state["current"]["version"], &versions[1]["version"])?;
    equal("the published persona", &state["definition"]["persona"], &json!("The second."))?;
    world.lua(&["persona", "production", "view"])?.exits(0)?.clean()?.says("You help in a shop.")?;
    world.keepstep(&["persona", "production", "view"])?.exits(0)?.says("You help in a shop.")?;
    world.lua(&["sync", "--check"])?.exits(1)?.warns_only(DRIFT)?.says("Persona drift detected")?;
    world.lua(&["persona", "production", "deploy", "--persona-version", "99", "--force"])?.exits(3)?;
    Ok(())
}

fn what_keepstep_writes_lua_reads(world: &World) -> Result<()> {
    project::minimal(world)?;
    world.keepstep(&["sync", "--push"])?.exits(0)?;
    world.colleague_changes(&json!({ "persona": HARD_TEXT, "name": "Ann's \"shop\" \\ co" }))?;
    world.keepstep(&["sync", "--accept"])?.exits(0)?;
    world.lua(&["compile"])?.exits(0)?.clean()?;
    let agent = world.manifest_agent()?;
    equal("the persona that lua reads", &agent["persona"], &json!(HARD_TEXT))?;
    equal("the name that lua reads", &agent["name"], &json!("Ann's \"shop\" \\ co"))?;
    both_in_step(world)
}

fn what_lua_pushes_keepstep_reads(world: &World) -> Result<()> {
    project::minimal(world)?;
    world.keepstep(&["sync", "--push"])?.exits(0)?;
    both_in_step(world)?;
    let index = world.read("src/index.ts")?;
    world.write("src/index.ts", &index.replace("You are brief.", "You are \\\"brief\\\"\\n and kind."))?;
    both_find_drift(world)?;
    world.lua(&["sync", "--push"])?.exits(0)?.warns_only(DRIFT)?;
    equal("the persona on the server", &published_persona(world)?, &json!("You help in a shop.\nYou are \"brief\"\n and kind."))?;
    both_in_step(world)
}

fn a_persona_for_each_channel(world: &World) -> Result<()> {
    let pushed = json!({ "base": "You help in a shop.", "voice": "Speak slowly.", "text": "Use short\nlines." });
    let changed = json!({ "base": "You help in a store.", "voice": "Speak up.", "text": "Use short\nlines." });
    project::channels(world)?;
    publish_another_persona(world)?;
    world.lua(&["sync", "--push"])?.exits(0)?.warns_only(DRIFT)?;
    equal("the persona on the server", &published_persona(world)?, &pushed)?;
    both_in_step(world)?;
    world.colleague_changes(&json!({ "persona": changed }))?;
    both_find_drift(world)?;
    world.keepstep(&["sync", "--accept"])?.exits(0)?;
    world.lua(&["compile"])?.exits(0)?.clean()?;
    equal("the persona that lua reads", &world.manifest_agent()?["persona"], &changed)?;
    both_in_step(world)
}

fn a_persona_in_a_constant(world: &World) -> Result<()> {
    project::constant(world)?;
    world.keepstep(&["sync", "--push"])?.exits(0)?;
    both_in_step(world)?;
    world.colleague_changes(&json!({ "persona": HARD_TEXT }))?;
    world.keepstep(&["sync", "--accept"])?.exits(0)?;
    let index = world.read("src/index.ts")?;
    ensure!(index.contains("persona: PERSONA"), "the constant is not used any more:\n{index}");
    world.lua(&["compile"])?.exits(0)?.clean()?;
    equal("the persona that lua reads", &world.manifest_agent()?["persona"], &json!(HARD_TEXT))?;
    both_in_step(world)
}

fn an_imported_persona_and_a_model(world: &World) -> Result<()> {
    project::imported(world)?;
    let before = world.read("src/index.ts")?;
    publish_another_persona(world)?;
    world.lua(&["sync", "--push"])?.exits(0)?.warns_only(DRIFT)?;
    let state = world.state()?;
    equal("the persona on the server", &state["definition"]["persona"], &json!("You help Acme.\nYou are brief."))?;
    equal("the model on the server", &state["definition"]["model"], &json!("openai/gpt-4o"))?;
    both_in_step(world)?;
    world.colleague_changes(&json!({ "persona": "You help Acme.\nYou are kind." }))?;
    world.keepstep(&["sync", "--accept"])?.exits(0)?;
    ensure!(world.read("src/index.ts")? == before, "the file that only imports the persona was edited");
    let persona = world.read("src/persona.ts")?;
    ensure!(persona.contains("`You help ${company}.\nYou are kind.`"), "the substitution is lost:\n{persona}");
    both_in_step(world)?;
    // A cleared model is a value: the peer pushes it as an empty text.
    world.write("src/index.ts", &before.replace("  model: 'openai/gpt-4o',\n", ""))?;
    both_find_drift(world)?;
    world.lua(&["sync", "--push"])?.exits(0)?.warns_only(DRIFT)?;
    both_in_step(world)
}

fn push_persona_and_push_agent(world: &World) -> Result<()> {
    project::imported(world)?;
    world.lua(&["push", "persona", "--force"])?.exits(0)?.clean()?.says("Persona version")?;
    equal("the persona on the server", &published_persona(world)?, &json!("You help Acme.\nYou are brief."))?;
    world.lua(&["push", "agent", "--force"])?.exits(0)?.clean()?.says("Model \"openai/gpt-4o\" pushed")?;
    let state = world.state()?;
    equal("the model on the server", &state["definition"]["model"], &json!("openai/gpt-4o"))?;
    equal("the name on the server", &state["definition"]["name"], &json!("Before"))?;
    let count = world.versions()?.len();
    world.lua(&["deploy", "persona", "--set-version", "latest", "--force"])?.exits(0)?.clean()?;
    ensure!(world.versions()?.len() == count, "a deployment made a version");
    Ok(())
}

fn a_manifest_of_keepstep_is_read_by_lua(world: &World) -> Result<()> {
    project::imported(world)?;
    world.keepstep(&["compile"])?.exits(0)?;
    let by_us = world.manifest_agent()?;
    world.lua(&["persona", "sandbox", "view"])?.exits(0)?.clean()?.says("You help Acme.\nYou are brief.")?;
    world.lua(&["compile", "--verbose"])?.exits(0)?.clean()?.says("Agent: Shop helper")?;
    let by_lua = world.manifest_agent()?;
    for key in ["kind", "name", "description", "persona", "model", "sourcePath"] {
        equal(&format!("`{key}` of the manifest"), &by_us[key], &by_lua[key])?;
    }
    world.keepstep(&["persona", "sandbox", "view"])?.exits(0)?.says("You help Acme.\nYou are brief.")?;
    Ok(())
}

/// `push backup` of the peer uploads what the manifest lists from there.
fn the_sources_beside_a_manifest_are_those_of_lua(world: &World) -> Result<()> {
    project::imported(world)?;
    world.write("notes/README", "no end\n")?;
    world.write("notes/again.md", "no end\n")?;
    let sources = || -> Result<std::collections::BTreeMap<String, Vec<u8>>> {
        let mut found = std::collections::BTreeMap::new();
        for entry in std::fs::read_dir(world.project().join("dist-v2/sources"))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.insert(name, std::fs::read(&path)?);
        }
        Ok(found)
    };
    world.keepstep(&["compile"])?.exits(0)?;
    let by_us = sources()?;
    std::fs::remove_dir_all(world.project().join("dist-v2"))?;
    world.lua(&["compile"])?.exits(0)?.clean()?;
    let by_lua = sources()?;
    let missing: Vec<&String> = by_lua.keys().filter(|name| by_us.get(*name) != by_lua.get(*name)).collect();
    ensure!(missing.is_empty(), "not in the sources of keepstep: {missing:?}");
    Ok(())
}

fn a_merge_is_in_step_for_lua(world: &World) -> Result<()> {
    project::with_index(
        world,
        "import { LuaAgent } from 'lua-cli';\n\nexport default new LuaAgent({\n  name: 'Shop helper',\n  \
         persona: `One.\nTwo.\nThree.\nFour.\nFive.`,\n  skills: [],\n});\n",
    )?;
    world.keepstep(&["sync", "--push"])?.exits(0)?;
    world.colleague_changes(&json!({ "persona": "One.\nTwo.\nThree.\nFour.\nFive, by a colleague." }))?;
    let index = world.read("src/index.ts")?;
    world.write("src/index.ts", &index.replace("One.", "One, by me."))?;
    both_find_drift(world)?;
    world.keepstep(&["sync", "--merge"])?.exits(0)?;
    let merged = json!("One, by me.\nTwo.\nThree.\nFour.\nFive, by a colleague.");
    equal("the persona on the server", &published_persona(world)?, &merged)?;
    world.lua(&["compile"])?.exits(0)?.clean()?;
    equal("the persona that lua reads", &world.manifest_agent()?["persona"], &merged)?;
    both_in_step(world)
}

fn a_project_with_a_skill(world: &World) -> Result<()> {
    project::skill(world)?;
    publish_another_persona(world)?;
    // The peer makes the skill on the server, and then compares with what its file said before.
    let about_skills = [DRIFT, &["Primitives on server but not in local config"]].concat();
    world.lua(&["sync", "--push"])?.exits(0)?.warns_only(&about_skills)?.says("Created \"shop\"")?;
    let yaml = world.read("lua.skill.yaml")?;
    ensure!(yaml.contains("name: shop") && !yaml.contains("skillId: ''"), "the skill has no id:\n{yaml}");
    both_in_step(world)?;
    world.keepstep(&["compile"])?.exits(0)?;
    let primitives = world.manifest()?["primitives"].clone();
    let listed = primitives.as_array().is_some_and(|all| all.iter().any(|one| one["kind"] == "skill" && one["name"] == "shop"));
    ensure!(listed, "keepstep compile lists no skill: {primitives}");
    world.lua(&["status", "--json"])?.exits(0)?.clean()?;
    ensure!(world.read("lua.skill.yaml")? == yaml, "keepstep changed lua.skill.yaml");
    Ok(())
}

fn status_of_a_project(world: &World) -> Result<()> {
    project::minimal(world)?;
    publish_another_persona(world)?;
    world.lua(&["sync", "--push"])?.exits(0)?.warns_only(DRIFT)?;
    let status = world.lua(&["status", "--json"])?.exits(0)?.clean()?.json()?;
    equal("auth.authenticated", &status["auth"]["authenticated"], &json!(true))?;
    equal("auth.serverReachable", &status["auth"]["serverReachable"], &json!(true))?;
    equal("project.agentId", &status["project"]["agentId"], &json!(world.agent()))?;
    equal("persona.status", &status["persona"]["status"], &json!("synced"))?;
    equal("warnings", &status["warnings"], &json!([]))?;
    world.lua(&["status"])?.exits(0)?.keeps_silent_about("key rejected")?;
    world.colleague_changes(&json!({ "persona": "Another." }))?;
    let status = world.lua(&["status", "--json"])?.exits(0)?.json()?;
    equal("persona.status", &status["persona"]["status"], &json!("drift"))?;
    world.keepstep(&["status", "--json"])?.exits(0)?.json()?;
    Ok(())
}

fn a_wrong_key_is_refused(world: &World) -> Result<()> {
    project::minimal(world)?;
    world.lua_with_key("ks_wrong", &["sync", "--check"])?.exits(9)?;
    world.lua_with_key("ks_wrong", &["push", "persona", "--force"])?.exits(9)?;
    world.keepstep_with_key("ks_wrong", &["sync", "--check"])?.exits(9)?;
    ensure!(world.versions()?.is_empty(), "a refused push left a version");
    Ok(())
}
