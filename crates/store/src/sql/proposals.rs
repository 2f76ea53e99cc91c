//! The statements of proposals.

use keepstep_base::{AgentId, Digest, PersonaVersion};

use super::connection::Connection;
use super::query::query;
use super::row::Row;
use crate::model::Scope;
use crate::proposals::{Proposal, ProposalNote, ProposalRows, ProposalState, PublishingRule};
use crate::{Result, rows};

impl ProposalRows for Connection {
    async fn find_proposal(&mut self, agent: &AgentId, version: PersonaVersion) -> Result<Option<Proposal>> {
        let found = query(
            "SELECT agent_id, version, author_id, author, state, created_at, changed_at
             FROM proposals WHERE agent_id = $1 AND version = $2",
        )
        .bind(agent.as_str())
        .bind(version.0)
        .fetch_optional(self)
        .await?;
        found.as_ref().map(proposal).transpose()
    }

    async fn notes_of(&mut self, agent: &AgentId, version: PersonaVersion) -> Result<Vec<ProposalNote>> {
        let found = query(
            "SELECT number, author, at, state, line, suggestion, comment
             FROM proposal_notes WHERE agent_id = $1 AND version = $2 ORDER BY number",
        )
        .bind(agent.as_str())
        .bind(version.0)
        .fetch_all(self)
        .await?;
        found.iter().map(note).collect()
    }

    async fn waiting_proposals(&mut self, scope: &Scope) -> Result<Vec<Proposal>> {
        let found = query(
            "SELECT q.agent_id, q.version, q.author_id, q.author, q.state, q.created_at, q.changed_at
             FROM proposals q
             JOIN agents a ON a.id = q.agent_id
             JOIN persona_versions p ON p.agent_id = q.agent_id AND p.version = q.version
             WHERE a.org_id = $1 AND ($2 IS NULL OR replace($2, ' ' || a.project_id || ' ', '') <> $2)
               AND q.state <> 'withdrawn' AND p.status = 'draft'
               AND (a.published_version IS NULL OR q.version > a.published_version)
               AND (q.state <> 'changes' OR q.version = a.draft_version)
             ORDER BY q.changed_at, q.agent_id, q.version",
        )
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .fetch_all(self)
        .await?;
        found.iter().map(proposal).collect()
    }

    async fn is_approved(&mut self, agent: &AgentId, digest: Digest) -> Result<bool> {
        let found = query(
            "SELECT q.version FROM proposals q
             JOIN persona_versions p ON p.agent_id = q.agent_id AND p.version = q.version
             WHERE q.agent_id = $1 AND q.state = 'approved' AND p.digest = $2 LIMIT 1",
        )
        .bind(agent.as_str())
        .bind(digest.to_string())
        .fetch_optional(self)
        .await?;
        Ok(found.is_some())
    }

    async fn put_proposal(&mut self, proposal: &Proposal) -> Result<()> {
        query(
            "INSERT INTO proposals (agent_id, version, author_id, author, state, created_at, changed_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (agent_id, version) DO UPDATE SET author_id = $3, author = $4, state = $5, changed_at = $7",
        )
        .bind(proposal.agent_id.as_str())
        .bind(proposal.version.0)
        .bind(&proposal.author_id)
        .bind(&proposal.author)
        .bind(proposal.state.label())
        .bind(proposal.created_at)
        .bind(proposal.changed_at)
        .execute(self)
        .await?;
        Ok(())
    }

    async fn insert_note(&mut self, of: &Proposal, note: &ProposalNote) -> Result<()> {
        query(
            "INSERT INTO proposal_notes (agent_id, version, number, author, at, state, line, suggestion, comment)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(of.agent_id.as_str())
        .bind(of.version.0)
        .bind(note.number)
        .bind(&note.author)
        .bind(note.at)
        .bind(note.state.map(ProposalState::label))
        .bind(note.line)
        .bind(&note.suggestion)
        .bind(&note.comment)
        .execute(self)
        .await?;
        Ok(())
    }

    async fn rules_of(&mut self, org_id: &str) -> Result<Vec<PublishingRule>> {
        let found = query("SELECT project_id, review, scenario FROM publishing_rules WHERE org_id = $1 ORDER BY project_id")
            .bind(org_id)
            .fetch_all(self)
            .await?;
        let rule = |row: &Row| {
            let project: String = row.get("project_id")?;
            Ok(PublishingRule {
                project_id: Some(project).filter(|project| !project.is_empty()),
                review: row.get::<i64>("review")? == 1,
                scenario: row.get("scenario")?,
            })
        };
        found.iter().map(rule).collect()
    }

    async fn projects_that_test(&mut self, agent: &AgentId) -> Result<Vec<String>> {
        let found = query("SELECT id FROM projects WHERE agent_id = $1 AND deleted_at IS NULL ORDER BY id")
            .bind(agent.as_str())
            .fetch_all(self)
            .await?;
        found.iter().map(|row| Ok(row.get("id")?)).collect()
    }

    async fn put_rule(&mut self, org_id: &str, rule: &PublishingRule) -> Result<()> {
        query(
            "INSERT INTO publishing_rules (org_id, project_id, review, scenario) VALUES ($1, $2, $3, $4)
             ON CONFLICT (org_id, project_id) DO UPDATE SET review = $3, scenario = $4",
        )
        .bind(org_id)
        .bind(rule.project_id.as_deref().unwrap_or_default())
        .bind(i64::from(rule.review))
        .bind(&rule.scenario)
        .execute(self)
        .await?;
        Ok(())
    }
}

fn state(row: &Row, of: &str) -> Result<Option<ProposalState>> {
    let label: Option<String> = row.get("state")?;
    label.map(|label| ProposalState::from_label(&label).ok_or_else(|| rows::damaged("state", of))).transpose()
}

fn proposal(row: &Row) -> Result<Proposal> {
    let agent: String = row.get("agent_id")?;
    Ok(Proposal {
        version: PersonaVersion(row.get("version")?),
        author_id: row.get("author_id")?,
        author: row.get("author")?,
        state: state(row, &agent)?.ok_or_else(|| rows::damaged("state", &agent))?,
        created_at: row.get("created_at")?,
        changed_at: row.get("changed_at")?,
        agent_id: agent.parse().map_err(|_| rows::damaged("agent", &agent))?,
    })
}

fn note(row: &Row) -> Result<ProposalNote> {
    Ok(ProposalNote {
        number: row.get("number")?,
        author: row.get("author")?,
        at: row.get("at")?,
        state: state(row, "a note")?,
        line: row.get("line")?,
        suggestion: row.get("suggestion")?,
        comment: row.get("comment")?,
    })
}
