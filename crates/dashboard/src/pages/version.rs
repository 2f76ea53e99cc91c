//! `/agents/{id}/versions/{n}`: one persona version, and how it differs from another.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use keepstep_agent::definition::persona_text;
use keepstep_base::{AgentId, Digest, PersonaVersion, Revision};
use keepstep_http::addresses::{agent_path, experiment_path};
use keepstep_platform::{Error, Plain, Platform, Target};
use keepstep_store::results::RunBatch;
use keepstep_store::{PersonaFilter, PersonaStatus, StoreError};
use serde::Deserialize;

use super::agent::Done;
use crate::addressed::AddressedVersion;
use crate::error_page::PageError;
use crate::form::posted::{Fields, Posted};
use crate::parts::diff_view::{self, DiffRow, SplitRow};
use crate::parts::frame::Frame;
use crate::parts::markdown::{self, Markdown};
use crate::parts::shown_results::{Badge, Figures};
use crate::parts::shown_review::{self, ShownReview};
use crate::parts::view::{Changed, Moment, may_edit, may_publish, page, title_of};
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// How many experiments stand beside a text.
const MOST_TESTS: u32 = 10;

#[derive(Template)]
#[template(path = "version.html")]
struct VersionPage {
    frame: Frame,
    path: String,
    name: Visible,
    revision: u64,
    number: u32,
    newest: u32,
    is_current: bool,
    is_draft: bool,
    created: Changed,
    may_edit: bool,
    may_publish: bool,
    against: Option<u32>,
    rows: Vec<DiffRow>,
    /// The rows side by side, where the address asks for it.
    split: Option<Vec<SplitRow>>,
    /// True where no unchanged line is folded.
    is_unfolded: bool,
    links: Links,
    /// The version in production, which this one would replace.
    replaced: Option<(PersonaVersion, Changed)>,
    review: Option<ShownReview>,
    tests: Vec<ShownTest>,
    may_propose: bool,
    /// True where a review has to come before publishing.
    needs_review: bool,
    text: Visible,
    /// The text as Markdown, where the address asks for it.
    markdown: Option<Markdown>,
}

/// An experiment that tested exactly the text of a version.
struct ShownTest {
    path: String,
    name: Visible,
    badge: Badge,
    figures: Figures,
    made: Moment,
}

/// Returns the experiments that tested exactly this text.
async fn tests_of(platform: &Platform, by: &SignedIn, id: &AgentId, digest: Digest) -> Result<Vec<ShownTest>, PageError> {
    let found = platform.store.run_batches_of_persona(&by.scope, id, digest, MOST_TESTS).await?;
    let shown = |batch: &RunBatch| ShownTest {
        path: experiment_path(&batch.project_id, &batch.id),
        name: Visible::of(batch.experiment_id.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&batch.id)),
        badge: batch.status.into(),
        figures: Figures::from(&batch.counts),
        made: Moment::of(batch.created_at),
    };
    Ok(found.iter().map(shown).collect())
}

/// The addresses of the page with another way to show it.
struct Links {
    inline: String,
    split: String,
    lines: String,
    text: String,
    markdown: String,
}

impl Links {
    fn of(page: &str, against: Option<u32>, is_split: bool, is_unfolded: bool, is_markdown: bool) -> Self {
        let link = |is_split: bool, is_unfolded: bool, is_markdown: bool| {
            let against = against.map(|against| format!("against={against}"));
            let options = [
                against.as_deref(),
                is_split.then_some("view=split"),
                is_unfolded.then_some("lines=all"),
                is_markdown.then_some("text=markdown"),
            ];
            let query: Vec<&str> = options.into_iter().flatten().collect();
            format!("{page}?{}", query.join("&"))
        };
        Self {
            inline: link(false, is_unfolded, is_markdown),
            split: link(true, is_unfolded, is_markdown),
            lines: link(is_split, !is_unfolded, is_markdown),
            text: link(is_split, is_unfolded, false),
            markdown: link(is_split, is_unfolded, true),
        }
    }
}

/// What the address asks for.
#[derive(Debug, Deserialize)]
pub(crate) struct VersionQuery {
    against: Option<String>,
    /// How the diff is shown: inline, or `split`.
    view: Option<String>,
    /// Which lines of it: folded, or `all`.
    lines: Option<String>,
    /// How the text is shown: as it is, or as `markdown`.
    text: Option<String>,
}

