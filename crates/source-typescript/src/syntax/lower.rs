//! Parses a file and keeps what a definition can be made of.

mod declarations;

use super::spanned;
use super::usage::{UsageVisitor, bound_symbols, spread_to_origins};
use super::{
    Binary, Binding, BindingKind, Construction, Element, Export, Expression, ExpressionId, File, Form, Key, Kind, Logical,
    Member, Module, Quasi, Quote, Unary, Usage,
};
use keepstep_source::frame::Span;
use oxc_allocator::Allocator;
use oxc_ast::ast::{
    Argument, ArrayExpressionElement, ChainElement, Expression as Node, Function, FunctionBody, NewExpression,
    ObjectPropertyKind, Program, PropertyKey, PropertyKind, Statement, TemplateLiteral,
};
use oxc_ast_visit::Visit;
use oxc_parser::{ParseOptions, Parser};
use oxc_semantic::{Scoping, SemanticBuilder};
use oxc_span::{GetSpan, SourceType};
use oxc_syntax::operator::{BinaryOperator, LogicalOperator, UnaryOperator};
use oxc_syntax::symbol::SymbolId;
use std::collections::HashMap;
use std::sync::Arc;

/// Why a file does not parse, and where.
#[derive(Debug, Clone)]
pub(crate) struct SyntaxProblem {
    pub(crate) message: String,
    pub(crate) help: String,
    pub(crate) span: Span,
}

/// Parses a file. A path that ends in `.json` is data, everything else is TypeScript or JavaScript.
pub(crate) fn lower(file: &Arc<File>) -> Result<Module, SyntaxProblem> {
    let allocator = Allocator::default();
    let path = &file.path;
    let text = file.text.as_str();
    if path.extension().is_some_and(|extension| extension == "json") {
        return lower_json(&allocator, file);
    }
    let source_type = SourceType::from_path(path).unwrap_or_else(|_| SourceType::ts());
    // A plain `.js` file may be a script by its extension; its imports say otherwise.
    let source_type = source_type.with_module(true);
    let options = ParseOptions { preserve_parens: false, ..ParseOptions::default() };
    let parsed = Parser::new(&allocator, text, source_type).with_options(options).parse();
    if let Some(problem) = parsed.diagnostics.errors().next() {
        return Err(syntax_problem(problem, text));
    }
    let semantic = SemanticBuilder::new().with_build_nodes(false).build(&parsed.program);
    let scoping = semantic.semantic.into_scoping();
    let mut lowering = Lowering::new(&scoping, file);
    lowering.program(&parsed.program);
    Ok(lowering.module)
}

fn lower_json(allocator: &Allocator, file: &Arc<File>) -> Result<Module, SyntaxProblem> {
    let text = file.text.as_str();
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Err(problem) = serde_json::from_str::<serde::de::IgnoredAny>(body) {
        let line_start: usize = text.split_inclusive('\n').take(problem.line().saturating_sub(1)).map(str::len).sum();
        let at = (line_start + problem.column().saturating_sub(1)).min(text.len());
        let message = problem.to_string();
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        return Err(SyntaxProblem { message, help: String::new(), span: Span::new(at, at + 1) });
    }
    let expression = Parser::new(allocator, text, SourceType::ts())
        .parse_expression()
        .map_err(|problems| problems.errors().next().map_or_else(unknown_problem, |problem| syntax_problem(problem, text)))?;
    let scoping = Scoping::default();
    let mut lowering = Lowering::new(&scoping, file);
    lowering.is_json = true;
    let id = lowering.expression(&expression);
    lowering.module.exports.insert("default".to_owned(), Export::Expression(id));
    Ok(lowering.module)
}

fn unknown_problem() -> SyntaxProblem {
    SyntaxProblem { message: "the file does not parse".to_owned(), help: String::new(), span: Span::new(0, 0) }
}

fn syntax_problem(problem: &oxc_diagnostics::OxcDiagnostic, text: &str) -> SyntaxProblem {
    let label = problem.labels.first();
    let start = label.map_or(text.len(), |label| label.offset() as usize);
    let end = label.map_or(start, |label| start + label.len() as usize);
    SyntaxProblem {
        message: problem.message.to_string(),
        help: problem.help.as_ref().map(ToString::to_string).unwrap_or_default(),
        span: Span::new(start, end),
    }
}

struct Lowering<'s> {
    scoping: &'s Scoping,
    module: Module,
    /// The `new` expressions and classes that were lowered already, by where they begin and end.
    lowered: HashMap<Span, ExpressionId>,
    classes: HashMap<Span, usize>,
    /// Whether the names inside functions are of interest.
    is_full: bool,
    is_json: bool,
}

