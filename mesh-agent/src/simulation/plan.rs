//! What a seed says before anything happens: sites, queues, and how much trouble there is.

use std::collections::BTreeMap;
use std::sync::Arc;

use mesh_protocol::desired::{
    DurableInterest, Fabric as Section, Member, OnFailure, Policy, Queue, QueueAccess, Scope, Site, WhenFull,
};
use mesh_protocol::id::{AgentId, SiteId};
use mesh_protocol::policy::CompiledPolicy;
use mesh_protocol::secret::SecretKey;
use mesh_protocol::topic::{Filter, Topic};
use mesh_protocol::wire::Revision;
use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use uuid::Uuid;

use crate::fabric::{Credentials, Target};
use crate::identity::sealing::{SealingKey, SealingKeys};
use crate::policy::Enforced;

/// What is published.
const TOPICS: [&str; 5] = ["a/1", "a/2", "b/1", "b/2", "secret/1"];
/// What queues attract.
const FILTERS: [&str; 6] = ["a/>", "b/>", "*/1", "secret/>", "a/2", ">"];
/// What a scope may keep at some sites.
const SCOPED: &str = "secret/>";

/// See the module.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) sites: usize,
    pub(super) queues: Vec<PlannedQueue>,
    /// How often things go wrong, in percent of what is normal.
    pub(super) faults: Faults,
    /// Steps with trouble.
    pub(super) steps: u32,
    /// Ordering keys of one site: few of them make long lanes.
    pub(super) keys: u32,
    /// Most bytes of a payload, mostly and now and then.
    pub(super) payload_bytes: (usize, usize),
}

/// A queue, its owner, and whether desired state tells all agents of it or they learn it from its owner.
#[derive(Debug)]
pub(super) struct PlannedQueue {
    pub(super) owner: usize,
    pub(super) config: Queue,
    pub(super) is_declared: bool,
}

/// Chances, each in percent: of a frame, a step, or a step of one site.
#[derive(Clone, Copy, Debug)]
pub(super) struct Faults {
    pub(super) loss: f64,
    pub(super) copy: f64,
    pub(super) delay_ms: u64,
    pub(super) crash: f64,
    pub(super) partition: f64,
    pub(super) pause: f64,
    pub(super) policy: f64,
    pub(super) clock: f64,
    pub(super) restore: f64,
    pub(super) consumer: f64,
}

/// Of which trouble there is more than usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bias {
    None,
    /// Disks are put back to earlier states, over links that lose.
    Restores,
    /// Agents crash while policies change.
    Crashes,
}

impl Bias {
    fn apply(self, faults: &mut Faults) {
        match self {
            Self::None => {}
            Self::Restores => (faults.restore, faults.loss) = (2.0, 15.0),
            Self::Crashes => (faults.crash, faults.policy) = (4.0, 4.0),
        }
    }
}

impl Plan {
    pub(super) fn draw(rng: &mut StdRng, bias: Bias) -> Self {
        let sites = rng.random_range(2..=4);
        let queues = (0..rng.random_range(2..=5)).map(|number| PlannedQueue::draw(rng, number, sites)).collect();
        let some = |rng: &mut StdRng, most: f64| if rng.random_bool(0.3) { 0.0 } else { rng.random_range(0.0..most) };
        let mut faults = Faults {
            loss: some(rng, 20.0),
            copy: some(rng, 10.0),
            delay_ms: *[2, 10, 40, 150].choose(rng).expect("not empty"),
            crash: some(rng, 1.0),
            partition: some(rng, 1.5),
            pause: some(rng, 0.5),
            policy: some(rng, 2.0),
            clock: some(rng, 0.5),
            restore: if rng.random_bool(0.3) { 0.6 } else { 0.0 },
            consumer: some(rng, 3.0),
        };
        bias.apply(&mut faults);
        let payload_bytes = *[(64, 200), (64, 20_000), (2_000, 60_000)].choose(rng).expect("not empty");
        let (keys, steps) = (*[1, 4].choose(rng).expect("not empty"), rng.random_range(120..320));
        Self { sites, queues, faults, steps, keys, payload_bytes }
    }

    /// Queues of a site that attract a topic, by their place in the plan.
    pub(super) fn attracting<'a>(&'a self, owner: usize, topic: &'a Topic) -> impl Iterator<Item = usize> + 'a {
        let attracts = move |queue: &PlannedQueue| {
            queue.config.filters.iter().any(|filter| attracts(filter.text(), topic.as_str()))
        };
        (0..self.queues.len()).filter(move |at| self.queues[*at].owner == owner && attracts(&self.queues[*at]))
    }

