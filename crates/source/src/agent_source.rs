//! An agent's definition in the code, whatever language it is in.

use std::fmt::Debug;
use std::path::Path;

use keepstep_agent::{Definition, Field};
use serde_json::Value;

use crate::edit::{EditPlan, EditRefusal};
use crate::error::{Location, Problem};
use crate::manifest::ManifestError;
use crate::property::Property;

/// An agent's definition as it stands in the code. A language is an implementation of it; the commands know nothing else.
pub trait AgentSource: Debug {
    /// Returns the project's root, with all links resolved.
    fn root(&self) -> &Path;

    /// Returns where the agent is defined.
    fn location(&self) -> &Location;

    /// Returns what the code says about a field.
    fn property(&self, field: Field) -> &Property;

    /// Returns the agent's name, where it is known.
    fn name(&self) -> Option<&str> {
        self.property(Field::NAME).value()?.as_str()
    }

    /// Returns the fields that are set and known.
    fn definition(&self) -> Definition {
        Field::ALL.into_iter().filter_map(|field| Some((field, self.property(field).value()?.clone()))).collect()
    }

    /// Returns what a person has to know about the value of a field before it is published: that it is another one on other
    /// machines.
    fn notes(&self, field: Field) -> &[Problem];

    /// Returns the kind and the name of everything that the agent has besides its fields: skills, tools, jobs and the like.
    fn primitives(&self) -> Vec<(&'static str, String)>;

    /// Plans how the code comes to have other values; `None` removes a property.
    ///
    /// # Errors
    /// The first field that cannot be changed is refused, and then nothing is planned for the others either.
    fn plan_edits(&self, changes: &[(Field, Option<Value>)]) -> Result<EditPlan, EditRefusal>;

    /// Writes the manifest that other tools of this language read, if there is one. Returns what went wrong without keeping it from
    /// being written. `compiled_at` is in milliseconds since 1970.
    ///
    /// # Errors
    /// A property of the agent cannot be told, or a file cannot be read or written. The manifest that was there is unchanged then.
    fn write_manifest(&self, compiled_at: i64) -> Result<Vec<String>, ManifestError>;
}
