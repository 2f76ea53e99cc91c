//! The form of a gate.

use keepstep_results::gate::Gate;
use serde::Deserialize;

use crate::error_page::Typed;
use crate::form::posted::Fields;

/// What the form says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct GateForm {
    csrf: String,
    pub(crate) pass_rate: String,
    no_new_failures: String,
}

impl GateForm {
    /// Returns the form of a gate.
    pub(crate) fn of(gate: Option<Gate>) -> Self {
        let gate = gate.unwrap_or_default();
        Self {
            csrf: String::new(),
            pass_rate: gate.min_pass_rate.map(|rate| rate.to_string()).unwrap_or_default(),
            no_new_failures: if gate.no_new_failures { "yes".to_owned() } else { String::new() },
        }
    }

    pub(crate) fn has_no_new_failures(&self) -> bool {
        self.no_new_failures == "yes"
    }
}

impl Fields for GateForm {
    fn csrf(&self) -> &str {
        &self.csrf
    }

    fn typed(&self) -> Vec<Typed> {
        let typed = Some(self.pass_rate.clone()).filter(|text| !text.is_empty());
        typed.map(|text| Typed { label: "Pass rate", text }).into_iter().collect()
    }
}
