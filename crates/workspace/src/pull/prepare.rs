//! What a bundle changes in a scenario's folder: decided, asked about, then put in place.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use keepstep_agent::Field;
use keepstep_agent::merge::{self, Merged, Sides as Texts};
use keepstep_base::Digest;
use keepstep_testdata::input_list::{InputList, LeftOut};
use keepstep_testdata::merge_items::{self, Choice, Conflict, ItemCounts, MergedItems, Outcome};
use keepstep_testdata::names;
use keepstep_testdata::pull_plan::{self, Action, Digests, Keeping, Writing};
use keepstep_testdata::workspace_files::{self, CRITERIA_FOLDER, ManagedFile, Placement, Purpose};
use serde_json::Value;

use super::error::PullError;
use super::list_text::{self, ListWords};
use super::received::Received;
use super::scenario::Scenario;
use super::spool::{Stored, digests_of};
use super::swap::{self, Change, Stamp, Swap};
use super::text;
use crate::WorkspaceError;
use crate::files::{BeforeStep, Pending, put_together};
use crate::pull_record::{FileRecord, PullBase, PullRecord, RECORD_FILE};

/// What a pull is asked to do.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The scenario's folder as it is.
    pub scenario: &'a Scenario,
    /// What the platform says now.
    pub received: &'a Received,
    /// What it said when another program pulled last; for our own pulls the base is kept in the folder.
    pub previous: Option<&'a Received>,
    /// Which platform was asked.
    pub api_url: &'a str,
    /// The project that was asked for.
    pub project_id: Option<&'a str>,
    /// True if the bundle wins against local edits.
    pub force: bool,
    /// True if the list of inputs is merged also where the bundle wins otherwise: it was just published, and has comments.
    pub merges_inputs: bool,
}

/// What a bundle changes, with what is still to be decided.
#[derive(Debug)]
pub struct Prepared {
    folder: PathBuf,
    files: Vec<Planned>,
    /// The record of the pull.
    pub record: PullRecord,
    /// The base of the next merge.
    base: Arc<Stored>,
    /// Where that gets, and where the last one may be instead.
    base_paths: (&'static str, &'static str),
    records_differ: bool,
    /// The inputs, where both sides changed the list.
    items: Option<Items>,
    /// How the inputs of an earlier pull are changed; `None` where there were none or nothing changes.
    pub item_counts: Option<ItemCounts>,
    /// True if comments in the list of inputs go, which then stay only in the copy: mostly those of inputs that go.
    pub loses_comments: bool,
    /// What of the bundle does not get into the list of inputs.
    pub left_out: LeftOut,
}

/// A file and what happens to it.
#[derive(Debug)]
struct Planned {
    path: String,
    purpose: Purpose,
    action: Action,
    /// What is there.
    local: Option<LocalFile>,
    /// The digest of what the bundle says.
    bundle: Option<Digest>,
    /// What is written, if something is.
    content: Arc<Stored>,
    /// What it was at the last pull, where somebody has to decide.
    base: Option<String>,
}

/// The inputs, merged item by item.
#[derive(Debug)]
struct Items {
    local: InputList,
    local_text: String,
    server_text: String,
    base_text: String,
    merged: MergedItems,
}

/// Something that a person has to decide.
#[derive(Debug, Clone, PartialEq)]
pub enum Collision {
    /// An input that was edited here and changed by the platform.
    Item {
        /// The file.
        path: String,
        /// The two sides.
        conflict: Conflict,
    },
    /// A file that was edited here and changed by the platform.
    File {
        /// Its path.
        path: String,
        /// What is here.
        local: String,
        /// What the platform has.
        server: String,
        /// Both edits in one text, if they do not overlap.
        merged: Option<String>,
        /// Why its inputs could not be compared one by one.
        problem: Option<String>,
    },
}

