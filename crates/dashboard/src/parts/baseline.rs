//! What an experiment is compared with.

use keepstep_http::addresses::{project_path, segment};

/// How many experiments of a scenario one can choose from.
pub(crate) const CHOICES: u32 = 100;

/// Returns the address of a comparison of two.
pub(crate) fn compare_path(project: &str, before: &str, after: &str) -> String {
    format!("{}/compare?before={}&after={}", project_path(project), segment(before), segment(after))
}
