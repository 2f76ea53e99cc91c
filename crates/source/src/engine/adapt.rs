//! Small changes to the code that is run, where the engine differs from Node in the language itself.
//!
//! - What a `catch` gets goes through `caught` of `builtins.js` first: the words of an error that the engine throws are not
//!   those of Node, and errors at the limits of the engine are not errors of the code.
//! - What `**` gives goes through `power`: its last digit is left to each engine.
//! - What is spread into an object goes through `spread`: the engine spreads no texts there.

use oxc_allocator::{TakeIn, Vec};
use oxc_ast::ast::{
    Argument, BindingPattern, CatchClause, CatchParameter, Expression, IdentifierName, ObjectExpression, ObjectPropertyKind,
    Program, Statement, VariableDeclarationKind, VariableDeclarator,
};
use oxc_ast::builder::AstBuilder;
use oxc_ast_visit::{VisitMut, walk_mut};
use oxc_span::Span;
use oxc_syntax::operator::BinaryOperator;

/// The name that a `catch` without a name gives its error.
const CAUGHT: &str = "keepstepCaught";

/// Changes a program in place.
pub(super) fn adapt<'a>(builder: &AstBuilder<'a>, program: &mut Program<'a>) {
    Adapter { builder }.visit_program(program);
}

struct Adapter<'b, 'a> {
    builder: &'b AstBuilder<'a>,
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

impl<'a> VisitMut<'a> for Adapter<'_, 'a> {
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
        if let Expression::BinaryExpression(power) = expression
            && power.operator == BinaryOperator::Exponential
        {
            let operands = [power.left.take_in(self.builder), power.right.take_in(self.builder)];
            *expression = self.call(power.span, "power", operands);
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
