//! The cases of an experiment as they are compared: each is read once, and of its texts only digests stay.
//!
//! To read ten thousand of them takes longer than to compare them. So they are kept, packed, when an experiment is
//! [counted](super::counted), and are read again one by one only where it is not.

use std::collections::HashMap;

use futures_util::stream::TryStreamExt as _;
use keepstep_results::compare::CaseKey;
use keepstep_results::compare::figures::{Collector, Figures, InputFigures, InputKey, Once};
use keepstep_results::record::RunRecord;
use keepstep_results::totals::Totals;
use serde::{Deserialize, Serialize};
use serde_json::Map;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::model::Status;
use super::read::{batch_number, status};
use crate::model::Scope;
use crate::{Result, Store, rows};

/// How hard to pack: the texts are digests and ids, which get no smaller.
const LEVEL: i32 = 1;

/// The cases of an experiment, without their texts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ComparedCases {
    /// How they ended.
    pub figures: Figures,
    /// The id of the run of each case.
    pub runs: HashMap<CaseKey, String>,
}

/// The texts of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunTexts {
    /// What was asked.
    pub input: String,
    /// What was answered.
    pub output: String,
    /// What went wrong.
    pub error: Option<String>,
}

/// Cases that are read one by one.
#[derive(Debug, Default)]
pub(super) struct CaseReader {
    collector: Collector,
    runs: HashMap<CaseKey, String>,
    index: usize,
}

/// What kept cases mean. It is raised when the key of an input, the digest of an answer or a figure is made in another way: what was kept
/// before is read again then.
const FORM: u32 = 1;

/// The cases as they are kept. Fractions are kept by their bits, so that the same ones come back.
#[derive(Serialize, Deserialize)]
struct KeptCases {
    form: u32,
    inputs: Vec<KeptInput>,
    durations: Vec<u64>,
    totals: Totals,
    sums: KeptSums,
}

/// The fractions of the totals: the time of all and of passed cases, the tokens, the cost.
type KeptSums = (u64, u64, Option<u64>, Option<u64>);

/// An input: its key, its name, what it cost, and its runs, each with its id.
type KeptInput = (String, String, Option<u64>, Vec<KeptRun>);

/// A run: its iteration, how it ended, the digest of its answer, its id.
type KeptRun = (u32, Status, u64, String);

/// The cases of an experiment as they were kept, if these are all of them still.
const KEPT: &str = "SELECT k.cases FROM kept_cases k JOIN run_batches b ON b.number = k.batch
     WHERE k.batch = ? AND b.is_counted = 1 AND b.running = 0";

/// The cases of an experiment.
const CASES: &str = "SELECT r.id, r.input_item_id, r.persona, r.iteration, r.status, r.verdict, r.input, r.output, r.duration_ms,
       m.metrics
     FROM runs r LEFT JOIN run_results m ON m.run = r.number WHERE r.batch = ? ORDER BY r.number";

impl Store {
    /// Returns the cases of an experiment as they are compared.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn compared_cases(&self, scope: &Scope, batch: &str) -> Result<ComparedCases> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, batch).await?;
        let kept: Option<Vec<u8>> = sqlx::query_scalar(KEPT).bind(number).fetch_optional(&mut *reader).await?;
        if let Some(cases) = kept.as_deref().and_then(ComparedCases::of_kept) {
            return Ok(cases);
        }
        let mut cases = CaseReader::default();
        let mut found = sqlx::query(CASES).bind(number).fetch(&mut *reader);
        while let Some(row) = found.try_next().await? {
            cases.add(&row)?;
        }
        Ok(cases.finish())
    }

    /// Returns the texts of some runs of an experiment, by their ids.
    ///
    /// # Errors
    /// There is no such experiment in the scope, or the database failed.
    pub async fn run_texts(&self, scope: &Scope, batch: &str, ids: &[&str]) -> Result<HashMap<String, RunTexts>> {
        let mut reader = self.reader().await?;
        let number = batch_number(&mut reader, scope, batch).await?;
        let found = sqlx::query(
            "SELECT id, input, output, error FROM runs WHERE project_id = (SELECT project_id FROM run_batches WHERE number = ?1)
               AND id IN (SELECT value FROM json_each(?2)) AND batch = ?1",
        )
        .bind(number)
        .bind(rows::text(ids))
        .fetch_all(&mut *reader)
        .await?;
        let texts = found.iter().map(|row| {
            let texts = RunTexts { input: row.try_get("input")?, output: row.try_get("output")?, error: row.try_get("error")? };
            Ok((row.try_get("id")?, texts))
        });
        texts.collect()
    }
}

impl CaseReader {
    /// Adds the case of a row. Returns its key, if it is over.
    pub(super) fn add(&mut self, row: &SqliteRow) -> Result<Option<CaseKey>> {
        let id: String = row.try_get("id")?;
        let status = status(row, &id)?;
        let metrics = row.try_get::<Option<&str>, _>("metrics")?.map(serde_json::from_str).transpose();
        let mut metrics: Map<_, _> = metrics.map_err(|_| rows::damaged("metrics", &id))?.unwrap_or_default();
        if let Some(duration) = row.try_get::<Option<f64>, _>("duration_ms")? {
            metrics.insert("duration_ms".to_owned(), duration.into());
        }
        let case = RunRecord {
            input_item_id: row.try_get("input_item_id")?,
            persona: row.try_get("persona")?,
            iteration: row.try_get("iteration")?,
            input: row.try_get("input")?,
            output: row.try_get("output")?,
            metrics,
            ..RunRecord::new(id.clone(), status)
        };
        let case = case.into_case(self.index);
        self.index += 1;
        // One that is not over is not compared, which is another thing than one that failed.
        let key = status.is_reported().then(|| self.collector.add(&case));
        self.runs.extend(key.map(|key| (key, id)));
        Ok(key)
    }

