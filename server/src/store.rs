//! The portal's memory: SQLite for one command on a laptop, PostgreSQL for production.
//!
//! Every statement is written once and compiled for both (see `on_db!`), because two repositories drift; the contract
//! tests run the same calls against both. What the two databases would do differently is kept out of the statements:
//! times are integers, enums are text, anything that is only read whole is JSON, and nothing here searches.
//!
//! A use case is one [`Tx`]: its rows, its policy revision and its audit entry become visible together or not at all.
//! SQLite has one writer, so writing transactions queue on one connection and readers never wait for them.

use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

/// One body, both databases: runs the expression with `conn` bound to the connection of whichever is in use.
macro_rules! on_db {
    ($tx:expr, |$conn:ident| $body:expr) => {
        match &mut $tx.0 {
            $crate::store::Conn::Lite(tx) => {
                let $conn = &mut **tx;
                $body
            }
            $crate::store::Conn::Postgres(tx) => {
                let $conn = &mut **tx;
                $body
            }
        }
    };
}

mod access;
mod agent;
mod application;
mod application_domain;
mod audit;
mod broker;
mod catalog_note;
mod certificate;
mod contract;
mod denial;
mod deny;
mod design;
mod design_document;
mod drift;
mod environment;
mod flow;
mod flow_schema;
mod join_token;
mod kafka_credential;
mod link;
mod listener;
mod mail;
mod notice;
mod notification;
mod person;
mod principal;
mod product;
mod queue;
mod rates;
mod registry;
mod reminder;
mod role;
mod route;
mod rule;
mod runtime_object;
mod scope;
mod service_token;
mod session;
mod setting;
mod shape;
mod site;
mod subscription;
mod team;
mod usage;
mod webhook_endpoint;

#[cfg(test)]
pub(crate) mod tests;

pub use catalog_note::Note;
pub use denial::WantedDenials;
pub use environment::PolicyRevision;
pub use kafka_credential::SealedCredential;
pub use mail::{MailItem, MailReader};
pub use notice::Notices;
pub use session::Session;
pub use subscription::AgentSubscriptions;
pub use webhook_endpoint::SealedSecrets;

/// Most readers of the SQLite file at once.
const LITE_READERS_MAX: u32 = 4;
/// Most connections to PostgreSQL at once, for readers and for writers. Two pools, so that a use case that reads while
/// it writes never waits for a connection that another one like it holds.
const POSTGRES_CONNECTIONS_MAX: u32 = 8;
/// How long a statement waits for a free connection or for the writer before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another row has this value already.
    #[error("another {table} has this {column} already")]
    Taken {
        /// The table of the row that was refused.
        table: String,
        /// The column a person would have to change.
        column: String,
    },
    /// Something else refers to the row, or the row refers to something that is not there.
    #[error("another object still refers to this one, or one that it refers to is gone")]
    Referenced,
    /// The row was edited by somebody else since it was read.
    #[error("the {table} was changed meanwhile")]
    Stale {
        /// The table of the row.
        table: &'static str,
    },
    /// A stored value is not one this version can read.
    #[error("the stored {column} cannot be read: the database was written by another version or altered by hand")]
    Unreadable {
        /// Which column.
        column: &'static str,
    },
    /// The database's address cannot be used.
    #[error("the database address is neither `sqlite:PATH` nor `postgres://...`")]
    Address,
    /// The migrations did not run.
    #[error("cannot bring the database to this version")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// Anything else the database said.
    #[error("the database refused a statement")]
    Database(#[source] sqlx::Error),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let Some(refused) = error.as_database_error() else {
            return Self::Database(error);
        };
        if refused.is_unique_violation() {
            // PostgreSQL names the constraint (`site__name`), SQLite the columns (`site.environment_id, site.name`).
            let named = refused.constraint().map(str::to_owned);
            let listed = refused.message().rsplit([' ', ',']).next().unwrap_or_default().to_owned();
            let split = named
                .as_deref()
                .and_then(|name| name.split_once("__"))
                .or_else(|| listed.split_once('.'))
                .map(|(table, column)| (table.to_owned(), column.to_owned()));
            if let Some((table, column)) = split {
                return Self::Taken { table, column };
            }
        }
        if refused.is_foreign_key_violation() {
            return Self::Referenced;
        }
        Self::Database(error)
    }
}

/// A result of the store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store(Pools);

