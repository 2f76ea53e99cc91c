//! `/projects/{project}/scenarios/{scenario}/criteria/{pack}/{criterion}`: the form of a criterion, which is tried on an answer before it is
//! saved; a new one at `…/criteria/new`.

mod shown;

use axum::extract::{Query, State};
use axum::response::Response;
use keepstep_base::Digest;
use keepstep_http::addresses::{criteria_path, scenario_path, segment};
use keepstep_platform::{
    CriteriaList, CriterionPlace, Error, NewCriterionIn, Platform, SeenCriterion, criteria_of, criterion_digest,
};
use keepstep_store::test_data::{DraftPack, InputState};
use keepstep_store::{Role, StoreError};
use serde::Deserialize;
use serde_json::Value;

use self::shown::{About, Told, criterion_at, shown_criterion};
use super::criteria::{SeenQuery, cut, to_list};
use super::scenario::scenario_of;
use crate::addressed::{AddressedCriterion, AddressedScenario};
use crate::error_page::{PageError, capitalized};
use crate::form::criterion::{CriterionForm, is_required};
use crate::form::posted::{Confirmed, Posted};
use crate::form::problem::Problem;
use crate::parts::confirm::Confirm;
use crate::parts::frame::Frame;
use crate::parts::view::page;
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

/// What the address of the form says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CriterionQuery {
    pack: String,
    kind: String,
    /// The case to try it on.
    experiment: String,
    case: String,
}

/// `GET …/criteria/new`.
pub(crate) async fn show_new(
    State(platform): State<Platform>,
    by: SignedIn,
    addressed: AddressedScenario,
    Query(query): Query<CriterionQuery>,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let about = About { platform: &platform, by: &by, project: &project, scenario: &scenario, place: None };
    let CriterionQuery { pack, kind, experiment, case } = query;
    let form = CriterionForm { pack, experiment, case, ..CriterionForm::new_of(&kind) };
    about.page(form, Told::default()).await
}

/// `POST …/criteria/new`.
pub(crate) async fn create(
    State(platform): State<Platform>,
    addressed: AddressedScenario,
    posted: Posted<CriterionForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, share } = posted;
    by.require(Role::Editor)?;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let about = About { platform: &platform, by: &by, project: &project, scenario: &scenario, place: None };
    // What it is tried on takes a share of its own.
    drop(share);
    let (form, criterion) = match about.meant(form, None, CriteriaList::Items).await? {
        Ok(meant) => meant,
        Err(answer) => return Ok(answer),
    };
    let place = match form.pack.as_str() {
        "" => NewCriterionIn::NewPack(&form.pack_name),
        id => NewCriterionIn::Pack(id),
    };
    match platform.add_criterion(&by, &scenario.id, place, &criterion).await {
        Ok(pack) => Ok(to_list(&project, &scenario, "added", &pack.id)),
        Err(Error::Store(StoreError::CriteriaNotFound(_))) => {
            let problem = Problem::at("pack", "These criteria were deleted. Choose others.");
            about.page(form, Told { problem, ..Told::default() }).await
        }
        Err(error) => {
            let problem = refused(error)?;
            about.page(form, Told { problem, ..Told::default() }).await
        }
    }
}

/// `GET …/criteria/{pack}/{criterion}`.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    addressed: AddressedCriterion,
    Query(query): Query<CriterionQuery>,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let AddressedCriterion { within, place } = addressed;
    let (project, scenario) = scenario_of(&platform, &by, &within.project, &within.scenario).await?;
    let pack = platform.store.draft_pack(&by.scope, &scenario.id, &within.pack).await?;
    let current = criterion_at(&pack, place).ok_or(PageError::NotFound)?;
    let about = About { platform: &platform, by: &by, project: &project, scenario: &scenario, place: Some((&pack, place)) };
    let form = CriterionForm {
        seen: criterion_digest(current).to_string(),
        others: others(&pack, place),
        experiment: query.experiment,
        case: query.case,
        ..CriterionForm::of(current, is_required(current))
    };
    about.page(form, Told::default()).await
}

