//! Whether consumers and producers with different versions of a schema understand each other.
//!
//! Every level comes down to one question: can a reader with one schema read the data of a writer with another? The
//! formats answer it one way round; the levels say which ways round, and against which earlier versions, it is asked.

use serde::{Deserialize, Serialize};

use super::{Model, Schema, avro, json, protobuf};

/// Most findings of one comparison; what comes after tells nothing new.
pub const FINDINGS_MAX: usize = 100;

/// Most findings of one verdict, over all earlier schemas.
const VERDICT_FINDINGS_MAX: usize = 1_000;

/// What must stay readable, by the registry's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    /// Nothing.
    None,
    /// A consumer with the new schema reads data of the previous one. Upgrade consumers first.
    #[default]
    Backward,
    /// A consumer with the previous schema reads data of the new one. Upgrade producers first.
    Forward,
    /// Both.
    Full,
    /// A consumer with the new schema reads data of every earlier one.
    BackwardTransitive,
    /// A consumer with any earlier schema reads data of the new one.
    ForwardTransitive,
    /// Both, for every earlier schema.
    FullTransitive,
}

impl Level {
    /// Every level.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Backward,
        Self::Forward,
        Self::Full,
        Self::BackwardTransitive,
        Self::ForwardTransitive,
        Self::FullTransitive,
    ];

    /// Its name in a schema registry.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Backward => "BACKWARD",
            Self::Forward => "FORWARD",
            Self::Full => "FULL",
            Self::BackwardTransitive => "BACKWARD_TRANSITIVE",
            Self::ForwardTransitive => "FORWARD_TRANSITIVE",
            Self::FullTransitive => "FULL_TRANSITIVE",
        }
    }

    /// The level with a registry's name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    fn directions(self) -> &'static [Direction] {
        match self {
            Self::None => &[],
            Self::Backward | Self::BackwardTransitive => &[Direction::Backward],
            Self::Forward | Self::ForwardTransitive => &[Direction::Forward],
            Self::Full | Self::FullTransitive => &[Direction::Backward, Direction::Forward],
        }
    }

    /// Whether every earlier version counts, not only the last.
    #[must_use]
    pub fn is_transitive(self) -> bool {
        matches!(self, Self::BackwardTransitive | Self::ForwardTransitive | Self::FullTransitive)
    }
}

/// Who reads whose data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Direction {
    /// The new schema reads data of the earlier one.
    Backward,
    /// The earlier schema reads data of the new one.
    Forward,
}

/// Something one side cannot read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Who reads whose data.
    pub direction: Direction,
    /// The earlier schema: its index in what was given to [`check`].
    pub against: usize,
    /// The part, as in [`Field::path`](super::Field::path). Protobuf: the message and the field, `Order.lines`.
    pub path: String,
    /// The rule that is broken: the registry's name of it where it has one.
    pub rule: &'static str,
    /// Who cannot read what, and what to do instead.
    pub reason: String,
}

/// The answer of [`check`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether the level is kept.
    pub compatible: bool,
    /// Why not. Empty = compatible.
    pub findings: Vec<Finding>,
}

/// Checks a new schema against the previous ones, the oldest first. Levels that are not transitive look at the last
/// only.
///
/// Schemas of different formats are never compatible. What cannot be decided counts as incompatible, with a finding
/// of the rule `UNDECIDED`.
#[must_use]
pub fn check(level: Level, new: &Schema, previous: &[&Schema]) -> Verdict {
    let first = if level.is_transitive() { 0 } else { previous.len().saturating_sub(1) };
    let mut findings = Vec::new();
    for (against, old) in previous.iter().enumerate().skip(first) {
        if findings.len() >= VERDICT_FINDINGS_MAX {
            break;
        }
        let old_name = if against + 1 == previous.len() { "the previous schema" } else { "an earlier schema" };
        for &direction in level.directions() {
            let problems = match direction {
                Direction::Backward => problems(new, old, Sides { reader: "the new schema", writer: old_name }),
                Direction::Forward => problems(old, new, Sides { reader: old_name, writer: "the new schema" }),
            };
            let finding = |Problem { path, rule, reason }| Finding { direction, against, path, rule, reason };
            findings.extend(problems.into_iter().take(FINDINGS_MAX).map(finding));
        }
    }
    Verdict { compatible: findings.is_empty(), findings }
}

