//! Addresses, what people want by mail, and what is on its way, on both databases.

use std::collections::BTreeSet;

use super::notification::notification;
use super::team::person;
use super::*;
use crate::domain::mail::{Pace, Settings, State as MailState};

#[tokio::test]
async fn an_address_and_what_one_wants_come_back_and_go_with_the_person() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let (eve, bob) = (person("eve"), person("bob"));
        for one in [&eve, &bob] {
            tx.insert_person(one, "hash").await.expect("inserted");
        }
        let own = tx.mail_reader(eve.id).await.expect("read").expect("there");
        assert_eq!((own.email.as_str(), own.settings), ("", Settings::default()));
        assert_eq!(tx.mail_readers().await.expect("read"), []);
        tx.set_email(eve.id, "eve@shop.example").await.expect("set");
        let chosen = Settings { pace: Pace::Daily, kinds: Some(BTreeSet::from(["agent.back".to_owned()])) };
        tx.put_mail_setting(eve.id, &chosen).await.expect("kept");
        let all = tx.mail_readers().await.expect("read");
        assert_eq!((all.len(), &all[0].settings, all[0].email.as_str()), (1, &chosen, "eve@shop.example"));
        tx.put_mail_setting(eve.id, &Settings { pace: Pace::Off, kinds: None }).await.expect("kept");
        let own = tx.mail_reader(eve.id).await.expect("read").expect("there");
        assert_eq!(own.settings, Settings { pace: Pace::Off, kinds: None });
        assert_eq!(tx.emails().await.expect("read").get(&eve.id).map(String::as_str), Some("eve@shop.example"));
        // It is no edit of the person: their revision stays.
        tx.delete_person(eve.id, 1).await.expect("deleted");
        assert_eq!(tx.mail_reader(eve.id).await.expect("read"), None);
        tx.commit().await.expect("committed");
    })
    .await;
}

#[tokio::test]
async fn what_is_due_to_somebody_is_taken_once_and_together() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let eve = person("eve");
        tx.insert_person(&eve, "hash").await.expect("inserted");
        let all = ["one", "two", "later"].map(|title| notification(title, 10));
        for (one, due) in all.iter().zip([10, 20, 90]) {
            tx.insert_notification(database.environment, one, &[eve.id]).await.expect("inserted");
            tx.insert_mail_item(eve.id, one.id, due).await.expect("inserted");
        }
        assert_eq!(tx.due_mail(9).await.expect("read"), []);
        assert_eq!(tx.due_mail(20).await.expect("read"), [eve.id]);
        let taken = tx.lease_mail(eve.id, 20, 60, 9).await.expect("leased");
        assert_eq!(taken.iter().map(|item| item.notification).collect::<Vec<_>>(), [all[1].id, all[0].id]);
        assert_eq!(tx.lease_mail(eve.id, 30, 60, 9).await.expect("leased"), [], "somebody sends it");
        assert_eq!(tx.due_mail(30).await.expect("read"), []);
        tx.note_mail_item(eve.id, &taken[0], MailState::Sent, 20, "").await.expect("noted");
        let tried = MailItem { tries: 1, ..taken[1] };
        tx.note_mail_item(eve.id, &tried, MailState::Waiting, 40, "full").await.expect("noted");
        assert_eq!(tx.lease_mail(eve.id, 39, 60, 9).await.expect("leased"), []);
        assert_eq!(tx.lease_mail(eve.id, 40, 60, 9).await.expect("leased"), [tried]);
        assert_eq!(tx.due_mail(61).await.expect("read"), [eve.id], "whoever had it died with it");
        tx.delete_notifications_before(database.environment, 99).await.expect("deleted");
        assert_eq!(tx.due_mail(1_000).await.expect("read"), [], "what is gone is not mailed");
        tx.commit().await.expect("committed");
    })
    .await;
}
