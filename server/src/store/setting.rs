//! Single values that belong to the whole portal.

use super::{Result, Tx};

impl Tx {
    /// A value by its name.
    ///
    /// # Errors
    /// The database's.
    pub async fn setting(&mut self, name: &str) -> Result<Option<String>> {
        let row: Option<(String,)> = on_db!(self, |conn| {
            sqlx::query_as("select value from setting where name = $1").bind(name).fetch_optional(conn).await
        })?;
        Ok(row.map(|(value,)| value))
    }

    /// Writes a value, over the one before.
    ///
    /// # Errors
    /// The database's.
    pub async fn set_setting(&mut self, name: &str, value: &str, now_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query(
                "insert into setting (name, value, updated_at_ms) values ($1, $2, $3)
                 on conflict (name) do update set value = excluded.value, updated_at_ms = excluded.updated_at_ms",
            )
            .bind(name)
            .bind(value)
            .bind(now_ms)
            .execute(conn)
            .await
            .map(|_| ())
        })?;
        Ok(())
    }

    /// Removes the values whose names begin alike and that were written before a time.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_settings(&mut self, prefix: &str, before_ms: i64) -> Result<()> {
        on_db!(self, |conn| {
            sqlx::query("delete from setting where substr(name, 1, $1) = $2 and updated_at_ms < $3")
                .bind(i32::try_from(prefix.len()).unwrap_or(i32::MAX))
                .bind(prefix)
                .bind(before_ms)
                .execute(conn)
                .await
                .map(|_| ())
        })?;
        Ok(())
    }

    /// Removes a value; whether it was there.
    ///
    /// # Errors
    /// The database's.
    pub async fn take_setting(&mut self, name: &str, value: &str) -> Result<bool> {
        let rows = on_db!(self, |conn| {
            sqlx::query("delete from setting where name = $1 and value = $2")
                .bind(name)
                .bind(value)
                .execute(conn)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(rows == 1)
    }
}
