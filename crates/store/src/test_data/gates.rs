//! Gates of scenarios: what their experiments must hold.

use keepstep_results::gate::Gate;

use super::Scenario;
use super::scenarios::read_scenario;
use crate::model::Scope;
use crate::sql::connection::Connection;
use crate::sql::query::query;
use crate::{Result, Store, Transaction, rows};

impl Store {
    /// Returns the gate of a scenario, if it has one.
    ///
    /// # Errors
    /// There is no such scenario in the scope, or the database failed.
    pub async fn gate(&self, scope: &Scope, scenario: &str) -> Result<Option<Gate>> {
        let mut reader = self.reader().await?;
        read_scenario(&mut reader, scope, scenario).await?;
        read_gate(&mut reader, scenario).await
    }
}

impl Transaction {
    /// Sets the gate of a scenario, or takes it away. Experiments that have ended keep what came of the one before. `by` is the name of who
    /// does it.
    ///
    /// # Errors
    /// There is no such scenario in the scope, or the database failed.
    pub async fn set_gate(&mut self, scope: &Scope, scenario: &str, gate: Option<&Gate>, by: &str) -> Result<Scenario> {
        let scenario = read_scenario(self.connection(), scope, scenario).await?;
        if read_gate(self.connection(), &scenario.id).await?.as_ref() == gate {
            return Ok(scenario);
        }
        let Some(gate) = gate else {
            query("DELETE FROM scenario_gates WHERE scenario_id = $1").bind(&scenario.id).execute(self.connection()).await?;
            return Ok(scenario);
        };
        let now = self.now;
        query(
            "INSERT INTO scenario_gates (scenario_id, gate, changed_by, changed_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (scenario_id) DO UPDATE SET gate = excluded.gate, changed_by = excluded.changed_by,
               changed_at = excluded.changed_at",
        )
        .bind(&scenario.id)
        .bind(rows::text(gate))
        .bind(by)
        .bind(now)
        .execute(self.connection())
        .await?;
        Ok(scenario)
    }
}

async fn read_gate(connection: &mut Connection, scenario: &str) -> Result<Option<Gate>> {
    let row = query("SELECT gate FROM scenario_gates WHERE scenario_id = $1").bind(scenario).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let text: String = row.get("gate")?;
    serde_json::from_str(&text).map(Some).map_err(|_| rows::damaged("gate", scenario))
}
