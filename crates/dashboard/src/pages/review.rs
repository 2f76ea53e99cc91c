//! `/agents/{id}/versions/{n}/propose` and `…/review`: a draft is reviewed before it is published. Both are forms of the version's page.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use keepstep_http::addresses::agent_path;
use keepstep_platform::{Platform, Review};
use keepstep_store::ProposalState;
use serde::Deserialize;

use crate::addressed::AddressedVersion;
use crate::error_page::{PageError, Typed};
use crate::form::posted::{Confirmed, Fields, Posted};
use crate::form::text;

/// The fields of a review.
#[derive(Debug, Deserialize)]
pub(crate) struct ReviewForm {
    #[serde(default)]
    csrf: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    line: String,
    #[serde(default)]
    suggestion: String,
    #[serde(default)]
    comment: String,
}

impl Fields for ReviewForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }

    fn typed(&self) -> Vec<Typed> {
        let fields = [("Instead of the line", &self.suggestion), ("Comment", &self.comment)];
        let written = fields.into_iter().filter(|(_, text)| !text.trim().is_empty());
        written.map(|(label, sent)| Typed { label, text: text::restore_line_ends(None, sent) }).collect()
    }
}

/// `POST …/propose`: asks for a review.
pub(crate) async fn propose(
    State(platform): State<Platform>,
    AddressedVersion(id, version): AddressedVersion,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    platform.propose(&posted.by, &id, version).await?;
    Ok(Redirect::to(&format!("{}/versions/{version}#review", agent_path(&id))).into_response())
}

/// `POST …/review`: says something about a proposal.
pub(crate) async fn review(
    State(platform): State<Platform>,
    AddressedVersion(id, version): AddressedVersion,
    posted: Posted<ReviewForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, .. } = posted;
    let state = match form.action.as_str() {
        "approve" => Some(ProposalState::Approved),
        "changes" => Some(ProposalState::ChangesRequested),
        "withdraw" => Some(ProposalState::Withdrawn),
        _ => None,
    };
    let line = form.line.trim();
    let line = match line.parse() {
        Ok(line) if line > 0 => Some(line),
        _ if line.is_empty() => None,
        _ => return Err(PageError::Invalid("A line is a number from 1.".to_owned()).keeping(form.typed())),
    };
    let suggestion = Some(form.suggestion.trim_end()).filter(|text| !text.is_empty()).map(str::to_owned);
    if line.is_none() && suggestion.is_some() {
        return Err(PageError::Invalid("Enter the line that the suggestion is for.".to_owned()).keeping(form.typed()));
    }
    let comment = text::restore_line_ends(None, &form.comment);
    match platform.review(&by, &id, version, Review { state, line, suggestion, comment }).await {
        Ok(()) => Ok(Redirect::to(&format!("{}/versions/{version}#review", agent_path(&id))).into_response()),
        Err(error) => Err(PageError::from(error).keeping(form.typed())),
    }
}
