//! What a file declares: names, classes, enums, imports and exports.

use super::super::{BindingKind, Class, Constructor, EnumMember, Export, ExpressionId, Form, ImportName, Key, Kind, Member};
use super::{Lowering, bound_symbols};
use crate::syntax::spanned;
use oxc_ast::ast::{
    ArrowFunctionExpression, BindingPattern, Class as ClassNode, ClassElement, Declaration, ExportDefaultDeclarationKind,
    Expression as Node, ForInStatement, ForOfStatement, Function, ImportDeclarationSpecifier, MethodDefinitionKind,
    ModuleExportName, NewExpression, Statement, TSEnumDeclaration, TSEnumMemberName, TSModuleReference, VariableDeclaration,
};
use oxc_ast_visit::{Visit, walk};
use oxc_span::GetSpan;
use oxc_syntax::scope::ScopeFlags;
use oxc_syntax::symbol::SymbolId;

impl Lowering<'_> {
    pub(super) fn module_statement(&mut self, statement: &Statement<'_>, trusted: &mut Vec<SymbolId>) {
        match statement {
            Statement::ImportDeclaration(import) => {
                if import.import_kind.is_type() {
                    return;
                }
                let specifier = import.source.value.as_str();
                self.request(specifier);
                for item in import.specifiers.iter().flatten() {
                    let (local, name) = match item {
                        ImportDeclarationSpecifier::ImportSpecifier(item) if item.import_kind.is_type() => continue,
                        ImportDeclarationSpecifier::ImportSpecifier(item) => {
                            (&item.local, import_name(item.imported.name().as_str()))
                        }
                        ImportDeclarationSpecifier::ImportDefaultSpecifier(item) => (&item.local, ImportName::Default),
                        ImportDeclarationSpecifier::ImportNamespaceSpecifier(item) => (&item.local, ImportName::Namespace),
                    };
                    if specifier == "lua-cli" || specifier.starts_with("lua-cli/") {
                        trusted.extend(local.symbol_id.get());
                    }
                    let span = spanned(import.source.span);
                    self.set(local.symbol_id.get(), BindingKind::Import { specifier: specifier.to_owned(), name, span });
                }
            }
            Statement::ExportAllDeclaration(export) if !export.export_kind.is_type() => {
                let specifier = export.source.value.as_str();
                self.request(specifier);
                match &export.exported {
                    None => self.module.stars.push(specifier.to_owned()),
                    Some(name) => {
                        let from = Export::From {
                            specifier: specifier.to_owned(),
                            name: ImportName::Namespace,
                            span: spanned(export.source.span),
                        };
                        self.module.exports.insert(name.name().to_string(), from);
                    }
                }
            }
            Statement::ExportFromDeclaration(export) if !export.export_kind.is_type() => {
                let specifier = export.source.value.as_str();
                self.request(specifier);
                for item in export.specifiers.iter().filter(|item| !item.export_kind.is_type()) {
                    let from = Export::From {
                        specifier: specifier.to_owned(),
                        name: import_name(item.local.name().as_str()),
                        span: spanned(export.source.span),
                    };
                    self.module.exports.insert(item.exported.name().to_string(), from);
                }
            }
            Statement::ExportNamedDeclaration(export) if !export.export_kind.is_type() => {
                for item in export.specifiers.iter().filter(|item| !item.export_kind.is_type()) {
                    if let ModuleExportName::IdentifierReference(local) = &item.local
                        && let Some(symbol) = self.symbol(local.reference_id.get())
                    {
                        self.module.exports.insert(item.exported.name().to_string(), Export::Binding(symbol.index()));
                    }
                }
            }
            Statement::ExportDeclaration(export) => self.export_declaration(&export.declaration),
            Statement::ExportDefaultDeclaration(export) => {
                let exported = match &export.declaration {
                    ExportDefaultDeclarationKind::FunctionDeclaration(_) => Export::Function,
                    ExportDefaultDeclarationKind::ClassDeclaration(class) => {
                        let class_id = self.class(class);
                        Export::Expression(self.push(class.span, Kind::Class(class_id)))
                    }
                    ExportDefaultDeclarationKind::TSInterfaceDeclaration(_) => return,
                    other => match other.as_expression() {
                        Some(expression) => Export::Expression(self.expression(expression)),
                        None => return,
                    },
                };
                self.module.exports.insert("default".to_owned(), exported);
            }
            Statement::TSExportAssignment(export) => {
                let id = self.expression(&export.expression);
                self.module.exports.insert(crate::syntax::Module::WHOLE.to_owned(), Export::Expression(id));
            }
            Statement::TSImportEqualsDeclaration(import) => {
                if let TSModuleReference::ExternalModuleReference(reference) = &import.module_reference
                    && !import.import_kind.is_type()
                {
                    let specifier = reference.expression.value.to_string();
                    self.request(&specifier);
                    let span = spanned(reference.span);
                    let kind = BindingKind::Import { specifier, name: ImportName::Namespace, span };
                    self.set(import.id.symbol_id.get(), kind);
                }
            }
            _ => {}
        }
    }

    fn export_declaration(&mut self, declaration: &Declaration<'_>) {
        let symbols: Vec<SymbolId> = match declaration {
            Declaration::VariableDeclaration(variables) => {
                variables.declarations.iter().flat_map(|declarator| bound_symbols(&declarator.id)).collect()
            }
            Declaration::FunctionDeclaration(function) => {
                function.id.iter().filter_map(|identifier| identifier.symbol_id.get()).collect()
            }
            Declaration::ClassDeclaration(class) => class.id.iter().filter_map(|identifier| identifier.symbol_id.get()).collect(),
            Declaration::TSEnumDeclaration(declaration) => declaration.id.symbol_id.get().into_iter().collect(),
            _ => Vec::new(),
        };
        for symbol in symbols {
            self.module.exports.insert(self.scoping.symbol_name(symbol).to_owned(), Export::Binding(symbol.index()));
        }
    }

    pub(super) fn class(&mut self, class: &ClassNode<'_>) -> usize {
        let span = spanned(class.span);
        if let Some(id) = self.classes.get(&span) {
            return *id;
        }
        // Reserved before its members are lowered: they may hold classes of their own.
        let id = self.module.classes.len();
        self.classes.insert(span, id);
        self.module.classes.push(Class {
            span,
            name: None,
            body: spanned(class.body.span),
            elements: class.body.body.iter().map(|element| spanned(element.span())).collect(),
            parent: None,
            members: Vec::new(),
            constructor: Constructor::Implicit,
            is_abstract: class.r#abstract,
        });
        let parent = class.heritage.as_ref().map(|heritage| self.expression(&heritage.expression));
        let mut members = Vec::new();
        let mut constructor = Constructor::Implicit;
        for element in &class.body.body {
            match element {
                ClassElement::PropertyDefinition(property) if !property.r#static && !property.declare => {
                    let key = self.key(&property.key);
                    let span = spanned(property.span);
                    match &property.value {
                        Some(value) => {
                            let value = self.expression(value);
                            members.push(Member::Property { key, value, form: Form::Field, span });
                        }
                        // `name!: string` leaves what the parent has; `name;` makes it undefined. Only running tells.
                        None if property.definite || class.r#abstract => {}
                        None => members.push(Member::Opaque { key, is_function: false, span }),
                    }
                }
                ClassElement::AccessorProperty(property) if !property.r#static => {
                    let key = self.key(&property.key);
                    members.push(Member::Opaque { key, is_function: false, span: spanned(property.span) });
                }
                ClassElement::MethodDefinition(method) if !method.r#static => {
                    if method.kind == MethodDefinitionKind::Constructor {
                        if method.value.body.is_some() {
                            constructor = self.constructor(&method.value);
                        }
                        continue;
                    }
                    let key = self.key(&method.key);
                    let span = spanned(method.span);
                    members.push(match method.kind {
                        MethodDefinitionKind::Get => self.getter(key, &method.value, span),
                        kind => Member::Opaque { key, is_function: kind == MethodDefinitionKind::Method, span },
                    });
                }
                _ => {}
            }
        }
        let name = class.id.as_ref().and_then(|name| name.symbol_id.get());
        self.set(name, BindingKind::Class(id));
        let lowered = &mut self.module.classes[id];
        lowered.name = name.map(SymbolId::index);
        lowered.parent = parent;
        lowered.members = members;
        lowered.constructor = constructor;
        id
    }

    fn constructor(&mut self, function: &Function<'_>) -> Constructor {
        let opaque = Constructor::Opaque(spanned(function.span));
        if function.params.items.iter().any(|parameter| parameter.accessibility.is_some() || parameter.readonly) {
            return opaque;
        }
        let Some(body) = function.body.as_deref() else { return opaque };
        let [Statement::ExpressionStatement(statement)] = body.statements.as_slice() else { return opaque };
        match &statement.expression {
            Node::CallExpression(call) if matches!(call.callee, Node::Super(_)) => match self.arguments(&call.arguments) {
                (arguments, false) => Constructor::Super(arguments.first().copied()),
                (_, true) => opaque,
            },
            _ => opaque,
        }
    }

    fn declare(&mut self, declaration: &VariableDeclaration<'_>) {
        if declaration.declare {
            return;
        }
        for declarator in &declaration.declarations {
            match (&declarator.id, &declarator.init) {
                (BindingPattern::BindingIdentifier(name), None) => {
                    self.set(name.symbol_id.get(), BindingKind::Uninitialized);
                }
                (BindingPattern::BindingIdentifier(name), Some(init)) => {
                    let id = self.expression(init);
                    self.set(name.symbol_id.get(), BindingKind::Value(id));
                }
                (pattern, Some(init)) => {
                    let from = self.expression(init);
                    self.take(pattern, from, &mut Vec::new());
                }
                (_, None) => {}
            }
        }
    }

    /// Binds what an object pattern without defaults takes out of a value; other patterns stay dynamic.
    fn take(&mut self, pattern: &BindingPattern<'_>, from: ExpressionId, path: &mut Vec<String>) {
        match pattern {
            BindingPattern::BindingIdentifier(name) => {
                self.set(name.symbol_id.get(), BindingKind::Taken { from, path: path.clone() });
            }
            BindingPattern::ObjectPattern(object) => {
                for property in &object.properties {
                    if let Key::Static(key) = self.key(&property.key) {
                        path.push(key);
                        self.take(&property.value, from, path);
                        path.pop();
                    }
                }
            }
            BindingPattern::ArrayPattern(array) => {
                for (index, element) in array.elements.iter().enumerate() {
                    if let Some(element) = element {
                        path.push(index.to_string());
                        self.take(element, from, path);
                        path.pop();
                    }
                }
            }
            BindingPattern::AssignmentPattern(_) => {}
        }
    }

    fn enumeration(&mut self, declaration: &TSEnumDeclaration<'_>) {
        if declaration.declare {
            return;
        }
        let mut members = Vec::new();
        for member in &declaration.body.members {
            let name = match &member.id {
                TSEnumMemberName::Identifier(name) => name.name.to_string(),
                TSEnumMemberName::String(literal) | TSEnumMemberName::ComputedString(literal) => literal.value.to_string(),
                TSEnumMemberName::ComputedTemplateString(_) => return,
            };
            let value = member.initializer.as_ref().map(|value| self.expression(value));
            members.push(EnumMember { name, value, span: spanned(member.span) });
        }
        self.set(declaration.id.symbol_id.get(), BindingKind::Enum(members));
    }
}

