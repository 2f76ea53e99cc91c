//! Which file names something of which other file, and the cycles among them.

use std::collections::{BTreeMap, BTreeSet};

use super::modules::{Id, Module, Modules};

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Module(Id),
    /// Something that is defined in the file of a module.
    Item(Id),
}

/// How many re-exports of re-exports are followed.
const DEPTH: usize = 12;

/// The files that each file names something of. Files are indexes of [`Modules::files`].
pub(super) fn edges(modules: &Modules) -> BTreeMap<usize, BTreeSet<usize>> {
    let mut edges: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (id, module) in modules.all.iter().enumerate() {
        // A name that is handed on is no use of it.
        let imports = module.imports.iter().filter(|import| !import.is_public);
        let imported = imports.map(|import| match import.name {
            Some(_) => found(modules, id, &import.path, DEPTH),
            // Everything of a module is something of it.
            None => match found(modules, id, &import.path, DEPTH) {
                Some(Found::Module(of)) => Some(Found::Item(of)),
                item => item,
            },
        });
        let named = module.paths.iter().map(|path| found(modules, id, path, DEPTH));
        for target in imported.chain(named).flatten() {
            if let Found::Item(target) = target
                && modules.all[target].file != module.file
            {
                edges.entry(module.file).or_default().insert(modules.all[target].file);
            }
        }
    }
    edges
}

/// Follows a path that a module names; `None` where it leads out of the crate, or is a name that was not imported.
fn found(modules: &Modules, from: Id, path: &[String], depth: usize) -> Option<Found> {
    let depth = depth.checked_sub(1)?;
    let module = &modules.all[from];
    let (first, rest) = path.split_first()?;
    let start = match first.as_str() {
        "crate" => 0,
        "self" => from,
        "super" => module.parent?,
        name => {
            let start = member(modules, from, name, depth)?;
            return match start {
                Found::Module(start) => walk(modules, start, rest, depth),
                Found::Item(_) => Some(start),
            };
        }
    };
    walk(modules, start, rest, depth)
}

fn walk(modules: &Modules, from: Id, path: &[String], depth: usize) -> Option<Found> {
    let Some((first, rest)) = path.split_first() else { return Some(Found::Module(from)) };
    if first == "super" {
        return walk(modules, modules.all[from].parent?, rest, depth);
    }
    match member(modules, from, first, depth) {
        Some(Found::Module(module)) => walk(modules, module, rest, depth),
        Some(item) => Some(item),
        None => Some(Found::Item(from)),
    }
}

/// Returns what a name of a module leads to, unless the module itself defines it.
fn member(modules: &Modules, id: Id, name: &str, depth: usize) -> Option<Found> {
    let module: &Module = &modules.all[id];
    if let Some(child) = module.children.get(name) {
        return Some(Found::Module(*child));
    }
    let import = module.imports.iter().find(|import| import.name.as_deref() == Some(name))?;
    // A module that imports its own name from elsewhere would lead back here.
    if import.path.first().map(String::as_str) == Some(name) {
        return None;
    }
    found(modules, id, &import.path, depth)
}

/// Returns the groups of files that name each other in a circle, the largest first.
pub(super) fn cycles(edges: &BTreeMap<usize, BTreeSet<usize>>) -> Vec<Vec<usize>> {
    let reachable = |from: usize| {
        let mut seen = BTreeSet::new();
        let mut left: Vec<usize> = edges.get(&from).into_iter().flatten().copied().collect();
        while let Some(next) = left.pop() {
            if seen.insert(next) {
                left.extend(edges.get(&next).into_iter().flatten());
            }
        }
        seen
    };
    let reach: BTreeMap<usize, BTreeSet<usize>> = edges.keys().map(|file| (*file, reachable(*file))).collect();
    let mut groups: BTreeSet<Vec<usize>> = BTreeSet::new();
    for (file, reached) in &reach {
        if reached.contains(file) {
            groups.insert(
                reached.iter().copied().filter(|other| reach.get(other).is_some_and(|back| back.contains(file))).collect(),
            );
        }
    }
    let mut groups: Vec<Vec<usize>> = groups.into_iter().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    groups
}
