//! Both kinds of broker, started for real.

use super::{Broker, BrokerPorts, Jars, Login, Security, cluster_id};
use crate::ports::free_port;

fn start(name: &str, security: Security) -> (Broker, std::path::PathBuf) {
    let folder = std::env::temp_dir().join(format!("meshport-{name}-{}", std::process::id()));
    let ports = BrokerPorts { clients: free_port().expect("a port"), controller: free_port().expect("a port") };
    let jars = Jars::fetch().expect("Maven brings the jars");
    (Broker::start(name, &jars, &folder, ports, security).expect("the broker starts"), folder)
}

#[tokio::test]
async fn a_secured_broker_admits_its_users_only() {
    use rdkafka::consumer::{BaseConsumer, Consumer};
    let admin = Login { user: "admin".to_owned(), password: "correct-horse".to_owned() };
    let (mut broker, folder) = start("kafka-secured", Security::Scram(vec![admin]));
    broker.ready().expect("the broker answers its administrator");
    broker.create_topics(&[("orders", 2)]).await.expect("the administrator may");
    broker.create_topics(&[("orders", 2)]).await.expect("a second time changes nothing");

    let stranger = Login { user: "admin".to_owned(), password: "wrong".to_owned() };
    let client: BaseConsumer = broker.config_as(Some(&stranger)).create().expect("settings are well formed");
    let refused = client.fetch_metadata(None, std::time::Duration::from_secs(3));
    assert!(refused.is_err(), "a wrong password must not list topics");
    drop(broker);
    std::fs::remove_dir_all(folder).expect("the folder is ours");
}

#[tokio::test]
async fn a_plain_broker_keeps_its_topics_over_a_restart() {
    use rdkafka::consumer::{BaseConsumer, Consumer};
    let (mut broker, folder) = start("kafka-plain", Security::Plain);
    broker.ready().expect("the broker answers");
    broker.create_topics(&[("sensors", 4)]).await.expect("anybody may");
    let ports = broker.ports;
    assert!(broker.into_process().stop(std::time::Duration::from_secs(30)), "it ends when asked to");

    let jars = Jars::fetch().expect("they are there");
    let mut again = Broker::start("kafka-plain", &jars, &folder, ports, Security::Plain).expect("it starts again");
    again.ready().expect("the broker answers");
    let client: BaseConsumer = again.admin_config().create().expect("settings are well formed");
    let metadata = client.fetch_metadata(Some("sensors"), std::time::Duration::from_secs(5)).expect("it answers");
    assert_eq!(metadata.topics()[0].partitions().len(), 4);
    drop(again);
    std::fs::remove_dir_all(folder).expect("the folder is ours");
}

#[test]
fn no_cluster_id_looks_like_an_option() {
    assert!((0..2_000).all(|_| !cluster_id().starts_with('-')));
}
