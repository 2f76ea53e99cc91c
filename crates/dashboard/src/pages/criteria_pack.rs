//! `/projects/{project}/scenarios/{scenario}/criteria/{pack}`: the name of a pack of criteria and its least score; deleting it, and reverting it.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use keepstep_base::Digest;
use keepstep_http::addresses::{criteria_path, project_path, scenario_path, segment};
use keepstep_platform::{Error, Platform};
use keepstep_store::test_data::{DraftPack, Scenario};
use keepstep_store::{Project, Role, StoreError};
use serde::Deserialize;
use serde_json::Value;

use super::criteria::{SeenQuery, cut, to_list};
use super::experiment::Link;
use super::scenario::scenario_of;
use crate::addressed::AddressedPack;
use crate::error_page::{PageError, Typed};
use crate::form::posted::{Confirmed, Fields, Posted};
use crate::form::problem::Problem;
use crate::parts::changed_test_data::outline_of_object;
use crate::parts::confirm::Confirm;
use crate::parts::frame::Frame;
use crate::parts::view::page;
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "criteria_pack.html")]
struct PackPage<'a> {
    frame: Frame,
    project: Link,
    scenario: Link,
    criteria: String,
    path: String,
    title: Visible,
    form: &'a PackForm,
    problem: Problem,
    theirs: Option<Visible>,
}

/// The fields of the form of a pack.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PackForm {
    csrf: String,
    seen: String,
    name: String,
    threshold: String,
}

impl Fields for PackForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }

    fn typed(&self) -> Vec<Typed> {
        let all = [("Name", &self.name), ("Least score", &self.threshold)].into_iter();
        all.filter(|(_, text)| !text.is_empty()).map(|(label, text)| Typed { label, text: text.clone() }).collect()
    }
}

/// `GET …/criteria/{pack}`: its name and its least score.
pub(crate) async fn show(
    State(platform): State<Platform>,
    by: SignedIn,
    addressed: AddressedPack,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let pack = platform.store.draft_pack(&by.scope, &scenario.id, &addressed.pack).await?;
    let form = PackForm {
        seen: pack.digest().to_string(),
        name: pack.name().to_owned(),
        threshold: pack.document.get("threshold").filter(|value| !value.is_null()).map(Value::to_string).unwrap_or_default(),
        ..PackForm::default()
    };
    pack_page(&by, (&project, &scenario), &pack, &form, Problem::default(), false)
}

/// `POST …/criteria/{pack}`.
pub(crate) async fn save(
    State(platform): State<Platform>,
    addressed: AddressedPack,
    posted: Posted<PackForm>,
) -> Result<Response, PageError> {
    let Posted { by, mut form, .. } = posted;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let again = (&project, &scenario);
    let pack = platform.store.draft_pack(&by.scope, &scenario.id, &addressed.pack).await?;
    let mut document = pack.document.clone();
    document.insert("name".to_owned(), form.name.trim().into());
    match form.threshold.trim() {
        "" => drop(document.shift_remove("threshold")),
        typed => match typed.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share)) {
            Some(share) if document.get("threshold").and_then(Value::as_f64) == Some(share) => {}
            Some(share) => drop(document.insert("threshold".to_owned(), share.into())),
            None => {
                let problem = Problem::at("threshold", "The least score must be a number from 0 to 1.");
                return pack_page(&by, again, &pack, &form, problem, false);
            }
        },
    }
    // A form that does not say what it was made from was made from nothing that is there.
    let seen = form.seen.parse::<Digest>().unwrap_or_else(|_| Digest::of_bytes(b""));
    match platform.change_pack(&by, (&scenario.id, &pack.id), Some(&seen), &document).await {
        Ok(_) => Ok(to_list(&project, &scenario, "saved", &pack.id)),
        Err(Error::Store(StoreError::CriteriaChanged)) => {
            let pack = platform.store.draft_pack(&by.scope, &scenario.id, &pack.id).await?;
            form.seen = pack.digest().to_string();
            pack_page(&by, again, &pack, &form, Problem::default(), true)
        }
        Err(error) => {
            let problem = Problem::try_from(error)?;
            pack_page(&by, again, &pack, &form, problem, false)
        }
    }
}

