//! The files of a project: loading, resolving, and the texts that stand in place of files while an edit is proven.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use crate::resolve::CODE_EXTENSIONS;
use crate::resolve::{Locator, Ownership, Request};
use crate::syntax::{self, File, Module, SyntaxProblem};
use keepstep_source::SourceError;
use keepstep_source::frame;
use keepstep_source::{Location, Problem};

/// No one writes a definition of this size; a file of this size is something else.
const LARGEST_FILE: u64 = 256 << 20;
/// Below this number of files, threads cost more than they save.
const WORTH_THREADS: usize = 8;

/// Why a file cannot be used.
#[derive(Debug, Clone)]
pub(crate) enum LoadError {
    Io { kind: io::ErrorKind, message: String },
    NotUtf8 { offset: usize },
    Syntax { file: Arc<File>, problem: SyntaxProblem },
    TooLarge { size: u64 },
    Outside,
}

impl LoadError {
    fn io(error: &io::Error) -> Self {
        Self::Io { kind: error.kind(), message: error.to_string() }
    }

    /// Returns the reason as a part of a sentence.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Io { message, .. } => format!("it cannot be read: {message}"),
            Self::NotUtf8 { offset } => format!("it is not UTF-8: the byte at offset {offset} belongs to no character"),
            Self::Syntax { problem, .. } => format!("it does not parse: {}", problem.message),
            Self::TooLarge { size } => format!("it is too large: {size} bytes"),
            Self::Outside => "it is outside of the project and its repository".to_owned(),
        }
    }
}

/// What a specifier names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resolved {
    /// A file of the project.
    File(PathBuf),
    /// A package or a module of the runtime.
    Package(Arc<str>),
    /// A file that does not exist.
    Missing,
    /// A file outside of the project.
    Outside(PathBuf),
}

/// Files by their paths, each loaded once.
type Loaded<T> = Arc<Mutex<HashMap<PathBuf, Result<Arc<T>, LoadError>>>>;

/// The loaded files. Each is read and parsed once; a clone shares them.
#[derive(Clone)]
pub(crate) struct Graph {
    pub(crate) root: PathBuf,
    locator: Arc<Locator>,
    resolutions: Arc<Mutex<HashMap<(PathBuf, String), Resolved>>>,
    files: Loaded<File>,
    modules: Loaded<Module>,
}

impl Graph {
    pub(crate) fn new(root: &Path) -> Result<Self, SourceError> {
        let root = root.canonicalize().map_err(|source| SourceError::Io { path: root.to_owned(), source })?;
        let locator = Arc::new(Locator::new(&root));
        Ok(Self { root, locator, resolutions: Arc::default(), files: Arc::default(), modules: Arc::default() })
    }

    /// Returns a graph in which some files have other texts.
    pub(crate) fn with_texts(&self, texts: impl IntoIterator<Item = (PathBuf, String)>) -> Self {
        let mut files = lock(&self.files).clone();
        let mut modules = lock(&self.modules).clone();
        for (path, text) in texts {
            modules.remove(&path);
            files.insert(path.clone(), Ok(Arc::new(File { path, text })));
        }
        Self {
            root: self.root.clone(),
            locator: Arc::clone(&self.locator),
            resolutions: Arc::clone(&self.resolutions),
            files: Arc::new(Mutex::new(files)),
            modules: Arc::new(Mutex::new(modules)),
        }
    }

    /// Returns a path relative to the root, for people; one of another folder of the repository begins with `..`.
    pub(crate) fn relative(&self, path: &Path) -> PathBuf {
        relative_to(&self.root, path)
    }

    /// Returns the text of a loaded file.
    pub(crate) fn text(&self, path: &Path) -> Option<String> {
        match lock(&self.files).get(path) {
            Some(Ok(file)) => Some(file.text.clone()),
            _ => None,
        }
    }

    /// Returns the paths of the loaded files.
    pub(crate) fn loaded_files(&self) -> Vec<PathBuf> {
        lock(&self.files).keys().cloned().collect()
    }

    /// Loads a file of the project, whatever it holds.
    pub(crate) fn file(&self, path: &Path) -> Result<Arc<File>, LoadError> {
        if let Some(known) = lock(&self.files).get(path) {
            return known.clone();
        }
        let loaded = self.read(path);
        lock(&self.files).insert(path.to_owned(), loaded.clone());
        loaded
    }

