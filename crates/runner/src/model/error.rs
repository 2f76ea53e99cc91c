//! Why a model has no answer.

use std::path::PathBuf;

use crate::agent::{Refusal, Trouble};
use keepstep_results::problem::Problem;

/// A model has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Only recordings are used, and there is none of this question.
    #[error("{} has no answer of {model} to this prompt{}; `keepstep test --record` asks it and keeps the answer", path.display(), other_answer(model, other.as_deref()))]
    NotRecorded {
        /// The model.
        model: String,
        /// The file.
        path: PathBuf,
        /// The model that did answer it: another one, or this one when it was configured in another way.
        other: Option<String>,
    },
    /// The file of recordings cannot be used.
    #[error("{0}")]
    Recordings(String),
    /// The model cannot be asked at all.
    #[error("{model} cannot be asked: {refusal}")]
    Refused {
        /// The model.
        model: String,
        /// Why.
        refusal: Refusal,
    },
    /// The model was asked, and did not answer.
    #[error("{model} did not answer: {}", trouble.problem().message)]
    Silent {
        /// The model.
        model: String,
        /// What happened.
        trouble: Trouble,
    },
}

impl ModelError {
    /// Returns what to do.
    pub fn hints(&self) -> &[String] {
        match self {
            Self::Refused { refusal, .. } => &refusal.hints,
            _ => &[],
        }
    }
}

impl From<ModelError> for Problem {
    fn from(error: ModelError) -> Self {
        Self::new(error.to_string())
    }
}

/// Tells whose answer there is instead.
fn other_answer(model: &str, other: Option<&str>) -> String {
    match other {
        None => String::new(),
        Some(other) if other == model => ", only one recorded with another configuration".to_owned(),
        Some(other) => format!(", only one of {other}"),
    }
}
