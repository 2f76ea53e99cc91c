//! What people changed in a scenario's folder since the last pull.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;

use keepstep_testdata::input_list::item_id;
use serde_json::Value;

use super::scenario::Scenario;
use super::spool::digests_of;
use super::swap::Stamp;
use super::text;
use crate::WorkspaceError;
use crate::pull_record::PullBase;

/// A file that is not as it was pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Its path below the scenario's folder.
    pub path: String,
    /// True if it is gone.
    pub is_deleted: bool,
    /// What changed in the list of inputs, if it is that and can be read.
    pub items: Option<ItemEdits>,
}

/// How many inputs changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ItemEdits {
    /// Inputs of the platform that say something else here.
    pub changed: usize,
    /// Inputs that somebody wrote here.
    pub added: usize,
    /// Inputs of the platform that are not here.
    pub removed: usize,
}

impl Scenario {
    /// Returns the files that are not as keepstep pulled them. Those whose length and time are the recorded ones are not read.
    ///
    /// # Errors
    /// The system refused.
    pub fn edits(&self) -> Result<Vec<Edit>, WorkspaceError> {
        let Some(record) = &self.record else { return Ok(Vec::new()) };
        let mut base: Option<Option<PullBase>> = None;
        let mut edits = Vec::new();
        for (path, pulled) in &record.files {
            let place = self.folder.join(path);
            let fail = |source| WorkspaceError::io("read", &place, source);
            match fs::metadata(&place) {
                Ok(metadata) if pulled.stamp == Some(Stamp::of(&metadata)) => continue,
                Ok(_) => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                    edits.push(Edit { path: path.clone(), is_deleted: true, items: None });
                    continue;
                }
                Err(error) => return Err(fail(error)),
            }
            if fs::File::open(&place).and_then(digests_of).map_err(fail)?.content == pulled.digest {
                continue;
            }
            let bytes = fs::read(&place).map_err(fail)?;
            let base = match &mut base {
                Some(base) => base,
                None => base.insert(PullBase::read(&self.folder, record)?),
            };
            let local = String::from_utf8_lossy(&bytes);
            let pulled = base.as_ref().map_or(Ok(None), |base| base.text(path)).map_err(fail)?;
            if pulled.is_some_and(|pulled| text::is_equivalent(path, &local, &pulled)) {
                continue;
            }
            let items = match (base, text::inputs(&local)) {
                (Some(base), Ok(list)) if base.inputs_path == *path => {
                    Some(item_edits(&base.received.entries().map_err(fail)?, &list.entries))
                }
                _ => None,
            };
            edits.push(Edit { path: path.clone(), is_deleted: false, items });
        }
        Ok(edits)
    }
}

fn item_edits(base: &[Value], local: &[Value]) -> ItemEdits {
    let mut known: BTreeMap<String, &Value> = base.iter().filter_map(|entry| Some((item_id(entry)?, entry))).collect();
    let mut edits = ItemEdits::default();
    for entry in local {
        match item_id(entry).and_then(|id| known.remove(&id)) {
            Some(pulled) => edits.changed += usize::from(pulled != entry),
            None => edits.added += 1,
        }
    }
    // What never had an id is found by what it says.
    let nameless: BTreeSet<String> = base.iter().filter(|entry| item_id(entry).is_none()).map(Value::to_string).collect();
    if !nameless.is_empty() {
        let is_nameless = |entry: &&Value| item_id(entry).is_none() && nameless.contains(&entry.to_string());
        edits.added = edits.added.saturating_sub(local.iter().filter(is_nameless).count());
    }
    edits.removed = known.len();
    edits
}
