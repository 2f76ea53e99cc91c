//! Small changes to the code that is run, where the engine differs from Node in the language itself.
//!
//! - What a `catch` gets goes through `caught` of `builtins.js` first: the words of an error that the engine throws are not
//!   those of Node, and errors at the limits of the engine are not errors of the code.
//! - What `**` gives goes through `power`: its last digit is left to each engine.
//! - What is spread into an object goes through `spread`: the engine spreads no texts there.
//! - What decides a condition goes through `decides`, `compared` and `kind` of `prelude.js`, in files that are not of an installed
//!   package: a stand-in for a package that is not run would decide it in silence.
//! - Regular expressions go through `pattern`, as those do that are constructed.
//! - What is spread into a list or into arguments goes through `listed`, and what `for (… in …)` goes through, through `named`: the engine
//!   asks a proxy more often, or in another order.

use std::collections::BTreeSet;

use oxc_allocator::{GetAllocator, TakeIn, Vec};
use oxc_ast::ast::{
    Argument, BindingPattern, CatchClause, CatchParameter, ClassBody, ClassElement, ComputedMemberExpression, Decorator,
    DoWhileStatement, Expression, ForInStatement, ForStatement, IdentifierName, IfStatement, ObjectExpression,
    ObjectPropertyKind, Program, RegExpFlags, SpreadElement, Statement, StaticMemberExpression, TSEnumBody,
    VariableDeclarationKind, VariableDeclarator, WhileStatement,
};
use oxc_ast::builder::AstBuilder;
use oxc_ast_visit::{Visit, VisitMut, walk, walk_mut};
use oxc_span::{GetSpan as _, Span};
use oxc_syntax::operator::{BinaryOperator, UnaryOperator};

/// The name that a `catch` without a name gives its error.
const CAUGHT: &str = "keepstepCaught";

/// Changes a program in place.
pub(super) fn adapt<'a>(builder: &AstBuilder<'a>, program: &mut Program<'a>, is_of_a_package: bool) {
    Adapter { builder, notes_decisions: !is_of_a_package, switches: 0 }.visit_program(program);
}

/// Returns the offset of the first decorator of a program.
pub(super) fn first_decorator(program: &Program<'_>) -> Option<usize> {
    struct Decorators(Option<u32>);
    impl<'a> Visit<'a> for Decorators {
        fn visit_decorator(&mut self, decorator: &Decorator<'a>) {
            self.0.get_or_insert(decorator.span.start);
        }
    }
    let mut found = Decorators(None);
    found.visit_program(program);
    found.0.map(|offset| offset as usize)
}

/// Returns the offset of the first decorator of a member of an instance that stands behind those of a member of the class itself: compilers
/// differ in which comes first when the code runs.
pub(super) fn unclear_decorator(program: &Program<'_>) -> Option<usize> {
    struct Classes(Option<u32>);
    impl<'a> Visit<'a> for Classes {
        fn visit_class_body(&mut self, body: &ClassBody<'a>) {
            let mut is_behind = false;
            for member in &body.body {
                let offset = first_decorator_of(member);
                match (offset, member.r#static()) {
                    (Some(_), true) => is_behind = true,
                    (Some(offset), false) if is_behind => {
                        self.0.get_or_insert(offset);
                    }
                    _ => {}
                }
            }
            walk::walk_class_body(self, body);
        }
    }
    let mut found = Classes(None);
    found.visit_program(program);
    found.0.map(|offset| offset as usize)
}

/// Returns the offset of the first decorator of a member or of its parameters.
fn first_decorator_of(member: &ClassElement<'_>) -> Option<u32> {
    let of_parameters = match member {
        ClassElement::MethodDefinition(method) => {
            method.value.params.items.iter().find_map(|parameter| parameter.decorators.first())
        }
        _ => None,
    };
    let of_member = match member {
        ClassElement::MethodDefinition(method) => method.decorators.first(),
        ClassElement::PropertyDefinition(property) => property.decorators.first(),
        ClassElement::AccessorProperty(property) => property.decorators.first(),
        _ => None,
    };
    of_member.or(of_parameters).map(|decorator| decorator.span.start)
}

/// Returns the offset of the first member of an enum whose value follows one that is not seen to be a number: compilers differ in
/// what they make of it.
pub(super) fn unclear_enum_member(program: &Program<'_>) -> Option<usize> {
    struct Enums(Option<u32>);
    impl<'a> Visit<'a> for Enums {
        fn visit_ts_enum_body(&mut self, body: &TSEnumBody<'a>) {
            let mut numbers = BTreeSet::new();
            let mut is_number = true;
            for member in &body.members {
                match &member.initializer {
                    Some(value) => is_number = is_numeric(value, &numbers),
                    None if is_number => {}
                    None => {
                        self.0.get_or_insert(member.span.start);
                    }
                }
                if is_number {
                    numbers.insert(member.id.static_name().to_string());
                }
            }
        }
    }
    let mut found = Enums(None);
    found.visit_program(program);
    found.0.map(|offset| offset as usize)
}

