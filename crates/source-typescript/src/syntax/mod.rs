//! What one file says, in a form that outlives the parser's arena.
//!
//! A [`Module`] is made once a file ([`lower`]) and then shared: evaluation, discovery and editing only read it. It keeps
//! the expressions that a definition can be made of with their places, and a reason for everything else.

mod lower;
mod usage;

pub(crate) use usage::spread_to_origins;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keepstep_source::frame::Span;

/// Returns a range as the parser has it.
pub(crate) fn spanned(span: oxc_span::Span) -> Span {
    Span { start: span.start, end: span.end }
}

pub(crate) use lower::{SyntaxProblem, lower};

/// The index of an expression in its module.
pub(crate) type ExpressionId = usize;
/// The index of a binding in its module.
pub(crate) type BindingId = usize;
/// The index of a class in its module.
pub(crate) type ClassId = usize;

/// A file and its text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// The absolute path.
    pub(crate) path: PathBuf,
    /// The text with everything it begins with, also a byte order mark.
    pub(crate) text: String,
}

impl File {
    pub(crate) fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }
}

/// One parsed file.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) file: Arc<File>,
    pub(crate) expressions: Vec<Expression>,
    pub(crate) bindings: Vec<Binding>,
    pub(crate) exports: HashMap<String, Export>,
    /// The modules of `export * from`.
    pub(crate) stars: Vec<String>,
    /// The specifiers that are loaded with this module, in their order.
    pub(crate) requests: Vec<String>,
    /// Names that may stand for an object, and the name of that object.
    pub(crate) aliases: Vec<(BindingId, BindingId)>,
    pub(crate) classes: Vec<Class>,
    pub(crate) constructions: Vec<Construction>,
}

impl Module {
    /// The name under which the exports have what `export =` makes the whole module. No export can be named so.
    pub(crate) const WHOLE: &str = "=";

    pub(crate) fn expression(&self, id: ExpressionId) -> &Expression {
        &self.expressions[id]
    }

    /// Returns the initializer of a binding, if it has one of its own.
    pub(crate) fn value_of(&self, binding: BindingId) -> Option<ExpressionId> {
        match self.bindings[binding].kind {
            BindingKind::Value(id) => Some(id),
            _ => None,
        }
    }

    pub(crate) fn directory(&self) -> &Path {
        self.file.path.parent().unwrap_or(&self.file.path)
    }
}

/// An expression and where it is written.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

/// How a string is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quote {
    Single,
    Double,
    /// A double-quoted string of a JSON file.
    Json,
}

/// One literal stretch of a template.
#[derive(Debug)]
pub(crate) struct Quasi {
    /// The span of the text alone, without the delimiters.
    pub(crate) span: Span,
    /// The value, or `None` where it is not a valid string of characters.
    pub(crate) cooked: Option<String>,
    pub(crate) raw: String,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Text {
        value: String,
        quote: Quote,
    },
    LoneSurrogate,
    Number(f64),
    Boolean(bool),
    Null,
    Template {
        quasis: Vec<Quasi>,
        expressions: Vec<ExpressionId>,
    },
    TaggedTemplate {
        tag: ExpressionId,
        quasis: Vec<Quasi>,
        expressions: Vec<ExpressionId>,
    },
    Name(BindingId),
    Global(String),
    Object(Vec<Member>),
    Array(Vec<Element>),
    Access {
        object: ExpressionId,
        key: Key,
        optional: bool,
    },
    /// The end of an optional chain, where it stops.
    Chain(ExpressionId),
    Binary {
        operator: Binary,
        left: ExpressionId,
        right: ExpressionId,
    },
    Logical {
        operator: Logical,
        left: ExpressionId,
        right: ExpressionId,
    },
    Unary {
        operator: Unary,
        operand: ExpressionId,
    },
    Conditional {
        test: ExpressionId,
        consequent: ExpressionId,
        alternate: ExpressionId,
    },
    Call {
        callee: ExpressionId,
        arguments: Vec<ExpressionId>,
        spread: bool,
    },
    New {
        callee: ExpressionId,
        arguments: Vec<ExpressionId>,
    },
    ImportMeta,
    Function,
    Class(ClassId),
    /// Something that only running the code can tell, described as a noun.
    Dynamic(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    StrictEqual,
    StrictUnequal,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Logical {
    And,
    Or,
    Coalesce,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Minus,
    Plus,
    Void,
    Other,
}

#[derive(Debug)]
pub(crate) enum Key {
    Static(String),
    Computed(ExpressionId),
}

#[derive(Debug)]
pub(crate) enum Element {
    Item(ExpressionId),
    Spread(ExpressionId),
    Hole,
}

/// How a member of an object or a class has its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `key: value`
    Plain,
    /// `key`
    Shorthand,
    /// `get key() { return value; }`
    Getter,
    /// `key = value;` in a class.
    Field,
}

#[derive(Debug)]
pub(crate) enum Member {
    Property {
        key: Key,
        value: ExpressionId,
        form: Form,
        span: Span,
    },
    /// A method, or a getter whose body is more than a `return`.
    Opaque {
        key: Key,
        is_function: bool,
        span: Span,
    },
    Spread {
        argument: ExpressionId,
        span: Span,
    },
}

impl Member {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Property { span, .. } | Self::Opaque { span, .. } | Self::Spread { span, .. } => *span,
        }
    }
}