    pub(super) fn target(&self, index: usize) -> Target {
        let section = Section { bind: None, dial: Vec::new(), members: (0..self.sites).map(member).collect() };
        let declared = self.queues.iter().filter(|queue| queue.is_declared);
        let interest = declared.flat_map(|queue| {
            queue.config.filters.iter().map(|filter| DurableInterest {
                name: queue.config.name.clone(),
                agent: agent(queue.owner),
                filter: filter.clone(),
            })
        });
        let credentials = Credentials { certificate_pem: String::new(), key_pem: String::new(), ca_pem: String::new() };
        Target {
            section,
            durable_interest: interest.collect(),
            listen: None,
            credentials,
            sealing: sealing_keys(index),
        }
    }

    /// What a site enforces at a revision whose scope allows these sites.
    pub(super) fn enforced(&self, index: usize, revision: u64, allowed: &Allowed) -> Enforced {
        let name = format!("site-{index}");
        let here = Site { id: site(index), name, region: "eu".to_owned(), labels: BTreeMap::new() };
        let scope = |sites: &Vec<usize>| Scope {
            name: "kept close".to_owned(),
            filter: Filter::mesh(SCOPED).expect("valid"),
            sites: sites.iter().copied().map(site).collect(),
            regions: Vec::new(),
        };
        let policy = Policy {
            secret_key: SecretKey::new([1; 32]),
            principals: Vec::new(),
            roles: Vec::new(),
            rules: Vec::new(),
            scopes: allowed.0.iter().map(scope).collect(),
        };
        let members = (0..self.sites).map(|index| (agent(index), member(index))).collect();
        Enforced {
            revision: Revision { generation: 1, revision },
            policy: CompiledPolicy::compile(&policy, &here).expect("compiles"),
            site: here,
            members,
            certificates: rustc_hash::FxHashMap::default(),
            contracts: Arc::default(),
        }
    }
}

/// Where scoped topics may go; none: everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Allowed(pub(super) Option<Vec<usize>>);

impl Allowed {
    pub(super) fn draw(rng: &mut StdRng, sites: usize) -> Self {
        let some = rng.random_bool(0.6).then(|| (0..sites).filter(|_| rng.random_bool(0.5)).collect());
        Self(some)
    }

    /// Whether an event of this topic may be at a site.
    pub(super) fn allows(&self, topic: &Topic, at: usize) -> bool {
        self.0.as_ref().is_none_or(|sites| sites.contains(&at)) || !topic.as_str().starts_with("secret/")
    }
}

impl PlannedQueue {
    fn draw(rng: &mut StdRng, number: usize, sites: usize) -> Self {
        let filters = (0..rng.random_range(1..=2)).map(|_| *FILTERS.choose(rng).expect("not empty"));
        let mut filters: Vec<Filter> = filters.map(|text| Filter::mesh(text).expect("valid")).collect();
        filters.dedup();
        let config = Queue {
            id: Uuid::from_u128(1_000 + number as u128).into(),
            name: format!("queue-{number}"),
            filters,
            exceptions: Vec::new(),
            access: *[QueueAccess::Exclusive, QueueAccess::Shared, QueueAccess::Partitioned]
                .choose(rng)
                .expect("not empty"),
            on_failure: if rng.random() { OnFailure::BlockKey } else { OnFailure::Overtake },
            paused: false,
            deliveries_max: *[None, Some(2), Some(5)].choose(rng).expect("not empty"),
            backoff_first_ms: 20,
            backoff_longest_ms: 500,
            lease_ms: *[200, 1_000, 30_000].choose(rng).expect("not empty"),
            ttl_ms: None,
            events_max: *[15, 100_000].choose(rng).expect("not empty"),
            bytes_max: 1 << 30,
            when_full: WhenFull::Refuse,
            dead_letters_max: 100_000,
            keep_ms: *[None, None, Some(2_000)].choose(rng).expect("not empty"),
            keep_bytes_max: 50_000,
        };
        Self { owner: rng.random_range(0..sites), config, is_declared: rng.random_bool(0.7) }
    }
}

/// What the filters above mean, said a second time.
pub(super) fn attracts(filter: &str, topic: &str) -> bool {
    match (filter, filter.strip_suffix('>'), filter.strip_prefix('*')) {
        (_, Some(start), _) => topic.starts_with(start),
        (_, _, Some(end)) => topic.ends_with(end),
        (whole, ..) => whole == topic,
    }
}

pub(super) fn topic(rng: &mut StdRng) -> Topic {
    Topic::new(*TOPICS.choose(rng).expect("not empty")).expect("valid")
}

pub(super) fn agent(index: usize) -> AgentId {
    AgentId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + index as u128))
}

pub(super) fn site(index: usize) -> SiteId {
    SiteId(Uuid::from_u128(100 + index as u128))
}

fn sealing_keys(index: usize) -> SealingKeys {
    let secret = [u8::try_from(index + 1).expect("few sites"); 32];
    SealingKeys::from(SealingKey::from_secret(secret))
}

fn member(index: usize) -> Member {
    Member {
        agent: agent(index),
        site: site(index),
        site_name: format!("site-{index}"),
        region: "eu".to_owned(),
        sealing_key: Some(sealing_keys(index).public_hex()),
        stands_for: None,
    }
}