/// Returns whether an expression is seen to be a number, given the members of the enum that are.
fn is_numeric(value: &Expression<'_>, numbers: &BTreeSet<String>) -> bool {
    match value.get_inner_expression() {
        Expression::NumericLiteral(_) => true,
        Expression::UnaryExpression(unary) => is_numeric(&unary.argument, numbers),
        Expression::BinaryExpression(binary) => is_numeric(&binary.left, numbers) && is_numeric(&binary.right, numbers),
        Expression::Identifier(name) => numbers.contains(name.name.as_str()),
        Expression::StaticMemberExpression(member) => numbers.contains(member.property.name.as_str()),
        _ => false,
    }
}

struct Adapter<'b, 'a> {
    builder: &'b AstBuilder<'a>,
    notes_decisions: bool,
    /// How many `switch` there were.
    switches: usize,
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

    fn visit_statement(&mut self, statement: &mut Statement<'a>) {
        walk_mut::walk_statement(self, statement);
        if !self.notes_decisions {
            return;
        }
        let Statement::SwitchStatement(switch) = statement else { return };
        // `switch (x) { case a: }` becomes `{ const n = x; switch (true) { case n === a: } }`.
        let span = switch.span;
        self.switches += 1;
        let name = self.builder.allocator().alloc_str(&format!("keepstepSwitch{}", self.switches));
        let subject = switch.discriminant.take_in(self.builder);
        switch.discriminant = Expression::new_boolean_literal(span, true, self.builder);
        for case in &mut switch.cases {
            if let Some(test) = &mut case.test {
                let operator = Expression::new_string_literal(span, "===", None, self.builder);
                let left = Expression::new_identifier(span, name, self.builder);
                let right = test.take_in(self.builder);
                *test = self.call(span, "compared", [operator, left, right]);
            }
        }
        let binding = BindingPattern::new_binding_identifier(span, name, self.builder);
        let declared = VariableDeclarator::new(span, binding, None, Some(subject), false, self.builder);
        let declared = Vec::from_value_in(declared, self.builder);
        let declaration =
            Statement::new_variable_declaration(span, VariableDeclarationKind::Const, declared, false, self.builder);
        let body = Vec::from_array_in([declaration, statement.take_in(self.builder)], self.builder);
        *statement = Statement::new_block_statement(span, body, self.builder);
    }

    fn visit_static_member_expression(&mut self, member: &mut StaticMemberExpression<'a>) {
        walk_mut::walk_static_member_expression(self, member);
        if member.optional {
            self.note_decision(&mut member.object);
        }
    }

    fn visit_computed_member_expression(&mut self, member: &mut ComputedMemberExpression<'a>) {
        walk_mut::walk_computed_member_expression(self, member);
        if member.optional {
            self.note_decision(&mut member.object);
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

    fn visit_spread_element(&mut self, spread: &mut SpreadElement<'a>) {
        walk_mut::walk_spread_element(self, spread);
        if !spread.argument.is_literal() {
            let argument = spread.argument.take_in(self.builder);
            spread.argument = self.call(spread.span, "listed", [argument]);
        }
    }

    fn visit_for_in_statement(&mut self, statement: &mut ForInStatement<'a>) {
        walk_mut::walk_for_in_statement(self, statement);
        let right = statement.right.take_in(self.builder);
        statement.right = self.call(statement.span, "named", [right]);
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
            Expression::UnaryExpression(unary) if unary.operator == UnaryOperator::Typeof && self.notes_decisions => {
                let span = unary.span;
                let argument = unary.argument.take_in(self.builder);
                // A name that is not there has a type all the same.
                let name = argument.get_identifier_reference().map(|identifier| identifier.name);
                let kind = self.call(span, "kind", [argument]);
                *expression = match name {
                    Some(name) => {
                        let itself = Expression::new_identifier(span, name, self.builder);
                        let type_of = Expression::new_unary_expression(span, UnaryOperator::Typeof, itself, self.builder);
                        let undefined = || Expression::new_string_literal(span, "undefined", None, self.builder);
                        let equal = BinaryOperator::StrictEquality;
                        let is_absent = Expression::new_binary_expression(span, type_of, equal, undefined(), self.builder);
                        Expression::new_conditional_expression(span, is_absent, undefined(), kind, self.builder)
                    }
                    None => kind,
                };
            }
            Expression::RegExpLiteral(literal) if literal.regex.flags.contains(RegExpFlags::V) => {
                let span = literal.span;
                let itself = expression.take_in(self.builder);
                *expression = self.call(span, "pattern", [itself]);
            }
            _ => {}
        }
    }

    fn visit_object_expression(&mut self, object: &mut ObjectExpression<'a>) {
        for member in &mut object.properties {
            match member {
                ObjectPropertyKind::ObjectProperty(property) => self.visit_object_property(property),
                ObjectPropertyKind::SpreadProperty(spread) => self.visit_expression(&mut spread.argument),
            }
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
