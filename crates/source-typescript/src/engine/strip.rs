//! Turns a TypeScript module into JavaScript that the engine runs.

use std::path::Path;

use oxc_allocator::Allocator;
use oxc_ast::ast::{
    BindingIdentifier, ExportFromDeclaration, ExportSpecifier, ImportDeclarationSpecifier, ImportOrExportKind, ModuleExportName,
    Program, Statement, StringLiteral,
};
use oxc_ast::builder::AstBuilder;
use oxc_codegen::{Codegen, CodegenOptions, CommentOptions};
use oxc_parser::Parser;
use oxc_semantic::SemanticBuilder;
use oxc_span::SourceType;
use oxc_transformer::{
    CompilerAssumptions, DecoratorOptions, EnvOptions, HelperLoaderMode, HelperLoaderOptions, Module, TransformOptions,
    Transformer, TypeScriptOptions,
};

use super::adapt;
use crate::compiler::Compiler;

/// The name under which the module that stands in place of a package exports all that the package has. For the engine, `*`
/// alone is the namespace itself.
pub(super) const ALL: &str = "*all";

/// How deep brackets may be nested. Each level takes some of the stack.
const DEEPEST: usize = 10_000;

/// A module without its types.
pub(super) struct Stripped {
    /// The JavaScript.
    pub(super) code: String,
    /// How much of that was put before it.
    pub(super) prologue: usize,
    /// What it imports from packages.
    pub(super) packages: Vec<PackageImport>,
    /// Where each token of the code comes from, if that was asked for.
    origins: Vec<SourcePosition>,
}

/// The names that a module imports from one package.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PackageImport {
    pub(super) specifier: String,
    pub(super) names: Vec<String>,
    /// Whether the module passes on everything that the package exports.
    pub(super) passes_on: bool,
}

/// A token's place in the code and in the source; lines and columns count from 0.
struct SourcePosition {
    code: (u32, u32),
    source: (u32, u32),
}

/// A syntax error: what is wrong, and the offset in the text.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub(super) message: String,
    pub(super) offset: usize,
}

/// How a module is to be stripped.
#[derive(Clone, Copy)]
pub(super) struct Options<'a> {
    /// Decides about each specifier whether it names a package, which is not run.
    pub(super) is_package: &'a dyn Fn(&str) -> bool,
    /// Whether places in the code are going to be looked up.
    pub(super) origins: bool,
    /// What the settings of the project say.
    pub(super) compiler: Compiler,
}

/// Strips a module of its types.
///
/// Imports of a package's whole namespace become imports of one name, [`ALL`]: a module's namespace has only members that are
/// known beforehand, and those of a package are not known.
pub(super) fn strip(path: &Path, text: &str, options: Options<'_>) -> Result<Stripped, SyntaxError> {
    let allocator = Allocator::default();
    let (mut program, prologue) = without_types(&allocator, path, text, options.compiler)?;
    let is_of_a_package = path.components().any(|part| part.as_os_str() == "node_modules");
    adapt::adapt(&AstBuilder::new(&allocator), &mut program, is_of_a_package);
    let packages = package_imports(&allocator, &mut program, options.is_package);
    let generated = Codegen::new()
        .with_options(CodegenOptions {
            comments: CommentOptions::disabled(),
            source_map_path: options.origins.then(|| path.to_path_buf()),
            ..CodegenOptions::default()
        })
        .build(&program);
    let shift = prologue.chars().count() as u32;
    let origins = generated.map.iter().flat_map(|map| map.get_tokens()).map(|token| {
        let column = token.get_dst_col() + if token.get_dst_line() == 0 { shift } else { 0 };
        SourcePosition { code: (token.get_dst_line(), column), source: (token.get_src_line(), token.get_src_col()) }
    });
    let origins = origins.collect();
    // The engine takes the code as text that ends at its first NUL.
    let code = format!("{prologue}{}", generated.code).replace('\0', "\\x00");
    Ok(Stripped { code, prologue: prologue.len(), packages, origins })
}

