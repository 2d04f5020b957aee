//! Design objects and their versions.

use mesh_protocol::id::{ApplicationDomainId, DesignObjectId, DesignVersionId};
use mesh_schema::Format;

use super::*;
use crate::domain::application_domain;
use crate::domain::application_domain::ApplicationDomain;
use crate::domain::design::{
    self, Content, Event, Kind, Number, Object, Sharing, State, Validation, Version, VersionSpec,
};

pub(super) async fn domain(tx: &mut Tx, environment: EnvironmentId, name: &str) -> ApplicationDomainId {
    let spec = application_domain::Spec {
        name: name.to_owned(),
        parent: None,
        topics: vec![format!("{name}/>")],
        kafka_topics: Vec::new(),
        owner: "team".to_owned(),
        description: String::new(),
    };
    let id = ApplicationDomainId(Uuid::now_v7());
    let new = ApplicationDomain { id, spec, revision: 1, updated_at_ms: 1, updated_by: "ada".to_owned() };
    tx.insert_application_domain(environment, &new).await.expect("inserted");
    id
}

pub(super) fn object(kind: Kind, domain: ApplicationDomainId, name: &str) -> Object {
    let spec = design::Spec {
        name: name.to_owned(),
        domain,
        owner: "orders-team".to_owned(),
        people: vec!["ada".to_owned()],
        tags: vec!["pii".to_owned()],
        attributes: BTreeMap::from([("cost-centre".to_owned(), "17".to_owned())]),
        document: "# Orders".to_owned(),
        sharing: Sharing::Shared,
        validation: Validation::default(),
    };
    Object {
        id: DesignObjectId(Uuid::now_v7()),
        kind,
        spec,
        revision: 1,
        created_at_ms: 5,
        created_by: "ada".to_owned(),
        updated_at_ms: 6,
        updated_by: "bob".to_owned(),
    }
}

pub(super) fn version(object: DesignObjectId, number: &str, content: Content) -> Version {
    let spec = VersionSpec {
        number: number.parse::<Number>().expect("a number"),
        description: "first".to_owned(),
        content,
        end_of_life_at_ms: Some(9),
        replacement: None,
    };
    Version {
        id: DesignVersionId(Uuid::now_v7()),
        object,
        spec,
        state: State::Draft,
        state_reason: "because".to_owned(),
        authors: vec!["ada".to_owned(), "bob".to_owned()],
        revision: 1,
        created_at_ms: 5,
        created_by: "ada".to_owned(),
        updated_at_ms: 6,
        updated_by: "bob".to_owned(),
    }
}

pub(super) fn schema(text: &str) -> Content {
    Content::Schema(design::Schema { format: Format::Avro, text: text.to_owned(), references: Vec::new() })
}

fn event(schema: DesignVersionId) -> Content {
    Content::Event(Event { address: "orders/{id}".to_owned(), schema: Some(schema), ..Event::default() })
}

#[tokio::test]
async fn objects_and_versions_come_back_as_they_were_written() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let orders = domain(&mut tx, database.environment, "orders").await;
        let (order, created) = (object(Kind::Schema, orders, "order"), object(Kind::Event, orders, "order created"));
        for new in [&order, &created] {
            tx.insert_design_object(database.environment, new).await.expect("inserted");
        }
        let first = version(order.id, "1.0.0", schema("\"string\""));
        let mut made = version(created.id, "1.0.0", event(first.id));
        for new in [&first, &made] {
            tx.insert_design_version(new).await.expect("inserted");
        }
        assert_eq!(tx.design_objects(database.environment).await.expect("read"), [created.clone(), order.clone()]);
        assert_eq!(tx.design_versions(database.environment).await.expect("read"), [first.clone(), made.clone()]);

        // What changes, and what does not; a stale edit hits nothing.
        let second = version(order.id, "1.10.0", schema("\"bytes\""));
        tx.insert_design_version(&second).await.expect("inserted");
        made.spec.content = event(second.id);
        made.spec.replacement = Some(first.id);
        (made.state, made.state_reason) = (State::Released, "ready".to_owned());
        tx.update_design_version(&made, 1).await.expect("updated");
        let stale = tx.update_design_version(&made, 1).await;
        assert!(matches!(stale, Err(StoreError::Stale { table: "design_version" })), "{stale:?}");
        let read = tx.design_versions(database.environment).await.expect("read");
        assert_eq!(read[1], Version { revision: 2, ..made.clone() });
        let mut moved = order.clone();
        moved.spec.tags.clear();
        moved.spec.sharing = Sharing::Domain;
        tx.update_design_object(&moved, 1).await.expect("updated");
        let read = tx.design_objects(database.environment).await.expect("read");
        assert_eq!(read[1], Object { revision: 2, ..moved });
        tx.commit().await.expect("committed");
    })
    .await;
}

