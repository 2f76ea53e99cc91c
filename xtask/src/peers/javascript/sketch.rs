//! A project that is being made up.

use std::collections::BTreeMap;

use super::literal;
use super::random::Random;
use super::shapes::{self, Shape};

/// The file with the agent.
pub(super) const ENTRY: &str = "index";

/// The value of `SHOP_MOOD` in `.env`, which the code may read.
pub(super) const MOOD: &str = "kind";

/// A project: the text of each file by its path, and the shapes that it is made of.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) files: BTreeMap<String, String>,
    pub(super) shapes: Vec<&'static str>,
}

#[derive(Default)]
struct Module {
    imports: String,
    body: String,
}

/// A project on the way.
pub(super) struct Sketch {
    pub(super) random: Random,
    modules: BTreeMap<String, Module>,
    files: BTreeMap<String, String>,
    shapes: Vec<&'static str>,
    names: usize,
    /// Whether only shapes without computation may be used.
    is_static: bool,
}

impl Sketch {
    pub(super) fn new(seed: u64, is_static: bool) -> Self {
        Self {
            random: Random::new(seed),
            modules: BTreeMap::new(),
            files: BTreeMap::new(),
            shapes: Vec::new(),
            names: 0,
            is_static,
        }
    }

    /// Returns a name that nothing else has.
    pub(super) fn name(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    /// Adds a statement to a module, after those that it has.
    pub(super) fn declare(&mut self, module: &str, statement: &str) {
        let body = &mut self.modules.entry(module.to_owned()).or_default().body;
        body.push_str(statement);
        body.push('\n');
    }

    /// Adds an import to a module, once.
    pub(super) fn import(&mut self, module: &str, statement: &str) {
        let imports = &mut self.modules.entry(module.to_owned()).or_default().imports;
        if !imports.lines().any(|line| line == statement) {
            imports.push_str(statement);
            imports.push('\n');
        }
    }

    /// Adds a file that is no module.
    pub(super) fn file(&mut self, path: &str, text: &str) {
        self.files.insert(path.to_owned(), text.to_owned());
    }

    /// Declares a constant with a value and returns its name.
    pub(super) fn constant(&mut self, module: &str, value: &str) -> String {
        let name = self.name();
        self.declare(module, &format!("const {name} = {value};"));
        name
    }

    /// Returns a literal.
    pub(super) fn literal(&mut self) -> String {
        let text = literal::text(&mut self.random);
        literal::literal(&mut self.random, &text)
    }

    /// Returns an expression for a text.
    pub(super) fn text(&mut self, module: &str, depth: usize) -> String {
        if depth == 0 {
            return self.literal();
        }
        let end = if self.is_static { shapes::STATIC.len() } else { shapes::STATIC.len() + shapes::COMPUTED.len() };
        let chosen = self.random.below(end);
        let shape = shapes::STATIC.iter().chain(shapes::COMPUTED).nth(chosen);
        shape.map_or_else(String::new, |shape| self.shaped(shape, module, depth))
    }

    /// Returns an expression of one shape.
    pub(super) fn shaped(&mut self, shape: &Shape, module: &str, depth: usize) -> String {
        self.shapes.push(shape.name);
        (shape.write)(self, module, depth - 1)
    }

    /// Notes that a shape is used which is not one of an expression.
    pub(super) fn note(&mut self, shape: &'static str) {
        self.shapes.push(shape);
    }

    /// Returns the finished project.
    pub(super) fn finish(mut self) -> Project {
        let has_mark = self.random.once_in(8);
        let has_carriage_returns = self.random.once_in(6);
        for (name, module) in &self.modules {
            let mut text = format!("{}{}", module.imports, module.body);
            if has_carriage_returns {
                text = text.replace("\r\n", "\n").replace('\n', "\r\n");
            }
            if has_mark {
                text.insert(0, '\u{feff}');
            }
            self.files.insert(format!("src/{name}.ts"), text);
        }
        let paths = r##"{"compilerOptions":{"target":"ES2022","module":"ESNext","moduleResolution":"bundler","resolveJsonModule":true,"baseUrl":".","paths":{"@/*":["src/*"]}},"include":["src"]}"##;
        self.files.insert("tsconfig.json".to_owned(), paths.to_owned());
        self.files.insert("package.json".to_owned(), "{\"type\":\"module\"}".to_owned());
        self.files.insert(".env".to_owned(), format!("SHOP_MOOD={MOOD}\n"));
        Project { files: self.files, shapes: self.shapes }
    }
}
