//! Discovery of what is no Kafka cluster: by its REST API, or as a client of its own, read only.
//!
//! ```text
//! a scan every ten seconds: what changed is reported; every five minutes all of it
//!       +-- nobody answers? the reason is reported and shown, and it is tried again
//!       +-- something cannot be read? it stays as it was known, and the line says what and why (`Notes`)
//! ```
//! As with Kafka clusters, requests go one after the other, and a scan that takes long is followed by a longer pause.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mesh_protocol::desired::{Surveyed, SurveyedKind};
use mesh_protocol::report::{MissingRight, RuntimeObject};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::teller::Teller;
use super::{Deps, connect, mqtt, rabbit, registry};
use crate::http::rest::{Failure, Rest};
use crate::part::{self, StartError};
use crate::reports::json_bytes;
use crate::status::PartHandle;
use crate::task::Tasks;

/// Pause between two scans.
const INTERVAL: Duration = Duration::from_secs(10);
/// Pause after a scan that found nobody.
const RETRY: Duration = Duration::from_secs(3);
/// So many questions of a scan may find nobody; then the rest is asked another time.
const LOST_MAX: u32 = 3;
/// Most bytes of all facts of one connection, as JSON: what its owner writes into them must not fill the agent.
const FACTS_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Looks at one thing, again and again, and remembers what it needs for that.
#[async_trait]
pub(super) trait Scanner: Send {
    /// Looks at it. `anew`: also at what hardly changes.
    ///
    /// # Errors
    /// Why nothing could be read at all.
    async fn scan(&mut self, anew: bool) -> Result<Found, String>;
}

/// What a scan found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) objects: Vec<RuntimeObject>,
    bytes: usize,
    /// Numbers for the connection's line.
    pub(super) figures: Vec<(&'static str, u64)>,
    pub(super) notes: Notes,
    /// A list could not be read: what is not here may be there all the same.
    pub(super) in_part: bool,
}

impl Found {
    /// Takes an object, unless there is no room for it.
    pub(super) fn push(&mut self, object: RuntimeObject) -> bool {
        let bytes = self.bytes + json_bytes(&object);
        let fits = bytes <= FACTS_BYTES_MAX;
        if fits {
            self.bytes = bytes;
            self.objects.push(object);
        }
        fits
    }
}

/// What could not be read, said once for each kind of thing.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) missing: Vec<MissingRight>,
    /// Rights that one may have reasons not to give: without them nothing is wrong.
    pub(super) optional: Vec<MissingRight>,
    failures: BTreeMap<&'static str, (u64, String)>,
    lost: u32,
}

impl Notes {
    /// Keeps an answer; notes why there is none. What is absent needs no note. `grant` is the right that would help.
    pub(super) fn keep<T>(
        &mut self,
        what: &'static str,
        answer: Result<T, Failure>,
        grant: impl FnOnce() -> MissingRight,
    ) -> Option<T> {
        let failure = match answer {
            Ok(answer) => return Some(answer),
            Err(Failure::Absent) => return None,
            Err(failure) => failure,
        };
        self.lost += u32::from(matches!(failure, Failure::Lost(_)));
        match failure {
            Failure::Unknown(_) | Failure::Denied(_) => {
                let right = grant();
                if !self.missing.contains(&right) {
                    self.missing.push(right);
                }
            }
            failure => {
                let (count, _) = self.failures.entry(what).or_insert_with(|| (0, failure.reason()));
                *count += 1;
            }
        }
        None
    }

    /// Whether so many questions found nobody that the rest need not be asked now.
    pub(super) fn is_lost(&self) -> bool {
        self.lost >= LOST_MAX
    }

    /// What could not be read for other reasons than a right.
    pub(super) fn trouble(&self) -> Vec<String> {
        let failures = self.failures.iter();
        failures
            .map(|(what, (count, reason))| match count {
                1 => format!("{what} could not be read: {reason}"),
                count => format!("{what} could not be read, {count} times; the first time: {reason}"),
            })
            .collect()
    }
}

/// A discovery at work.
#[derive(Debug)]
pub struct Running(Tasks);

