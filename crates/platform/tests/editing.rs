//! Two pages and a command line that save the same agent in any order: no word is lost, and nobody is overwritten unseen.
//!
//! Each word is typed once, so a text tells whose words it has. What somebody may remove is what they had before them and removed
//! themselves; every other word that was saved is in the newest text for ever.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::{BTreeSet, HashMap};

use keepstep_agent::merge::{Choice, Merged, Sides, merge_with};
use keepstep_agent::{Definition, Field};
use keepstep_base::AgentId;
use keepstep_platform::{Actor, EditOutcome, KeptDraft, Plain, Platform, Rebased, Settings, Target, newest_persona};
use keepstep_store::{Edit, Intent, NewAgent, Patch, PersonaChange, PersonaStatus, Role, Scope, Store, StoreError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How many interleavings there are, and how many steps of each.
const INTERLEAVINGS: u32 = 20;
const STEPS: usize = 500;

/// What somebody does.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Writes a new word: on a line of its own, or at the end of one.
    Write { page: usize, line: usize, own_line: bool },
    /// Removes a line that they see.
    Remove { page: usize, line: usize },
    /// Stops for a moment.
    Pause { page: usize },
    /// Presses a button, and chooses so where both changed the same.
    Save { page: usize, publish: bool, choice: usize },
    /// Opens the page again: after a reload, a closed tab or an end of the session.
    Reload { page: usize },
    /// The command line pushes a new word on a line, merged with what it finds.
    Push { line: usize, own_line: bool },
    /// The server starts again.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let page = 0..2_usize;
    prop_oneof![
        6 => (page.clone(), 0..8_usize, any::<bool>()).prop_map(|(page, line, own_line)| Step::Write { page, line, own_line }),
        2 => (page.clone(), 0..8_usize).prop_map(|(page, line)| Step::Remove { page, line }),
        4 => page.clone().prop_map(|page| Step::Pause { page }),
        4 => (page.clone(), any::<bool>(), 0..3_usize).prop_map(|(page, publish, choice)| Step::Save { page, publish, choice }),
        2 => page.prop_map(|page| Step::Reload { page }),
        2 => (0..8_usize, any::<bool>()).prop_map(|(line, own_line)| Step::Push { line, own_line }),
        1 => Just(Step::Restart),
    ]
}

/// A page that is open.
struct Page {
    actor: Actor,
    edit: Edit,
    /// Names what the server keeps of it.
    tag: Option<String>,
    /// What they removed themselves, of what they saw.
    removed: BTreeSet<String>,
    /// The text that the server said it keeps.
    kept: Option<String>,
}

struct World {
    platform: Platform,
    scope: Scope,
    agent: AgentId,
    folder: TempDir,
    pages: Vec<Page>,
    /// What the command line found last.
    pulled: (keepstep_base::Revision, String),
    words: usize,
}

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn copies(text: &str, word: &str) -> usize {
    text.split_whitespace().filter(|found| *found == word).count()
}

