//! What was tested: which agent, which test data, and how it was asked.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The name of the member, beside the others, that tells a test from all others: a platform that was told of the test while it went on knows by
/// it which one has ended.
pub const TEST_KEY: &str = "test_key";

/// What is known about what was tested. What is not known is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// The version of keepstep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The scenario.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    /// The agent's id on the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The revision of the agent that code and platform last agreed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_revision: Option<u64>,
    /// The version of its persona that they agreed on, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona_version: Option<u64>,
    /// The digest of the persona that code and platform last agreed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona_digest: Option<String>,
    /// The digest of the persona that the code has, where it could be read: what was tested, to the letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_persona_digest: Option<String>,
    /// Whether the code has another persona now, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona_modified: Option<bool>,
    /// The commit that was checked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git_commit: Option<String>,
    /// Whether files of it were changed since, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git_dirty: Option<bool>,
    /// The branch, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git_branch: Option<String>,
    /// Who wrote the commit, as git has the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git_author: Option<String>,
    /// The bundle version that the inputs are from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle_version_id: Option<String>,
    /// What kind of target was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_kind: Option<String>,
    /// Its function, program or address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The digest of the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_digest: Option<String>,
}

/// Something that was not the same in two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What, for people.
    pub what: &'static str,
    /// What it was.
    pub before: Option<String>,
    /// What it is.
    pub after: Option<String>,
}

impl Provenance {
    /// Returns what the part of a `summary.json` that is keepstep's own says. What has another form than ours is not known.
    pub fn of(ours: &Map<String, Value>) -> Self {
        let text = |name: &str| ours.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
        let number = |name: &str| ours.get(name).and_then(Value::as_u64);
        let flag = |name: &str| ours.get(name).and_then(Value::as_bool);
        Self {
            version: text("version"),
            scenario: text("scenario"),
            agent: text("agent"),
            agent_revision: number("agent_revision"),
            persona_version: number("persona_version"),
            persona_digest: text("persona_digest"),
            code_persona_digest: text("code_persona_digest"),
            persona_modified: flag("persona_modified"),
            git_commit: text("git_commit"),
            git_dirty: flag("git_dirty"),
            git_branch: text("git_branch"),
            git_author: text("git_author"),
            bundle_version_id: text("bundle_version_id"),
            target_kind: text("target_kind"),
            target: text("target"),
            config_digest: text("config_digest"),
        }
    }

    /// Returns it as members of a document.
    pub fn to_members(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        }
    }

    /// Returns the persona for people: its version, else the revision that was agreed on, else the beginning of its digest; and
    /// whether it was edited since.
    pub fn persona(&self) -> Option<String> {
        let version = self.persona_version.map(|version| format!("v{version}"));
        let revision = || self.agent_revision.map(|revision| format!("revision {revision}"));
        let digest = || self.persona_digest.as_ref().map(|digest| digest.chars().take(12).collect());
        let edited = if self.persona_modified == Some(true) { ", edited" } else { "" };
        version.or_else(revision).or_else(digest).map(|persona| persona + edited)
    }

    /// Returns the commit for people.
    pub fn commit(&self) -> Option<String> {
        let changed = if self.git_dirty == Some(true) { ", with changes" } else { "" };
        self.git_commit.as_ref().map(|commit| format!("{commit}{changed}"))
    }

    /// Returns the target for people.
    pub fn target(&self) -> Option<String> {
        let target = self.target.as_deref()?;
        Some(self.target_kind.as_ref().map_or_else(|| target.to_owned(), |kind| format!("{kind} {target}")))
    }

    /// Returns in what another run differs that makes its cases harder to compare. The commit is not among it: that is what one
    /// compares.
    pub fn differences(&self, after: &Self) -> Vec<Difference> {
        let digest = |provenance: &Self| provenance.config_digest.clone();
        let persona = |provenance: &Self| provenance.persona_digest.clone().or_else(|| provenance.persona());
        let is_edited = |provenance: &Self| provenance.persona_modified == Some(true);
        let is_other_persona = persona(self) != persona(after) || is_edited(self) != is_edited(after);
        let mut pairs = vec![
            ("scenario", self.scenario.clone(), after.scenario.clone()),
            ("configuration", digest(self), digest(after)),
            ("bundle version", self.bundle_version_id.clone(), after.bundle_version_id.clone()),
            ("target", self.target(), after.target()),
            ("agent", self.agent.clone(), after.agent.clone()),
        ];
        if is_other_persona {
            let shown = [self.persona(), after.persona()];
            let [before, now] = if shown[0] == shown[1] { [persona(self), persona(after)] } else { shown };
            pairs.push(("persona version", before, now));
        }
        let differs = |pair: &(_, Option<String>, Option<String>)| pair.1 != pair.2;
        pairs.into_iter().filter(differs).map(|(what, before, after)| Difference { what, before, after }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_differences_have_names() {
        let before = Provenance {
            config_digest: Some("a".to_owned()),
            agent_revision: Some(3),
            persona_digest: Some("p".to_owned()),
            git_commit: Some("c1".to_owned()),
            ..Provenance::default()
        };
        assert_eq!(Provenance::of(&before.to_members()), before);
        let after =
            Provenance { config_digest: None, git_commit: Some("c2".to_owned()), agent_revision: Some(4), ..before.clone() };
        let told: Vec<&str> = before.differences(&after).iter().map(|difference| difference.what).collect();
        assert_eq!(told, ["configuration"], "another revision with the same persona is the same persona");
        let after = Provenance { persona_digest: Some("q".to_owned()), ..after };
        assert_eq!(before.differences(&after)[1].after.as_deref(), Some("revision 4"));
        let edited =
            Provenance { persona_version: Some(7), persona_modified: Some(true), git_dirty: Some(true), ..before.clone() };
        assert_eq!(Provenance::of(&edited.to_members()), edited);
        assert_eq!((edited.persona().as_deref(), edited.commit().as_deref()), (Some("v7, edited"), Some("c1, with changes")));
        assert_eq!(before.differences(&edited)[0].what, "persona version", "an edited persona is another one");
    }
}