/// Returns a module without its types, and the names that it takes for given.
fn without_types<'a>(
    allocator: &'a Allocator,
    path: &Path,
    text: &'a str,
    compiler: Compiler,
) -> Result<(Program<'a>, String), SyntaxError> {
    if nesting(text) > DEEPEST {
        return Err(SyntaxError { message: format!("it nests more than {DEEPEST} brackets"), offset: 0 });
    }
    let source_type = SourceType::from_path(path).unwrap_or_default();
    // JavaScript files may hold JSX under any name; TypeScript is ambiguous then and follows the name.
    let source_type = if source_type.is_javascript() { source_type.with_jsx(true) } else { source_type };
    let source_type = source_type.with_module(true);
    let parsed = Parser::new(allocator, text, source_type).parse();
    if let Some(error) = parsed.diagnostics.errors().next() {
        let offset = error.labels.iter().next().map_or(0, |label| label.offset() as usize);
        return Err(SyntaxError { message: error.message.to_string(), offset });
    }
    let mut program = parsed.program;
    if let Some(offset) = adapt::unclear_enum_member(&program) {
        let message = "this member of an enum needs a value of its own: the one before it is not seen to be a number".to_owned();
        return Err(SyntaxError { message, offset });
    }
    let semantic = SemanticBuilder::new().with_excess_capacity(2.0).with_enum_eval(true).build(&program).semantic;
    let scoping = semantic.into_scoping();
    let is_mixed = |statement: &Statement<'_>| {
        matches!(statement, Statement::TSImportEqualsDeclaration(_) | Statement::TSExportAssignment(_))
    };
    let requires = program.body.iter().any(is_mixed);
    let prologue = prologue(path, |name| {
        (requires && name == "require") || scoping.root_unresolved_references().keys().any(|free| free.as_str() == name)
    });

    if !compiler.has_legacy_decorators
        && let Some(offset) = adapt::first_decorator(&program)
    {
        let message = "decorators are read with `\"experimentalDecorators\": true` in tsconfig.json only".to_owned();
        return Err(SyntaxError { message, offset });
    }
    if let Some(offset) = adapt::unclear_decorator(&program) {
        let message =
            "put decorated static members behind the others: compilers differ in which of them they run first".to_owned();
        return Err(SyntaxError { message, offset });
    }
    let assigns_fields = compiler.assigns_fields && source_type.is_typescript();
    let transform = TransformOptions {
        assumptions: CompilerAssumptions { set_public_class_fields: assigns_fields, ..CompilerAssumptions::default() },
        typescript: TypeScriptOptions { remove_class_fields_without_initializer: assigns_fields, ..TypeScriptOptions::default() },
        decorator: DecoratorOptions { legacy: true, ..DecoratorOptions::default() },
        // `import x = require('x')` is a call of `require`, and `export =` an assignment.
        env: EnvOptions { module: if requires { Module::CommonJS } else { Module::default() }, ..EnvOptions::default() },
        helper_loader: HelperLoaderOptions { mode: HelperLoaderMode::External, ..HelperLoaderOptions::default() },
        ..TransformOptions::default()
    };
    // What the transformer complains about, the engine refuses with a place.
    Transformer::new(allocator, path, &transform).build_with_scoping(scoping, &mut program);
    Ok((program, prologue))
}

/// A module of TypeScript as JavaScript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JavaScript {
    /// The text.
    pub code: String,
    /// Where each part of it comes from: a source map, as JSON.
    pub source_map: String,
}

/// Returns a module of TypeScript as an interpreter of JavaScript runs it. Its imports stay as they are written.
///
/// # Errors
/// It cannot be parsed; the text says where and why.
pub fn to_javascript(path: &Path, text: &str) -> Result<JavaScript, String> {
    let allocator = Allocator::default();
    let (program, prologue) = without_types(&allocator, path, text, Compiler::of(path, Path::new("/"))).map_err(|error| {
        let before = text.get(..error.offset).unwrap_or(text);
        format!("{}:{}: {}", path.display(), before.matches('\n').count() + 1, error.message)
    })?;
    let options = CodegenOptions { source_map_path: Some(path.to_path_buf()), ..CodegenOptions::default() };
    let generated = Codegen::new().with_options(options).build(&program);
    // What is put before the code has no line of its own, so that the lines of the map stay true.
    let source_map = generated.map.map_or_else(String::new, |map| map.to_json_string());
    Ok(JavaScript { code: format!("{prologue}{}", generated.code), source_map })
}

