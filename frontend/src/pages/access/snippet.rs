//! Code that connects: whole programs with the real values of a grant, to be pasted into a file and run.
//!
//! Pure: texts out of values. The secret is never in them; they read `MESHPORT_SECRET` from the environment, and
//! `MESHPORT_USER` when it is not the user name that is written there. A program that receives takes the number of events after
//! which it ends as its argument, and goes on without one; a program that sends sends one event. What fails says why and ends
//! with a status that is not 0. Values are somebody else's words: each stands as a literal of its language ([`literal`]).

mod filter;
mod http;
mod kafka;
mod literal;
mod mqtt;

use crate::api::{ConnectDoor, ConnectEvent, ConnectKafka, ConnectView, PlanProtocol};

/// A program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snippet {
    pub(super) by: By,
    pub(super) language: Language,
    pub(super) direction: Direction,
    pub(super) text: String,
}

impl Snippet {
    /// Its name on a page: `mqtt-python-receive`.
    pub(super) fn name(&self) -> String {
        format!("{}-{}-{}", self.by.key(), self.language.key(), self.direction.key())
    }
}

/// What it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum By {
    Mqtt,
    Http,
    Kafka,
}

impl By {
    pub(super) const ALL: [Self; 3] = [Self::Mqtt, Self::Http, Self::Kafka];

    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Http => "http",
            Self::Kafka => "kafka",
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Mqtt => "MQTT",
            Self::Http => "HTTP",
            Self::Kafka => "Kafka",
        }
    }
}

/// What it is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Language {
    Shell,
    Python,
    Rust,
}

impl Language {
    pub(super) const ALL: [Self; 3] = [Self::Shell, Self::Python, Self::Rust];

    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Python => "python",
            Self::Rust => "rust",
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Shell => "Shell",
            Self::Python => "Python",
            Self::Rust => "Rust",
        }
    }
}

/// Which way events go, from the view of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Direction {
    Receive,
    Send,
}

impl Direction {
    pub(super) const ALL: [Self; 2] = [Self::Receive, Self::Send];

    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Receive => "receive",
            Self::Send => "send",
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Receive => "Receive",
            Self::Send => "Send",
        }
    }
}

/// Where a program connects, and as whom.
struct Login<'a> {
    user: &'a str,
    host: &'a str,
    port: u16,
    tls: bool,
}

impl<'a> Login<'a> {
    fn at(door: &'a ConnectDoor, user: &'a str) -> Self {
        Self { user, host: &door.host, port: door.port, tls: door.tls }
    }

    /// The host without the brackets of an IPv6 address, as everything but a URL takes it.
    fn bare_host(&self) -> &str {
        self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(self.host)
    }
}

/// What makes programs trust listeners whose certificates the mesh gives, from where its authority is to be had. All that
/// stands here and below looks into one of these variables.
pub(in crate::pages) fn trust_lines(authority_url: &str) -> String {
    let url = literal::shell(authority_url);
    // Curl looks into its own variable first, which some machines set.
    format!(
        "curl -fsS {url} -o mesh-ca.pem\nexport SSL_CERT_FILE=\"$PWD/mesh-ca.pem\" CURL_CA_BUNDLE=\"$PWD/mesh-ca.pem\"\n"
    )
}

/// What is typed in a terminal before any of them at one place: the secret is read without being shown or kept.
pub(super) fn exports(connect: &ConnectView, place: &str, user: &str) -> String {
    let doors = connect.doors.iter().filter(|door| door.site == place);
    let trust = doors.filter_map(|door| door.authority_url.as_deref()).map(trust_lines).next().unwrap_or_default();
    let ask = "printf 'Secret: '; stty -echo; read -r MESHPORT_SECRET; stty echo; export MESHPORT_SECRET";
    format!("{trust}export MESHPORT_USER={}\n{ask}\n", literal::shell(user))
}

