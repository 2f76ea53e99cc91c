//! An agent's definition as it was read, with everything that was found on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keepstep_agent::Field;
use keepstep_source::frame;
use keepstep_source::{Location, Problem, Property};

use crate::discover::AgentSite;
use crate::engine;
use crate::evaluate::ForeignUse;
use crate::modules::Graph;
use crate::value::{Object, Obstacle, Site};

/// What reading depends on besides the files.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What the code may read of `process.env` when it has to be run.
    pub environment: BTreeMap<String, String>,
    /// The machine, as far as values may depend on it.
    pub machine: engine::Machine,
    /// How much running the code may use.
    pub limits: engine::Limits,
}

/// A file that the agent is made of.
#[derive(Debug, Clone, Copy)]
pub struct SourceModule<'a> {
    /// The absolute path.
    pub path: &'a Path,
    /// The text, as it was read.
    pub text: &'a str,
}

/// An agent's definition as it stands in the code.
pub struct TypeScriptAgent {
    pub(crate) graph: Graph,
    pub(crate) options: Options,
    pub(crate) agent: AgentSite,
    pub(crate) config: Object,
    pub(crate) foreign_use: ForeignUse,
    /// The files that were read while the code ran, if it had to.
    pub(crate) read_by_running: BTreeSet<PathBuf>,
    pub(crate) reached: Vec<Arc<crate::syntax::Module>>,
    pub(crate) location: Location,
    pub(crate) properties: BTreeMap<Field, Property>,
    pub(crate) others: BTreeMap<String, Property>,
    pub(crate) notes: BTreeMap<String, Vec<Problem>>,
}

impl TypeScriptAgent {
    /// Returns what the code says about a property of the agent, a field or another one, or `None` if it is not there.
    pub fn setting(&self, key: &str) -> Option<&Property> {
        match Field::from_key(key) {
            Some(field) => self.properties.get(&field),
            None => self.others.get(key),
        }
    }

    /// Returns the files that the agent is made of: its own, then what they import, breadth first.
    pub fn modules(&self) -> impl Iterator<Item = SourceModule<'_>> {
        self.reached.iter().map(|module| SourceModule { path: &module.file.path, text: &module.file.text })
    }

    /// Returns what is compared when an edit is proven: everything that is known about the agent.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Property)> {
        let fields = self.properties.iter().map(|(field, property)| (field.key(), property));
        fields.chain(self.others.iter().map(|(key, property)| (key.as_str(), property)))
    }
}

impl std::fmt::Debug for TypeScriptAgent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TypeScriptAgent")
            .field("location", &self.location)
            .field("properties", &self.properties)
            .finish_non_exhaustive()
    }
}

/// Paths are of the project, places are of its files.
pub(crate) fn problem(graph: &Graph, agent: &AgentSite, obstacle: Obstacle) -> Problem {
    let site = obstacle.site.unwrap_or_else(|| Site::new(&agent.module, agent.span));
    Problem {
        message: obstacle.message,
        location: graph.location(&site.file, site.span.start),
        frame: frame::frame(&site.file.text, site.span),
        help: obstacle.help,
    }
}
