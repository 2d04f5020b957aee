//! A wire without IO: what was put is taken out by a simulation, which loses, repeats and delays it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use mesh_protocol::frame::Frame;
use mesh_protocol::id::AgentId;

use super::{Neighbour, inbox_key};

/// One agent's end. Cloning it means the same end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Air(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    posted: Vec<Posted>,
    said: Vec<Frame>,
    /// Keys that are heard, and how often.
    heard: BTreeMap<String, u32>,
    neighbours: Vec<AgentId>,
}

/// A frame on its way.
#[derive(Clone, Debug)]
pub(crate) struct Posted {
    /// Who hears this key gets it.
    pub(crate) key: String,
    /// The frame.
    pub(crate) frame: Bytes,
}

/// A key that is heard until this is dropped.
pub(in crate::fabric) struct Hearing {
    air: Air,
    key: String,
}

impl Air {
    /// The end of an agent, which hears its inbox and has links to these.
    #[must_use]
    pub(crate) fn new(agent: AgentId, neighbours: Vec<AgentId>) -> Self {
        let heard = BTreeMap::from([(inbox_key(agent), 1)]);
        Self(Arc::new(Mutex::new(State { posted: Vec::new(), said: Vec::new(), heard, neighbours })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic while held")
    }

    /// What was put since the last call.
    pub(crate) fn take(&self) -> Vec<Posted> {
        std::mem::take(&mut self.state().posted)
    }

    /// What was in the frames that were put since the last call, which are sealed.
    #[must_use]
    pub(crate) fn take_said(&self) -> Vec<Frame> {
        std::mem::take(&mut self.state().said)
    }

    /// Whether a frame under this key comes here.
    pub(crate) fn hears(&self, key: &str) -> bool {
        self.state().heard.contains_key(key)
    }

    pub(super) fn say(&self, frame: &Frame) {
        self.state().said.push(frame.clone());
    }

    pub(super) fn put(&self, key: &str, frame: Bytes) {
        self.state().posted.push(Posted { key: key.to_owned(), frame });
    }

    pub(super) fn hear(&self, key: &str) -> Hearing {
        *self.state().heard.entry(key.to_owned()).or_default() += 1;
        Hearing { air: self.clone(), key: key.to_owned() }
    }

    pub(super) fn neighbours(&self) -> Vec<Neighbour> {
        let neighbour = |agent: &AgentId| Neighbour {
            agent: Some(*agent),
            name: agent.to_string(),
            address: "simulated".to_owned(),
        };
        self.state().neighbours.iter().map(neighbour).collect()
    }
}

impl Drop for Hearing {
    fn drop(&mut self) {
        let mut state = self.air.state();
        if let Some(ears) = state.heard.get_mut(&self.key) {
            *ears -= 1;
            if *ears == 0 {
                state.heard.remove(&self.key);
            }
        }
    }
}