/// `GET …/criteria/{pack}/delete`: asks.
pub(crate) async fn ask_delete(
    State(platform): State<Platform>,
    by: SignedIn,
    addressed: AddressedPack,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let pack = platform.store.draft_pack(&by.scope, &scenario.id, &addressed.pack).await?;
    let after = match &pack.published {
        Some(_) => "Published versions keep them. They can be reverted until the next one is published.",
        None => "They were never published, so they are gone.",
    };
    ask(&by, (&project, &scenario), &pack, "Delete these criteria?", vec![Visible::of(after)], "delete", "Delete the criteria")
}

/// `POST …/criteria/{pack}/delete`.
pub(crate) async fn delete(
    State(platform): State<Platform>,
    addressed: AddressedPack,
    Query(asked): Query<SeenQuery>,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    let by = posted.by;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let seen: Option<Digest> = asked.seen.parse().ok();
    platform.delete_pack(&by, (&scenario.id, &addressed.pack), seen.as_ref()).await?;
    Ok(to_list(&project, &scenario, "deleted", &addressed.pack))
}

/// `GET …/criteria/{pack}/revert`: asks.
pub(crate) async fn ask_revert(
    State(platform): State<Platform>,
    by: SignedIn,
    addressed: AddressedPack,
) -> Result<Response, PageError> {
    by.require(Role::Editor)?;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let pack = platform.store.draft_pack(&by.scope, &scenario.id, &addressed.pack).await?;
    let mut after = Vec::new();
    if let Some(published) = &pack.published {
        after.extend([Visible::of("They are again what is published:"), Visible::of(cut(&outline_of_object(published)))]);
    }
    ask(&by, (&project, &scenario), &pack, "Revert these criteria?", after, "revert", "Revert the criteria")
}

/// `POST …/criteria/{pack}/revert`.
pub(crate) async fn revert(
    State(platform): State<Platform>,
    addressed: AddressedPack,
    Query(asked): Query<SeenQuery>,
    posted: Posted<Confirmed>,
) -> Result<Response, PageError> {
    let by = posted.by;
    let (project, scenario) = scenario_of(&platform, &by, &addressed.project, &addressed.scenario).await?;
    let seen: Option<Digest> = asked.seen.parse().ok();
    platform.revert_pack(&by, (&scenario.id, &addressed.pack), seen.as_ref()).await?;
    Ok(to_list(&project, &scenario, "reverted", &addressed.pack))
}

fn ask(
    by: &SignedIn,
    (project, scenario): (&Project, &Scenario),
    pack: &DraftPack,
    title: &'static str,
    after: Vec<Visible>,
    action: &str,
    button: &'static str,
) -> Result<Response, PageError> {
    let path = criteria_path(&scenario_path(&project.id, &scenario.id));
    let mut consequences = vec![Visible::of(cut(&outline_of_object(&pack.document)))];
    consequences.extend(after);
    page(&Confirm {
        frame: Frame::of(&by.session),
        title: Visible::of(title),
        consequences,
        problem: None,
        action: format!("{path}/{}/{action}?seen={}", segment(&pack.id), pack.digest()),
        button,
        back: format!("{path}#{}", segment(&pack.id)),
    })
}

fn pack_page(
    by: &SignedIn,
    (project, scenario): (&Project, &Scenario),
    pack: &DraftPack,
    form: &PackForm,
    problem: Problem,
    is_stale: bool,
) -> Result<Response, PageError> {
    let status = match is_stale {
        true => StatusCode::CONFLICT,
        false if problem.is_none() => StatusCode::OK,
        false => problem.status(),
    };
    let criteria = criteria_path(&scenario_path(&project.id, &scenario.id));
    let answer = page(&PackPage {
        frame: Frame::of(&by.session),
        project: Link { path: project_path(&project.id), name: Visible::of(&project.name) },
        scenario: Link { path: scenario_path(&project.id, &scenario.id), name: Visible::of(&scenario.name) },
        path: format!("{criteria}/{}", segment(&pack.id)),
        criteria,
        title: Visible::of(pack.name()),
        form,
        problem,
        theirs: is_stale.then(|| Visible::of(cut(&outline_of_object(&pack.document)))),
    })?;
    Ok((status, answer).into_response())
}