fn text_of(definition: &Definition) -> String {
    definition.persona().and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl World {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("keepstep.db")).await.unwrap();
        let mut transaction = store.write().await.unwrap();
        let scope = Scope::organization(transaction.ensure_organization(None).await.unwrap().id);
        let agent = transaction.create_agent(NewAgent { scope: &scope, name: "Shop", author: None }).await.unwrap().agent.id;
        let persona = PersonaChange { persona: json!("a\nb\nc\nd\n"), status: PersonaStatus::Published };
        let intent = Intent { scope: &scope, agent: &agent, author: None, message: None, expected: None };
        transaction.change(&intent, &Patch { persona: Some(persona), ..Patch::default() }).await.unwrap();
        let mut actors = Vec::new();
        for name in ["Ada", "Bob"] {
            let user = transaction.create_user(&scope.org_id, Role::Editor, name).await.unwrap();
            actors.push(Actor {
                id: user.id,
                name: user.name,
                role: Role::Editor,
                may_publish: true,
                scope: scope.clone(),
                memberships: Vec::new(),
                expires_at: None,
            });
        }
        transaction.commit().await.unwrap();
        let platform = Platform::new(store, Settings::default());
        let mut world = Self {
            platform,
            scope,
            agent,
            folder,
            pages: Vec::new(),
            pulled: (keepstep_base::Revision(0), String::new()),
            words: 0,
        };
        for actor in actors {
            let edit = world.fresh(&actor).await;
            world.pages.push(Page { actor, edit, tag: None, removed: BTreeSet::new(), kept: None });
        }
        world.pulled = world.published().await;
        world
    }

    /// Returns the form that somebody gets who has typed nothing.
    async fn fresh(&self, actor: &Actor) -> Edit {
        let state = self.platform.store.agent_state(&self.scope, &self.agent).await.unwrap();
        let (base, from) = (state.agent.revision, newest_persona(&state));
        let typed = self.platform.edit_base(actor, &self.agent, base, from).await.unwrap();
        Edit { base, from, typed, message: None }
    }

    /// Returns what the command line compares with.
    async fn published(&self) -> (keepstep_base::Revision, String) {
        let state = self.platform.store.agent_state(&self.scope, &self.agent).await.unwrap();
        (state.agent.revision, text_of(&state.definition()))
    }

    /// Returns the text that the next page starts from.
    async fn newest(&self) -> (keepstep_base::Revision, String) {
        let edit = self.fresh(&self.pages[0].actor).await;
        (edit.base, text_of(&edit.typed))
    }

    fn word(&mut self) -> String {
        self.words += 1;
        format!("w{}", self.words)
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Write { page, line, own_line } => {
                let word = self.word();
                let page = &mut self.pages[page];
                let text = with_word(&text_of(&page.edit.typed), line, own_line, &word);
                page.edit.typed.set(Field::PERSONA, Some(json!(text)));
            }
            Step::Remove { page, line } => {
                let page = &mut self.pages[page];
                let text = text_of(&page.edit.typed);
                let mut lines: Vec<&str> = text.lines().collect();
                if lines.len() > 2 {
                    let removed = lines.remove(line % lines.len());
                    page.removed.extend(words(removed));
                    page.edit.typed.set(Field::PERSONA, Some(json!(lines.join("\n") + "\n")));
                }
            }
            Step::Pause { page } => self.pause(page).await,
            Step::Save { page, publish, choice } => self.save(page, publish, choice).await,
            Step::Reload { page } => self.reload(page).await,
            Step::Push { line, own_line } => self.push(line, own_line).await,
            Step::Restart => {
                self.platform.store.close().await;
                let store = Store::open(&self.folder.path().join("keepstep.db")).await.unwrap();
                self.platform = Platform::new(store, Settings::default());
            }
        }
    }

    async fn pause(&mut self, index: usize) {
        let page = &mut self.pages[index];
        match self.platform.keep_draft(&page.actor, &self.agent, &page.edit, page.tag.as_deref()).await.unwrap() {
            KeptDraft::Kept(draft) => {
                page.tag = Some(draft.tag);
                page.kept = Some(text_of(&page.edit.typed));
            }
            KeptDraft::Nothing => (page.tag, page.kept) = (None, None),
            KeptDraft::Elsewhere(draft) => panic!("nobody else writes this draft: {draft:?}"),
        }
    }

    /// What the page does when it is opened: what was kept is there again, to the letter.
    async fn reload(&mut self, index: usize) {
        let actor = self.pages[index].actor.clone();
        let draft = self.platform.kept_draft(&actor, &self.agent).await.unwrap();
        let page = &self.pages[index];
        assert_eq!(draft.as_ref().map(|draft| text_of(&draft.edit.typed)), page.kept);
        let tag = draft.as_ref().map(|draft| draft.tag.clone());
        let edit = match draft {
            Some(draft) => draft.edit,
            None => self.fresh(&actor).await,
        };
        let page = &mut self.pages[index];
        // What they removed and what is there again is not removed.
        let shown = words(&text_of(&edit.typed));
        page.removed.retain(|word| !shown.contains(word));
        (page.edit, page.tag) = (edit, tag);
    }

    async fn save(&mut self, index: usize, publish: bool, choice: usize) {
        let (_, before) = self.newest().await;
        let page = &self.pages[index];
        let status = if publish { PersonaStatus::Published } else { PersonaStatus::Draft };
        let saved = self.platform.save_edit(&page.actor, &self.agent, &page.edit, status, page.tag.as_deref()).await.unwrap();
        let (_, after) = self.newest().await;
        let page = &mut self.pages[index];
        match saved {
            EditOutcome::Saved(_) => {
                let typed = words(&text_of(&page.edit.typed));
                assert_eq!(words(&after), typed, "what was typed is what is saved");
                let lost: Vec<_> =
                    words(&before).difference(&typed).filter(|word| !page.removed.contains(*word)).cloned().collect();
                assert!(lost.is_empty(), "{lost:?} overwritten unseen: {before:?} became {after:?}");
                (page.tag, page.kept) = (None, None);
                page.removed.clear();
                let actor = page.actor.clone();
                self.pages[index].edit = self.fresh(&actor).await;
            }
            EditOutcome::Nothing => assert_eq!(before, after),
            EditOutcome::Behind(rebased) => {
                assert_eq!(before, after, "nothing is saved");
                let rebased = self.choose(index, *rebased, choice).await;
                let page = &mut self.pages[index];
                // Of what they typed, and of what others wrote, only what they chose against is gone.
                let (base, theirs) = (words(&text_of(&rebased.before)), words(&before));
                let both: BTreeSet<_> = words(&text_of(&page.edit.typed)).union(&theirs).cloned().collect();
                let merged = words(&text_of(&rebased.edit.typed));
                let [seen, mine, newest] = [&text_of(&rebased.before), &text_of(&page.edit.typed), &before];
                // Who keeps both sides of an overlap has a word twice. Where each then removes another of the two, both meant it.
                let is_copy_removed = |text: &str, word: &str| copies(text, word) < copies(seen, word);
                let by_both = |word: &&String| is_copy_removed(mine, word) && is_copy_removed(newest, word);
                let gone: BTreeSet<_> = both.difference(&merged).collect();
                let by_both: BTreeSet<String> = gone.iter().copied().filter(by_both).cloned().collect();
                let is_removed = |word: &String| {
                    page.removed.contains(word) || by_both.contains(word) || (base.contains(word) && !theirs.contains(word))
                };
                let lost: Vec<_> = gone.iter().filter(|word| !is_removed(word)).collect();
                assert!(lost.is_empty(), "{lost:?} lost by a merge of {:?} and {before:?}", text_of(&page.edit.typed));
                page.edit = rebased.edit;
                // The copy that they removed is still in the newest text, until they save.
                page.removed.extend(by_both);
                page.removed.retain(|word| !merged.contains(word));
                // The page keeps what it shows.
                self.pause(index).await;
            }
        }
    }

    /// Chooses until nothing overlaps: what is shown and not chosen is removed by who chose.
    async fn choose(&mut self, index: usize, mut rebased: Rebased, choice: usize) -> Rebased {
        let mut choices = HashMap::new();
        while !rebased.overlaps.is_empty() {
            let page = &mut self.pages[index];
            for found in &rebased.overlaps {
                let choice = [Choice::Local, Choice::Server, Choice::Both][choice];
                let (mine, theirs) = (words(&found.overlap.local), words(&found.overlap.server));
                match choice {
                    Choice::Local => page.removed.extend(theirs.difference(&mine).cloned()),
                    Choice::Server => page.removed.extend(mine.difference(&theirs).cloned()),
                    Choice::Both => {}
                }
                choices.insert(found.id.clone(), choice);
            }
            let actor = page.actor.clone();
            rebased =
                self.platform.rebase_edit(&actor, &self.agent, self.pages[index].edit.clone(), choices.clone()).await.unwrap();
        }
        rebased
    }

    /// What the command line does: a push on the condition that nothing changed, and else a merge that keeps both.
    async fn push(&mut self, line: usize, own_line: bool) {
        let actor = self.pages[0].actor.clone();
        let key = Actor { id: "key_1".to_owned(), name: "ci".to_owned(), ..actor };
        let word = self.word();
        let mut local = with_word(&self.pulled.1, line, own_line, &word);
        loop {
            let persona = PersonaChange { persona: json!(local), status: PersonaStatus::Published };
            let patch = Patch { persona: Some(persona), ..Patch::default() };
            let target = Target { agent: &self.agent, message: None, expected: Some(self.pulled.0) };
            let (_, before) = self.published().await;
            match self.platform.change_agent(&key, target, &patch, None, Plain).await {
                Ok(_) => {
                    self.pulled = self.published().await;
                    let seen = words(&local);
                    assert!(seen.contains(&word) && words(&before).is_subset(&seen), "{before:?} became {local:?}");
                    return;
                }
                Err(keepstep_platform::Error::Store(StoreError::Stale { .. })) => {
                    let newest = self.published().await;
                    let [base, ours, theirs] = [&self.pulled.1, &local, &newest.1].map(|text| json!(text));
                    let sides = Sides { base: Some(&base), local: Some(&ours), server: Some(&theirs) };
                    let merged = merge_with(Field::PERSONA, sides, &mut |_| Some(Choice::Both));
                    let Merged::Clean(Some(Value::String(merged))) = merged else { panic!("{merged:?}") };
                    (self.pulled, local) = (newest, merged);
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn with_word(text: &str, line: usize, own_line: bool, word: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let line = line % (lines.len() + 1);
    if own_line || line == lines.len() {
        lines.insert(line, word.to_owned());
    } else {
        lines[line] = format!("{} {word}", lines[line]);
    }
    lines.join("\n") + "\n"
}

#[test]
fn no_word_is_lost_and_nobody_is_overwritten_unseen() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: INTERLEAVINGS, failure_persistence: None, ..Config::default() });
    let steps = prop::collection::vec(step(), STEPS);
    let outcome = runner.run(&steps, |steps| {
        runtime.block_on(async {
            let mut world = World::start().await;
            for step in steps {
                world.take(step).await;
            }
        });
        Ok(())
    });
    outcome.unwrap();
}
