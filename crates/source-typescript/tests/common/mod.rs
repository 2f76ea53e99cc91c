//! Small projects in throw-away folders.
#![allow(dead_code, reason = "each test file uses its part")]

use keepstep_source::AgentSource as _;
use std::path::Path;

use keepstep_agent::Field;
use keepstep_source::{Property, SourceError};
use keepstep_source_typescript::{Options, TypeScriptAgent, read};
use serde_json::Value;

pub(crate) struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    /// Writes a project with the given files.
    pub(crate) fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    /// Writes a project of one file.
    pub(crate) fn of(text: &str) -> Self {
        Self::new([("src/index.ts", text)])
    }

    /// Writes a project whose agent has a persona, with what stands before the agent.
    pub(crate) fn persona(before: &str, persona: &str) -> Self {
        Self::of(&agent(before, persona))
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join(path)).unwrap()
    }

    pub(crate) fn read(&self) -> TypeScriptAgent {
        self.try_read().unwrap()
    }

    pub(crate) fn try_read(&self) -> Result<TypeScriptAgent, SourceError> {
        read(self.root(), &Options::default())
    }

    /// Reads a field that has a value.
    pub(crate) fn value(&self, field: Field) -> Value {
        let source = self.read();
        match source.property(field) {
            Property::Known { value, .. } => value.clone(),
            other => panic!("{field}: {other:?}"),
        }
    }
}

/// Returns the text of a file with an agent.
pub(crate) fn agent(before: &str, persona: &str) -> String {
    format!(
        "import {{ LuaAgent }} from 'lua-cli';\n{before}\nexport const agent = new LuaAgent({{\n  name: 'N1',\n  persona: {persona},\n  skills: [],\n}});\n"
    )
}

/// Shows a property as a person would tell it.
pub(crate) fn shown(property: &Property) -> String {
    match property {
        Property::Absent => "absent".to_owned(),
        Property::Known { value, computed: false, .. } => value.to_string(),
        Property::Known { value, computed: true, .. } => format!("{value} (computed)"),
        Property::Function { .. } => "function".to_owned(),
        Property::Unreadable(problem) => format!("unreadable: {}", problem.message),
    }
}
