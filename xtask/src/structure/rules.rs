//! What ARCHITECTURE.md draws, held against the code.
//!
//! The page has two tables that are read here: which crate imports which, and the circles among files that are there for a reason.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Circle;

/// The page.
const FILE: &str = "ARCHITECTURE.md";

/// Crates that only one of ours may use, by the beginning of their names.
const ONLY_ONE: [(&str, &str); 4] =
    [("ring", "platform"), ("sqlx", "store"), ("oxc_", "source-typescript"), ("rquickjs", "source-typescript")];

/// Folders that no crate has inside its `src`: `target` is what a build leaves, and `test` reads as code for tests.
const NO_FOLDERS: [&str; 2] = ["target", "test"];

/// The folder whose files print, and whoever helps tests to.
const MAY_PRINT: [&str; 2] = ["crates/cli/src/shell/", "crates/testkit/"];

/// What prints, or looks at where it would be printed.
const PRINTS: [&str; 8] =
    ["println!(", "print!(", "dbg!(", "io::stdout()", "io::stderr()", "Term::stdout()", "Term::stderr()", "process::exit("];

/// The crates that translate between the wire, or the command line, and the use cases.
const TRANSLATE: [&str; 4] = ["crates/server/src/", "crates/dashboard/src/", "crates/http/src/", "crates/cli/src/"];

/// What writes to the store, which only a use case does.
const WRITES: [&str; 5] = ["store.write()", ".write().await", "Transaction", ".receive_parts(", ".receive_file("];

/// How many circles there may be, whatever their reasons.
const MOST_CIRCLES: usize = 2;

/// The crates that each crate imports, by their short names.
pub(super) type Arrows = BTreeMap<String, BTreeSet<String>>;

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

/// Returns the imports of the crates under `crates/`, and what breaks a rule of its own among those from outside.
///
/// # Errors
/// `cargo metadata` prints something unexpected.
pub(super) fn arrows(metadata: &str) -> Result<(Arrows, Vec<String>)> {
    let metadata: Metadata = serde_json::from_str(metadata).context("`cargo metadata` printed something unexpected")?;
    let (mut arrows, mut problems) = (Arrows::new(), Vec::new());
    for package in metadata.packages.iter().filter(|package| package.manifest_path.contains("/crates/")) {
        let name = short(&package.name);
        let ours = arrows.entry(name.to_owned()).or_default();
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind.is_none()) {
            if dependency.path.is_some() {
                ours.insert(short(&dependency.name).to_owned());
            }
            for (beginning, only) in ONLY_ONE {
                if dependency.name.starts_with(beginning) && name != only {
                    problems.push(format!("crates/{name}: only crates/{only} may use `{}`", dependency.name));
                }
            }
        }
    }
    Ok((arrows, problems))
}

/// Returns what breaks a rule about the place of a file, about who prints, or about who writes to the store. A file is its path and its text.
pub(super) fn places<'f>(files: impl IntoIterator<Item = (&'f str, &'f str)>) -> Vec<String> {
    let mut problems = Vec::new();
    for (path, text) in files {
        let inside = path.split_once("/src/").map_or("", |(_, inside)| inside);
        if let Some(folder) = NO_FOLDERS.iter().find(|folder| inside.split('/').rev().skip(1).any(|part| part == **folder)) {
            problems.push(format!("{path}: no folder of sources is named `{folder}`"));
        }
        let may_print = MAY_PRINT.iter().any(|folder| path.starts_with(folder));
        let translates = TRANSLATE.iter().any(|folder| path.starts_with(folder));
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate() {
            let line = line.split("//").next().unwrap_or_default();
            if let Some(what) = PRINTS.iter().find(|what| !may_print && line.contains(**what)) {
                problems.push(format!("{path}:{}: only {} prints: `{what}`", number + 1, MAY_PRINT[0]));
            }
            if let Some(what) = WRITES.iter().find(|what| translates && line.contains(**what)) {
                problems.push(format!(
                    "{path}:{}: `{what}` writes to the store, which only a use case does: call one of crates/platform",
                    number + 1
                ));
            }
        }
    }
    problems
}

/// Returns the name of a crate as its folder has it.
fn short(name: &str) -> &str {
    match name {
        "keepstep" => "cli",
        name => name.strip_prefix("keepstep-").unwrap_or(name),
    }
}

/// Returns how the page differs from the code.
pub(super) fn compare(page: &str, arrows: &Arrows, circles: &[Circle]) -> Vec<String> {
    let mut problems = Vec::new();
    let drawn = drawn_arrows(page);
    for (name, imports) in arrows {
        match drawn.get(name) {
            None => problems.push(format!("{FILE}: crates/{name} has no row in the table of imports")),
            Some(drawn) => {
                problems.extend(imports.difference(drawn).map(|import| {
                    format!("crates/{name} imports crates/{import}, which {FILE} does not draw: move what it needs, or draw it with a reason")
                }));
                problems.extend(
                    drawn
                        .difference(imports)
                        .map(|import| format!("{FILE}: crates/{name} does not import crates/{import} any more")),
                );
            }
        }
    }
    let listed = listed_circles(page);
    if circles.len() > MOST_CIRCLES {
        problems.push(format!("{} circles among files; {MOST_CIRCLES} are allowed", circles.len()));
    }
    for circle in circles {
        if !listed.contains(circle) {
            let files: Vec<&str> = circle.iter().map(String::as_str).collect();
            problems.push(format!(
                "{} import each other in a circle, which {FILE} does not list: `cargo xtask structure` shows the imports",
                files.join(", ")
            ));
        }
    }
    problems.extend(listed.iter().filter(|listed| !circles.contains(listed)).map(|listed| {
        let files: Vec<&str> = listed.iter().map(String::as_str).collect();
        format!("{FILE}: {} are no circle any more: remove the line", files.join(", "))
    }));
    problems
}