    /// Returns the cases that were added.
    pub(super) fn finish(self) -> ComparedCases {
        ComparedCases { figures: self.collector.finish(), runs: self.runs }
    }
}

impl ComparedCases {
    /// Returns the cases as they are kept; nothing where they cannot be.
    pub(super) fn to_kept(&self) -> Option<Vec<u8>> {
        let run = |input: &InputFigures, once: &Once| -> KeptRun {
            let id = self.runs.get(&(input.key, once.iteration)).cloned().unwrap_or_default();
            (once.iteration, once.status, once.answer, id)
        };
        let input = |input: &InputFigures| -> KeptInput {
            let runs = input.runs.iter().map(|once| run(input, once)).collect();
            (input.key.to_hex(), input.name.clone(), input.cost_usd.map(f64::to_bits), runs)
        };
        let totals = self.figures.totals;
        let kept = KeptCases {
            form: FORM,
            inputs: self.figures.inputs.iter().map(input).collect(),
            durations: self.figures.durations.iter().copied().map(f64::to_bits).collect(),
            totals,
            sums: (
                totals.agent_ms.to_bits(),
                totals.passed_ms.to_bits(),
                totals.tokens.map(f64::to_bits),
                totals.cost_usd.map(f64::to_bits),
            ),
        };
        zstd::bulk::compress(&serde_json::to_vec(&kept).ok()?, LEVEL).ok()
    }

    /// Returns cases that were kept; nothing where another version kept them in another form.
    fn of_kept(kept: &[u8]) -> Option<Self> {
        let kept: KeptCases = serde_json::from_slice(&zstd::decode_all(kept).ok()?).ok()?;
        if kept.form != FORM {
            return None;
        }
        let mut runs = HashMap::with_capacity(kept.inputs.len());
        let mut inputs = Vec::with_capacity(kept.inputs.len());
        for (key, name, cost, kept_runs) in kept.inputs {
            let key = InputKey::from_hex(&key)?;
            let of = |(iteration, status, answer, id): KeptRun| {
                runs.insert((key, iteration), id);
                Once { iteration, status, answer }
            };
            let once: Vec<Once> = kept_runs.into_iter().map(of).collect();
            inputs.push(InputFigures { key, name, runs: once, cost_usd: cost.map(f64::from_bits) });
        }
        let mut others = Figures::default();
        let (agent_ms, passed_ms, tokens, cost_usd) = kept.sums;
        others.durations = kept.durations.into_iter().map(f64::from_bits).collect();
        others.totals = Totals {
            agent_ms: f64::from_bits(agent_ms),
            passed_ms: f64::from_bits(passed_ms),
            tokens: tokens.map(f64::from_bits),
            cost_usd: cost_usd.map(f64::from_bits),
            ..kept.totals
        };
        Some(Self { figures: Figures::new(inputs, others), runs })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Cases of which some are repeated, with fractions that decimal digits do not hold.
    fn cases() -> ComparedCases {
        let (mut collector, mut runs) = (Collector::default(), HashMap::new());
        for number in 0..40_u32 {
            let status = [Status::Passed, Status::Failed, Status::Error][number as usize % 3];
            let mut metrics = Map::from_iter([("duration_ms".to_owned(), json!(f64::from(number).sqrt() / 7.0))]);
            if number % 4 != 0 {
                metrics.insert("token_usage".to_owned(), json!({"total_tokens": number, "cost_usd": f64::from(number) / 10.0}));
            }
            let id = format!("run-{number}");
            let record = RunRecord {
                input: format!("question {}", number % 15),
                output: format!("answer {number}"),
                iteration: number / 15,
                metrics,
                ..RunRecord::new(id.clone(), status)
            };
            runs.insert(collector.add(&record.into_case(number as usize)), id);
        }
        ComparedCases { figures: collector.finish(), runs }
    }

    #[test]
    fn what_is_kept_comes_back_to_the_last_bit() {
        let cases = cases();
        assert!(cases.figures.inputs.len() == 15 && cases.figures.totals.agent_ms.fract() != 0.0);
        assert_eq!(ComparedCases::of_kept(&cases.to_kept().unwrap()), Some(cases));
        assert_eq!(ComparedCases::of_kept(b"damaged"), None);
    }

    #[test]
    fn what_another_version_kept_is_read_again() {
        let kept = cases().to_kept().unwrap();
        let text = String::from_utf8(zstd::decode_all(&kept[..]).unwrap()).unwrap();
        let other = text.replacen(&format!("\"form\":{FORM}"), "\"form\":0", 1);
        assert_ne!(other, text);
        assert_eq!(ComparedCases::of_kept(&zstd::bulk::compress(other.as_bytes(), LEVEL).unwrap()), None);
    }
}
