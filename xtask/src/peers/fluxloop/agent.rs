//! The workspaces in which the peers test an agent: what a person does by hand before the first `test`.

use anyhow::Result;

use super::super::expect::Expect;
use super::Release;
use super::world::World;

/// Where both releases keep the scenario of the cases.
pub(super) const FOLDER: &str = ".fluxloop/scenarios/orders";

/// An agent that answers everything.
pub(super) const ANSWERS: &str = "    return 'ok: ' + text\n";

/// An agent that breaks at one of the two inputs.
pub(super) const BREAKS_ONCE: &str = "    if 'Cancel' in text:\n        raise ValueError('boom')\n    return 'ok: ' + text\n";

/// An agent that always breaks.
pub(super) const BREAKS: &str = "    raise ValueError('boom')\n";

/// Links the workspace to the scenario `orders` and pulls its newest bundle.
pub(super) fn workspace(world: &World, release: Release) -> Result<()> {
    world.fluxloop(release, &["projects", "select", world.project()])?.exits(0)?.clean()?;
    let scenario = world.scenario("orders")?;
    match release {
        Release::Old | Release::Last => {
            world.fluxloop(release, &["init", "scenario", "orders", "--link", &scenario])?.exits(0)?.clean()?;
            // The file that `init` writes has a key that is none, which wins over every other.
            let path = format!("{FOLDER}/.env");
            let kept =
                world.read(&path)?.lines().filter(|line| !line.starts_with("FLUXLOOP_SYNC_")).collect::<Vec<_>>().join("\n");
            world.write(&path, &kept)?;
            let path = format!("{FOLDER}/configs/simulation.yaml");
            let config = world.read(&path)?.replace("examples.simple_agent", "agents.my_agent");
            world.write(&path, &config)?;
        }
        Release::New => {
            world.fluxloop(release, &["scenarios", "select", &scenario])?.exits(0)?.clean()?;
        }
    }
    world.fluxloop(release, &["sync", "pull"])?.exits(0)?.clean()?;
    Ok(())
}

/// Writes the agent that the workspace tests, as a Python function with this body.
pub(super) fn function(world: &World, release: Release, body: &str) -> Result<()> {
    match release {
        Release::Old | Release::Last => {
            let text = format!("import fluxloop\n\n\n@fluxloop.agent(name=\"Orders\")\ndef run(text):\n{body}");
            world.write(&format!("{FOLDER}/agents/my_agent.py"), &text)
        }
        Release::New => world.write("my_agent.py", &format!("def handler(text):\n{body}")),
    }
}

/// Makes the agent of the new release a program that speaks NDJSON.
pub(super) fn process(world: &World) -> Result<()> {
    world.write(
        "agent.py",
        "import json, sys\n\nasked = json.loads(sys.stdin.readline())\nprint('not JSON')\n\
         print(json.dumps({'success': True, 'output': 'ok: ' + asked['input_text'], 'token_usage': {'total_tokens': 3}}))\n",
    )?;
    world.write(
        &format!("{FOLDER}/configs/simulation.yaml"),
        "name: orders\nrunner:\n  type: process\n  command: [python3, agent.py]\n  protocol: ndjson\niterations: 1\n\
         input:\n  source: inline\n  items:\n  - text: Hello\n",
    )
}

/// Lets the old release speak several turns, with questions that are written down instead of a model.
pub(super) fn several_turns(world: &World) -> Result<()> {
    let path = format!("{FOLDER}/configs/simulation.yaml");
    let config = world.read(&path)?;
    let config = config.replace("  enabled: false              # Enable to drive", "  enabled: true # drive");
    let config = config.replace("provider: openai ", "provider: mock ");
    let config = config.replace("scripted_questions: [] ", "scripted_questions: [\"And when?\", \"Thanks\"] ");
    world.write(&path, &config)
}
