//! Finds the objects that change after they are made.
//!
//! The value of an object's literal is its value for good only if nothing assigns to its members. This visitor records
//! for each binding where its object is changed and where it is handed to code that could change it, and carries that
//! over to the bindings that name the same object.

use super::spanned;
use oxc_ast::ast::{
    Argument, ArrayExpressionElement, ArrowFunctionExpression, AssignmentExpression, AssignmentTarget, BindingPattern,
    CallExpression, ChainElement, Class, ClassElement, Expression, ForInStatement, ForOfStatement, ForStatementLeft,
    FormalParameter, FormalParameters, NewExpression, ObjectPropertyKind, ReturnStatement, SimpleAssignmentTarget,
    UnaryExpression, VariableDeclarator,
};
use oxc_ast_visit::{Visit, walk};
use oxc_semantic::Scoping;
use oxc_span::GetSpan;
use oxc_syntax::operator::UnaryOperator;
use oxc_syntax::symbol::SymbolId;

use super::{BindingId, Usage};

/// The methods of arrays and maps that change what they are called on.
const CHANGING_METHODS: [&str; 13] =
    ["push", "pop", "shift", "unshift", "splice", "sort", "reverse", "fill", "copyWithin", "set", "add", "delete", "clear"];
/// The methods of texts and arrays that definitions use, which change nothing. Of others nobody knows.
const READING_METHODS: [&str; 25] = [
    "at",
    "concat",
    "entries",
    "every",
    "filter",
    "find",
    "flat",
    "flatMap",
    "forEach",
    "includes",
    "indexOf",
    "join",
    "keys",
    "map",
    "reduce",
    "replace",
    "replaceAll",
    "slice",
    "some",
    "split",
    "toString",
    "trim",
    "trimEnd",
    "trimStart",
    "values",
];
/// The functions of `Object` and `Reflect` that change their first argument.
const CHANGING_FUNCTIONS: [&str; 6] = ["assign", "defineProperty", "defineProperties", "setPrototypeOf", "set", "deleteProperty"];
/// The globals whose other functions only read their arguments.
const READING_GLOBALS: [&str; 9] = ["Object", "Reflect", "JSON", "console", "String", "Number", "Boolean", "Array", "Math"];

/// What a visit found.
pub(super) struct Found {
    pub(super) usage: Vec<Usage>,
    /// Names that may stand for an object, and the name of that object.
    pub(super) aliases: Vec<(BindingId, BindingId)>,
    /// What is loaded with `require`.
    pub(super) required: Vec<String>,
}

/// Carries what happens to an alias over to the name of the original, until nothing more changes.
pub(crate) fn spread_to_origins(usage: &mut [Usage], aliases: &[(BindingId, BindingId)]) {
    let mut is_changing = true;
    while is_changing {
        is_changing = false;
        for (alias, origin) in aliases {
            let alias = usage[*alias];
            let origin = &mut usage[*origin];
            if origin.changed.is_none() && alias.changed.is_some() {
                origin.changed = alias.changed;
                is_changing = true;
            }
            if origin.escaped.is_none() && alias.escaped.is_some() {
                origin.escaped = alias.escaped;
                is_changing = true;
            }
        }
    }
}

pub(super) struct UsageVisitor<'s> {
    scoping: &'s Scoping,
    /// The names that are imported from the agents' own package: its constructors keep what they are given as it is.
    trusted: Vec<SymbolId>,
    found: Found,
}

impl<'s> UsageVisitor<'s> {
    pub(super) fn new(scoping: &'s Scoping, trusted: Vec<SymbolId>) -> Self {
        let usage = vec![Usage::default(); scoping.symbols_len()];
        Self { scoping, trusted, found: Found { usage, aliases: Vec::new(), required: Vec::new() } }
    }

    pub(super) fn finish(self) -> Found {
        self.found
    }

