//! Contracts: what payloads must look like where they enter the mesh, and what becomes of those that do not.
//!
//! A payload is held against every contract whose filter its topic matches. It is valid when one of them takes it; else the
//! strictest of them says what happens. The texts of schemas stand in a table, so that one which several versions and
//! schemas share is sent once.

use serde::{Deserialize, Serialize};

use crate::id::DesignObjectId;
use crate::topic::Filter;

/// The document version from which on contracts are understood: an agent below it must not take a document that rejects
/// payloads, because it would let them in.
pub const CONTRACTS_VERSION: u32 = 2;
/// The document version from which on payloads may be diverted into dead letters.
pub const DIVERTS_VERSION: u32 = 3;
/// Most contracts of one document.
pub const CONTRACTS_MAX: usize = 5_000;
/// Most bytes of all texts of one document's contracts: 2 MiB.
pub const CONTRACT_TEXT_BYTES_MAX: usize = 2 * 1024 * 1024;

/// *Security.* All contracts of the mesh.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contracts {
    /// Texts of schemas, each once; together at most [`CONTRACT_TEXT_BYTES_MAX`] bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<String>,
    /// Schemas, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub schemas: Vec<ContractSchema>,
    /// At most [`CONTRACTS_MAX`]; of each event the highest version first.
    pub contracts: Vec<Contract>,
}

impl Contracts {
    /// Whether nothing is checked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.contracts.is_empty()
    }

    /// Whether any payload may be refused.
    #[must_use]
    pub fn rejects(&self) -> bool {
        self.contracts.iter().any(|contract| contract.on_invalid == OnInvalid::Reject)
    }

    /// The document version that a reader must understand to enforce them safely.
    #[must_use]
    pub fn min_version(&self) -> u32 {
        match (self.diverts(), self.rejects()) {
            (true, _) => DIVERTS_VERSION,
            (false, true) => CONTRACTS_VERSION,
            (false, false) => 1,
        }
    }

    /// Whether any payload may be diverted.
    #[must_use]
    pub fn diverts(&self) -> bool {
        self.contracts.iter().any(|contract| contract.on_invalid == OnInvalid::Divert)
    }

    /// Bytes of all texts.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.texts.iter().map(String::len).sum()
    }
}

/// A schema by its texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractSchema {
    /// Its language.
    pub format: ContractFormat,
    /// Place of its text in [`Contracts::texts`].
    pub text: u32,
    /// What it refers to; each stands after those it needs itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<ContractReference>,
}

/// Another schema that a schema uses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractReference {
    /// How the schema calls it.
    pub name: String,
    /// Place of its text in [`Contracts::texts`].
    pub text: u32,
}

/// The language of a schema, by its name in schema registries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ContractFormat {
    /// Apache Avro.
    Avro,
    /// JSON Schema.
    Json,
    /// Protocol Buffers.
    Protobuf,
}

/// What one version of an event promises of the payloads at its topics.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// The event it is a version of, for reports.
    pub event: DesignObjectId,
    /// For people: `order-created 1.2.0`.
    pub label: String,
    /// Topics it speaks of.
    pub filter: Filter,
    /// Place in [`Contracts::schemas`]; none = every payload is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<u32>,
    /// What happens to a payload that no contract at its topic takes.
    pub on_invalid: OnInvalid,
}

/// What happens to a payload that is not valid, from the mildest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnInvalid {
    /// Nothing: the event only shares topics with one that is checked, and its payloads are valid there as well.
    Accept,
    /// It is counted and told, and goes on.
    Report,
    /// It is acknowledged to its sender and goes into the agent's dead letters with its reason, and nowhere else.
    Divert,
    /// It is refused where it would enter the mesh.
    Reject,
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn contracts() -> Contracts {
        Contracts {
            texts: vec!["{}".to_owned(), "true".to_owned()],
            schemas: vec![ContractSchema {
                format: ContractFormat::Json,
                text: 0,
                references: vec![ContractReference { name: "line.json".to_owned(), text: 1 }],
            }],
            contracts: vec![Contract {
                event: Uuid::from_u128(7).into(),
                label: "order-created 1.2.0".to_owned(),
                filter: Filter::mesh("orders/*/created").expect("valid"),
                schema: Some(0),
                on_invalid: OnInvalid::Reject,
            }],
        }
    }

    #[test]
    fn contracts_are_written_in_these_words_for_ever() {
        let written = json!({
            "texts": ["{}", "true"],
            "schemas": [{ "format": "JSON", "text": 0, "references": [{ "name": "line.json", "text": 1 }] }],
            "contracts": [{ "event": Uuid::from_u128(7), "label": "order-created 1.2.0",
                "filter": "orders/*/created", "schema": 0, "on_invalid": "reject" }],
        });
        assert_eq!(serde_json::to_value(contracts()).expect("plain data"), written);
        assert_eq!(serde_json::from_value::<Contracts>(written).expect("readable"), contracts());
        assert!(
            contracts().rejects() && !contracts().diverts() && contracts().text_bytes() == 6 && !contracts().is_empty()
        );
    }

    #[test]
    fn what_is_not_understood_is_refused_rather_than_let_in() {
        let mut field = serde_json::to_value(contracts()).expect("plain data");
        field["contracts"][0]["only_on_weekdays"] = json!(true);
        let mut word = serde_json::to_value(contracts()).expect("plain data");
        word["contracts"][0]["on_invalid"] = json!("burn");
        for (document, begin) in [(field, "unknown field"), (word, "unknown variant")] {
            let error = serde_json::from_value::<Contracts>(document).expect_err("not understood");
            assert!(error.to_string().starts_with(begin), "{error}");
        }
    }

    #[test]
    fn the_strictest_word_is_the_highest() {
        let all = [OnInvalid::Accept, OnInvalid::Report, OnInvalid::Divert, OnInvalid::Reject];
        assert!(all.is_sorted());
        assert_eq!(serde_json::to_value(all).expect("plain data"), json!(["accept", "report", "divert", "reject"]));
    }
}