    fn read(&self, path: &Path) -> Result<Arc<File>, LoadError> {
        // First, because most of the places where an agent is looked for are empty, and this sees it with one look.
        let metadata = path.metadata().map_err(|error| LoadError::io(&error))?;
        let real = path.canonicalize().map_err(|error| LoadError::io(&error))?;
        if !self.locator.may_read(&real) {
            return Err(LoadError::Outside);
        }
        if !metadata.is_file() {
            return Err(LoadError::Io { kind: io::ErrorKind::InvalidInput, message: "it is not a file".to_owned() });
        }
        if metadata.len() > LARGEST_FILE {
            return Err(LoadError::TooLarge { size: metadata.len() });
        }
        let bytes = std::fs::read(&real).map_err(|error| LoadError::io(&error))?;
        let text = String::from_utf8(bytes).map_err(|error| LoadError::NotUtf8 { offset: error.utf8_error().valid_up_to() })?;
        Ok(Arc::new(File { path: path.to_owned(), text }))
    }

    /// Loads and parses a module of the project.
    pub(crate) fn module(&self, path: &Path) -> Result<Arc<Module>, LoadError> {
        if let Some(known) = lock(&self.modules).get(path) {
            return known.clone();
        }
        let parsed = self
            .file(path)
            .and_then(|file| syntax::lower(&file).map(Arc::new).map_err(|problem| LoadError::Syntax { file, problem }));
        lock(&self.modules).insert(path.to_owned(), parsed.clone());
        parsed
    }

    /// Returns what a specifier in a module names.
    pub(crate) fn resolve(&self, from: &Module, specifier: &str) -> Resolved {
        let bare = specifier.strip_prefix("node:").unwrap_or(specifier);
        if specifier.starts_with("node:") || is_builtin(bare) || bare == "lua-cli" || bare.starts_with("lua-cli/") {
            return Resolved::Package(bare.into());
        }
        let key = (from.directory().to_owned(), specifier.to_owned());
        if let Some(known) = lock(&self.resolutions).get(&key) {
            return known.clone();
        }
        let resolved = match self.locator.locate(&from.file.path, specifier, Request::Import) {
            Some(path) => match self.locator.ownership(&path) {
                Ownership::Own => Resolved::File(path),
                Ownership::Installed => Resolved::Package(specifier.into()),
                Ownership::Foreign if is_installed(&path) => Resolved::Package(specifier.into()),
                Ownership::Foreign => Resolved::Outside(path),
            },
            None if specifier.starts_with(['.', '/', '#']) => Resolved::Missing,
            None => Resolved::Package(specifier.into()),
        };
        lock(&self.resolutions).insert(key, resolved.clone());
        resolved
    }

    /// Loads everything that some files import, breadth first, and returns the paths in that order.
    ///
    /// Files that do not load are in the list too.
    pub(crate) fn reach(&self, entries: &[PathBuf]) -> Vec<PathBuf> {
        let mut seen: HashSet<PathBuf> = HashSet::new();
        let mut order = Vec::new();
        let mut frontier: Vec<PathBuf> = entries.to_vec();
        while !frontier.is_empty() {
            frontier.retain(|path| seen.insert(path.clone()));
            let imported = self.load_all(&frontier);
            order.append(&mut frontier);
            frontier = imported;
        }
        order
    }

    /// Loads some files at once and returns what they import.
    pub(crate) fn load_all(&self, paths: &[PathBuf]) -> Vec<PathBuf> {
        let load = |paths: &[PathBuf]| -> Vec<PathBuf> {
            let modules = paths.iter().filter_map(|path| self.module(path).ok());
            modules.flat_map(|module| self.imports(&module)).collect()
        };
        // To ask for the number of cores takes longer than to load a small project.
        if paths.len() < WORTH_THREADS {
            return load(paths);
        }
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        if threads == 1 {
            return load(paths);
        }
        std::thread::scope(|scope| {
            let chunks = paths.chunks(paths.len().div_ceil(threads));
            let workers: Vec<_> = chunks.map(|chunk| (chunk, deep_thread().spawn_scoped(scope, move || load(chunk)))).collect();
            workers
                .into_iter()
                .flat_map(|(chunk, worker)| match worker.map(std::thread::ScopedJoinHandle::join) {
                    Ok(Ok(imported)) => imported,
                    Ok(Err(panic)) => std::panic::resume_unwind(panic),
                    // No thread could be started.
                    Err(_) => load(chunk),
                })
                .collect()
        })
    }

