//! What pieces of text are, for whoever prints them.

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    /// Nothing special.
    Plain,
    /// A title.
    Heading,
    /// Something that went well.
    Good,
    /// Something to look at.
    Warning,
    /// Something that went wrong.
    Error,
    /// What to do next.
    Hint,
    /// A command as one would type it.
    Command,
    /// A line that only the server has.
    Removed,
    /// The words of such a line that make the difference.
    RemovedWord,
    /// A line that only the code has.
    Added,
    /// The words of such a line that make the difference.
    AddedWord,
    /// A line that both have.
    Unchanged,
}