#[tokio::test]
async fn what_others_are_built_on_stays() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let orders = domain(&mut tx, database.environment, "orders").await;
        let (order, created) = (object(Kind::Schema, orders, "order"), object(Kind::Event, orders, "order created"));
        for new in [&order, &created] {
            tx.insert_design_object(database.environment, new).await.expect("inserted");
        }
        let first = version(order.id, "1.0.0", schema("\"string\""));
        let made = version(created.id, "1.0.0", event(first.id));
        for new in [&first, &made] {
            tx.insert_design_version(new).await.expect("inserted");
        }
        tx.commit().await.expect("committed");
        for what in ["version", "object", "domain"] {
            let mut tx = database.store.write().await.expect("a transaction");
            let refused = match what {
                "version" => tx.delete_design_version(first.id, 1).await,
                "object" => tx.delete_design_object(order.id, 1).await,
                _ => tx.delete_application_domain(orders, 1).await,
            };
            assert!(matches!(refused, Err(StoreError::Referenced)), "{what}: {refused:?}");
        }
        let mut tx = database.store.write().await.expect("a transaction");
        tx.delete_design_version(made.id, 1).await.expect("nothing refers to it");
        tx.delete_design_version(first.id, 1).await.expect("nothing refers to it any more");
        tx.delete_design_object(order.id, 1).await.expect("it has no versions any more");
        tx.commit().await.expect("committed");
    })
    .await;
}

#[tokio::test]
async fn a_taken_name_or_number_and_a_missing_reference_are_told() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let orders = domain(&mut tx, database.environment, "orders").await;
        let other = domain(&mut tx, database.environment, "stock").await;
        let order = object(Kind::Schema, orders, "order");
        tx.insert_design_object(database.environment, &order).await.expect("inserted");
        for free in [object(Kind::Event, orders, "order"), object(Kind::Schema, other, "order")] {
            tx.insert_design_object(database.environment, &free).await.expect("another kind, or another domain");
        }
        tx.insert_design_version(&version(order.id, "1.0.0", schema("\"string\""))).await.expect("inserted");
        tx.commit().await.expect("committed");

        let mut tx = database.store.write().await.expect("a transaction");
        match tx.insert_design_object(database.environment, &object(Kind::Schema, orders, "order")).await {
            Err(StoreError::Taken { table, column }) => assert_eq!((&*table, &*column), ("design_object", "name")),
            other => panic!("{other:?}"),
        }
        drop(tx);
        let mut tx = database.store.write().await.expect("a transaction");
        match tx.insert_design_version(&version(order.id, "1.0.0", schema("\"bytes\""))).await {
            Err(StoreError::Taken { table, column }) => assert_eq!((&*table, &*column), ("design_version", "number")),
            other => panic!("{other:?}"),
        }
        drop(tx);
        let mut tx = database.store.write().await.expect("a transaction");
        let nowhere = event(DesignVersionId(Uuid::now_v7()));
        let refused = tx.insert_design_version(&version(order.id, "2.0.0", nowhere)).await;
        assert!(refused.is_err(), "what it refers to is not there");
    })
    .await;
}
