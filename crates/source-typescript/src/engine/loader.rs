//! Finds and loads the modules of a project for the engine.
//!
//! The engine itself loads the project's modules with `import` and `export`. Everything else, what Node.js has, installed
//! packages and modules of the CommonJS kind, is loaded by `prelude.js`, which asks here ([`Modules::find`],
//! [`Modules::compile`]); for the engine, a small module stands in its place.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rquickjs::context::EvalOptions;
use rquickjs::loader::ImportAttributes;
use rquickjs::module::Declared;
use rquickjs::{Ctx, Exception, Function, Module, Object, Result};

use super::interface::{Failure, FailureKind, Position};
use super::shared::Shared;
use super::strip::{self, PackageImport};
use super::{commonjs, stubs};
use crate::compiler::Compiler;
use crate::modules::{self, CODE_EXTENSIONS};
use crate::resolve::{Locator, Ownership, Request};

/// What a specifier names for the engine.
enum Target {
    /// A module that the engine loads, by its real path.
    File(PathBuf),
    /// What is loaded by the prelude.
    Other,
}

/// What a specifier names for the prelude: a word for the kind, and what belongs to it.
type Found = Vec<String>;

/// The modules that are loaded.
pub(super) struct Modules {
    shared: Rc<Shared>,
    /// The packages whose code is run, by the specifiers that the project imports them with.
    running: BTreeSet<String>,
    /// The packages that are there and are not run.
    idle: RefCell<BTreeSet<String>>,
    loaded: RefCell<BTreeMap<PathBuf, Loaded>>,
    kinds: RefCell<HashMap<PathBuf, bool>>,
    node_modes: RefCell<HashMap<PathBuf, bool>>,
    importers: RefCell<Vec<PathBuf>>,
    compilers: RefCell<HashMap<PathBuf, Compiler>>,
    failure: RefCell<Option<Failure>>,
}

struct Loaded {
    text: Rc<str>,
    packages: Vec<PackageImport>,
}

impl Modules {
    pub(super) fn new(shared: Rc<Shared>, running: BTreeSet<String>) -> Rc<Self> {
        Rc::new(Self {
            shared,
            running,
            idle: RefCell::default(),
            loaded: RefCell::default(),
            kinds: RefCell::default(),
            node_modes: RefCell::default(),
            importers: RefCell::default(),
            compilers: RefCell::default(),
            failure: RefCell::default(),
        })
    }

    fn locator(&self) -> &Locator {
        &self.shared.locator
    }

    /// Returns those of some packages that could be run and were not.
    pub(super) fn idle_among(&self, packages: Vec<String>) -> BTreeSet<String> {
        let idle = self.idle.borrow();
        packages.into_iter().filter(|package| idle.contains(package)).collect()
    }

    /// Returns the first module that could not be loaded, with its place, if a message is about it.
    pub(super) fn failure_behind(&self, message: &str) -> Option<Failure> {
        self.failure.borrow().clone().filter(|failure| message.contains(&failure.message))
    }

    /// Returns the place in the source of a place in the code that the engine runs.
    pub(super) fn origin_of(&self, file: &Path, line: u32, column: u32) -> Option<Position> {
        let text = Rc::clone(&self.loaded.borrow().get(file)?.text);
        // Only few places are ever looked up, so the table is not kept for every module.
        let is_package = |specifier: &str| self.is_package(file, specifier);
        let options = strip::Options { is_package: &is_package, origins: true, compiler: self.compiler_of(file) };
        let (line, column) = match strip::strip(file, &text, options) {
            Ok(stripped) => stripped.origin_of(line, column),
            Err(_) => (line, column),
        };
        Some(Position { file: file.to_path_buf(), line, column })
    }

    fn target(&self, importer: &Path, specifier: &str) -> std::result::Result<Target, String> {
        if builtin(specifier).is_some() {
            return Ok(Target::Other);
        }
        let is_path = is_path(specifier);
        match self.locator().locate(importer, specifier, Request::Import) {
            Some(path) => match self.locator().ownership(&path) {
                Ownership::Own if self.is_ecmascript(&path) => Ok(Target::File(path)),
                Ownership::Foreign if is_path => Err(cannot_import(specifier, OUTSIDE)),
                _ => Ok(Target::Other),
            },
            None if is_path => Err(cannot_import(specifier, MISSING)),
            None => Ok(Target::Other),
        }
    }

    fn is_ecmascript(&self, path: &Path) -> bool {
        if let Some(known) = self.kinds.borrow().get(path) {
            return *known;
        }
        let is_code =
            path.extension().and_then(|extension| extension.to_str()).is_some_and(|name| CODE_EXTENSIONS.contains(&name));
        // What cannot be read is told by whoever reads it.
        let is_ecmascript = !is_code || self.shared.text(path).map_or(true, |text| commonjs::is_ecmascript(path, &text));
        self.kinds.borrow_mut().insert(path.to_owned(), is_ecmascript);
        is_ecmascript
    }

