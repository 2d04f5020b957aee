//! What a source notes in the agent's spool, beside what it commits to its group.
//!
//! Committed is only what every destination has. The note knows how far the shared read and each destination that reads
//! alone have come, so that after a restart nobody is sent again what he has; and it outlives a group that the cluster has
//! let expire. Where the group is further than the note, another agent has read on: then the group counts.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Number of this form.
const FORMAT: u32 = 1;

/// The whole note of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    format: u32,
    /// Which start of the route: another one begins anew.
    generation: u32,
    /// The cluster's own id.
    cluster: String,
    /// By topic and partition.
    partitions: BTreeMap<String, BTreeMap<i32, Noted>>,
}

/// How far a partition was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Noted {
    /// Everything below is with everybody who does not read alone.
    pub(super) at: i64,
    /// Nothing above was left half done.
    pub(super) clean: bool,
    /// Who reads alone, by the name of the destination.
    pub(super) alone: BTreeMap<String, i64>,
}

/// Where to go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resumed {
    /// The shared read.
    pub(super) at: i64,
    /// Nothing above was left half done.
    pub(super) clean: bool,
    /// Who is behind it, by the name of the destination.
    pub(super) alone: Vec<(String, i64)>,
}

impl Note {
    /// An empty note.
    pub(super) fn new(generation: u32, cluster: &str) -> Self {
        Self { format: FORMAT, generation, cluster: cluster.to_owned(), partitions: BTreeMap::new() }
    }

    /// The note as it was saved, when it speaks of this start of the route and of this cluster; else an empty one.
    pub(super) fn read(saved: Option<&Bytes>, generation: u32, cluster: &str) -> Self {
        let fresh = Self::new(generation, cluster);
        let read = saved.and_then(|saved| serde_json::from_slice::<Self>(saved).ok());
        let fits = |note: &Self| (note.format, note.generation, &note.cluster) == (FORMAT, generation, &fresh.cluster);
        read.filter(fits).unwrap_or(fresh)
    }

    pub(super) fn write(&self) -> Bytes {
        serde_json::to_vec(self).expect("numbers and names").into()
    }

    /// Notes a partition; true when that is news.
    pub(super) fn put(&mut self, topic: &str, partition: i32, noted: Noted) -> bool {
        let of_topic = self.partitions.entry(topic.to_owned()).or_default();
        if of_topic.get(&partition) == Some(&noted) {
            return false;
        }
        of_topic.insert(partition, noted);
        true
    }

    /// Where a partition goes on. `committed` is what the group has for it, and whether it was left clean.
    pub(super) fn resume(&self, topic: &str, partition: i32, committed: Option<(i64, bool)>) -> Option<Resumed> {
        let noted = self.partitions.get(topic).and_then(|of_topic| of_topic.get(&partition));
        match (noted, committed) {
            (Some(noted), committed) if committed.is_none_or(|(at, _)| at <= noted.at) => {
                let floor = committed.map_or(i64::MIN, |(at, _)| at);
                let alone = noted.alone.iter().map(|(name, at)| (name.clone(), (*at).max(floor)));
                let alone = alone.filter(|(_, at)| *at < noted.at).collect();
                Some(Resumed { at: noted.at, clean: noted.clean, alone })
            }
            (_, committed) => committed.map(|(at, clean)| Resumed { at, clean, alone: Vec::new() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note() -> Note {
        let mut note = Note::new(3, "cluster");
        let alone = BTreeMap::from([("agent/1".to_owned(), 40), ("agent/2".to_owned(), 90)]);
        assert!(note.put("orders", 0, Noted { at: 100, clean: false, alone }));
        note
    }

    #[test]
    fn format_1_stays_as_it_is() {
        let golden = r#"{"format":1,"generation":3,"cluster":"cluster","partitions":{"orders":{"0":{"at":100,"clean":false,"alone":{"agent/1":40,"agent/2":90}}}}}"#;
        assert_eq!(note().write(), golden.as_bytes());
        assert_eq!(Note::read(Some(&Bytes::from_static(golden.as_bytes())), 3, "cluster"), note());
    }

    #[test]
    fn a_note_of_another_start_or_cluster_or_form_is_none() {
        let saved = note().write();
        for (generation, cluster) in [(4, "cluster"), (3, "another")] {
            assert_eq!(Note::read(Some(&saved), generation, cluster), Note::new(generation, cluster));
        }
        assert_eq!(Note::read(Some(&Bytes::from_static(b"{}")), 3, "cluster"), Note::new(3, "cluster"));
        assert_eq!(Note::read(None, 3, "cluster"), Note::new(3, "cluster"));
    }

    #[test]
    fn everybody_goes_on_where_he_was() {
        let alone = vec![("agent/1".to_owned(), 40), ("agent/2".to_owned(), 90)];
        let all = Some(Resumed { at: 100, clean: false, alone });
        assert_eq!(note().resume("orders", 0, Some((40, false))), all);
        assert_eq!(note().resume("orders", 0, None), all, "the group has expired");
        let alone = vec![("agent/1".to_owned(), 70), ("agent/2".to_owned(), 90)];
        assert_eq!(
            note().resume("orders", 0, Some((70, true))),
            Some(Resumed { at: 100, clean: false, alone }),
            "another agent has brought them on to there"
        );
    }

    #[test]
    fn where_the_group_is_further_it_counts() {
        let group = Some(Resumed { at: 120, clean: true, alone: Vec::new() });
        assert_eq!(note().resume("orders", 0, Some((120, true))), group);
        assert_eq!(note().resume("orders", 1, Some((120, true))), group, "nothing is noted");
        assert_eq!(note().resume("orders", 1, None), None);
    }

    #[test]
    fn only_a_change_is_news() {
        let mut note = note();
        let noted = Noted { at: 7, clean: true, alone: BTreeMap::new() };
        assert!(note.put("orders", 1, noted.clone()));
        assert!(!note.put("orders", 1, noted));
    }
}
