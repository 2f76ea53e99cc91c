//! The conversation with a platform about test data, and the workspace that it is for.

use std::future::Future;
use std::path::Path;

use keepstep_api::fluxloop::PullRequest;
use keepstep_client::test_data::PullAnswer;
use keepstep_client::{About, ClientError, Secret, Sink, Surroundings, Target, TargetOptions, TestData, resolve};
use keepstep_workspace::{Scenario, Workspace};
use tokio::runtime::Runtime;

pub(crate) use crate::session::checkout::current_workspace::{find_workspace, workspace, workspace_or_new};
use crate::session::connection::connecting;
use crate::session::connection::renewed_login;
use crate::session::connection::trusted;
use crate::session::context::Context;
use crate::session::runtime;
use crate::shell::failure::Failure;

/// A platform that can be asked for test data.
#[derive(Debug)]
pub(crate) struct TestDataServer {
    runtime: Runtime,
    target: Target,
    client: TestData,
}

impl TestDataServer {
    /// Prepares a conversation with the platform that the flags, the environment, the scenario and the workspace name.
    pub(crate) fn connect(
        context: &Context,
        workspace: Option<&Workspace>,
        scenario: Option<&Scenario>,
    ) -> Result<Self, Failure> {
        Self::connect_to(context, target(context, workspace, scenario.map(|scenario| scenario.path.as_path()), None)?)
    }

    /// Prepares a conversation about projects and keys themselves: for these the person's own login comes before a key of the
    /// workspace, which may be for one project only.
    pub(crate) fn connect_to_manage(context: &Context, workspace: Option<&Workspace>) -> Result<Self, Failure> {
        Self::connect_to(context, target_for(context, workspace, None, None, true)?)
    }

    /// Prepares a conversation with a platform.
    pub(crate) fn connect_to(context: &Context, target: Target) -> Result<Self, Failure> {
        let target = renewed_login::renewed(context, target)?;
        let client = TestData::new(&target, &connecting::options(context))?;
        Ok(Self { runtime: runtime::single()?, target, client })
    }

    /// Returns the address, as it is shown.
    pub(crate) fn name(&self) -> &str {
        self.client.server()
    }

    /// Returns the address and the key.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Returns the client, for requests of several steps.
    pub(crate) fn client(&self) -> &TestData {
        &self.client
    }

    /// Waits for the answer to a request of the client.
    pub(crate) fn wait<T>(&self, request: impl Future<Output = Result<T, ClientError>>) -> Result<T, Failure> {
        Ok(self.runtime.block_on(request)?)
    }

    /// Waits for something of the caller's that asks the client.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Pulls a bundle version, if it is another one than is known.
    pub(crate) fn pull(&self, request: &PullRequest, sink: &mut dyn Sink) -> Result<PullAnswer, Failure> {
        self.wait(self.client.pull(request, None, sink))
    }
}

/// Returns the platform and the key for test data. `url` stands in for the flag.
pub(crate) fn target(
    context: &Context,
    workspace: Option<&Workspace>,
    scenario: Option<&Path>,
    url: Option<String>,
) -> Result<Target, Failure> {
    target_for(context, workspace, scenario, url, false)
}

/// Returns the platform that a scenario's results go to, where its key goes there without a word: nobody is asked and nothing is said.
pub(crate) fn quiet_target(context: &Context, workspace: &Workspace, scenario: &Path) -> Option<Target> {
    let (wanted, surroundings) = sought(context, Some(workspace), Some(scenario), None, false);
    let target = resolve(&wanted, &surroundings).ok()?;
    (target.key.is_some() && target.named_only_by.is_none()).then_some(target)
}

fn target_for(
    context: &Context,
    workspace: Option<&Workspace>,
    scenario: Option<&Path>,
    url: Option<String>,
    login_first: bool,
) -> Result<Target, Failure> {
    let (wanted, surroundings) = sought(context, workspace, scenario, url, login_first);
    trusted::resolved(context, &wanted, &surroundings)
}

fn sought(
    context: &Context,
    workspace: Option<&Workspace>,
    scenario: Option<&Path>,
    url: Option<String>,
    login_first: bool,
) -> (TargetOptions, Surroundings) {
    let wanted = TargetOptions {
        url_flag: url.or_else(|| context.url.clone()),
        key_flag: context.api_key.as_deref().map(Secret::from),
        called_as: context.program.tool(),
        about: About::TestData,
        login_first,
    };
    let surroundings = Surroundings {
        project: workspace.map(|workspace| workspace.root().to_owned()),
        scenario: scenario.map(Path::to_owned),
        ..connecting::surroundings(context)
    };
    (wanted, surroundings)
}

/// Returns the project that a command must be about.
pub(crate) fn required_project(workspace: Option<&Workspace>, named: Option<&str>) -> Result<String, Failure> {
    project_id(workspace, named)?.ok_or_else(|| Failure::Usage {
        message: "no project is selected".to_owned(),
        hint: Some("`keepstep projects select ID` selects one".to_owned()),
    })
}

/// Returns the project that a command is about: what it names, else the workspace's.
pub(crate) fn project_id(workspace: Option<&Workspace>, named: Option<&str>) -> Result<Option<String>, Failure> {
    if let Some(named) = named {
        return Ok(Some(named.to_owned()));
    }
    let project = workspace.map(Workspace::project).transpose()?.flatten();
    Ok(project.and_then(|project| project.id().map(str::to_owned)))
}
