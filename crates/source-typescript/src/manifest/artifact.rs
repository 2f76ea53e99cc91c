//! Where the bundle of a primitive goes.

use sha2::{Digest as _, Sha256};

use super::measure::hex16;

/// How many letters of a name go into the name of a file.
const LONGEST_NAME: usize = 100;

/// Returns where the bundle of a primitive goes, below the folder of the compiler.
///
/// A name is data of a person. It may hold a `/` or be longer than the name of a file can be; then the letters that make
/// trouble are replaced, and a digest of the name keeps two such names apart.
pub(super) fn artifact_path(kind: &str, name: &str) -> String {
    let is_safe = |letter: char| !letter.is_control() && !r#"/\:*?"<>|"#.contains(letter);
    let is_plain = name.chars().all(is_safe) && name.len() <= LONGEST_NAME && !name.is_empty() && !name.starts_with('.');
    if is_plain {
        return format!("artifacts/{kind}/{name}.js");
    }
    let mut letters: String = name.chars().map(|letter| if is_safe(letter) { letter } else { '-' }).collect();
    letters.truncate(letters.floor_char_boundary(LONGEST_NAME));
    let digest = &hex16(&Sha256::digest(name))[..8];
    match letters.trim_matches(['.', '-', ' ']) {
        "" => format!("artifacts/{kind}/{kind}.js"),
        letters => format!("artifacts/{kind}/{letters}-{digest}.js"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x3_a_name_with_a_slash_is_not_a_path() {
        insta::assert_snapshot!(artifact_path("agent", "N1"), @"artifacts/agent/N1.js");
        insta::assert_snapshot!(artifact_path("agent", "a/b c"), @"artifacts/agent/a-b c-0af99a60.js");
        insta::assert_snapshot!(artifact_path("agent", "../../x"), @"artifacts/agent/x-9cdf6a50.js");
        insta::assert_snapshot!(artifact_path("agent", ""), @"artifacts/agent/agent.js");
        assert_ne!(artifact_path("agent", "a/b"), artifact_path("agent", "a\\b"));
        let long = artifact_path("agent", &"ä".repeat(400));
        assert!(long.len() < 200 && long.ends_with(".js"), "{long}");
    }
}
