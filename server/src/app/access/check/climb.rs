//! One attempt at one listener, from the name of its address to what may be received there.

use frontend::api::{PlanProtocol, TestLayer, TestState};
use mesh_protocol::topic::{Dialect, Filter};
use tokio::time::Instant;

use super::dial::{Connection, Time, Way};
use super::http;
use super::ladder::{Fault, Ladder};
use super::mqtt::{Client, Welcome};

/// Most filters of a grant that are asked for.
pub(super) const FILTERS_MAX: usize = 16;

/// What is logged in with. Its secret shows itself to nobody.
pub(super) struct Login {
    pub(super) username: String,
    /// Of this test alone.
    pub(super) client_id: String,
    secret: String,
}

impl Login {
    pub(super) fn new(username: &str, secret: &str) -> Self {
        let client_id = format!("meshport-test-{:08x}", rand::random::<u32>());
        Self { username: username.to_owned(), client_id, secret: secret.to_owned() }
    }

    /// The secret, for whoever writes it to the listener.
    pub(super) fn expose(&self) -> &str {
        &self.secret
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("username", &self.username).finish_non_exhaustive()
    }
}

/// Why nothing came back that could be read.
#[derive(Debug)]
pub(super) enum Odd {
    /// It speaks TLS.
    Tls,
    Closed,
    Late,
    /// What came, as a sentence.
    Broken(&'static str),
}

impl Odd {
    pub(super) const fn broken(what: &'static str) -> Self {
        Self::Broken(what)
    }

    fn fault(self, protocol: PlanProtocol) -> Fault {
        let name = if protocol == PlanProtocol::Mqtt { "MQTT" } else { "HTTP" };
        match self {
            Self::Tls => Fault::new(
                format!("It speaks {name} over TLS, and another TLS within it."),
                "Look at what stands before the listener.",
            ),
            Self::Closed => Fault::new(
                "It took the connection and ended it without an answer.",
                format!(
                    "Look whether this is really the {name} listener, or something before it that lets nobody from the \
                     portal's host through."
                ),
            ),
            Self::Late => Fault::new(
                "It took the connection and does not answer within 5 s.",
                "Something before the listener takes connections that it cannot pass on, or the agent hangs: look at the \
                 agent's page.",
            ),
            Self::Broken(what) => Fault::new(
                what,
                format!("Another program has this address: look at the agent's page where its {name} listener is."),
            ),
        }
    }
}

/// Whether these are the first bytes of somebody who refuses what is no TLS.
pub(super) fn is_tls(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15, 0x03, ..])
}

/// What was said to the first words.
enum Spoken {
    Mqtt(Box<Client>, Welcome),
    Http(http::Answer),
}

async fn greet(protocol: PlanProtocol, io: Connection, login: &Login, way: &Way) -> Result<Spoken, Odd> {
    match protocol {
        PlanProtocol::Mqtt => {
            let (client, welcome) = Client::open(io, login, way.time()).await?;
            Ok(Spoken::Mqtt(Box::new(client), welcome))
        }
        PlanProtocol::Http => http::ask(io, way.host(), http::HEALTH, None, way.time()).await.map(Spoken::Http),
        // Listeners speak nothing of it: clusters are asked by their agents.
        PlanProtocol::Kafka => Err(Odd::broken("What is asked for is no listener's protocol.")),
    }
}

/// What is climbed to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target<'a> {
    /// `host:port`.
    pub(super) address: &'a str,
    pub(super) protocol: PlanProtocol,
    /// The listener itself speaks TLS; without it, something before the listener still may.
    pub(super) tls: bool,
    /// The mesh's authority of listeners, PEM.
    pub(super) authority_pem: &'a str,
}

