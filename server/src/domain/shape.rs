//! What the JSON payloads of an address look like, put together from what its agents saw.
//!
//! Counts begin anew when an agent does; what it saw before is kept beside them, so that nothing that comes once a day is
//! forgotten every night.

use mesh_protocol::id::AgentId;
use mesh_protocol::report::{AddressShape, Shape};

/// What one agent saw at one address.
#[derive(Clone, Debug, PartialEq)]
pub struct Inferred {
    /// Who saw it.
    pub agent: AgentId,
    /// The event address.
    pub address: String,
    /// When the agent began counting, milliseconds since the Unix epoch.
    pub life_ms: i64,
    /// Payloads since then that are no JSON.
    pub others: u64,
    /// The rest of them.
    pub shape: Shape,
    /// Those that were no JSON before that.
    pub before_others: u64,
    /// What it saw before that.
    pub before: Shape,
    /// First seen, milliseconds since the Unix epoch.
    pub first_seen_ms: i64,
    /// Last seen, milliseconds since the Unix epoch.
    pub last_seen_ms: i64,
    /// When it became another than it was, not counting counts.
    pub changed_ms: i64,
}

impl Inferred {
    /// What an agent tells, after what is known of it.
    #[must_use]
    pub fn of(agent: AgentId, told: AddressShape, at_ms: i64, known: Option<Self>) -> Self {
        let AddressShape { address, since_ms: life_ms, others, shape } = told;
        let new = Self {
            agent,
            address,
            life_ms,
            others,
            shape,
            before_others: 0,
            before: Shape::default(),
            first_seen_ms: at_ms,
            last_seen_ms: at_ms,
            changed_ms: at_ms,
        };
        let Some(known) = known else { return new };
        let was = known.whole();
        let (before_others, before) = if known.life_ms == life_ms {
            (known.before_others, known.before)
        } else {
            (known.before_others.saturating_add(known.others), was.clone())
        };
        let (first_seen_ms, changed_ms) = (known.first_seen_ms, known.changed_ms);
        let new = Self { before_others, before, first_seen_ms, changed_ms, ..new };
        let has_changed = was.differs(&new.whole());
        Self { changed_ms: if has_changed { at_ms } else { changed_ms }, ..new }
    }

    /// All that the agent ever saw.
    #[must_use]
    pub fn whole(&self) -> Shape {
        let mut whole = self.before.clone();
        whole.join(&self.shape);
        whole
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use uuid::Uuid;

    use super::*;

    fn shape(values: &[Value]) -> Shape {
        let mut shape = Shape::default();
        values.iter().for_each(|value| shape.look(value));
        shape
    }

    fn told(since_ms: i64, values: &[Value]) -> AddressShape {
        AddressShape { address: "orders/new".to_owned(), since_ms, others: 1, shape: shape(values) }
    }

    #[test]
    fn an_agent_that_starts_anew_forgets_nothing() {
        let agent = AgentId(Uuid::nil());
        let first = Inferred::of(agent, told(1, &[json!({ "a": 1, "rare": true })]), 10, None);
        let more = Inferred::of(
            agent,
            told(1, &[json!({ "a": 1, "rare": true }), json!({ "a": 2, "rare": true })]),
            20,
            Some(first),
        );
        assert_eq!((more.whole().total(), more.first_seen_ms, more.last_seen_ms, more.changed_ms), (2, 10, 20, 10));
        let anew = Inferred::of(agent, told(2, &[json!({ "a": 3 })]), 30, Some(more));
        assert_eq!((anew.whole().total(), anew.shape.total(), anew.before_others), (3, 1, 1));
        assert_eq!((anew.whole().fields.len(), anew.changed_ms), (2, 30), "a field is now missing sometimes");
        let again = Inferred::of(agent, told(2, &[json!({ "a": 3 }), json!({ "a": 4 })]), 40, Some(anew));
        assert_eq!((again.whole().total(), again.changed_ms), (4, 30));
    }
}
