#![allow(warnings)]
use keepstep_core::Field; use keepstep_source::*; use serde_json::Value; use std::path::*;
#[derive(Debug)] pub(crate) struct FileEdit { pub(crate) path: PathBuf, pub(crate) before: String, pub(crate) after: String }
#[derive(Debug)] pub(crate) struct EditPlan { pub(crate) files: Vec<FileEdit> }
#[derive(Debug)] pub(crate) struct EditRefusal { pub(crate) field: Field, pub(crate) message: String, pub(crate) location: Option<Location>, pub(crate) frame: Option<String>, pub(crate) patch: Option<String> }
impl EditPlan { pub(crate) fn patch(&self) -> String { String::new() } pub(crate) fn apply(&self, root: &Path) -> Result<(), SourceError> { Ok(()) } }
pub(crate) trait PlanEdits { fn plan_edits(&self, w: &[(Field, Option<Value>)]) -> Result<EditPlan, EditRefusal>; }
impl PlanEdits for AgentSource { fn plan_edits(&self, w: &[(Field, Option<Value>)]) -> Result<EditPlan, EditRefusal> { Ok(EditPlan { files: vec![] }) } }
pub(crate) mod manifest { use super::*; pub(crate) fn build(c: &AgentSource, t: i64) -> Result<Value, SourceError> { Ok(Value::Null) } pub(crate) fn write(r: &Path, v: &Value) -> Result<(), SourceError> { Ok(()) } }
