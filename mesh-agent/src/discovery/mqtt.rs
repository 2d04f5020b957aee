//! Discovery of an MQTT broker by a client of its own, which only listens.
//!
//! ```text
//! connect -> subscribe to $SYS/#, and stay          each scan: what the broker told of itself since the last one
//!         -> every five minutes subscribe to #      it sends what it keeps for each address (retained); the size is told
//!            -> two seconds without any, or 15 s    unsubscribe: live messages came along, and are nobody's business here
//! ```
//! A broker need not say that it does not permit something: Mosquitto takes any subscription and sends nothing. So what it counts
//! itself is compared with what it sent, and while something is missing it is asked again sooner.

mod client;
mod system;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mesh_protocol::desired::{Surveyed, SurveyedKind, mqtt_address};
use mesh_protocol::report::{MQTT_ADDRESSES_MAX, MissingRight, MqttAddressFacts, ObjectFacts, RuntimeObject};
use tokio::time::Instant;

use self::client::{Bounds, Client, End, Message, Place, Trouble};
use self::system::System;
use super::surveyed::{Found, Notes, Scanner};
use crate::causes::chain;
use crate::http::login::{how_to_log_in, password, sends_readable};
use crate::http::rest::Failure;
use crate::kafka::secret::Secrets;
use crate::part::StartError;
use crate::trust::{self, TrustError};

/// What the broker tells of itself.
const SYSTEM: &str = "$SYS/#";
/// Every address that is not the broker's own.
const ALL: &str = "#";
/// It is asked for what it keeps this often.
const LOOK_INTERVAL: Duration = Duration::from_secs(300);
/// While something is missing, it is asked again after this time, and after twice as long each time that nothing changed.
const DOUBT_INTERVAL: Duration = Duration::from_secs(30);
/// A filter for which the broker ended the connection is left alone for this time.
const SHUNNED: Duration = Duration::from_secs(300);
/// A broker tells its counts this late, usually every ten seconds.
const COUNT_DELAY: Duration = Duration::from_secs(20);
/// How long its own topics may take to come after the subscription.
const SYSTEM_BOUNDS: Bounds =
    Bounds { quiet: Duration::from_secs(1), time: Duration::from_secs(5), bytes: 4 * 1024 * 1024 };
/// How long what it keeps may take, and how much of it and of live messages is read.
const ADDRESS_BOUNDS: Bounds =
    Bounds { quiet: Duration::from_secs(2), time: Duration::from_secs(15), bytes: 64 * 1024 * 1024 };
/// Longest address that is told, in bytes.
const ADDRESS_BYTES_MAX: usize = 1_024;

/// Looks at one broker.
#[derive(Debug)]
pub(super) struct Mqtt {
    place: Place,
    /// Name of the password, for people.
    secret: String,
    client: Option<Client>,
    system: System,
    system_standing: Standing,
    addresses: Addresses,
    address_standing: Standing,
    /// When it was last asked for what it keeps.
    looked_at: Option<Instant>,
    /// How long to wait for the next time, while something is missing.
    patience: Duration,
    /// Why the last look failed.
    look_failed: Option<String>,
    /// It told something of itself at that time.
    told_then: bool,
    /// What it counted itself at that time.
    counted: Option<u64>,
    /// Messages that it keeps and did not send.
    hidden: u64,
}

/// What the broker said to a subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Standing {
    #[default]
    Unasked,
    Permitted,
    Refused,
    /// It ended the connection instead of an answer.
    Shunned(Instant),
}

impl Standing {
    fn is_refused(self) -> bool {
        matches!(self, Self::Refused | Self::Shunned(_))
    }

    /// Whether to ask for it.
    fn may_be_asked(self) -> bool {
        !matches!(self, Self::Shunned(at) if at.elapsed() < SHUNNED)
    }

    /// Takes the answer.
    fn take(&mut self, answer: &Result<bool, Trouble>) {
        *self = match answer {
            Ok(true) => Self::Permitted,
            Ok(false) => Self::Refused,
            Err(Trouble::Ended(_)) => Self::Shunned(Instant::now()),
            Err(_) => *self,
        };
    }
}

/// Addresses with the bytes of what is kept there.
#[derive(Debug, Default, PartialEq, Eq)]
struct Addresses {
    kept: BTreeMap<String, u64>,
    left_out: u64,
    /// There may be more: the look was cut short.
    in_part: bool,
}

impl Addresses {
    /// Takes a message, if it is a kept one. Of too many the first by name stay, so that each look tells the same ones.
    fn take(&mut self, message: Message<'_>) -> bool {
        if !message.retained || message.payload.is_empty() {
            return false;
        }
        if message.topic.len() > ADDRESS_BYTES_MAX {
            self.left_out += 1;
        } else {
            self.put(message.topic.to_owned(), message.payload.len() as u64);
        }
        true
    }

