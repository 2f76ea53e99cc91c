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
        let account =
            [("name", "Ann"), ("email", "ann@example.com"), ("password", "three words here"), ("repeated", "three words here")];
        browser.submit(&path, &path, &account)?;
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

    /// Returns the files that a page offers, with their names and their texts.
    pub(super) fn files(&self, page: &str) -> Result<Vec<(String, String)>> {
        let shown = self.open(page, &[])?;
        links(&shown, "\" download>").map(|(path, name)| Ok((name, self.open(&path, &[])?))).collect()
    }

    /// Returns the paths below a page that it links to.
    pub(super) fn links_below(&self, page: &str, folder: &str) -> Result<Vec<String>> {
        let start = format!("{page}/{folder}/");
        let shown = self.open(page, &[])?;
        let mut paths: Vec<String> = links(&shown, "\"").map(|(path, _)| path).filter(|path| path.starts_with(&start)).collect();
        paths.dedup();
        Ok(paths)
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

/// Returns where the links of a page lead whose opening ends like this, and what follows it.
fn links<'a>(page: &'a str, end: &'a str) -> impl Iterator<Item = (String, String)> + 'a {
    page.split("<a href=\"").skip(1).filter_map(move |rest| {
        let (path, rest) = rest.split_once('"')?;
        let text = rest.strip_prefix(&end[1..])?.split('<').next()?;
        Some((path.to_owned(), text.to_owned()))
    })
}

/// Returns the token with which the forms of a page prove where they come from.
fn form_token(page: &str) -> Result<String> {
    let rest = page.split_once("name=\"csrf\" value=\"").with_context(|| format!("no form on this page:\n{page}"))?.1;
    Ok(rest.split('"').next().unwrap_or_default().to_owned())
}
