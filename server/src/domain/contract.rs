//! How payloads kept to the contracts of events, as agents counted it where they entered the mesh.

use mesh_protocol::event::Protocol;
use mesh_protocol::id::{AgentId, DesignObjectId, PrincipalId};
use mesh_protocol::report;
use sha2::{Digest, Sha256};

/// Counts are kept in slots of this length (five minutes).
pub const SLOT_MS: i64 = 300_000;
/// Counts older than this are forgotten (a day, and the hour that is under way).
pub const COUNTS_KEPT_MS: i64 = 25 * 3_600_000;
/// A run that was silent for this long is over; the next one starts a new row (one hour).
pub const RUN_ENDS_AFTER_MS: i64 = 3_600_000;
/// Runs older than this are forgotten (30 days).
pub const RETENTION_MS: i64 = 30 * 24 * 3_600_000;

/// How many payloads were checked, and how many of them were invalid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// All.
    pub checked: u64,
    /// Those that no live version takes.
    pub invalid: u64,
    /// Those of the invalid ones that were refused.
    pub rejected: u64,
    /// Those that were diverted into dead letters; what was neither was delivered.
    pub diverted: u64,
}

impl Count {
    /// What an agent counted. One that does not say what became of invalid payloads told of those it refused.
    #[must_use]
    pub fn of(told: &report::ContractKept) -> Self {
        let refused = told
            .breaches
            .iter()
            .filter(|breach| breach.rejected)
            .map(|breach| breach.count)
            .fold(0, u64::saturating_add);
        let diverted = told.diverted.min(told.invalid);
        let rejected = told.rejected.max(refused).min(told.invalid - diverted);
        Self { checked: told.checked, invalid: told.invalid, rejected, diverted }
    }
}

/// A run of invalid payloads of one client for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Names the run.
    pub key: [u8; 32],
    /// Which event's contract.
    pub event: DesignObjectId,
    /// Who found it.
    pub agent: AgentId,
    /// Who sent them.
    pub principal: PrincipalId,
    /// Its user name then; empty = it was not known any more.
    pub principal_name: String,
    /// The protocol's client id.
    pub client_id: String,
    /// How they came.
    pub protocol: Protocol,
    /// The topic of the last one.
    pub topic: String,
    /// The version that they were held against: `order-created 1.2.0`.
    pub label: String,
    /// What is wrong: `$.amount`.
    pub path: String,
    /// Why.
    pub reason: String,
    /// They were refused; else they went on.
    pub rejected: bool,
    /// They were diverted into the agent's dead letters.
    pub diverted: bool,
    /// How many.
    pub count: u64,
    /// First of the run, milliseconds since the Unix epoch.
    pub first_ms: i64,
    /// Last of the run, milliseconds since the Unix epoch.
    pub last_ms: i64,
}

impl Breach {
    /// The run that a reported breach belongs to. `last_ms` is its time as far as it is believed.
    #[must_use]
    pub fn of(
        agent: AgentId,
        event: DesignObjectId,
        principal_name: &str,
        told: &report::Breach,
        last_ms: i64,
    ) -> Self {
        let run = last_ms.div_euclid(RUN_ENDS_AFTER_MS);
        let mut hash = Sha256::new();
        let parts: [&[u8]; 9] = [
            event.0.as_bytes(),
            agent.0.as_bytes(),
            told.principal.0.as_bytes(),
            told.client_id.as_bytes(),
            &[told.protocol as u8, u8::from(told.rejected) | u8::from(told.diverted) << 1],
            told.label.as_bytes(),
            told.path.as_bytes(),
            told.reason.as_bytes(),
            &run.to_be_bytes(),
        ];
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self {
            key: hash.finalize().into(),
            event,
            agent,
            principal: told.principal,
            principal_name: principal_name.to_owned(),
            client_id: told.client_id.clone(),
            protocol: told.protocol,
            topic: told.topic.clone(),
            label: told.label.clone(),
            path: told.path.clone(),
            reason: told.reason.clone(),
            rejected: told.rejected,
            diverted: told.diverted,
            count: told.count,
            first_ms: last_ms,
            last_ms,
        }
    }
}

/// The slot of a time.
#[must_use]
pub fn slot(at_ms: i64) -> i64 {
    at_ms.div_euclid(SLOT_MS) * SLOT_MS
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_run_is_one_client_one_reason_and_one_hour() {
        let told = report::Breach {
            principal: Uuid::from_u128(1).into(),
            client_id: "till-7".to_owned(),
            protocol: Protocol::Mqtt,
            topic: "orders/fr/created".to_owned(),
            label: "order-created 1.2.0".to_owned(),
            path: "$.amount".to_owned(),
            reason: "is not a number".to_owned(),
            rejected: true,
            diverted: false,
            count: 3,
            last_ms: 0,
        };
        let (agent, event) = (Uuid::from_u128(2).into(), Uuid::from_u128(3).into());
        let key = |told: &report::Breach, at_ms| Breach::of(agent, event, "tills", told, at_ms).key;
        let same = report::Breach { topic: "orders/de/created".to_owned(), count: 9, ..told.clone() };
        assert_eq!(key(&told, 10), key(&same, RUN_ENDS_AFTER_MS - 1));
        let others = [
            report::Breach { client_id: "till-8".to_owned(), ..told.clone() },
            report::Breach { path: "$.id".to_owned(), ..told.clone() },
            report::Breach { rejected: false, ..told.clone() },
            report::Breach { rejected: false, diverted: true, ..told.clone() },
        ];
        assert!(others.iter().all(|other| key(other, 10) != key(&told, 10)));
        assert_ne!(key(&told, 10), key(&told, RUN_ENDS_AFTER_MS));
        assert_eq!((slot(SLOT_MS - 1), slot(SLOT_MS), slot(-1)), (0, SLOT_MS, -SLOT_MS));
    }
}