    fn put(&mut self, topic: String, bytes: u64) {
        self.kept.insert(topic, bytes);
        if self.kept.len() > MQTT_ADDRESSES_MAX {
            self.kept.pop_last();
            self.left_out += 1;
        }
    }

    fn count(&self) -> u64 {
        self.kept.len() as u64 + self.left_out
    }

    /// Takes what a look found. One that was cut short says nothing about what it did not get to.
    fn update(&mut self, found: Self) {
        if !found.in_part {
            *self = found;
            return;
        }
        let left_out = self.left_out.max(found.left_out);
        for (topic, bytes) in found.kept {
            self.put(topic, bytes);
        }
        self.left_out = left_out;
        self.in_part = true;
    }
}

impl Mqtt {
    /// # Errors
    /// What is wrong with the broker connection or with this machine, and what to do.
    pub(super) fn new(surveyed: &Surveyed, secrets: &dyn Secrets) -> Result<Self, StartError> {
        let rejected = |what: String| StartError::Rejected(format!("broker connection {}: {what}", surveyed.name));
        SurveyedKind::Mqtt.check_url(&surveyed.url).map_err(|error| rejected(format!("the URL {error}")))?;
        let (secure, address) = mqtt_address(&surveyed.url).unwrap_or_default();
        if sends_readable(surveyed) {
            return Err(rejected("the password would be sent readable: use mqtts".to_owned()));
        }
        let tls =
            secure.then(|| trust::client(surveyed.ca_pem.as_deref())).transpose().map_err(|error| match error {
                TrustError::NoRoots => StartError::Failing(format!(
                    "{error}: install its package ca-certificates, or name the authority of the broker"
                )),
                _ => rejected(chain(&error)),
            })?;
        let (host, port) = host_and_port(address, if secure { 8883 } else { 1883 });
        let login = password(surveyed, secrets)?.map(|(username, password)| (username.to_owned(), password));
        Ok(Self {
            place: Place { host, port, tls: tls.map(Arc::new), login },
            secret: surveyed.login.as_ref().map(|login| login.secret.clone()).unwrap_or_default(),
            client: None,
            system: System::default(),
            system_standing: Standing::Unasked,
            addresses: Addresses::default(),
            address_standing: Standing::Unasked,
            looked_at: None,
            patience: DOUBT_INTERVAL,
            look_failed: None,
            told_then: false,
            counted: None,
            hidden: 0,
        })
    }

    fn reason(&self, trouble: &Trouble) -> String {
        let told = format!("{} {}", self.place, chain(trouble));
        match trouble {
            Trouble::Login => {
                let login = self.place.login.as_ref().map(|(user, _)| (user.as_str(), self.secret.as_str()));
                format!("{told}; {}", how_to_log_in(login))
            }
            _ => told,
        }
    }

    /// What the broker told of itself since the last scan; connects first where there is no connection.
    async fn hear(&mut self) -> Result<Client, Trouble> {
        let system = &mut self.system;
        if let Some(mut client) = self.client.take() {
            client.ping(&mut |message| system.take(message.topic, message.payload)).await?;
            return Ok(client);
        }
        let mut client = Client::connect(&self.place).await?;
        *system = System::default();
        let mut take = |message: Message<'_>| system.take(message.topic, message.payload);
        if self.system_standing.may_be_asked() {
            let answer = client.subscribe(SYSTEM, &mut take).await;
            self.system_standing.take(&answer);
            if answer? {
                client.listen(SYSTEM_BOUNDS, &mut take).await?;
            }
        }
        Ok(client)
    }

    fn is_look_due(&self) -> bool {
        let pause = if self.is_in_doubt() { self.patience } else { LOOK_INTERVAL };
        self.address_standing.may_be_asked() && self.looked_at.is_none_or(|at| at.elapsed() >= pause)
    }

    /// Whether there is more than it sent, or seems to be. Who began to tell something of itself may tell more by now, too.
    fn is_in_doubt(&self) -> bool {
        let changed = self.system.is_told() && !self.told_then;
        self.address_standing.is_refused() || self.hidden > 0 || self.is_silent() || changed
    }

    /// Whether it said nothing at all.
    fn is_silent(&self) -> bool {
        self.addresses.count() == 0 && !self.system.is_told()
    }

    /// Asks for what it keeps, and notes how that went.
    async fn look_if_due(&mut self, client: &mut Client) -> Result<(), Trouble> {
        if !self.is_look_due() {
            return Ok(());
        }
        let before = (self.address_standing, self.addresses.count());
        let looked = self.look(client).await;
        self.looked_at = Some(Instant::now());
        self.told_then = self.system.is_told();
        self.look_failed = looked.as_ref().err().map(|trouble| self.reason(trouble));
        self.addresses.in_part |= looked.is_err();
        let is_news = before != (self.address_standing, self.addresses.count());
        self.patience = if is_news { DOUBT_INTERVAL } else { (self.patience * 2).min(LOOK_INTERVAL) };
        looked
    }