/// Returns how deep the brackets of a text are nested, wherever they stand.
fn nesting(text: &str) -> usize {
    let mut deepest = 0;
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl Stripped {
    /// Returns where a place in the code comes from. Lines and columns count from 1 on both sides.
    pub(super) fn origin_of(&self, line: u32, column: u32) -> (u32, u32) {
        let wanted = (line.saturating_sub(1), column.saturating_sub(1));
        let after = self.origins.partition_point(|origin| origin.code <= wanted);
        match self.origins.get(after.saturating_sub(1)) {
            Some(origin) => (origin.source.0 + 1, origin.source.1 + 1),
            None => (line, column),
        }
    }
}

/// Returns the names of the file that a module of the CommonJS kind has, if the module uses and does not define them.
fn prologue(path: &Path, is_free: impl Fn(&str) -> bool) -> String {
    let folder = path.parent().unwrap_or(path);
    let mut text = String::new();
    let literal = |path: &Path| serde_json::Value::from(path.to_string_lossy()).to_string();
    for (name, value) in [
        ("__dirname", literal(folder)),
        ("__filename", literal(path)),
        ("require", format!("globalThis.__keepstep.requireFrom({})", literal(path))),
    ] {
        if is_free(name) {
            text.push_str(&format!("const {name}={value};"));
        }
    }
    text
}

/// Collects what is imported from packages, and makes imports of their namespaces imports of [`ALL`].
fn package_imports<'a>(
    allocator: &'a Allocator,
    program: &mut Program<'a>,
    is_package: &dyn Fn(&str) -> bool,
) -> Vec<PackageImport> {
    let builder = AstBuilder::new(allocator);
    let all = |span| ModuleExportName::StringLiteral(StringLiteral::new(span, ALL, None, &builder));
    let mut found: Vec<PackageImport> = Vec::new();
    let mut add =
        |specifier: &str, names: Vec<String>, passes_on: bool| match found.iter_mut().find(|one| one.specifier == specifier) {
            Some(one) => {
                one.names.extend(names);
                one.passes_on |= passes_on;
            }
            None => found.push(PackageImport { specifier: specifier.to_owned(), names, passes_on }),
        };
    for statement in &mut program.body {
        match statement {
            Statement::ImportDeclaration(import) if is_package(&import.source.value) => {
                let mut names = Vec::new();
                for specifier in import.specifiers.iter_mut().flatten() {
                    if let ImportDeclarationSpecifier::ImportNamespaceSpecifier(namespace) = specifier {
                        let (span, name) = (namespace.span, namespace.local.name);
                        let local = BindingIdentifier::new(span, name, &builder);
                        let value = ImportOrExportKind::Value;
                        *specifier = ImportDeclarationSpecifier::new_import_specifier(span, all(span), local, value, &builder);
                    }
                    if let ImportDeclarationSpecifier::ImportSpecifier(one) = specifier {
                        names.push(one.imported.name().to_string());
                    }
                }
                add(&import.source.value, names, false);
            }
            Statement::ExportFromDeclaration(export) if is_package(&export.source.value) => {
                let name = |specifier: &ExportSpecifier<'_>| specifier.local.name().to_string();
                add(&export.source.value, export.specifiers.iter().map(name).collect(), false);
            }
            Statement::ExportAllDeclaration(export) if export.exported.is_none() && is_package(&export.source.value) => {
                add(&export.source.value, Vec::new(), true);
            }
            Statement::ExportAllDeclaration(export) if is_package(&export.source.value) => {
                let Some(exported) = export.exported.take() else { continue };
                let (span, value) = (export.span, ImportOrExportKind::Value);
                let specifier = ExportSpecifier::new(span, all(span), exported, value, &builder);
                let source = StringLiteral::new(export.source.span, export.source.value, None, &builder);
                add(&export.source.value, Vec::new(), false);
                let export = ExportFromDeclaration::boxed(span, [specifier], source, value, None, &builder);
                *statement = Statement::ExportFromDeclaration(export);
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(text: &str) -> Stripped {
        let is_package = |specifier: &str| !specifier.starts_with('.');
        let options = Options {
            is_package: &is_package,
            origins: true,
            compiler: Compiler { has_legacy_decorators: true, ..Compiler::default() },
        };
        strip(Path::new("/p/a.ts"), text, options).unwrap()
    }

    #[test]
    fn types_go_and_values_stay() {
        let code = stripped("import { T, v } from 'p'; import type { U } from 'q';\nexport const a: T = v as U;").code;
        insta::assert_snapshot!(code, @r#"
        import { v } from "p";
        export const a = v;
        "#);
    }

    #[test]
    fn enums_namespaces_parameter_properties_and_decorators_become_javascript() {
        let code = stripped(
            "enum E { A = 'a' }\nnamespace N { export const x = 1 }\nclass C { constructor(private y: number) {} }\n\
             @dec class D { @dec m() {} }\nexport const all = [E.A, N.x, C, D];",
        )
        .code;
        assert!(code.contains("babelHelpers.decorate("), "{code}");
        assert!(!code.contains("private"), "{code}");
    }

    #[test]
    fn a_namespace_of_a_package_is_one_of_its_exports() {
        let stripped = stripped("import d, * as z from 'zod';\nimport * as own from './own';\nexport { z, d, own };");
        insta::assert_snapshot!(stripped.code, @r#"
        import d, { "*all" as z } from "zod";
        import * as own from "./own";
        export { z, d, own };
        "#);
        assert_eq!(
            stripped.packages,
            [PackageImport { specifier: "zod".to_owned(), names: vec!["*all".to_owned()], passes_on: false }]
        );
    }

    #[test]
    fn a_place_in_the_code_has_an_origin() {
        let stripped = stripped("interface A {\n  b: string\n}\n\n\nexport const c =\n  f();");
        let line = stripped.code.lines().position(|line| line.contains("f()")).unwrap() as u32;
        assert_eq!(stripped.origin_of(line + 1, 18), (7, 3));
    }

    #[test]
    fn the_names_of_the_file_are_there_when_used() {
        assert!(stripped("export const a = __dirname;").code.starts_with("const __dirname=\"/p\";"));
        let own = "const __dirname = 'x'; export const a = __dirname;";
        assert!(!stripped(own).code.contains("/p"));
    }
}
