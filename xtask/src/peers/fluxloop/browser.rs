//! An owner at a browser, played with `curl`: signs in through a link, and lets devices in that show a code.

use anyhow::{Context, Result, ensure};

use super::super::platform::Platform;

/// A browser that is signed in.
pub(super) struct Browser<'p> {
    platform: &'p Platform,
    /// The file that keeps the cookies.
    cookies: String,
}

impl<'p> Browser<'p> {
    /// Signs in through a link of the owner.
    pub(super) fn sign_in(platform: &'p Platform) -> Result<Self> {
        let cookies = platform.path("cookies").to_str().context("the temporary folder has no name in UTF-8")?.to_owned();
        let browser = Self { platform, cookies };
        let link = platform.admin(&["owner-link"])?;
        let path = link.find("/sign-in/").map(|start| link[start..].to_owned()).context("the link has no path")?;
        browser.submit(&path, &path, &[("name", "Ann")])?;
        Ok(browser)
    }

    /// Approves or refuses the device that shows a code, as its person does on the page.
    pub(super) fn decide(&self, code: &str, decision: &str) -> Result<()> {
        let device = self.submit("/connect", "/connect", &[("code", code)])?;
        ensure!(device.contains("Let this device in?"), "the page does not know the code {code}:\n{device}");
        let fields = [("code", code), ("decision", decision)];
        self.submit_as("/connect/decide", &form_token(&device)?, &fields)?;
        Ok(())
    }

    /// Opens a page and sends the form on it. Returns what is shown then.
    fn submit(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Result<String> {
        let shown = self.open(page, &[])?;
        self.submit_as(action, &form_token(&shown)?, fields)
    }

    fn submit_as(&self, action: &str, token: &str, fields: &[(&str, &str)]) -> Result<String> {
        let mut arguments = vec!["--data-urlencode".to_owned(), format!("csrf={token}")];
        for (name, value) in fields {
            arguments.extend(["--data-urlencode".to_owned(), format!("{name}={value}")]);
        }
        self.open(action, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn open(&self, path: &str, arguments: &[&str]) -> Result<String> {
        let jar = ["--location", "--cookie", &self.cookies, "--cookie-jar", &self.cookies];
        Ok(self.platform.curl(path, &[&jar, arguments].concat())?.stdout)
    }
}

/// Returns the token with which the forms of a page prove where they come from.
fn form_token(page: &str) -> Result<String> {
    let rest = page.split_once("name=\"csrf\" value=\"").with_context(|| format!("no form on this page:\n{page}"))?.1;
    Ok(rest.split('"').next().unwrap_or_default().to_owned())
}
