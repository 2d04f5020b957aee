//! Kafka credentials from the grant to the user's end: what agents are told, and what is believed only when they say so.

mod moved;
mod sealed;

use axum::http::StatusCode;
use mesh_protocol::desired::{KafkaUser, Password, PasswordFor, Scram};
use mesh_protocol::report::{Part, PartRef, PartState};
use mesh_protocol::sealed::{Key, public_of};
use serde_json::{Value, json};

use super::access::{Market, text};

/// The private key of the agent that keeps the cluster.
const KEY: Key = [7; 32];

/// A market whose product lies in the topic `orders` of a cluster, and a grant of it.
struct Shop {
    market: Market,
    grant: String,
    broker: Value,
}

impl Shop {
    async fn open(protocols: Value) -> Self {
        Self::open_with(protocols, Some(KEY)).await
    }

    /// With an agent that has this sealing key.
    async fn open_with(protocols: Value, key: Option<Key>) -> Self {
        let market = Market::start().await;
        market.joins_with(key.map(|key| hex::encode(public_of(&key)))).await;
        let site = market.ok(&market.admin, "GET", "sites", None).await["items"][0]["id"].clone();
        let broker = market.broker(&site, "kafka-hq", true).await;
        market.route(&broker["id"], "orders-in", "orders", "").await;
        market.route(&broker["id"], "orders-big", "orders-big", "value.amount > 100").await;
        let plan = market.plan_over("standard", json!({"kind": "auto"}), protocols).await;
        market.publish().await;
        let application = market.application("shop").await;
        let request = market.dev("POST", "access-requests", market.wish(&application, &plan)).await;
        let grant = text(&request["grant"]);
        Self { market, grant, broker }
    }

    fn path(&self) -> String {
        format!("grants/{}/kafka-credentials", self.grant)
    }

    async fn issue(&self) -> Value {
        self.market.dev("POST", &self.path(), json!({"broker": self.broker["id"]})).await
    }

    async fn listed(&self) -> Vec<Value> {
        let page = self.market.ok(&self.market.dev, "GET", &self.path(), None).await;
        page["items"].as_array().cloned().expect("items")
    }

    async fn phase(&self) -> Value {
        self.market.ok(&self.market.dev, "GET", &format!("grants/{}", self.grant), None).await["phase"].clone()
    }

    /// The users that the agent is told to keep.
    async fn told(&self) -> Vec<KafkaUser> {
        let snapshot = self.market.portal.app.snapshot().await.expect("read");
        let state = snapshot.mesh.desired(self.market.agent).expect("enrolled");
        for access in &state.kafka_access {
            assert_eq!(access.check(), Ok(()));
        }
        state.kafka_access.into_iter().flat_map(|access| access.users).collect()
    }

    /// A user's password, as the agent with this key opens it for a user.
    fn opened(&self, user: &KafkaUser, of: &KafkaUser, key: &Key) -> Option<Scram> {
        let Some(Password::Sealed(sealed)) = &user.password else { panic!("sealed: {user:?}") };
        let broker = text(&self.broker["id"]).parse().expect("an id");
        let place = PasswordFor { agent: self.market.agent, broker, credential: of.id, username: &of.username };
        place.open(sealed, key)
    }

    /// The agent has the newest policy, and says so much about the users that it is told to keep now.
    async fn says(&self, state: PartState, detail: Option<&str>) {
        let part = |user: &KafkaUser| Part {
            object: PartRef::KafkaUser(user.reference()),
            state,
            detail: detail.map(str::to_owned),
            since_ms: 0,
            addresses: Vec::new(),
            own_certificate: false,
            figures: [].into(),
        };
        let parts = self.told().await.iter().map(part).collect();
        self.market.applies_with(true, parts).await;
    }
}

impl Market {
    /// A Kafka cluster, with or without a login.
    async fn broker(&self, site: &Value, name: &str, has_login: bool) -> Value {
        let mut input = json!({"site": site, "name": name, "bootstrap": ["k:9092"], "tls": true, "discover": false,
            "browse": false});
        if has_login {
            input["sasl"] = json!({"mechanism": "SCRAM-SHA-512", "username": "meshport", "secret": "kafka"});
        }
        self.ok(&self.admin, "POST", "brokers", Some(input)).await
    }

