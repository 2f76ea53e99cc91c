//! The projects that the cases work on.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::world::World;
use crate::tools;

const TSCONFIG: &str = "{\n  \"compilerOptions\": {\n    \"module\": \"ESNext\",\n    \"moduleResolution\": \"bundler\",\n    \
                        \"target\": \"ES2022\",\n    \"strict\": true\n  },\n  \"include\": [\"src\"]\n}\n";

/// Writes a project whose `src/index.ts` has this text.
pub(super) fn with_index(world: &World, index: &str) -> Result<()> {
    world.write("tsconfig.json", TSCONFIG)?;
    world.write("package.json", "{ \"name\": \"shop\", \"private\": true, \"type\": \"module\" }\n")?;
    world.write("src/index.ts", index)
}

/// Writes the smallest project: a name and a persona in one file.
pub(super) fn minimal(world: &World) -> Result<()> {
    with_index(
        world,
        "import { LuaAgent } from 'lua-cli';\n\n\
         // The comment stays.\n\
         export default new LuaAgent({\n  name: 'Shop helper', // so does this\n  \
         persona: `You help in a shop.\nYou are brief.`,\n  skills: [],\n});\n",
    )
}

/// Writes a project whose persona is an object with a text for each channel.
pub(super) fn channels(world: &World) -> Result<()> {
    with_index(
        world,
        "import { LuaAgent } from 'lua-cli';\n\n\
         const voice = 'Speak slowly.';\n\n\
         export default new LuaAgent({\n  name: 'Shop helper',\n  \
         persona: {\n    base: 'You help in a shop.',\n    voice,\n    text: `Use short\nlines.`,\n  },\n  skills: [],\n});\n",
    )
}

/// Writes a project whose persona is a constant of the same file.
pub(super) fn constant(world: &World) -> Result<()> {
    with_index(
        world,
        "import { LuaAgent } from 'lua-cli';\n\n\
         const PERSONA = 'You help in a shop.';\n\n\
         export default new LuaAgent({ name: 'Shop helper', persona: PERSONA, skills: [] });\n",
    )
}

/// Writes a project whose persona comes from another file.
pub(super) fn imported(world: &World) -> Result<()> {
    world
        .write("src/persona.ts", "const company = 'Acme';\n\nexport const persona = `You help ${company}.\nYou are brief.`;\n")?;
    with_index(
        world,
        "import { LuaAgent } from 'lua-cli';\nimport { persona as text } from './persona';\n\n\
         export default new LuaAgent({\n  name: 'Shop helper',\n  persona: text,\n  model: 'openai/gpt-4o',\n  skills: [],\n});\n",
    )
}

/// Writes a project with a skill and its tool, with the packages that they import.
pub(super) fn skill(world: &World) -> Result<()> {
    with_index(
        world,
        "import { LuaAgent, LuaSkill, LuaTool } from 'lua-cli';\nimport { z } from 'zod';\n\n\
         export class StockTool implements LuaTool {\n  name = 'stock';\n  description = 'Says how many are left';\n  \
         inputSchema = z.object({ item: z.string() });\n\n  async execute(input: z.infer<typeof this.inputSchema>) {\n    \
         return { item: input.item, left: 3 };\n  }\n}\n\n\
         const shop = new LuaSkill({\n  name: 'shop',\n  description: 'Knows the shop',\n  \
         context: 'Use it for questions about stock.',\n  tools: [new StockTool()],\n});\n\n\
         export default new LuaAgent({ name: 'Shop helper', persona: 'You help in a shop.', skills: [shop] });\n",
    )?;
    let packages = world.project().join("node_modules");
    std::os::unix::fs::symlink(tools::lua_packages(), &packages).context("cannot link the packages of lua-cli")
}

/// Copies the template that `lua init` copies, and fills in what it fills in.
pub(super) fn template(world: &World) -> Result<()> {
    copy(&tools::lua_template(), &world.project())?;
    let index = world.read("src/index.ts")?;
    let index = index.replace("name: ``", "name: `Shop helper`").replace("persona: ``", "persona: `You help in a shop.`");
    world.write("src/index.ts", &index)?;
    let yaml = world.read("lua.skill.yaml")?;
    let yaml = yaml.replacen("agentId: ''", &format!("agentId: {}", world.agent()), 1).replacen(
        "orgId: ''",
        &format!("orgId: {}", world.organization()),
        1,
    );
    world.write("lua.skill.yaml", &yaml)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
