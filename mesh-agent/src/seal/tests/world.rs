//! Agents of one mesh that hear everything, as zenoh's routers do.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use mesh_protocol::frame::envelope::{self, Envelope};
use mesh_protocol::id::AgentId;
use uuid::Uuid;

use super::super::{Opened, Sealer, Unopened};
use crate::identity::sealing::{Public, SealingKeys};
use crate::stream::Moment;

pub(super) fn agent(index: usize) -> AgentId {
    AgentId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + index as u128))
}

pub(super) fn index(agent: AgentId) -> usize {
    usize::try_from(agent.0.as_u128() & 0xff).expect("small")
}

/// Agents of one mesh, and everything they ever sent.
pub(super) struct World {
    pub(super) now: Moment,
    pub(super) keys: Vec<SealingKeys>,
    pub(super) sealers: Vec<Sealer>,
    /// Whom it was for, and its bytes.
    pub(super) wire: Vec<(usize, Bytes)>,
    /// By whom, from whom, and what.
    pub(super) read: Vec<(usize, usize, String)>,
    pub(super) loses: bool,
}

impl World {
    pub(super) fn new(count: usize) -> Self {
        let keys: Vec<SealingKeys> = (0..count).map(|_| SealingKeys::random()).collect();
        let mut world =
            Self { now: Moment(1), sealers: Vec::new(), keys, wire: Vec::new(), read: Vec::new(), loses: false };
        world.sealers = (0..count).map(|at| world.sealer(at)).collect();
        world
    }

    /// The newest key of each, as policy names them.
    pub(super) fn members(&self) -> BTreeMap<AgentId, Public> {
        self.keys.iter().enumerate().map(|(at, keys)| (agent(at), *keys.newest().public())).collect()
    }

    pub(super) fn sealer(&self, at: usize) -> Sealer {
        let mut sealer = Sealer::new(agent(at), self.keys[at].clone());
        sealer.set_members(&self.members());
        sealer
    }

    pub(super) fn restart(&mut self, at: usize) {
        self.sealers[at] = self.sealer(at);
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    /// What the fabric does with an envelope.
    pub(super) fn deliver(&mut self, to: usize, bytes: &Bytes) -> Result<Opened, Unopened> {
        let opened = self.sealers[to].open(self.now, BytesMut::from(&bytes[..]))?;
        match &opened {
            Opened::Frame { agent, content } => {
                self.read.push((to, index(*agent), String::from_utf8_lossy(content).into_owned()));
            }
            Opened::Call { agent, answer, stands } => {
                self.carry(index(*agent), answer.clone());
                if *stands {
                    self.send(to, index(*agent), "hello");
                }
            }
        }
        Ok(opened)
    }

    pub(super) fn carry(&mut self, to: usize, bytes: Option<Bytes>) {
        let Some(bytes) = bytes else { return };
        self.wire.push((to, bytes.clone()));
        if !self.loses {
            let _ = self.deliver(to, &bytes);
        }
    }

    pub(super) fn call(&mut self, from: usize, to: usize) {
        let call = self.sealers[from].call(agent(to));
        self.carry(to, call);
    }

    pub(super) fn sealed(&mut self, from: usize, to: usize, text: &str) -> Option<Bytes> {
        self.sealers[from].seal(self.now, agent(to), |out| out.put_slice(text.as_bytes()))
    }

    pub(super) fn send(&mut self, from: usize, to: usize, text: &str) {
        let sealed = self.sealed(from, to, text);
        self.carry(to, sealed);
    }

    /// A frame that is on its way.
    pub(super) fn frame(&mut self, from: usize, to: usize, text: &str) -> Bytes {
        self.sealed(from, to, text).expect("a session")
    }

    pub(super) fn frame_for_set(&mut self, from: usize, to: &[usize], text: &str) -> Bytes {
        let to: Vec<AgentId> = to.iter().map(|at| agent(*at)).collect();
        let sealed = self.sealers[from].seal_for_set(self.now, &to, |out| out.put_slice(text.as_bytes()));
        sealed.expect("a session with each")
    }

    /// What the fabric does with every heartbeat.
    pub(super) fn beat(&mut self, from: usize, to: usize) {
        self.pass(Duration::from_millis(200));
        if self.sealers[from].is_to_be_called(self.now, agent(to)) {
            self.call(from, to);
        }
        self.send(from, to, "beat");
    }

    pub(super) fn meet(&mut self, one: usize, other: usize) {
        for _ in 0..2 {
            self.beat(one, other);
            self.beat(other, one);
        }
    }

    pub(super) fn met(count: usize) -> Self {
        let mut world = Self::new(count);
        for one in 0..count {
            for other in one + 1..count {
                world.meet(one, other);
            }
        }
        world
    }

    pub(super) fn has_read(&self, by: usize, from: usize, text: &str) -> usize {
        self.read.iter().filter(|(at, of, what)| (*at, *of, what.as_str()) == (by, from, text)).count()
    }

    pub(super) fn understand_each_other(&mut self, one: usize, other: usize) -> bool {
        let read = |world: &mut Self, from: usize, to: usize| {
            let text = format!("{from} to {to} at {:?}", world.now);
            world.send(from, to, &text);
            world.has_read(to, from, &text) == 1
        };
        read(self, one, other) && read(self, other, one)
    }

    /// The name of the session by which one sends to the other.
    pub(super) fn session_of(frame: &Bytes) -> u64 {
        match envelope::read(frame).expect("an envelope") {
            Envelope::One { place, .. } => place.session,
            other => unreachable!("{other:?}"),
        }
    }
}
