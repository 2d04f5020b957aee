//! What goes through a queue, and what the dispatch asks for.

use bytes::Bytes;

/// Names a consumer of one queue; never used again. Lower ones have been there longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerId(pub u64);

/// How a consumer takes events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumption {
    /// Events it may have at once.
    pub window: usize,
    /// What it may have of one key at once, where the queue keeps the order of keys.
    pub order: Order,
}

/// How a consumer keeps the order of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// It may answer in any order: it gets one of a key at a time.
    OneByOne,
    /// It works in order and does nothing with what it was given behind one that failed.
    Pipelined,
    /// It keeps the order itself and goes on behind one that it refuses.
    GoesOn,
}

/// An event of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item<E> {
    /// Its place in the log.
    pub seq: u64,
    /// Its ordering key.
    pub key: Bytes,
    /// Its size.
    pub bytes: usize,
    /// How often it came back.
    pub deliveries: u16,
    /// When its time to live is over, in milliseconds since 1970.
    pub expires_at_ms: Option<i64>,
    /// It may have been delivered before it came into this queue.
    pub redelivered: bool,
    /// The event.
    pub event: E,
}

/// An event for a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery<E> {
    /// Who gets it.
    pub consumer: ConsumerId,
    /// Its place in the log; the consumer answers with it.
    pub seq: u64,
    /// How often it came back before.
    pub deliveries: u16,
    /// Somebody may have had it before.
    pub redelivered: bool,
    /// The event.
    pub event: E,
}

/// An event that this queue cannot bring to anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dead<E> {
    /// Its place in the log.
    pub seq: u64,
    /// Why.
    pub reason: String,
    /// How often it came back.
    pub deliveries: u16,
    /// The event.
    pub event: E,
}

/// What must be done now, in this order.
#[derive(Debug, PartialEq, Eq)]
pub struct Effects<E> {
    /// To be given to consumers.
    pub deliveries: Vec<Delivery<E>>,
    /// A consumer, or the dead letter queue, has them: to be acknowledged to the spool.
    pub done: Vec<u64>,
    /// Came back: their count must survive.
    pub counted: Vec<(u64, u16)>,
    /// To be put into the dead letter queue; answered with [`Dispatch::buried`] or [`Dispatch::unburied`].
    pub dead: Vec<Dead<E>>,
    /// Their time to live was over before anybody had them: to be acknowledged to the spool, too.
    pub expired: Vec<u64>,
}

impl<E> Default for Effects<E> {
    fn default() -> Self {
        Self { deliveries: Vec::new(), done: Vec::new(), counted: Vec::new(), dead: Vec::new(), expired: Vec::new() }
    }
}
