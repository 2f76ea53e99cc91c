//! Files of batches and runs. Where their content is kept is not known here.

use std::collections::HashMap;

use sqlx::query_builder::QueryBuilder;
use sqlx::{Row as _, Sqlite};

use super::commit::Commit;
use super::model::check_id;
use super::write::{ROWS, RunLocation};
use crate::model::Scope;
use crate::test_data::in_scope;
use crate::{Result, StoreError, Transaction, rows};

/// A file to attach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewArtifact {
    /// The run that it belongs to; none for what belongs to the batch. A run that is not known is none.
    pub run_id: Option<String>,
    /// What it is: `traces`, `summary`, …
    pub artifact_type: String,
    /// Its name without any folder.
    pub name: String,
    /// Its media type.
    pub content_type: String,
    /// Names its content.
    pub blob_id: String,
}

impl Transaction {
    /// Attaches files to a batch. The same file of the same run, type and name is there once.
    ///
    /// # Errors
    /// There is no such batch in the scope, a type or name has no meaning, or the database failed.
    pub async fn attach_artifacts(&mut self, scope: &Scope, batch_id: &str, artifacts: &[NewArtifact]) -> Result<()> {
        let row = sqlx::query(concat!(
            "SELECT b.number, b.project_id FROM run_batches b JOIN projects p ON p.id = b.project_id WHERE ",
            in_scope!(),
            " AND b.id = ?3"
        ))
        .bind(&scope.org_id)
        .bind(scope.listed_projects())
        .bind(batch_id)
        .fetch_optional(self.connection())
        .await?
        .ok_or_else(|| StoreError::BatchNotFound(batch_id.to_owned()))?;
        let (batch, project): (i64, String) = (row.try_get("number")?, row.try_get("project_id")?);
        for chunk in artifacts.chunks(ROWS) {
            let places = self.places(&project, &run_ids(chunk)).await?;
            self.put_artifacts(batch, chunk, &places).await?;
        }
        Ok(())
    }

    /// Attaches files to the batch of a commit before its end, which [can be done](Commit::takes_files).
    ///
    /// # Errors
    /// Somebody else brought the same ([`StoreError::CommitOvertaken`]), a type or name has no meaning, or the database failed.
    pub async fn attach_early_artifacts(&mut self, commit: &Commit, artifacts: &[NewArtifact]) -> Result<()> {
        self.check_open(commit).await?;
        let Some(batch) = commit.own_number() else { return Err(StoreError::CommitOvertaken) };
        for chunk in artifacts.chunks(ROWS) {
            let (mut places, hidden) = self.all_places(&commit.bundle.project_id, &run_ids(chunk)).await?;
            places.extend(hidden.into_iter().filter(|(_, place)| place.batch == batch));
            self.put_artifacts(batch, chunk, &places).await?;
        }
        Ok(())
    }

    /// Returns true if the batch that a commit changes is seen and has all these files, so that they need not be attached when the commit
    /// is done.
    ///
    /// # Errors
    /// The database failed.
    pub async fn are_attached(&mut self, commit: &mut Commit, artifacts: &[NewArtifact]) -> Result<bool> {
        let Some(batch) = commit.seen_number() else { return Ok(false) };
        let places = self.places(&commit.bundle.project_id, &run_ids(artifacts)).await?;
        let mut files = Vec::with_capacity(artifacts.len());
        for artifact in artifacts {
            let run = artifact.run_id.as_ref().map(|id| places.get(id).map(|place| place.number));
            // Of a run that is not there yet.
            if run == Some(None) {
                return Ok(false);
            }
            let run = run.flatten().unwrap_or_default();
            files.push((run, &artifact.artifact_type, &artifact.name, &artifact.blob_id));
        }
        let is_missing: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM json_each(?2) f WHERE NOT EXISTS
               (SELECT 1 FROM artifacts a WHERE a.batch = ?1 AND coalesce(a.run, 0) = f.value ->> 0 AND a.type = f.value ->> 1
                  AND a.name = f.value ->> 2 AND a.blob_id = f.value ->> 3))",
        )
        .bind(batch)
        .bind(rows::text(&files))
        .fetch_one(self.connection())
        .await?;
        if !is_missing {
            commit.attached_to = Some(batch);
        }
        Ok(!is_missing)
    }

    async fn put_artifacts(
        &mut self,
        batch: i64,
        artifacts: &[NewArtifact],
        places: &HashMap<String, RunLocation>,
    ) -> Result<()> {
        for artifact in artifacts {
            check_id("a type of file", &artifact.artifact_type)?;
            check_id("a file", &artifact.name)?;
        }
        let now = self.now;
        // Ids that follow one another are rows that lie beside one another in the index; what nobody can guess is the beginning.
        let mut first = self.surroundings.id("artifact_")?;
        first.truncate(first.len() - 4);
        let ids = (0..artifacts.len()).map(|place| format!("{first}{place:04x}"));
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO stored_artifacts (id, batch, run, type, name, content_type, blob_id, created_at) ",
        );
        query.push_values(artifacts.iter().zip(ids), |mut values, (artifact, id)| {
            let run = artifact.run_id.as_ref().and_then(|id| places.get(id)).map(|place| place.number);
            values
                .push_bind(id)
                .push_bind(batch)
                .push_bind(run)
                .push_bind(&artifact.artifact_type)
                .push_bind(&artifact.name)
                .push_bind(&artifact.content_type)
                .push_bind(&artifact.blob_id)
                .push_bind(now);
        });
        query.push(" ON CONFLICT DO NOTHING");
        query.build().persistent(artifacts.len() == ROWS).execute(self.connection()).await?;
        self.forget_file_bytes(batch).await
    }
}

/// Returns the runs that files belong to, as a JSON array of ids.
fn run_ids(artifacts: &[NewArtifact]) -> String {
    rows::text(&artifacts.iter().filter_map(|artifact| artifact.run_id.as_deref()).collect::<Vec<_>>())
}
