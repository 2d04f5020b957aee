//! Holds payloads against what events promise, where they enter the mesh, and nowhere else.
//!
//! [`Contracts`] are compiled out of a document's section and are a part of what policy enforces: both are swapped at once.
//! At a topic without a contract nothing but the tree of filters is asked; where there are no contracts not even that. What
//! was checked and what was wrong is counted in a [`Ledger`], which outlives revisions and is told to the portal.
//!
//! ```text
//! listener, source -> policy.permit -> rules: may it?  -> contracts: is it valid? -> Permit (perhaps diverted), or Denied::Invalid
//!                                                            '-> ledger -> report
//! ```

mod ledger;

use std::sync::Arc;

use mesh_protocol::desired::{
    self, CONTRACT_TEXT_BYTES_MAX, CONTRACTS_MAX, ContractFormat, ContractReference, ContractSchema, OnInvalid,
};
use mesh_protocol::event::{Event, Protocol};
use mesh_protocol::topic::{FilterTree, Topic};
use mesh_schema::{Format, Reference, Validator};
use smallvec::SmallVec;

use ledger::Counted;
pub use ledger::{Ledger, Sender, report};

/// User property by which a source says that a record had no payload at all.
pub const TOMBSTONE: &str = "mesh-tombstone";

/// All contracts of one document, compiled.
#[derive(Debug, Default)]
pub struct Contracts {
    tree: FilterTree<u32>,
    all: Vec<Contract>,
}

#[derive(Debug)]
struct Contract {
    label: String,
    /// None: every payload is valid.
    validator: Option<Arc<Validator>>,
    on_invalid: OnInvalid,
    counted: Arc<Counted>,
}

/// A payload that no contract at its topic takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payload is not valid by {label}: `{path}` {reason}{}", also(*.others))]
pub struct Invalid {
    /// The version that is told of: `order-created 1.2.0`.
    pub label: String,
    /// Where it is wrong: `$.amount`.
    pub path: String,
    /// What is wrong.
    pub reason: String,
    /// Other live versions that do not take it either.
    pub others: usize,
    /// What happens to it.
    pub on_invalid: OnInvalid,
}

fn also(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => " (nor by another version that is served)".to_owned(),
        _ => format!(" (nor by {others} other versions that are served)"),
    }
}

/// The contracts at one topic: few.
type Found = SmallVec<[u32; 4]>;

impl Contracts {
    /// Compiles a document's contracts, which are counted in this ledger.
    ///
    /// # Errors
    /// The first that cannot be enforced, by its label, and why.
    pub fn compile(section: &desired::Contracts, ledger: &Ledger) -> Result<Self, String> {
        if section.contracts.len() > CONTRACTS_MAX {
            return Err(format!("there are {} contracts, at most {CONTRACTS_MAX} are taken", section.contracts.len()));
        }
        let bytes = section.text_bytes();
        if bytes > CONTRACT_TEXT_BYTES_MAX {
            return Err(format!(
                "the schemas of all contracts have {bytes} bytes, at most {CONTRACT_TEXT_BYTES_MAX} are taken"
            ));
        }
        let mut validators: Vec<Option<Arc<Validator>>> = vec![None; section.schemas.len()];
        let mut contracts = Self::default();
        for (number, contract) in (0..).zip(&section.contracts) {
            let label = &contract.label;
            let validator = match contract.schema {
                None => None,
                Some(at) => Some(validator(section, &mut validators, at).map_err(|why| format!("{label}: {why}"))?),
            };
            if contract.filter.has_variables() {
                return Err(format!("{label}: its filter may not use variables"));
            }
            contracts.tree.insert(&contract.filter, number);
            contracts.all.push(Contract {
                label: label.clone(),
                validator,
                on_invalid: contract.on_invalid,
                counted: ledger.counted(contract.event),
            });
        }
        Ok(contracts)
    }

