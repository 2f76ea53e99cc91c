//! What the code says about one property of an agent.

use serde_json::Value;

use crate::error::{Location, Problem};

/// What the code says about one property of the agent.
#[derive(Debug, Clone, PartialEq)]
pub enum Property {
    /// It is not there, or is `null` or `undefined`.
    Absent,
    /// Its value is known.
    Known {
        /// The value.
        value: Value,
        /// It is known only from running the code, so there is no text to edit.
        computed: bool,
        /// Where it is defined.
        location: Location,
    },
    /// It is a function, which the platform calls.
    Function {
        /// Where it is.
        location: Location,
    },
    /// It is there, and what it is cannot be told.
    Unreadable(Problem),
}

impl Property {
    /// Returns the value if it is known.
    pub fn value(&self) -> Option<&Value> {
        match self {
            Self::Known { value, .. } => Some(value),
            _ => None,
        }
    }
}
