use std::time::Duration;

use mesh_protocol::desired::ListenerProtocol;

use super::testing::{Mesh, config};
use super::{Change, StartError, start};

#[tokio::test]
async fn a_port_in_use_is_named_and_shown_on_the_board() {
    let mesh = Mesh::new();
    let config = config(ListenerProtocol::Mqtt);
    let first = mesh.listen(&config).await;
    let second = start(&config, first.address(), mesh.deps(&config)).await;
    let Err(error @ StartError::InUse { .. }) = second else { panic!("the port is in use") };
    assert!(error.to_string().contains(&first.address().to_string()), "{error}");
}

#[tokio::test]
async fn limits_change_in_place_and_the_address_does_not() {
    let mesh = Mesh::new();
    let mut config = config(ListenerProtocol::Mqtt);
    let running = mesh.listen(&config).await;
    config.payload_bytes_max = 1;
    assert_eq!(running.update(&config), Change::Applied);
    config.bind = "127.0.0.1:1".to_owned();
    assert_eq!(running.update(&config), Change::NeedsRestart);
    assert!(running.stop(Duration::from_secs(5)).await.is_empty());
}
