//! Where a partition is read from: the committed position when it is there, a reported gap when it is not.

use mesh_protocol::desired::Start;

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// The next offset to read.
    pub(super) at: i64,
    /// What is missing before it.
    pub(super) gap: Option<Gap>,
    /// Nothing was committed yet: commit `at`, so that "the end" is decided once.
    pub(super) fresh: bool,
}

/// Records that can no longer be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// Deleted before they were read: so many offsets.
    Deleted(i64),
    /// The partition ends before our position: it was truncated or made anew, and is read from its beginning.
    Restarted,
}

/// Decides where to begin, from what is committed and what the partition holds (`low` <= offset < `high`).
pub(super) fn position(committed: Option<i64>, low: i64, high: i64, start: Start) -> Position {
    match committed {
        None => {
            let at = if start == Start::Earliest { low } else { high };
            Position { at, gap: None, fresh: true }
        }
        Some(at) if at < low => Position { at: low, gap: Some(Gap::Deleted(low - at)), fresh: false },
        Some(at) if at > high => Position { at: low, gap: Some(Gap::Restarted), fresh: false },
        Some(at) => Position { at, gap: None, fresh: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_new_group_begins_where_the_route_says() {
        assert_eq!(position(None, 5, 9, Start::Earliest), Position { at: 5, gap: None, fresh: true });
        assert_eq!(position(None, 5, 9, Start::Latest), Position { at: 9, gap: None, fresh: true });
    }

    #[test]
    fn what_is_gone_is_a_gap_never_a_silent_reset() {
        assert_eq!(position(Some(3), 5, 9, Start::Latest).gap, Some(Gap::Deleted(2)));
        assert_eq!(position(Some(10), 0, 9, Start::Latest).gap, Some(Gap::Restarted));
    }

    proptest! {
        #[test]
        fn a_readable_position_is_never_moved(low in 0_i64..1000, length in 0_i64..1000, into in 0_i64..1000) {
            let at = low + into.min(length);
            let found = position(Some(at), low, low + length, Start::Latest);
            prop_assert_eq!(found, Position { at, gap: None, fresh: false });
        }

        #[test]
        fn reading_begins_inside_the_partition(committed in proptest::option::of(0_i64..2000), low in 0_i64..1000, length in 0_i64..1000) {
            let found = position(committed, low, low + length, Start::Earliest);
            prop_assert!(low <= found.at && found.at <= low + length);
            prop_assert_eq!(found.gap.is_some(), committed.is_some_and(|at| at < low || at > low + length));
        }
    }
}
