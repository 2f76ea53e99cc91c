//! The projects that are measured.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::scratch;

/// The name of every measured agent.
pub(crate) const NAME: &str = "Shop helper";

const TSCONFIG: &str =
    "{ \"compilerOptions\": { \"module\": \"ESNext\", \"moduleResolution\": \"bundler\", \"strict\": true } }\n";

/// Returns the persona of every measured agent: forty lines, about 2 KiB.
pub(crate) fn persona() -> String {
    let lines: Vec<String> = (1..=40).map(|number| format!("Rule {number}: answer in short, plain and polite words.")).collect();
    lines.join("\n")
}

/// A project in a temporary folder, with a home folder beside it.
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    /// Makes a project whose entry has the name and the persona, and imports what `imports` says.
    pub(crate) fn new(agent: &str, organization: &str, imports: &str) -> Result<Self> {
        let project = Self::empty()?;
        let index = format!(
            "import {{ LuaAgent }} from 'lua-cli';\n{imports}\nexport default new LuaAgent({{\n  name: '{NAME}',\n  \
             persona: `{}`,\n  skills: [],\n}});\n",
            persona()
        );
        project.write("src/index.ts", &index)?;
        project.write("tsconfig.json", TSCONFIG)?;
        project.write("lua.skill.yaml", &format!("agent:\n  agentId: {agent}\n  orgId: {organization}\n"))?;
        Ok(project)
    }

    /// Copies the template of lua-cli and fills in what `lua init` fills in.
    pub(crate) fn template(from: &Path) -> Result<Self> {
        let project = Self::empty()?;
        copy(from, &project.path())?;
        let index = fs::read_to_string(project.path().join("src/index.ts"))?;
        let index =
            index.replace("name: ``", &format!("name: `{NAME}`")).replace("persona: ``", &format!("persona: `{}`", persona()));
        project.write("src/index.ts", &index)?;
        let yaml = fs::read_to_string(project.path().join("lua.skill.yaml"))?;
        let yaml = yaml.replacen("agentId: ''", "agentId: base_agent", 1).replacen("orgId: ''", "orgId: org", 1);
        project.write("lua.skill.yaml", &yaml)?;
        Ok(project)
    }

    /// Makes a project with this many files of 200 lines besides the entry; each imports two others, all can be reached.
    pub(crate) fn with_files(count: usize) -> Result<Self> {
        let project = Self::new("base_agent", "org", "import { value as total } from './part/0';\nexport { total };\n")?;
        for number in 0..count {
            project.write(&format!("src/part/{number}.ts"), &part(number, count))?;
        }
        Ok(project)
    }

    fn empty() -> Result<Self> {
        let folder = scratch::folder()?;
        fs::create_dir_all(folder.path().join("project/src/part"))?;
        fs::create_dir_all(folder.path().join("home/.lua-cli"))?;
        let note = r#"{"latestVersion":"3.37.0","checkedAt":4102444800000}"#;
        fs::write(folder.path().join("home/.lua-cli/version-check.json"), note)?;
        Ok(Self { folder })
    }

    /// Returns the folder of the project.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Returns the home folder that goes with it.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path().join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Returns a file of 200 lines that imports the files `2n + 1` and `2n + 2`.
fn part(number: usize, count: usize) -> String {
    let mut text = String::new();
    let imported: Vec<usize> = [2 * number + 1, 2 * number + 2].into_iter().filter(|other| *other < count).collect();
    for other in &imported {
        let _ = writeln!(text, "import {{ value as value{other} }} from './{other}';");
    }
    let sum: Vec<String> = imported.iter().map(|other| format!(" + value{other}")).collect();
    let _ = writeln!(text, "export const value: number = {number}{};", sum.concat());
    let mut lines = imported.len() + 1;
    let mut function = 0;
    while lines + 6 <= 200 {
        let _ = write!(
            text,
            "/** Says how much of thing {function} is left. */\nexport function left{function}(count: number, name = 'thing'): \
             string {{\n  const left = Math.max(0, {number} - count * {function});\n  return `${{left}} of ${{name}} are \
             left`;\n}}\n\n"
        );
        lines += 6;
        function += 1;
    }
    for line in lines..200 {
        let _ = writeln!(text, "// Line {}.", line + 1);
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_200_lines() {
        for number in [0, 3, 7] {
            assert_eq!(part(number, 8).lines().count(), 200);
        }
    }
}
