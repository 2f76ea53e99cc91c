//! Scenarios and experiments by what their names say, in all projects of a scope at once.

use sqlx::query_builder::QueryBuilder;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, Sqlite};

use crate::model::Scope;
use crate::results::{containing, shown_name};
use crate::{Result, Store};

/// Something of a project, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its name, as it is shown.
    pub name: String,
    /// The project that it is in.
    pub project_id: String,
    /// The name of the project.
    pub project_name: String,
}

/// What is looked for.
struct Looked {
    name: &'static str,
    columns: &'static str,
    order: &'static str,
}

const SCENARIOS: Looked = Looked {
    name: "s.name",
    columns: "SELECT s.id, s.name AS name, p.id AS project_id, p.name AS project_name
              FROM scenarios s JOIN projects p ON p.id = s.project_id WHERE s.deleted_at IS NULL",
    order: "s.name, s.id",
};

const EXPERIMENTS: Looked = Looked {
    name: shown_name!(),
    columns: concat!(
        "SELECT b.id, ",
        shown_name!(),
        " AS name, p.id AS project_id, p.name AS project_name
         FROM run_batches b JOIN projects p ON p.id = b.project_id LEFT JOIN experiment_labels l ON l.batch = b.number WHERE TRUE"
    ),
    order: "b.number DESC",
};

impl Store {
    /// Returns scenarios with each of some words in their name or in that of their project, by their names. Upper and lower case of ASCII are
    /// the same; words with other characters are not looked for.
    ///
    /// # Errors
    /// The database failed.
    pub async fn find_scenarios(&self, scope: &Scope, words: &[&str], limit: u32) -> Result<Vec<Named>> {
        self.find_named(&SCENARIOS, scope, words, limit).await
    }

    /// Returns experiments likewise, the newest first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn find_experiments(&self, scope: &Scope, words: &[&str], limit: u32) -> Result<Vec<Named>> {
        self.find_named(&EXPERIMENTS, scope, words, limit).await
    }

    async fn find_named(&self, looked: &Looked, scope: &Scope, words: &[&str], limit: u32) -> Result<Vec<Named>> {
        let mut query = QueryBuilder::<Sqlite>::new(looked.columns);
        query.push(" AND p.deleted_at IS NULL AND p.org_id = ").push_bind(&scope.org_id);
        if let Some(projects) = scope.listed_projects() {
            query.push(" AND replace(").push_bind(projects.clone()).push(", ' ' || p.id || ' ', '') <> ").push_bind(projects);
        }
        for word in words.iter().filter(|word| word.is_ascii()) {
            let pattern = containing(word);
            query.push(format_args!(" AND ({} LIKE ", looked.name)).push_bind(pattern.clone()).push(" ESCAPE '\\'");
            query.push(" OR p.name LIKE ").push_bind(pattern).push(" ESCAPE '\\')");
        }
        query.push(format_args!(" ORDER BY {} LIMIT ", looked.order)).push_bind(limit);
        let rows = query.build().fetch_all(&mut *self.reader().await?).await?;
        let named = |row: &SqliteRow| {
            Ok(Named {
                id: row.try_get("id")?,
                name: row.try_get("name")?,
                project_id: row.try_get("project_id")?,
                project_name: row.try_get("project_name")?,
            })
        };
        rows.iter().map(named).collect()
    }
}
