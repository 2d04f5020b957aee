//! A destination that hangs holds up only itself, and a sink that begins again knows what it has written.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use mesh_agent::part::Running as _;
use mesh_agent::router::{Delivery, Keys, Outcome, Outlet, Receipt, Shares, duty};
use mesh_agent::sink;
use mesh_protocol::desired::ConnectorWork;
use mesh_protocol::event::{DeliveryMode, Event, Headers, Origin, Protocol};
use mesh_protocol::id::SpoolId;
use mesh_protocol::report::PartRef;
use mesh_protocol::topic::Topic;
use uuid::Uuid;

use crate::agent::{Agent, PASSWORD, STOP, broker, connection, connector, principal, sink_to, source_of};
use crate::records::{check, fill, read};

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_cluster_holds_up_only_its_own_and_gets_what_it_missed() -> anyhow::Result<()> {
    const PARTITIONS: i32 = 4;
    const COUNT: i32 = 40_000;
    let folder = tempfile::tempdir()?;
    let (b, a, mut c) = tokio::try_join!(
        broker(folder.path(), "b", false),
        broker(folder.path(), "a", false),
        broker(folder.path(), "c", false)
    )?;
    b.create_topics(&[("sensors", PARTITIONS)]).await?;
    a.create_topics(&[("alarms", PARTITIONS)]).await?;
    c.create_topics(&[("alarms", PARTITIONS)]).await?;
    fill(&b, "sensors", PARTITIONS, 0, COUNT / 4).await?;
    let (a, wanted) = (Arc::new(a), |count: i32| usize::try_from(count / 4));
    let at_a = async |count| {
        let (a, count) = (a.clone(), wanted(count)?);
        tokio::task::spawn_blocking(move || read(&a, "alarms", count)).await?
    };

    let agent = Agent::new()?;
    let template = "sensors/{partition}/{key}";
    let source = connector(2, source_of("sensors", template, Some(r#"value.level == "error""#)));
    let object = PartRef::Source(source.route);
    let (to_a, to_c) = (connector(1, sink_to("alarms", "sensors/>")), connector(3, sink_to("alarms", "sensors/>")));
    let sinks = [agent.start(&to_a, &connection(&a))?, agent.start(&to_c, &connection(&c))?];
    let source_part = agent.start(&source, &connection(&b))?;
    at_a(COUNT / 4).await?;
    agent.until(object, "no lag", |part| part.figures.get("lag_records") == Some(&0)).await?;

    // One cluster accepts and does not answer: the other gets everything.
    c.process().signal("STOP")?;
    fill(&b, "sensors", PARTITIONS, COUNT / 4, COUNT / 4).await?;
    at_a(COUNT / 2).await.context("the other cluster gets its records")?;
    let behind =
        |count| move |part: &mesh_protocol::report::Part| part.figures.get("destinations_behind") == Some(&count);
    agent.until(object, "who is behind", behind(1)).await?;

    // The source begins again meanwhile, and knows how far each of them is.
    source_part.stop(STOP).await;
    let source_part = agent.start(&source, &connection(&b))?;
    fill(&b, "sensors", PARTITIONS, COUNT / 2, COUNT / 2).await?;
    let arrived = at_a(COUNT).await.context("the other cluster gets the rest")?;
    check(&arrived, i64::from(PARTITIONS), i64::from(COUNT));
    assert_eq!(arrived.len(), wanted(COUNT)?, "nothing goes twice to whom was not behind");

    c.process().signal("CONT")?;
    let count = wanted(COUNT)?;
    let arrived = tokio::task::spawn_blocking(move || read(&c, "alarms", count).map(|arrived| (c, arrived))).await?;
    let (_c, arrived) = arrived.context("the cluster that hung gets what it missed")?;
    check(&arrived, i64::from(PARTITIONS), i64::from(COUNT));
    agent.until(object, "everybody in step", behind(0)).await?;
    agent.until(object, "no lag", |part| part.figures.get("lag_records") == Some(&0)).await?;
    source_part.stop(STOP).await;
    for sink in sinks {
        sink.stop(STOP).await;
    }
    assert_eq!(agent.router.budget().in_use(), 0, "all bytes are given back");
    Ok(())
}

/// Offers one event of a queue to a sink.
fn offer(agent: &Agent, outlet: &dyn Outlet, seq: u64, doubt: bool) -> anyhow::Result<Receipt> {
    let session = agent.enforcer.session(principal().into(), "test").context("policy lets it in")?;
    let event = Event {
        topic: Topic::new("orders/fr").context("a topic")?,
        payload: Bytes::from(format!(r#"{{"partition":0,"place":{seq}}}"#)),
        key: Bytes::from(format!("till-{}", seq % 7)),
        headers: Headers::default(),
        mode: DeliveryMode::Guaranteed,
        admitted_at_ms: 0,
        ttl_ms: None,
        origin: Origin { site: Uuid::nil().into(), principal: None, protocol: Protocol::Mesh },
        path: Vec::new(),
        retain: false,
    };
    let (hold, receipt) = duty();
    outlet.offer(Delivery {
        event: agent.enforcer.permit(&session, event).context("policy permits it")?.admit(),
        matched: Keys::from_slice(&[0]),
        hold: Some(hold),
        shares: Shares::new(),
        redelivered: doubt,
        doubt,
        from: None,
        seq: Some(seq),
    });
    outlet.flush();
    Ok(receipt)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_begins_again_writes_nothing_twice() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let there = broker(folder.path(), "a", false).await?;
    there.create_topics(&[("orders", 3)]).await?;
    let agent = Agent::new()?;
    let route = connector(1, sink_to("orders", "orders/>"));
    let ConnectorWork::KafkaSink(work) = &route.work else { anyhow::bail!("it is a sink") };
    // The second begins with what the first may have written: its queue was told of none of it.
    for (seqs, doubt) in [(1..=100_u64, false), (1..=150, true)] {
        let line = Arc::new(agent.board.part(PartRef::Sink(route.route)));
        let spool = SpoolId([1; 16]);
        let sink = sink::kafka::start(&route, work, &connection(&there), spool, agent.deps(PASSWORD), line)?;
        let outlet = sink.outlet();
        let receipts: Vec<Receipt> =
            seqs.map(|seq| offer(&agent, &*outlet, seq, doubt)).collect::<anyhow::Result<_>>()?;
        for receipt in receipts {
            let outcome = tokio::time::timeout(Duration::from_secs(60), receipt).await.context("an answer")?;
            assert_eq!(outcome, Outcome::Taken { outlets: 1 });
        }
        drop(outlet);
        Box::new(sink).stop(STOP).await;
    }
    assert_eq!(agent.counters.counter("sink_found_events").get(), 100);
    let arrived = tokio::task::spawn_blocking(move || read(&there, "orders", 150)).await??;
    assert_eq!(arrived.len(), 150, "each once");
    assert!(arrived.iter().all(|record| !record.redelivered), "what is known needs no flag");
    Ok(())
}
