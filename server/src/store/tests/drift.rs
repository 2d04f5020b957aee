//! Decisions about findings, and their counts, on both databases.

use super::on_each;
use crate::domain::design::drift::Decision;
use crate::domain::design::drift::trend::{Count, HOUR_MS};

fn decision(key: &str, until_ms: Option<i64>) -> Decision {
    Decision { key: key.into(), digest: "d1".into(), until_ms, reason: "a trial".into(), by: "ada".into(), at_ms: 5 }
}

#[tokio::test]
async fn a_decision_comes_back_as_it_was_written_takes_the_place_of_the_one_before_and_goes() {
    on_each(async |database| {
        let mut tx = database.store.write().await.expect("a transaction");
        let (orders, prices) = (decision("address:orders/{country}", Some(7)), decision("event:1", None));
        for one in [&orders, &prices] {
            tx.put_drift_decision(database.environment, one).await.expect("kept");
        }
        let changed = Decision { digest: "d2".into(), until_ms: None, at_ms: 6, by: "bob".into(), ..orders.clone() };
        tx.put_drift_decision(database.environment, &changed).await.expect("kept");
        let all = tx.drift_decisions(database.environment).await.expect("read");
        assert_eq!((all.len(), all.get(&orders.key), all.get(&prices.key)), (2, Some(&changed), Some(&prices)));
        tx.delete_drift_decision(database.environment, &prices.key).await.expect("deleted");
        tx.delete_drift_decision(database.environment, "never:there").await.expect("nothing to do");
        let all = tx.drift_decisions(database.environment).await.expect("read");
        assert_eq!(all.into_values().collect::<Vec<_>>(), std::slice::from_ref(&changed));
        let ended = Decision { key: "event:2".into(), ..orders };
        tx.put_drift_decision(database.environment, &ended).await.expect("kept");
        tx.end_drift_decisions(database.environment, 6).await.expect("none is over");
        assert_eq!(tx.drift_decisions(database.environment).await.expect("read").len(), 2);
        tx.end_drift_decisions(database.environment, 7).await.expect("one is over");
        let all = tx.drift_decisions(database.environment).await.expect("read");
        assert_eq!(all.into_values().collect::<Vec<_>>(), [changed], "what has no end stays");
    })
    .await;
}

#[tokio::test]
async fn an_hour_is_counted_once_whoever_counts_and_old_ones_are_forgotten() {
    on_each(async |database| {
        let here = database.environment;
        let count = |hour: i64, partial| Count {
            hour_ms: hour * HOUR_MS,
            partial,
            design_only: 2,
            runtime_only: 3,
            matching: 4,
            ignored: u64::MAX,
        };
        let mut tx = database.store.write().await.expect("a transaction");
        for (hour, partial) in [(8, 1), (7, 1), (9, 1), (8, 99)] {
            tx.keep_drift_count(here, &count(hour, partial), 0).await.expect("kept");
        }
        assert!(tx.is_drift_counted(here, 8 * HOUR_MS).await.expect("read"));
        assert!(!tx.is_drift_counted(here, 6 * HOUR_MS).await.expect("read"));
        let all = tx.drift_counts(here, 0).await.expect("read");
        let hours: Vec<_> = all.iter().map(|count| (count.hour_ms / HOUR_MS, count.partial)).collect();
        assert_eq!(hours, [(7, 1), (8, 1), (9, 1)], "the first of an hour stays");
        let first = Count { ignored: i64::MAX.cast_unsigned(), ..count(7, 1) };
        assert_eq!(all[0], first, "all of it comes back");
        assert_eq!(tx.drift_counts(here, 8 * HOUR_MS).await.expect("read"), all[1..]);
        tx.keep_drift_count(here, &count(10, 5), 8 * HOUR_MS).await.expect("kept");
        assert_eq!(tx.drift_counts(here, 0).await.expect("read").len(), 3);
        tx.commit().await.expect("committed");
    })
    .await;
}
