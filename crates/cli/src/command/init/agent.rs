//! `keepstep init agent [DIR]`

use std::fs;
use std::path::PathBuf;

use clap::Args;
use keepstep_base::AgentId;
use keepstep_source::skill_file;
use serde_json::json;

use crate::command::{CommandResult, Outcome};
use crate::session::checkout::files::write_whole;
use crate::session::connection::server::Server;
use crate::session::context::Context;
use crate::shell::failure::Failure;
use crate::shell::printer::{Label, Text};

const TSCONFIG: &str = r#"{
  "compilerOptions": {
    "target": "es2022",
    "module": "nodenext",
    "moduleResolution": "nodenext",
    "strict": true,
    "skipLibCheck": true,
    "noEmit": true
  },
  "include": ["src"]
}
"#;

const IGNORED: &str = "node_modules/\ndist-v2/\n.keepstep/\n.env\n";

/// The arguments.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  keepstep init agent my-agent --name Helper          create the agent on the server, too\n  keepstep init agent my-agent --agent-id agent_1 --org-id org_1"
)]
pub(super) struct Arguments {
    /// Where; here when left out
    dir: Option<PathBuf>,
    /// The agent's name
    #[arg(long, default_value = "My agent")]
    name: String,
    /// The id of an agent that is on the server already; without it one is created there
    #[arg(long, value_name = "ID", requires = "org_id")]
    agent_id: Option<AgentId>,
    /// The organization that owns it
    #[arg(long, value_name = "ID", requires = "agent_id")]
    org_id: Option<String>,
}

/// Writes the files of a new project; one that is there already is never touched.
pub(super) fn run(context: &Context, arguments: &Arguments) -> CommandResult {
    let folder = match &arguments.dir {
        Some(folder) => context.directory.join(folder).components().collect(),
        None => context.directory.clone(),
    };
    if folder.join(skill_file::FILE_NAME).exists() {
        return Err(Failure::Conflict {
            message: format!("{} is a project already; nothing was written", folder.display()),
            hints: vec!["name another folder: `keepstep init agent DIR`".to_owned()],
        });
    }
    let (agent, org) = match (&arguments.agent_id, &arguments.org_id) {
        (Some(agent), Some(org)) => (agent.clone(), org.clone()),
        _ => create(context, &arguments.name)?,
    };
    let files = [
        (skill_file::FILE_NAME, skill_file::create_text(&agent, &org)),
        ("tsconfig.json", TSCONFIG.to_owned()),
        ("package.json", package(&folder)),
        ("src/index.ts", code(&arguments.name)),
        (".gitignore", IGNORED.to_owned()),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        if path.exists() {
            context.printer.status(format!("kept    {name}, which was there"));
            continue;
        }
        let written = match path.parent() {
            Some(parent) => fs::create_dir_all(parent).and_then(|()| write_whole(&path, text.as_bytes())),
            None => write_whole(&path, text.as_bytes()),
        };
        written.map_err(|error| Failure::io("write", &path.display().to_string(), error))?;
        context.printer.status(format!("wrote   {name}"));
    }
    // It is there now, so that it has a name without `..`.
    let folder = folder.canonicalize().unwrap_or(folder);
    context
        .printer
        .answer(Text::of(Label::Good, "✅ ").and(Label::Plain, format!("Agent {agent} starts in {}", folder.display())));
    context.printer.hint("write the persona in src/index.ts, then `keepstep push persona`");
    context.printer.document("init.agent", json!({ "agent_id": agent, "org_id": org, "root": folder.to_string_lossy() }));
    Ok(Outcome::Done)
}

/// Makes the agent on the server.
fn create(context: &Context, name: &str) -> Result<(AgentId, String), Failure> {
    let server = Server::connect(context, None).map_err(|failure| match failure {
        Failure::Resolve(keepstep_client::ResolveError::NoPlatform) => Failure::Usage {
            message: "no server configured to create the agent on".to_owned(),
            hint: Some("`keepstep login URL` signs in; with `--agent-id` and `--org-id` no server is needed".to_owned()),
        },
        other => other,
    })?;
    let identity = server.whoami()?;
    let agent = server.writer()?.create_agent(name)?;
    let org =
        identity.org_id.ok_or_else(|| Failure::usage("the server did not report the organization of the key; pass --org-id"))?;
    Ok((agent.agent_id, org))
}

/// Returns the code of an agent. A name and a persona are data, written as JSON strings, which are strings here too.
fn code(name: &str) -> String {
    let name = serde_json::Value::from(name);
    format!(
        "import {{ LuaAgent }} from 'lua-cli';\n\nexport const agent = new LuaAgent({{\n  name: {name},\n  persona: `You are a helpful assistant.\nAnswer in one or two sentences.`,\n  skills: [],\n}});\n"
    )
}

fn package(folder: &std::path::Path) -> String {
    let name: String = folder
        .file_name()
        .map(|name| name.to_string_lossy().to_lowercase())
        .unwrap_or_default()
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character } else { '-' })
        .collect();
    let name = Some(name.trim_matches('-')).filter(|name| !name.is_empty()).unwrap_or("agent").to_owned();
    let package = json!({ "name": name, "private": true, "type": "module", "dependencies": { "lua-cli": "^3.37.0" } });
    format!("{package:#}\n")
}
