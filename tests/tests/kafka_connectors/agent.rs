//! The parts of an agent that connectors need, and real brokers for them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use demo::kafka::{Broker, BrokerPorts, Jars, Login, Security};
use demo::ports::free_port;
use mesh_agent::connector::{Deps, Letter, Letters, Notes};
use mesh_agent::counters::Counters;
use mesh_agent::kafka::secret::{Secret, Secrets};
use mesh_agent::observe::Unobserved;
use mesh_agent::part::{Running, StartError};
use mesh_agent::policy::{Enforced, Enforcer};
use mesh_agent::router::{Budget, Router};
use mesh_agent::schemas::Schemas;
use mesh_agent::status::Board;
use mesh_agent::{sink, source};
use mesh_protocol::desired::{
    BrokerConnection, Connector, ConnectorWork, KafkaSecurity, KafkaSink, KafkaSource, Policy, Sasl, SaslMechanism,
    Site, Start,
};
use mesh_protocol::event::DeliveryMode;
use mesh_protocol::id::{RouteId, SpoolId};
use mesh_protocol::policy::{Action, CompiledPolicy, Effect, Principal, PrincipalState, Rule, Subject};
use mesh_protocol::report::{Part, PartRef};
use mesh_protocol::secret::SecretKey;
use mesh_protocol::topic::Filter;
use mesh_protocol::wire::Revision;
use uuid::Uuid;

pub(crate) const LIMIT: Duration = Duration::from_secs(120);
pub(crate) const STOP: Duration = Duration::from_secs(10);
pub(crate) const PASSWORD: &str = "kafka-password-of-a-test";

/// The parts of an agent that connectors need.
pub(crate) struct Agent {
    pub(crate) router: Router,
    pub(crate) enforcer: Arc<Enforcer>,
    pub(crate) board: Board,
    pub(crate) counters: Counters,
    pub(crate) letters: Arc<Buried>,
    notes: Arc<Remembered>,
    schemas: tempfile::TempDir,
}

/// Dead letters that live as long as the agent.
#[derive(Debug, Default)]
pub(crate) struct Buried(Mutex<Vec<Letter>>);

impl Buried {
    pub(crate) fn taken(&self) -> Vec<Letter> {
        self.0.lock().expect("no panic while held").clone()
    }
}

#[async_trait::async_trait]
impl Letters for Buried {
    async fn bury(&self, _: RouteId, letters: Vec<Letter>) -> Result<(), String> {
        self.0.lock().expect("no panic while held").extend(letters);
        Ok(())
    }
}

/// Notes that live as long as the agent, as its spool would.
#[derive(Debug, Default)]
struct Remembered(Mutex<BTreeMap<RouteId, Bytes>>);

impl Notes for Remembered {
    fn load(&self, route: RouteId) -> Option<Bytes> {
        self.0.lock().expect("no panic while held").get(&route).cloned()
    }

    fn save(&self, route: RouteId, note: Bytes) -> bool {
        self.0.lock().expect("no panic while held").insert(route, note);
        true
    }
}