/// `GET`: the text, and the diff to the version before it or to the one that the address names.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    AddressedVersion(id, version): AddressedVersion,
    Query(asked): Query<VersionQuery>,
) -> Result<Response, PageError> {
    let agent = platform.store.agent(&by.scope, &id).await?;
    let newest = PersonaFilter { status: None, before: None, limit: 1 };
    let newest = platform.store.persona_summaries(&by.scope, &id, newest).await?;
    let persona = platform.store.persona(&by.scope, &id, version).await?;
    let text = persona_text(Some(&persona.persona));
    let number = version.0;
    let against = match asked.against {
        Some(against) => Some(against.parse().map_err(|_| PageError::VersionNotFound { agent: id.clone() })?),
        None => number.checked_sub(1).filter(|before| *before > 0),
    };
    let is_unfolded = asked.lines.as_deref() == Some("all");
    let rows = match against {
        Some(against) => {
            let other = platform.store.persona(&by.scope, &id, PersonaVersion(against)).await?;
            let other = persona_text(Some(&other.persona));
            match is_unfolded {
                true => diff_view::all_rows(&platform, other, text.clone()).await?,
                false => diff_view::rows(&platform, other, text.clone()).await?,
            }
        }
        None => Vec::new(),
    };
    let is_split = asked.view.as_deref() == Some("split") && !rows.is_empty();
    let (rows, split) = if is_split { (Vec::new(), Some(diff_view::side_by_side(rows))) } else { (rows, None) };
    let replaced = match agent.current.filter(|current| *current != version && may_publish(&by.session)) {
        Some(current) => {
            let filter = PersonaFilter { status: None, before: Some(PersonaVersion(current.0 + 1)), limit: 1 };
            let found = platform.store.persona_summaries(&by.scope, &id, filter).await?;
            found.first().map(|summary| (current, Changed::from(&summary.created)))
        }
        None => None,
    };
    let review = shown_review::of(&platform, &by, &id, &persona).await?;
    let is_draft = persona.summary.status == PersonaStatus::Draft;
    let is_approved = review.as_ref().is_some_and(|review| review.is_approved);
    let needs_review = is_draft && !is_approved && platform.publishing_rule(&by, &agent).await?.review;
    let tests = match persona.summary.digest {
        Some(digest) => tests_of(&platform, &by, &id, digest).await?,
        None => Vec::new(),
    };
    let markdown = match asked.text.as_deref() {
        Some("markdown") => Some(markdown::of(&platform, text.clone(), 2).await?),
        _ => None,
    };
    let links =
        Links::of(&format!("{}/versions/{number}", agent_path(&id)), against, split.is_some(), is_unfolded, markdown.is_some());
    page(&VersionPage {
        frame: Frame::of(&by.session),
        path: agent_path(&id),
        name: Visible::of(title_of(&agent)),
        revision: agent.revision.0,
        number,
        newest: newest.first().map_or(number, |newest| newest.version.0),
        is_current: persona.summary.is_current,
        is_draft,
        created: Changed::from(&persona.summary.created),
        may_edit: may_edit(&by.session),
        may_publish: may_publish(&by.session),
        against,
        rows,
        split,
        is_unfolded,
        links,
        replaced,
        may_propose: is_draft && may_edit(&by.session) && review.as_ref().is_none_or(|review| review.may_be_proposed),
        needs_review,
        review,
        tests,
        text: Visible::of(text),
        markdown,
    })
}

/// The fields of the form that deploys.
#[derive(Debug, Deserialize)]
pub(crate) struct Deploy {
    #[serde(default)]
    csrf: String,
    base: u64,
}

impl Fields for Deploy {
    fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// `POST …/deploy`: puts the version in production, unless the agent changed since the page was made.
pub(crate) async fn deploy(
    State(platform): State<Platform>,
    AddressedVersion(id, version): AddressedVersion,
    posted: Posted<Deploy>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let target = Target { agent: &id, message: None, expected: Some(Revision(form.base)) };
    match platform.deploy_persona(&by, target, version, Plain).await {
        Ok(_) => Ok(Redirect::to(&format!("{}{}", agent_path(&id), Done::Deployed.query())).into_response()),
        Err(Error::Store(StoreError::Stale { current })) => Err(PageError::Stale { agent: id, current }),
        Err(error) => Err(error.into()),
    }
}
