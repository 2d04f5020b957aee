//! The documents that versions were imported from: what the catalog does not model of them is in there only.

use mesh_protocol::id::DesignVersionId;
use serde_json::Value;

use super::{Result, StoreError, Tx};

impl Tx {
    /// The document of a version; none = it was not imported.
    ///
    /// # Errors
    /// The database's, or it is no JSON.
    pub async fn design_document(&mut self, version: DesignVersionId) -> Result<Option<Value>> {
        let row: Option<(String,)> = on_db!(self, |conn| {
            sqlx::query_as("select document from design_document where design_version_id = $1")
                .bind(version.0)
                .fetch_optional(conn)
                .await
        })?;
        let read =
            |(text,): (String,)| serde_json::from_str(&text).map_err(|_| StoreError::Unreadable { column: "document" });
        row.map(read).transpose()
    }

    /// Keeps the document of a new version. It goes with the version.
    ///
    /// # Errors
    /// There is no such version, it has one already, or the database's.
    pub async fn insert_design_document(&mut self, version: DesignVersionId, document: &Value) -> Result<()> {
        let text = document.to_string();
        on_db!(self, |conn| {
            sqlx::query("insert into design_document (design_version_id, document) values ($1, $2)")
                .bind(version.0)
                .bind(text.as_str())
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }
}
