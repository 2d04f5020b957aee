//! Listeners and clusters as the servers of a document. No secret is known here: documents say how to log in, never with what.

use mesh_asyncapi::build::{Extensions, Protocol, Scheme, SchemeKey, Server, ServerKey};
use mesh_asyncapi::keep::OWN_SERVER;
use mesh_protocol::desired::{KafkaSecurity, SaslMechanism};
use mesh_protocol::id::{BrokerId, SiteId};

use super::places::SITES_MAX;
use super::write::Writer;
use crate::app::door::Door;
use crate::domain::broker::Target;
use crate::domain::product::plan;

/// Where HTTP listeners take and give events.
const HTTP_PATH: &str = "/v1/events";
/// What whoever connects to the mesh has to have.
const CLIENT: &str = "Name and secret of a client of the mesh.";
/// Instead of a name and a secret.
const CERTIFICATE: &str = "A client certificate of the portal's authority of devices.";
/// The header of an API key.
const API_KEY: &str = "X-Api-Key";
/// The same as one text.
const CLIENT_KEY: &str = "Name and secret of a client of the mesh as one key.";

/// The servers of a site.
#[derive(Clone, Default)]
pub(super) struct Listeners {
    pub(super) mqtt: Option<ServerKey>,
    pub(super) http: Option<ServerKey>,
}

impl Writer<'_> {
    /// The listeners of a site that run.
    pub(super) fn listeners(&mut self, site: SiteId) -> Listeners {
        if let Some(listeners) = self.sites.get(&site) {
            return listeners.clone();
        }
        if self.sites.len() >= SITES_MAX {
            self.left_out.insert(site);
            return Listeners::default();
        }
        let [mut mqtt, mut http] = self.seen.listeners(site);
        if let Some(offered) = self.offered {
            mqtt = mqtt.filter(|_| offered.speaks(plan::Protocol::Mqtt));
            http = http.filter(|_| offered.speaks(plan::Protocol::Http));
        }
        let name = self.world.config.site_name(site);
        let mqtt = mqtt.and_then(|door| {
            let login = self.scheme("mqtt-login", Scheme::UserPassword, CLIENT);
            let protocol = if door.tls { Protocol::SecureMqtt } else { Protocol::Mqtt };
            let server = Server::new(protocol, &door.address()).ok()?.protocol_version("5").security(&login);
            let server = self.certified(server, &door);
            let over = if door.tls { "MQTT over TLS" } else { "MQTT" };
            Some(self.add(&format!("{name} mqtt"), &format!("{over} at the site {name}."), server))
        });
        let http = http.and_then(|door| {
            let login = self.scheme("http-login", Scheme::HttpBasic, CLIENT);
            let key = self.scheme("http-api-key", Scheme::HttpApiKey { header: API_KEY.to_owned() }, CLIENT_KEY);
            let protocol = if door.tls { Protocol::Https } else { Protocol::Http };
            let server = Server::new(protocol, &door.address()).ok()?.path(HTTP_PATH).ok()?;
            let server = self.certified(server.security(&login).security(&key), &door);
            let over = if door.tls { "HTTP over TLS" } else { "HTTP" };
            Some(self.add(&format!("{name} http"), &format!("{over} at the site {name}."), server))
        });
        let listeners = Listeners { mqtt, http };
        self.sites.insert(site, listeners.clone());
        listeners
    }

    /// Who shows a certificate of its own at a listener with TLS needs nothing else.
    fn certified(&mut self, server: Server, door: &Door) -> Server {
        if !door.tls {
            return server;
        }
        let certificate = self.scheme("client-certificate", Scheme::X509, CERTIFICATE);
        server.security(&certificate)
    }

    /// The brokers of a Kafka cluster that clients begin with.
    pub(super) fn cluster(&mut self, id: BrokerId, name: &str) -> Vec<ServerKey> {
        if let Some(servers) = self.clusters.get(&id) {
            return servers.clone();
        }
        let world = self.world;
        let broker = world.config.mesh.brokers.iter().find(|broker| broker.id == id);
        let mut servers = Vec::new();
        if let Some(Target::Kafka { bootstrap, security }) = broker.map(|broker| &broker.spec.target) {
            let protocol = if security.tls { Protocol::KafkaSecure } else { Protocol::Kafka };
            for address in bootstrap {
                let Ok(mut server) = Server::new(protocol.clone(), address) else { continue };
                if let Some(login) = self.kafka_login(security) {
                    server = server.security(&login);
                }
                servers.push(self.add(name, &format!("The Kafka cluster {name}."), server));
            }
        }
        self.clusters.insert(id, servers.clone());
        servers
    }

    fn kafka_login(&mut self, security: &KafkaSecurity) -> Option<SchemeKey> {
        let (name, scheme) = match security.sasl.as_ref()?.mechanism {
            SaslMechanism::Plain => ("kafka-plain", Scheme::Plain),
            SaslMechanism::ScramSha256 => ("kafka-scram-256", Scheme::ScramSha256),
            SaslMechanism::ScramSha512 => ("kafka-scram-512", Scheme::ScramSha512),
        };
        Some(self.scheme(name, scheme, "A user of the Kafka cluster."))
    }

    fn scheme(&mut self, name: &'static str, scheme: Scheme, description: &str) -> SchemeKey {
        let Self { schemes, export, .. } = self;
        schemes.entry(name).or_insert_with(|| export.described_scheme(name, scheme, description)).clone()
    }

    fn add(&mut self, name: &str, description: &str, server: Server) -> ServerKey {
        let environment = format!("env:{}", self.world.config.mesh.environment.name);
        let mut extensions = Extensions::new();
        // So that whoever imports the document knows that it is no server of its author. The name is a known good one.
        let _ = extensions.set(OWN_SERVER, true);
        self.export.server(name, server.description(description).tag(environment).extensions(extensions))
    }
}
