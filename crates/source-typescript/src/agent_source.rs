//! What a TypeScript project says, as the commands ask for it.

use std::path::Path;

use keepstep_agent::Field;
use keepstep_source::{AgentSource, EditPlan, EditRefusal, Location, ManifestError, Problem, Property};
use serde_json::Value;

use crate::manifest::{self, FileList};
use crate::modules::with_deep_stack;
use crate::typescript_agent::TypeScriptAgent;

impl AgentSource for TypeScriptAgent {
    fn root(&self) -> &Path {
        &self.graph.root
    }

    fn location(&self) -> &Location {
        &self.location
    }

    fn property(&self, field: Field) -> &Property {
        self.properties.get(&field).unwrap_or(&Property::Absent)
    }

    fn notes(&self, field: Field) -> &[Problem] {
        self.notes.get(field.key()).map_or(&[], Vec::as_slice)
    }

    fn primitives(&self) -> Vec<(&'static str, String)> {
        manifest::primitives(self)
    }

    fn plan_edits(&self, changes: &[(Field, Option<Value>)]) -> Result<EditPlan, EditRefusal> {
        with_deep_stack(|| self.plan(changes))
    }

    fn write_manifest(&self, compiled_at: i64) -> Result<Vec<String>, ManifestError> {
        let manifest = manifest::build(self, FileList::of(&self.graph.root), compiled_at)?;
        manifest::write(&self.graph.root, &manifest)
    }
}