fn import_name(name: &str) -> ImportName {
    if name == "default" { ImportName::Default } else { ImportName::Named(name.to_owned()) }
}

impl<'a> Visit<'a> for Lowering<'_> {
    fn visit_variable_declaration(&mut self, declaration: &VariableDeclaration<'a>) {
        self.declare(declaration);
        walk::walk_variable_declaration(self, declaration);
    }

    // The variable of a loop has many values; its declaration is left dynamic.
    fn visit_for_of_statement(&mut self, statement: &ForOfStatement<'a>) {
        self.visit_expression(&statement.right);
        self.visit_statement(&statement.body);
    }

    fn visit_for_in_statement(&mut self, statement: &ForInStatement<'a>) {
        self.visit_expression(&statement.right);
        self.visit_statement(&statement.body);
    }

    fn visit_function(&mut self, function: &Function<'a>, flags: ScopeFlags) {
        if let Some(name) = &function.id {
            self.set(name.symbol_id.get(), BindingKind::Function);
        }
        if self.is_full {
            walk::walk_function(self, function, flags);
        }
    }

    fn visit_arrow_function_expression(&mut self, arrow: &ArrowFunctionExpression<'a>) {
        if self.is_full {
            walk::walk_arrow_function_expression(self, arrow);
        }
    }

    fn visit_class(&mut self, class: &ClassNode<'a>) {
        self.class(class);
        if self.is_full {
            walk::walk_class(self, class);
        }
    }

    fn visit_new_expression(&mut self, construction: &NewExpression<'a>) {
        self.construction(construction);
        walk::walk_new_expression(self, construction);
    }

    fn visit_ts_enum_declaration(&mut self, declaration: &TSEnumDeclaration<'a>) {
        self.enumeration(declaration);
    }
}