impl<'s> Lowering<'s> {
    fn new(scoping: &'s Scoping, file: &Arc<File>) -> Self {
        let bindings = scoping
            .symbol_ids()
            .map(|symbol| Binding {
                name: scoping.symbol_name(symbol).to_owned(),
                span: spanned(scoping.symbol_span(symbol)),
                kind: BindingKind::Dynamic("a name whose value only running the code gives"),
                reassigned: scoping.symbol_is_mutated(symbol),
                reads: u32::try_from(scoping.get_resolved_references(symbol).filter(|reference| reference.is_read()).count())
                    .unwrap_or(u32::MAX),
                usage: Usage::default(),
            })
            .collect();
        let module = Module {
            file: Arc::clone(file),
            expressions: Vec::new(),
            bindings,
            exports: HashMap::new(),
            stars: Vec::new(),
            requests: Vec::new(),
            aliases: Vec::new(),
            classes: Vec::new(),
            constructions: Vec::new(),
        };
        let is_full = ["LuaAgent", "new ", "extends "].iter().any(|word| file.text.contains(word));
        Self { scoping, module, lowered: HashMap::new(), classes: HashMap::new(), is_full, is_json: false }
    }

    fn program(&mut self, program: &Program<'_>) {
        let mut trusted = Vec::new();
        for statement in &program.body {
            self.module_statement(statement, &mut trusted);
        }
        self.visit_program(program);
        let mut usage = UsageVisitor::new(self.scoping, trusted);
        usage.visit_program(program);
        let mut found = usage.finish();
        spread_to_origins(&mut found.usage, &found.aliases);
        for (binding, usage) in self.module.bindings.iter_mut().zip(found.usage) {
            binding.usage = usage;
        }
        self.module.aliases = found.aliases;
        found.required.iter().for_each(|specifier| self.request(specifier));
    }

    fn push(&mut self, span: oxc_span::Span, kind: Kind) -> ExpressionId {
        self.module.expressions.push(Expression { span: spanned(span), kind });
        self.module.expressions.len() - 1
    }

    fn set(&mut self, symbol: Option<SymbolId>, kind: BindingKind) {
        if let Some(symbol) = symbol {
            // A name that is declared twice (a merged enum, an overload) has no single place.
            let is_merged = !self.scoping.symbol_redeclarations(symbol).is_empty();
            if !is_merged || matches!(kind, BindingKind::Function) {
                self.module.bindings[symbol.index()].kind = kind;
            }
        }
    }

    fn request(&mut self, specifier: &str) {
        if !self.module.requests.iter().any(|request| request == specifier) {
            self.module.requests.push(specifier.to_owned());
        }
    }

    fn symbol(&self, reference: Option<oxc_syntax::reference::ReferenceId>) -> Option<SymbolId> {
        self.scoping.get_reference(reference?).symbol_id()
    }

