//! Finds and loads the modules of a project for the engine.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rquickjs::loader::ImportAttributes;
use rquickjs::module::Declared;
use rquickjs::{Ctx, Exception, Module, Result};

use super::run::Shared;
use super::strip::{self, PackageImport};
use super::{Failure, FailureKind, Position, stubs};
use crate::modules::{self, CODE_EXTENSIONS};

/// What a specifier names.
enum Target {
    /// A file of the project, by its real path.
    File(PathBuf),
    /// A package or a part of Node.
    Package,
}

/// The modules that are loaded.
pub(super) struct Modules {
    shared: Rc<Shared>,
    resolver: oxc_resolver::Resolver,
    loaded: RefCell<BTreeMap<PathBuf, Loaded>>,
    importers: RefCell<Vec<PathBuf>>,
    failure: RefCell<Option<Failure>>,
}

struct Loaded {
    text: Rc<str>,
    packages: Vec<PackageImport>,
}

impl Modules {
    pub(super) fn new(shared: Rc<Shared>) -> Rc<Self> {
        let resolver = modules::resolver(&shared.root);
        Rc::new(Self { shared, resolver, loaded: RefCell::default(), importers: RefCell::default(), failure: RefCell::default() })
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
        let options = strip::Options { is_package: &is_package, origins: true };
        let (line, column) = match strip::strip(file, &text, options) {
            Ok(stripped) => stripped.origin_of(line, column),
            Err(_) => (line, column),
        };
        Some(Position { file: file.to_path_buf(), line, column })
    }

    fn target(&self, importer: &Path, specifier: &str) -> std::result::Result<Target, String> {
        let folder = importer.parent().unwrap_or(importer);
        let is_path = specifier.starts_with(['.', '/', '#']);
        let bare = specifier.strip_prefix("node:").unwrap_or(specifier);
        let is_ours = bare == "lua-cli" || bare.starts_with("lua-cli/");
        if specifier.starts_with("node:") || is_ours || modules::is_builtin(bare) {
            return Ok(Target::Package);
        }
        match self.resolver.resolve(folder, specifier) {
            Ok(found) => {
                let path = found.into_path_buf();
                let vendored = path.components().any(|component| component.as_os_str() == "node_modules");
                if path.starts_with(&self.shared.root) && !vendored {
                    Ok(Target::File(path))
                } else if is_path {
                    let reason = "it is outside of the project, and only its own modules are run";
                    Err(format!("'{specifier}' cannot be imported: {reason}"))
                } else {
                    Ok(Target::Package)
                }
            }
            Err(_) if is_path => Err(format!("'{specifier}' cannot be imported: there is no such file")),
            Err(_) => Ok(Target::Package),
        }
    }

    fn is_package(&self, importer: &Path, specifier: &str) -> bool {
        matches!(self.target(importer, specifier), Ok(Target::Package))
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
            Ok(Target::Package) => {
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
            let importers = self.importers.borrow();
            let loaded = self.loaded.borrow();
            let import = importers
                .get(importer)
                .and_then(|path| loaded.get(path))
                .and_then(|module| module.packages.iter().find(|import| import.specifier == specifier));
            return Module::declare(ctx.clone(), name, stubs::module_text(specifier, import));
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
                let options = strip::Options { is_package: &is_package, origins: false };
                let stripped = strip::strip(path, &text, options).map_err(|error| {
                    let position = position_at(path, &text, error.offset);
                    let shown = self.shared.shown(path);
                    let message = format!("{shown}:{} is not valid: {}", position.line, error.message);
                    Failure::new(FailureKind::Syntax, message).at(Some(position))
                })?;
                (stripped.code, stripped.packages)
            }
            Some("json") => {
                let code = json_module(&text).map_err(|error| {
                    let shown = self.shared.shown(path);
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
                    self.shared.shown(path)
                );
                return Err(Failure::new(FailureKind::Module, message));
            }
        };
        self.loaded.borrow_mut().insert(path.to_path_buf(), module(packages));
        Ok(code)
    }
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