    /// Returns how a file is compiled. Settings are those of the project; a package was written with others.
    fn compiler_of(&self, path: &Path) -> Compiler {
        if self.locator().ownership(path) != Ownership::Own {
            return Compiler { has_legacy_decorators: true, ..Compiler::default() };
        }
        let folder = path.parent().unwrap_or(path);
        let known = self.compilers.borrow().get(folder).copied();
        known.unwrap_or_else(|| {
            let compiler = Compiler::of(path, self.locator().repository());
            self.compilers.borrow_mut().insert(folder.to_owned(), compiler);
            compiler
        })
    }

    fn is_package(&self, importer: &Path, specifier: &str) -> bool {
        matches!(self.target(importer, specifier), Ok(Target::Other))
    }

    /// Returns what a specifier names in a file.
    ///
    /// `builtin` with its name; `file` with its path, for one of the project, and `package` for one of an installed package,
    /// with `node` where a default import of a CommonJS module is what it assigned, as Node.js has it; `stub` with the reason
    /// why the package is not run; `missing` with what to say about that.
    pub(super) fn find(&self, importer: &Path, specifier: &str, request: Request) -> Found {
        let found = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect();
        if let Some(name) = builtin(specifier) {
            return found(&["builtin", name]);
        }
        let is_inner = self.locator().ownership(importer) != Ownership::Own;
        let Some(path) = self.locator().locate(importer, specifier, request) else {
            let message =
                if is_path(specifier) { cannot_import(specifier, MISSING) } else { format!("Cannot find module '{specifier}'") };
            return if is_path(specifier) || is_inner { found(&["missing", &message]) } else { found(&["stub", "absent"]) };
        };
        let Some(name) = path.to_str() else {
            let message = format!("{} cannot be imported: its path is not valid UTF-8", path.display());
            return found(&["missing", &message]);
        };
        let mode = if self.is_node_mode(importer) { "node" } else { "" };
        match self.locator().ownership(&path) {
            Ownership::Own => found(&["file", name, mode]),
            Ownership::Installed if is_inner || self.running.contains(specifier) => found(&["package", name, mode]),
            Ownership::Installed => {
                self.idle.borrow_mut().insert(specifier.to_owned());
                found(&["stub", "idle"])
            }
            Ownership::Foreign if is_path(specifier) || is_inner => found(&["missing", &cannot_import(specifier, OUTSIDE)]),
            Ownership::Foreign => found(&["stub", "outside"]),
        }
    }

    /// Returns true for a file whose imports Node.js would see itself, rather than a compiler that rewrote them.
    fn is_node_mode(&self, importer: &Path) -> bool {
        match importer.extension().and_then(|extension| extension.to_str()) {
            Some("mjs" | "mts") => return true,
            Some("cjs" | "cts") => return false,
            _ => {}
        }
        let Some(folder) = importer.parent() else { return false };
        if let Some(known) = self.node_modes.borrow().get(folder) {
            return *known;
        }
        let package = folder.ancestors().map(|folder| folder.join("package.json")).find(|path| path.is_file());
        let text = package.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let is_module = serde_json::from_str::<serde_json::Value>(text).is_ok_and(|package| package["type"] == "module");
        self.node_modes.borrow_mut().insert(folder.to_owned(), is_module);
        is_module
    }

