//! A broker connection: something that the agents of a site can reach. Kafka clusters are what routes lead to and from; the
//! other kinds are looked at for the catalog, and schema registries also read records for routes.

use mesh_protocol::desired::{KafkaSecurity, Login, SaslMechanism, SurveyedKind, is_encrypted, is_this_machine};
use mesh_protocol::id::{BrokerId, SiteId};

use super::field::{FieldErrors, NAME_BYTES_MAX};
use super::route::End;

/// Most bootstrap servers of one connection.
pub const BOOTSTRAP_MAX: usize = 16;

/// A broker connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    /// Stable id.
    pub id: BrokerId,
    /// What a person chose.
    pub spec: Spec,
    /// Edit counter.
    pub revision: u64,
}

/// What a person chooses about a broker connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The site whose agents reach it.
    pub site: SiteId,
    /// Unique in the environment.
    pub name: String,
    /// What it is, and how it is reached.
    pub target: Target,
    /// Scan it for the catalog.
    pub discover: bool,
    /// People may look into its topics.
    pub browse: bool,
}

/// What a broker connection leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A Kafka cluster.
    Kafka {
        /// `host:port` each.
        bootstrap: Vec<String>,
        /// How to connect.
        security: KafkaSecurity,
    },
    /// Something that is looked at for the catalog; routes also read records by a schema registry.
    Surveyed(Surveyed),
}

/// How something is reached that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surveyed {
    /// What it is.
    pub kind: SurveyedKind,
    /// Where its API is.
    pub url: String,
    /// PEM of the authority that signed its certificate; none = the system's.
    pub ca_pem: Option<String>,
    /// Who logs in; none = nobody.
    pub login: Option<Login>,
}

impl Spec {
    /// Checks everything that needs no other object. Paths of the errors are those of the API's input.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check(&self) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        errors.name("name", &self.name);
        match &self.target {
            Target::Kafka { bootstrap, security } => check_kafka(&mut errors, bootstrap, security),
            Target::Surveyed(surveyed) => {
                surveyed.check(&mut errors);
                if self.browse {
                    errors.add("browse", "is for Kafka clusters: others have no topics to look into");
                }
            }
        }
        errors.check()
    }

    /// Whether routes can lead to it and from it.
    #[must_use]
    pub fn is_kafka(&self) -> bool {
        matches!(self.target, Target::Kafka { .. })
    }

    /// Whether a connection that becomes this one may lead to another Kafka cluster: it has an address that it did not have, or
    /// other agents use its addresses, whose names may mean something else at their site. Fewer addresses are the same cluster's.
    #[must_use]
    pub fn may_lead_elsewhere(&self, new: &Self) -> bool {
        let (Target::Kafka { bootstrap: old, .. }, Target::Kafka { bootstrap: new_ones, .. }) =
            (&self.target, &new.target)
        else {
            return false;
        };
        self.site != new.site || new_ones.iter().any(|address| !old.contains(address))
    }

    /// What it is for a route.
    #[must_use]
    pub fn end(&self) -> End {
        match &self.target {
            Target::Kafka { .. } => End::Kafka(self.site),
            Target::Surveyed(surveyed) if surveyed.kind == SurveyedKind::SchemaRegistry => End::Registry(self.site),
            Target::Surveyed(_) => End::Other,
        }
    }

    /// Name of the secret at the agents; none = it needs none.
    #[must_use]
    pub fn secret(&self) -> Option<&str> {
        match &self.target {
            Target::Kafka { security, .. } => security.sasl.as_ref().map(|sasl| sasl.secret.as_str()),
            Target::Surveyed(surveyed) => surveyed.login.as_ref().map(|login| login.secret.as_str()),
        }
    }
}

fn check_kafka(errors: &mut FieldErrors, bootstrap: &[String], security: &KafkaSecurity) {
    if bootstrap.is_empty() || bootstrap.len() > BOOTSTRAP_MAX {
        errors.add("bootstrap", format_args!("needs 1 to {BOOTSTRAP_MAX} servers, each `host:port`"));
    }
    for address in bootstrap {
        errors.address("bootstrap", address);
    }
    check_authority(errors, security.ca_pem.as_deref(), security.tls);
    if let Some(sasl) = &security.sasl {
        if sasl.username.is_empty() || sasl.username.len() > 256 {
            errors.add("sasl.username", "is required, at most 256 characters");
        }
        if sasl.secret.is_empty() || sasl.secret.len() > NAME_BYTES_MAX {
            errors.add("sasl.secret", "names a secret of the agent (`mesh-agent secret set NAME`)");
        } else {
            errors.name("sasl.secret", &sasl.secret);
        }
        if sasl.mechanism == SaslMechanism::Plain && !security.tls {
            errors.add("sasl.mechanism", "PLAIN sends the password readable: use it over TLS, or SCRAM");
        }
    }
}

fn check_authority(errors: &mut FieldErrors, ca_pem: Option<&str>, tls: bool) {
    let Some(ca) = ca_pem else { return };
    if !tls {
        errors.add("ca_pem", "is only used with TLS");
    } else if !ca.contains("-----BEGIN CERTIFICATE-----") || ca.len() > 64 * 1024 {
        errors.add("ca_pem", "must be a PEM certificate");
    }
}