/// What is bound to a name.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) name: String,
    /// The name where it is declared.
    pub(crate) span: Span,
    pub(crate) kind: BindingKind,
    /// Assigned again after its declaration.
    pub(crate) reassigned: bool,
    /// How many times the name is read in this file.
    pub(crate) reads: u32,
    /// What happens to the object that is bound, beyond reading it.
    pub(crate) usage: Usage,
}

/// What the file does with an object beyond reading it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Where a member is assigned, deleted or changed by a method.
    pub(crate) changed: Option<Span>,
    /// Where it is handed to code that could change it.
    pub(crate) escaped: Option<Span>,
}

impl Usage {
    /// Adds what another user of the same object does with it.
    pub(crate) fn join(&mut self, other: Self) {
        self.changed = self.changed.or(other.changed);
        self.escaped = self.escaped.or(other.escaped);
    }
}

#[derive(Debug)]
pub(crate) enum BindingKind {
    /// Declared with an initializer.
    Value(ExpressionId),
    /// Taken out of an initializer by a pattern.
    Taken {
        from: ExpressionId,
        path: Vec<String>,
    },
    Import {
        specifier: String,
        name: ImportName,
        span: Span,
    },
    Enum(Vec<EnumMember>),
    Class(ClassId),
    Function,
    /// Declared without a value.
    Uninitialized,
    /// A parameter or something else that only running tells.
    Dynamic(&'static str),
}

#[derive(Debug)]
pub(crate) struct EnumMember {
    pub(crate) name: String,
    pub(crate) value: Option<ExpressionId>,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ImportName {
    Default,
    Namespace,
    Named(String),
}

#[derive(Debug, Clone)]
pub(crate) enum Export {
    Binding(BindingId),
    Expression(ExpressionId),
    From {
        specifier: String,
        name: ImportName,
        span: Span,
    },
    /// Something without a value of its own, such as a function.
    Function,
}

#[derive(Debug)]
pub(crate) struct Class {
    pub(crate) span: Span,
    pub(crate) name: Option<BindingId>,
    pub(crate) body: Span,
    /// The spans of everything in the body.
    pub(crate) elements: Vec<Span>,
    pub(crate) parent: Option<ExpressionId>,
    pub(crate) members: Vec<Member>,
    pub(crate) constructor: Constructor,
    pub(crate) is_abstract: bool,
}

#[derive(Debug)]
pub(crate) enum Constructor {
    /// Hands its arguments to the parent.
    Implicit,
    /// `super(argument)` and nothing that needs running.
    Super(Option<ExpressionId>),
    /// Does more.
    Opaque(Span),
}

/// A `new` expression that may construct an agent.
#[derive(Debug)]
pub(crate) struct Construction {
    pub(crate) callee: ExpressionId,
    pub(crate) argument: Option<ExpressionId>,
    pub(crate) span: Span,
}
