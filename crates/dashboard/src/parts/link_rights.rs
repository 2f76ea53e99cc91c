//! What an invitation gives, in words.

use keepstep_store::{LinkProject, LinkRights, Role};

use crate::parts::visible::Visible;

/// Returns what an invitation gives, for the middle of a sentence: `editor`, or `editor in Orders, viewer in Shop`.
pub(crate) fn rights_text(rights: &LinkRights) -> String {
    if let Some(role) = rights.role {
        return role_text(role, rights.may_publish);
    }
    if rights.projects.is_empty() {
        return "nothing: its projects were deleted".to_owned();
    }
    let project = |project: &LinkProject| {
        let role = role_text(project.membership.role, project.membership.may_publish);
        format!("{role} in {}", Visible::of(&project.name).plain())
    };
    rights.projects.iter().map(project).collect::<Vec<_>>().join(", ")
}

/// Returns a role, with what the right to publish changes of it.
fn role_text(role: Role, may_publish: bool) -> String {
    let drafts = if role == Role::Editor && !may_publish { " who saves drafts" } else { "" };
    format!("{}{drafts}", role.label())
}

#[cfg(test)]
mod tests {
    use keepstep_store::Membership;

    use super::*;

    #[test]
    fn what_an_invitation_gives_is_said_in_a_line() {
        let project = |name: &str, role, may_publish| LinkProject {
            name: name.to_owned(),
            membership: Membership { project_id: "p".to_owned(), role, may_publish },
        };
        let text = |role, may_publish, projects: &[LinkProject]| {
            rights_text(&LinkRights { role, may_publish, projects: projects.to_vec() })
        };
        assert_eq!(text(Some(Role::Owner), false, &[]), "owner");
        assert_eq!(text(Some(Role::Editor), true, &[]), "editor");
        assert_eq!(text(Some(Role::Editor), false, &[]), "editor who saves drafts");
        assert_eq!(text(None, true, &[]), "nothing: its projects were deleted");
        let both = [project("Orders", Role::Editor, false), project("Sh\u{202e}op", Role::Viewer, true)];
        assert_eq!(text(None, true, &both), "editor who saves drafts in Orders, viewer in Sh\\u{202e}op");
    }
}
