//! Reads the modules of a crate: which file each is in, what it imports, and which paths it names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use syn::visit::{self, Visit};

/// A number that stands for a module of its [`Modules`].
pub(super) type Id = usize;

/// The modules of one crate. The first is its root.
#[derive(Debug, Default)]
pub(super) struct Modules {
    pub(super) all: Vec<Module>,
    /// The files, as paths below the repository.
    pub(super) files: Vec<String>,
}

/// A module, in a file of its own or inside of another's.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// The index of its file.
    pub(super) file: usize,
    pub(super) parent: Option<Id>,
    pub(super) children: BTreeMap<String, Id>,
    pub(super) imports: Vec<Import>,
    /// Paths that expressions, types and macros name.
    pub(super) paths: Vec<Vec<String>>,
}

/// One name of a `use`.
#[derive(Debug, Clone)]
pub(super) struct Import {
    pub(super) path: Vec<String>,
    /// What it is called here; `None` for everything (`*`).
    pub(super) name: Option<String>,
    /// Whether it only hands a name on.
    pub(super) is_public: bool,
}

impl Modules {
    /// Reads a crate from the file of its root; `name_of` says what a file is called in messages.
    ///
    /// # Errors
    /// A file cannot be read, or is not Rust.
    pub(super) fn read(root: &Path, repository: &Path) -> Result<Self> {
        let mut modules = Self::default();
        let directory = root.parent().context("a source file is in a folder")?;
        modules.read_file(root, directory, repository, None)?;
        Ok(modules)
    }

    fn read_file(&mut self, path: &Path, directory: &Path, repository: &Path, parent: Option<Id>) -> Result<Id> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let syntax = syn::parse_file(&text).with_context(|| format!("{} is not Rust", path.display()))?;
        let file = self.files.len();
        self.files.push(path.strip_prefix(repository).unwrap_or(path).to_string_lossy().into_owned());
        self.read_items(&syntax.items, file, directory, repository, parent)
    }

    fn read_items(
        &mut self,
        items: &[syn::Item],
        file: usize,
        directory: &Path,
        repository: &Path,
        parent: Option<Id>,
    ) -> Result<Id> {
        let id = self.all.len();
        self.all.push(Module { file, parent, ..Module::default() });
        for item in items {
            match item {
                syn::Item::Mod(module) if is_test(&module.attrs) => {}
                syn::Item::Mod(module) => {
                    let name = module.ident.to_string();
                    let inside = directory.join(&name);
                    let child = match &module.content {
                        Some((_, items)) => self.read_items(items, file, &inside, repository, Some(id))?,
                        None => self.read_file(&file_of(directory, &name)?, &inside, repository, Some(id))?,
                    };
                    self.all[id].children.insert(name, child);
                }
                item => Reader { module: &mut self.all[id] }.visit_item(item),
            }
        }
        Ok(id)
    }
}

fn file_of(directory: &Path, name: &str) -> Result<PathBuf> {
    let candidates = [directory.join(format!("{name}.rs")), directory.join(name).join("mod.rs")];
    match candidates.iter().find(|candidate| candidate.is_file()) {
        Some(found) => Ok(found.clone()),
        None => bail!("the module {name} has no file in {}", directory.display()),
    }
}

/// Returns whether what follows is compiled for tests only.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string();
            condition == "test" || condition.starts_with("all (test")
        }
        meta => meta.path().is_ident("test"),
    })
}

/// Collects what the items of one module name.
struct Reader<'m> {
    module: &'m mut Module,
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            syn::Item::Const(item) => &item.attrs,
            syn::Item::Struct(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_public = !matches!(item.vis, syn::Visibility::Inherited);
        collect(&item.tree, &mut Vec::new(), is_public, &mut self.module.imports);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.module.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        visit::visit_macro(self, item);
        self.module.paths.extend(paths_in_tokens(&item.tokens.to_string()));
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.module.paths.extend(paths_in_tokens(&list.tokens.to_string()));
        }
    }
}

/// Returns the paths in tokens as the compiler prints them, ` :: ` between the parts.
fn paths_in_tokens(tokens: &str) -> impl Iterator<Item = Vec<String>> {
    let is_word = |text: &str| text.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_');
    let mut words: Vec<&str> = Vec::new();
    let mut rest = tokens;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphanumeric() || first == '_' {
            rest.find(|character: char| !(character.is_alphanumeric() || character == '_')).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        let (word, after) = rest.split_at(length);
        rest = after;
        if !word.trim().is_empty() {
            words.push(word);
        }
    }
    let mut paths: Vec<Vec<String>> = Vec::new();
    let mut follows = false;
    for (index, word) in words.iter().enumerate() {
        let is_part = is_word(word);
        if is_part && follows {
            if let Some(path) = paths.last_mut() {
                path.push((*word).to_owned());
            }
        } else if is_part {
            paths.push(vec![(*word).to_owned()]);
        }
        follows = *word == "::" && index > 0 && is_word(words[index - 1]);
    }
    paths.into_iter()
}

fn collect(tree: &syn::UseTree, path: &mut Vec<String>, is_public: bool, imports: &mut Vec<Import>) {
    let mut import = |path: &[String], name: Option<String>| imports.push(Import { path: path.to_vec(), name, is_public });
    match tree {
        syn::UseTree::Path(part) => {
            path.push(part.ident.to_string());
            collect(&part.tree, path, is_public, imports);
            path.pop();
        }
        syn::UseTree::Name(part) if part.ident == "self" => import(path, path.last().cloned()),
        syn::UseTree::Name(part) => {
            path.push(part.ident.to_string());
            import(path, Some(part.ident.to_string()));
            path.pop();
        }
        syn::UseTree::Rename(part) => {
            if part.ident != "self" {
                path.push(part.ident.to_string());
            }
            import(path, Some(part.rename.to_string()));
            if part.ident != "self" {
                path.pop();
            }
        }
        syn::UseTree::Glob(_) => import(path, None),
        syn::UseTree::Group(group) => {
            for tree in &group.items {
                collect(tree, path, is_public, imports);
            }
        }
    }
}