#[derive(Clone, Debug)]
enum Pools {
    Lite { read: SqlitePool, write: SqlitePool },
    Postgres { read: PgPool, write: PgPool },
}

/// One transaction; dropped without [`Tx::commit`], it never happened.
#[derive(Debug)]
pub struct Tx(Conn);

#[derive(Debug)]
enum Conn {
    Lite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Store {
    /// Opens `sqlite:PATH` (made when missing) or `postgres://...` and brings it to this version.
    ///
    /// # Errors
    /// The address is neither, the database cannot be reached, or a migration fails.
    pub async fn open(url: &str) -> Result<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(url).map_err(StoreError::Database)?;
            let pool = || PgPoolOptions::new().max_connections(POSTGRES_CONNECTIONS_MAX).acquire_timeout(BUSY_TIMEOUT);
            let write = pool().connect_with(options.clone()).await.map_err(StoreError::Database)?;
            sqlx::migrate!("../migrations/postgres").run(&write).await?;
            let read = pool().connect_with(options).await.map_err(StoreError::Database)?;
            return Ok(Self(Pools::Postgres { read, write }));
        }
        if !url.starts_with("sqlite:") {
            return Err(StoreError::Address);
        }
        let options = SqliteConnectOptions::from_str(url)
            .map_err(StoreError::Database)?
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal);
        let pool = |size| SqlitePoolOptions::new().max_connections(size).acquire_timeout(BUSY_TIMEOUT);
        let write = pool(1).connect_with(options.clone()).await.map_err(StoreError::Database)?;
        sqlx::migrate!("../migrations/sqlite").run(&write).await?;
        let read = pool(LITE_READERS_MAX).connect_with(options).await.map_err(StoreError::Database)?;
        Ok(Self(Pools::Lite { read, write }))
    }

    /// A transaction that only reads, and sees one moment of the database however many statements it runs.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn read(&self) -> Result<Tx> {
        Ok(Tx(match &self.0 {
            Pools::Lite { read, .. } => Conn::Lite(read.begin().await?),
            Pools::Postgres { read, .. } => {
                let snapshot = "begin isolation level repeatable read, read only";
                Conn::Postgres(read.begin_with(snapshot).await?)
            }
        }))
    }

    /// A transaction that writes. With SQLite it waits for the one before it.
    ///
    /// # Errors
    /// The database does not answer, or the writer before this one takes too long.
    pub async fn write(&self) -> Result<Tx> {
        Ok(Tx(match &self.0 {
            Pools::Lite { write, .. } => Conn::Lite(write.begin_with("begin immediate").await?),
            Pools::Postgres { write, .. } => Conn::Postgres(write.begin().await?),
        }))
    }

    /// Ends all connections, once the last transaction is done.
    pub async fn close(&self) {
        match &self.0 {
            Pools::Lite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Pools::Postgres { read, write } => {
                read.close().await;
                write.close().await;
            }
        }
    }
}

impl Tx {
    /// Makes everything of this transaction visible, durably.
    ///
    /// # Errors
    /// The database could not; then nothing happened.
    pub async fn commit(self) -> Result<()> {
        match self.0 {
            Conn::Lite(tx) => tx.commit().await?,
            Conn::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

impl Tx {
    /// Runs a delete that takes the id and the revision the person saw.
    async fn delete_at(&mut self, table: &'static str, sql: &'static str, id: uuid::Uuid, revision: u64) -> Result<()> {
        let rows = on_db!(self, |conn| {
            sqlx::query(sql).bind(id).bind(to_i64(revision)).execute(conn).await.map(|done| done.rows_affected())
        })?;
        must_hit(table, rows)
    }
}

/// The text under which a unit variant is stored: its serde name.
fn to_text<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        _ => unreachable!("only enums of unit variants are stored as text"),
    }
}

/// The variant stored under a text.
fn from_text<T: DeserializeOwned>(column: &'static str, text: String) -> Result<T> {
    serde_json::from_value(serde_json::Value::String(text)).map_err(|_| StoreError::Unreadable { column })
}

/// A count or number that is never negative in the database.
fn from_i64<T: TryFrom<i64>>(column: &'static str, number: i64) -> Result<T> {
    T::try_from(number).map_err(|_| StoreError::Unreadable { column })
}

/// A number as the databases keep it. Revisions and times stay far below the limit.
fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An edit that named the revision it was based on must have hit its row.
fn must_hit(table: &'static str, rows: u64) -> Result<()> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Stale { table }) }
}
