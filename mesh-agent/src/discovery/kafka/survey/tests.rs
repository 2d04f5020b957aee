use kafka_protocol::messages::DescribeAclsRequest;
use kafka_protocol::protocol::Request as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

fn target() -> Target {
    Target::from(&BrokerConnection {
        id: uuid::Uuid::nil().into(),
        name: "Kafka A".into(),
        bootstrap: vec!["one:9092".into()],
        security: mesh_protocol::desired::KafkaSecurity { tls: false, ca_pem: None, sasl: None },
        discover: true,
        browse: false,
    })
}

fn found() -> Found {
    let broker = BrokerNode { id: 1, address: "one:9092".into(), log_dirs: Vec::new() };
    let cluster = ClusterFacts { brokers: vec![broker], ..ClusterFacts::default() };
    let object = RuntimeObject { name: "Kafka A".into(), facts: ObjectFacts::Cluster(cluster) };
    Found { objects: vec![object], ..Found::default() }
}

#[test]
fn what_is_refused_goes_and_what_has_no_answer_stays() {
    let (mut slot, mut notes) = (0, Notes::default());
    keep(&mut slot, "quotas", Told::Is(7), &target(), &mut notes);
    keep(&mut slot, "quotas", Told::Failed("late".into()), &target(), &mut notes);
    assert_eq!((slot, notes.trouble.as_slice()), (7, ["quotas: late".to_owned()].as_slice()));
    keep(&mut slot, "quotas", Told::Refused(describe_cluster()), &target(), &mut notes);
    assert_eq!((slot, notes.missing[0].right.as_str()), (0, "DESCRIBE on Cluster"));
    keep(&mut slot, "quotas", Told::Is(8), &target(), &mut notes);
    keep(&mut slot, "quotas", Told::Untold("it is old".into()), &target(), &mut notes);
    assert_eq!((slot, notes.untold.as_slice()), (0, ["quotas: it is old".to_owned()].as_slice()));
}

#[test]
fn one_command_is_named_once_for_all_that_it_shows() {
    let mut found = found();
    for what in ["groups", "access lists", "groups"] {
        found.missing.push(target().missing(what, &describe_cluster()));
    }
    let right = Right { operation: Operation::DescribeConfigs, resource: Resource::Cluster };
    found.missing.push(target().missing("quotas", &right));
    found.fold_missing();
    let told: Vec<_> = found.missing.iter().map(|missing| missing.what.as_str()).collect();
    assert_eq!(told, ["groups; access lists", "quotas"]);
}

#[tokio::test]
async fn a_cluster_that_cannot_be_asked_keeps_what_was_known_of_it() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let broker = BrokerConnection {
        id: uuid::Uuid::nil().into(),
        name: "Kafka A".into(),
        bootstrap: vec![gone.to_string()],
        security: mesh_protocol::desired::KafkaSecurity { tls: false, ca_pem: None, sasl: None },
        discover: true,
        browse: false,
    };
    let mut survey = Survey::new(&broker, &crate::kafka::secret::NoSecrets).expect("nothing is missing");
    let quorum = QuorumFacts { leader: 3, ..QuorumFacts::default() };
    survey.known.quorum = Some(quorum.clone());
    let mut found = found();
    if let ObjectFacts::Cluster(cluster) = &mut found.objects[0].facts {
        cluster.brokers[0].address = gone.to_string();
    }
    survey.add(&mut found, Depth::All).await;
    assert_eq!(cluster(&found).expect("the cluster").quorum, Some(quorum));
    assert_eq!(found.trouble.len(), 1, "{:?}", found.trouble);
    assert!(found.trouble[0].starts_with("access lists, quotas"), "{:?}", found.trouble);
}

/// A broker that knows one question and hangs up on it, as often as it is asked.
async fn hangs_up(listener: TcpListener) {
    loop {
        let (mut stream, _) = listener.accept().await.expect("a client");
        let length = stream.read_u32().await.expect("a question") as usize;
        let mut question = vec![0; length];
        stream.read_exact(&mut question).await.expect("all of it");
        let key = DescribeAclsRequest::KEY.to_be_bytes();
        let answer = [&question[4..8], &[0, 0, 0, 0, 0, 1], &key, &[0, 1, 0, 1]].concat();
        stream.write_u32(u32::try_from(answer.len()).expect("it is short")).await.expect("room");
        stream.write_all(&answer).await.expect("room");
        stream.read_u32().await.expect("another question");
    }
}

#[tokio::test]
async fn a_question_that_breaks_a_connection_does_not_take_the_next_one_along() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let nodes = [BrokerNode { id: 1, address, log_dirs: Vec::new() }];
    let broker = BrokerConnection {
        id: uuid::Uuid::nil().into(),
        name: "Kafka A".into(),
        bootstrap: Vec::new(),
        security: mesh_protocol::desired::KafkaSecurity { tls: false, ca_pem: None, sasl: None },
        discover: true,
        browse: false,
    };
    let access = Access::new(&broker, &crate::kafka::secret::NoSecrets).expect("nothing is missing");
    let mut lines = Lines { access: &access, nodes: &nodes, open: BTreeMap::new() };
    let asked = async {
        for _ in 0..3 {
            let answer = lines.ask_any(&DescribeAclsRequest::default()).await;
            let Err(Unanswered::Failed(reason)) = answer else { panic!("it hangs up: {answer:?}") };
            assert!(reason.contains("broke"), "each time after it was connected: {reason}");
        }
    };
    tokio::select! {
        () = asked => {}
        () = hangs_up(listener) => unreachable!("it never ends"),
    }
}
