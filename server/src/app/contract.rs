//! Contracts of events: how an edit of designs reaches the agents, and how what they find comes back.
//!
//! What agents hold payloads against is worked out of the designs. So an edit of designs makes a policy revision exactly when
//! that becomes another, and is refused where agents could not enforce it.

use std::sync::Arc;

use frontend::api::{ContractBreach, ContractView};
use mesh_protocol::desired::Contracts;
use mesh_protocol::id::AgentId;
use mesh_protocol::report::{BREACH_TEXT_BYTES_MAX, BREACHES_MAX, CONTRACTS_TOLD_MAX, ContractKept, ContractsKept};

use super::clock::now_ms;
use super::design::Designs;
use super::design::version::checked;
use super::design::wrong;
use super::edit::Edit;
use super::observed::World;
use super::report::believed;
use super::{App, Result};
use crate::domain::contract::{Breach, COUNTS_KEPT_MS, Count, RETENTION_MS};
use crate::domain::design::{Graph, Kind, Object, Validation, Version, check_contracts, contracts};
use crate::store::Tx;

/// Runs that the page of an event shows.
const BREACHES_SHOWN: u32 = 10;
const HOUR_MS: i64 = 3_600_000;

/// An edit of one object or of one version.
#[derive(Clone, Copy, Debug)]
pub(super) enum Edited<'a> {
    Object(&'a Object),
    Version(&'a Version),
}

impl App {
    /// All contracts, as this transaction sees the designs.
    pub(super) async fn contracts_in(&self, tx: &mut Tx) -> Result<Arc<Contracts>> {
        // Most portals have none, and need not read the designs for that.
        if tx.has_contracts(self.environment()).await? {
            Ok(self.designs_in(tx).await?.contracts())
        } else {
            Ok(Arc::default())
        }
    }

    /// Takes a policy revision when agents would hold payloads against something else after an edit. `field` is the one that
    /// is told of when they cannot.
    pub(super) async fn enforce_contracts(
        &self,
        edit: &mut Edit,
        designs: &Arc<Designs>,
        edited: Edited<'_>,
        field: &'static str,
        summary: &str,
    ) -> Result<()> {
        if !matters(designs, edited) {
            return Ok(());
        }
        let (mut objects, mut versions) = (designs.objects().to_vec(), designs.versions().to_vec());
        match edited {
            Edited::Object(new) => objects.iter_mut().filter(|old| old.id == new.id).for_each(|old| *old = new.clone()),
            Edited::Version(new) => {
                versions.iter_mut().filter(|old| old.id == new.id).for_each(|old| *old = new.clone());
            }
        }
        let designs = designs.clone();
        let is_news = checked(move || {
            let before = designs.contracts();
            let after = contracts(&objects, &Graph::of(&objects, &versions));
            if after == *before {
                return Ok(false);
            }
            check_contracts(&after, &before).map_err(|why| wrong(field, why))?;
            Ok(true)
        });
        if is_news.await? {
            edit.take_revision(summary).await?;
        }
        Ok(())
    }

    pub(super) async fn take_contracts(&self, agent: AgentId, report: &ContractsKept) -> Result<Option<String>> {
        if report.events.len() > CONTRACTS_TOLD_MAX || !report.events.iter().all(is_bounded) {
            let text = format!("a report holds at most {CONTRACTS_TOLD_MAX} events, each with {BREACHES_MAX} breaches");
            return Ok(Some(text));
        }
        let (designs, snapshot) = (self.designs().await?, self.snapshot().await?);
        let name = |breach: &mesh_protocol::report::Breach| {
            let found = snapshot.mesh.principals.iter().find(|principal| principal.id == breach.principal);
            found.map(|principal| principal.username.clone()).unwrap_or_default()
        };
        let at_ms = believed(report.at_ms);
        let mut tx = self.store().write().await?;
        // Of an event that was removed meanwhile nobody asks.
        for kept in report.events.iter().filter(|kept| designs.objects().iter().any(|object| object.id == kept.event)) {
            tx.add_contract_count(kept.event, agent, at_ms, Count::of(kept)).await?;
            for breach in &kept.breaches {
                let last_ms = believed(breach.last_ms.min(at_ms));
                tx.add_breach(&Breach::of(agent, kept.event, &name(breach), breach, last_ms)).await?;
            }
        }
        tx.commit().await?;
        Ok(None)
    }

    /// How payloads kept to the contract of an event; none = nobody checks it, nor did lately.
    pub(super) async fn contract_view(&self, object: &Object, world: &World) -> Result<Option<ContractView>> {
        if object.kind != Kind::Event {
            return Ok(None);
        }
        let now_ms = now_ms();
        let mut tx = self.store().read().await?;
        let hour = tx.contract_count(object.id, now_ms - HOUR_MS).await?;
        let day = tx.contract_count(object.id, now_ms - 24 * HOUR_MS).await?;
        let breaches = tx.breaches(object.id, BREACHES_SHOWN).await?;
        drop(tx);
        if object.spec.validation == Validation::Unchecked && day.checked == 0 && breaches.is_empty() {
            return Ok(None);
        }
        let row = |breach: Breach| ContractBreach {
            principal: breach.principal,
            site_name: world.site_of(breach.agent),
            principal_name: breach.principal_name,
            client_id: breach.client_id,
            protocol: breach.protocol,
            topic: breach.topic,
            label: breach.label,
            path: breach.path,
            reason: breach.reason,
            rejected: breach.rejected,
            diverted: breach.diverted,
            count: breach.count,
            first: breach.first_ms,
            last: breach.last_ms,
        };
        Ok(Some(ContractView {
            checked: hour.checked,
            invalid: hour.invalid,
            rejected: hour.rejected,
            diverted: hour.diverted,
            checked_day: day.checked,
            invalid_day: day.invalid,
            rejected_day: day.rejected,
            diverted_day: day.diverted,
            breaches: breaches.into_iter().map(row).collect(),
        }))
    }

    /// Forgets what is older than it is kept.
    pub(super) async fn prune_contracts(&self, tx: &mut Tx, now_ms: i64) -> Result<()> {
        Ok(tx.prune_contracts(now_ms - COUNTS_KEPT_MS, now_ms - RETENTION_MS).await?)
    }
}

/// Whether an edit can change contracts at all: those of events with another name or another word about payloads, and steps
/// of their versions.
fn matters(designs: &Designs, edited: Edited<'_>) -> bool {
    let object = |id| designs.objects().iter().find(|object| object.id == id);
    let is_event = |object: &&Object| object.kind == Kind::Event;
    match edited {
        Edited::Object(new) => object(new.id)
            .filter(is_event)
            .is_some_and(|old| (&old.spec.name, old.spec.validation) != (&new.spec.name, new.spec.validation)),
        Edited::Version(new) => object(new.object).filter(is_event).is_some(),
    }
}

fn is_bounded(kept: &ContractKept) -> bool {
    let short = |text: &str| text.len() <= BREACH_TEXT_BYTES_MAX;
    kept.invalid <= kept.checked
        && kept.rejected.checked_add(kept.diverted).is_some_and(|kept_out| kept_out <= kept.invalid)
        && kept.breaches.len() <= BREACHES_MAX
        && kept.breaches.iter().all(|breach| {
            [&breach.client_id, &breach.topic, &breach.label, &breach.path, &breach.reason]
                .iter()
                .all(|text| short(text))
        })
}
