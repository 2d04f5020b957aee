//! Discovery of a Kafka cluster: brokers, topics, partitions, settings, consumer groups with members and lag; access lists,
//! quotas, users, transactions, quorum, sizes and producers.
//!
//! ```text
//! full scan, then every ten seconds a quick one: only what changed is reported      (`teller`)
//!       |          settings are read again for new topics only; a full scan reads and reports all, every five minutes
//!       |          what the client library has no question for is asked every thirty seconds                    (`survey`)
//!       +-- unreachable? the reason is reported and shown; missing rights are named with the command that grants them
//! ```
//! A scan never fails as a whole: what could be read is reported. It is polite: requests go one after the other, in
//! chunks, and a scan that takes long is followed by a longer pause.

mod scan;
mod survey;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mesh_protocol::desired::BrokerConnection;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Deps;
use super::teller::Teller;
use crate::kafka::config;
use crate::part::{self, StartError};
use crate::status::PartHandle;
use crate::task::Tasks;
use scan::{Depth, Found, Scanner};
use survey::Survey;

/// Pause between two scans.
const INTERVAL: Duration = Duration::from_secs(10);
/// Pause after a scan that found nobody.
const RETRY: Duration = Duration::from_secs(3);

/// A discovery at work.
#[derive(Debug)]
pub struct Running {
    tasks: Tasks,
    stopping: Arc<AtomicBool>,
}

/// Starts the discovery of one cluster, which writes its own line on the board.
///
/// # Errors
/// What is wrong with the broker connection, and what to do.
pub fn start(broker: &BrokerConnection, deps: Deps, line: Arc<PartHandle>) -> Result<Running, StartError> {
    let settings = config::base(broker, &*deps.secrets, "meshport-discovery")?;
    let survey = Survey::new(broker, &*deps.secrets)?;
    let stopping = Arc::new(AtomicBool::new(false));
    let scanner = Scanner::new(broker, &settings, stopping.clone())?;
    let tasks = Tasks::new("kafka-discovery");
    let teller = Teller::new(broker.id, deps.reports, line);
    tasks.spawn_until_stopped("discovery", run(scanner, survey, teller));
    Ok(Running { tasks, stopping })
}

#[async_trait]
impl part::Running for Running {
    fn ended(&self) -> CancellationToken {
        self.tasks.token()
    }

    async fn stop(self: Box<Self>, deadline: Duration) {
        self.stopping.store(true, Ordering::Release);
        self.tasks.stop(deadline).await;
    }
}

async fn run(mut scanner: Scanner, mut survey: Survey, mut teller: Teller) {
    loop {
        let began = Instant::now();
        let depth = if teller.is_full_due() { Depth::All } else { Depth::Changes };
        // The client library's calls block: they have a thread of their own for the time of a scan.
        let scanned = tokio::task::spawn_blocking(move || {
            let found = scanner.scan(depth);
            (scanner, found)
        });
        let Ok((back, found)) = scanned.await else { return };
        scanner = back;
        let pause = match found {
            Ok(mut found) => {
                survey.add(&mut found, depth).await;
                found.fold_missing();
                tell(&mut teller, found, depth);
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

fn tell(teller: &mut Teller, found: Found, depth: Depth) {
    teller.figure("topics", found.topics);
    teller.figure("partitions", found.partitions);
    teller.figure("groups", found.groups);
    teller.tell_line(&found.missing, &found.trouble);
    let missing = found.missing.into_iter().chain(found.optional).collect();
    teller.tell(found.objects, missing, depth == Depth::All);
}
