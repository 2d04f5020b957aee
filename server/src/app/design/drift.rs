//! Drift as a work queue: what is designed beside what was seen, with what can be done about each difference.
//!
//! Everything here is worked out of what a caller sees, so what is out of sight is not found, not counted and not named.

mod adopt;
mod hint;
mod proposals;
mod push;
mod scene;
mod shown;
mod task;
mod trend;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use frontend::api::{
    DriftApply, DriftCounts, DriftDone, DriftPage, DriftPreview, DriftProposals, DriftQuery, DriftSelection, DriftTask,
};
use mesh_protocol::id::ApplicationDomainId;

use self::scene::{Row, Study};
use crate::app::observed::World;
use crate::app::page::{Slice, page};
use crate::app::permission::Right;
use crate::app::{App, Caller, Result};
use crate::domain::design::drift::Status;

/// Rows of a page when nobody says how many, and most of them.
const LIST: u32 = 50;
const LIST_MAX: u32 = 200;

/// Where a finding stands in the list: the busiest first, then what was seen last, then by its key.
type Place = (Reverse<u64>, Reverse<i64>, String);

/// How many findings are open, as of one reading of what was seen and one entry of the audit trail. The overview and the
/// list of domains show it, over and over.
#[derive(Debug)]
pub struct Open {
    seen_ms: i64,
    number: u64,
    pub(in crate::app) counts: DriftCounts,
    pub(in crate::app) by_domain: HashMap<ApplicationDomainId, u64>,
}

impl Open {
    fn is_of(&self, world: &World) -> bool {
        (self.seen_ms, self.number) == (world.seen.now_ms, world.config.number())
    }
}

/// Which findings a query means, but for their status.
struct Asked {
    words: Vec<String>,
    query: DriftQuery,
}

impl Asked {
    fn of(query: &DriftQuery) -> Self {
        let words = query.q.iter().flat_map(|q| q.split_whitespace()).map(str::to_lowercase).collect();
        Self { words, query: query.clone() }
    }

    fn means(&self, row: &Row<'_>, study: &Study<'_>) -> bool {
        self.query.about.is_none_or(|about| about == shown::about(&row.finding))
            && self.query.domain.is_none_or(|domain| row.domain == Some(domain))
            && self.has_words(row, study)
    }

    fn has_words(&self, row: &Row<'_>, study: &Study<'_>) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let (domain, owner) = study.place(row);
        let text = [study.name(row), row.finding.sentence(), domain.to_owned(), owner].join("\n").to_lowercase();
        self.words.iter().all(|word| text.contains(word.as_str()))
    }

    /// Whether its status is one that is asked for.
    fn has_status(&self, row: &Row<'_>) -> bool {
        let wanted = self.query.status.map(shown::status_of);
        let status = row.finding.status;
        let is_wanted = wanted.map_or(status != Status::Match, |wanted| wanted == status);
        is_wanted && (status == Status::Match || row.ignored.is_some() == self.query.ignored)
    }
}

fn place(row: &Row<'_>) -> Place {
    (Reverse(row.milli_rate()), Reverse(row.last_seen.unwrap_or_default()), row.key.clone())
}

fn counts<'a>(rows: impl IntoIterator<Item = &'a Row<'a>>) -> DriftCounts {
    let mut counts = DriftCounts::default();
    for row in rows {
        if row.finding.status == Status::Match {
            counts.matching += 1;
            continue;
        }
        if row.ignored.is_some() {
            counts.ignored += 1;
            continue;
        }
        counts.open += 1;
        match row.finding.status {
            Status::Partial => counts.partial += 1,
            Status::DesignOnly => counts.design_only += 1,
            Status::RuntimeOnly => counts.runtime_only += 1,
            Status::Match => {}
        }
    }
    counts
}

impl App {
    /// Findings, the busiest first.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn drift(&self, caller: &Caller, query: DriftQuery) -> Result<DriftPage> {
        caller.permit(Right::Read)?;
        let scene = self.scene(caller).await?;
        let study = scene.study();
        let asked = Asked::of(&query);
        let rows: Vec<Row<'_>> = study.rows().into_iter().filter(|row| asked.means(row, &study)).collect();
        let counts = counts(&rows);
        let wanted = rows.into_iter().filter(|row| asked.has_status(row)).collect();
        let slice = Slice::of(query.cursor.as_deref(), query.limit, LIST, LIST_MAX);
        let page = page(wanted, slice, place)?.map(|row| shown::finding(&row, &study));
        Ok(DriftPage { items: page.items, next: page.next, total: page.total, counts })
    }

    /// What a task would do, exactly; nothing is done.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn preview_drift(&self, caller: &Caller, task: DriftTask) -> Result<DriftPreview> {
        task::preview(self, caller, task).await
    }

    /// Does a task as it was previewed, all of it or nothing.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, something cannot be made, it is no longer what was previewed, or the
    /// database's.
    pub async fn apply_drift(&self, caller: &Caller, input: DriftApply<DriftTask>) -> Result<DriftDone> {
        task::apply(self, caller, input).await
    }

    /// What could be made of findings, for somebody to change and confirm.
    ///
    /// # Errors
    /// The caller may not, the selection is wrong, or the database's.
    pub async fn drift_proposals(&self, caller: &Caller, select: DriftSelection) -> Result<DriftProposals> {
        caller.permit(Right::CatalogWrite)?;
        let scene = self.scene(caller).await?;
        let (mut proposals, addresses) = proposals::proposals(&scene, &select)?;
        for (event, addresses) in proposals.events.iter_mut().zip(addresses) {
            if event.input.schema.is_some() {
                continue;
            }
            let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
            if let Some((text, payloads)) = self.schema_at(&addresses).await? {
                let of = if payloads == 1 { "1 payload".to_owned() } else { format!("{payloads} payloads") };
                event.evidence.push(format!("A draft of its schema can be made of {of} that agents looked at."));
                event.input.schema_text = Some(text);
            }
        }
        Ok(proposals)
    }

    /// The access rules that would be made for findings; nothing is made.
    ///
    /// # Errors
    /// The caller may not, the selection is wrong, or the database's.
    pub async fn preview_push(&self, caller: &Caller, select: DriftSelection) -> Result<DriftPreview> {
        push::preview(self, caller, select).await
    }

    /// Makes the access rules that were previewed, all of them or none.
    ///
    /// # Errors
    /// The caller may not, something cannot be made, it is no longer what was previewed, or the database's.
    pub async fn push_drift(&self, caller: &Caller, input: DriftApply<DriftSelection>) -> Result<DriftDone> {
        push::apply(self, caller, input).await
    }

    /// How many findings are open, in all that the caller sees and in each domain.
    pub(in crate::app) async fn open_drift(&self, caller: &Caller) -> Result<Arc<Open>> {
        let world = self.world().await?;
        let is_whole = world.config.sight(caller).is_whole();
        let kept = self.0.drift.load_full().filter(|kept| is_whole && kept.is_of(&world));
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let scene = self.scene(caller).await?;
        let study = scene.study();
        let rows = study.rows();
        let mut by_domain = HashMap::new();
        for domain in rows.iter().filter(|row| row.is_open()).filter_map(|row| row.domain) {
            *by_domain.entry(domain).or_default() += 1;
        }
        let (seen_ms, number) = (scene.world.seen.now_ms, scene.world.config.number());
        let open = Arc::new(Open { seen_ms, number, counts: counts(&rows), by_domain });
        if is_whole {
            self.0.drift.store(Some(open.clone()));
        }
        Ok(open)
    }
}
