//! What was published and received by grants.
//!
//! An hour's numbers are totals, counted since the hour began: a report that comes twice says nothing new. They are the
//! totals of one *meter*, the memory of an agent on its disk; an agent that lost it counts anew, as another meter.

use serde::{Deserialize, Serialize};

use super::Direction;
use crate::id::GrantId;

/// Most entries of one usage report.
pub const USAGE_MAX: usize = 5_000;
/// An hour in milliseconds.
pub const HOUR_MS: i64 = 3_600_000;
/// Longest id of a meter, in bytes.
pub const METER_BYTES_MAX: usize = 32;

/// Use of grants in some hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Whose totals these are: random, drawn when the agent's memory of them began.
    pub meter: String,
    /// Counts up with each report of the meter's process.
    pub number: u64,
    /// At most [`USAGE_MAX`], those of the oldest hours first; the others follow once these are stored.
    pub entries: Vec<GrantUsage>,
}

/// Totals of one grant in one direction and hour, at one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantUsage {
    /// Which grant.
    pub grant: GrantId,
    /// Published or received.
    pub direction: Direction,
    /// Beginning of the hour, milliseconds since the Unix epoch, by the agent's clock.
    pub hour_ms: i64,
    /// Events.
    pub events: u64,
    /// Payload bytes.
    pub bytes: u64,
    /// Events that were refused or dropped because they were beyond the quota.
    pub refused_events: u64,
}

#[cfg(test)]
mod tests {
    use super::super::Report;
    use super::*;

    #[test]
    fn a_report_of_use_is_read_as_written() {
        let text = r#"{"kind":"usage","at_ms":7200001,"meter":"ab","number":3,"entries":[{"grant":"00000000-0000-0000-0000-000000000007","direction":"produce","hour_ms":7200000,"events":2,"bytes":30,"refused_events":1}]}"#;
        let report: Report = serde_json::from_str(text).expect("parses");
        assert!(matches!(&report, Report::Usage(usage) if usage.entries[0].hour_ms == 2 * HOUR_MS));
        assert_eq!(serde_json::to_string(&report).expect("serializes"), text);
    }
}
