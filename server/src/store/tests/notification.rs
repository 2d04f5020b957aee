//! Feeds and watching on both databases.

use mesh_protocol::id::{AgentId, ApplicationDomainId, DesignObjectId, NotificationId, PersonId};
use uuid::Uuid;

use super::team::{domain, event, person};
use super::*;
use crate::domain::agent::{Agent, State as AgentState};
use crate::domain::notification::{Notification, Severity};

pub(super) fn notification(title: &str, at_ms: i64) -> Notification {
    Notification {
        id: NotificationId(Uuid::now_v7()),
        kind: "design.released".into(),
        severity: Severity::Warn,
        title: title.into(),
        text: "by ada".into(),
        link: "/designs/x".into(),
        object_kind: "design".into(),
        object_id: "x".into(),
        domain: Some(ApplicationDomainId(Uuid::from_u128(5))),
        at_ms,
    }
}

fn titles(feed: &[crate::domain::notification::Told]) -> Vec<&str> {
    feed.iter().map(|told| told.notification.title.as_str()).collect()
}

#[tokio::test]
async fn a_feed_is_read_from_its_end_and_marked_for_one_reader_only() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let (eve, bob) = (person("eve"), person("bob"));
        for one in [&eve, &bob] {
            tx.insert_person(one, "hash").await.expect("inserted");
        }
        let all = ["one", "two", "three"].map(|title| notification(title, 10));
        for one in &all {
            tx.insert_notification(database.environment, one, &[eve.id, bob.id]).await.expect("inserted");
        }
        tx.insert_notification(database.environment, &notification("untold", 10), &[]).await.expect("inserted");
        let feed = tx.feed(eve.id, false, None, 2).await.expect("read");
        assert_eq!(titles(&feed), ["three", "two"]);
        assert_eq!((&feed[0].notification, feed[0].read_at_ms), (&all[2], None));
        let rest = tx.feed(eve.id, false, Some(feed[1].notification.id), 2).await.expect("read");
        assert_eq!(titles(&rest), ["one"]);

        tx.mark_told(eve.id, all[1].id, Some(20)).await.expect("marked");
        tx.mark_told(eve.id, all[1].id, Some(30)).await.expect("marked");
        assert_eq!(tx.told(eve.id, all[1].id).await.expect("read").and_then(|told| told.read_at_ms), Some(20));
        assert_eq!(titles(&tx.feed(eve.id, true, None, 9).await.expect("read")), ["three", "one"]);
        assert_eq!(tx.feed_counts(eve.id).await.expect("read"), (3, 2));
        assert_eq!(tx.feed_counts(bob.id).await.expect("read"), (3, 3), "another reader's is untouched");
        assert_eq!(tx.feed_counts(PersonId(Uuid::nil())).await.expect("read"), (0, 0));
        tx.mark_told(eve.id, all[1].id, None).await.expect("marked");
        assert_eq!(tx.feed_counts(eve.id).await.expect("read"), (3, 3));
        assert_eq!(tx.mark_told_until(eve.id, all[1].id, 40).await.expect("marked"), 2);
        assert_eq!(
            titles(&tx.feed(eve.id, true, None, 9).await.expect("read")),
            ["three"],
            "what came later is unread"
        );
        assert_eq!(tx.told(PersonId(Uuid::nil()), all[1].id).await.expect("read"), None);

        tx.insert_notification(database.environment, &notification("old", 1), &[eve.id]).await.expect("inserted");
        assert_eq!(tx.delete_notifications_before(database.environment, 10).await.expect("deleted"), 1);
        assert_eq!(tx.feed_counts(eve.id).await.expect("read").0, 3);
        tx.delete_person(bob.id, 1).await.expect("a feed goes with its reader");
        tx.commit().await.expect("committed");
    })
    .await;
}

#[tokio::test]
async fn whoever_watches_is_counted_once_and_a_design_that_goes_is_watched_by_nobody() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let (eve, shop) = (person("eve"), domain("shop", "tills"));
        tx.insert_person(&eve, "hash").await.expect("inserted");
        tx.insert_application_domain(database.environment, &shop).await.expect("inserted");
        let sold = event(&shop, "sold", "tills");
        tx.insert_design_object(database.environment, &sold).await.expect("inserted");
        for _ in 0..2 {
            tx.set_watch(eve.id, sold.id, true, 5).await.expect("watched");
        }
        assert_eq!(tx.watchers(sold.id).await.expect("read"), [eve.id]);
        tx.set_watch(eve.id, sold.id, false, 1).await.expect("unwatched, whatever this clock says");
        assert_eq!(tx.watchers(sold.id).await.expect("read"), []);
        tx.set_watch(eve.id, sold.id, true, 5).await.expect("watched");
        tx.delete_design_object(sold.id, 1).await.expect("deleted");
        assert_eq!(tx.watchers(sold.id).await.expect("read"), []);
        let missing = tx.set_watch(eve.id, DesignObjectId(Uuid::nil()), true, 5).await;
        assert!(matches!(missing, Err(StoreError::Referenced)), "{missing:?}");
    })
    .await;
}

#[tokio::test]
async fn people_are_told_of_an_absence_once() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let hq = site("hq");
        tx.insert_site(database.environment, &hq).await.expect("inserted");
        let agent = Agent {
            id: AgentId(Uuid::now_v7()),
            site: hq.id,
            stands_for: None,
            name: "hq-1".into(),
            public_key: "ab".into(),
            sealing_key: None,
            version: "1".into(),
            state: AgentState::Enrolled,
            certificate_ends_at_ms: i64::MAX,
            fabric_addresses: vec![],
            listener_addresses: [].into(),
            connected: false,
            presence_since_ms: 0,
            seen_at_ms: 0,
            address: None,
            created_at_ms: 0,
        };
        tx.insert_agent(database.environment, &agent).await.expect("inserted");
        assert!(tx.begin_absence(agent.id, 7).await.expect("noted"));
        assert!(!tx.begin_absence(agent.id, 8).await.expect("noted"), "another portal was faster");
        assert_eq!(tx.absences().await.expect("read"), [agent.id]);
        assert_eq!(tx.end_absence(agent.id).await.expect("noted"), Some(7));
        assert_eq!(tx.end_absence(agent.id).await.expect("noted"), None);
        assert_eq!(tx.absences().await.expect("read"), []);
    })
    .await;
}
