//! Certificates of listeners: for the names that an agent's listeners have, on the word of its own key, and for no others.

use mesh_protocol::enrol::{LISTENER_PATH, ListenerRequest, ListenerResponse};
use rcgen::CertificateParams;
use serde_json::json;

use super::*;

fn ask(agent: &TestAgent, id: AgentId, names: &[&str], domain: Domain) -> Signed {
    let params = CertificateParams::new(vec!["portal.meshport.internal".to_owned()]).expect("a name");
    let request = ListenerRequest {
        agent: id,
        public_key: hex::encode(agent.identity.verifying_key().as_bytes()),
        csr_pem: params.serialize_request(&agent.tls).expect("a request").pem().expect("PEM"),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        at_ms: crate::app::clock::now_ms(),
    };
    Signed::sign(domain, serde_json::to_vec(&request).expect("JSON"), &agent.identity)
}

#[tokio::test]
async fn an_agent_gets_a_certificate_for_the_names_of_its_listeners_only() {
    let portal = portal().await;
    let mut agent = TestAgent::new(1);
    portal.enrol(&mut agent, &portal.token().await).await.expect("enrolled");
    let id = agent.response().agent;
    let names = ["10.0.0.1", "mqtt.lyon.example"];
    let asked = async |agent: &TestAgent, names: &[&str], domain| {
        portal.post(LISTENER_PATH, &ask(agent, id, names, domain)).await
    };
    assert_eq!(asked(&agent, &names, Domain::Listener).await.0, 409, "no listener speaks TLS");
    let site = portal.app.sites(&portal.admin, ListQuery::default()).await.expect("read").items[0].id;
    let listener = json!({"site": site, "name": "mqtts", "protocol": "mqtt", "bind": "10.0.0.1:8883",
        "payload_bytes_max": 1024, "connections_max": 10, "custody_timeout_ms": 1000, "tls": true,
        "server_names": ["MQTT.lyon.example"]});
    let listener = serde_json::from_value(listener).expect("an input");
    portal.app.create_listener(&portal.admin, listener).await.expect("made");

    let mut session = portal.session(&agent).await;
    let desired = next_desired(&mut session, &agent).await;
    let tls = &desired.tls_listeners.first().expect("told").tls;
    assert_eq!(tls.names, names);
    assert!(
        desired.listeners.iter().all(|plain| plain.name != "mqtts"),
        "an older agent opens it nowhere in the clear"
    );

    let (status, answer) = asked(&agent, &names, Domain::Listener).await;
    assert_eq!(status, 200);
    let answer: ListenerResponse = serde_json::from_slice(&answer).expect("an answer");
    assert_eq!(answer.authority_pem, tls.authority_pem);
    assert_ne!(answer.authority_pem, agent.response().ca_pem, "not that of agents");
    assert_eq!(asked(&agent, &["portal.meshport.internal"], Domain::Listener).await.0, 409);
    assert_eq!(asked(&agent, &names[..1], Domain::Listener).await.0, 409);
    assert_eq!(asked(&TestAgent::new(2), &names, Domain::Listener).await.0, 403, "another key");
    assert_eq!(asked(&agent, &names, Domain::Enrol).await.0, 400, "signed for something else");
    portal.app.revoke_agent(&portal.admin, id, ReasonInput::default()).await.expect("revoked");
    assert_eq!(asked(&agent, &names, Domain::Listener).await.0, 403);
}
