//! `/projects/{id}/experiments/{experiment}/export/{format}`: an experiment as a file: CSV, JSON, JUnit, or one HTML file that needs nothing
//! else. Cases are read some at a time, so that none of them grows with the experiment in memory.

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use askama::filters::HtmlSafe;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use keepstep_base::human::milliseconds_words;
use keepstep_platform::{Pages, Platform};
use keepstep_results::case::Finished;
use keepstep_results::counts::Counts;
use keepstep_results::record::messages;
use keepstep_results::report::{csv, junit};
use keepstep_results::status::Status;
use keepstep_results::totals::Totals;
use keepstep_store::Scope;
use keepstep_store::results::{Experiment, RunRecord};
use serde_json::{Value, json};

use super::experiment::experiment_of;
use crate::addressed::AddressedExperiment;
use crate::error_page::PageError;
use crate::parts::assets;
use crate::parts::frame::Frame;
use crate::parts::shown_results::{Badge, Figures, clipped, dollars, excerpt, provenance_line, whole};
use crate::parts::view::Moment;
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many cases are read at a time: fewer where they are large.
const READ: u32 = 100;

/// How many cases an HTML file has: a browser still opens it. The other files have all of them.
const MOST_IN_HTML: usize = 5_000;

/// How many cases a page of this server has.
const MOST_IN_PAGE: usize = 500;

/// The longest name of a file, without its ending.
const LONGEST_NAME: usize = 80;

/// What an experiment is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Json,
    JUnit,
    Html,
    /// The same as a page of this server.
    Page,
}

impl Format {
    /// Returns the format of an address, with the ending of its file and its media type.
    fn of(name: &str) -> Option<(Self, &'static str, &'static str)> {
        match name {
            "csv" => Some((Self::Csv, "csv", "text/csv; charset=utf-8; header=present")),
            "json" => Some((Self::Json, "json", "application/json")),
            "junit" => Some((Self::JUnit, "xml", "application/xml")),
            // A file and no page: pages are kept as a whole while they are packed.
            "html" => Some((Self::Html, "html", "application/octet-stream")),
            _ => None,
        }
    }
}

/// The style sheet, to stand in a file.
struct StyleSheet(&'static str);

impl std::fmt::Display for StyleSheet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.0)
    }
}

impl HtmlSafe for StyleSheet {}

#[derive(Template)]
#[template(path = "export_head.html")]
struct HtmlHead {
    /// Stands in a file; a page has the one that all pages have.
    style: Option<StyleSheet>,
    frame: Frame,
    name: Visible,
    scenario: Visible,
    provenance: Visible,
    note: Visible,
    badge: Badge,
    figures: Figures,
    p95: Option<String>,
    tokens: Option<String>,
    cost: Option<String>,
    began: Moment,
    exported: Moment,
}

#[derive(Template)]
#[template(path = "export_cases.html")]
struct HtmlCases {
    cases: Vec<HtmlCase>,
}

struct HtmlCase {
    badge: Badge,
    title: Visible,
    duration: String,
    error: Visible,
    messages: Vec<(Visible, Visible)>,
    criteria: Vec<(Badge, Visible, Visible)>,
}

#[derive(Template)]
#[template(path = "export_tail.html")]
struct HtmlTail {
    is_cut: bool,
}

/// `GET`.
pub(crate) async fn download(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedExperiment { project, experiment }: AddressedExperiment,
    Path(parts): Path<HashMap<String, String>>,
) -> Result<Response, PageError> {
    let format = parts.get("format").and_then(|format| Format::of(format));
    let (format, ending, media_type) = format.ok_or(PageError::NotFound)?;
    let experiment = experiment_of(&platform, &by, &project, &experiment).await?;
    let name = file_name(experiment.name());
    let judge_failed = platform.store.count_failed_judges(&by.scope, &experiment.batch.id).await?;
    let writer = Writer::begin(format, &experiment, judge_failed, platform.store.now())?;
    let export = Export {
        platform,
        scope: by.scope.clone(),
        batch: experiment.batch.id,
        after: i64::MIN,
        pages: Pages::of_at_most(READ),
        writer: Some(writer),
    };
    let body = Body::from_stream(stream::try_unfold(export, Export::step));
    let disposition = format!("attachment; filename=\"{name}.{ending}\"");
    Ok(([(CONTENT_TYPE, media_type.to_owned()), (CONTENT_DISPOSITION, disposition)], body).into_response())
}

