//! `/members/invite`: an invitation to some projects, each with a role of its own.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use keepstep_platform::{Error, InvitationRights, Platform};
use keepstep_store::{Membership, Role};
use serde::Deserialize;

use super::members::{link_address, list};
use crate::error_page::PageError;
use crate::form::posted::{Fields, Posted};
use crate::form::problem::Problem;
use crate::origin::PublicAddress;
use crate::parts::frame::Frame;
use crate::parts::view::page;
use crate::parts::visible::Visible;
use crate::signed_in::SignedIn;

#[derive(Template)]
#[template(path = "invite.html")]
struct InvitePage {
    frame: Frame,
    projects: Vec<Choice>,
    problem: Problem,
}

struct Choice {
    id: String,
    name: Visible,
    role: Option<Role>,
    may_publish: bool,
}

impl Choice {
    fn is(&self, role: Role) -> bool {
        self.role == Some(role)
    }
}

/// The form: `role.PROJECT` and `publish.PROJECT` of each project.
#[derive(Debug, Deserialize)]
pub(crate) struct InviteForm {
    #[serde(default)]
    csrf: String,
    #[serde(flatten)]
    rights: BTreeMap<String, String>,
}

impl Fields for InviteForm {
    /// A thousand projects have two fields each.
    const LIMIT: usize = 256 * 1024;

    fn csrf(&self) -> &str {
        &self.csrf
    }
}

impl InviteForm {
    fn memberships(&self) -> Result<Vec<Membership>, PageError> {
        let chosen = self.rights.iter().filter(|(name, role)| name.starts_with("role.") && !role.is_empty());
        let membership = |(name, role): (&String, &String)| {
            let project_id = name["role.".len()..].to_owned();
            let may_publish = self.rights.contains_key(&format!("publish.{project_id}"));
            let role = role.parse().map_err(|_| PageError::Invalid("A role in a project is viewer or editor.".to_owned()))?;
            Ok(Membership { project_id, role, may_publish })
        };
        chosen.map(membership).collect()
    }
}

/// `GET`: the projects to choose from.
pub(crate) async fn show(State(platform): State<Platform>, by: SignedIn) -> Result<Response, PageError> {
    by.require(Role::Owner)?;
    form(&platform, &by, &[], Problem::default()).await
}

/// `POST`: makes an invitation and shows its address, once.
pub(crate) async fn invite(
    State(platform): State<Platform>,
    PublicAddress(origin): PublicAddress,
    posted: Posted<InviteForm>,
) -> Result<Response, PageError> {
    let Posted { by, form: sent, .. } = posted;
    let rights = InvitationRights { role: None, may_publish: true, projects: sent.memberships()? };
    match platform.invite(&by, &rights).await {
        Ok(link) => list(&platform, &by, None, Some(link_address(&origin, &link))).await,
        Err(Error::Refused(problem)) => form(&platform, &by, &rights.projects, Problem::at("form", problem)).await,
        Err(error) => Err(error.into()),
    }
}

async fn form(platform: &Platform, by: &SignedIn, chosen: &[Membership], problem: Problem) -> Result<Response, PageError> {
    let projects = platform.store.projects(&by.scope.org_id).await?.into_iter();
    let projects = projects.map(|project| {
        let chosen = chosen.iter().find(|membership| membership.project_id == project.id);
        Choice {
            name: Visible::of(&project.name),
            role: chosen.map(|membership| membership.role),
            may_publish: chosen.is_none_or(|membership| membership.may_publish),
            id: project.id,
        }
    });
    let status = problem.status();
    let page = page(&InvitePage { frame: Frame::of(&by.session), projects: projects.collect(), problem })?;
    Ok((status, page).into_response())
}