impl Surveyed {
    fn check(&self, errors: &mut FieldErrors) {
        if self.kind == SurveyedKind::Unknown {
            errors.add("kind", "is not one that agents look at");
        }
        errors.take("url", self.kind.check_url(&self.url));
        let secure = is_encrypted(&self.url);
        check_authority(errors, self.ca_pem.as_deref(), secure);
        let Some(login) = &self.login else { return };
        if login.username.is_empty() || login.username.len() > 256 || login.username.contains([':', '\0', '\r', '\n']) {
            errors.add("login.username", "is required, at most 256 characters, without a colon");
        }
        errors.name("login.secret", &login.secret);
        if !secure && !is_this_machine(&self.url) {
            let secure = if self.kind == SurveyedKind::Mqtt { "mqtts" } else { "https" };
            errors.add("url", format_args!("would send the password readable: use {secure}, or no login"));
        }
    }

    /// `host:port` of its URL.
    #[must_use]
    pub fn address(&self) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("http", &self.url));
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        match authority.rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') => authority.to_owned(),
            _ => format!("{authority}:{}", default_port(scheme)),
        }
    }
}

/// The port of a URL that names none.
fn default_port(scheme: &str) -> u16 {
    match scheme {
        "https" => 443,
        "mqtt" => 1883,
        "mqtts" => 8883,
        _ => 80,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surveyed(url: &str) -> Surveyed {
        Surveyed { kind: SurveyedKind::SchemaRegistry, url: url.to_owned(), ca_pem: None, login: None }
    }

    fn wrong(surveyed: Surveyed) -> Vec<String> {
        let site = SiteId(uuid::Uuid::nil());
        let spec = Spec {
            site,
            name: "schemas".to_owned(),
            target: Target::Surveyed(surveyed),
            discover: true,
            browse: false,
        };
        spec.check().err().map(|errors| errors.0.into_keys().collect()).unwrap_or_default()
    }

    #[test]
    fn what_is_looked_at_is_checked_by_field() {
        let login = |username: &str| Some(Login { username: username.to_owned(), secret: "schemas".to_owned() });
        assert_eq!(wrong(surveyed("https://schemas:8081/apis/ccompat/v7")), [""; 0]);
        assert_eq!(wrong(surveyed("schemas:8081")), ["url"]);
        assert_eq!(wrong(surveyed("https://schemas/?a=b")), ["url"]);
        assert_eq!(wrong(Surveyed { ca_pem: Some("PEM".into()), ..surveyed("http://schemas") }), ["ca_pem"]);
        assert_eq!(wrong(Surveyed { kind: SurveyedKind::Unknown, ..surveyed("http://schemas") }), ["kind"]);
        assert_eq!(
            wrong(Surveyed { login: login("me"), ..surveyed("http://schemas") }),
            ["url"],
            "a readable password"
        );
        assert_eq!(wrong(Surveyed { login: login("me"), ..surveyed("http://127.0.0.1:8081") }), [""; 0]);
        let mqtt = |url: &str| Surveyed { kind: SurveyedKind::Mqtt, ..surveyed(url) };
        assert_eq!(wrong(mqtt("mqtts://mqtt.hq")), [""; 0]);
        assert_eq!(wrong(mqtt("https://mqtt.hq")), ["url"]);
        assert_eq!(wrong(Surveyed { login: login("me"), ..mqtt("mqtt://mqtt.hq") }), ["url"], "a readable password");
        assert_eq!(wrong(Surveyed { login: login("me"), ..mqtt("mqtt://127.0.0.1") }), [""; 0]);
        assert_eq!(wrong(Surveyed { ca_pem: Some("PEM".into()), ..mqtt("mqtt://mqtt.hq") }), ["ca_pem"]);
        assert_eq!(wrong(Surveyed { login: login("a:b"), ..surveyed("https://schemas") }), ["login.username"]);
    }

    #[test]
    fn only_an_address_that_was_not_there_or_another_site_may_lead_elsewhere() {
        let kafka = |site: u128, bootstrap: &[&str]| Spec {
            site: SiteId(uuid::Uuid::from_u128(site)),
            name: "kafka".to_owned(),
            target: Target::Kafka {
                bootstrap: bootstrap.iter().map(|address| (*address).to_owned()).collect(),
                security: KafkaSecurity { tls: false, ca_pem: None, sasl: None },
            },
            discover: true,
            browse: false,
        };
        let old = kafka(1, &["a:1", "b:1"]);
        let leads = |new: Spec| old.may_lead_elsewhere(&new);
        assert!(!leads(kafka(1, &["b:1", "a:1"])) && !leads(kafka(1, &["b:1"])));
        assert!(!leads(Spec { name: "other".to_owned(), discover: false, ..old.clone() }));
        assert!(leads(kafka(1, &["c:1"])) && leads(kafka(1, &["a:1", "b:1", "c:1"])), "one more is one step of two");
        assert!(leads(kafka(2, &["a:1", "b:1"])), "the same name at another site");
    }

    #[test]
    fn the_address_of_a_url_has_a_port() {
        let mqtt = ["mqtt://a", "mqtts://a/", "mqtt://a:1"].map(|url| surveyed(url).address());
        assert_eq!(mqtt, ["a:1883", "a:8883", "a:1"]);
        let all = ["https://a/x", "http://a", "http://a:8081/x", "http://[::1]", "https://[::1]:8081"];
        let addresses = all.map(|url| surveyed(url).address());
        assert_eq!(addresses, ["a:443", "a:80", "a:8081", "[::1]:80", "[::1]:8081"]);
    }
}