    /// Returns a module as a function that is called to load it, and whether it is of the newer kind.
    pub(super) fn compile<'js>(&self, ctx: &Ctx<'js>, path: &Path) -> Result<(Function<'js>, bool)> {
        let failed = |failure: Failure| Exception::throw_syntax(ctx, &failure.message);
        let (code, is_ecmascript) = self.function_of(path).map_err(failed)?;
        let mut options = EvalOptions::default();
        options.strict = false;
        options.filename = Some(path.to_string_lossy().into_owned());
        let function = ctx.eval_with_options(format!("(function({}){{{code}\n}})", commonjs::PARAMETERS), options)?;
        Ok((function, is_ecmascript))
    }

    fn function_of(&self, path: &Path) -> std::result::Result<(String, bool), Failure> {
        let shown = self.shared.display_path(path);
        let invalid = |text: &str, error: strip::SyntaxError| {
            let position = position_at(path, text, error.offset);
            Failure::new(FailureKind::Syntax, format!("{shown}:{} is not valid: {}", position.line, error.message))
                .at(Some(position))
        };
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if !CODE_EXTENSIONS.contains(&extension) {
            return Err(Failure::new(FailureKind::Module, format!("{shown} is not JavaScript")));
        }
        let text = self.shared.text(path)?;
        let text: Rc<str> = text.strip_prefix('\u{feff}').unwrap_or(&text).into();
        if self.locator().ownership(path) == Ownership::Own {
            self.loaded.borrow_mut().insert(path.to_path_buf(), Loaded { text: Rc::clone(&text), packages: Vec::new() });
        }
        let is_ecmascript = self.is_ecmascript(path);
        // Nothing is a package here: each import stays what it is, and becomes a call.
        let options = strip::Options { is_package: &|_| false, origins: false, compiler: self.compiler_of(path) };
        let is_javascript = extension.contains("js") && extension != "jsx" && !text.starts_with("#!") && !text.contains('\0');
        let plain: std::borrow::Cow<'_, str> = match is_javascript {
            true => (&*text).into(),
            false => {
                let stripped = strip::strip(path, &text, options).map_err(|error| invalid(&text, error))?;
                stripped.code[stripped.prologue..].to_owned().into()
            }
        };
        match is_ecmascript {
            true => Ok((commonjs::body(&plain).map_err(|error| invalid(&text, error))?, true)),
            false => Ok((plain.into_owned(), false)),
        }
    }

    fn fail(&self, ctx: &Ctx<'_>, failure: Failure) -> rquickjs::Error {
        let error = Exception::throw_syntax(ctx, &failure.message);
        self.failure.borrow_mut().get_or_insert(failure);
        error
    }

    fn resolve(&self, ctx: &Ctx<'_>, importer: &str, specifier: &str) -> Result<String> {
        let importer = Path::new(importer);
        match self.target(importer, specifier) {
            Ok(Target::File(path)) => match path.into_os_string().into_string() {
                Ok(name) => Ok(name),
                Err(path) => {
                    let message = format!("{} cannot be imported: its path is not valid UTF-8", path.display());
                    Err(self.fail(ctx, Failure::new(FailureKind::Module, message)))
                }
            },
            Ok(Target::Other) => {
                let mut importers = self.importers.borrow_mut();
                let number = importers.iter().position(|known| known == importer).unwrap_or(importers.len());
                if number == importers.len() {
                    importers.push(importer.to_path_buf());
                }
                Ok(stubs::module_name(specifier, number))
            }
            Err(message) => {
                let position = self.place_of(importer, specifier);
                Err(self.fail(ctx, Failure::new(FailureKind::Module, message).at(position)))
            }
        }
    }

    /// Returns where a specifier is written, which is found by its letters.
    fn place_of(&self, importer: &Path, specifier: &str) -> Option<Position> {
        let text = Rc::clone(&self.loaded.borrow().get(importer)?.text);
        let quoted = ['\'', '"', '`'].iter().find_map(|quote| text.find(&format!("{quote}{specifier}{quote}")))?;
        Some(position_at(importer, &text, quoted))
    }

    fn load<'js>(&self, ctx: &Ctx<'js>, name: &str, is_text: bool) -> Result<Module<'js, Declared>> {
        if let Some((specifier, importer)) = stubs::parse_module_name(name) {
            let importer = self.importers.borrow().get(importer).cloned().unwrap_or_default();
            let importer_name = importer.to_string_lossy();
            let import = {
                let loaded = self.loaded.borrow();
                let imports = loaded.get(&importer).map_or(&[][..], |module| &module.packages);
                imports.iter().find(|import| import.specifier == specifier).cloned()
            };
            let all: Vec<String> = match import.as_ref().is_some_and(|import| import.passes_on) {
                true => {
                    let runtime: Object<'_> = ctx.globals().get("__keepstep")?;
                    runtime.get::<_, Function<'_>>("names")?.call((&*importer_name, specifier))?
                }
                false => Vec::new(),
            };
            return Module::declare(ctx.clone(), name, stubs::module_text(specifier, &importer_name, import.as_ref(), &all));
        }
        let path = Path::new(name);
        let code = self.code_of(path, is_text).map_err(|failure| self.fail(ctx, failure))?;
        let module = Module::declare(ctx.clone(), name, code)?;
        let meta = module.meta()?;
        meta.set("url", file_url(name))?;
        meta.set("filename", name)?;
        meta.set("dirname", path.parent().unwrap_or(path).to_string_lossy().as_ref())?;
        Ok(module)
    }

    /// Returns the JavaScript of a file of the project.
    pub(super) fn code_of(&self, path: &Path, is_text: bool) -> std::result::Result<String, Failure> {
        let text = self.shared.text(path)?;
        let text: Rc<str> = text.strip_prefix('\u{feff}').unwrap_or(&text).into();
        let module = |packages| Loaded { text: Rc::clone(&text), packages };
        let (code, packages) = match path.extension().and_then(|extension| extension.to_str()) {
            _ if is_text => (text_module(&text), Vec::new()),
            Some(extension) if CODE_EXTENSIONS.contains(&extension) => {
                let is_package = |specifier: &str| self.is_package(path, specifier);
                let options = strip::Options { is_package: &is_package, origins: false, compiler: self.compiler_of(path) };
                let stripped = strip::strip(path, &text, options).map_err(|error| {
                    let position = position_at(path, &text, error.offset);
                    let shown = self.shared.display_path(path);
                    let message = format!("{shown}:{} is not valid: {}", position.line, error.message);
                    Failure::new(FailureKind::Syntax, message).at(Some(position))
                })?;
                (stripped.code, stripped.packages)
            }
            Some("json") => {
                let code = json_module(&text).map_err(|error| {
                    let shown = self.shared.display_path(path);
                    let message = format!("{shown} is not valid JSON: {error}");
                    let position = Position {
                        file: path.to_path_buf(),
                        line: u32::try_from(error.line()).unwrap_or(1),
                        column: u32::try_from(error.column()).unwrap_or(1),
                    };
                    Failure::new(FailureKind::Syntax, message).at(Some(position))
                })?;
                (code, Vec::new())
            }
            Some("md" | "txt") => (text_module(&text), Vec::new()),
            _ => {
                let message = format!(
                    "{} cannot be imported: keepstep imports TypeScript, JavaScript, JSON, .md and .txt",
                    self.shared.display_path(path)
                );
                return Err(Failure::new(FailureKind::Module, message));
            }
        };
        self.loaded.borrow_mut().insert(path.to_path_buf(), module(packages));
        Ok(code)
    }
}