/// Climbs as far as it goes.
pub(super) async fn climb(target: Target<'_>, login: &Login, receive: &[Filter], time: Time) -> Ladder {
    let Target { address, protocol, tls, authority_pem } = target;
    let mut ladder = Ladder::default();
    let Some((mut way, mut io)) = Way::to(address, time, &mut ladder).await else { return ladder };
    if tls {
        let Some(secured) = way.secure(Some(io), authority_pem, &mut ladder).await else { return ladder };
        io = secured;
    }
    let mut began = Instant::now();
    let mut spoken = greet(protocol, io, login, &way).await;
    if tls {
        // Another one within it is told below.
    } else if matches!(spoken, Err(Odd::Tls)) {
        let Some(io) = way.secure(None, authority_pem, &mut ladder).await else { return ladder };
        began = Instant::now();
        spoken = greet(protocol, io, login, &way).await;
    } else {
        ladder.skipped(TestLayer::Tls, "The listener has no TLS, and nothing before it speaks any.");
    }
    match spoken {
        Err(odd) => ladder.failed(TestLayer::Protocol, Some(began), odd.fault(protocol)),
        Ok(Spoken::Mqtt(client, welcome)) => {
            ladder.passed(TestLayer::Protocol, Some(began), "It speaks MQTT 5.");
            over_mqtt(*client, welcome, receive, &mut ladder).await;
        }
        Ok(Spoken::Http(answer)) if answer.status == 200 => {
            ladder.passed(TestLayer::Protocol, Some(began), "It speaks HTTP, and says that it is well.");
            over_http(&way, login, receive, &mut ladder).await;
        }
        Ok(Spoken::Http(answer)) => {
            let what = format!("It speaks HTTP, but answers {} where a listener says that it is well.", answer.status);
            let advice = "Another program has this address, or something before the listener answers for it.";
            ladder.failed(TestLayer::Protocol, Some(began), Fault::new(what, advice));
        }
    }
    ladder
}

/// What to do about a login that is refused.
const LOGIN_ADVICE: &str = "Rotate the credential and use its new secret. If it was made or rotated just now, wait until the \
                            agent has confirmed the newest policy and test again.";
const REFUSED_ADVICE: &str = "Look at the rules about this application's clients: one of them forbids to connect, or the \
                              grant holds at other sites.";
const LATER_ADVICE: &str = "Try again in a moment; if it goes on, the listener's limit of clients is too small.";
const RECEIVE_ADVICE: &str = "Wait until the agent has confirmed the newest policy and test again; if it stays, a rule \
                              forbids what the grant gives: ask an approver to look at Explain.";

async fn over_mqtt(mut client: Client, welcome: Welcome, receive: &[Filter], ladder: &mut Ladder) {
    let fault = match welcome {
        Welcome::In => None,
        Welcome::Login(why) => Some(Fault::new(format!("It does not let it in: {why}."), LOGIN_ADVICE)),
        Welcome::Refused(why) => Some(Fault::new(format!("It does not let it in: {why}."), REFUSED_ADVICE)),
        Welcome::Later(why) => Some(Fault::new(format!("It takes nobody now: {why}."), LATER_ADVICE)),
    };
    if let Some(fault) = fault {
        ladder.failed(TestLayer::Login, None, fault);
        return client.leave(&[]).await;
    }
    ladder.passed(TestLayer::Login, None, "It let the credential in.");
    let mut asked: Vec<(&Filter, String)> = Vec::new();
    for filter in receive.iter().take(FILTERS_MAX) {
        match over_the_wire(filter) {
            Some(text) => asked.push((filter, text)),
            None => unasked(filter, "MQTT has no signs for this filter: clients subscribe to narrower ones.", ladder),
        }
    }
    let texts: Vec<&str> = asked.iter().map(|(_, text)| text.as_str()).collect();
    if !texts.is_empty() {
        match client.subscribe(&texts).await {
            Ok(refusals) => {
                for ((filter, text), refused) in asked.iter().zip(refusals) {
                    match refused {
                        None => may(filter, format!("Subscribed to {text}, and unsubscribed at once."), ladder),
                        Some(why) => may_not(filter, format!("The subscription to {text} was refused: {why}."), ladder),
                    }
                }
            }
            Err(odd) => {
                let fault = odd.fault(PlanProtocol::Mqtt);
                for (filter, _) in &asked {
                    ladder.of(TestLayer::Receive, filter.text(), TestState::Failed, fault.clone());
                }
            }
        }
    }
    client.leave(&texts).await;
    not_all(receive, ladder);
}