    /// Returns the symbol at the root of `name`, `name.member` and so on.
    fn root(&self, expression: &Expression<'_>) -> Option<SymbolId> {
        match expression.get_inner_expression() {
            Expression::Identifier(name) => self.scoping.get_reference(name.reference_id.get()?).symbol_id(),
            Expression::StaticMemberExpression(member) => self.root(&member.object),
            Expression::ComputedMemberExpression(member) => self.root(&member.object),
            Expression::ChainExpression(chain) => match &chain.expression {
                oxc_ast::ast::ChainElement::StaticMemberExpression(member) => self.root(&member.object),
                oxc_ast::ast::ChainElement::ComputedMemberExpression(member) => self.root(&member.object),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the symbols whose objects are reachable through a value.
    fn roots_within(&self, expression: &Expression<'_>, into: &mut Vec<SymbolId>) {
        match expression.get_inner_expression() {
            Expression::ObjectExpression(object) => {
                for property in &object.properties {
                    match property {
                        ObjectPropertyKind::ObjectProperty(property) => self.roots_within(&property.value, into),
                        ObjectPropertyKind::SpreadProperty(spread) => self.roots_within(&spread.argument, into),
                    }
                }
            }
            Expression::ArrayExpression(array) => {
                for element in &array.elements {
                    match element {
                        ArrayExpressionElement::SpreadElement(spread) => self.roots_within(&spread.argument, into),
                        ArrayExpressionElement::Elision(_) => {}
                        other => {
                            if let Some(expression) = other.as_expression() {
                                self.roots_within(expression, into);
                            }
                        }
                    }
                }
            }
            Expression::ConditionalExpression(conditional) => {
                self.roots_within(&conditional.consequent, into);
                self.roots_within(&conditional.alternate, into);
            }
            Expression::LogicalExpression(logical) => {
                self.roots_within(&logical.left, into);
                self.roots_within(&logical.right, into);
            }
            Expression::AssignmentExpression(assignment) => self.roots_within(&assignment.right, into),
            Expression::StaticMemberExpression(member) => self.roots_within(&member.object, into),
            Expression::ComputedMemberExpression(member) => self.roots_within(&member.object, into),
            Expression::CallExpression(call) => self.roots_within_call(call, into),
            Expression::ChainExpression(chain) => match &chain.expression {
                ChainElement::StaticMemberExpression(member) => self.roots_within(&member.object, into),
                ChainElement::ComputedMemberExpression(member) => self.roots_within(&member.object, into),
                ChainElement::CallExpression(call) => self.roots_within_call(call, into),
                _ => {}
            },
            other => into.extend(self.root(other)),
        }
    }

    /// Returns the symbols whose objects a call may return: what it is called on, and what `Object.values` and its like
    /// are given.
    fn roots_within_call(&self, call: &CallExpression<'_>, into: &mut Vec<SymbolId>) {
        let Expression::StaticMemberExpression(member) = call.callee.get_inner_expression() else { return };
        if self.is_unbound(&member.object, &["Object", "Reflect", "Array"]) {
            call.arguments.iter().for_each(|argument| self.roots_within_argument(argument, into));
        } else {
            self.roots_within(&member.object, into);
        }
    }

    fn roots_within_argument(&self, argument: &Argument<'_>, into: &mut Vec<SymbolId>) {
        match argument {
            Argument::SpreadElement(spread) => self.roots_within(&spread.argument, into),
            other => {
                if let Some(expression) = other.as_expression() {
                    self.roots_within(expression, into);
                }
            }
        }
    }

    fn roots(&self, expression: &Expression<'_>) -> Vec<SymbolId> {
        let mut roots = Vec::new();
        self.roots_within(expression, &mut roots);
        roots
    }

    /// Notes that names may stand for the objects that are reachable through a value.
    fn alias(&mut self, pattern: &BindingPattern<'_>, roots: &[SymbolId]) {
        for alias in bound_symbols(pattern) {
            self.found.aliases.extend(roots.iter().map(|root| (alias.index(), root.index())));
        }
    }

    /// Notes that the parameters of the functions among the arguments may stand for what the call is made on.
    fn alias_parameters(&mut self, call: &CallExpression<'_>, roots: &[SymbolId]) {
        for argument in &call.arguments {
            let Some(parameters) = argument.as_expression().and_then(parameters) else { continue };
            for parameter in &parameters.items {
                self.alias(&parameter.pattern, roots);
            }
        }
    }

    fn alias_loop(&mut self, left: &ForStatementLeft<'_>, right: &Expression<'_>) {
        if let ForStatementLeft::VariableDeclaration(declaration) = left {
            let roots = self.roots(right);
            for declarator in &declaration.declarations {
                self.alias(&declarator.id, &roots);
            }
        }
    }

    fn escape_roots(&mut self, roots: Vec<SymbolId>, span: oxc_span::Span) {
        for root in roots {
            self.found.usage[root.index()].escaped.get_or_insert(spanned(span));
        }
    }

    fn change(&mut self, roots: Vec<SymbolId>, span: oxc_span::Span) {
        for root in roots {
            self.found.usage[root.index()].changed.get_or_insert(spanned(span));
        }
    }

    fn escape(&mut self, argument: &Argument<'_>) {
        let mut roots = Vec::new();
        self.roots_within_argument(argument, &mut roots);
        self.escape_roots(roots, argument.span());
    }

    fn is_unbound(&self, expression: &Expression<'_>, names: &[&str]) -> bool {
        match expression.get_inner_expression() {
            Expression::Identifier(name) => names.contains(&name.name.as_str()) && self.root(expression).is_none(),
            _ => false,
        }
    }
}

impl<'a> Visit<'a> for UsageVisitor<'_> {
    fn visit_assignment_target(&mut self, target: &AssignmentTarget<'a>) {
        walk::walk_assignment_target(self, target);
    }

    fn visit_simple_assignment_target(&mut self, target: &SimpleAssignmentTarget<'a>) {
        let object = match target {
            SimpleAssignmentTarget::StaticMemberExpression(member) => Some(&member.object),
            SimpleAssignmentTarget::ComputedMemberExpression(member) => Some(&member.object),
            _ => None,
        };
        if let Some(object) = object {
            self.change(self.roots(object), target.span());
        }
        walk::walk_simple_assignment_target(self, target);
    }

    fn visit_unary_expression(&mut self, unary: &UnaryExpression<'a>) {
        if unary.operator == UnaryOperator::Delete {
            self.change(self.roots(&unary.argument), unary.span);
        }
        walk::walk_unary_expression(self, unary);
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if self.is_unbound(&call.callee, &["require"])
            && let Some(Expression::StringLiteral(specifier)) = call.arguments.first().and_then(Argument::as_expression)
        {
            self.found.required.push(specifier.value.to_string());
        }
        let mut only_reads = self.is_unbound(&call.callee, &READING_GLOBALS);
        if let Expression::StaticMemberExpression(member) = call.callee.get_inner_expression() {
            let method = member.property.name.as_str();
            if self.is_unbound(&member.object, &["Object", "Reflect"]) && CHANGING_FUNCTIONS.contains(&method) {
                if let Some(first) = call.arguments.first().and_then(Argument::as_expression) {
                    self.change(self.roots(first), call.span);
                }
                only_reads = true;
            } else if self.is_unbound(&member.object, &READING_GLOBALS) {
                only_reads = true;
            } else {
                let roots = self.roots(&member.object);
                self.alias_parameters(call, &roots);
                if CHANGING_METHODS.contains(&method) {
                    self.change(roots, call.span);
                } else if !READING_METHODS.contains(&method) {
                    // A method of the object's own may change `this`.
                    self.escape_roots(roots, call.span);
                }
            }
        }
        if !only_reads {
            call.arguments.iter().for_each(|argument| self.escape(argument));
        }
        walk::walk_call_expression(self, call);
    }

    fn visit_new_expression(&mut self, construction: &NewExpression<'a>) {
        let is_trusted = match construction.callee.get_inner_expression() {
            Expression::Identifier(name) if name.name == "LuaAgent" => true,
            callee => self.root(callee).is_some_and(|symbol| self.trusted.contains(&symbol)),
        };
        if !is_trusted {
            construction.arguments.iter().for_each(|argument| self.escape(argument));
        }
        walk::walk_new_expression(self, construction);
    }

    fn visit_variable_declarator(&mut self, declarator: &VariableDeclarator<'a>) {
        if let Some(init) = &declarator.init {
            let roots = self.roots(init);
            self.alias(&declarator.id, &roots);
        }
        walk::walk_variable_declarator(self, declarator);
    }

    fn visit_class(&mut self, class: &Class<'a>) {
        let name = class.id.as_ref().and_then(|name| name.symbol_id.get());
        for element in &class.body.body {
            let ClassElement::PropertyDefinition(property) = element else { continue };
            let (Some(value), true) = (&property.value, property.r#static) else { continue };
            let roots = self.roots(value);
            self.found.aliases.extend(name.iter().flat_map(|name| roots.iter().map(|root| (name.index(), root.index()))));
        }
        walk::walk_class(self, class);
    }

    fn visit_formal_parameter(&mut self, parameter: &FormalParameter<'a>) {
        if let Some(default) = &parameter.initializer {
            let roots = self.roots(default);
            self.alias(&parameter.pattern, &roots);
        }
        walk::walk_formal_parameter(self, parameter);
    }

    fn visit_assignment_expression(&mut self, assignment: &AssignmentExpression<'a>) {
        let roots = self.roots(&assignment.right);
        let holders = match &assignment.left {
            AssignmentTarget::AssignmentTargetIdentifier(name) => {
                let reference = name.reference_id.get();
                reference.and_then(|id| self.scoping.get_reference(id).symbol_id()).into_iter().collect()
            }
            AssignmentTarget::StaticMemberExpression(member) => self.roots(&member.object),
            AssignmentTarget::ComputedMemberExpression(member) => self.roots(&member.object),
            _ => Vec::new(),
        };
        for holder in holders {
            self.found.aliases.extend(roots.iter().map(|root| (holder.index(), root.index())));
        }
        walk::walk_assignment_expression(self, assignment);
    }

    fn visit_for_of_statement(&mut self, statement: &ForOfStatement<'a>) {
        self.alias_loop(&statement.left, &statement.right);
        walk::walk_for_of_statement(self, statement);
    }

    fn visit_for_in_statement(&mut self, statement: &ForInStatement<'a>) {
        self.alias_loop(&statement.left, &statement.right);
        walk::walk_for_in_statement(self, statement);
    }

    fn visit_return_statement(&mut self, statement: &ReturnStatement<'a>) {
        if let Some(argument) = &statement.argument {
            let roots = self.roots(argument);
            self.escape_roots(roots, statement.span);
        }
        walk::walk_return_statement(self, statement);
    }

    fn visit_arrow_function_expression(&mut self, function: &ArrowFunctionExpression<'a>) {
        if let Some(value) = function.body.as_expression() {
            let roots = self.roots(value);
            self.escape_roots(roots, value.span());
        }
        walk::walk_arrow_function_expression(self, function);
    }
}

/// Returns the parameters of a function expression.
fn parameters<'a, 'b>(expression: &'b Expression<'a>) -> Option<&'b FormalParameters<'a>> {
    match expression.get_inner_expression() {
        Expression::ArrowFunctionExpression(function) => Some(&function.params),
        Expression::FunctionExpression(function) => Some(&function.params),
        _ => None,
    }
}

/// Returns the symbols that a pattern binds.
pub(super) fn bound_symbols(pattern: &BindingPattern<'_>) -> Vec<SymbolId> {
    pattern.get_binding_identifiers().iter().filter_map(|identifier| identifier.symbol_id.get()).collect()
}