    fn expression(&mut self, node: &Node<'_>) -> ExpressionId {
        let span = node.span();
        let kind = match node {
            Node::ParenthesizedExpression(inner) => return self.expression(&inner.expression),
            Node::TSAsExpression(inner) => return self.expression(&inner.expression),
            Node::TSSatisfiesExpression(inner) => return self.expression(&inner.expression),
            Node::TSTypeAssertion(inner) => return self.expression(&inner.expression),
            Node::TSNonNullExpression(inner) => return self.expression(&inner.expression),
            Node::TSInstantiationExpression(inner) => return self.expression(&inner.expression),
            Node::StringLiteral(literal) if literal.lone_surrogates => Kind::LoneSurrogate,
            Node::StringLiteral(literal) => {
                let quote = match self.module.file.text.as_bytes().get(span.start as usize) {
                    _ if self.is_json => Quote::Json,
                    Some(b'"') => Quote::Double,
                    _ => Quote::Single,
                };
                Kind::Text { value: literal.value.to_string(), quote }
            }
            Node::NumericLiteral(literal) => Kind::Number(literal.value),
            Node::BooleanLiteral(literal) => Kind::Boolean(literal.value),
            Node::NullLiteral(_) => Kind::Null,
            Node::TemplateLiteral(template) => {
                let (quasis, expressions) = self.template(template);
                Kind::Template { quasis, expressions }
            }
            Node::TaggedTemplateExpression(tagged) => {
                let tag = self.expression(&tagged.tag);
                let (quasis, expressions) = self.template(&tagged.quasi);
                Kind::TaggedTemplate { tag, quasis, expressions }
            }
            Node::Identifier(name) => match self.symbol(name.reference_id.get()) {
                Some(symbol) => Kind::Name(symbol.index()),
                None => Kind::Global(name.name.to_string()),
            },
            Node::ObjectExpression(object) => {
                let members = object.properties.iter().map(|property| self.object_member(property)).collect();
                Kind::Object(members)
            }
            Node::ArrayExpression(array) => {
                let elements = array
                    .elements
                    .iter()
                    .map(|element| match element {
                        ArrayExpressionElement::SpreadElement(spread) => Element::Spread(self.expression(&spread.argument)),
                        ArrayExpressionElement::Elision(_) => Element::Hole,
                        other => other.as_expression().map_or(Element::Hole, |item| Element::Item(self.expression(item))),
                    })
                    .collect();
                Kind::Array(elements)
            }
            Node::StaticMemberExpression(_) | Node::ComputedMemberExpression(_) => self.member_access(node),
            Node::ChainExpression(chain) => {
                let inner = match &chain.expression {
                    ChainElement::CallExpression(call) => self.call(call),
                    ChainElement::TSNonNullExpression(inner) => return self.expression(&inner.expression),
                    ChainElement::StaticMemberExpression(member) => {
                        let object = self.expression(&member.object);
                        Kind::Access { object, key: Key::Static(member.property.name.to_string()), optional: member.optional }
                    }
                    ChainElement::ComputedMemberExpression(member) => {
                        let object = self.expression(&member.object);
                        let key = Key::Computed(self.expression(&member.expression));
                        Kind::Access { object, key, optional: member.optional }
                    }
                    ChainElement::PrivateFieldExpression(_) => Kind::Dynamic("a private field"),
                };
                Kind::Chain(self.push(span, inner))
            }
            Node::BinaryExpression(binary) => return self.binary(binary),
            Node::LogicalExpression(logical) => Kind::Logical {
                operator: match logical.operator {
                    LogicalOperator::And => Logical::And,
                    LogicalOperator::Or => Logical::Or,
                    LogicalOperator::Coalesce => Logical::Coalesce,
                },
                left: self.expression(&logical.left),
                right: self.expression(&logical.right),
            },
            Node::UnaryExpression(unary) => Kind::Unary {
                operator: match unary.operator {
                    UnaryOperator::LogicalNot => Unary::Not,
                    UnaryOperator::UnaryNegation => Unary::Minus,
                    UnaryOperator::UnaryPlus => Unary::Plus,
                    UnaryOperator::Void => Unary::Void,
                    _ => Unary::Other,
                },
                operand: self.expression(&unary.argument),
            },
            Node::ConditionalExpression(conditional) => Kind::Conditional {
                test: self.expression(&conditional.test),
                consequent: self.expression(&conditional.consequent),
                alternate: self.expression(&conditional.alternate),
            },
            Node::CallExpression(call) => self.call(call),
            Node::NewExpression(construction) => return self.construction(construction),
            Node::ImportMeta(_) => Kind::ImportMeta,
            Node::ArrowFunctionExpression(_) | Node::FunctionExpression(_) => Kind::Function,
            Node::ClassExpression(class) => Kind::Class(self.class(class)),
            Node::AwaitExpression(_) => Kind::Dynamic("an `await`"),
            Node::AssignmentExpression(_) | Node::UpdateExpression(_) => Kind::Dynamic("an assignment"),
            Node::SequenceExpression(_) => Kind::Dynamic("a sequence of expressions"),
            Node::ThisExpression(_) | Node::Super(_) => Kind::Dynamic("a member of `this`"),
            Node::ImportExpression(_) => Kind::Dynamic("a dynamic import"),
            Node::BigIntLiteral(_) => Kind::Dynamic("a big integer"),
            Node::RegExpLiteral(_) => Kind::Dynamic("a regular expression"),
            _ => Kind::Dynamic("an expression that has to be run"),
        };
        self.push(span, kind)
    }

    fn template(&mut self, template: &TemplateLiteral<'_>) -> (Vec<Quasi>, Vec<ExpressionId>) {
        let quasis = template
            .quasis
            .iter()
            .map(|quasi| Quasi {
                span: spanned(quasi.span),
                cooked: quasi.value.cooked.filter(|_| !quasi.lone_surrogates).map(|text| text.to_string()),
                raw: quasi.value.raw.to_string(),
            })
            .collect();
        let expressions = template.expressions.iter().map(|expression| self.expression(expression)).collect();
        (quasis, expressions)
    }

