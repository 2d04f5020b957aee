//! Subjects, their versions, and ids.

use mesh_protocol::id::SubjectId;
use mesh_protocol::schema_id::SchemaId;
use mesh_schema::Level;

use super::design::{domain, object, schema, version};
use super::*;
use crate::domain::design::Kind;
use crate::domain::registry::{KnownSchema, Mode, Registered, Settings, Subject};

fn subject(name: &str) -> Subject {
    let id = SubjectId(Uuid::now_v7());
    Subject { id, name: name.to_owned(), object: None, level: None, mode: None, last_version: 0 }
}

fn known(id: u32) -> KnownSchema {
    KnownSchema { id: SchemaId::new(id).expect("above 0"), fingerprint: format!("content {id}") }
}

#[tokio::test]
async fn the_registry_comes_back_as_it_was_written() {
    on_each(async |database| {
        let (mut tx, environment) = (database.store.write().await.expect("a transaction"), database.environment);
        assert_eq!(tx.registry_settings(environment).await.expect("read"), Settings::default());
        for last_id in [7, u32::MAX >> 1] {
            let settings = Settings { level: Level::FullTransitive, mode: Mode::ReadOnlyOverride, last_id };
            tx.set_registry_settings(environment, &settings).await.expect("written");
            assert_eq!(tx.registry_settings(environment).await.expect("read"), settings);
        }
        let orders = domain(&mut tx, environment, "orders").await;
        let order = object(Kind::Schema, orders, "order");
        tx.insert_design_object(environment, &order).await.expect("inserted");
        let first = version(order.id, "1.0.0", schema("\"string\""));
        tx.insert_design_version(&first).await.expect("inserted");

        let alone = subject("a/b 订");
        tx.insert_subject(environment, &alone).await.expect("inserted");
        let mut bound = subject("orders-value");
        tx.insert_subject(environment, &bound).await.expect("inserted");
        bound = Subject {
            object: Some(order.id),
            level: Some(Level::None),
            mode: Some(Mode::Import),
            last_version: 3,
            ..bound
        };
        tx.update_subject(&bound).await.expect("updated");
        let read = tx.subjects(environment).await.expect("read");
        assert_eq!(read, [alone.clone(), bound.clone()]);
        for id in [9, 2] {
            tx.insert_known_schema(environment, &known(id)).await.expect("inserted");
        }
        assert_eq!(tx.known_schemas(environment).await.expect("read"), [known(2), known(9)]);
        let registered = Registered { subject: bound.id, version: 3, schema: known(9).id, design: first.id };
        tx.insert_registered_version(&registered).await.expect("inserted");
        assert_eq!(tx.registered_versions(environment).await.expect("read"), [registered]);

        tx.delete_registered_version(&registered).await.expect("removed");
        tx.delete_subject(alone.id).await.expect("removed");
        assert_eq!(tx.registered_versions(environment).await.expect("read"), []);
        assert_eq!(tx.subjects(environment).await.expect("read"), [bound]);
        assert!(matches!(tx.update_subject(&alone).await, Err(StoreError::Stale { table: "registry_subject" })));
        tx.commit().await.expect("committed");
    })
    .await;
}

/// A database with a subject that has one version.
async fn with_one(database: &Database) -> (Subject, Registered) {
    let (mut tx, environment) = (database.store.write().await.expect("a transaction"), database.environment);
    let orders = domain(&mut tx, environment, "orders").await;
    let order = object(Kind::Schema, orders, "order");
    tx.insert_design_object(environment, &order).await.expect("inserted");
    let first = version(order.id, "1.0.0", schema("\"string\""));
    tx.insert_design_version(&first).await.expect("inserted");
    let bound = Subject { object: Some(order.id), ..subject("orders-value") };
    tx.insert_subject(environment, &bound).await.expect("inserted");
    tx.insert_known_schema(environment, &known(1)).await.expect("inserted");
    let registered = Registered { subject: bound.id, version: 1, schema: known(1).id, design: first.id };
    tx.insert_registered_version(&registered).await.expect("inserted");
    tx.commit().await.expect("committed");
    (bound, registered)
}

#[tokio::test]
async fn names_numbers_ids_and_objects_are_given_once() {
    on_each(async |database| {
        let (bound, registered) = with_one(database).await;
        for what in ["name", "object", "number", "design", "id"] {
            let mut tx = database.store.write().await.expect("a transaction");
            let other = Subject { object: bound.object, ..subject("other") };
            let refused = match what {
                "name" => tx.insert_subject(database.environment, &subject("orders-value")).await,
                "object" => tx.insert_subject(database.environment, &other).await,
                "number" => tx.insert_registered_version(&registered).await,
                "design" => tx.insert_registered_version(&Registered { version: 2, ..registered }).await,
                _ => tx.insert_known_schema(database.environment, &known(1)).await,
            };
            match (what, refused) {
                ("name", Err(StoreError::Taken { table, column })) => {
                    assert_eq!((&*table, &*column), ("registry_subject", "name"));
                }
                (_, Err(_)) => {}
                (what, Ok(())) => panic!("{what} was given twice"),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_registered_stays_in_the_catalog() {
    on_each(async |database| {
        let (bound, registered) = with_one(database).await;
        for what in ["version", "subject", "object"] {
            let mut tx = database.store.write().await.expect("a transaction");
            let refused = match what {
                "version" => tx.delete_design_version(registered.design, 1).await,
                "subject" => tx.delete_subject(bound.id).await,
                _ => tx.delete_design_object(bound.object.expect("it has one"), 1).await,
            };
            assert!(matches!(refused, Err(StoreError::Referenced)), "{what}: {refused:?}");
        }
    })
    .await;
}
