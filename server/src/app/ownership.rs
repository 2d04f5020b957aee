//! Ownership as a work queue: what nobody answers for, who could, and owners set for many things at once.
//!
//! Everything here is worked out of what a caller sees, so what is out of sight is not found, not counted and not named,
//! and speaks for nobody.

mod evidence;
mod import;
mod scene;
mod task;
mod write;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use frontend::api::{
    OwnerSuggestion, OwnershipApply, OwnershipCount, OwnershipDone, OwnershipImport, OwnershipKind, OwnershipPage,
    OwnershipPreview, OwnershipQuery, OwnershipTask, UnownedView,
};

use self::evidence::Study;
use self::scene::Thing;
use super::page::{Slice, page};
use super::permission::Right;
use super::{App, Caller, Result};

/// Rows of a page when nobody says how many, and most of them.
const LIST: u32 = 50;
const LIST_MAX: u32 = 200;

/// Where a thing stands in the queue: the busiest first, then by kind and name.
type Place = (Reverse<u64>, OwnershipKind, String, String);

/// Which things a query means, but for their kind.
struct Asked {
    words: Vec<String>,
    query: OwnershipQuery,
}

impl Asked {
    fn of(query: &OwnershipQuery) -> Self {
        let words = query.q.iter().flat_map(|q| q.split_whitespace()).map(str::to_lowercase).collect();
        Self { words, query: query.clone() }
    }

    fn means(&self, thing: &Thing<'_>) -> bool {
        let is_unowned = thing.owner.is_empty() && (self.query.by_domain || thing.by_domain.is_empty());
        thing.is_queued
            && is_unowned
            && self
                .query
                .domain
                .is_none_or(|id| thing.domain.is_some_and(|domain| domain.id == id) || thing.is_domain(id))
            && self.has_words(thing)
    }

    fn has_words(&self, thing: &Thing<'_>) -> bool {
        if self.words.is_empty() {
            return true;
        }
        let domain = thing.domain.map(|domain| domain.spec.name.as_str()).unwrap_or_default();
        let text = [thing.name(), domain, &thing.place()].join("\n").to_lowercase();
        self.words.iter().all(|word| text.contains(word.as_str()))
    }

    fn has_kind(&self, thing: &Thing<'_>) -> bool {
        self.query.kind.is_none_or(|kind| kind == thing.kind())
    }
}

/// Events per thousand seconds: a rate that can be ordered and written into a cursor.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are small and never negative")]
fn milli(rate: f64) -> u64 {
    (rate * 1_000.0) as u64
}

impl App {
    /// What nobody answers for, the busiest first.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn ownership(&self, caller: &Caller, query: OwnershipQuery) -> Result<OwnershipPage> {
        caller.permit(Right::Read)?;
        let scene = self.ownership_scene(caller).await?;
        let things = scene.things();
        let study = Study::of(&scene, &things);
        let asked = Asked::of(&query);
        let found: Vec<&Thing<'_>> = things.iter().filter(|thing| asked.means(thing)).collect();
        let counts = counts(&found);
        let wanted = found.into_iter().filter(|thing| asked.has_kind(thing)).collect();
        let slice = Slice::of(query.cursor.as_deref(), query.limit, LIST, LIST_MAX);
        let place = |thing: &&Thing<'_>| -> Place {
            (Reverse(milli(study.rate(thing))), thing.kind(), thing.name().to_owned(), thing.key.clone())
        };
        let page = page(wanted, slice, place)?.map(|thing| shown(thing, &study));
        Ok(OwnershipPage { items: page.items, next: page.next, total: page.total, counts })
    }

    /// What a task would do, exactly; nothing is done.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, or the database's.
    pub async fn preview_ownership(&self, caller: &Caller, task: OwnershipTask) -> Result<OwnershipPreview> {
        caller.permit(Right::CatalogWrite)?;
        let scene = self.ownership_scene(caller).await?;
        Ok(task::plan(&scene, &task)?.preview())
    }

    /// Does a task as it was previewed, all of it or nothing.
    ///
    /// # Errors
    /// The caller may not, the input is wrong, something cannot be changed, it is no longer what was previewed, or the
    /// database's.
    pub async fn apply_ownership(
        &self,
        caller: &Caller,
        input: OwnershipApply<OwnershipTask>,
    ) -> Result<OwnershipDone> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let scene = self.ownership_scene_in(caller, &mut edit.tx).await?;
        let plan = task::plan(&scene, &input.task)?;
        plan.check(&input.preview)?;
        write::all(self, edit, plan.changes).await
    }

    /// What a list of owners would do, line by line; nothing is done.
    ///
    /// # Errors
    /// The caller may not, it is no list, or the database's.
    pub async fn preview_owners(&self, caller: &Caller, list: OwnershipImport) -> Result<OwnershipPreview> {
        caller.permit(Right::CatalogWrite)?;
        // A list may speak of applications with clients too.
        caller.permit(Right::ApplicationWrite)?;
        let scene = self.ownership_scene(caller).await?;
        Ok(import::plan(&scene, &list)?.preview())
    }

    /// Gives everything the owner that a list names, as it was previewed, or nothing.
    ///
    /// # Errors
    /// The caller may not, it is no list, a line cannot be, it is no longer what was previewed, or the database's.
    pub async fn import_owners(
        &self,
        caller: &Caller,
        input: OwnershipApply<OwnershipImport>,
    ) -> Result<OwnershipDone> {
        caller.permit(Right::ApplicationWrite)?;
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let scene = self.ownership_scene_in(caller, &mut edit.tx).await?;
        let plan = import::plan(&scene, &input.task)?;
        plan.check(&input.preview)?;
        write::all(self, edit, plan.changes).await
    }
}

fn counts(things: &[&Thing<'_>]) -> Vec<OwnershipCount> {
    let mut counts: BTreeMap<OwnershipKind, u64> = BTreeMap::new();
    for thing in things {
        *counts.entry(thing.kind()).or_default() += 1;
    }
    counts.into_iter().map(|(kind, count)| OwnershipCount { kind, count }).collect()
}

fn shown<'a>(thing: &Thing<'a>, study: &Study<'a>) -> UnownedView {
    let config = &study.scene.world.config;
    let suggestion = study.suggestion(thing).map(|found| OwnerSuggestion {
        team: config.team_named(&found.owner),
        owner: found.owner,
        evidence: found.evidence,
    });
    let row = thing.entry().map(|entry| &entry.row);
    UnownedView {
        id: thing.id(),
        kind: thing.kind(),
        name: thing.name().to_owned(),
        href: thing.href(),
        domain: thing.domain.map(|domain| domain.id),
        domain_name: thing.domain.map(|domain| domain.spec.name.clone()).unwrap_or_default(),
        by_domain: thing.by_domain.to_owned(),
        team: config.team_named(thing.by_domain),
        tags: thing.tags().to_vec(),
        sites: row.map(|row| row.sites.clone()).unwrap_or_default(),
        broker: row.and_then(|row| row.broker.clone()),
        rate: study.rate(thing),
        freshness: row.and_then(|row| row.freshness.clone()),
        suggestion,
    }
}
