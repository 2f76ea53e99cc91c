//! What an address names: an agent and one of its versions; a project, an experiment and one of its cases.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use keepstep_base::{AgentId, PersonaVersion};
use keepstep_platform::{CriterionPlace, Platform};

use crate::error_page::PageError;

/// The agent of an address such as `/agents/{id}`.
#[derive(Debug)]
pub(crate) struct AddressedAgent(pub(crate) AgentId);

impl FromRequestParts<Platform> for AddressedAgent {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, PageError> {
        let id = parameter(parts, platform, "id").await.and_then(|id| id.parse().ok());
        id.map(Self).ok_or(PageError::AgentNotFound)
    }
}

/// The agent and the version of an address such as `/agents/{id}/versions/{version}`.
#[derive(Debug)]
pub(crate) struct AddressedVersion(pub(crate) AgentId, pub(crate) PersonaVersion);

impl FromRequestParts<Platform> for AddressedVersion {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, PageError> {
        let AddressedAgent(agent) = AddressedAgent::from_request_parts(parts, platform).await?;
        match parameter(parts, platform, "version").await.and_then(|version| version.parse().ok()) {
            Some(version) => Ok(Self(agent, PersonaVersion(version))),
            None => Err(PageError::VersionNotFound { agent }),
        }
    }
}

/// The project of an address such as `/projects/{project}`.
#[derive(Debug)]
pub(crate) struct AddressedProject(pub(crate) String);

impl FromRequestParts<Platform> for AddressedProject {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, PageError> {
        parameter(parts, platform, "project").await.map(Self).ok_or(PageError::NotFound)
    }
}

/// The scenario of an address such as `/projects/{project}/scenarios/{scenario}`.
#[derive(Debug)]
pub(crate) struct AddressedScenario {
    pub(crate) project: String,
    pub(crate) scenario: String,
}

impl FromRequestParts<Platform> for AddressedScenario {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, PageError> {
        let AddressedProject(project) = AddressedProject::from_request_parts(parts, platform).await?;
        let scenario = parameter(parts, platform, "scenario").await.ok_or(PageError::NotFound)?;
        Ok(Self { project, scenario })
    }
}

/// The input of an address such as `/projects/{project}/scenarios/{scenario}/inputs/{input}`.
#[derive(Debug)]
pub(crate) struct AddressedInput {
    pub(crate) project: String,
    pub(crate) scenario: String,
    pub(crate) input: String,
}

impl FromRequestParts<Platform> for AddressedInput {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, PageError> {
        let AddressedScenario { project, scenario } = AddressedScenario::from_request_parts(parts, platform).await?;
        let input = parameter(parts, platform, "input").await.ok_or(PageError::NotFound)?;
        Ok(Self { project, scenario, input })
    }
}

/// The pack of criteria of an address such as `/projects/{project}/scenarios/{scenario}/criteria/{pack}`.
#[derive(Debug)]
pub(crate) struct AddressedPack {
    pub(crate) project: String,
    pub(crate) scenario: String,
    pub(crate) pack: String,
}

impl FromRequestParts<Platform> for AddressedPack {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, PageError> {
        let AddressedScenario { project, scenario } = AddressedScenario::from_request_parts(parts, platform).await?;
        let pack = parameter(parts, platform, "pack").await.ok_or(PageError::NotFound)?;
        Ok(Self { project, scenario, pack })
    }
}

/// The criterion of an address such as `/projects/{project}/scenarios/{scenario}/criteria/{pack}/{criterion}`.
#[derive(Debug)]
pub(crate) struct AddressedCriterion {
    pub(crate) within: AddressedPack,
    pub(crate) place: CriterionPlace,
}

impl FromRequestParts<Platform> for AddressedCriterion {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, PageError> {
        let within = AddressedPack::from_request_parts(parts, platform).await?;
        let label = parameter(parts, platform, "criterion").await;
        let place = label.as_deref().and_then(CriterionPlace::of_label).ok_or(PageError::NotFound)?;
        Ok(Self { within, place })
    }
}

/// The persona for tests of an address such as `/projects/{project}/personas/{persona}`.
#[derive(Debug)]
pub(crate) struct AddressedTestPersona {
    pub(crate) project: String,
    pub(crate) persona: String,
}

impl FromRequestParts<Platform> for AddressedTestPersona {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, PageError> {
        let AddressedProject(project) = AddressedProject::from_request_parts(parts, platform).await?;
        let persona = parameter(parts, platform, "persona").await.ok_or(PageError::NotFound)?;
        Ok(Self { project, persona })
    }
}

/// The experiment of an address such as `/projects/{project}/experiments/{experiment}`.
#[derive(Debug)]
pub(crate) struct AddressedExperiment {
    pub(crate) project: String,
    pub(crate) experiment: String,
}

impl FromRequestParts<Platform> for AddressedExperiment {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, PageError> {
        let AddressedProject(project) = AddressedProject::from_request_parts(parts, platform).await?;
        let experiment = parameter(parts, platform, "experiment").await.ok_or(PageError::NotFound)?;
        Ok(Self { project, experiment })
    }
}

/// The case of an address such as `/projects/{project}/experiments/{experiment}/cases/{case}`.
#[derive(Debug)]
pub(crate) struct AddressedCase {
    pub(crate) project: String,
    pub(crate) experiment: String,
    pub(crate) case: String,
}

impl FromRequestParts<Platform> for AddressedCase {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Self, PageError> {
        let AddressedExperiment { project, experiment } = AddressedExperiment::from_request_parts(parts, platform).await?;
        let case = parameter(parts, platform, "case").await.ok_or(PageError::NotFound)?;
        Ok(Self { project, experiment, case })
    }
}

async fn parameter(parts: &mut Parts, platform: &Platform, parameter: &str) -> Option<String> {
    let parameters = RawPathParams::from_request_parts(parts, platform).await.ok()?;
    parameters.iter().find(|(name, _)| *name == parameter).map(|(_, value)| value.to_owned())
}