/// Decides what a bundle changes in a scenario's folder. Nothing is written.
///
/// # Errors
/// See [`PullError`].
pub fn prepare(question: Question<'_>) -> Result<Prepared, PullError> {
    let Question { scenario, received, .. } = question;
    let inputs_path = names::inputs_path(&scenario.inputs_file)?;
    let placement = Placement {
        inputs_file: &scenario.inputs_file,
        api_url: question.api_url,
        project_id: question.project_id,
        sync_state: scenario.sync_state.as_ref(),
        with_pulled: scenario.with_pulled,
    };
    let files = offered(received, placement)?;
    let known = Known::read(question, placement)?;
    let nothing = Arc::new(Stored::of(Vec::new()));
    let paths: BTreeSet<String> = files.iter().map(|file| file.path.clone()).collect();
    let (records, content): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.purpose == Purpose::Record);
    let gone = known.base.keys().filter(|path| !paths.contains(*path));
    let gone = gone.map(|path| Offered { path: path.clone(), purpose: Purpose::Content, content: nothing.clone() });
    let mut files = Vec::new();
    for file in content.into_iter().chain(gone) {
        files.extend(known.planned(file, &paths, true)?);
    }
    let is_same = |file: &Planned| matches!(file.action, Action::Keep(_));
    let is_changed = scenario.bundle() != Some(&received.bundle.id) || !files.iter().all(is_same);
    for file in records {
        files.extend(known.planned(file, &paths, is_changed)?);
    }
    let mut record = PullRecord::of(received, question.project_id, &inputs_path)?;
    record.files = files.iter().filter_map(Planned::record).collect();
    let is_there = |old: &PullRecord| record.is_equivalent_to(old) && PullBase::is_in(&scenario.folder, old);
    let records_differ = !scenario.record.as_ref().is_some_and(is_there);
    let mut prepared = Prepared {
        folder: scenario.folder.clone(),
        files,
        record,
        base: received.answer.clone(),
        base_paths: PullBase::paths(received),
        records_differ,
        items: None,
        item_counts: None,
        loses_comments: false,
        left_out: received.list()?.left_out.clone(),
    };
    prepared.compare_items(&inputs_path, received, &known)?;
    Ok(prepared)
}

/// A file as the bundle has it.
type Offered = ManagedFile<Arc<Stored>>;

fn offered(received: &Received, placement: Placement<'_>) -> Result<Vec<Offered>, PullError> {
    let stored = |ManagedFile { path, purpose, content }| Ok(Offered { path, purpose, content: received.stored(content)? });
    workspace_files::render(&received.bundle, placement)?.into_iter().map(stored).collect()
}

/// What was pulled, and where.
struct Known<'q> {
    question: Question<'q>,
    base: BTreeMap<String, Digest>,
    /// What was last pulled, read where it is asked for.
    pulled: OnceCell<Option<PullBase>>,
}

#[derive(Debug)]
struct LocalFile {
    /// Without the ends of lines; that of the base where the file says the same.
    digest: Digest,
    exact: Digest,
    stamp: Stamp,
    /// The text, where it was edited.
    text: Option<String>,
}

impl<'q> Known<'q> {
    fn read(question: Question<'q>, placement: Placement<'_>) -> Result<Self, PullError> {
        let scenario = question.scenario;
        let base = match (&scenario.record, question.previous) {
            (Some(record), _) => record.files.iter().map(|(path, file)| (path.clone(), file.digest)).collect(),
            (None, Some(previous)) => {
                let files = offered(previous, placement)?;
                // Another program has files of its own, so one that is not there was not deleted.
                let is_there = |file: &Offered| scenario.folder.join(&file.path).exists();
                let content = files.into_iter().filter(|file| file.purpose != Purpose::Record && is_there(file));
                content.map(|file| (file.path, file.content.digests.content)).collect()
            }
            (None, None) => BTreeMap::new(),
        };
        // The base of a configured path that is another one now is the old file; it is left alone.
        Ok(Self { question, base, pulled: OnceCell::new() })
    }

    /// Decides what happens to a file, which the bundle has if its path is among those; `None` for one that is nowhere any more.
    fn planned(&self, file: Offered, paths: &BTreeSet<String>, is_changed: bool) -> Result<Option<Planned>, PullError> {
        let bundle = paths.contains(&file.path).then(|| file.content.digests.content);
        let local = self.local_file(&file, bundle)?;
        let here = local.as_ref().map(|local| local.digest);
        let decided = match file.purpose {
            Purpose::Record => Some(pull_plan::decide_record(here, bundle, is_changed)),
            purpose => {
                let is_merged = purpose == Purpose::Inputs && self.question.merges_inputs;
                pull_plan::decide(self.base.get(&file.path).copied(), here, bundle, self.question.force && !is_merged)
            }
        };
        let Some(action) = decided else { return Ok(None) };
        let Offered { path, purpose, content } = file;
        let base = if action == Action::Conflict { self.text(&path)? } else { None };
        Ok(Some(Planned { path, purpose, action, local, bundle, content, base }))
    }

