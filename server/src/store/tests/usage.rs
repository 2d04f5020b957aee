//! What was used of grants, on both databases.

use mesh_protocol::id::{AgentId, EnvironmentId, GrantId};
use mesh_protocol::report::{Direction, GrantUsage};
use uuid::Uuid;

use super::on_each;
use crate::domain::usage::{DAY_MS, HOUR_MS, Totals, Used};
use crate::store::Tx;

const DAY: i64 = 20_000 * DAY_MS;

fn grant(number: u128) -> GrantId {
    GrantId(Uuid::from_u128(number))
}

fn usage(number: u128, direction: Direction, hour: i64, events: u64) -> GrantUsage {
    let (bytes, refused_events) = (events * 10, events / 10);
    GrantUsage { grant: grant(number), direction, hour_ms: DAY + hour * HOUR_MS, events, bytes, refused_events }
}

fn totals(events: u64, refused_events: u64) -> Totals {
    Totals { events, bytes: events * 10, refused_events }
}

async fn put(tx: &mut Tx, here: EnvironmentId, who: (u128, &str), usage: GrantUsage) {
    let who = (AgentId(Uuid::from_u128(who.0)), who.1);
    tx.put_usage(here, who, &usage).await.expect("kept");
    let day_ms = usage.hour_ms.div_euclid(DAY_MS) * DAY_MS;
    tx.sum_usage_day(here, who, (usage.grant, usage.direction), day_ms).await.expect("summed");
}

#[tokio::test]
async fn totals_that_come_twice_or_late_count_once_and_agents_and_meters_add_up() {
    on_each(async |database| {
        let here = database.environment;
        let mut tx = database.store.write().await.expect("a transaction");
        for (who, usage) in [
            ((1, "a"), usage(1, Direction::Produce, 3, 10)),
            ((1, "a"), usage(1, Direction::Produce, 3, 25)),
            ((1, "a"), usage(1, Direction::Produce, 3, 25)),
            ((1, "a"), usage(1, Direction::Produce, 3, 10)),
            ((1, "b"), usage(1, Direction::Produce, 3, 1)),
            ((2, "a"), usage(1, Direction::Produce, 4, 100)),
            ((2, "a"), usage(1, Direction::Consume, 4, 7)),
            ((2, "a"), usage(2, Direction::Consume, 4, 3)),
            ((2, "a"), usage(1, Direction::Produce, 24, 5)),
        ] {
            put(&mut tx, here, who, usage).await;
        }
        let row = |number, hour: i64, published, received| Used {
            grant: grant(number),
            from_ms: DAY + hour * HOUR_MS,
            published,
            received,
        };
        let none = Totals::default();
        let hours = tx.usage_by_hour(here, None, (DAY, DAY + DAY_MS)).await.expect("read");
        let expected =
            [row(1, 3, totals(26, 2), none), row(1, 4, totals(100, 10), totals(7, 0)), row(2, 4, none, totals(3, 0))];
        assert_eq!(hours, expected, "up to the next day, which is left out");
        let days = tx.usage_by_day(here, Some(grant(1)), (DAY, DAY + 2 * DAY_MS)).await.expect("read");
        let expected = [row(1, 0, totals(126, 12), totals(7, 0)), row(1, 24, totals(5, 0), none)];
        assert_eq!(days, expected, "of this grant alone");
        let elsewhere = EnvironmentId(Uuid::now_v7());
        assert!(tx.usage_by_day(elsewhere, None, (0, i64::MAX)).await.expect("read").is_empty());
    })
    .await;
}

#[tokio::test]
async fn days_outlive_their_hours() {
    on_each(async |database| {
        let here = database.environment;
        let mut tx = database.store.write().await.expect("a transaction");
        put(&mut tx, here, (1, "a"), usage(1, Direction::Produce, 3, 10)).await;
        put(&mut tx, here, (1, "a"), usage(1, Direction::Produce, 27, 10)).await;
        tx.prune_usage(DAY + DAY_MS, DAY).await.expect("pruned");
        let all = (DAY, DAY + 9 * DAY_MS);
        assert_eq!(tx.usage_by_hour(here, None, all).await.expect("read").len(), 1);
        assert_eq!(tx.usage_by_day(here, None, all).await.expect("read").len(), 2);
        tx.prune_usage(DAY + DAY_MS, DAY + DAY_MS).await.expect("pruned");
        assert_eq!(tx.usage_by_day(here, None, all).await.expect("read").len(), 1);
    })
    .await;
}
