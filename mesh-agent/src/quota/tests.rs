use super::*;
use mesh_protocol::topic::{Filter, Topic};
use uuid::Uuid;

fn agent(number: u128) -> AgentId {
    Uuid::from_u128(number).into()
}

fn till(number: u128) -> PrincipalId {
    Uuid::from_u128(0x100 + number).into()
}

fn topic(name: &str) -> Topic {
    Topic::new(name).expect("valid")
}

fn grant(number: u128, filter: &str, events_per_s: Option<u32>) -> Grant {
    Grant {
        id: Uuid::from_u128(number).into(),
        name: format!("grant {number}"),
        principals: vec![till(1), till(2)],
        publish: vec![Filter::mesh(filter).expect("valid")],
        subscribe: vec![Filter::mesh(filter).expect("valid")],
        quota: Quota { events_per_s, ..Quota::default() },
        agents: vec![agent(1)],
    }
}

fn with(grants: &[Grant]) -> Quotas {
    let quotas = Quotas::default();
    quotas.apply(agent(1), grants);
    quotas
}

fn passes(client: &Metered, direction: Direction, name: &str) -> usize {
    std::iter::from_fn(|| client.charge(direction, &topic(name), 10).ok()).take(1_000).count()
}

/// What was counted until now: by grant and direction events, bytes, refused.
fn counted(quotas: &Quotas) -> Vec<(u128, Direction, u64, u64, u64)> {
    quotas.count();
    let report = quotas.state().meter.report(now_ms());
    let entries = report.map(|report| report.entries).unwrap_or_default();
    let line = |entry: &mesh_protocol::report::GrantUsage| {
        (entry.grant.0.as_u128(), entry.direction, entry.events, entry.bytes, entry.refused_events)
    };
    entries.iter().map(line).collect()
}

#[test]
fn all_clients_of_a_grant_take_from_one_quota_and_each_direction_has_its_own() {
    let quotas = with(&[grant(1, "orders/>", Some(5))]);
    let (one, two, other) = (quotas.client(till(1)), quotas.client(till(2)), quotas.client(till(3)));
    assert!(one.charge(Direction::Produce, &topic("orders/a"), 10).is_ok());
    assert_eq!(passes(&two, Direction::Produce, "orders/b"), 4);
    let over = one.charge(Direction::Produce, &topic("orders/a"), 10).expect_err("used up");
    over.refuse(1);
    assert_eq!(over.to_string(), "the quota of grant 1 is used up (5 events a second): try again in 1 s");
    assert_eq!(passes(&one, Direction::Consume, "orders/a"), 5);
    assert_eq!(passes(&one, Direction::Produce, "prices/a"), 1_000, "no grant is for it");
    assert_eq!(passes(&other, Direction::Produce, "orders/a"), 1_000, "it has no grant");
    assert_eq!(counted(&quotas), [(1, Direction::Produce, 5, 50, 1), (1, Direction::Consume, 5, 50, 0)]);
}

#[test]
fn an_event_that_two_grants_are_for_is_counted_once_by_the_first_that_has_room() {
    let quotas = with(&[grant(1, "orders/>", Some(2)), grant(2, "orders/a", Some(3))]);
    assert_eq!(passes(&quotas.client(till(1)), Direction::Produce, "orders/a"), 5);
    assert_eq!(counted(&quotas), [(1, Direction::Produce, 2, 20, 0), (2, Direction::Produce, 3, 30, 0)]);
}

#[test]
fn a_batch_is_taken_as_a_whole_or_not_at_all() {
    let quotas = with(&[grant(1, "orders/>", Some(4)), grant(2, "prices/>", Some(2))]);
    let client = quotas.client(till(1));
    let charge = |names: &[&str]| {
        let topics: Vec<Topic> = names.iter().map(|name| topic(name)).collect();
        client.charge_all(Direction::Produce, topics.iter().map(|topic| (topic, 10)))
    };
    let over = charge(&["orders/a", "orders/b", "prices/a", "prices/b", "prices/c"]).expect_err("too many prices");
    assert_eq!(over.wait(), None);
    assert!(over.to_string().contains("send smaller batches"), "{over}");
    assert!(charge(&["orders/a", "orders/b", "orders/c", "orders/d", "prices/a", "elsewhere"]).is_ok());
    assert!(charge(&["orders/a", "prices/a"]).expect_err("used up").wait().is_some());
    assert_eq!(counted(&quotas), [(1, Direction::Produce, 4, 40, 0), (2, Direction::Produce, 1, 10, 0)]);
}

