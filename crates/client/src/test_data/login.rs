//! Signing a device in: a person approves in a browser what the device asked for.

use http::Method;
use keepstep_api::fluxloop::{Credential, LoginComplete, LoginProgress, LoginRefresh, LoginRefreshed, LoginStart, LoginStarted};
use serde_json::json;

use super::TestData;
use super::tolerant::one;
use crate::error::ClientError;
use crate::transport::Call;

impl TestData {
    /// Begins to sign in this device. No key is sent.
    ///
    /// # Errors
    /// The server does not answer, or has no such way to sign in.
    pub async fn start_login(&self, device: &str) -> Result<LoginStarted, ClientError> {
        let body = LoginStart { device_name: Some(device.to_owned()) };
        let call = Call::write(Method::POST, "/api/cli-connect/start".to_owned(), json!(body)).harmless().without_key();
        let mut started: LoginStarted = one(&self.transport, &call, "sign-in for devices").await?;
        // Each peer reads another name, so a server may send only one.
        started.expires_in = [started.expires_in, started.expires_in_sec, 600].into_iter().find(|time| *time > 0).unwrap_or(600);
        started.interval = [started.interval, started.interval_sec, 5].into_iter().find(|time| *time > 0).unwrap_or(5);
        Ok(started)
    }

    /// Asks how far the person is.
    ///
    /// # Errors
    /// The server does not answer, or knows no such login.
    pub async fn login_progress(&self, device_code: &str) -> Result<LoginProgress, ClientError> {
        let body = LoginComplete { device_code: device_code.to_owned() };
        // An approved login is handed out once, so the question is not repeated on its own.
        let call = Call::write(Method::POST, "/api/cli-connect/complete".to_owned(), json!(body)).without_key();
        one(&self.transport, &call, "login that was begun").await
    }

    /// Returns new tokens for the one that was given with the old.
    ///
    /// # Errors
    /// The server does not answer, or takes the token no more.
    pub async fn refresh_login(&self, refresh_token: &str) -> Result<Credential, ClientError> {
        let body = LoginRefresh { refresh_token: refresh_token.to_owned() };
        let call = Call::write(Method::POST, "/api/cli-connect/refresh".to_owned(), json!(body)).without_key();
        let refreshed: LoginRefreshed = one(&self.transport, &call, "login to prolong").await?;
        Ok(refreshed.credential)
    }
}
