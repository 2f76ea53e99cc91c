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
}

/// What a bundle changes, with what is still to be decided.
#[derive(Debug)]
pub struct Prepared {
    folder: PathBuf,
    files: Vec<Planned>,
    record: PullRecord,
    /// The base of the next merge.
    base: Arc<Stored>,
    /// Where that gets, and where the last one may be instead.
    base_paths: (&'static str, &'static str),
    records_differ: bool,
    items: Option<Items>,
    /// How the inputs change.
    counts_of_items: Option<ItemCounts>,
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
    /// True if the file is to hold the merged list.
    is_merged: bool,
    /// True if comments of what is here are not in the merged list.
    loses_comments: bool,
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
    let bundle = received.bundle();
    let placement = Placement {
        inputs_file: &scenario.inputs_file,
        api_url: question.api_url,
        project_id: question.project_id,
        sync_state: scenario.sync_state.as_ref(),
        with_pulled: scenario.with_pulled,
    };
    let (inputs_path, files) = offered(received, placement)?;
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
    let is_changed = scenario.bundle() != Some(bundle.id()) || !files.iter().all(is_same);
    for file in records {
        files.extend(known.planned(file, &paths, is_changed)?);
    }
    let mut record = PullRecord::of(received, question.project_id, &inputs_path).map_err(PullError::Received)?;
    record.files = files.iter().filter_map(Planned::record).collect();
    let records_differ = scenario.record.as_ref().is_none_or(|old| !record.is_equivalent_to(old));
    let mut prepared = Prepared {
        folder: scenario.folder.clone(),
        files,
        record,
        base: received.answer().clone(),
        base_paths: PullBase::paths(received),
        records_differ,
        items: None,
        counts_of_items: None,
        left_out: received.list().map_err(PullError::Received)?.left_out.clone(),
    };
    prepared.compare_items(&inputs_path, received, &known)?;
    Ok(prepared)
}

/// A file as the bundle has it.
type Offered = ManagedFile<Arc<Stored>>;

/// Returns the path of the inputs file, and all files of a bundle.
fn offered(received: &Received, placement: Placement<'_>) -> Result<(String, Vec<Offered>), PullError> {
    let rendered = workspace_files::render(received.bundle(), placement)?;
    let mut files = Vec::new();
    for file in rendered.files {
        let content = received.stored(file.content).map_err(PullError::Received)?;
        files.push(Offered { path: file.path, purpose: file.purpose, content });
    }
    Ok((rendered.inputs_path, files))
}