    /// A route that brings records of a topic into the mesh.
    async fn route(&self, broker: &Value, name: &str, topic: &str, filter: &str) {
        let from = json!({"kind": "kafka", "broker": broker, "topics": [topic],
            "template": "orders/{value.country}/created", "filter": filter, "start": "latest"});
        let input = json!({"name": name, "enabled": true, "from": from, "to": {"kind": "mesh"}, "mode": "direct",
            "note": ""});
        self.ok(&self.admin, "POST", "routes", Some(input)).await;
    }
}

#[tokio::test]
async fn a_kafka_credential_works_when_its_agent_says_so_and_is_over_when_it_says_so() {
    let shop = Shop::open(json!(["mqtt", "kafka"])).await;
    let market = &shop.market;
    let offers = market.ok(&market.dev, "GET", &format!("grants/{}/kafka-clusters", shop.grant), None).await;
    let offer = &offers["items"][0];
    assert_eq!((&offer["reads"], &offer["why_not"]), (&json!(["orders"]), &json!("")), "{offers}");
    assert!(text(&offer["left_out"][0]["reason"]).contains("records that the route orders-big leaves out"), "{offers}");

    market.applies(true).await;
    assert_eq!(shop.phase().await, "live");
    let issued = shop.issue().await;
    let (credential, secret) = (&issued["credential"], text(&issued["secret"]));
    assert_eq!(credential["state"], "making", "{issued}");
    assert_eq!((&credential["mechanism"], &credential["bootstrap"]), (&json!("SCRAM-SHA-512"), &json!(["k:9092"])));
    assert_eq!(credential["security_protocol"], "SASL_SSL");
    let told = shop.told().await;
    assert_eq!(told[0].username, text(&credential["username"]));
    let scram = shop.opened(&told[0], &told[0], &KEY).expect("a password");
    assert_eq!(scram.salted_password.len(), 64);
    let document = serde_json::to_string(&told).expect("JSON");
    assert!(!document.contains(&secret), "agents never see the secret");
    assert_eq!(told[0].acls.len(), 3, "read and describe one topic, and its groups: {told:?}");
    assert!(told[0].acls.iter().any(|acl| acl.name == text(&credential["group_prefix"])));
    let listed = serde_json::to_string(&shop.listed().await).expect("JSON");
    assert!(!listed.contains(&secret), "a secret is shown once");

    // Having the policy is not enough, and what the agent lacks is shown.
    market.applies(true).await;
    assert_eq!(shop.listed().await[0]["state"], "making");
    let lacks = "User:meshport at kafka-hq lacks ALTER on Cluster; grant it: kafka-acls --add";
    shop.says(PartState::Failing, Some(lacks)).await;
    let failed = &shop.listed().await[0];
    assert_eq!((&failed["state"], &failed["detail"]), (&json!("failed"), &json!(lacks)));
    shop.says(PartState::Running, None).await;
    assert_eq!(shop.listed().await[0]["state"], "works");

    // Revoked is over when the user is gone, whatever else the agent has done.
    let grant = market.ok(&market.dev, "GET", &format!("grants/{}", shop.grant), None).await;
    let step = json!({"revision": grant["revision"], "value": {"to": "revoke", "reason": "left"}});
    market.ok(&market.reviewer, "POST", &format!("grants/{}/move", shop.grant), Some(step)).await;
    let told = shop.told().await;
    assert!(!told[0].present && told[0].password.is_none() && told[0].acls.is_empty(), "{told:?}");
    market.applies(true).await;
    assert_eq!(shop.phase().await, "revoking", "the agent has the policy, and the user is still there");
    assert_eq!(shop.listed().await[0]["state"], "removing");
    let waits = market.ok(&market.dev, "GET", &format!("grants/{}", shop.grant), None).await["waits_for"].clone();
    assert!(text(&waits[0]["reason"]).contains("has not said yet"), "{waits}");
    shop.says(PartState::Running, None).await;
    assert_eq!(shop.listed().await, [Value::Null; 0], "it is gone, and forgotten");
    assert_eq!(shop.told().await, []);
    market.applies(true).await;
    assert_eq!(shop.phase().await, "revoked");
}

