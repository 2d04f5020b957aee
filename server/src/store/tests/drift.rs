//! Decisions about findings on both databases.

use super::on_each;
use crate::domain::design::drift::Decision;

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
