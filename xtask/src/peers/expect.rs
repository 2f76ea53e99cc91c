//! What a case expects of a command.

use anyhow::{Result, bail};
use serde_json::Value;

use crate::command::Output;

/// What the lines of a warning, a failure and a crash have: lua-cli uses the first three, fluxloop-cli all but the third.
const MARKS: [&str; 5] = ["⚠", "❌", "✖", "✗", "Traceback (most recent call last)"];

/// Expectations that return the output again, so that they can be chained.
pub(super) trait Expect: Sized {
    /// Expects no warning and no failure on either stream.
    fn clean(self) -> Result<Self>;
    /// Expects no warnings but those that contain one of these texts.
    fn warns_only(self, allowed: &[&str]) -> Result<Self>;
    /// Expects a text on one of the streams.
    fn says(self, text: &str) -> Result<Self>;
    /// Expects that a text is on none of the streams.
    fn keeps_silent_about(self, text: &str) -> Result<Self>;
    /// Expects JSON as the last line of standard output.
    fn json(&self) -> Result<Value>;
}

impl Expect for Output {
    fn clean(self) -> Result<Self> {
        self.warns_only(&[])
    }

    fn warns_only(self, allowed: &[&str]) -> Result<Self> {
        let lines = self.stdout.lines().chain(self.stderr.lines());
        let mut marked = lines.filter(|line| MARKS.iter().any(|mark| line.contains(mark)));
        match marked.find(|line| !allowed.iter().any(|text| line.contains(text))) {
            None => Ok(self),
            Some(line) => bail!("`{}` warned: {}\n{}", self.line, line.trim(), self.transcript()),
        }
    }

    fn says(self, text: &str) -> Result<Self> {
        if self.stdout.contains(text) || self.stderr.contains(text) {
            return Ok(self);
        }
        bail!("`{}` did not say {text:?}\n{}", self.line, self.transcript())
    }

    fn keeps_silent_about(self, text: &str) -> Result<Self> {
        if self.stdout.contains(text) || self.stderr.contains(text) {
            bail!("`{}` said {text:?}\n{}", self.line, self.transcript());
        }
        Ok(self)
    }

    fn json(&self) -> Result<Value> {
        let start = self.stdout.find('{').map(|start| self.stdout[start..].trim()).unwrap_or_default();
        match serde_json::from_str(start) {
            Ok(value) => Ok(value),
            Err(error) => bail!("`{}` did not print JSON: {error}\n{}", self.line, self.transcript()),
        }
    }
}

/// Expects two values to be equal, and names what they are.
pub(super) fn equal(what: &str, found: &Value, wanted: &Value) -> Result<()> {
    if found == wanted {
        return Ok(());
    }
    bail!("{what} is {found}, and should be {wanted}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(stdout: &str) -> Output {
        Output { line: "lua".to_owned(), code: Some(0), stdout: stdout.to_owned(), stderr: String::new() }
    }

    #[test]
    fn a_warning_that_is_not_named_fails() {
        assert!(output("fine\n").clean().is_ok());
        assert!(output("⚠️  Name drift detected:\n").clean().is_err());
        assert!(output("⚠️  Name drift detected:\n").warns_only(&["drift detected"]).is_ok());
    }
}
