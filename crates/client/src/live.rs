//! Tells a platform of a test that goes on.

use std::sync::Arc;

use http::Method;
use keepstep_api::own::live::{LiveAnswer, LiveReport};
use serde_json::json;

use crate::dialect::{keepstep, part};
use crate::error::ClientError;
use crate::options::{Options, Silent};
use crate::target::Target;
use crate::transport::{Call, Transport};

/// Tells a platform of a test that goes on. Nothing is tried twice: the next report comes soon.
#[derive(Debug)]
pub struct LiveReporter {
    transport: Transport,
    /// True once the platform has said that it is ours; no other one is told.
    is_ours: bool,
}

impl LiveReporter {
    /// Prepares a connection; nothing is sent yet.
    ///
    /// # Errors
    /// There are no certificates for an encrypted connection.
    pub fn new(target: &Target, options: &Options) -> Result<Self, ClientError> {
        // A silent server is not to be told of here, nor to be held against the upload at the end.
        let options = Options { waiting: None, silent: Arc::new(Silent::default()), ..options.clone() };
        Ok(Self { transport: Transport::new(target, &options)?, is_ours: false })
    }

    /// Sends a report.
    ///
    /// # Errors
    /// The platform does not answer, refuses, is none of ours or too old.
    pub async fn send(&mut self, project: &str, report: &LiveReport) -> Result<LiveAnswer, ClientError> {
        if !self.is_ours {
            let answer = self.transport.send(&keepstep::health()).await?;
            if !answer.is_ours() {
                return Err(self.transport.unsupported("tests that are watched"));
            }
            self.is_ours = true;
        }
        let call = Call::write(Method::POST, format!("/api/v1/projects/{}/live", part(project)), json!(report));
        let answer = self.transport.send(&call).await?;
        self.transport.read(&answer, "project of a test that goes on")
    }
}