/// `POST …/criteria/{pack}/{criterion}`.
pub(crate) async fn save(
    State(platform): State<Platform>,
    addressed: AddressedCriterion,
    posted: Posted<CriterionForm>,
) -> Result<Response, PageError> {
    let Posted { by, form, share } = posted;
    by.require(Role::Editor)?;
    let AddressedCriterion { within, place } = addressed;
    let (project, scenario) = scenario_of(&platform, &by, &within.project, &within.scenario).await?;
    drop(share);
    let gone = async |form: CriterionForm| {
        let about = About { platform: &platform, by: &by, project: &project, scenario: &scenario, place: None };
        let form = CriterionForm { seen: String::new(), pack: String::new(), ..form };
        let problem =
            Problem::at("pack", "These criteria were deleted while you were writing. Saving adds this one to those chosen here.");
        about.page(form, Told { problem, ..Told::default() }).await
    };
    let pack = match platform.store.draft_pack(&by.scope, &scenario.id, &within.pack).await {
        Ok(pack) if pack.state != InputState::Deleted => pack,
        Ok(_) | Err(StoreError::CriteriaNotFound(_)) => return gone(form).await,
        Err(error) => return Err(error.into()),
    };
    let about = About { platform: &platform, by: &by, project: &project, scenario: &scenario, place: Some((&pack, place)) };
    let seen = form.seen.parse::<Digest>().ok();
    // Others may have added or deleted some before it.
    let seen_now = criteria_of(&pack.document).find(|(at, entry)| at.list == place.list && Some(criterion_digest(entry)) == seen);
    let old = seen_now.map(|(_, entry)| entry).or_else(|| theirs_at(&pack, place, &form));
    let (mut form, criterion) = match about.meant(form, old, place.list).await? {
        Ok(meant) => meant,
        Err(answer) => return Ok(answer),
    };
    // A form that does not say what it was made from was made from nothing that is there.
    let digest = seen.unwrap_or_else(|| Digest::of_bytes(b""));
    match platform.change_criterion(&by, &scenario.id, SeenCriterion { pack: &pack.id, place, digest }, &criterion).await {
        Ok(pack) => Ok(to_list(&project, &scenario, "changed", &pack.id)),
        Err(Error::Store(StoreError::CriteriaChanged)) => {
            let pack = platform.store.draft_pack(&by.scope, &scenario.id, &pack.id).await?;
            match theirs_at(&pack, place, &form) {
                // Whoever saves again has seen it.
                Some(theirs) => {
                    form.seen = criterion_digest(theirs).to_string();
                    form.others = others(&pack, place);
                    let theirs = Some(Visible::of(cut(&shown_criterion(theirs))));
                    about.page(form, Told { theirs, ..Told::default() }).await
                }
                // What was typed is the start of another one.
                None => {
                    form.seen = String::new();
                    form.pack.clone_from(&pack.id);
                    let text = "This criterion was deleted while you were writing. Saving adds it as a new one.";
                    let about = About { place: None, ..about };
                    about.page(form, Told { problem: Problem::at("form", text), ..Told::default() }).await
                }
            }
        }
        Err(Error::Store(StoreError::CriteriaNotFound(_))) => gone(form).await,
        Err(error) => {
            let problem = refused(error)?;
            about.page(form, Told { problem, ..Told::default() }).await
        }
    }
}

/// Returns what became of the criterion of a form: what stands in its place, if that is none of those that stood beside it.
fn theirs_at<'a>(pack: &'a DraftPack, place: CriterionPlace, form: &CriterionForm) -> Option<&'a Value> {
    let found = criterion_at(pack, place)?;
    let digest = short_digest(found);
    (!form.others.split(' ').any(|other| other == digest)).then_some(found)
}

/// Returns what the others of a list are, for the form of one of them.
fn others(pack: &DraftPack, place: CriterionPlace) -> String {
    let beside = criteria_of(&pack.document).filter(|(at, _)| at.list == place.list && at.at != place.at);
    beside.map(|(_, entry)| short_digest(entry)).collect::<Vec<_>>().join(" ")
}

/// Returns as much of a digest as tells the criteria of a list apart.
fn short_digest(criterion: &Value) -> String {
    criterion_digest(criterion).to_string().chars().take(12).collect()
}

/// `GET …/criteria/{pack}/{criterion}/delete`: asks.
pub(crate) async fn ask_delete(
    State(platform): State<Platform>,
    by: SignedIn,
    addressed: AddressedCriterion,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let AddressedCriterion { within, place } = addressed;
    let (project, scenario) = scenario_of(&platform, &by, &within.project, &within.scenario).await?;
    let pack = platform.store.draft_pack(&by.scope, &scenario.id, &within.pack).await?;
    let criterion = criterion_at(&pack, place).ok_or(PageError::NotFound)?;
    let list = criteria_path(&scenario_path(&project.id, &scenario.id));
    let after = match &pack.published {
        Some(_) => "Published versions keep it. The pack can be reverted until the next one is published.",
        None => "It was never published, so it is gone.",
    };
    page(&Confirm {
        frame: Frame::of(&by.session),
        title: Visible::of("Delete this criterion?"),
        consequences: vec![Visible::of(cut(&shown_criterion(criterion))), Visible::of(after)],
        problem: None,
        action: format!("{list}/{}/{}/delete?seen={}", segment(&pack.id), place.label(), criterion_digest(criterion)),
        button: "Delete the criterion",
        back: format!("{list}#{}", segment(&pack.id)),
    })
}

/// `POST …/criteria/{pack}/{criterion}/delete`.
pub(crate) async fn delete(
    State(platform): State<Platform>,
    addressed: AddressedCriterion,
    Query(asked): Query<SeenQuery>,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    let by = posted.by;
    let AddressedCriterion { within, place } = addressed;
    let (project, scenario) = scenario_of(&platform, &by, &within.project, &within.scenario).await?;
    let digest = asked.seen.parse::<Digest>().map_err(|_| PageError::NotFound)?;
    let pack = platform.delete_criterion(&by, &scenario.id, SeenCriterion { pack: &within.pack, place, digest }).await?;
    Ok(to_list(&project, &scenario, "removed", &pack.id))
}

/// Passes on what no other text would mend.
fn refused(error: Error) -> Result<Problem, PageError> {
    match error {
        Error::Store(StoreError::InvalidName { .. } | StoreError::NameTaken { .. }) => {
            Ok(Problem::at("pack_name", format!("{}.", capitalized(&error.to_string()))))
        }
        Error::Store(StoreError::TestData(_)) => Ok(Problem::at("form", format!("{}.", capitalized(&error.to_string())))),
        Error::TooLarge { .. } => Ok(Problem::at("form", error.to_string())),
        other => Err(other.into()),
    }
}
