//! Which file a specifier names, and which files a definition may be read from.
//!
//! A definition may be spread over its repository: a workspace package that is linked into `node_modules`, `../../shared`,
//! a configuration that another package holds. The repository is as far as it goes. Its files came to this machine together, so
//! what one of them says about another is what its author meant; a file beyond it belongs to somebody else.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use oxc_resolver::{ResolveOptions, Resolver, TsconfigDiscovery, TsconfigOptions, TsconfigReferences};

/// The extensions of files that hold code, in the order in which a specifier without extension finds them.
pub(crate) const CODE_EXTENSIONS: [&str; 8] = ["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs"];

/// The folders with such names hold what a package manager put there.
const PACKAGES: &str = "node_modules";

/// What kind of file a path is, as seen from the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// A file of the project or of its repository.
    Own,
    /// A file of an installed package.
    Installed,
    /// A file outside of the repository.
    Foreign,
}

/// How a module is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// With `import`.
    Import,
    /// With `require`.
    Require,
}

impl Request {
    fn condition(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Require => "require",
        }
    }
}

/// Finds files for one project. What is found is remembered.
pub(crate) struct Locator {
    /// The project's folder, with all links resolved.
    pub(crate) root: PathBuf,
    repository: OnceLock<PathBuf>,
    /// Each is made when it is first asked: many an agent imports nothing but packages.
    project: [OnceLock<Resolver>; 2],
    workspace: [OnceLock<Resolver>; 2],
    installed: [OnceLock<Resolver>; 2],
}

impl Locator {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            repository: OnceLock::new(),
            project: Default::default(),
            workspace: Default::default(),
            installed: Default::default(),
        }
    }

    /// Returns the folder that the project's files came with: that of the git repository, or else of the workspace, or else the
    /// project itself.
    pub(crate) fn repository(&self) -> &Path {
        self.repository.get_or_init(|| repository_of(&self.root))
    }

    /// Returns whose file a path is. Links in it have to be resolved.
    pub(crate) fn ownership(&self, path: &Path) -> Ownership {
        let inner = match path.strip_prefix(&self.root) {
            Ok(inner) => inner,
            Err(_) => match path.strip_prefix(self.repository()) {
                // What is hidden outside of the project is settings and keys of people, not a part of a definition.
                Ok(inner) if !is_hidden(inner) => inner,
                _ => return Ownership::Foreign,
            },
        };
        match inner.components().any(|part| part.as_os_str() == PACKAGES) {
            true => Ownership::Installed,
            false => Ownership::Own,
        }
    }

    /// Returns true if a definition may be read from a file. Links in its path have to be resolved.
    pub(crate) fn may_read(&self, path: &Path) -> bool {
        self.ownership(path) != Ownership::Foreign
    }

    /// Returns the file that a specifier names in a file, or `None` if there is none.
    pub(crate) fn locate(&self, from: &Path, specifier: &str, request: Request) -> Option<PathBuf> {
        let folder = from.parent().unwrap_or(from);
        let found = match self.ownership(from) {
            Ownership::Installed | Ownership::Foreign => {
                self.installed[request as usize].get_or_init(|| Resolver::new(installed(request))).resolve(folder, specifier)
            }
            Ownership::Own if from.starts_with(&self.root) => {
                self.project[request as usize].get_or_init(|| project_resolver(&self.root, request)).resolve(folder, specifier)
            }
            Ownership::Own => {
                let resolver = self.workspace[request as usize].get_or_init(|| {
                    let options = own(&self.root, request);
                    Resolver::new(ResolveOptions { tsconfig: Some(TsconfigDiscovery::Auto), ..options })
                });
                resolver.resolve_file(from, specifier)
            }
        };
        found.ok().map(oxc_resolver::Resolution::into_path_buf)
    }
}

/// Returns true if a part of a path is hidden, other than where package managers keep packages.
fn is_hidden(path: &Path) -> bool {
    path.components().any(|part| match part {
        Component::Normal(name) => {
            name.as_encoded_bytes().starts_with(b".") && ![".pnpm", ".store"].map(OsStr::new).contains(&name)
        }
        _ => false,
    })
}

fn repository_of(root: &Path) -> PathBuf {
    let has = |folder: &&Path, name: &str| folder.join(name).exists();
    let is_workspace = |folder: &&Path| has(folder, "pnpm-workspace.yaml") || names_workspaces(&folder.join("package.json"));
    let git = root.ancestors().find(|folder| has(folder, ".git"));
    let found = git.or_else(|| root.ancestors().find(is_workspace)).unwrap_or(root);
    // Never the whole machine.
    if found.parent().is_some() { found } else { root }.to_owned()
}

/// Returns true for the description of a package that consists of others.
fn names_workspaces(path: &Path) -> bool {
    let Ok(text) = std::fs::read_to_string(path) else { return false };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    serde_json::from_str::<serde_json::Value>(text).is_ok_and(|package| package.get("workspaces").is_some())
}

/// Returns how the project's own files are found, as TypeScript finds them.
fn own(root: &Path, request: Request) -> ResolveOptions {
    let alias = |from: &str, to: &[&str]| (from.to_owned(), to.iter().map(|&extension| extension.to_owned()).collect());
    ResolveOptions {
        cwd: Some(root.to_owned()),
        extensions: CODE_EXTENSIONS.iter().chain(&["json"]).map(|extension| format!(".{extension}")).collect(),
        extension_alias: vec![
            alias(".js", &[".ts", ".tsx", ".js", ".jsx"]),
            alias(".jsx", &[".tsx", ".jsx"]),
            alias(".mjs", &[".mts", ".mjs"]),
            alias(".cjs", &[".cts", ".cjs"]),
        ],
        condition_names: ["node", request.condition(), "default"].map(str::to_owned).to_vec(),
        node_path: false,
        ..ResolveOptions::default()
    }
}

/// Returns how the files of installed packages are found, as Node.js finds them; sources are the last resort.
fn installed(request: Request) -> ResolveOptions {
    let alias = |from: &str, to: &[&str]| (from.to_owned(), to.iter().map(|&extension| extension.to_owned()).collect());
    let extensions = ["js", "cjs", "mjs", "json", "ts", "tsx", "cts", "mts"];
    ResolveOptions {
        extensions: extensions.map(|extension| format!(".{extension}")).to_vec(),
        extension_alias: vec![
            alias(".js", &[".js", ".ts", ".tsx"]),
            alias(".mjs", &[".mjs", ".mts"]),
            alias(".cjs", &[".cjs", ".cts"]),
        ],
        condition_names: ["node", request.condition(), "default"].map(str::to_owned).to_vec(),
        node_path: false,
        ..ResolveOptions::default()
    }
}

/// Returns what finds the files that specifiers name in the project, with its configuration.
fn project_resolver(root: &Path, request: Request) -> Resolver {
    let config_file = root.join("tsconfig.json");
    let mut options = own(root, request);
    let plain = Resolver::new(options.clone());
    if !config_file.is_file() {
        return plain;
    }
    let references = TsconfigReferences::Auto;
    options.tsconfig = Some(TsconfigDiscovery::Manual(TsconfigOptions { config_file: config_file.clone(), references }));
    let configured = Resolver::new(options);
    // A configuration that does not load (it may extend a package that is not installed) would make everything
    // unresolvable, which says less than resolving without it.
    if configured.resolve_tsconfig(&config_file).is_ok() { configured } else { plain }
}
