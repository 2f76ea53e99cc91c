//! Names from a server as names of files: the only place where one becomes the other.
//!
//! A scenario may be called `..`, `CON`, `../../etc/passwd`, three hundred letters or nothing at all, and two criteria may
//! differ only in case. What comes out here is one path component that every file system accepts, that stays inside its
//! folder, and that no other name of the set shares.
//!
//! In the ordinary case it is what `fluxloop-cli` 0.3.3 writes, so that its files and ours are the same ones: letters, digits,
//! `_` and `-` stay, everything else becomes `_`, outer `_` go. Where that is not safe or not unique, a short digest of id and
//! name follows. It depends on nothing else, so neither the order of the set nor the next pull changes it.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use keepstep_base::Digest;

/// The longest name in bytes, without an extension. File systems take 255, those that encrypt names about 140.
pub const LONGEST: usize = 120;

/// How many hexadecimal digits of the digest tell names apart, and how many where even those are equal.
const SUFFIX_DIGITS: [usize; 2] = [8, 40];

/// What is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An entry of a criteria pack: in lower case, as 0.3.3 has it.
    Criterion,
    /// A scenario: its folder keeps the case of its name.
    Scenario,
}

impl Kind {
    /// The name of something whose own has no character that a file name may have.
    fn fallback(self) -> &'static str {
        match self {
            Self::Criterion => "criteria",
            Self::Scenario => "scenario",
        }
    }
}

/// Something on the server that gets a file or a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named<'a> {
    /// Its id there; empty if it has none.
    pub id: &'a str,
    /// Its name there; empty if it has none, and then the id is the name.
    pub name: &'a str,
}

impl Named<'_> {
    fn label(&self) -> &str {
        if self.name.trim().is_empty() { self.id } else { self.name }
    }

    fn digest(&self) -> String {
        Digest::of_bytes(format!("{}\0{}", self.id, self.name).as_bytes()).to_string()
    }
}

/// Returns the name of the file or folder of one thing that has no neighbors.
pub fn file_name(kind: Kind, named: Named<'_>) -> String {
    let slug = slug(kind, named.label());
    if is_safe(&slug, named.label()) { slug } else { with_digest(&slug, &named.digest(), SUFFIX_DIGITS[0]) }
}

/// Returns the names of the files or folders of a set, in the order of the set.
///
/// All of them differ, also on file systems that ignore case or the form of accents. Things that agree even in id and name
/// are numbered in their order.
pub fn file_names(kind: Kind, set: &[Named<'_>]) -> Vec<String> {
    let slugs: Vec<String> = set.iter().map(|named| slug(kind, named.label())).collect();
    let digests: Vec<String> = set.iter().map(Named::digest).collect();
    // How many steps of `SUFFIX_DIGITS` each one needs. All members of a colliding group take the step, so that it does not
    // matter which of them came first.
    let mut levels: Vec<usize> = set.iter().zip(&slugs).map(|(named, slug)| usize::from(!is_safe(slug, named.label()))).collect();
    let mut names;
    loop {
        names = (0..set.len())
            .map(|at| match levels[at] {
                0 => slugs[at].clone(),
                level => with_digest(&slugs[at], &digests[at], SUFFIX_DIGITS[level - 1]),
            })
            .collect::<Vec<_>>();
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, name) in names.iter().enumerate() {
            groups.entry(folded(name)).or_default().push(at);
        }
        let mut raised = false;
        for at in groups.into_values().filter(|group| group.len() > 1).flatten() {
            if levels[at] < SUFFIX_DIGITS.len() {
                levels[at] += 1;
                raised = true;
            }
        }
        if !raised {
            break;
        }
    }
    let mut taken = BTreeSet::new();
    for name in &mut names {
        let mut count = 1;
        let mut candidate = name.clone();
        while !taken.insert(folded(&candidate)) {
            count += 1;
            candidate = with_suffix(name, &format!("-{count}"));
        }
        *name = candidate;
    }
    names
}