/// Returns the name of an experiment as that of a file on any system.
pub(crate) fn file_name(name: &str) -> String {
    let is_kept = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    let name: String =
        name.chars().take(LONGEST_NAME).map(|character| if is_kept(character) { character } else { '-' }).collect();
    let name = name.trim_matches(['-', '.']);
    if name.is_empty() { "experiment".to_owned() } else { name.to_owned() }
}

/// An experiment that is being written.
pub(crate) struct Export {
    platform: Platform,
    scope: Scope,
    batch: String,
    after: i64,
    pages: Pages,
    writer: Option<Writer>,
}

impl Export {
    /// Begins an experiment as a page of this server that leads nowhere else.
    pub(crate) fn page(platform: Platform, scope: Scope, experiment: &Experiment) -> Result<Self, PageError> {
        let writer = Writer::begin(Format::Page, experiment, 0, platform.store.now())?;
        let pages = Pages::of_at_most(READ);
        Ok(Self { platform, scope, batch: experiment.batch.id.clone(), after: i64::MIN, pages, writer: Some(writer) })
    }

    /// Returns the next piece of the file.
    pub(crate) async fn step(mut self) -> io::Result<Option<(Vec<u8>, Self)>> {
        let Some(mut writer) = self.writer.take() else { return Ok(None) };
        if writer.is_full() {
            return Ok(Some((writer.end()?, self)));
        }
        let records = self.platform.store.run_records(&self.scope, &self.batch, self.after, self.pages.next()).await;
        let records = records.map_err(io::Error::other)?;
        let Some((last, _)) = records.last() else { return Ok(Some((writer.end()?, self))) };
        self.after = *last;
        for (_, record) in records {
            self.pages.note(size_of(&record)?);
            writer.add(record)?;
        }
        let piece = writer.taken();
        self.writer = Some(writer);
        Ok(Some((piece, self)))
    }
}

/// Returns how large a case is, with everything that came of it.
fn size_of(record: &RunRecord) -> io::Result<usize> {
    let mut size = Size(0);
    serde_json::to_writer(&mut size, record).map_err(io::Error::other)?;
    Ok(size.0)
}

/// Counts what is written.
struct Size(usize);

impl Write for Size {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes that are written here and taken there.
#[derive(Debug, Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes an experiment in a format.
struct Writer {
    out: Buffer,
    form: Form,
    cases: usize,
}

enum Form {
    Csv,
    Json,
    JUnit(junit::Report<Buffer>),
    /// With at most so many cases.
    Html(usize),
}

impl Writer {
    fn begin(format: Format, experiment: &Experiment, judge_failed: u64, now: i64) -> Result<Self, PageError> {
        let out = Buffer::default();
        let text = match format {
            Format::Csv => csv::head(),
            Format::Json => json_head(experiment),
            Format::Html | Format::Page => {
                html_head(experiment, now, format == Format::Html).render().map_err(|error| PageError::internal(&error))?
            }
            Format::JUnit => String::new(),
        };
        let form = match format {
            Format::Csv => Form::Csv,
            Format::Json => Form::Json,
            Format::Html => Form::Html(MOST_IN_HTML),
            Format::Page => Form::Html(MOST_IN_PAGE),
            Format::JUnit => Form::JUnit(junit_report(out.clone(), experiment, judge_failed)?),
        };
        let mut writer = Self { out, form, cases: 0 };
        writer.put(&text).map_err(|error| PageError::internal(&error))?;
        Ok(writer)
    }

    fn put(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())
    }