/// Returns the rows `| `name` | `import`, `import` |` below the heading "Imports".
fn drawn_arrows(page: &str) -> Arrows {
    let rows = section(page, "## Imports").filter(|line| line.starts_with("| `"));
    rows.filter_map(|row| {
        let mut columns = row.trim_matches('|').splitn(2, '|');
        let name = spans(columns.next()?).next()?;
        Some((name, spans(columns.next()?).collect()))
    })
    .collect()
}

/// Returns the lines `- `file`, `file`: reason` below the heading "Circles".
fn listed_circles(page: &str) -> BTreeSet<Circle> {
    let lines = section(page, "## Circles").filter(|line| line.starts_with("- `"));
    lines.map(|line| spans(line.split("`:").next().unwrap_or_default()).collect()).collect()
}

fn section<'p>(page: &'p str, heading: &'p str) -> impl Iterator<Item = &'p str> {
    page.lines().skip_while(move |line| *line != heading).skip(1).take_while(|line| !line.starts_with("## "))
}

fn spans(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# A\n\n## Imports\n\n| Crate | Imports |\n|---|---|\n| `cli` | `store`, `core` |\n| `store` | `core` |\n\n\
                        ## Circles\n\n- `a.rs`, `b.rs`: they are one thing\n\n## More\n";

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_page_and_the_code_are_compared_in_both_directions() {
        let arrows: Arrows = [("cli", set(&["core", "store"])), ("store", set(&["core"]))]
            .map(|(name, imports)| (name.to_owned(), imports))
            .into();
        assert_eq!(compare(PAGE, &arrows, &[set(&["a.rs", "b.rs"])]), [] as [&str; 0]);
        let arrows: Arrows = [("cli", set(&["store"])), ("store", set(&["api", "core"])), ("api", set(&[]))]
            .map(|(name, imports)| (name.to_owned(), imports))
            .into();
        assert_eq!(
            compare(PAGE, &arrows, &[set(&["c.rs", "d.rs"])]),
            [
                "ARCHITECTURE.md: crates/api has no row in the table of imports",
                "ARCHITECTURE.md: crates/cli does not import crates/core any more",
                "crates/store imports crates/api, which ARCHITECTURE.md does not draw: move what it needs, or draw it with a reason",
                "c.rs, d.rs import each other in a circle, which ARCHITECTURE.md does not list: `cargo xtask structure` shows the imports",
                "ARCHITECTURE.md: a.rs, b.rs are no circle any more: remove the line",
            ]
        );
    }

    #[test]
    fn only_the_shell_prints_and_no_folder_has_a_name_of_cargo() {
        let files = [
            ("crates/cli/src/shell/printer.rs", "io::stdout()"),
            ("crates/cli/src/command/a.rs", "// println!()\n    println!(\"a\");\n#[cfg(test)]\nmod tests { println!() }"),
            ("crates/runner/src/target/b.rs", ""),
            ("crates/runner/tests/test/c.rs", ""),
            ("crates/runner/src/test.rs", ""),
        ];
        assert_eq!(
            places(files),
            [
                "crates/cli/src/command/a.rs:2: only crates/cli/src/shell/ prints: `println!(`",
                "crates/runner/src/target/b.rs: no folder of sources is named `target`",
            ]
        );
    }

    #[test]
    fn only_use_cases_write_to_the_store() {
        let files = [
            ("crates/platform/src/agents.rs", "self.store.write().await?"),
            ("crates/server/src/api/agents.rs", "let mut transaction = platform.store.write().await?;"),
            ("crates/dashboard/src/pages/edit.rs", "// store.write()\nlet store = &platform.store;\nstore\n.write().await?;"),
            ("crates/cli/src/command/admin/key.rs", "store.write()"),
            ("crates/server/tests/api/world.rs", "self.store.write().await"),
        ];
        let said = "writes to the store, which only a use case does: call one of crates/platform";
        assert_eq!(
            places(files),
            [
                format!("crates/server/src/api/agents.rs:1: `store.write()` {said}"),
                format!("crates/dashboard/src/pages/edit.rs:4: `.write().await` {said}"),
                format!("crates/cli/src/command/admin/key.rs:1: `store.write()` {said}"),
            ]
        );
    }

    #[test]
    fn crates_from_outside_have_one_user() {
        let metadata = r#"{"packages": [
            {"name": "keepstep", "manifest_path": "/k/crates/cli/Cargo.toml", "dependencies": [
                {"name": "keepstep-store", "kind": null, "path": "/k/crates/store"},
                {"name": "sqlx", "kind": null, "path": null}, {"name": "oxc_parser", "kind": "dev", "path": null}]},
            {"name": "xtask", "manifest_path": "/k/xtask/Cargo.toml", "dependencies": []}]}"#;
        let (arrows, problems) = arrows(metadata).unwrap();
        assert_eq!(arrows, [("cli".to_owned(), set(&["store"]))].into());
        assert_eq!(problems, ["crates/cli: only crates/store may use `sqlx`"]);
    }
}