#[tokio::test]
async fn a_rotation_makes_another_user_and_ends_the_first() {
    let shop = Shop::open(json!(["kafka"])).await;
    let issued = shop.issue().await;
    let rotate = format!("kafka-credentials/{}/rotate", text(&issued["credential"]["id"]));
    let far = shop.market.refused(&shop.market.dev, "POST", &rotate, json!({"overlap_minutes": 10_000_000})).await;
    assert!(far.contains("overlap_minutes"), "{far}");
    let rotated = shop.market.dev("POST", &rotate, json!({"overlap_minutes": 60})).await;
    assert_ne!(rotated["credential"]["username"], issued["credential"]["username"]);
    assert_ne!(rotated["secret"], issued["secret"]);
    assert_eq!(rotated["credential"]["group_prefix"], issued["credential"]["group_prefix"], "groups go on");
    let told = shop.told().await;
    let ending: Vec<bool> = told.iter().map(|user| user.expires_at_ms.is_some()).collect();
    assert_eq!(ending, [true, false], "both are there, and the first has an end");
    assert_eq!(told[0].acls, told[1].acls);
    let at_once = format!("kafka-credentials/{}/rotate", text(&rotated["credential"]["id"]));
    shop.market.dev("POST", &at_once, json!({"overlap_minutes": 0})).await;
    let told = shop.told().await;
    assert_eq!(told.iter().map(|user| user.present).collect::<Vec<_>>(), [true, false, true]);
    let again = shop.market.refused(&shop.market.dev, "POST", &at_once, json!({"overlap_minutes": 0})).await;
    assert!(again.contains("removed already"), "{again}");
}

#[tokio::test]
async fn who_may_not_or_cannot_is_told_why() {
    let shop = Shop::open(json!(["mqtt"])).await;
    let market = &shop.market;
    let told = market.refused(&market.dev, "POST", &shop.path(), json!({})).await;
    assert!(told.contains("broker cannot be used: The plan does not have Kafka"), "{told}");

    let shop = Shop::open(json!(["kafka"])).await;
    let market = &shop.market;
    let (_, eve) = market.portal.person(&market.admin, "eve", "developer").await;
    assert!(market.refused(&eve, "POST", &shop.path(), json!({})).await.contains("belongs to dev"));
    let over = market.refused(&market.dev, "POST", &shop.path(), json!({"expires_at": 1})).await;
    assert!(over.contains("expires_at is over"), "{over}");
    let foreign = json!({"broker": uuid::Uuid::nil()});
    let told = market.refused(&market.dev, "POST", &shop.path(), foreign).await;
    assert!(told.contains("no cluster with topics of what is granted"), "{told}");

    // One more cluster: it has to be chosen. One without a login cannot be.
    let site = market.ok(&market.admin, "GET", "sites", None).await["items"][0]["id"].clone();
    let second = market.broker(&site, "kafka-two", true).await;
    market.route(&second["id"], "orders-two", "orders", "").await;
    let told = market.refused(&market.dev, "POST", &shop.path(), json!({})).await;
    assert!(told.contains("kafka-hq or kafka-two"), "{told}");
    let open = market.broker(&site, "kafka-open", false).await;
    market.route(&open["id"], "orders-open", "orders", "").await;
    let told = market.refused(&market.dev, "POST", &shop.path(), json!({"broker": open["id"]})).await;
    assert!(told.contains("without a login"), "{told}");

    // A connection with users is not removed under them.
    let issued = shop.issue().await;
    for route in market.ok(&market.admin, "GET", "routes", None).await["items"].as_array().expect("routes") {
        let path = format!("routes/{}?revision={}", text(&route["id"]), route["revision"]);
        market.ask(&market.admin, "DELETE", &path, None).await;
    }
    let path = format!("brokers/{}?revision={}", text(&shop.broker["id"]), shop.broker["revision"]);
    let (status, told) = market.ask(&market.admin, "DELETE", &path, None).await;
    assert_eq!(status, StatusCode::CONFLICT, "{told}");
    assert!(told.to_string().contains("1 Kafka user of a grant is kept there: 1 of the access of shop to"), "{told}");
    assert_eq!(shop.told().await[0].acls, [], "without routes it may nothing");
    let stale = format!("kafka-credentials/{}?revision=9", text(&issued["credential"]["id"]));
    let (status, _) = market.ask(&market.dev, "DELETE", &stale, None).await;
    assert_eq!(status, StatusCode::CONFLICT);
    let remove = format!("kafka-credentials/{}?revision=1", text(&issued["credential"]["id"]));
    market.ok(&market.dev, "DELETE", &remove, None).await;
    assert_eq!(shop.listed().await[0]["state"], "removing");
    shop.says(PartState::Running, None).await;
    assert_eq!(shop.listed().await, [Value::Null; 0]);
    let (status, told) = market.ask(&market.admin, "DELETE", &path, None).await;
    assert!(status.is_success(), "{told}");
}
