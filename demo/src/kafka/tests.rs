//! Both kinds of broker, started for real.

use std::path::PathBuf;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::types::RDKafkaErrorCode;

use super::{Broker, BrokerPorts, Jars, Login, Security, cluster_id};
use crate::ports::free_port;
use crate::wait::until;

/// Longer than a busy machine takes to answer.
const LIMIT: Duration = Duration::from_secs(60);

async fn start(name: &str, security: Security) -> (Broker, PathBuf) {
    let folder = std::env::temp_dir().join(format!("meshport-{name}-{}", std::process::id()));
    let ports = BrokerPorts { clients: free_port().expect("a port"), controller: free_port().expect("a port") };
    let jars = Jars::fetch().await.expect("Maven brings the jars");
    (Broker::start(name, &jars, &folder, ports, security).await.expect("the broker starts"), folder)
}

#[tokio::test]
async fn a_secured_broker_admits_its_users_only() {
    let admin = Login { user: "admin".to_owned(), password: "correct-horse".to_owned() };
    let (mut broker, folder) = start("kafka-secured", Security::Scram(vec![admin])).await;
    broker.ready().await.expect("the broker answers its administrator");
    broker.create_topics(&[("orders", 2)]).await.expect("the administrator may");
    broker.create_topics(&[("orders", 2)]).await.expect("a second time changes nothing");

    let stranger = Login { user: "admin".to_owned(), password: "wrong".to_owned() };
    let client: BaseConsumer = broker.config_as(Some(&stranger)).create().expect("settings are well formed");
    // That a request is not answered proves nothing: the broker must say why.
    let refused = until("the broker refuses the login", LIMIT, async || {
        let answer = client.fetch_metadata(None, Duration::from_millis(200));
        anyhow::ensure!(answer.is_err(), "a wrong password lists topics");
        let told = client.poll(Duration::from_millis(200)).and_then(Result::err);
        let code = told.and_then(|error| error.rdkafka_error_code());
        Ok((code == Some(RDKafkaErrorCode::Authentication)).then_some(()))
    });
    refused.await.expect("a wrong password is refused");
    drop(broker);
    std::fs::remove_dir_all(folder).expect("the folder is ours");
}

#[tokio::test]
async fn a_plain_broker_keeps_its_topics_over_a_restart() {
    let (mut broker, folder) = start("kafka-plain", Security::Plain).await;
    broker.ready().await.expect("the broker answers");
    broker.create_topics(&[("sensors", 4)]).await.expect("anybody may");
    let ports = broker.ports;
    let (process, _) = broker.part();
    assert!(process.stop(Duration::from_secs(30)), "it ends when asked to");

    let jars = Jars::fetch().await.expect("they are there");
    let again = Broker::start("kafka-plain", &jars, &folder, ports, Security::Plain).await;
    let mut again = again.expect("it starts again");
    again.ready().await.expect("the broker answers");
    again.create_topics(&[("sensors", 1)]).await.expect("it is there and led");
    let client: BaseConsumer = again.admin_config().create().expect("settings are well formed");
    let metadata = client.fetch_metadata(Some("sensors"), LIMIT).expect("it answers");
    assert_eq!(metadata.topics()[0].partitions().len(), 4);
    drop(again);
    std::fs::remove_dir_all(folder).expect("the folder is ours");
}

#[tokio::test]
async fn an_attempt_to_prepare_a_broker_that_was_interrupted_is_made_again() {
    let (broker, folder) = start("kafka-interrupted", Security::Plain).await;
    let ports = broker.ports;
    drop(broker);
    std::fs::remove_file(folder.join("data/meta.properties")).expect("it is written last");

    let jars = Jars::fetch().await.expect("they are there");
    let again = Broker::start("kafka-interrupted", &jars, &folder, ports, Security::Plain).await;
    again.expect("it starts again").ready().await.expect("the broker answers");
    std::fs::remove_dir_all(folder).expect("the folder is ours");
}

#[test]
fn no_cluster_id_looks_like_an_option() {
    assert!((0..2_000).all(|_| !cluster_id().starts_with('-')));
}