    /// Returns the files of the project with code or data that a module imports.
    pub(crate) fn imports(&self, module: &Module) -> Vec<PathBuf> {
        let resolved = module.requests.iter().map(|specifier| self.resolve(module, specifier));
        resolved
            .filter_map(|resolved| match resolved {
                Resolved::File(path) if is_module(&path) => Some(path),
                _ => None,
            })
            .collect()
    }

    /// Returns the place of a byte of a file.
    pub(crate) fn location(&self, file: &File, offset: u32) -> Location {
        frame::location(&self.relative(&file.path), &file.text, offset)
    }

    pub(crate) fn error(&self, path: &Path, error: LoadError) -> SourceError {
        match error {
            LoadError::Io { kind, message } => {
                SourceError::Io { path: self.relative(path), source: io::Error::new(kind, message) }
            }
            LoadError::NotUtf8 { offset } => SourceError::NotUtf8 { path: self.relative(path), offset },
            LoadError::TooLarge { size } => SourceError::TooLarge { path: self.relative(path), size },
            LoadError::Syntax { file, problem } => SourceError::Syntax(Problem {
                message: problem.message,
                location: self.location(&file, problem.span.start),
                frame: frame::frame(&file.text, problem.span),
                help: problem.help,
            }),
            LoadError::Outside => SourceError::Io {
                path: self.relative(path),
                source: io::Error::new(
                    io::ErrorKind::PermissionDenied,
                    "it is a link to a file outside of the project and its repository",
                ),
            },
        }
    }
}

/// Runs something on a stack of its own that deeply nested code cannot exhaust: parsing it recurses.
pub(crate) fn with_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    with_deep_stack_beside(work, || false)
}

/// Runs something on such a stack. While that goes on, this thread takes the steps of something else, until there are none.
pub(crate) fn with_deep_stack_beside<T: Send>(work: impl FnOnce() -> T + Send, mut step: impl FnMut() -> bool) -> T {
    // Shared with the thread, so that it is still here if none can be started.
    let work = Mutex::new(Some(work));
    let run = || lock(&work).take().map(|work| work());
    let result = std::thread::scope(|scope| match deep_thread().spawn_scoped(scope, run) {
        Ok(thread) => {
            while !thread.is_finished() && step() {}
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        }
        Err(_) => run(),
    });
    match result {
        Some(result) => result,
        None => unreachable!("the work is taken once"),
    }
}

/// The memory is only taken as far as it is used.
fn deep_thread() -> std::thread::Builder {
    std::thread::Builder::new().name("keepstep-source".to_owned()).stack_size(256 << 20)
}

/// Returns a path as it is written in a folder, or the path itself where nothing but the machine is in common.
pub(crate) fn relative_to(folder: &Path, path: &Path) -> PathBuf {
    if let Ok(inner) = path.strip_prefix(folder) {
        return inner.to_owned();
    }
    let shared = folder.ancestors().find(|above| above.parent().is_some() && path.starts_with(above));
    let inner = shared.and_then(|shared| Some((folder.strip_prefix(shared).ok()?, path.strip_prefix(shared).ok()?)));
    inner.map_or_else(
        || path.to_owned(),
        |(up, down)| up.components().map(|_| Component::ParentDir.as_os_str()).collect::<PathBuf>().join(down),
    )
}

/// Returns true if a package manager put a file there.
fn is_installed(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "node_modules")
}

/// Returns true for a file that can be imported as a module.
pub(crate) fn is_module(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    extension == "json" || CODE_EXTENSIONS.contains(&extension)
}

/// Returns true for the modules of the runtime that a definition may use without the `node:` prefix.
pub(crate) fn is_builtin(name: &str) -> bool {
    const BUILTINS: [&str; 22] = [
        "assert",
        "buffer",
        "child_process",
        "crypto",
        "dns",
        "events",
        "fs",
        "fs/promises",
        "http",
        "https",
        "module",
        "net",
        "os",
        "path",
        "perf_hooks",
        "process",
        "querystring",
        "stream",
        "timers",
        "url",
        "util",
        "zlib",
    ];
    BUILTINS.contains(&name)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The maps are only inserted into; a panic elsewhere leaves them whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
