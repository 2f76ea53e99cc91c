//! Turns a module with `import` and `export` into a function body that can be called while others wait for it.
//!
//! What a module of an installed package exports is not known before it ran, it may be of either kind, and it may fail where
//! the agent does not need it. So packages are loaded one by one through a function `require`, and a module of the newer kind
//! is rewritten for that: an import is a call, a name that was imported is a member of what the call returned, and what is
//! exported is a getter, so that a later assignment is seen and modules may import each other in a circle.
//!
//! Only stretches of the text are replaced, and none by more lines: places in a stack stay right.

use std::fmt::Write as _;
use std::path::Path;

use oxc_allocator::Allocator;
use oxc_ast::ast::{
    BindingPattern, CallExpression, Class, Declaration, ExportDefaultDeclarationKind, Expression, Function, IdentifierReference,
    ImportDeclarationSpecifier, ImportExpression, ImportMeta, ModuleExportName, ObjectProperty, Program, Statement,
    TaggedTemplateExpression,
};
use oxc_ast_visit::{Visit, walk};
use oxc_parser::Parser;
use oxc_semantic::{Scoping, SemanticBuilder};
use oxc_span::{GetSpan, SourceType, Span};
use oxc_syntax::symbol::SymbolId;

use super::strip::SyntaxError;

/// The parameters of the function that a module becomes.
pub(super) const PARAMETERS: &str = "exports,require,module,__filename,__dirname,process,__import,__late,__meta";

/// Returns true if a text has `import` or `export`, or anything else that only modules of the newer kind have.
pub(super) fn is_ecmascript(path: &Path, text: &str) -> bool {
    let has_no_word = match path.extension().and_then(|extension| extension.to_str()) {
        Some("mjs" | "mts") => return true,
        Some("cjs") => return false,
        // Most files of a project can be told without parsing them.
        _ => !["exports", "require", "module"].iter().any(|word| text.contains(word)),
    };
    if has_no_word {
        return true;
    }
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, source_type(path)).parse();
    // `export =` assigns what the module is, as `module.exports =` does.
    if parsed.program.body.iter().any(|statement| matches!(statement, Statement::TSExportAssignment(_))) {
        return false;
    }
    let is_import = |statement: &Statement<'_>| matches!(statement, Statement::TSImportEqualsDeclaration(_));
    if parsed.module_record.has_module_syntax || (parsed.program.body.iter().any(is_import) && !is_cts(path)) {
        return true;
    }
    let semantic = SemanticBuilder::new().with_build_nodes(false).build(&parsed.program).semantic;
    let free = semantic.scoping().root_unresolved_references();
    // A file with neither kind's words only does something.
    !["exports", "module", "require"].iter().any(|word| free.keys().any(|name| name.as_str() == *word))
}

fn is_cts(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "cts")
}

fn source_type(path: &Path) -> SourceType {
    let source_type = SourceType::from_path(path).unwrap_or_default();
    let source_type = if source_type.is_javascript() { source_type.with_jsx(true) } else { source_type };
    source_type.with_module(true)
}

/// Returns the body of the function that a module of the newer kind becomes. The text is JavaScript.
pub(super) fn body(text: &str) -> Result<String, SyntaxError> {
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, SourceType::mjs()).parse();
    if let Some(error) = parsed.diagnostics.errors().next() {
        let offset = error.labels.iter().next().map_or(0, |label| label.offset() as usize);
        return Err(SyntaxError { message: error.message.to_string(), offset });
    }
    let scoping = SemanticBuilder::new().with_build_nodes(false).build(&parsed.program).semantic.into_scoping();
    let mut rewriting = Rewriting { scoping: &scoping, imported: vec![None; scoping.symbols_len()], edits: Vec::new() };
    let head = rewriting.statements(&parsed.program);
    rewriting.visit_program(&parsed.program);
    Ok(head + &rewriting.apply(text))
}

/// Returns a text as a literal.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

struct Rewriting<'s> {
    scoping: &'s Scoping,
    /// What stands for a name that is imported.
    imported: Vec<Option<String>>,
    edits: Vec<(Span, String)>,
}