#[test]
fn bytes_are_kept_like_events_and_a_large_event_is_paid_for_after() {
    let mut bytes = grant(1, "orders/>", None);
    bytes.quota.bytes_per_s = Some(100);
    let quotas = with(&[bytes]);
    let client = quotas.client(till(1));
    assert!(client.charge(Direction::Produce, &topic("orders/a"), 1_000).is_ok());
    let over = client.charge(Direction::Produce, &topic("orders/a"), 1).expect_err("a debt");
    assert_eq!((over.limit(), over.quota(), over.left()), (Limit::Bytes, 100, 0));
    assert!(over.wait().is_some_and(|wait| wait > Duration::from_secs(8)), "{over}");
}

#[test]
fn a_new_document_holds_for_open_clients_and_keeps_what_was_used() {
    let quotas = with(&[grant(1, "orders/>", Some(5))]);
    let client = quotas.client(till(1));
    assert_eq!(passes(&client, Direction::Produce, "orders/a"), 5);
    quotas.apply(agent(1), &[grant(1, "orders/>", Some(5)), grant(2, "prices/>", Some(1))]);
    assert_eq!(passes(&client, Direction::Produce, "orders/a"), 0, "a revision is no new burst");
    assert_eq!(passes(&client, Direction::Produce, "prices/a"), 1);
    quotas.apply(agent(1), &[grant(1, "orders/>", None)]);
    assert_eq!(passes(&client, Direction::Produce, "orders/a"), 1_000, "it has no limit any more");
    quotas.apply(agent(1), &[]);
    assert_eq!(passes(&client, Direction::Produce, "prices/a"), 1_000);
    let expected = [(1, Direction::Produce, 1_005, 10_050, 0), (2, Direction::Produce, 1, 10, 0)];
    assert_eq!(counted(&quotas), expected, "what went is counted to its end");
}

#[test]
fn a_grant_that_is_not_shared_with_this_agent_lets_nothing_through() {
    let mut elsewhere = grant(1, "orders/>", Some(5));
    elsewhere.agents = vec![agent(2)];
    let quotas = with(&[elsewhere]);
    assert_eq!(passes(&quotas.client(till(1)), Direction::Produce, "orders/a"), 0);
}

#[derive(Debug, Default)]
struct Sink(Mutex<Vec<Report>>);

impl ReportSink for Sink {
    fn send(&self, report: Report) -> Result<(), crate::reports::Full> {
        self.0.lock().expect("held").push(report);
        Ok(())
    }
}

#[tokio::test]
async fn what_was_used_outlives_the_process_and_is_told_until_it_is_stored() {
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("usage.json");
    let quotas = Quotas::new(Some(path.clone()), &Counters::default());
    quotas.apply(agent(1), &[grant(1, "orders/>", None)]);
    assert_eq!(passes(&quotas.client(till(1)), Direction::Produce, "orders/a"), 1_000);
    let (stored, told) = watch::channel(0);
    let token = CancellationToken::new();
    token.cancel();
    quotas.run(Arc::new(Sink::default()), told.clone(), token).await;

    let again = Quotas::new(Some(path), &Counters::default());
    let sink = Sink::default();
    again.tell(&sink).await;
    let Some(Report::Usage(usage)) = sink.0.lock().expect("held").pop() else { panic!("it was told") };
    assert_eq!((usage.entries.len(), usage.entries[0].events, usage.entries[0].bytes), (1, 1_000, 10_000));
    again.tell(&sink).await;
    assert!(sink.0.lock().expect("held").pop().is_some(), "until it is stored");
    again.state().meter.stored(2);
    again.tell(&sink).await;
    assert!(sink.0.lock().expect("held").is_empty());
    drop(stored);
}