async fn over_http(way: &Way, login: &Login, receive: &[Filter], ladder: &mut Ladder) {
    let began = Instant::now();
    match ask(way, http::EVENTS, login).await {
        // The filter is missing, which is looked at after the login.
        Ok(http::Answer { status: 400 | 200, .. }) => {
            ladder.passed(TestLayer::Login, Some(began), "It let the credential in.");
        }
        Ok(answer) => {
            let advice = match answer.status {
                401 => LOGIN_ADVICE,
                503 | 429 => LATER_ADVICE,
                _ => REFUSED_ADVICE,
            };
            let fault = Fault::new(format!("It does not let it in: {}.", said(&answer)), advice);
            return ladder.failed(TestLayer::Login, Some(began), fault);
        }
        Err(fault) => return ladder.failed(TestLayer::Login, Some(began), fault),
    }
    for filter in receive.iter().take(FILTERS_MAX) {
        if filter.dialect() != Dialect::Mesh {
            unasked(filter, "It is written in the signs of MQTT, and not asked for over HTTP.", ladder);
            continue;
        }
        match ask(way, &http::receive(filter.text()), login).await {
            Ok(http::Answer { status: 200, .. }) => {
                may(filter, "A stream of it was opened, and ended at once.".to_owned(), ladder);
            }
            Ok(answer) => may_not(filter, format!("A stream of it was refused: {}.", said(&answer)), ladder),
            Err(fault) => ladder.of(TestLayer::Receive, filter.text(), TestState::Failed, fault),
        }
    }
    not_all(receive, ladder);
}

async fn ask(way: &Way, path: &str, login: &Login) -> Result<http::Answer, Fault> {
    let io = way.again().await?;
    let asked = http::ask(io, way.host(), path, Some(login), way.time()).await;
    asked.map_err(|odd| odd.fault(PlanProtocol::Http))
}

fn said(answer: &http::Answer) -> String {
    if answer.detail.is_empty() { format!("it answered {}", answer.status) } else { answer.detail.clone() }
}

fn may(filter: &Filter, what: String, ladder: &mut Ladder) {
    ladder.of(TestLayer::Receive, filter.text(), TestState::Ok, Fault::new(what, ""));
}

fn may_not(filter: &Filter, what: String, ladder: &mut Ladder) {
    ladder.of(TestLayer::Receive, filter.text(), TestState::Failed, Fault::new(what, RECEIVE_ADVICE));
}

fn unasked(filter: &Filter, why: &str, ladder: &mut Ladder) {
    ladder.of(TestLayer::Receive, filter.text(), TestState::Skipped, Fault::new(why, ""));
}

fn not_all(receive: &[Filter], ladder: &mut Ladder) {
    for filter in receive.iter().skip(FILTERS_MAX) {
        unasked(filter, "Not asked for: a test asks for the first 16 filters.", ladder);
    }
}

/// A filter in the signs of MQTT, exactly as wide; none = it has no such.
fn over_the_wire(filter: &Filter) -> Option<String> {
    if filter.dialect() == Dialect::Mqtt {
        return Some(filter.text().to_owned());
    }
    let levels: Vec<&str> = filter.text().split('/').collect();
    let mut out = Vec::with_capacity(levels.len());
    for (index, level) in levels.iter().enumerate() {
        match *level {
            "*" => out.push("+"),
            // One or more levels: one, and zero or more.
            ">" if index + 1 == levels.len() => out.extend(["+", "#"]),
            other if other.ends_with('*') || other.contains(['+', '#']) => return None,
            other => out.push(other),
        }
    }
    Some(out.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_as_wide_over_mqtt_as_they_are() {
        let wire = |text: &str| over_the_wire(&Filter::mesh(text).expect("a filter"));
        for (mesh, mqtt) in [("orders/*/created", "orders/+/created"), ("orders/>", "orders/+/#"), (">", "+/#")] {
            assert_eq!(wire(mesh).as_deref(), Some(mqtt));
            let (mesh, mqtt) = (Filter::mesh(mesh).expect("a filter"), Filter::mqtt(mqtt).expect("a filter"));
            assert!(mesh.includes(&mqtt) && mqtt.includes(&mesh), "{mesh:?} {mqtt:?}");
        }
        assert_eq!(wire("orders/fr*/created"), None);
        assert_eq!(wire("orders/a+b"), None);
    }

    #[test]
    fn a_secret_shows_itself_to_nobody() {
        let login = Login::new("shop", "s3cr3t-word");
        assert!(!format!("{login:?}").contains("s3cr3t"));
        assert_ne!(login.client_id, Login::new("shop", "s3cr3t-word").client_id);
    }
}