    fn add(&mut self, record: RunRecord) -> io::Result<()> {
        let index = self.cases;
        self.cases += 1;
        match &mut self.form {
            Form::Csv => {
                let line = csv::case(&record.into_case(index));
                self.put(&line)
            }
            Form::Json => {
                let separator = if index > 0 { ",\n" } else { "" };
                let text = serde_json::to_string(&record).map_err(io::Error::other)?;
                self.put(&format!("{separator}{text}"))
            }
            Form::JUnit(report) => {
                let case = record.into_case(index);
                if case.status == Status::Skipped { report.skip(&case.case) } else { report.add(&case) }
            }
            Form::Html(most) if index < *most => {
                let cases = HtmlCases { cases: vec![html_case(&record.into_case(index))] };
                let text = cases.render().map_err(io::Error::other)?;
                self.put(&text)
            }
            Form::Html(_) => Ok(()),
        }
    }

    /// Returns true if no more cases are written.
    fn is_full(&self) -> bool {
        matches!(self.form, Form::Html(most) if self.cases > most)
    }

    fn taken(&self) -> Vec<u8> {
        self.out.take()
    }

    fn end(self) -> io::Result<Vec<u8>> {
        let Self { mut out, form, cases } = self;
        match form {
            Form::Csv => {}
            Form::Json => out.write_all(b"\n]}\n")?,
            Form::JUnit(report) => drop(report.end()?),
            Form::Html(most) => {
                let tail = HtmlTail { is_cut: cases > most }.render().map_err(io::Error::other)?;
                out.write_all(tail.as_bytes())?;
            }
        }
        Ok(out.take())
    }
}

/// Returns everything before the cases.
fn json_head(experiment: &Experiment) -> String {
    let Experiment { batch, labels, scenario_name, figures, pinned_at, gate } = experiment;
    let gate = gate.as_ref().and_then(|gate| {
        Some(json!({ "state": gate.state?.label(), "reason": gate.reason, "asked": gate.gate, "baseline": gate.baseline }))
    });
    let head = json!({
        "schema": "keepstep.experiment/1",
        "id": batch.id,
        "name": experiment.name(),
        "uploaded_as": batch.experiment_id,
        "project_id": batch.project_id,
        "scenario": scenario_name,
        "bundle_id": batch.bundle_id,
        "status": batch.status.label(),
        "is_baseline": pinned_at.is_some(),
        "tags": labels.tags,
        "note": labels.note,
        "started_at": batch.started_at,
        "completed_at": batch.completed_at,
        "counts": batch.counts,
        "p50_ms": figures.median_ms,
        "p95_ms": figures.p95_ms,
        "tokens": figures.tokens,
        "cost_usd": figures.cost_usd,
        "gate": gate,
        "details": Value::Object(batch.details.clone()),
        "cases": [],
    });
    let text = head.to_string();
    // The list of the cases is the last member.
    text.trim_end_matches("]}").to_owned() + "\n"
}

fn junit_report(out: Buffer, experiment: &Experiment, judge_failed: u64) -> Result<junit::Report<Buffer>, PageError> {
    let batch = &experiment.batch;
    let counts = batch.counts;
    // As the cases are written: what did not end has failed.
    let failed = counts.failed + counts.not_passed + counts.running + counts.abandoned;
    let counts = Counts { failed, not_passed: 0, running: 0, abandoned: 0, ..counts };
    let totals = Totals { planned: counts.total(), counts, judge_failed, ..Totals::default() };
    let took = batch.completed_at.zip(batch.started_at).map_or(0, |(end, begin)| end.saturating_sub(begin).max(0));
    let suite = junit::Suite { name: &experiment.scenario_name, totals, duration_seconds: took as f64 / 1000.0, strict: false };
    let began = Moment::of(batch.started_at.unwrap_or(batch.created_at));
    junit::Report::begin(out, &suite, &began.machine).map_err(|error| PageError::internal(&error))
}

