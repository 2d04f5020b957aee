//! Contracts for tests of parts.

use mesh_protocol::desired::{Contract, ContractFormat, ContractSchema, Contracts, OnInvalid};
use mesh_protocol::topic::Filter;
use uuid::Uuid;

/// Orders have a number as their amount.
pub(crate) const ORDER: &str =
    r#"{"type":"object","required":["amount"],"properties":{"amount":{"type":"number"},"id":{"type":"string"}}}"#;

/// One event at a filter, in one version by a JSON Schema.
pub(crate) fn one(filter: &str, text: &str, on_invalid: OnInvalid) -> Contracts {
    let mut contracts = Contracts::default();
    add(&mut contracts, 1, "order-created 1.0.0", filter, Some(text), on_invalid);
    contracts
}

/// Another version.
pub(crate) fn add(
    contracts: &mut Contracts,
    event: u128,
    label: &str,
    filter: &str,
    text: Option<&str>,
    on_invalid: OnInvalid,
) {
    let schema = text.map(|text| {
        contracts.texts.push(text.to_owned());
        let at = u32::try_from(contracts.texts.len() - 1).expect("few");
        contracts.schemas.push(ContractSchema { format: ContractFormat::Json, text: at, references: Vec::new() });
        at
    });
    contracts.contracts.push(Contract {
        event: Uuid::from_u128(event).into(),
        label: label.to_owned(),
        filter: Filter::mesh(filter).expect("valid"),
        schema,
        on_invalid,
    });
}