    /// Whether nothing is checked at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Holds an event against the contracts at its topic. Counted, and told as this sender's when it is invalid; none = the
    /// same event was counted before.
    ///
    /// # Errors
    /// No version takes it. Whether it may come in all the same, the error says.
    pub fn check(&self, event: &Event, sender: Option<&Sender<'_>>) -> Result<(), Invalid> {
        if self.is_empty() {
            return Ok(());
        }
        let found = self.at(&event.topic);
        let strictest = found.iter().map(|at| self.get(*at).on_invalid).max().unwrap_or(OnInvalid::Accept);
        if strictest == OnInvalid::Accept || says_nothing(event) {
            return Ok(());
        }
        let verdict = self.judge(&found, &event.payload, strictest);
        if let Some(sender) = sender {
            self.count(&found, event, sender, verdict.as_ref().err());
        }
        verdict
    }

    /// In the order of the document, which has the highest version of each event first.
    fn at(&self, topic: &Topic) -> Found {
        let mut found = Found::new();
        self.tree.matches(topic, &mut |at| found.push(*at));
        found.sort_unstable();
        found
    }

    fn get(&self, at: u32) -> &Contract {
        &self.all[at as usize]
    }

    fn judge(&self, found: &[u32], payload: &[u8], strictest: OnInvalid) -> Result<(), Invalid> {
        let mut worst: Option<Invalid> = None;
        for contract in found.iter().map(|at| self.get(*at)) {
            let Some(Err(violation)) = contract.validator.as_ref().map(|validator| validator.check(payload)) else {
                return Ok(());
            };
            match &mut worst {
                // The first that is checked is told of: others only share its topics.
                Some(worst) => worst.others += 1,
                None if contract.on_invalid == OnInvalid::Accept => {}
                None => {
                    worst = Some(Invalid {
                        label: contract.label.clone(),
                        path: violation.path,
                        reason: violation.reason,
                        others: 0,
                        on_invalid: strictest,
                    });
                }
            }
        }
        worst.map_or(Ok(()), Err)
    }

    fn count(&self, found: &[u32], event: &Event, sender: &Sender<'_>, invalid: Option<&Invalid>) {
        let mut told: SmallVec<[*const Counted; 4]> = SmallVec::new();
        for contract in found.iter().map(|at| self.get(*at)).filter(|one| one.on_invalid != OnInvalid::Accept) {
            // Once for each event, whatever the number of its versions.
            let its = Arc::as_ptr(&contract.counted);
            if !told.contains(&its) {
                told.push(its);
                contract.counted.count(event, sender, invalid);
            }
        }
    }
}

/// Whether there is nothing to check, by what it is: a record or a retained event that takes away what was there.
fn says_nothing(event: &Event) -> bool {
    let is_tombstone =
        || event.origin.protocol == Protocol::Kafka && event.headers.user.iter().any(|(name, _)| name == TOMBSTONE);
    event.payload.is_empty() && (event.retain || is_tombstone())
}

fn validator(
    section: &desired::Contracts,
    validators: &mut [Option<Arc<Validator>>],
    at: u32,
) -> Result<Arc<Validator>, String> {
    let missing = || format!("its schema {at} is not in the document");
    let place = validators.get_mut(at as usize).ok_or_else(missing)?;
    if let Some(known) = place {
        return Ok(known.clone());
    }
    let schema = section.schemas.get(at as usize).ok_or_else(missing)?;
    let compiled = Arc::new(compile(&section.texts, schema)?);
    *place = Some(compiled.clone());
    Ok(compiled)
}

fn compile(texts: &[String], schema: &ContractSchema) -> Result<Validator, String> {
    let text =
        |at: u32| texts.get(at as usize).ok_or_else(|| format!("text {at} of its schema is not in the document"));
    let reference = |reference: &ContractReference| {
        Ok(Reference { name: reference.name.clone(), text: text(reference.text)?.clone() })
    };
    let references = schema.references.iter().map(reference).collect::<Result<Vec<_>, String>>()?;
    let format = match schema.format {
        ContractFormat::Avro => Format::Avro,
        ContractFormat::Json => Format::JsonSchema,
        ContractFormat::Protobuf => Format::Protobuf,
    };
    Validator::new(format, text(schema.text)?, &references).map_err(|invalid| format!("its schema: {invalid}"))
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