/// What the two sides of a comparison are called in a reason.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sides {
    pub(super) reader: &'static str,
    pub(super) writer: &'static str,
}

/// A finding before it is known who asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) path: String,
    pub(super) rule: &'static str,
    pub(super) reason: String,
}

/// The rule of what cannot be decided.
pub(super) const UNDECIDED: &str = "UNDECIDED";

fn problems(reader: &Schema, writer: &Schema, sides: Sides) -> Vec<Problem> {
    // What is the same reads itself, however large it is.
    if reader.fingerprint == writer.fingerprint {
        return Vec::new();
    }
    match (&reader.model, &writer.model) {
        (Model::Avro(reader), Model::Avro(writer)) => avro::compare(reader, writer, sides),
        (Model::Json(reader), Model::Json(writer)) => json::compare(reader, writer, sides),
        (Model::Protobuf(reader), Model::Protobuf(writer)) => protobuf::compare(reader, writer, sides),
        _ => vec![Problem {
            path: "$".into(),
            rule: "FORMAT_CHANGED",
            reason: format!(
                "a consumer with {} expects {} and cannot read {}: keep the format, or begin a new subject",
                sides.reader, reader.format, writer.format
            ),
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::*;

    fn avro(kind: &str) -> Schema {
        Schema::parse(Format::Avro, &format!("\"{kind}\""), &[]).expect("a primitive type")
    }

    fn directions(level: Level, new: &Schema, previous: &[&Schema]) -> Vec<(Direction, usize)> {
        check(level, new, previous).findings.iter().map(|finding| (finding.direction, finding.against)).collect()
    }

    #[test]
    fn names_lead_back_to_levels() {
        for level in Level::ALL {
            assert_eq!(Level::by_name(level.name()), Some(level));
            assert_eq!(serde_json::to_value(level).expect("a name"), level.name());
        }
        assert_eq!(Level::by_name("backward"), None);
    }

    #[test]
    fn a_level_asks_its_directions_of_its_versions() {
        use Direction::{Backward, Forward};
        // A long does not fit an int; an int fits a long.
        let (int, long) = (avro("int"), avro("long"));
        let history = [&long, &int];
        assert_eq!(directions(Level::None, &int, &[&long]), []);
        assert_eq!(directions(Level::Backward, &int, &[&long]), [(Backward, 0)]);
        assert_eq!(directions(Level::Forward, &int, &[&long]), []);
        assert_eq!(directions(Level::Forward, &long, &[&int]), [(Forward, 0)]);
        assert_eq!(directions(Level::Full, &long, &[&int]), [(Forward, 0)]);
        assert_eq!(directions(Level::Backward, &int, &history), [], "the last one only");
        assert_eq!(directions(Level::BackwardTransitive, &int, &history), [(Backward, 0)]);
        assert_eq!(directions(Level::ForwardTransitive, &long, &history), [(Forward, 1)]);
        assert_eq!(directions(Level::FullTransitive, &int, &history), [(Backward, 0)]);
        assert_eq!(directions(Level::FullTransitive, &int, &[]), []);
    }

    #[test]
    fn formats_do_not_mix() {
        let json = Schema::parse(Format::JsonSchema, r#"{"type": "integer"}"#, &[]).expect("sound");
        let verdict = check(Level::Full, &json, &[&avro("int")]);
        assert!(!verdict.compatible);
        assert_eq!(verdict.findings.iter().map(|finding| finding.rule).collect::<Vec<_>>(), ["FORMAT_CHANGED"; 2]);
    }
}