    fn local_file(&self, file: &Offered, bundle: Option<Digest>) -> Result<Option<LocalFile>, PullError> {
        let path = file.path.as_str();
        let place = self.question.scenario.folder.join(path);
        let fail = |source| PullError::from(WorkspaceError::io("read", &place, source));
        let there = match File::open(&place) {
            Ok(there) => there,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
            Err(error) => return Err(fail(error)),
        };
        let stamp = Stamp::of(&there.metadata().map_err(fail)?);
        let Digests { exact, content: digest } = digests_of(there).map_err(fail)?;
        let base = self.base.get(path).copied();
        if file.purpose == Purpose::Record || base == Some(digest) || bundle == Some(digest) {
            return Ok(Some(LocalFile { digest, exact, stamp, text: None }));
        }
        let bytes = std::fs::read(&place).map_err(fail)?;
        let exact = Digest::of_bytes(&bytes);
        let here = String::from_utf8_lossy(&bytes).into_owned();
        let says = |other: &str| text::is_equivalent(path, &here, other);
        // Another program writes the same in other words.
        let digest = if base.is_some() && self.text(path)?.is_some_and(|pulled| says(&pulled)) {
            base
        } else if bundle.is_some() && says(&file.content.to_text()?) {
            bundle
        } else {
            Some(digest)
        };
        Ok(digest.map(|digest| LocalFile { digest, exact, stamp, text: Some(here) }))
    }

    fn pulled(&self) -> Result<Option<&PullBase>, PullError> {
        if self.pulled.get().is_none() {
            let Question { scenario, previous, .. } = self.question;
            let kept = scenario.record.as_ref().map(|record| PullBase::read(&scenario.folder, record)).transpose()?.flatten();
            let of = |received: &Received| PullBase { inputs_path: scenario.inputs_file.clone(), received: received.clone() };
            let is_recorded = |previous: &&Received| {
                scenario.record.as_ref().is_none_or(|record| previous.bundle.id == record.bundle_version_id)
            };
            let _ = self.pulled.set(kept.or_else(|| previous.filter(is_recorded).map(of)));
        }
        Ok(self.pulled.get().and_then(Option::as_ref))
    }

    /// Returns the text of a file as it was last pulled.
    fn text(&self, path: &str) -> Result<Option<String>, PullError> {
        Ok(self.pulled()?.map_or(Ok(None), |pulled| pulled.text(path))?)
    }
}

impl Prepared {
    /// Compares the inputs one by one, and merges them where both sides changed some.
    fn compare_items(&mut self, path: &str, received: &Received, known: &Known<'_>) -> Result<(), PullError> {
        let Some(file) = self.files.iter_mut().find(|file| file.path == path) else { return Ok(()) };
        let Some(local) = file.local.as_mut().filter(|_| !matches!(file.action, Action::Keep(_))) else { return Ok(()) };
        let Some(local_text) = local.text.take() else {
            // Nobody edited them, so only what changes is of interest.
            if let Some(base) = known.pulled()?.filter(|base| base.inputs_path == path) {
                self.item_counts = Some(base.received.fingerprints()?.replaced_by(&received.fingerprints()?));
            }
            return Ok(());
        };
        let Ok(local) = text::inputs(&local_text) else { return Ok(()) };
        let base = match known.pulled()?.filter(|base| base.inputs_path == path) {
            // What replaces the whole file keeps nothing of it.
            _ if file.action == Action::Write(Writing::Forced) => local.entries.clone(),
            Some(base) => base.received.entries()?,
            None => Vec::new(),
        };
        let merged = merge_items::merge(&base, &local.entries, &received.entries()?);
        self.item_counts = Some(merged.counts());
        if file.action == Action::Conflict {
            let (base_text, server_text) = (file.base.clone().unwrap_or_default(), file.content.to_text()?);
            self.items = Some(Items { local, local_text, server_text, base_text, merged });
            self.settle_items();
        }
        Ok(())
    }