const OUTSIDE: &str = "it is outside of the project and its repository";
const MISSING: &str = "file not found";

fn cannot_import(specifier: &str, reason: &str) -> String {
    format!("'{specifier}' cannot be imported: {reason}")
}

fn is_path(specifier: &str) -> bool {
    specifier.starts_with(['.', '/', '#'])
}

/// Returns the name of what the prelude itself has, or stands in for: a part of Node.js or of the agents' own package.
fn builtin(specifier: &str) -> Option<&str> {
    let bare = specifier.strip_prefix("node:").unwrap_or(specifier);
    let is_ours = bare == "lua-cli" || bare.starts_with("lua-cli/");
    (specifier.starts_with("node:") || is_ours || modules::is_builtin(bare)).then_some(bare)
}

/// The half of [`Modules`] that the engine asks for names.
pub(super) struct Finder(pub(super) Rc<Modules>);

impl rquickjs::loader::Resolver for Finder {
    fn resolve<'js>(&mut self, ctx: &Ctx<'js>, base: &str, name: &str, _: Option<ImportAttributes<'js>>) -> Result<String> {
        self.0.resolve(ctx, base, name)
    }
}

/// The half of [`Modules`] that the engine asks for modules.
pub(super) struct Reader(pub(super) Rc<Modules>);

impl rquickjs::loader::Loader for Reader {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        attributes: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js, Declared>> {
        let kind = attributes.and_then(|attributes| attributes.get_type().ok().flatten());
        self.0.load(ctx, name, kind.as_deref() == Some("text"))
    }
}

fn text_module(text: &str) -> String {
    format!("export default {};\n", literal(text))
}

/// Returns a text as a literal of JavaScript. JSON is one, and U+2028 and U+2029 may stand in it too.
fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns a module whose default is the JSON, and whose other exports are the members of an object.
fn json_module(text: &str) -> std::result::Result<String, serde_json::Error> {
    let value: serde_json::Value = serde_json::from_str(text)?;
    let mut code = format!("const v=JSON.parse({});export default v;\n", literal(text));
    for (index, name) in value.as_object().into_iter().flat_map(|members| members.keys()).enumerate() {
        let mut letters = name.chars();
        let is_start = |letter: char| letter.is_ascii_alphabetic() || letter == '_' || letter == '$';
        let is_name = letters.next().is_some_and(is_start) && letters.all(|c| is_start(c) || c.is_ascii_digit());
        if is_name && name != "default" && name != "then" {
            code.push_str(&format!("const v{index}=v[{}];export{{v{index} as {name}}};\n", literal(name)));
        }
    }
    Ok(code)
}

fn file_url(path: &str) -> String {
    let mut url = String::from("file://");
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' | b'@' | b'+' => {
                url.push(char::from(byte));
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

/// Returns the place of an offset in a text.
fn position_at(file: &Path, text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before[start..].encode_utf16().count();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX - 1) + 1;
    Position { file: file.to_path_buf(), line: count(line), column: count(column) }
}
