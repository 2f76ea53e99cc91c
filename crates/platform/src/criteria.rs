//! The criteria of a scenario in its draft, which all who work on it share: editing them, and trying one on an answer.

use keepstep_base::Digest;
use keepstep_results::case::Finished;
use keepstep_results::criterion::{Bounds, Criterion, Finding, Source};
use keepstep_results::record::RunRecord;
use keepstep_store::results::RunDetail;
use keepstep_store::test_data::{DraftPack, InputState, TestDataError};
use keepstep_store::{Role, StoreError, Transaction};
use serde_json::{Map, Value};

use crate::actor::Actor;
use crate::draft::about;
use crate::error::Error;
use crate::platform::Platform;
use crate::write::Plain;

/// The largest pack of criteria, in bytes.
const PACK_LIMIT: usize = 1024 * 1024;

/// The most criteria of a pack.
const MOST_CRITERIA: usize = 1000;

/// About how much memory a value of JSON takes that an answer has, and how many are looked at.
const VALUE: (usize, usize) = (100, 200_000);

/// The list of a pack that a criterion stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CriteriaList {
    /// `items`
    Items,
    /// `details`, which platforms write: how much an item matters, or a criterion of its own.
    Details,
}

/// Where a criterion stands in its pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CriterionPlace {
    /// The list.
    pub list: CriteriaList,
    /// Counted from 0.
    pub at: usize,
}

/// A criterion that somebody has looked at.
#[derive(Debug, Clone, Copy)]
pub struct SeenCriterion<'a> {
    /// Its pack, by its id.
    pub pack: &'a str,
    /// Where it stood.
    pub place: CriterionPlace,
    /// What it was; see [`criterion_digest`].
    pub digest: Digest,
}

/// Where a new criterion goes.
#[derive(Debug, Clone, Copy)]
pub enum NewCriterionIn<'a> {
    /// Into a pack, by its id.
    Pack(&'a str),
    /// Into a new pack of this name.
    NewPack(&'a str),
}

/// What a criterion says of an answer.
#[derive(Debug)]
pub struct TriedCriterion {
    /// The criterion.
    pub criterion: Criterion,
    /// What it says; nothing where a program or a model has to be asked.
    pub finding: Option<Finding>,
}

impl CriteriaList {
    /// Returns the key of the list.
    pub fn key(self) -> &'static str {
        match self {
            Self::Items => "items",
            Self::Details => "details",
        }
    }
}

impl CriterionPlace {
    /// Returns the place in an address.
    pub fn label(self) -> String {
        match self.list {
            CriteriaList::Items => format!("{}", self.at + 1),
            CriteriaList::Details => format!("detail-{}", self.at + 1),
        }
    }

    /// Returns the place that an address names.
    pub fn of_label(label: &str) -> Option<Self> {
        let (list, number) = match label.strip_prefix("detail-") {
            Some(number) => (CriteriaList::Details, number),
            None => (CriteriaList::Items, label),
        };
        let number: usize = number.parse().ok()?;
        Some(Self { list, at: number.checked_sub(1)? })
    }
}

/// Returns what names a criterion as it is.
pub fn criterion_digest(criterion: &Value) -> Digest {
    Digest::of_bytes(criterion.to_string().as_bytes())
}

/// Returns the criteria of a pack, each with its place.
pub fn criteria_of(pack: &Map<String, Value>) -> impl Iterator<Item = (CriterionPlace, &Value)> {
    [CriteriaList::Items, CriteriaList::Details].into_iter().flat_map(|list| {
        let entries = pack.get(list.key()).and_then(Value::as_array).into_iter().flatten();
        entries.enumerate().map(move |(at, entry)| (CriterionPlace { list, at }, entry))
    })
}

/// Reads a criterion as a test reads one that came with a pull.
///
/// # Errors
/// What is wrong with it, as a text for people that begins with the key.
pub fn read_criterion(value: &Value, list: CriteriaList, bounds: Bounds) -> Result<Criterion, String> {
    Criterion::read(value, Source { files: None, is_detail: list == CriteriaList::Details, bounds: Some(bounds) })
}

impl Platform {
    /// Adds a criterion to the draft of a scenario. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such pack for them, the pack becomes too large or its name is taken, or the database failed.
    pub async fn add_criterion(
        &self,
        actor: &Actor,
        scenario: &str,
        place: NewCriterionIn<'_>,
        criterion: &Value,
    ) -> Result<DraftPack, Error> {
        actor.require(Role::Editor)?;
        self.write(actor, "add a criterion", Plain, async |transaction| {
            let pack = match place {
                NewCriterionIn::Pack(id) => {
                    let mut document = kept_pack(transaction, actor, scenario, id).await?.document;
                    add(&mut document, criterion)?;
                    transaction.change_pack(&actor.scope, scenario, id, None, &document, &actor.name).await?
                }
                NewCriterionIn::NewPack(name) => {
                    let mut document = Map::from_iter([("name".to_owned(), Value::from(name))]);
                    add(&mut document, criterion)?;
                    transaction.add_pack(&actor.scope, scenario, &document, &actor.name).await?
                }
            };
            about(self, transaction, actor, scenario).await?;
            Ok(pack)
        })
        .await
    }