/// Starts the discovery of one connection, which writes its own line on the board.
///
/// # Errors
/// What is wrong with the broker connection, and what to do.
pub fn start(surveyed: &Surveyed, deps: Deps, line: Arc<PartHandle>) -> Result<Running, StartError> {
    let Deps { secrets, reports } = deps;
    let tasks = Tasks::new("discovery");
    let rest = || Rest::new(surveyed, &*secrets, &tasks);
    let scanner: Box<dyn Scanner> = match surveyed.kind {
        SurveyedKind::SchemaRegistry => Box::new(registry::Registry::new(rest()?)),
        SurveyedKind::KafkaConnect => Box::new(connect::Connect::new(rest()?)),
        SurveyedKind::Rabbit => Box::new(rabbit::Rabbit::new(rest()?)),
        SurveyedKind::Mqtt => Box::new(mqtt::Mqtt::new(surveyed, &*secrets)?),
        SurveyedKind::Unknown => {
            return Err(StartError::Rejected(format!(
                "broker connection {}: its kind is newer than this agent, which cannot look at it: update the agent",
                surveyed.name
            )));
        }
    };
    let teller = Teller::new(surveyed.id, reports, line);
    tasks.spawn_until_stopped("discovery", run(scanner, teller));
    Ok(Running(tasks))
}

#[async_trait]
impl part::Running for Running {
    fn ended(&self) -> CancellationToken {
        self.0.token()
    }

    async fn stop(self: Box<Self>, deadline: Duration) {
        self.0.stop(deadline).await;
    }
}

async fn run(mut scanner: Box<dyn Scanner>, mut teller: Teller) {
    loop {
        let began = Instant::now();
        let anew = teller.is_full_due();
        let pause = match scanner.scan(anew).await {
            Ok(found) => {
                for (name, value) in &found.figures {
                    teller.figure(name, *value);
                }
                teller.tell_line(&found.notes.missing, &found.notes.trouble());
                let missing = found.notes.missing.into_iter().chain(found.notes.optional).collect();
                teller.tell(found.objects, missing, anew && !found.in_part);
                INTERVAL.max(began.elapsed() * 2)
            }
            Err(reason) => {
                teller.tell_failure(reason);
                RETRY
            }
        };
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_said_once_for_each_kind_of_thing() {
        let right = || MissingRight { what: "levels".into(), right: "READ".into(), command: "grant".into() };
        let mut notes = Notes::default();
        assert_eq!(notes.keep("versions", Ok(1), right), Some(1));
        assert_eq!(notes.keep::<u8>("versions", Err(Failure::Absent), right), None);
        for reason in ["it said 500", "it said 503"] {
            notes.keep::<u8>("versions", Err(Failure::Odd(reason.to_owned())), right);
        }
        for _ in 0..3 {
            notes.keep::<u8>("levels", Err(Failure::Denied("no".to_owned())), right);
        }
        assert_eq!(notes.missing, [right()]);
        assert_eq!(notes.trouble(), ["versions could not be read, 2 times; the first time: it said 500"]);
        assert!(!notes.is_lost());
        for _ in 0..3 {
            notes.keep::<u8>("levels", Err(Failure::Lost("gone".to_owned())), right);
        }
        assert!(notes.is_lost());
    }

    #[test]
    fn facts_have_a_size_that_they_do_not_exceed() {
        let object = |name: usize| RuntimeObject {
            name: name.to_string().repeat(1_000_000),
            facts: mesh_protocol::report::ObjectFacts::Registry(Default::default()),
        };
        let mut found = Found::default();
        let taken = (1..=9).chain(1..=9).chain(1..=9).chain(1..=9).filter(|name| found.push(object(*name))).count();
        assert_eq!((taken, found.objects.len()), (33, 33));
    }

    #[tokio::test]
    async fn a_kind_of_a_newer_portal_is_refused_and_says_what_to_do() {
        use crate::http::testing::{OneSecret, surveyed};
        use crate::status::Board;

        #[derive(Debug)]
        struct Nobody;
        impl crate::reports::ReportSink for Nobody {
            fn send(&self, _: mesh_protocol::report::Report) -> Result<(), crate::reports::Full> {
                Ok(())
            }
        }
        let deps = Deps { secrets: Arc::new(OneSecret), reports: Arc::new(Nobody) };
        let connection = surveyed(SurveyedKind::Unknown, "http://127.0.0.1:1");
        let line = Board::default().part(mesh_protocol::report::PartRef::Broker(connection.id));
        let refused = start(&connection, deps, Arc::new(line)).expect_err("nobody can look at it");
        assert!(refused.to_string().ends_with("update the agent"), "{refused}");
    }
}
