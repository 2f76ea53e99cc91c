//! The structure of the code, held against ARCHITECTURE.md: which crate imports which, and no circles among files but those with a reason.
//!
//! A file imports another one when it names something that the other defines; a name that is only handed on (`pub use`) is looked up
//! where it is defined. Code for tests does not count.

mod graph;
mod modules;
mod rules;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use self::modules::Modules;
use crate::{command, repository};

/// Files that import each other, each by way of the others.
pub(super) type Circle = BTreeSet<String>;

/// Prints the circles with their imports.
pub(crate) fn show() -> Result<()> {
    for (circle, imports) in circles()? {
        println!("{} files in a circle:", circle.len());
        for line in imports {
            println!("  {line}");
        }
    }
    Ok(())
}

/// Returns what ARCHITECTURE.md does not say of the code, or says wrongly.
pub(crate) fn problems() -> Result<Vec<String>> {
    let output =
        command::cargo(&["metadata", "--format-version", "1", "--no-deps", "--offline"]).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let (arrows, mut problems) = rules::arrows(&String::from_utf8_lossy(&output.stdout))?;
    let circles: Vec<Circle> = circles()?.into_iter().map(|(circle, _)| circle).collect();
    let files = sources()?;
    problems.extend(rules::places(files.iter().map(|(path, text)| (path.as_str(), text.as_str()))));
    problems.extend(rules::compare(&repository::read("ARCHITECTURE.md")?, &arrows, &circles));
    Ok(problems)
}

/// Returns the circles of all crates, each with a line for the imports of each file.
fn circles() -> Result<Vec<(Circle, Vec<String>)>> {
    let root = repository::root();
    let mut found = Vec::new();
    for file in roots()? {
        let modules = Modules::read(&file, &root)?;
        let edges = graph::edges(&modules);
        for circle in graph::cycles(&edges) {
            let name = |file: &usize| modules.files[*file].clone();
            let line = |file: &usize| {
                let imports: Vec<String> = edges[file].iter().filter(|other| circle.contains(other)).map(name).collect();
                format!("{} -> {}", name(file), imports.join(", "))
            };
            found.push((circle.iter().map(name).collect(), circle.iter().map(line).collect()));
        }
    }
    Ok(found)
}

/// Returns the path of every file of the crates' sources, and its text.
fn sources() -> Result<Vec<(String, String)>> {
    let root = repository::root();
    let mut found = Vec::new();
    let mut folders = vec![root.join("crates")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.strip_prefix(&root)?.to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name.contains("/src/") && name.ends_with(".rs") {
                found.push((name, std::fs::read_to_string(&path)?));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Returns the files that the crates begin with.
fn roots() -> Result<Vec<PathBuf>> {
    let mut roots = Vec::new();
    for entry in std::fs::read_dir(repository::root().join("crates"))? {
        let source = entry?.path().join("src");
        roots.extend(["lib.rs", "main.rs"].map(|name| source.join(name)).into_iter().filter(|path| path.is_file()));
    }
    roots.sort();
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_handed_on_leads_to_where_it_is_defined() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("lib.rs", "mod a;\nmod b;\nmod c;\npub use a::A;\n");
        write(
            "a.rs",
            "pub struct A;\nimpl A { fn f(&self) -> crate::b::B { todo!() } }\n#[cfg(test)]\nmod tests { use crate::c::C; }\n",
        );
        write("b.rs", "use crate::A;\npub struct B(A);\n");
        write("c.rs", "pub struct C;\nfn f() { println!(\"{}\", crate::b::B::new()) }\n");
        let modules = Modules::read(&folder.path().join("lib.rs"), folder.path()).unwrap();
        let edges = graph::edges(&modules);
        let named = |from: &str| -> Vec<&str> {
            let from = modules.files.iter().position(|file| file == from).unwrap();
            edges.get(&from).into_iter().flatten().map(|to| modules.files[*to].as_str()).collect()
        };
        assert_eq!(
            (named("lib.rs"), named("a.rs"), named("b.rs"), named("c.rs")),
            (vec![], vec!["b.rs"], vec!["a.rs"], vec!["b.rs"])
        );
        let circles: Vec<Vec<&str>> = graph::cycles(&edges)
            .iter()
            .map(|circle| circle.iter().map(|file| modules.files[*file].as_str()).collect())
            .collect();
        assert_eq!(circles, [["a.rs", "b.rs"]]);
    }
}
