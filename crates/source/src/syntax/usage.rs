//! Finds the objects that change after they are made.
//!
//! The value of an object's literal is its value for good only if nothing assigns to its members. This visitor records
//! for each binding where its object is changed and where it is handed to code that could change it, and carries that
//! over to the bindings that name the same object.

use oxc_ast::ast::{
    Argument, ArrayExpressionElement, AssignmentTarget, CallExpression, Expression, NewExpression, ObjectPropertyKind,
    SimpleAssignmentTarget, UnaryExpression, VariableDeclarator,
};
use oxc_ast_visit::{Visit, walk};
use oxc_semantic::Scoping;
use oxc_span::GetSpan;
use oxc_syntax::operator::UnaryOperator;
use oxc_syntax::symbol::SymbolId;

use super::lower::bound_symbols;
use super::{BindingId, Usage};

/// The methods of arrays and maps that change what they are called on.
const CHANGING_METHODS: [&str; 13] =
    ["push", "pop", "shift", "unshift", "splice", "sort", "reverse", "fill", "copyWithin", "set", "add", "delete", "clear"];
/// The functions of `Object` and `Reflect` that change their first argument.
const CHANGING_FUNCTIONS: [&str; 6] = ["assign", "defineProperty", "defineProperties", "setPrototypeOf", "set", "deleteProperty"];
/// The globals whose other functions only read their arguments.
const READING_GLOBALS: [&str; 9] = ["Object", "Reflect", "JSON", "console", "String", "Number", "Boolean", "Array", "Math"];

/// What a visit found.
pub(super) struct Found {
    pub(super) usage: Vec<Usage>,
    aliases: Vec<(BindingId, BindingId)>,
}

impl Found {
    /// Carries what happens to an alias over to the name of the original, until nothing more changes.
    pub(super) fn spread_to_aliases(mut self) -> Vec<Usage> {
        let mut is_changing = true;
        while is_changing {
            is_changing = false;
            for (alias, origin) in &self.aliases {
                let alias = self.usage[*alias];
                let origin = &mut self.usage[*origin];
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
        self.usage
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
        Self { scoping, trusted, found: Found { usage, aliases: Vec::new() } }
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
            other => into.extend(self.root(other)),
        }
    }

    fn change(&mut self, symbol: Option<SymbolId>, span: oxc_span::Span) {
        if let Some(symbol) = symbol {
            self.found.usage[symbol.index()].changed.get_or_insert(span.into());
        }
    }

    fn escape(&mut self, argument: &Argument<'_>) {
        let mut roots = Vec::new();
        match argument {
            Argument::SpreadElement(spread) => self.roots_within(&spread.argument, &mut roots),
            other => {
                if let Some(expression) = other.as_expression() {
                    self.roots_within(expression, &mut roots);
                }
            }
        }
        for root in roots {
            self.found.usage[root.index()].escaped.get_or_insert(argument.span().into());
        }
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
            self.change(self.root(object), target.span());
        }
        walk::walk_simple_assignment_target(self, target);
    }

    fn visit_unary_expression(&mut self, unary: &UnaryExpression<'a>) {
        if unary.operator == UnaryOperator::Delete {
            self.change(self.root(&unary.argument), unary.span);
        }
        walk::walk_unary_expression(self, unary);
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        let mut only_reads = self.is_unbound(&call.callee, &READING_GLOBALS);
        if let Expression::StaticMemberExpression(member) = call.callee.get_inner_expression() {
            let method = member.property.name.as_str();
            if self.is_unbound(&member.object, &["Object", "Reflect"]) && CHANGING_FUNCTIONS.contains(&method) {
                if let Some(first) = call.arguments.first().and_then(Argument::as_expression) {
                    self.change(self.root(first), call.span);
                }
                only_reads = true;
            } else if self.is_unbound(&member.object, &READING_GLOBALS) {
                only_reads = true;
            } else if CHANGING_METHODS.contains(&method) {
                self.change(self.root(&member.object), call.span);
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
            let mut roots = Vec::new();
            self.roots_within(init, &mut roots);
            for alias in bound_symbols(&declarator.id) {
                self.found.aliases.extend(roots.iter().map(|root| (alias.index(), root.index())));
            }
        }
        walk::walk_variable_declarator(self, declarator);
    }
}