/// A configured path leads out of its scenario or into what keepstep keeps there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{path}` is not a path inside the scenario that test data may be written to; set `inputs_file` to one like inputs/generated.yaml"
)]
pub struct UnsafePath {
    /// The path as configured.
    pub path: String,
}

/// Returns the configured path of the inputs file with `/` between its parts, if it stays inside the scenario and touches no
/// file that has another purpose.
///
/// # Errors
/// It is absolute, has `..`, or lies in a folder of state.
pub fn inputs_path(configured: &str) -> Result<String, UnsafePath> {
    let refused = || UnsafePath { path: configured.to_owned() };
    if configured.starts_with(['/', '\\']) {
        return Err(refused());
    }
    let parts: Vec<&str> = configured.split(['/', '\\']).filter(|part| !part.is_empty() && *part != ".").collect();
    let has_bad_part = parts.iter().any(|part| {
        *part == ".."
            || part.ends_with(['.', ' '])
            || is_reserved(part)
            || part.len() > 255
            || part.contains(|c: char| c.is_control() || matches!(c, ':' | '*' | '?' | '"' | '<' | '>' | '|'))
    });
    let is_state = parts
        .first()
        .is_none_or(|first| [".state", "pulled", ".env", ".git", ".keepstep", "experiments"].contains(&folded(first).as_str()));
    let path = parts.join("/");
    let is_configuration = ["scenario", "input", "simulation"].iter().any(|name| folded(&path) == format!("configs/{name}.yaml"));
    if has_bad_part || is_state || is_configuration { Err(refused()) } else { Ok(path) }
}

fn slug(kind: Kind, label: &str) -> String {
    let lowered = match kind {
        Kind::Criterion => label.to_lowercase(),
        Kind::Scenario => label.to_owned(),
    };
    let mapped: String = lowered
        .chars()
        // A vowel sign or an accent of its own is alphabetic for Rust but neither letter nor digit for Python.
        .map(|c| if (c.is_alphanumeric() && !is_combining_mark(c)) || matches!(c, '_' | '-') { c } else { '_' })
        .collect();
    // A leading `-` would be an option to every command that is given the name.
    let trimmed = mapped.trim_matches('_').trim_start_matches(['-', '_']);
    if trimmed.is_empty() { kind.fallback().to_owned() } else { trimmed.to_owned() }
}

/// Returns true if a slug can stand without a digest.
fn is_safe(slug: &str, label: &str) -> bool {
    slug.len() <= LONGEST && !is_reserved(slug) && !label.starts_with('-') && !matches!(label, "." | "..")
}

fn with_digest(slug: &str, digest: &str, digits: usize) -> String {
    with_suffix(slug, &format!("-{}", &digest[..digits]))
}

fn with_suffix(stem: &str, suffix: &str) -> String {
    let mut end = stem.len().min(LONGEST - suffix.len());
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{suffix}", &stem[..end])
}

/// Returns what two names have in common that some file system takes for the same.
fn folded(name: &str) -> String {
    let upper: String = name.nfd().flat_map(char::to_uppercase).collect();
    upper.to_lowercase().nfd().collect()
}