#[derive(Debug)]
pub(crate) struct Passwords(pub(crate) &'static str);

impl Secrets for Passwords {
    fn get(&self, name: &str) -> Option<Secret> {
        (name == "kafka").then(|| Secret::new(self.0))
    }
}

impl Agent {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let counters = Counters::default();
        let enforcer = Arc::new(Enforcer::default());
        let site =
            Site { id: Uuid::from_u128(1).into(), name: "hq".into(), region: "eu".into(), labels: BTreeMap::new() };
        enforcer.apply(Enforced {
            revision: Revision { generation: 1, revision: 1 },
            policy: CompiledPolicy::compile(&policy(), &site).context("compile the policy")?,
            site,
            members: std::iter::empty().collect(),
            certificates: std::iter::empty().collect(),
            contracts: Arc::default(),
        });
        let router = Router::new(Budget::new(32 * 1024 * 1024), &counters);
        let (board, letters, notes) = (Board::default(), Arc::default(), Arc::default());
        Ok(Self { router, enforcer, board, counters, letters, notes, schemas: tempfile::tempdir()? })
    }

    pub(crate) fn deps(&self, password: &'static str) -> Deps {
        Deps {
            router: self.router.clone(),
            enforcer: self.enforcer.clone(),
            observer: Arc::new(Unobserved),
            secrets: Arc::new(Passwords(password)),
            counters: self.counters.clone(),
            notes: self.notes.clone(),
            letters: self.letters.clone(),
            schemas: Schemas::new(self.schemas.path().to_owned(), Arc::new(Passwords(password))),
        }
    }

    pub(crate) fn start(
        &self,
        connector: &Connector,
        broker: &BrokerConnection,
    ) -> Result<Box<dyn Running>, StartError> {
        self.start_with(connector, broker, PASSWORD)
    }

    pub(crate) fn start_with(
        &self,
        connector: &Connector,
        broker: &BrokerConnection,
        password: &'static str,
    ) -> Result<Box<dyn Running>, StartError> {
        let deps = self.deps(password);
        Ok(match &connector.work {
            ConnectorWork::KafkaSource(work) => {
                let line = Arc::new(self.board.part(PartRef::Source(connector.route)));
                Box::new(source::kafka::start(connector, work, broker, deps, line)?)
            }
            ConnectorWork::KafkaSink(work) => {
                let line = Arc::new(self.board.part(PartRef::Sink(connector.route)));
                Box::new(sink::kafka::start(connector, work, broker, SpoolId([1; 16]), deps, line)?)
            }
            ConnectorWork::WebhookSink(_) => unreachable!("these tests are about Kafka"),
        })
    }

    /// Waits until a part's line is as wanted.
    pub(crate) async fn until(&self, object: PartRef, what: &str, is: impl Fn(&Part) -> bool) -> anyhow::Result<Part> {
        let began = Instant::now();
        loop {
            let part = self.board.parts().into_iter().find(|part| part.object == object);
            match part {
                Some(part) if is(&part) => return Ok(part),
                part => anyhow::ensure!(began.elapsed() < LIMIT, "{what} did not come: {part:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

pub(crate) fn policy() -> Policy {
    let rule = |id, action| Rule {
        id: Uuid::from_u128(id).into(),
        subject: Subject::Anyone,
        action,
        effect: Effect::Allow,
        filter: Filter::mesh(">").expect("valid"),
        sites: Vec::new(),
    };
    Policy {
        secret_key: SecretKey::new([7; 32]),
        principals: vec![Principal {
            id: principal().into(),
            username: "route".into(),
            state: PrincipalState::Enabled,
            secrets: Vec::new(),
            roles: Vec::new(),
            application: None,
            expires_at_ms: None,
            protocols: Vec::new(),
        }],
        roles: Vec::new(),
        rules: vec![rule(1, Action::Connect), rule(2, Action::Publish), rule(3, Action::Subscribe)],
        scopes: Vec::new(),
    }
}

pub(crate) fn principal() -> Uuid {
    Uuid::from_u128(77)
}

pub(crate) fn connector(number: u128, work: ConnectorWork) -> Connector {
    Connector {
        route: Uuid::from_u128(number).into(),
        name: format!("route {number}"),
        generation: 1,
        principal: principal().into(),
        paused: false,
        work,
    }
}

pub(crate) fn source_of(topic: &str, template: &str, filter: Option<&str>) -> ConnectorWork {
    ConnectorWork::KafkaSource(KafkaSource {
        broker: Uuid::from_u128(1).into(),
        topics: vec![topic.to_owned()],
        template: template.to_owned(),
        filter: filter.map(str::to_owned),
        schemas: None,
        start: Start::Earliest,
        mode: DeliveryMode::Guaranteed,
    })
}

pub(crate) fn sink_to(topic: &str, filter: &str) -> ConnectorWork {
    ConnectorWork::KafkaSink(KafkaSink {
        broker: Uuid::from_u128(2).into(),
        filters: vec![Filter::mesh(filter).expect("valid")],
        topic: topic.to_owned(),
        key: None,
    })
}

pub(crate) async fn broker(folder: &Path, name: &str, secured: bool) -> anyhow::Result<Broker> {
    let ports = BrokerPorts { clients: free_port()?, controller: free_port()? };
    let login = Login { user: "meshport".into(), password: PASSWORD.into() };
    let security = if secured { Security::Scram(vec![login]) } else { Security::Plain };
    let mut broker = Broker::start(name, &Jars::fetch().await?, &folder.join(name), ports, security).await?;
    broker.ready().await?;
    Ok(broker)
}

pub(crate) fn connection(broker: &Broker) -> BrokerConnection {
    let sasl = broker.ca_pem().map(|_| Sasl {
        mechanism: SaslMechanism::ScramSha512,
        username: "meshport".into(),
        secret: "kafka".into(),
    });
    BrokerConnection {
        id: Uuid::from_u128(1).into(),
        name: "Kafka".into(),
        bootstrap: vec![broker.bootstrap()],
        security: KafkaSecurity { tls: sasl.is_some(), ca_pem: broker.ca_pem().map(str::to_owned), sasl },
        discover: true,
        browse: false,
    }
}
