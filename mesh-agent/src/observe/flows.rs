//! What clients move, counted per client, direction and address.
//!
//! The way of every event: one uncontended lock, one lookup by topic, two additions. Folding, shapes and reports happen
//! when a topic is new to its client, or once per window.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use mesh_protocol::report::{Direction, FLOWS_MAX, Flow, Traffic};
use mesh_protocol::schema_id;
use mesh_protocol::topic::Topic;
use rustc_hash::FxHashMap;

use super::Client;
use super::address::Addresses;
use super::named::Named;
use super::shape;
use super::shapes::Shapes;
use crate::counters::{Counter, Counters};
use crate::reports::fit;
use crate::status::now_ms;

/// Clients counted at once. Beyond it a client's events are counted as unobserved until others have gone.
pub(super) const CLIENTS_MAX: usize = 100_000;
/// Topics a client's fast lookup holds; above it starts over.
const TOPICS_MAX: usize = 1_024;
/// Addresses counted per client and direction.
const ADDRESSES_MAX: usize = 512;
/// Addresses counted in all.
const SLOTS_MAX: usize = 50_000;
/// Windows without traffic after which a count is forgotten.
const IDLE_WINDOWS_MAX: u64 = 100;

/// All clients that moved something and the addresses they share.
#[derive(Debug)]
pub(super) struct Flows {
    addresses: Mutex<Addresses>,
    /// Copy of the addresses' generation, for the fast way.
    generation: AtomicU64,
    /// By who they are: every HTTP request is a client's coming and going, and all of one caller are counted together.
    clients: Mutex<HashMap<Arc<Client>, Arc<Counted>>>,
    slots: AtomicU64,
    unobserved: Counter,
    unnamed: Counter,
    shapes: Shapes,
}

/// One client's counts.
#[derive(Debug)]
pub(super) struct Counted {
    client: Arc<Client>,
    sides: [Mutex<Side>; 2],
    /// Connections and requests that count here; it grows under the lock of all clients only.
    handles: AtomicUsize,
}

#[derive(Debug, Default)]
struct Side {
    generation: u64,
    by_topic: FxHashMap<Topic, Vec<Arc<Slot>>>,
    slots: FxHashMap<(String, Option<String>), Arc<Slot>>,
}

#[derive(Debug)]
struct Slot {
    address: String,
    broker_topic: Option<String>,
    events: AtomicU64,
    bytes: AtomicU64,
    idle_windows: AtomicU64,
    /// The next payload is looked at.
    sample_due: AtomicBool,
    sample: Mutex<(Topic, Option<String>)>,
    /// Schemas that payloads name.
    named: Mutex<Named>,
}

impl Flows {
    pub(super) fn new(counters: &Counters) -> Self {
        Self {
            addresses: Mutex::default(),
            generation: AtomicU64::new(0),
            clients: Mutex::default(),
            slots: AtomicU64::new(0),
            unobserved: counters.counter("unobserved_events"),
            unnamed: counters.counter("schema_ids_left_out_events"),
            shapes: Shapes::new(counters),
        }
    }

    /// Replaces the declared addresses.
    pub(super) fn declare(&self, declared: &[String]) {
        let mut addresses = self.addresses.lock().expect("no panic while held");
        addresses.declare(declared);
        self.generation.store(addresses.generation(), Ordering::Release);
    }

    /// Where a client's events are counted until it [leaves](Counted::leave); none when there are too many clients.
    pub(super) fn open(&self, client: &Arc<Client>) -> Option<Arc<Counted>> {
        let mut clients = self.clients();
        if let Some(counted) = clients.get(client) {
            counted.handles.fetch_add(1, Ordering::Relaxed);
            return Some(counted.clone());
        }
        if clients.len() >= CLIENTS_MAX {
            return None;
        }
        let handles = AtomicUsize::new(1);
        let counted = Arc::new(Counted { client: client.clone(), sides: Default::default(), handles });
        clients.insert(client.clone(), counted.clone());
        Some(counted)
    }

    #[cfg(test)]
    pub(super) fn clients_len(&self) -> usize {
        self.clients().len()
    }

    /// What the payloads look like.
    pub(super) fn shapes(&self) -> &Shapes {
        &self.shapes
    }

    /// An event that has no place to be counted at.
    pub(super) fn unobserved(&self) {
        self.unobserved.one();
    }

