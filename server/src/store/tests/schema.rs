//! The two migration folders describe the same tables.

use std::collections::BTreeMap;

use sqlx::Connection;

/// Makes a database of its own on a PostgreSQL server and gives its address.
pub(super) async fn new_postgres_database(server: &str) -> String {
    let name = format!("meshport_test_{}", uuid::Uuid::now_v7().simple());
    let mut connection = sqlx::PgConnection::connect(server).await.expect("PostgreSQL answers");
    let create = sqlx::AssertSqlSafe(format!("create database {name}"));
    sqlx::query(create).execute(&mut connection).await.expect("databases may be made here");
    let (base, _) = server.rsplit_once('/').expect("the address ends with a database");
    format!("{base}/{name}")
}

/// Table to columns, with whether each may be null, as a folder of migrations says. Reading the text keeps the test
/// independent of a running PostgreSQL.
fn tables(folder: &str) -> BTreeMap<String, Vec<(String, bool)>> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(folder);
    let mut files: Vec<_> =
        std::fs::read_dir(path).expect("the folder").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let mut tables: BTreeMap<String, Vec<(String, bool)>> = BTreeMap::new();
    for file in files {
        let mut table = None;
        for line in std::fs::read_to_string(file).expect("text").lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["create", "table", name, ..] => table = Some((*name).to_owned()),
                ["alter", "table", name, "add", "column", column, rest @ ..] => {
                    let is_nullable = !rest.join(" ").contains("not null");
                    tables.entry((*name).to_owned()).or_default().push(((*column).to_owned(), is_nullable));
                }
                [first, ..] if first.starts_with(')') => table = None,
                [column, kind, ..] if is_column(column, kind) => {
                    if let Some(table) = &table {
                        let is_nullable = !line.contains("not null");
                        tables.entry(table.clone()).or_default().push(((*column).to_owned(), is_nullable));
                    }
                }
                _ => {}
            }
        }
    }
    tables
}

fn is_column(first: &str, second: &str) -> bool {
    let kinds = ["blob", "integer", "text", "real", "uuid", "bytea", "bigint", "boolean", "jsonb", "double"];
    first != "constraint" && kinds.contains(&second.trim_end_matches(','))
}

fn numbers(folder: &str) -> Vec<String> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(folder);
    let entries = std::fs::read_dir(path).expect("the folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn both_folders_have_the_same_numbers_tables_and_columns() {
    assert_eq!(numbers("sqlite"), numbers("postgres"));
    let (lite, postgres) = (tables("sqlite"), tables("postgres"));
    assert!(lite.len() > 20, "the tables were read");
    assert_eq!(lite, postgres);
}