/// What was pulled, and where.
struct Known<'q> {
    question: Question<'q>,
    /// The path of the inputs file, as it is configured now.
    inputs_file: &'q str,
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
    fn read(question: Question<'q>, placement: Placement<'q>) -> Result<Self, PullError> {
        let scenario = question.scenario;
        let base = match (&scenario.record, question.previous) {
            (Some(record), _) => record.files.iter().map(|(path, file)| (path.clone(), file.digest)).collect(),
            (None, Some(previous)) => {
                let (_, files) = offered(previous, placement)?;
                // Another program has files of its own, so one that is not there was not deleted.
                let is_there = |file: &Offered| scenario.folder.join(&file.path).exists();
                let content = files.into_iter().filter(|file| file.purpose != Purpose::Record && is_there(file));
                content.map(|file| (file.path, file.content.digests().content)).collect()
            }
            (None, None) => BTreeMap::new(),
        };
        // The base of a configured path that is another one now is the old file; it is left alone.
        Ok(Self { question, inputs_file: placement.inputs_file, base, pulled: OnceCell::new() })
    }

    /// Decides what happens to a file, which the bundle has if its path is among those; `None` for one that exists nowhere any more.
    fn planned(&self, file: Offered, paths: &BTreeSet<String>, is_changed: bool) -> Result<Option<Planned>, PullError> {
        let bundle = paths.contains(&file.path).then(|| file.content.digests().content);
        let local = self.local_file(&file, bundle)?;
        let here = local.as_ref().map(|local| local.digest);
        let decided = match file.purpose {
            Purpose::Record => Some(pull_plan::decide_record(here, bundle, is_changed)),
            _ => pull_plan::decide(self.base.get(&file.path).copied(), here, bundle, self.question.force),
        };
        let Some(action) = decided else { return Ok(None) };
        let Offered { path, purpose, content } = file;
        let base = if action == Action::Conflict { self.text(&path)? } else { None };
        Ok(Some(Planned { path, purpose, action, local, bundle, content, base }))
    }

    /// Reads a file that is there.
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
        } else if bundle.is_some() && says(&file.content.to_text().map_err(PullError::Received)?) {
            bundle
        } else {
            Some(digest)
        };
        Ok(digest.map(|digest| LocalFile { digest, exact, stamp, text: Some(here) }))
    }

    /// Returns what was last pulled.
    fn pulled(&self) -> Result<Option<&PullBase>, PullError> {
        if self.pulled.get().is_none() {
            let Question { scenario, previous, .. } = self.question;
            let kept = scenario.record.as_ref().map(|record| PullBase::read(&scenario.folder, record)).transpose()?.flatten();
            let of = |received: &Received| PullBase { inputs_path: self.inputs_file.to_owned(), received: received.clone() };
            let is_recorded = |previous: &&Received| {
                scenario.record.as_ref().is_none_or(|record| previous.bundle().id() == record.bundle_version_id)
            };
            let _ = self.pulled.set(kept.or_else(|| previous.filter(is_recorded).map(of)));
        }
        Ok(self.pulled.get().and_then(Option::as_ref))
    }

    /// Returns the text of a file as it was last pulled.
    fn text(&self, path: &str) -> Result<Option<String>, PullError> {
        self.pulled()?.map_or(Ok(None), |pulled| pulled.text(path)).map_err(PullError::Received)
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
                let fingerprints = |received: &Received| received.fingerprints().map_err(PullError::Received);
                self.counts_of_items = Some(fingerprints(&base.received)?.replaced_by(&fingerprints(received)?));
            }
            return Ok(());
        };
        let Ok(local) = text::inputs(&local_text) else { return Ok(()) };
        let entries = |received: &Received| received.entries().map_err(PullError::Received);
        let base = match known.pulled()?.filter(|base| base.inputs_path == path) {
            // What replaces the whole file keeps nothing of it.
            _ if file.action == Action::Write(Writing::Forced) => local.entries.clone(),
            Some(base) => entries(&base.received)?,
            None => Vec::new(),
        };
        let merged = merge_items::merge(&base, &local.entries, &entries(received)?);
        let is_merged = file.action == Action::Conflict;
        let server_text = if is_merged { file.content.to_text().map_err(PullError::Received)? } else { String::new() };
        let base_text = file.base.clone().unwrap_or_default();
        self.items = Some(Items { local, local_text, server_text, base_text, merged, is_merged, loses_comments: false });
        self.settle_items();
        Ok(())
    }

    /// Writes the merged list into the plan once nobody has to decide anything about it.
    fn settle_items(&mut self) {
        let Some(items) = self.items.as_mut().filter(|items| items.is_merged && items.merged.conflicts.is_empty()) else {
            return;
        };
        let Some(file) = self.files.iter_mut().find(|file| file.purpose == Purpose::Inputs) else { return };
        if items.merged.entries == items.local.entries {
            file.action = Action::Keep(Keeping::Edited);
        } else {
            file.action = Action::Write(Writing::Update);
            let text = items.text();
            items.loses_comments = list_text::has_lost_comments(&items.local_text, &text);
            file.content = Arc::new(Stored::of(text.into_bytes()));
        }
    }

    /// Returns what a person has to decide before [`Prepared::apply`].
    pub fn collisions(&self) -> Vec<Collision> {
        let mut collisions = Vec::new();
        for file in self.files.iter().filter(|file| file.action == Action::Conflict) {
            let items = self.items.as_ref().filter(|items| items.is_merged && file.purpose == Purpose::Inputs);
            if let Some(items) = items {
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
        if let Some(counts) = self.items().filter(ItemCounts::removes_more_than_half) {
            return Some(format!("{} of {} inputs in {}", counts.of(Outcome::Removed), counts.local, self.record.inputs_path));
        }
        let criteria = |file: &&Planned| file.path.starts_with(CRITERIA_FOLDER);
        let count = |wanted: fn(Action) -> bool| self.files.iter().filter(criteria).filter(|file| wanted(file.action)).count();
        let removed = count(|action| action == Action::Remove);
        let added = count(|action| action == Action::Write(Writing::New));
        let there = self.files.iter().filter(criteria).filter(|file| file.local.is_some()).count();
        (removed.saturating_sub(added) * 2 > there).then(|| format!("{removed} of {there} criteria"))
    }

    /// Returns how the inputs of an earlier pull are changed; `None` where there were none or nothing changes.
    pub fn items(&self) -> Option<ItemCounts> {
        self.items.as_ref().map(|items| items.merged.counts()).or_else(|| self.counts_of_items.clone())
    }

    /// Returns true if comments in the list of inputs go, which then stay only in the copy: mostly those of inputs that go.
    pub fn loses_comments(&self) -> bool {
        self.items.as_ref().is_some_and(|items| items.loses_comments)
    }

    /// Returns each file of the bundle, or that was of the last one, with what happens to it.
    pub fn actions(&self) -> impl Iterator<Item = (&str, Action)> {
        self.files.iter().filter(|file| file.purpose != Purpose::Record).map(|file| (file.path.as_str(), file.action))
    }

    /// Returns true if nothing has to be written.
    pub fn is_nothing_to_do(&self) -> bool {
        !self.records_differ && self.files.iter().all(|file| matches!(file.action, Action::Keep(_)))
    }

    /// Returns the record of the pull.
    pub fn record(&self) -> &PullRecord {
        &self.record
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
        match self.stage(&mut swap).and_then(|()| keep(swap.changes()).map_err(PullError::NotKept)) {
            Ok(()) => Ok(swap.commit(beside)?),
            Err(error) => {
                swap.abandon();
                Err(error)
            }
        }
    }

    fn stage(&mut self, swap: &mut Swap<'_>) -> Result<(), PullError> {
        let (records, content): (Vec<&Planned>, Vec<&Planned>) =
            self.files.iter().partition(|file| file.purpose == Purpose::Record && !file.path.starts_with("pulled/"));
        for file in content.iter().filter(|file| matches!(file.action, Action::Write(_))) {
            let stamp = swap.write(&file.path, file.before(), &file.content)?;
            let is_the_bundles = Some(file.content.digests().content) == file.bundle;
            if let Some(record) = self.record.files.get_mut(&file.path) {
                record.stamp = is_the_bundles.then_some(stamp);
            }
        }
        let (base, other) = self.base_paths;
        swap.write(base, self.digest_of(base)?, &self.base)?;
        let gone = content.iter().filter(|file| file.action == Action::Remove).map(|file| (file.path.as_str(), file.before()));
        for (path, before) in gone.chain([(other, self.digest_of(other)?)]) {
            if let Some(before) = before {
                swap.remove(path, before)?;
            }
        }
        let record = Stored::of(self.record.to_bytes());
        swap.write(RECORD_FILE, self.digest_of(RECORD_FILE)?, &record)?;
        for file in records.iter().filter(|file| matches!(file.action, Action::Write(_))) {
            swap.write(&file.path, file.before(), &file.content)?;
        }
        Ok(())
    }

    /// Returns the digest of one of our own records as it is; `None` where it is not there.
    fn digest_of(&self, path: &str) -> Result<Option<Digest>, WorkspaceError> {
        let path = self.folder.join(path);
        swap::digest_of(&path).map_err(|source| WorkspaceError::io("read", &path, source))
    }
}

impl Planned {
    /// Returns the digest of what is there, by its exact bytes.
    fn before(&self) -> Option<Digest> {
        self.local.as_ref().map(|local| local.exact)
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
        let is_whole = if self.path.ends_with(".json") {
            serde_json::from_str::<Value>(&merged).is_ok()
        } else {
            crate::yaml::parse(&merged).is_ok()
        };
        is_whole.then_some(merged)
    }
}

impl Items {
    /// Returns the text of the merged list.
    fn text(&self) -> String {
        let entries = &self.merged.entries;
        let in_words = || ListWords::of(&self.local_text)?.with_entries(&self.local_text, &self.local.entries, entries);
        self.text_of_lines().or_else(in_words).unwrap_or_else(|| {
            let mut list = self.local.clone();
            list.entries.clone_from(entries);
            list.to_yaml()
        })
    }

    /// Returns the merged list as merged lines, which keeps comments and order of what somebody wrote; `None` where lines overlap
    /// or say something else than the merged items.
    fn text_of_lines(&self) -> Option<String> {
        let text = merged_lines(&self.base_text, &self.local_text, &self.server_text)?;
        let list = text::inputs(&text).ok()?;
        (list.entries == self.merged.entries).then_some(text)
    }
}

fn merged_lines(base: &str, local: &str, server: &str) -> Option<String> {
    let value = |text: &str| Value::from(text);
    let (base, ours, theirs) = (value(base), value(local), value(server));
    let sides = Texts { base: Some(&base), local: Some(&ours), server: Some(&theirs) };
    match merge::merge(Field::PERSONA, sides) {
        Merged::Clean(Some(Value::String(mut text))) => {
            if !text.ends_with('\n') && local.ends_with('\n') {
                text.push('\n');
            }
            Some(text)
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "prepare_tests.rs"]
mod tests;
