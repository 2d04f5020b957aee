//! Looks at records of Kafka topics, for people at the portal.
//!
//! Records are read when somebody asks and are kept nowhere. Whether anybody may look into a cluster at all is said by
//! policy, in the signed document that the agent enforces; who may is the portal's to decide. A look has a client of its
//! own, in no group, for as long as it takes: what it may see is what the connection's user may read.

mod kafka;
mod kept;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mesh_protocol::browse::{FIND_BYTES_MAX, TopicAnswer, TopicAsk, TopicPage};
use mesh_protocol::desired::BrokerConnection;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::control::standing::Standing;
use crate::kafka::config;
use crate::kafka::secret::Secrets;
use kafka::{End, Look};

/// Looks at the same time: each holds the records it reads in memory.
const LOOKS_MAX: usize = 3;
/// A look ends after this time with what it has.
const LOOK: Duration = Duration::from_secs(12);
/// How long a look waits for its turn.
const TURN: Duration = Duration::from_secs(8);

/// Looks at topics of the clusters that the agent can reach.
pub struct Topics {
    standing: watch::Receiver<Standing>,
    secrets: Arc<dyn Secrets>,
    stopping: CancellationToken,
    turns: Arc<Semaphore>,
}

impl fmt::Debug for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topics").finish_non_exhaustive()
    }
}

impl Topics {
    /// Looks with what stands, until it is stopped.
    #[must_use]
    pub fn new(standing: watch::Receiver<Standing>, secrets: Arc<dyn Secrets>, stopping: CancellationToken) -> Self {
        Self { standing, secrets, stopping, turns: Arc::new(Semaphore::new(LOOKS_MAX)) }
    }

    /// Looks once.
    pub async fn answer(&self, ask: TopicAsk) -> TopicAnswer {
        match self.look(ask).await {
            Ok(page) => TopicAnswer::Page(page),
            Err(reason) => TopicAnswer::Refused { reason },
        }
    }

    async fn look(&self, ask: TopicAsk) -> Result<TopicPage, String> {
        let broker = self.permitted(&ask)?;
        let settings = config::base(&broker, &*self.secrets, "meshport-browse").map_err(|error| error.to_string())?;
        let turn = tokio::time::timeout(TURN, self.turns.clone().acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err("this agent looks into as many topics as it may; try again in a moment".to_owned());
        };
        let end = End::new(Instant::now() + LOOK, self.stopping.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            Look::new(&broker, settings, ask, end)?.look()
        });
        looked.await.unwrap_or_else(|_| Err("the look did not end as it should: see the agent's log".to_owned()))
    }

    /// The connection, when policy lets people look into it.
    fn permitted(&self, ask: &TopicAsk) -> Result<BrokerConnection, String> {
        if ask.find.len() > FIND_BYTES_MAX {
            return Err(format!("the text to look for is longer than {FIND_BYTES_MAX} bytes"));
        }
        let standing = self.standing.borrow();
        let accepted = standing.accepted.as_ref();
        let accepted = accepted.ok_or("this agent has no policy yet and denies everything; look at its state")?;
        let broker = accepted.state.brokers.iter().find(|broker| broker.id == ask.broker);
        let broker = broker.ok_or("this agent does not know the cluster (yet): it may be new, then try again")?;
        if !broker.browse {
            return Err(format!("policy lets nobody look into {}: its connection says so", broker.name));
        }
        Ok(broker.clone())
    }
}

#[cfg(test)]
mod tests;
