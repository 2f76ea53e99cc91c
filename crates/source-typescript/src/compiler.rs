//! What TypeScript leaves to the settings of a project: how fields of classes come to be, and which decorators there are.
//!
//! The rules are those of esbuild, with which an agent is compiled.

use std::path::Path;

use oxc_resolver::{ResolveOptions, Resolver, TsConfig};

/// How the code of a file is compiled, as far as that shows in its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Compiler {
    /// Fields of classes are assigned in the constructor, after its parameter properties, and those without a value are none.
    /// Otherwise they are defined before.
    pub(crate) assigns_fields: bool,
    /// Decorators are those from before the standard.
    pub(crate) has_legacy_decorators: bool,
}

/// The targets that have no fields of classes yet, and leave them to be assigned.
const WITHOUT_FIELDS: [&str; 10] = ["es3", "es5", "es6", "es2015", "es2016", "es2017", "es2018", "es2019", "es2020", "es2021"];

impl Compiler {
    /// Returns what the nearest `tsconfig.json` above a file says, inside of a folder.
    pub(crate) fn of(file: &Path, boundary: &Path) -> Self {
        let folders = file.ancestors().skip(1).take_while(|folder| folder.starts_with(boundary));
        let found = folders.map(|folder| folder.join("tsconfig.json")).find(|path| path.is_file());
        found.and_then(|path| Self::configured(&path)).unwrap_or_default()
    }

    fn configured(path: &Path) -> Option<Self> {
        let read = |config: &TsConfig| {
            let options = &config.compiler_options;
            let is_old = options.target.as_ref().is_some_and(|target| WITHOUT_FIELDS.contains(&&*target.to_ascii_lowercase()));
            Self {
                assigns_fields: !options.use_define_for_class_fields.unwrap_or(!is_old),
                has_legacy_decorators: options.experimental_decorators == Some(true),
            }
        };
        // One that extends what is not there counts as far as it goes.
        match Resolver::new(ResolveOptions::default()).resolve_tsconfig(path) {
            Ok(config) => Some(read(&config)),
            Err(_) => {
                let text = std::fs::read_to_string(path).ok()?;
                TsConfig::parse(true, path, path, text).ok().as_ref().map(read)
            }
        }
    }
}
