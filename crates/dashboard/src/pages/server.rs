//! `/server`: for owners: how the server is. `/usage`: what takes the room.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::SignedDuration;
use keepstep_base::human::{milliseconds_words, size_text};
use keepstep_http::addresses::project_path;
use keepstep_platform::{Chore, DoneChore, Platform, ProjectUsage};
use keepstep_store::results::{ExperimentsSize, MonthSize};

use crate::error_page::PageError;
use crate::parts::frame::Frame;
use crate::parts::shown_results::grouped;
use crate::parts::view::{Moment, page};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "server.html")]
struct ServerPage {
    frame: Frame,
    version: &'static str,
    built: String,
    uptime: String,
    database: String,
    free: Option<String>,
    migration: u64,
    migrations: u64,
    takes_files: bool,
    requests: String,
    refused: String,
    failed: String,
    mean: Option<String>,
    writes: String,
    has_messenger: bool,
    waiting: String,
    first: Option<Moment>,
    chores: Vec<ShownChore>,
}

struct ShownChore {
    what: &'static str,
    at: Option<Moment>,
    outcome: Visible,
    has_failed: bool,
}

impl ShownChore {
    fn of((chore, done): (Chore, Option<DoneChore>)) -> Self {
        let what = chore.in_words();
        match done {
            Some(DoneChore { at, outcome }) => {
                let has_failed = outcome.is_err();
                let outcome = Visible::of(outcome.unwrap_or_else(|reason| reason));
                Self { what, at: Some(Moment::of(at)), outcome, has_failed }
            }
            None => Self { what, at: None, outcome: Visible::of(""), has_failed: false },
        }
    }
}

/// `GET /server`.
pub(crate) async fn show(State(platform): State<Platform>, by: SignedIn) -> Result<Response, PageError> {
    let state = platform.server_state(&by).await?;
    let answers = state.answers;
    page(&ServerPage {
        frame: Frame::of(&by.session),
        version: env!("CARGO_PKG_VERSION"),
        built: built(),
        uptime: uptime(SignedDuration::try_from(state.uptime).unwrap_or_default()),
        database: size_text(state.database.bytes),
        free: state.database.free.map(size_text),
        migration: state.database.migration,
        migrations: state.database.migrations,
        takes_files: state.takes_files,
        requests: grouped(answers.fine + answers.refused + answers.failed),
        refused: grouped(answers.refused),
        failed: grouped(answers.failed),
        mean: answers.mean.map(|mean| milliseconds_words(mean.as_secs_f64() * 1000.0)),
        writes: grouped(answers.writes),
        has_messenger: state.has_messenger,
        waiting: grouped(state.database.waiting_deliveries),
        first: state.database.first_delivery.map(Moment::of),
        chores: state.chores.into_iter().map(ShownChore::of).collect(),
    })
}

/// Returns how the program was built.
fn built() -> String {
    let profile = if cfg!(debug_assertions) { "for development" } else { "for release" };
    format!("{profile}, for {} on {}", std::env::consts::OS, std::env::consts::ARCH)
}

/// Returns for how long something has run, in its two largest units.
fn uptime(time: SignedDuration) -> String {
    let minutes = time.as_mins();
    let (days, hours, minutes) = (minutes / (24 * 60), minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, hours) => format!("{hours} h {minutes} min"),
        (days, hours) => format!("{days} d {hours} h"),
    }
}

#[derive(Template)]
#[template(path = "usage.html")]
struct UsagePage {
    frame: Frame,
    database: String,
    projects: Vec<ShownProject>,
    months: Vec<ShownMonth>,
}

struct ShownProject {
    path: String,
    name: Visible,
    size: ShownSize,
    bundle_versions: String,
    kept: String,
}

struct ShownMonth {
    month: String,
    size: ShownSize,
}

struct ShownSize {
    experiments: String,
    cases: String,
    files: String,
    uncounted: Option<String>,
}

impl From<&ExperimentsSize> for ShownSize {
    fn from(size: &ExperimentsSize) -> Self {
        Self {
            experiments: grouped(size.experiments),
            cases: grouped(size.cases),
            files: size_text(size.bytes),
            uncounted: (size.uncounted > 0).then(|| grouped(size.uncounted)),
        }
    }
}

/// `GET /usage`.
pub(crate) async fn usage(State(platform): State<Platform>, by: SignedIn) -> Result<Response, PageError> {
    let usage = platform.usage(&by).await?;
    let project = |used: &ProjectUsage| ShownProject {
        path: project_path(&used.project.id),
        name: Visible::of(&used.project.name),
        size: ShownSize::from(&used.experiments),
        bundle_versions: grouped(used.bundle_versions),
        kept: match used.days {
            None => "for ever".to_owned(),
            Some(1) => "for 1 day".to_owned(),
            Some(days) => format!("for {days} days"),
        },
    };
    let month = |month: &MonthSize| ShownMonth { month: month.month.clone(), size: ShownSize::from(&month.size) };
    page(&UsagePage {
        frame: Frame::of(&by.session),
        database: size_text(usage.database),
        projects: usage.projects.iter().map(project).collect(),
        months: usage.months.iter().map(month).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_two_units() {
        for (minutes, words) in [(0, "0 min"), (59, "59 min"), (61, "1 h 1 min"), (24 * 60, "1 d 0 h"), (3000, "2 d 2 h")] {
            assert_eq!(uptime(SignedDuration::from_mins(minutes)), words);
        }
    }
}