    /// Changes a criterion in the draft of a scenario, as long as it is what the actor has seen, wherever it stands in its pack now. An
    /// editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such criterion for them, it was changed meanwhile, the pack becomes too large, or the database failed.
    pub async fn change_criterion(
        &self,
        actor: &Actor,
        scenario: &str,
        seen: SeenCriterion<'_>,
        criterion: &Value,
    ) -> Result<DraftPack, Error> {
        self.edit_criterion(actor, "change a criterion", scenario, seen, Some(criterion)).await
    }

    /// Deletes a criterion in the draft of a scenario, as long as it is what the actor has seen. An editor may.
    ///
    /// # Errors
    /// As [`Platform::change_criterion`].
    pub async fn delete_criterion(&self, actor: &Actor, scenario: &str, seen: SeenCriterion<'_>) -> Result<DraftPack, Error> {
        self.edit_criterion(actor, "delete a criterion", scenario, seen, None).await
    }

    async fn edit_criterion(
        &self,
        actor: &Actor,
        what: &'static str,
        scenario: &str,
        seen: SeenCriterion<'_>,
        criterion: Option<&Value>,
    ) -> Result<DraftPack, Error> {
        actor.require(Role::Editor)?;
        self.write(actor, what, Plain, async |transaction| {
            let mut document = kept_pack(transaction, actor, scenario, seen.pack).await?.document;
            let at = find(&document, &seen)?;
            if let Some(Value::Array(entries)) = document.get_mut(seen.place.list.key()) {
                match criterion {
                    Some(criterion) => entries[at] = criterion.clone(),
                    None => drop(entries.remove(at)),
                }
            }
            check_size(&document)?;
            let pack = transaction.change_pack(&actor.scope, scenario, seen.pack, None, &document, &actor.name).await?;
            about(self, transaction, actor, scenario).await?;
            Ok(pack)
        })
        .await
    }

    /// Changes what a pack of criteria says besides its criteria, as long as it is what the actor has seen. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such pack for them, it was changed meanwhile, its name is taken or not one, or the database failed.
    pub async fn change_pack(
        &self,
        actor: &Actor,
        (scenario, id): (&str, &str),
        seen: Option<&Digest>,
        document: &Map<String, Value>,
    ) -> Result<DraftPack, Error> {
        actor.require(Role::Editor)?;
        check_size(document)?;
        self.write(actor, "change criteria", Plain, async |transaction| {
            let pack = transaction.change_pack(&actor.scope, scenario, id, seen, document, &actor.name).await?;
            about(self, transaction, actor, scenario).await?;
            Ok(pack)
        })
        .await
    }

    /// Deletes a pack of criteria in the draft of a scenario, as long as it is what the actor has seen. An editor may.
    ///
    /// # Errors
    /// The actor may not, there is no such pack for them, it was changed meanwhile, or the database failed.
    pub async fn delete_pack(&self, actor: &Actor, (scenario, id): (&str, &str), seen: Option<&Digest>) -> Result<(), Error> {
        actor.require(Role::Editor)?;
        self.write(actor, "delete criteria", Plain, async |transaction| {
            transaction.delete_pack(&actor.scope, scenario, id, seen, &actor.name).await?;
            about(self, transaction, actor, scenario).await
        })
        .await
    }

    /// Makes a pack of criteria what is published, as long as it is what the actor has seen. An editor may.
    ///
    /// # Errors
    /// As [`Platform::delete_pack`].
    pub async fn revert_pack(&self, actor: &Actor, (scenario, id): (&str, &str), seen: Option<&Digest>) -> Result<(), Error> {
        actor.require(Role::Editor)?;
        self.write(actor, "revert criteria", Plain, async |transaction| {
            transaction.revert_pack(&actor.scope, scenario, id, seen).await?;
            about(self, transaction, actor, scenario).await
        })
        .await
    }

    /// Returns a case of an experiment of a scenario as a test judged it, with the metadata that its input has now.
    ///
    /// # Errors
    /// There is no such case of this scenario for the actor, or the database failed.
    pub async fn judged_case(&self, actor: &Actor, scenario: &str, (experiment, case): (&str, &str)) -> Result<Finished, Error> {
        let batch = self.store.run_batch(&actor.scope, experiment).await?;
        if batch.scenario_id != scenario {
            return Err(StoreError::BatchNotFound(experiment.to_owned()).into());
        }
        let RunDetail { run, result, turns, .. } = self.store.run(&actor.scope, &batch.id, case).await?;
        let input = match run.input_item_id.as_deref() {
            Some(item) => self.store.draft_input(&actor.scope, scenario, item).await.ok(),
            None => None,
        };
        let record = RunRecord {
            id: run.id,
            input_item_id: run.input_item_id,
            persona: run.persona_name.or(run.persona),
            iteration: run.iteration,
            status: run.status,
            input: run.input,
            output: run.output,
            error: run.error,
            metrics: result.metrics,
            transcript: result.transcript,
            evaluation: result.evaluation,
            turns,
        };
        let metadata = input.map(|input| input.values().metadata).unwrap_or_default();
        Ok(Finished { metadata, ..record.into_case(0) })
    }

