//! What a schema registry says of itself and of its subjects. The schemas themselves are not told: they may be large, and who
//! may read them is the registry's to decide.

use serde::{Deserialize, Serialize};

/// Most versions that are told of one subject, the newest.
pub const SUBJECT_VERSIONS_MAX: usize = 100;
/// Most references that are told of one version.
pub const REFERENCES_MAX: usize = 20;

/// A schema registry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistryFacts {
    /// The level that holds where a subject says nothing (`BACKWARD`...); none = it could not be read.
    pub compatibility: Option<String>,
    /// The mode that holds where a subject says nothing (`READWRITE`...); none = it could not be read, or there are none.
    pub mode: Option<String>,
    /// Subjects that are told.
    pub subjects: u64,
    /// Subjects left out because there were more.
    pub subjects_left_out: u64,
}

/// A subject.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectFacts {
    /// Its own level; none = the registry's holds, or it could not be read.
    pub compatibility: Option<String>,
    /// Its own mode; none = the registry's holds, or it could not be read.
    pub mode: Option<String>,
    /// In order, the newest last, at most [`SUBJECT_VERSIONS_MAX`].
    pub versions: Vec<SubjectVersion>,
    /// Older versions left out because there were more.
    #[serde(default)]
    pub versions_left_out: u64,
}

/// One version of a subject.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectVersion {
    /// Number within the subject.
    pub version: i64,
    /// Id of the schema, as it stands in records; none = it could not be read.
    pub id: Option<i64>,
    /// `AVRO`, `JSON`, `PROTOBUF`; none = it could not be read.
    pub schema_type: Option<String>,
    /// Other subjects it is built on, at most [`REFERENCES_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<SchemaReference>,
    /// References left out because there were more.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub references_left_out: u64,
}

/// A version of another subject that a schema is built on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaReference {
    /// As what the schema knows it.
    pub name: String,
    /// Its subject.
    pub subject: String,
    /// Its version there.
    pub version: i64,
}

/// The topic that a subject is about and whether it describes its keys, as the usual naming has it
/// (`TopicNameStrategy`: `orders-value`, `orders-key`). None for subjects of other namings.
#[must_use]
pub fn topic_of_subject(subject: &str) -> Option<(&str, bool)> {
    // A context stands before the name: `:.emea:orders-value`.
    let name = subject.strip_prefix(":.").and_then(|rest| Some(rest.split_once(':')?.1)).unwrap_or(subject);
    let (topic, is_key) = match name.strip_suffix("-value") {
        Some(topic) => (topic, false),
        None => (name.strip_suffix("-key")?, true),
    };
    (!topic.is_empty()).then_some((topic, is_key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ObjectFacts;

    #[test]
    fn subjects_named_after_topics_are_known() {
        assert_eq!(topic_of_subject("orders-value"), Some(("orders", false)));
        assert_eq!(topic_of_subject("orders-key"), Some(("orders", true)));
        assert_eq!(topic_of_subject("a-key-value"), Some(("a-key", false)));
        assert_eq!(topic_of_subject(":.emea:orders-value"), Some(("orders", false)));
        for other in ["-value", "orders", "shop.Line", "", ":.emea:-key"] {
            assert_eq!(topic_of_subject(other), None, "{other}");
        }
    }

    #[test]
    fn facts_are_read_as_written() {
        let reference = SchemaReference { name: "Money".into(), subject: "shop.Money".into(), version: 2 };
        let version = SubjectVersion {
            version: 3,
            id: Some(7),
            schema_type: Some("AVRO".into()),
            references: vec![reference],
            references_left_out: 0,
        };
        let subject = SubjectFacts {
            compatibility: Some("FULL".into()),
            mode: None,
            versions: vec![version],
            versions_left_out: 1,
        };
        let registry = RegistryFacts {
            compatibility: Some("BACKWARD".into()),
            mode: Some("READWRITE".into()),
            subjects: 1,
            subjects_left_out: 0,
        };
        for (facts, text) in [
            (
                ObjectFacts::Subject(subject),
                r#"{"kind":"subject","compatibility":"FULL","mode":null,"versions":[{"version":3,"id":7,"schema_type":"AVRO","references":[{"name":"Money","subject":"shop.Money","version":2}]}],"versions_left_out":1}"#,
            ),
            (
                ObjectFacts::Registry(registry),
                r#"{"kind":"registry","compatibility":"BACKWARD","mode":"READWRITE","subjects":1,"subjects_left_out":0}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&facts).expect("JSON"), text);
            assert_eq!(serde_json::from_str::<ObjectFacts>(text).expect(text), facts);
        }
    }
}