impl Rewriting<'_> {
    /// Rewrites imports and exports; returns what stands before everything else.
    fn statements(&mut self, program: &Program<'_>) -> String {
        let mut getters = String::new();
        let mut calls = String::new();
        let mut count = 0;
        let mut call = |calls: &mut String, specifier: &str| {
            count += 1;
            // Writing to a string cannot fail.
            let _ = write!(calls, "const __m{count}=__import({});", quoted(specifier));
            format!("__m{count}")
        };
        let mut stars = String::new();
        let mut later: Vec<(String, SymbolOrName)> = Vec::new();
        for statement in &program.body {
            match statement {
                Statement::ImportDeclaration(import) => {
                    let module = call(&mut calls, &import.source.value);
                    for specifier in import.specifiers.iter().flatten() {
                        let (local, value) = match specifier {
                            ImportDeclarationSpecifier::ImportSpecifier(one) => {
                                (&one.local, format!("{module}[{}]", quoted(&one.imported.name())))
                            }
                            ImportDeclarationSpecifier::ImportDefaultSpecifier(one) => (&one.local, format!("{module}.default")),
                            ImportDeclarationSpecifier::ImportNamespaceSpecifier(one) => (&one.local, module.clone()),
                        };
                        if let Some(symbol) = local.symbol_id.get() {
                            self.imported[symbol.index()] = Some(value);
                        }
                    }
                    self.edits.push((import.span, ";".to_owned()));
                }
                Statement::ExportDeclaration(export) => {
                    let names: Vec<String> = match &export.declaration {
                        Declaration::VariableDeclaration(declaration) => {
                            declaration.declarations.iter().flat_map(|declarator| bound_names(&declarator.id)).collect()
                        }
                        Declaration::FunctionDeclaration(function) => function.id.iter().map(|id| id.name.to_string()).collect(),
                        Declaration::ClassDeclaration(class) => class.id.iter().map(|id| id.name.to_string()).collect(),
                        _ => Vec::new(),
                    };
                    later.extend(names.into_iter().map(|name| (name.clone(), SymbolOrName::Name(name))));
                    self.edits.push((Span::new(export.span.start, export.declaration.span().start), String::new()));
                }
                Statement::ExportNamedDeclaration(export) => {
                    for specifier in &export.specifiers {
                        let symbol = match &specifier.local {
                            ModuleExportName::IdentifierReference(name) => self.symbol(name),
                            _ => None,
                        };
                        let name = specifier.local.name().to_string();
                        let value = symbol.map_or(SymbolOrName::Name(name), SymbolOrName::Symbol);
                        later.push((specifier.exported.name().to_string(), value));
                    }
                    self.edits.push((export.span, ";".to_owned()));
                }
                Statement::ExportFromDeclaration(export) => {
                    let module = call(&mut calls, &export.source.value);
                    for specifier in &export.specifiers {
                        let value = format!("{module}[{}]", quoted(&specifier.local.name()));
                        later.push((specifier.exported.name().to_string(), SymbolOrName::Name(value)));
                    }
                    self.edits.push((export.span, ";".to_owned()));
                }
                Statement::ExportAllDeclaration(export) => {
                    let module = call(&mut calls, &export.source.value);
                    match &export.exported {
                        Some(name) => later.push((name.name().to_string(), SymbolOrName::Name(module))),
                        None => {
                            let _ = write!(stars, "__import.star(exports,{module});");
                        }
                    }
                    self.edits.push((export.span, ";".to_owned()));
                }
                Statement::ExportDefaultDeclaration(export) => {
                    let start = export.span.start;
                    let name = match &export.declaration {
                        ExportDefaultDeclarationKind::FunctionDeclaration(function) => self.default_function(start, function),
                        ExportDefaultDeclarationKind::ClassDeclaration(class) => self.default_class(start, class),
                        other => {
                            self.edits.push((Span::new(start, other.span().start), "const __default=".to_owned()));
                            "__default".to_owned()
                        }
                    };
                    later.push(("default".to_owned(), SymbolOrName::Name(name)));
                }
                _ => {}
            }
        }
        for (exported, value) in later {
            let value = match value {
                SymbolOrName::Symbol(symbol) => match &self.imported[symbol.index()] {
                    Some(imported) => imported.clone(),
                    None => self.scoping.symbol_name(symbol).to_owned(),
                },
                SymbolOrName::Name(name) => name,
            };
            let _ = write!(getters, "{}:()=>{value},", quoted(&exported));
        }
        format!("\"use strict\";__import.exports(exports,{{{getters}}});{calls}{stars}")
    }

    fn default_function(&mut self, start: u32, function: &Function<'_>) -> String {
        match &function.id {
            Some(id) => {
                self.edits.push((Span::new(start, function.span.start), String::new()));
                id.name.to_string()
            }
            None => {
                let kind = if function.r#async { "async function" } else { "function" };
                let star = if function.generator { "*" } else { "" };
                let head = format!("{kind}{star} __default");
                self.edits.push((Span::new(start, function.params.span.start), head));
                "__default".to_owned()
            }
        }
    }

    fn default_class(&mut self, start: u32, class: &Class<'_>) -> String {
        match &class.id {
            Some(id) => {
                self.edits.push((Span::new(start, class.span.start), String::new()));
                id.name.to_string()
            }
            None => {
                self.edits.push((Span::new(start, class.span.start), "const __default=".to_owned()));
                "__default".to_owned()
            }
        }
    }

    fn symbol(&self, name: &IdentifierReference<'_>) -> Option<SymbolId> {
        self.scoping.get_reference(name.reference_id.get()?).symbol_id()
    }

    fn replacement(&self, name: &IdentifierReference<'_>) -> Option<&String> {
        self.imported[self.symbol(name)?.index()].as_ref()
    }

    /// Replaces a name that is called: as a member it would be given the module as `this`.
    fn callee(&mut self, callee: &Expression<'_>) -> bool {
        let Expression::Identifier(name) = callee else { return false };
        let Some(value) = self.replacement(name) else { return false };
        let text = format!("(0,{value})");
        self.edits.push((name.span, text));
        true
    }

    fn apply(mut self, text: &str) -> String {
        self.edits.sort_by_key(|(span, _)| (span.start, span.end));
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        for (span, new) in &self.edits {
            let (start, end) = (span.start as usize, span.end as usize);
            if start < at {
                // Inside of what is gone already: the names of an import.
                continue;
            }
            out.push_str(&text[at..start]);
            out.push_str(new);
            // What an import or export was written on stays as lines.
            out.extend(text[start..end].matches('\n').skip(new.matches('\n').count()));
            at = end;
        }
        out.push_str(&text[at..]);
        out
    }
}