fn html_head(experiment: &Experiment, now: i64, is_file: bool) -> HtmlHead {
    let batch = &experiment.batch;
    HtmlHead {
        style: is_file.then(|| StyleSheet(assets::stylesheet_text())),
        frame: Frame::default(),
        name: Visible::of(experiment.name()),
        scenario: Visible::of(&experiment.scenario_name),
        provenance: Visible::of(provenance_line(batch, &|id: &str| id.to_owned())),
        note: Visible::of(&experiment.labels.note),
        badge: batch.status.into(),
        figures: Figures::from(&batch.counts),
        p95: experiment.figures.p95_ms.map(milliseconds_words),
        tokens: experiment.figures.tokens.map(whole),
        cost: experiment.figures.cost_usd.map(dollars),
        began: Moment::of(batch.started_at.unwrap_or(batch.created_at)),
        exported: Moment::of(now),
    }
}

fn html_case(case: &Finished) -> HtmlCase {
    let said: Vec<(Visible, Visible)> =
        messages(case).map(|message| (Visible::of(message.turn.role.as_str()), clipped(&message.turn.content).0)).collect();
    let both = [("user", case.input.as_str()), ("assistant", case.output.as_deref().unwrap_or_default())];
    let both = both.into_iter().filter(|(_, text)| !text.is_empty());
    HtmlCase {
        badge: Badge::of_run(case.status),
        title: Visible::of(excerpt(&case.input, 160)),
        duration: milliseconds_words(case.duration_ms),
        error: Visible::of(case.problem.as_ref().map_or("", |problem| &problem.message)),
        messages: if said.is_empty() { both.map(|(role, text)| (Visible::of(role), clipped(text).0)).collect() } else { said },
        criteria: case
            .criteria
            .iter()
            .map(|judged| (Badge::of_verdict(judged.verdict), clipped(&judged.name).0, clipped(&judged.found).0))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use keepstep_platform::Settings;
    use keepstep_store::Store;
    use keepstep_store::results::Upload;
    use serde_json::Map;

    use super::*;

    #[tokio::test]
    async fn large_cases_are_read_few_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("k.db")).await.unwrap();
        let mut transaction = store.write().await.unwrap();
        let scope = Scope::organization(transaction.ensure_organization(None).await.unwrap().id);
        let project = transaction.create_project(&scope.org_id, "Shop").await.unwrap();
        let file = json!({"scenario": {"name": "orders"}, "inputs": [{"id": "1", "text": "Where is my order?"}]});
        let bundle = transaction.import(&scope, &project.id, &serde_json::from_value(file).unwrap()).await.unwrap();
        let runs: Vec<RunRecord> = (0..20)
            .map(|number| RunRecord { output: "x".repeat(300_000), ..RunRecord::new(number.to_string(), Status::Passed) })
            .collect();
        let upload = Upload {
            bundle: &bundle.id,
            experiment_id: Some("one"),
            is_over: true,
            started_at: None,
            completed_at: None,
            details: &Map::new(),
            runs: &runs,
            turns: &[],
        };
        let batch = transaction.record_upload(&scope, &upload).await.unwrap().batch_id;
        transaction.commit().await.unwrap();

        let experiment = store.experiment(&scope, &batch).await.unwrap();
        let platform = Platform::new(store, Settings::default());
        let mut export = Export::page(platform, scope, &experiment).unwrap();
        export.writer = Some(Writer::begin(Format::Json, &experiment, 0, 0).unwrap());
        let mut file = Vec::new();
        while let Some((piece, next)) = export.step().await.unwrap() {
            assert!(piece.len() < 1_000_000, "{}", piece.len());
            file.extend(piece);
            export = next;
        }
        let document: Value = serde_json::from_slice(&file).unwrap();
        assert_eq!(document["cases"].as_array().unwrap().len(), runs.len());
    }

    #[test]
    fn the_name_of_a_file_is_one_on_every_system() {
        assert_eq!(file_name("exp_20261121"), "exp_20261121");
        assert_eq!(file_name("../../etc/passwd\r\nX: \"y\""), "etc-passwd--X---y");
        assert_eq!(file_name("…"), "experiment");
        assert_eq!(file_name(&"x".repeat(500)).len(), LONGEST_NAME);
    }
}
