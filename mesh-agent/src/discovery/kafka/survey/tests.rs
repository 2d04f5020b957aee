use super::*;

fn target() -> Target {
    Target::from(&BrokerConnection {
        id: uuid::Uuid::nil().into(),
        name: "Kafka A".into(),
        bootstrap: vec!["one:9092".into()],
        security: mesh_protocol::desired::KafkaSecurity { tls: false, ca_pem: None, sasl: None },
        discover: true,
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
