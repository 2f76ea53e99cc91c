//! What an agent is made of besides its definition.

use keepstep_base::AgentId;
use serde_json::{Map, Value};

use crate::model::{Primitive, Scope};
use crate::sql::query::query;
use crate::{Result, Store, StoreError, Transaction, agents, rows};

impl Store {
    /// Returns an agent's primitives of a kind, oldest first.
    ///
    /// # Errors
    /// There is no such agent in the scope, or the database failed.
    pub async fn primitives(&self, scope: &Scope, agent: &AgentId, kind: &str) -> Result<Vec<Primitive>> {
        let mut reader = self.reader().await?;
        agents::require(&mut reader, scope, agent).await?;
        let rows = query("SELECT id, name, body FROM primitives WHERE agent_id = $1 AND kind = $2 ORDER BY rowid")
            .bind(agent.as_str())
            .bind(kind)
            .fetch_all(&mut reader)
            .await?;
        rows.iter()
            .map(|row| {
                let id: String = row.get("id")?;
                Ok(Primitive { name: row.get("name")?, body: rows::object(row, "body", &id)?, id })
            })
            .collect()
    }
}

impl Transaction {
    /// Makes a primitive, or returns the one of that name that there is: its new body replaces the old one.
    ///
    /// # Errors
    /// There is no such agent in the scope, the name is empty, or the database failed.
    pub async fn put_primitive(
        &mut self,
        scope: &Scope,
        agent: &AgentId,
        kind: &str,
        name: &str,
        body: Map<String, Value>,
    ) -> Result<Primitive> {
        agents::require(self.connection(), scope, agent).await?;
        if name.is_empty() {
            return Err(StoreError::InvalidName { name: String::new(), reason: "it is empty" });
        }
        let new_id = self.surroundings.id(&format!("{}_", kind.replace('-', "_")))?;
        let text = Value::Object(body.clone()).to_string();
        let kept = query(
            "INSERT INTO primitives (agent_id, kind, id, name, body) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (agent_id, kind, name) DO UPDATE SET body = $5 RETURNING id",
        )
        .bind(agent.as_str())
        .bind(kind)
        .bind(&new_id)
        .bind(name)
        .bind(text)
        .fetch_one(self.connection())
        .await?;
        Ok(Primitive { id: kept.get("id")?, name: name.to_owned(), body })
    }
}
