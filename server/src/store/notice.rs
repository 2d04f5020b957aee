//! Notices between the portals on one database: PostgreSQL's LISTEN and NOTIFY. A SQLite file has one portal, so there
//! is nobody to tell.

use sqlx::postgres::{PgListener, PgPoolOptions};

use super::{Conn, Pools, Result, Store, StoreError, Tx};

/// The channel, one for all portals of a database.
const CHANNEL: &str = "meshport";

/// What the portals on this database tell each other, this one's own notices among it.
#[derive(Debug)]
pub struct Notices(PgListener);

impl Tx {
    /// Tells every portal on this database, in the moment when this transaction becomes visible. A notice is a few
    /// hundred bytes; PostgreSQL refuses more than 8,000.
    ///
    /// # Errors
    /// The database's.
    pub async fn notify(&mut self, notice: &str) -> Result<()> {
        if let Conn::Postgres(tx) = &mut self.0 {
            sqlx::query("select pg_notify($1, $2)").bind(CHANNEL).bind(notice).execute(&mut **tx).await?;
        }
        Ok(())
    }
}

impl Store {
    /// Whether other portals may use this database too.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.0, Pools::Postgres { .. })
    }

    /// Begins to listen, on a connection of its own; none with SQLite.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn notices(&self) -> Result<Option<Notices>> {
        let Pools::Postgres { read, .. } = &self.0 else { return Ok(None) };
        let options = (*read.connect_options()).clone();
        let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let pool = pool.connect_with(options).await.map_err(StoreError::Database)?;
        let mut listener = PgListener::connect_with(&pool).await.map_err(StoreError::Database)?;
        listener.ignore_pool_close_event(true);
        listener.listen(CHANNEL).await.map_err(StoreError::Database)?;
        Ok(Some(Notices(listener)))
    }
}

impl Notices {
    /// The next notice; none after the connection was lost and made again, when some may have been missed.
    ///
    /// # Errors
    /// The database does not answer any more: begin anew.
    pub async fn next(&mut self) -> Result<Option<String>> {
        let notice = self.0.try_recv().await.map_err(StoreError::Database)?;
        Ok(notice.map(|notice| notice.payload().to_owned()))
    }
}
