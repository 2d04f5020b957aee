use mesh_protocol::browse::TopicFrom;
use mesh_protocol::id::BrokerId;
use mesh_protocol::wire::Revision;
use uuid::Uuid;

use super::*;
use crate::control::ledger::{Accepted, sample};
use crate::kafka::secret::NoSecrets;

fn ask(broker: BrokerId) -> TopicAsk {
    TopicAsk {
        broker,
        topic: "orders".to_owned(),
        partition: None,
        from: TopicFrom::Newest,
        find: String::new(),
        hidden: Vec::new(),
        limit: 10,
        content_bytes_max: 1024,
    }
}

fn topics(browse: bool) -> (Topics, BrokerId, watch::Sender<Standing>) {
    let mut state = sample::state(1);
    let broker = state.brokers.first_mut().expect("the sample has a broker");
    broker.browse = browse;
    broker.security = mesh_protocol::desired::KafkaSecurity { tls: false, ca_pem: None, sasl: None };
    broker.bootstrap = vec!["127.0.0.1:1".to_owned()];
    let id = broker.id;
    let accepted = Accepted { state, revision: Revision { generation: 1, revision: 1 }, digest: String::new() };
    let (keep, standing) = watch::channel(Standing { accepted: Some(Arc::new(accepted)), ..Standing::default() });
    (Topics::new(standing, Arc::new(NoSecrets), CancellationToken::new()), id, keep)
}

fn refused(answer: TopicAnswer) -> String {
    match answer {
        TopicAnswer::Refused { reason } => reason,
        TopicAnswer::Page(page) => panic!("not refused: {page:?}"),
    }
}

#[tokio::test]
async fn nobody_looks_where_policy_does_not_let_them() {
    let (topics, broker, _keep) = topics(false);
    assert!(refused(topics.answer(ask(broker)).await).contains("policy lets nobody look"));
    let other = BrokerId(Uuid::from_u128(99));
    assert!(refused(topics.answer(ask(other)).await).contains("does not know the cluster"));
    let long = TopicAsk { find: "x".repeat(FIND_BYTES_MAX + 1), ..ask(broker) };
    assert!(refused(topics.answer(long).await).contains("longer than"));
    let (_, none) = watch::channel(Standing::default());
    let without = Topics::new(none, Arc::new(NoSecrets), CancellationToken::new());
    assert!(refused(without.answer(ask(broker)).await).contains("no policy yet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_is_away_is_told_with_what_to_do() {
    let (topics, broker, _keep) = topics(true);
    let reason = refused(topics.answer(ask(broker)).await);
    assert!(reason.contains("127.0.0.1:1"), "{reason}");
}