    /// Writes the merged list into the plan once nobody has to decide anything about it.
    fn settle_items(&mut self) {
        let Some(items) = self.items.as_ref().filter(|items| items.merged.conflicts.is_empty()) else { return };
        let Some(file) = self.files.iter_mut().find(|file| file.purpose == Purpose::Inputs) else { return };
        self.item_counts = Some(items.merged.counts());
        if items.merged.entries == items.local.entries {
            file.action = Action::Keep(Keeping::Edited);
        } else {
            let text = items.text();
            self.loses_comments = list_text::has_lost_comments(&items.local_text, &text);
            file.action = Action::Write(Writing::Update);
            file.content = Arc::new(Stored::of(text.into_bytes()));
        }
    }

    /// Returns what a person has to decide before [`Prepared::apply`].
    pub fn collisions(&self) -> Vec<Collision> {
        let mut collisions = Vec::new();
        for file in self.files.iter().filter(|file| file.action == Action::Conflict) {
            if let Some(items) = self.items.as_ref().filter(|_| file.purpose == Purpose::Inputs) {
                let conflicts = items.merged.conflicts.iter().cloned();
                collisions.extend(conflicts.map(|conflict| Collision::Item { path: file.path.clone(), conflict }));
                continue;
            }
            let local = std::fs::read(self.folder.join(&file.path)).unwrap_or_default();
            let local = String::from_utf8_lossy(&local).into_owned();
            let server = file.content.to_text().unwrap_or_default();
            let problem = (file.purpose == Purpose::Inputs).then(|| text::inputs(&local).err()).flatten();
            let merged = file.merged_text(&local, &server);
            collisions.push(Collision::File { path: file.path.clone(), local, server, merged, problem });
        }
        collisions
    }

    /// Decides a collision.
    pub fn settle(&mut self, collision: &Collision, choice: Choice) {
        match collision {
            Collision::Item { conflict, .. } => {
                if let Some(items) = &mut self.items {
                    items.merged.settle(&conflict.id, choice);
                }
                self.settle_items();
            }
            Collision::File { path, merged, .. } => {
                let Some(file) = self.files.iter_mut().find(|file| file.path == *path) else { return };
                match (choice, merged) {
                    (Choice::Server, _) => file.action = Action::Write(Writing::Forced),
                    (Choice::Both, Some(merged)) => {
                        file.action = Action::Write(Writing::Update);
                        file.content = Arc::new(Stored::of(merged.clone().into_bytes()));
                    }
                    (Choice::Local | Choice::Both, _) => file.action = Action::Keep(Keeping::Edited),
                }
            }
        }
    }

    /// Returns what is lost at once in words, if the platform takes away more than half of what is here.
    pub fn mass_removal(&self) -> Option<String> {
        if let Some(counts) = self.item_counts.as_ref().filter(|counts| counts.removes_more_than_half()) {
            return Some(format!("{} of {} inputs in {}", counts.of(Outcome::Removed), counts.local, self.record.inputs_path));
        }
        let criteria = |file: &&Planned| file.path.starts_with(CRITERIA_FOLDER);
        let count = |wanted: fn(Action) -> bool| self.files.iter().filter(criteria).filter(|file| wanted(file.action)).count();
        let removed = count(|action| action == Action::Remove);
        let added = count(|action| action == Action::Write(Writing::New));
        let there = self.files.iter().filter(criteria).filter(|file| file.local.is_some()).count();
        (removed.saturating_sub(added) * 2 > there).then(|| format!("{removed} of {there} criteria"))
    }

    /// Returns each file of the bundle, or that was of the last one, with what happens to it.
    pub fn actions(&self) -> impl Iterator<Item = (&str, Action)> {
        self.files.iter().filter(|file| file.purpose != Purpose::Record).map(|file| (file.path.as_str(), file.action))
    }

    /// Returns true if nothing has to be written.
    pub fn is_nothing_to_do(&self) -> bool {
        !self.records_differ && self.files.iter().all(|file| matches!(file.action, Action::Keep(_)))
    }

    /// Returns true if a file that was there before is replaced or removed.
    pub fn replaces_something(&self) -> bool {
        let is_replaced = |file: &Planned| matches!(file.action, Action::Write(_) | Action::Remove) && file.local.is_some();
        self.files.iter().any(|file| file.purpose != Purpose::Record && is_replaced(file))
    }