/// Names of the places where clients connect: sites with a listener, and Kafka clusters.
pub(super) fn places(connect: &ConnectView) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let all = connect.doors.iter().map(|door| &door.site).chain(connect.kafka.iter().map(|cluster| &cluster.name));
    for name in all {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// All programs for one place, by protocol, direction and language.
pub(super) fn snippets(connect: &ConnectView, place: &str, user: &str) -> Vec<Snippet> {
    let mut all = Vec::new();
    for door in connect.doors.iter().filter(|door| door.site == place) {
        let login = Login::at(door, user);
        match door.protocol {
            PlanProtocol::Mqtt => all.extend(of_mqtt(&login, &connect.receive, connect.send.as_ref())),
            PlanProtocol::Http => all.extend(of_http(&login, &connect.receive, connect.send.as_ref())),
            // Clusters are no doors of sites: see below.
            PlanProtocol::Kafka => {}
        }
    }
    for cluster in connect.kafka.iter().filter(|cluster| cluster.name == place) {
        all.extend(of_kafka(cluster, connect.send.as_ref()));
    }
    all.sort_by_key(|snippet| (snippet.by, snippet.direction, snippet.language));
    // A site may have two listeners of a protocol: one is enough.
    all.dedup_by_key(|snippet| (snippet.by, snippet.direction, snippet.language));
    all
}

/// Filters that may be subscribed to and that no subscription of MQTT can say.
pub(super) fn unsayable(connect: &ConnectView) -> Vec<&str> {
    connect.receive.iter().map(String::as_str).filter(|filter| filter::mqtt(filter).is_none()).collect()
}

fn of_mqtt(login: &Login<'_>, receive: &[String], send: Option<&ConnectEvent>) -> Vec<Snippet> {
    let filters: Vec<String> = receive.iter().filter_map(|filter| filter::mqtt(filter)).collect();
    let mut all = Vec::new();
    if !filters.is_empty() {
        all.extend(three(By::Mqtt, Direction::Receive, |language| match language {
            Language::Shell => mqtt::shell_receive(login, &filters),
            Language::Python => mqtt::python_receive(login, &filters),
            Language::Rust => mqtt::rust_receive(login, &filters),
        }));
    }
    if let Some(event) = send.filter(|event| filter::is_mqtt_topic(&event.topic)) {
        all.extend(three(By::Mqtt, Direction::Send, |language| match language {
            Language::Shell => mqtt::shell_send(login, event),
            Language::Python => mqtt::python_send(login, event),
            Language::Rust => mqtt::rust_send(login, event),
        }));
    }
    all
}

fn of_http(login: &Login<'_>, receive: &[String], send: Option<&ConnectEvent>) -> Vec<Snippet> {
    let mut all = Vec::new();
    if !receive.is_empty() {
        all.extend(three(By::Http, Direction::Receive, |language| match language {
            Language::Shell => http::shell_receive(login, receive),
            Language::Python => http::python_receive(login, receive),
            Language::Rust => http::rust_receive(login, receive),
        }));
    }
    if let Some(event) = send {
        all.extend(three(By::Http, Direction::Send, |language| match language {
            Language::Shell => http::shell_send(login, event),
            Language::Python => http::python_send(login, event),
            Language::Rust => http::rust_send(login, event),
        }));
    }
    all
}

/// No tool for shells speaks Kafka everywhere.
fn of_kafka(cluster: &ConnectKafka, send: Option<&ConnectEvent>) -> Vec<Snippet> {
    let user = &cluster.user;
    let one = |language, direction, text| Snippet { by: By::Kafka, language, direction, text };
    let mut all = Vec::new();
    if !cluster.receive.is_empty() {
        all.push(one(Language::Python, Direction::Receive, kafka::python_receive(cluster, user)));
        all.push(one(Language::Rust, Direction::Receive, kafka::rust_receive(cluster, user)));
    }
    if let Some(topic) = &cluster.send {
        let payload = send.map_or(Some("{}"), |event| event.payload.as_deref());
        all.push(one(Language::Python, Direction::Send, kafka::python_send(cluster, user, topic, payload)));
        all.push(one(Language::Rust, Direction::Send, kafka::rust_send(cluster, user, topic, payload)));
    }
    all
}

fn three(by: By, direction: Direction, text: impl Fn(Language) -> String) -> Vec<Snippet> {
    Language::ALL.into_iter().map(|language| Snippet { by, language, direction, text: text(language) }).collect()
}

/// Puts values into a text: each `@name@` is replaced once over, so that a value that looks like a name stays a value.
fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        out.push_str(before);
        let found = after.split_once('@').and_then(|(name, after)| {
            values.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value, after))
        });
        match found {
            Some((value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => {
                out.push('@');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
