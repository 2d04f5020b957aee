//! Who is told that something changed. Messages say what, never what to; a receiver that was too slow is told that
//! everything may have changed, so nothing here needs to be kept.

use frontend::api::LiveTopic;
use tokio::sync::broadcast;

/// Messages a slow receiver may be behind before it is told `All` instead.
const BACKLOG_MAX: usize = 256;

/// The portal's change notices. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Live(broadcast::Sender<LiveTopic>);

impl Default for Live {
    fn default() -> Self {
        Self(broadcast::channel(BACKLOG_MAX).0)
    }
}

/// One receiver.
#[derive(Debug)]
pub struct Watch(broadcast::Receiver<LiveTopic>);

impl Live {
    /// Tells everybody.
    pub fn notify(&self, topic: LiveTopic) {
        // Nobody listening is fine: the pages of tomorrow load anew.
        let _unheard = self.0.send(topic);
    }

    /// Starts listening.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch(self.0.subscribe())
    }
}

impl Watch {
    /// The next change; none once the portal stops.
    pub async fn next(&mut self) -> Option<LiveTopic> {
        match self.0.recv().await {
            Ok(topic) => Some(topic),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(LiveTopic::All),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