    /// Puts everything in place, at once, and then the small files `beside` the scenario that say so. A file that somebody has
    /// still to decide about stays as it is, so there must be none. `keep` is given every file of the folder that is about to
    /// change, before the first one does. Where it fails, nothing is written.
    ///
    /// # Errors
    /// See [`PullError`].
    pub fn apply(
        &mut self,
        beside: Vec<Pending>,
        before_step: BeforeStep<'_>,
        keep: &mut dyn FnMut(&[Change]) -> io::Result<()>,
    ) -> Result<(), PullError> {
        if self.is_nothing_to_do() {
            keep(&[]).map_err(PullError::NotKept)?;
            return Ok(put_together(&[], beside)?);
        }
        let folder = self.folder.clone();
        let mut swap = Swap::begin(&folder, before_step)?;
        if let Err(error) = self.stage(&mut swap).and_then(|()| keep(&swap.steps).map_err(PullError::NotKept)) {
            swap.abandon();
            return Err(error);
        }
        swap.commit(beside)
    }

    fn stage(&mut self, swap: &mut Swap<'_>) -> Result<(), PullError> {
        let is_last = |file: &&Planned| file.purpose == Purpose::Record && !file.path.starts_with("pulled/");
        let (last, first): (Vec<&Planned>, Vec<&Planned>) = self.files.iter().partition(is_last);
        for file in first {
            let stamp = file.stage(swap)?;
            if let Some(record) = self.record.files.get_mut(&file.path).filter(|_| stamp.is_some()) {
                record.stamp = stamp.filter(|_| Some(file.content.digests.content) == file.bundle);
            }
        }
        let (base, other) = self.base_paths;
        let record = Stored::of(self.record.to_bytes());
        for (path, content) in [(base, Some(&*self.base)), (other, None), (RECORD_FILE, Some(&record))] {
            let place = self.folder.join(path);
            let before = swap::digest_of(&place).map_err(|source| WorkspaceError::io("read", &place, source))?;
            swap.change(path, before, content)?;
        }
        last.into_iter().try_for_each(|file| file.stage(swap).map(drop))
    }
}

impl Planned {
    fn stage(&self, swap: &mut Swap<'_>) -> Result<Option<Stamp>, PullError> {
        let content = match self.action {
            Action::Write(_) => Some(&*self.content),
            Action::Remove => None,
            Action::Keep(_) | Action::Conflict => return Ok(None),
        };
        swap.change(&self.path, self.local.as_ref().map(|local| local.exact), content)
    }

    /// Returns the file of the bundle for the record, with the stamp of one that is the bundle's already.
    fn record(&self) -> Option<(String, FileRecord)> {
        let digest = self.bundle.filter(|_| self.purpose != Purpose::Record)?;
        let stamp = self.local.as_ref().filter(|local| local.digest == digest).map(|local| local.stamp);
        Some((self.path.clone(), FileRecord { digest, stamp }))
    }

    /// Returns both edits of the file in one text, if no line was changed by both.
    fn merged_text(&self, local: &str, server: &str) -> Option<String> {
        let merged = merged_lines(self.base.as_deref()?, local, server)?;
        let is_json = self.path.ends_with(".json") && serde_json::from_str::<Value>(&merged).is_ok();
        let is_yaml = !self.path.ends_with(".json") && crate::yaml::parse(&merged).is_ok();
        (is_json || is_yaml).then_some(merged)
    }
}

impl Items {
    /// Returns the text of the merged list. Merged lines keep comments and order, but may overlap, or say something else.
    fn text(&self) -> String {
        let entries = &self.merged.entries;
        let is_merged = |text: &String| text::inputs(text).is_ok_and(|list| list.entries == *entries);
        let lines = merged_lines(&self.base_text, &self.local_text, &self.server_text).filter(is_merged);
        let in_words = || ListWords::of(&self.local_text)?.with_entries(&self.local_text, &self.local.entries, entries);
        lines.or_else(in_words).unwrap_or_else(|| {
            let mut list = self.local.clone();
            list.entries.clone_from(entries);
            list.to_yaml()
        })
    }
}

fn merged_lines(base: &str, local: &str, server: &str) -> Option<String> {
    let [base, ours, theirs] = [base, local, server].map(Value::from);
    let sides = Texts { base: Some(&base), local: Some(&ours), server: Some(&theirs) };
    let Merged::Clean(Some(Value::String(mut text))) = merge::merge(Field::PERSONA, sides) else { return None };
    if !text.ends_with('\n') && local.ends_with('\n') {
        text.push('\n');
    }
    Some(text)
}

#[cfg(test)]
#[path = "prepare_tests.rs"]
mod tests;