/// Returns true for a name that means a device on Windows, with any extension.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_ascii_lowercase();
    if ["con", "prn", "aux", "nul", "conin$", "conout$"].contains(&stem.as_str()) {
        return true;
    }
    let port = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    let is_port_number = |text: &str| {
        let mut characters = text.chars();
        matches!((characters.next(), characters.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
    };
    port.is_some_and(is_port_number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn criterion(name: &str) -> String {
        file_name(Kind::Criterion, Named { id: "crit-1", name })
    }

    #[test]
    fn ordinary_names_are_those_of_the_peer() {
        assert_eq!(criterion("Politeness check"), "politeness_check");
        assert_eq!(criterion("  A!B? "), "a_b");
        assert_eq!(criterion("Höflichkeit-2"), "höflichkeit-2");
        assert_eq!(criterion("礼儀"), "礼儀");
        assert_eq!(criterion(""), "crit-1");
        assert_eq!(criterion("!!!"), "criteria");
        assert_eq!(file_name(Kind::Scenario, Named { id: "", name: "Orders EU" }), "Orders_EU");
    }

    #[test]
    fn f34_a_name_is_never_a_path() {
        for name in ["..", ".", "../../../x", "/etc/passwd", "C:\\x", "a/../b", "~", "$(id)", "-rf", "a\0b"] {
            for kind in [Kind::Criterion, Kind::Scenario] {
                let file = file_name(kind, Named { id: "1", name });
                assert!(!file.starts_with(['.', '-', '~']) && !file.contains(['/', '\\', ':', '.', '$', '\0']), "{name}: {file}");
            }
        }
    }

    #[test]
    fn f34_a_configured_path_stays_in_the_scenario() {
        assert_eq!(inputs_path("inputs/generated.yaml").as_deref(), Ok("inputs/generated.yaml"));
        assert_eq!(inputs_path("./inputs//mine.yaml").as_deref(), Ok("inputs/mine.yaml"));
        for path in [
            "",
            ".",
            "../x.yaml",
            "a/../../x",
            "/x",
            "\\\\host\\x",
            "C:\\x",
            ".state/sync.json",
            ".State/x",
            "a/nul.yaml",
            ".env",
            "configs/Input.yaml",
        ] {
            assert!(inputs_path(path).is_err(), "{path}");
        }
    }

    #[test]
    fn f31_equal_slugs_get_files_of_their_own() {
        let set = [Named { id: "1", name: "A!B" }, Named { id: "2", name: "a b" }, Named { id: "3", name: "other" }];
        let names = file_names(Kind::Criterion, &set);
        assert!(names[0].starts_with("a_b-") && names[1].starts_with("a_b-") && names[0] != names[1], "{names:?}");
        assert_eq!(names[2], "other");
    }

    #[test]
    fn f3_a_name_of_three_hundred_letters_is_cut() {
        let names = ["x".repeat(300), format!("{}y", "x".repeat(299)), "é".repeat(300)];
        let files: Vec<String> = names.iter().map(|name| criterion(name)).collect();
        assert!(files.iter().all(|file| file.len() <= LONGEST), "{files:?}");
        assert_ne!(files[0], files[1]);
    }

    #[test]
    fn names_of_devices_get_a_digest() {
        for name in ["CON", "nul", "Com1", "lpt9", "com¹", "AUX"] {
            assert!(criterion(name).len() > name.len() + 8, "{name}");
        }
        assert_eq!(criterion("console"), "console");
        assert_eq!(criterion("com10"), "com10");
    }

    #[test]
    fn forms_of_one_text_are_told_apart() {
        let set = [Named { id: "1", name: "\u{ac00}" }, Named { id: "2", name: "\u{1100}\u{1161}" }];
        let names = file_names(Kind::Scenario, &set);
        assert!(names.iter().all(|name| name.contains('-')), "{names:?}");
    }

    proptest! {
        #[test]
        fn every_name_is_one_safe_component(id in any::<String>(), name in any::<String>()) {
            for kind in [Kind::Criterion, Kind::Scenario] {
                let file = file_name(kind, Named { id: &id, name: &name });
                prop_assert!(!file.is_empty() && file.len() <= LONGEST);
                prop_assert!(file.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-')));
                prop_assert!(!file.starts_with('-') && !is_reserved(&file));
            }
        }

        #[test]
        fn names_of_a_set_differ_and_do_not_depend_on_its_order(
            mut set in prop::collection::btree_map("[a-z0-9]{1,3}", "[aAbB! _.ßẞſsS-]{0,4}", 0..12)
                .prop_map(|set| set.into_iter().collect::<Vec<_>>()),
        ) {
            let names = |set: &[(String, String)]| {
                let named: Vec<Named<'_>> = set.iter().map(|(id, name)| Named { id, name }).collect();
                file_names(Kind::Scenario, &named)
            };
            let forward = names(&set);
            let distinct: BTreeSet<String> = forward.iter().map(|name| folded(name)).collect();
            prop_assert_eq!(distinct.len(), forward.len());
            set.reverse();
            let mut backward = names(&set);
            backward.reverse();
            prop_assert_eq!(forward, backward);
        }
    }
}
