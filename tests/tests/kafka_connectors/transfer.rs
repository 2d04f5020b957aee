//! What goes from cluster to cluster: everything, in order, once or flagged, also when one of them hangs.

use std::sync::Arc;

use mesh_protocol::report::{Part, PartRef, PartState};
use rdkafka::producer::{FutureProducer, FutureRecord};

use crate::agent::{Agent, LIMIT, STOP, broker, connection, connector, sink_to, source_of};
use crate::records::{check, fill, read};

#[tokio::test(flavor = "multi_thread")]
async fn a_filtered_topic_arrives_whole_and_in_order_over_restarts_and_a_hanging_cluster() -> anyhow::Result<()> {
    const PARTITIONS: i32 = 8;
    const COUNT: i32 = 40_000;
    let folder = tempfile::tempdir()?;
    let (b, a) = tokio::try_join!(broker(folder.path(), "b", false), broker(folder.path(), "a", true))?;
    let mut a = a;
    b.create_topics(&[("sensors", PARTITIONS)]).await?;
    a.create_topics(&[("alarms", PARTITIONS)]).await?;
    fill(&b, "sensors", PARTITIONS, 0, COUNT / 2).await?;

    let agent = Agent::new()?;
    let sink = connector(1, sink_to("alarms", "sensors/>"));
    let source = connector(2, source_of("sensors", "sensors/{partition}/{key}", Some(r#"value.level == "error""#)));
    let sink_part = agent.start(&sink, &connection(&a))?;
    let source_part = agent.start(&source, &connection(&b))?;
    let object = PartRef::Source(source.route);
    agent.until(object, "some records", |part| part.figures.get("events").is_some_and(|events| *events > 100)).await?;

    // The source stops in the middle and starts again; meanwhile the target hangs instead of refusing.
    source_part.stop(STOP).await;
    a.process().signal("STOP")?;
    fill(&b, "sensors", PARTITIONS, COUNT / 2, COUNT / 2).await?;
    let source_part = agent.start(&source, &connection(&b))?;
    let object = PartRef::Sink(sink.route);
    let part = agent.until(object, "the hanging cluster", |part| part.state == PartState::Failing).await?;
    assert!(part.detail.is_some_and(|detail| detail.contains("events wait")));
    a.process().signal("CONT")?;

    let wanted = usize::try_from(COUNT / 4)?;
    let a = Arc::new(a);
    let reading = a.clone();
    let arrived = tokio::task::spawn_blocking(move || read(&reading, "alarms", wanted)).await??;
    check(&arrived, i64::from(PARTITIONS), i64::from(COUNT));

    let object = PartRef::Source(source.route);
    let part = agent.until(object, "no lag", |part| part.figures.get("lag_records") == Some(&0)).await?;
    assert_eq!(part.state, PartState::Running);
    agent.until(PartRef::Sink(sink.route), "the sink at ease", |part| part.state == PartState::Running).await?;
    source_part.stop(STOP).await;
    sink_part.stop(STOP).await;
    assert_eq!(agent.router.budget().in_use(), 0, "all bytes are given back");

    // What was taken is committed: a new start brings nothing again.
    let before = agent.counters.counter("source_events").get();
    let sink_part = agent.start(&sink, &connection(&a))?;
    let source_part = agent.start(&source, &connection(&b))?;
    let object = PartRef::Source(source.route);
    agent.until(object, "no lag", |part| part.figures.get("lag_records") == Some(&0)).await?;
    assert_eq!(agent.counters.counter("source_events").get(), before);
    source_part.stop(STOP).await;
    sink_part.stop(STOP).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_waits_for_its_target_and_poison_is_a_dead_letter() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let broker = broker(folder.path(), "a", false).await?;
    broker.create_topics(&[("in", 1)]).await?;
    let producer: FutureProducer = broker.admin_config().create()?;
    for value in [r#"{"partition":0,"place":0,"to":"x"}"#, "no json", r#"{"partition":0,"place":1,"to":"x"}"#] {
        let record = FutureRecord::to("in").key("k").payload(value);
        producer.send(record, LIMIT).await.map_err(|(error, _)| error)?;
    }
    let there = connection(&broker);
    let agent = Agent::new()?;
    let sink = connector(1, sink_to("out", "in/>"));
    let source = connector(2, source_of("in", "in/{value.to}", None));
    // Another cluster id would be needed to go round: a record never returns to the cluster it came from unchanged, so
    // the sink passes it over. With a changed topic it is new; here the loop itself is what is looked at.
    let sink_part = agent.start(&sink, &there)?;
    let source_part = agent.start(&source, &there)?;
    let part = agent
        .until(PartRef::Sink(sink.route), "the loop", |part| part.figures.get("looped_events") == Some(&2))
        .await?;
    assert_eq!(part.figures.get("refused_events"), Some(&0));
    let part = agent.until(PartRef::Source(source.route), "poison", |part| part.detail.is_some()).await?;
    let told = part.detail.unwrap_or_default();
    assert!(told.contains("in partition 0 offset 1 is a dead letter"), "{told}");
    let buried = agent.letters.taken();
    assert_eq!(buried.len(), 1, "{buried:?}");
    assert_eq!((&*buried[0].event.payload, buried[0].event.topic.as_str()), (&b"no json"[..], "in"));
    assert!(buried[0].reason.contains("value.to"), "{}", buried[0].reason);
    source_part.stop(STOP).await;
    sink_part.stop(STOP).await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_for_a_missing_topic_is_refused_and_its_source_waits_until_it_is_there() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (b, a) = tokio::try_join!(broker(folder.path(), "b", false), broker(folder.path(), "a", false))?;
    b.create_topics(&[("in", 2)]).await?;
    fill(&b, "in", 2, 0, 40).await?;
    let agent = Agent::new()?;
    let sink = connector(1, sink_to("out", "in/>"));
    let source = connector(2, source_of("in", "in/{key}", Some("value.level == \"error\"")));
    let sink_part = agent.start(&sink, &connection(&a))?;
    let source_part = agent.start(&source, &connection(&b))?;
    let blocked = |part: &Part| part.detail.as_ref().is_some_and(|detail| detail.contains("--create --topic out"));
    agent.until(PartRef::Source(source.route), "the reason", blocked).await?;
    agent.until(PartRef::Sink(sink.route), "the reason", blocked).await?;
    a.create_topics(&[("out", 2)]).await?;
    let arrived = tokio::task::spawn_blocking(move || read(&a, "out", 10)).await??;
    check(&arrived, 2, 40);
    source_part.stop(STOP).await;
    sink_part.stop(STOP).await;
    Ok(())
}