enum SymbolOrName {
    Symbol(SymbolId),
    Name(String),
}

fn bound_names(pattern: &BindingPattern<'_>) -> Vec<String> {
    pattern.get_binding_identifiers().iter().map(|identifier| identifier.name.to_string()).collect()
}

impl<'a> Visit<'a> for Rewriting<'_> {
    fn visit_identifier_reference(&mut self, name: &IdentifierReference<'a>) {
        if let Some(value) = self.replacement(name).cloned() {
            self.edits.push((name.span, value));
        }
    }

    fn visit_object_property(&mut self, property: &ObjectProperty<'a>) {
        if property.shorthand
            && let Expression::Identifier(name) = &property.value
            && let Some(value) = self.replacement(name)
        {
            let text = format!("{}:{value}", name.name);
            self.edits.push((property.span, text));
            return;
        }
        walk::walk_object_property(self, property);
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if self.callee(&call.callee) {
            call.arguments.iter().for_each(|argument| self.visit_argument(argument));
        } else {
            walk::walk_call_expression(self, call);
        }
    }

    fn visit_tagged_template_expression(&mut self, tagged: &TaggedTemplateExpression<'a>) {
        if self.callee(&tagged.tag) {
            self.visit_template_literal(&tagged.quasi);
        } else {
            walk::walk_tagged_template_expression(self, tagged);
        }
    }

    fn visit_import_expression(&mut self, import: &ImportExpression<'a>) {
        let start = import.span.start;
        self.edits.push((Span::new(start, start + 6), "__late".to_owned()));
        self.visit_expression(&import.source);
    }

    fn visit_import_meta(&mut self, meta: &ImportMeta) {
        self.edits.push((meta.span, "__meta".to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_members_and_exports_are_getters() {
        let text = "import a, { b as c } from 'x';\nimport * as n from \"y\";\nexport const one = c(a, { a }), [two] = n.list;\n\
                    export { a as again, one as uno } from './z';\nexport { c };\nexport default function () { return c`t`; }\n\
                    export * from 'w';\nexport * as v from 'v';";
        insta::assert_snapshot!(body(text).unwrap(), @r#"
        "use strict";__import.exports(exports,{"one":()=>one,"two":()=>two,"again":()=>__m3["a"],"uno":()=>__m3["one"],"c":()=>__m1["b"],"default":()=>__default,"v":()=>__m5,});const __m1=__import("x");const __m2=__import("y");const __m3=__import("./z");const __m4=__import("w");const __m5=__import("v");__import.star(exports,__m4);;
        ;
        const one = (0,__m1["b"])(__m1.default, { a:__m1.default }), [two] = __m2.list;
        ;
        ;
        function __default() { return (0,__m1["b"])`t`; }
        ;
        ;
        "#);
    }

    #[test]
    fn a_module_is_of_one_kind_or_the_other() {
        for (file, text, expected) in [
            ("a.js", "module.exports = 1;", false),
            ("a.js", "exports.a = require('b');", false),
            ("a.js", "import a from 'b'; exports.a = a;", true),
            ("a.ts", "const exports = 1;", true),
            ("a.mjs", "module.exports = 1;", true),
            ("a.cjs", "1", false),
            ("a.ts", "import a = require('a'); a();", true),
            ("a.ts", "// requires care", true),
        ] {
            assert_eq!(is_ecmascript(Path::new(file), text), expected, "{file}: {text}");
        }
    }
}
