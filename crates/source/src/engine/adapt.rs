//! Small changes to the code that is run, where the engine differs from Node in the language itself.
//!
//! - What a `catch` gets goes through `caught` of `builtins.js` first: the words of an error that the engine throws are not
//!   those of Node, and errors at the limits of the engine are not errors of the code.
//! - What `**` gives goes through `power`: its last digit is left to each engine.
//! - What is spread into an object goes through `spread`: the engine spreads no texts there.
//! - What decides a condition goes through `decides` and `compared` of `prelude.js`, in files that are not of an installed package: a
//!   stand-in for a package that is not run would decide it in silence.

use oxc_allocator::{TakeIn, Vec};
use oxc_ast::ast::{
    Argument, BindingPattern, CatchClause, CatchParameter, DoWhileStatement, Expression, ForStatement, IdentifierName,
    IfStatement, ObjectExpression, ObjectPropertyKind, Program, Statement, VariableDeclarationKind, VariableDeclarator,
    WhileStatement,
};
use oxc_ast::builder::AstBuilder;
use oxc_ast_visit::{VisitMut, walk_mut};
use oxc_span::{GetSpan as _, Span};
use oxc_syntax::operator::{BinaryOperator, UnaryOperator};

/// The name that a `catch` without a name gives its error.
const CAUGHT: &str = "keepstepCaught";

/// Changes a program in place.
pub(super) fn adapt<'a>(builder: &AstBuilder<'a>, program: &mut Program<'a>, is_of_a_package: bool) {
    Adapter { builder, notes_decisions: !is_of_a_package }.visit_program(program);
}

struct Adapter<'b, 'a> {
    builder: &'b AstBuilder<'a>,
    notes_decisions: bool,
}

impl<'a> Adapter<'_, 'a> {
    /// Returns a call of a function of `__keepstep`.
    fn call<const N: usize>(&self, span: Span, function: &'static str, arguments: [Expression<'a>; N]) -> Expression<'a> {
        let object = Expression::new_identifier(span, "__keepstep", self.builder);
        let property = IdentifierName::new(span, function, self.builder);
        let callee = Expression::new_static_member_expression(span, object, property, false, self.builder);
        let arguments = Vec::from_array_in(arguments.map(Argument::from), self.builder);
        Expression::new_call_expression(span, callee, None, arguments, false, self.builder)
    }
}

impl<'a> Adapter<'_, 'a> {
    /// Lets what decides a condition go through `decides`, unless it can be seen that it is a truth value.
    fn note_decision(&self, condition: &mut Expression<'a>) {
        let is_a_call_of_ours = matches!(condition, Expression::CallExpression(call) if call.callee.is_specific_member_access("__keepstep", "compared"));
        if self.notes_decisions && !is_a_call_of_ours && !condition.is_literal() {
            let span = condition.span();
            let condition_itself = condition.take_in(self.builder);
            *condition = self.call(span, "decides", [condition_itself]);
        }
    }
}

impl<'a> VisitMut<'a> for Adapter<'_, 'a> {
    fn visit_if_statement(&mut self, statement: &mut IfStatement<'a>) {
        walk_mut::walk_if_statement(self, statement);
        self.note_decision(&mut statement.test);
    }

    fn visit_while_statement(&mut self, statement: &mut WhileStatement<'a>) {
        walk_mut::walk_while_statement(self, statement);
        self.note_decision(&mut statement.test);
    }

    fn visit_do_while_statement(&mut self, statement: &mut DoWhileStatement<'a>) {
        walk_mut::walk_do_while_statement(self, statement);
        self.note_decision(&mut statement.test);
    }

    fn visit_for_statement(&mut self, statement: &mut ForStatement<'a>) {
        walk_mut::walk_for_statement(self, statement);
        if let Some(test) = &mut statement.test {
            self.note_decision(test);
        }
    }

    fn visit_catch_clause(&mut self, clause: &mut CatchClause<'a>) {
        walk_mut::walk_catch_clause(self, clause);
        let span = Span::new(clause.span.start, clause.span.start);
        let named = |builder| BindingPattern::new_binding_identifier(span, CAUGHT, builder);
        let statement = match clause.param.take() {
            Some(parameter) if parameter.pattern.is_binding_identifier() => {
                let name = parameter.pattern.get_identifier_name().unwrap_or_else(|| CAUGHT.into());
                clause.param = Some(parameter);
                let call = self.call(span, "caught", [Expression::new_identifier(span, name, self.builder)]);
                Statement::new_expression_statement(span, call, self.builder)
            }
            Some(parameter) => {
                clause.param = Some(CatchParameter::new(span, named(self.builder), None, self.builder));
                let call = self.call(span, "caught", [Expression::new_identifier(span, CAUGHT, self.builder)]);
                let declared = VariableDeclarator::new(span, parameter.pattern, None, Some(call), false, self.builder);
                let declared = Vec::from_value_in(declared, self.builder);
                Statement::new_variable_declaration(span, VariableDeclarationKind::Let, declared, false, self.builder)
            }
            None => {
                clause.param = Some(CatchParameter::new(span, named(self.builder), None, self.builder));
                let call = self.call(span, "caught", [Expression::new_identifier(span, CAUGHT, self.builder)]);
                Statement::new_expression_statement(span, call, self.builder)
            }
        };
        clause.body.body.insert(0, statement);
    }

    fn visit_expression(&mut self, expression: &mut Expression<'a>) {
        walk_mut::walk_expression(self, expression);
        match expression {
            Expression::BinaryExpression(power) if power.operator == BinaryOperator::Exponential => {
                let operands = [power.left.take_in(self.builder), power.right.take_in(self.builder)];
                *expression = self.call(power.span, "power", operands);
            }
            Expression::BinaryExpression(compared) if self.notes_decisions && decides(compared.operator) => {
                let span = compared.span;
                let operator = Expression::new_string_literal(span, compared.operator.as_str(), None, self.builder);
                let operands = [operator, compared.left.take_in(self.builder), compared.right.take_in(self.builder)];
                *expression = self.call(span, "compared", operands);
            }
            Expression::ConditionalExpression(conditional) => self.note_decision(&mut conditional.test),
            Expression::LogicalExpression(logical) => self.note_decision(&mut logical.left),
            Expression::UnaryExpression(unary) if unary.operator == UnaryOperator::LogicalNot => {
                self.note_decision(&mut unary.argument);
            }
            _ => {}
        }
    }

    fn visit_object_expression(&mut self, object: &mut ObjectExpression<'a>) {
        walk_mut::walk_object_expression(self, object);
        for member in &mut object.properties {
            if let ObjectPropertyKind::SpreadProperty(spread) = member {
                // An object is spread as it is, and most that are spread are written as one or are a call that gives one.
                if matches!(spread.argument, Expression::ObjectExpression(_) | Expression::ArrayExpression(_)) {
                    continue;
                }
                let argument = spread.argument.take_in(self.builder);
                spread.argument = self.call(spread.span, "spread", [argument]);
            }
        }
    }
}

/// Returns whether a comparison gives an answer about a value that is neither a text nor a number; the others ask for one of these.
fn decides(operator: BinaryOperator) -> bool {
    operator.is_equality() || matches!(operator, BinaryOperator::In | BinaryOperator::Instanceof)
}