    fn clients(&self) -> MutexGuard<'_, HashMap<Arc<Client>, Arc<Counted>>> {
        self.clients.lock().expect("no panic while held")
    }

    /// Counts one event of a client.
    pub(super) fn count(
        &self,
        counted: &Counted,
        direction: Direction,
        topic: &Topic,
        payload: &[u8],
        broker_topic: Option<&str>,
    ) {
        let mut side = counted.side(direction);
        let generation = self.generation.load(Ordering::Acquire);
        if side.generation != generation || side.by_topic.len() > TOPICS_MAX {
            side.generation = generation;
            side.by_topic.clear();
        }
        let known = side.by_topic.get(topic);
        let found = known.and_then(|slots| slots.iter().find(|slot| slot.broker_topic.as_deref() == broker_topic));
        let slot = match found {
            Some(slot) => slot.clone(),
            None => match self.slot(&mut side, topic, broker_topic) {
                Some(slot) => slot,
                None => return self.unobserved(),
            },
        };
        drop(side);
        slot.events.fetch_add(1, Ordering::Relaxed);
        slot.bytes.fetch_add(payload.len() as u64, Ordering::Relaxed);
        if let Some((id, _)) = schema_id::split(payload)
            && !slot.named.lock().expect("no panic while held").count(id)
        {
            self.unnamed.one();
        }
        if slot.sample_due.load(Ordering::Relaxed) && slot.sample_due.swap(false, Ordering::Relaxed) {
            self.sample(&slot, direction, topic, payload);
        }
    }

    /// Looks at what is inside a payload, once per window and count.
    fn sample(&self, slot: &Slot, direction: Direction, topic: &Topic, payload: &[u8]) {
        let value = shape::read(payload);
        // Whoever takes it is given what somebody sent: it is looked at there.
        if direction == Direction::Produce && !payload.is_empty() && payload.len() <= shape::PAYLOAD_BYTES_MAX {
            self.shapes.look(&slot.address, payload, value.as_ref(), now_ms());
        }
        *slot.sample.lock().expect("no panic while held") = (topic.clone(), value.as_ref().map(shape::fingerprint));
    }

    /// The slow way: finds the address, and makes its count when it is new; none when there are too many.
    fn slot(&self, side: &mut Side, topic: &Topic, broker_topic: Option<&str>) -> Option<Arc<Slot>> {
        let address = {
            let mut addresses = self.addresses.lock().expect("no panic while held");
            let address = addresses.find(topic.as_str());
            self.generation.store(addresses.generation(), Ordering::Release);
            address
        };
        let key = (address, broker_topic.map(str::to_owned));
        let slot = match side.slots.get(&key) {
            Some(slot) => slot.clone(),
            None => {
                let full = side.slots.len() >= ADDRESSES_MAX || self.slots.load(Ordering::Relaxed) >= SLOTS_MAX as u64;
                if full {
                    return None;
                }
                self.slots.fetch_add(1, Ordering::Relaxed);
                let slot = Arc::new(Slot::new(&key, topic));
                side.slots.insert(key, slot.clone());
                slot
            }
        };
        side.by_topic.entry(topic.clone()).or_default().push(slot.clone());
        Some(slot)
    }

    /// Ends the window: what moved in it, the busiest first.
    pub(super) fn window(&self, at_ms: i64, window_ms: u64) -> Traffic {
        let clients: Vec<_> = self.clients().values().cloned().collect();
        let mut flows = Vec::new();
        for counted in &clients {
            for direction in [Direction::Produce, Direction::Consume] {
                self.collect(counted, direction, &mut flows);
            }
        }
        self.clients().retain(|_, counted| !counted.is_gone() || !counted.forget(&self.slots));
        flows.sort_by_key(|flow: &Flow| std::cmp::Reverse(flow.events));
        let too_many = flows.len().saturating_sub(FLOWS_MAX) as u64;
        flows.truncate(FLOWS_MAX);
        let left_out = too_many + fit(&mut flows);
        Traffic { at_ms, window_ms, flows, left_out }
    }

    fn collect(&self, counted: &Counted, direction: Direction, flows: &mut Vec<Flow>) {
        let mut side = counted.side(direction);
        let mut forgotten = 0;
        side.slots.retain(|_, slot| {
            let events = slot.events.swap(0, Ordering::Relaxed);
            if events == 0 {
                let keep = slot.idle_windows.fetch_add(1, Ordering::Relaxed) < IDLE_WINDOWS_MAX;
                forgotten += u64::from(!keep);
                return keep;
            }
            slot.idle_windows.store(0, Ordering::Relaxed);
            flows.push(slot.flow(&counted.client, direction, events));
            slot.sample_due.store(true, Ordering::Relaxed);
            true
        });
        if forgotten > 0 {
            self.slots.fetch_sub(forgotten, Ordering::Relaxed);
            side.by_topic.clear();
        }
    }
}

impl Counted {
    /// One of those who count here went; what it moved is told with the next window.
    pub(super) fn leave(&self) {
        self.handles.fetch_sub(1, Ordering::Release);
    }

    fn is_gone(&self) -> bool {
        self.handles.load(Ordering::Acquire) == 0
    }

    fn side(&self, direction: Direction) -> MutexGuard<'_, Side> {
        let at = usize::from(direction == Direction::Consume);
        self.sides[at].lock().expect("no panic while held")
    }

    /// Gives the counts of a client that went back, once nothing is left to tell.
    fn forget(&self, slots: &AtomicU64) -> bool {
        let mut sides = [self.side(Direction::Produce), self.side(Direction::Consume)];
        let told =
            |side: &MutexGuard<'_, Side>| side.slots.values().all(|slot| slot.events.load(Ordering::Relaxed) == 0);
        if !sides.iter().all(told) {
            return false;
        }
        for side in &mut sides {
            slots.fetch_sub(side.slots.len() as u64, Ordering::Relaxed);
            side.slots.clear();
            side.by_topic.clear();
        }
        true
    }
}

impl Slot {
    fn new(key: &(String, Option<String>), topic: &Topic) -> Self {
        Self {
            address: key.0.clone(),
            broker_topic: key.1.clone(),
            events: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            idle_windows: AtomicU64::new(0),
            sample_due: AtomicBool::new(true),
            sample: Mutex::new((topic.clone(), None)),
            named: Mutex::default(),
        }
    }

    fn flow(&self, client: &Client, direction: Direction, events: u64) -> Flow {
        let (topic, shape) = self.sample.lock().expect("no panic while held").clone();
        Flow {
            principal: client.principal,
            principal_name: client.principal_name.clone(),
            client_id: client.client_id.clone(),
            protocol: client.protocol,
            direction,
            address: self.address.clone(),
            example_topic: topic.to_string(),
            broker: client.broker,
            broker_topic: self.broker_topic.clone(),
            route: client.route,
            events,
            bytes: self.bytes.swap(0, Ordering::Relaxed),
            shape,
            schemas: self.named.lock().expect("no panic while held").take(),
        }
    }
}
