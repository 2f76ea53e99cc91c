//! The addresses of pages, for those that link to them: other pages, and answers to programs.

use keepstep_base::AgentId;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Returns a text as one segment of an address, or as one value of a query.
pub fn segment(text: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
    utf8_percent_encode(text, KEPT).to_string()
}

/// Returns the address of a project's page.
pub fn project_path(project: &str) -> String {
    format!("/projects/{}", segment(project))
}

/// Returns the address of a scenario's page.
pub fn scenario_path(project: &str, scenario: &str) -> String {
    format!("{}/scenarios/{}", project_path(project), segment(scenario))
}

/// Returns the address of an input, below that of its scenario.
pub fn input_path(scenario_path: &str, input: &str) -> String {
    format!("{scenario_path}/inputs/{}", segment(input))
}

/// Returns the address of the criteria of a scenario, below that of the scenario.
pub fn criteria_path(scenario_path: &str) -> String {
    format!("{scenario_path}/criteria")
}

/// Returns the address of the personas for tests of a project.
pub fn personas_path(project: &str) -> String {
    format!("{}/personas", project_path(project))
}

/// Returns the address of an experiment's page.
pub fn experiment_path(project: &str, experiment: &str) -> String {
    format!("{}/experiments/{}", project_path(project), segment(experiment))
}

/// Returns the address of a case's page, below that of its experiment.
pub fn case_path(experiment_path: &str, case: &str) -> String {
    format!("{experiment_path}/cases/{}", segment(case))
}

/// Returns the address of a person's page.
pub fn member_path(user: &str) -> String {
    format!("/members/{}", segment(user))
}

/// Returns the address of an agent's page. The id is data: everything that has a meaning in a URL is escaped.
pub fn agent_path(id: &AgentId) -> String {
    format!("/agents/{}", segment(id.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_in_an_address_is_one_segment() {
        let id: AgentId = "a?b#c%2e\"<ü".parse().unwrap();
        assert_eq!(agent_path(&id), "/agents/a%3Fb%23c%252e%22%3C%C3%BC");
    }
}