    /// A sum of many parts leans to the left; its spine is walked without recursion, because it can be long.
    fn binary(&mut self, outermost: &oxc_ast::ast::BinaryExpression<'_>) -> ExpressionId {
        let mut spine = vec![outermost];
        while let Some(Node::BinaryExpression(inner)) = spine.last().map(|binary| binary.left.get_inner_expression()) {
            spine.push(inner);
        }
        let mut left = spine.last().map_or(0, |innermost| self.expression(&innermost.left));
        for binary in spine.into_iter().rev() {
            let operator = match binary.operator {
                BinaryOperator::Addition => Binary::Add,
                BinaryOperator::StrictEquality => Binary::StrictEqual,
                BinaryOperator::StrictInequality => Binary::StrictUnequal,
                _ => Binary::Other,
            };
            let right = self.expression(&binary.right);
            left = self.push(binary.span, Kind::Binary { operator, left, right });
        }
        left
    }

    fn member_access(&mut self, node: &Node<'_>) -> Kind {
        match node {
            Node::StaticMemberExpression(member) => {
                let object = self.expression(&member.object);
                Kind::Access { object, key: Key::Static(member.property.name.to_string()), optional: member.optional }
            }
            Node::ComputedMemberExpression(member) => {
                let object = self.expression(&member.object);
                let key = Key::Computed(self.expression(&member.expression));
                Kind::Access { object, key, optional: member.optional }
            }
            _ => Kind::Dynamic("a private field"),
        }
    }

    fn arguments(&mut self, arguments: &[Argument<'_>]) -> (Vec<ExpressionId>, bool) {
        let has_spread = arguments.iter().any(Argument::is_spread);
        let arguments = arguments
            .iter()
            .filter_map(|argument| match argument {
                Argument::SpreadElement(spread) => Some(&spread.argument),
                other => other.as_expression(),
            })
            .map(|expression| self.expression(expression))
            .collect();
        (arguments, has_spread)
    }

    fn call(&mut self, call: &oxc_ast::ast::CallExpression<'_>) -> Kind {
        let callee = self.expression(&call.callee);
        let (arguments, spread) = self.arguments(&call.arguments);
        Kind::Call { callee, arguments, spread }
    }

    fn construction(&mut self, construction: &NewExpression<'_>) -> ExpressionId {
        let span = spanned(construction.span);
        if let Some(id) = self.lowered.get(&span) {
            return *id;
        }
        let callee = self.expression(&construction.callee);
        let (arguments, has_spread) = self.arguments(&construction.arguments);
        let argument = arguments.first().copied().filter(|_| !has_spread);
        let id = self.push(construction.span, Kind::New { callee, arguments });
        self.lowered.insert(span, id);
        self.module.constructions.push(Construction { callee, argument, span });
        id
    }

    fn object_member(&mut self, property: &ObjectPropertyKind<'_>) -> Member {
        match property {
            ObjectPropertyKind::SpreadProperty(spread) => {
                Member::Spread { argument: self.expression(&spread.argument), span: spanned(spread.span) }
            }
            ObjectPropertyKind::ObjectProperty(property) => {
                let span = spanned(property.span);
                let is_proto = !property.computed && !property.shorthand && !self.is_json;
                let key = self.key(&property.key);
                if is_proto && matches!(&key, Key::Static(name) if name == "__proto__") {
                    // It sets the prototype, whose members show through.
                    return Member::Spread { argument: self.push(property.span, Kind::Dynamic("a prototype")), span };
                }
                if property.kind == PropertyKind::Get
                    && let Node::FunctionExpression(function) = &property.value
                {
                    return self.getter(key, function, span);
                }
                if property.method || property.kind == PropertyKind::Set {
                    return Member::Opaque { key, is_function: property.method, span };
                }
                let form = if property.shorthand { Form::Shorthand } else { Form::Plain };
                Member::Property { key, value: self.expression(&property.value), form, span }
            }
        }
    }

    fn getter(&mut self, key: Key, function: &Function<'_>, span: Span) -> Member {
        let returned = match function.body.as_deref() {
            Some(FunctionBody { statements, .. }) => match statements.first() {
                Some(Statement::ReturnStatement(statement)) => statement.argument.as_ref(),
                _ => None,
            },
            None => None,
        };
        match returned {
            Some(value) => Member::Property { key, value: self.expression(value), form: Form::Getter, span },
            None => Member::Opaque { key, is_function: false, span },
        }
    }

    fn key(&mut self, key: &PropertyKey<'_>) -> Key {
        match key {
            PropertyKey::StaticIdentifier(name) => Key::Static(name.name.to_string()),
            PropertyKey::PrivateIdentifier(name) => Key::Static(format!("#{}", name.name)),
            PropertyKey::StringLiteral(literal) if !literal.lone_surrogates => Key::Static(literal.value.to_string()),
            other => match other.as_expression() {
                Some(expression) => Key::Computed(self.expression(expression)),
                None => Key::Static(String::new()),
            },
        }
    }
}
