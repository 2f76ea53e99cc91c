//! An input that says nearly what another one of its scenario says.

use keepstep_store::test_data::{DraftInput, InputFilter, InputPlace, InputState, Scenario};
use keepstep_testdata::sheet::{AlikeTexts, likeness};

use super::plan::{MOST_COMPARED, words_of};
use crate::actor::Actor;
use crate::error::Error;
use crate::memory::Pages;
use crate::platform::Platform;

/// How many inputs are read at a time.
const READ: u32 = 1_000;

impl Platform {
    /// Returns the id of the other input in the draft of a scenario that is most like this one, if one says nearly the same. Where there
    /// are more than can be compared while somebody waits, none is looked for.
    ///
    /// # Errors
    /// The database failed, or there is too much to do.
    pub async fn input_like(&self, actor: &Actor, scenario: &Scenario, input: &DraftInput) -> Result<Option<String>, Error> {
        if self.store.draft_counts(&actor.scope, &scenario.id).await?.all as usize > MOST_COMPARED.0 {
            return Ok(None);
        }
        let words = words_of(&input.values());
        let (mut place, mut pages) = (InputPlace::BEGIN, Pages::of_at_most(READ));
        let mut best: Option<(f64, String)> = None;
        loop {
            let filter = InputFilter { limit: pages.next(), ..InputFilter::default() };
            let (others, next) = self.store.draft_inputs_behind(&actor.scope, &scenario.id, &filter, place).await?;
            if others.is_empty() {
                return Ok(best.map(|(_, id)| id));
            }
            place = next;
            others.iter().for_each(|other| pages.note(other.size()));
            let (words, id) = (words.clone(), input.id.clone());
            let found = self.budgets.work(move || most_alike(&words, &id, &others)).await?;
            best = match (best, found) {
                (Some(best), Some(found)) if found.0 <= best.0 => Some(best),
                (best, found) => found.or(best),
            };
        }
    }
}

/// Returns how alike an input is and its id, of those that are alike enough the one that is most so.
fn most_alike(words: &str, id: &str, others: &[DraftInput]) -> Option<(f64, String)> {
    let mut texts = AlikeTexts::default();
    texts.add(words);
    let others = others.iter().filter(|other| other.id != id && other.state != InputState::Deleted);
    let alike = others.filter_map(|other| {
        let said = words_of(&other.values());
        texts.find(&said).map(|_| (likeness(words, &said), &other.id))
    });
    alike.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(likeness, id)| (likeness, id.clone()))
}