    /// Asks for what it keeps.
    async fn look(&mut self, client: &mut Client) -> Result<(), Trouble> {
        let (mut found, system) = (Addresses::default(), &mut self.system);
        // What does not change is sent once for each subscription: that before the right was granted brought nothing.
        if system.is_silent_about_version() && self.system_standing.may_be_asked() {
            let answer = client.subscribe(SYSTEM, &mut |message| system.take(message.topic, message.payload)).await;
            self.system_standing.take(&answer);
            if answer? {
                let bounds = SYSTEM_BOUNDS;
                client.listen(bounds, &mut |message| system.take(message.topic, message.payload)).await?;
            }
        }
        let mut take = |message: Message<'_>| !system.take(message.topic, message.payload) && found.take(message);
        let answer = client.subscribe(ALL, &mut take).await;
        self.address_standing.take(&answer);
        if !answer? {
            return Ok(());
        }
        let end = client.listen(ADDRESS_BOUNDS, &mut take).await?;
        client.unsubscribe(ALL, &mut |_| false).await?;
        found.in_part = end == End::Cut;
        self.addresses.update(found);
        self.counted = self.system.retained();
        Ok(())
    }

    /// How many messages it keeps by its own count and did not send. Its count comes late, and messages come and go: only what
    /// is missing by the count before the look and by the one after it is.
    fn compare(&mut self) {
        let sent = self.system.topics() + self.addresses.count();
        let counts = self.counted.zip(self.system.retained());
        let missing = counts.map_or(0, |(before, now)| before.min(now).saturating_sub(sent));
        let is_late = self.looked_at.is_some_and(|at| at.elapsed() >= COUNT_DELAY);
        if missing == 0 || self.addresses.in_part {
            self.hidden = 0;
        } else if is_late {
            self.hidden = missing;
        }
    }

    /// A right, with the lines that grant it in Mosquitto's access list.
    fn right(&self, what: &str, filter: &str) -> MissingRight {
        let user = self.place.login.as_ref().map(|(user, _)| format!("user {user}\n")).unwrap_or_default();
        MissingRight {
            what: what.to_owned(),
            right: format!("read {filter} (in Mosquitto: these lines in its acl_file, then SIGHUP)"),
            command: format!("{user}topic read {filter}"),
        }
    }

    fn note(&self, notes: &mut Notes) {
        let system = self.right("version, clients and counts, if the broker tells them", SYSTEM);
        if self.system_standing.is_refused() {
            notes.missing.push(system);
        } else if self.is_silent() {
            notes.optional.push(system);
        }
        if self.address_standing.is_refused() {
            notes.missing.push(self.right("addresses with a retained message", ALL));
        } else if self.hidden > 0 {
            let what = format!("addresses with a retained message: there are {} more", self.hidden);
            notes.missing.push(self.right(&what, ALL));
        } else if self.is_silent() {
            notes.optional.push(self.right("addresses with a retained message, if there are any", ALL));
        }
        if let Some(reason) = &self.look_failed {
            let failure = Err::<(), _>(Failure::Odd(reason.clone()));
            notes.keep("retained messages", failure, || self.right("addresses with a retained message", ALL));
        }
    }

    /// All that is known, as objects.
    fn tell(&self, found: &mut Found) {
        let mut facts = self.system.facts();
        facts.addresses_left_out = self.addresses.left_out;
        facts.addresses_in_part = self.addresses.in_part;
        for (topic, bytes) in &self.addresses.kept {
            let facts_of = ObjectFacts::MqttAddress(MqttAddressFacts { bytes: *bytes });
            if found.push(RuntimeObject { name: topic.clone(), facts: facts_of }) {
                facts.addresses += 1;
            } else {
                facts.addresses_left_out += 1;
            }
        }
        found.figures = vec![
            ("addresses", facts.addresses),
            ("addresses_left_out", facts.addresses_left_out),
            ("clients", facts.clients_connected.unwrap_or_default()),
        ];
        found.objects.push(RuntimeObject { name: "mqtt".to_owned(), facts: ObjectFacts::Mqtt(facts) });
    }

    async fn listen_once(&mut self) -> Result<(), Trouble> {
        let mut client = self.hear().await?;
        self.look_if_due(&mut client).await?;
        self.client = Some(client);
        Ok(())
    }
}

/// `host`, `host:port` or `[address]:port`.
fn host_and_port(address: &str, otherwise: u16) -> (String, u16) {
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().unwrap_or(otherwise)),
        _ => (address, otherwise),
    };
    (host.trim_matches(['[', ']']).to_owned(), port)
}

#[async_trait]
impl Scanner for Mqtt {
    async fn scan(&mut self, _anew: bool) -> Result<Found, String> {
        self.listen_once().await.map_err(|trouble| self.reason(&trouble))?;
        self.compare();
        let mut found = Found::default();
        self.note(&mut found.notes);
        // What was not sent may be there all the same.
        found.in_part = self.addresses.in_part || self.address_standing != Standing::Permitted || self.hidden > 0;
        self.tell(&mut found);
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
