//! The addresses of pages.

use keepstep_base::AgentId;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Returns the address of an agent's page. The id is data: everything that has a meaning in a URL is escaped.
pub(crate) fn agent_path(id: &AgentId) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
    format!("/agents/{}", utf8_percent_encode(id.as_str(), KEPT))
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
