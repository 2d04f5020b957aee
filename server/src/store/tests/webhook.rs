//! Webhooks and their messages on both databases.

use std::collections::BTreeSet;

use mesh_protocol::id::{WebhookDeliveryId, WebhookEndpointId};
use uuid::Uuid;

use super::*;
use crate::domain::webhook_endpoint::{Answer, Attempt, Delivery, Endpoint, Spec as EndpointSpec, State};

fn endpoint(name: &str, enabled: bool) -> Endpoint {
    Endpoint {
        id: WebhookEndpointId(Uuid::now_v7()),
        spec: EndpointSpec {
            name: name.into(),
            url: "https://hooks.example".into(),
            kinds: BTreeSet::from(["design.released".to_owned()]),
            private_addresses: true,
            enabled,
        },
        gave_up: String::new(),
        failing_since_ms: None,
        overlap_until_ms: None,
        revision: 1,
        updated_at_ms: 5,
        updated_by: "ada".into(),
    }
}

fn delivery(endpoint: &Endpoint, at_ms: i64) -> Delivery {
    let id = WebhookDeliveryId(Uuid::now_v7());
    Delivery::new(id, endpoint.id, "design.released", r#"{"type":"x"}"#.into(), at_ms)
}

#[tokio::test]
async fn an_endpoint_comes_back_as_it_was_written_and_keeps_its_secrets_through_edits() {
    on_each(async |database| {
        let environment = database.environment;
        let mut tx = database.store.write().await.expect("a transaction");
        let pager = endpoint("pager", true);
        tx.insert_webhook_endpoint(environment, &pager, &[1, 2]).await.expect("inserted");
        assert_eq!(tx.webhook_endpoints(environment).await.expect("read"), std::slice::from_ref(&pager));
        let spec = EndpointSpec { url: "https://other.example".into(), kinds: BTreeSet::new(), ..pager.spec.clone() };
        let changed = Endpoint { spec, gave_up: "dead".into(), failing_since_ms: Some(3), ..pager.clone() };
        tx.update_webhook_endpoint(&changed, 1).await.expect("updated");
        let stale = tx.update_webhook_endpoint(&changed, 1).await;
        assert!(matches!(stale, Err(StoreError::Stale { table: "webhook" })), "{stale:?}");
        let read = tx.webhook_endpoint(pager.id).await.expect("read");
        assert_eq!(read, Some(Endpoint { revision: 2, ..changed }));
        let secrets = |current: u8, old: Option<u8>| {
            let old = old.map(|old| vec![old, 2]);
            Some(SealedSecrets { current: vec![current, 2], old })
        };
        assert_eq!(tx.webhook_secrets(pager.id).await.expect("read"), secrets(1, None));
        tx.rotate_webhook_secret(pager.id, &[7, 2], Some(99), "eve", 9).await.expect("rotated");
        assert_eq!(tx.webhook_secrets(pager.id).await.expect("read"), secrets(7, Some(1)));
        assert_eq!(tx.webhook_endpoint(pager.id).await.expect("read").and_then(|one| one.overlap_until_ms), Some(99));
        tx.rotate_webhook_secret(pager.id, &[8, 2], None, "eve", 9).await.expect("rotated");
        assert_eq!(tx.webhook_secrets(pager.id).await.expect("read"), secrets(8, None), "the old one ends at once");
        tx.note_webhook_failing(pager.id, Some(5)).await.expect("noted");
        let read = tx.webhook_endpoint(pager.id).await.expect("read").expect("there");
        assert_eq!((read.failing_since_ms, read.revision), (Some(5), 4), "that is no edit");
        // PostgreSQL takes nothing more in a transaction that was refused something.
        tx.commit().await.expect("committed");
        let mut tx = database.store.write().await.expect("a transaction");
        let taken = tx.insert_webhook_endpoint(environment, &endpoint("pager", true), &[1]).await;
        let Err(StoreError::Taken { table, column }) = taken else { panic!("{taken:?}") };
        assert_eq!((table.as_str(), column.as_str()), ("webhook_endpoint", "name"));
    })
    .await;
}

#[tokio::test]
async fn a_message_is_leased_by_one_and_comes_again_when_its_lease_ends() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let (on, off) = (endpoint("on", true), endpoint("off", false));
        for one in [&on, &off] {
            tx.insert_webhook_endpoint(database.environment, one, &[1]).await.expect("inserted");
            tx.insert_webhook_delivery(&delivery(one, 10)).await.expect("inserted");
        }
        let (first, later) = (delivery(&on, 10), delivery(&on, 50));
        tx.insert_webhook_delivery(&first).await.expect("inserted");
        tx.insert_webhook_delivery(&later).await.expect("inserted");
        assert_eq!(tx.due_webhook_endpoints(9).await.expect("read"), [], "nothing is due yet");
        assert_eq!(tx.due_webhook_endpoints(10).await.expect("read"), [on.id], "one that is off is told nothing");
        tx.commit().await.expect("committed");

        // Two portals at once.
        let lease = async || {
            let mut tx = database.store.write().await.expect("a transaction");
            let taken = tx.lease_webhook_deliveries(on.id, 10, 70, 9).await.expect("leased");
            tx.commit().await.expect("committed");
            taken
        };
        let (one, two) = futures::join!(lease(), lease());
        let mut taken: Vec<WebhookDeliveryId> = one.iter().chain(&two).map(|one| one.id).collect();
        taken.sort();
        taken.dedup();
        assert_eq!((one.len() + two.len(), taken.len()), (2, 2), "each is taken once");

        let mut tx = database.store.write().await.expect("a transaction");
        assert_eq!(tx.lease_webhook_deliveries(on.id, 60, 120, 9).await.expect("leased").len(), 1, "the later one");
        let again = tx.lease_webhook_deliveries(on.id, 71, 130, 1).await.expect("leased");
        assert_eq!(again.len(), 1, "whoever had it died with it");
        let mut message = tx.webhook_delivery(first.id).await.expect("read").expect("there");
        let attempt = Attempt { at_ms: 80, took_ms: 3, status: Some(500), trouble: "x".into(), response: "no".into() };
        message.note(&Answer { attempt: attempt.clone(), retry_after_ms: None }, 0.0);
        tx.update_webhook_delivery(&message).await.expect("noted");
        let read = tx.webhook_delivery(first.id).await.expect("read").expect("there");
        assert_eq!((read.tries, &read.attempts, read.state), (1, &vec![attempt], State::Waiting));
        assert_eq!(read, message);

        let (rows, total) = tx.webhook_deliveries(on.id, None, 2).await.expect("read");
        assert_eq!((rows.len(), total, rows[0].id), (2, 3, later.id), "newest first");
        let (rest, _) = tx.webhook_deliveries(on.id, Some(rows[1].id), 2).await.expect("read");
        assert_eq!(rest.len(), 1);
        tx.prune_webhook_deliveries(40, 5).await.expect("pruned");
        let (off_rows, _) = tx.webhook_deliveries(off.id, None, 9).await.expect("read");
        assert_eq!(off_rows[0].state, State::GivenUp, "what waited for one that is off");
        tx.prune_webhook_deliveries(0, 40).await.expect("pruned");
        assert_eq!(tx.webhook_deliveries(off.id, None, 9).await.expect("read").1, 0);
        tx.delete_webhook_endpoint(on.id, 1).await.expect("deleted");
        assert_eq!(tx.webhook_delivery(later.id).await.expect("read"), None, "its messages go with it");
        tx.commit().await.expect("committed");
    })
    .await;
}