    /// Returns what a criterion says of a case, by the code that judges in a test. A program is not run and a model is not asked.
    ///
    /// # Errors
    /// The server has too much to do. What is wrong with the criterion is inside.
    pub async fn try_criterion(
        &self,
        criterion: Value,
        list: CriteriaList,
        case: Finished,
    ) -> Result<Result<TriedCriterion, String>, Error> {
        let answer = case.output.as_deref().unwrap_or_default();
        let size = answer.len() + case.turns.iter().map(|turn| turn.content.len()).sum::<usize>();
        let (value, most_values) = VALUE;
        let values = answer.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count().min(most_values);
        let share = self.budgets.parsed(4 * size + values * value).await?;
        let try_it = move || {
            let criterion = read_criterion(&criterion, list, Bounds::of_answer(size))?;
            let finding = criterion.bounded_check(&case);
            Ok(TriedCriterion { criterion, finding })
        };
        self.budgets.holding(Some(share)).work(try_it).await
    }
}

/// Returns a pack as the draft of a scenario has it. One that the draft deletes is not there: an edit of one of its criteria does not bring
/// it back.
async fn kept_pack(transaction: &mut Transaction, actor: &Actor, scenario: &str, id: &str) -> Result<DraftPack, Error> {
    let pack = transaction.pack(&actor.scope, scenario, id).await?;
    if pack.state == InputState::Deleted {
        return Err(StoreError::CriteriaNotFound(id.to_owned()).into());
    }
    Ok(pack)
}

/// Adds a criterion behind the others of a pack.
fn add(pack: &mut Map<String, Value>, criterion: &Value) -> Result<(), Error> {
    match pack.entry(CriteriaList::Items.key()).or_insert_with(|| Value::Array(Vec::new())) {
        Value::Array(entries) if entries.len() >= MOST_CRITERIA => {
            return Err(said("a pack has at most 1,000 criteria"));
        }
        Value::Array(entries) => entries.push(criterion.clone()),
        _ => return Err(said("the `items` of this pack are not a list")),
    }
    check_size(pack)
}

fn check_size(pack: &Map<String, Value>) -> Result<(), Error> {
    let size = serde_json::to_vec(pack).map_or(usize::MAX, |text| text.len());
    if size > PACK_LIMIT {
        return Err(Error::TooLarge { what: "The pack of criteria".into(), limit: PACK_LIMIT as u64 });
    }
    Ok(())
}

fn said(reason: &'static str) -> Error {
    StoreError::TestData(TestDataError::Said(reason)).into()
}

/// Returns where a criterion stands now that somebody has seen.
fn find(pack: &Map<String, Value>, seen: &SeenCriterion<'_>) -> Result<usize, Error> {
    let entries: &[Value] = pack.get(seen.place.list.key()).and_then(Value::as_array).map_or(&[], Vec::as_slice);
    let is_seen = |at: &usize| criterion_digest(&entries[*at]) == seen.digest;
    // Others may have added or deleted some before it.
    let nearest = (0..entries.len()).filter(is_seen).min_by_key(|at| at.abs_diff(seen.place.at));
    nearest.ok_or_else(|| StoreError::CriteriaChanged.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_criterion_is_found_where_it_stands_now() {
        let pack = json!({"items": ["a", "b", "c", "b"], "details": [{"text": "b"}]});
        let pack = pack.as_object().unwrap();
        let find = |label: &str, value: Value| {
            let place = CriterionPlace::of_label(label).unwrap();
            assert_eq!(place.label(), label);
            find(pack, &SeenCriterion { pack: "p", place, digest: criterion_digest(&value) }).ok()
        };
        assert_eq!(find("1", json!("a")), Some(0));
        assert_eq!((find("1", json!("b")), find("4", json!("b")), find("9", json!("c"))), (Some(1), Some(3), Some(2)));
        assert_eq!(
            (find("1", json!("d")), find("detail-7", json!({"text": "b"})), find("detail-1", json!("a"))),
            (None, Some(0), None)
        );
        for wrong in ["", "0", "-1", "detail-0", "x", "detail-"] {
            assert_eq!(CriterionPlace::of_label(wrong), None, "{wrong}");
        }
        assert_eq!(criteria_of(pack).count(), 5);
    }
}
