//! Products for those who look for one, and for those who offer one: what they hold, their plans, and where they can be had.
//!
//! What a product holds is designed like everything else (`app/design`). This joins it with its plans, its publication and
//! the applications that have it. Whoever may not write sees of a product what can be asked for, and nothing of what is
//! still being written.

mod plan;
mod publication;
mod review;
mod shown;

use std::sync::Arc;

use frontend::api::{Page, ProductQuery, ProductRow, ProductView};
use mesh_protocol::id::DesignObjectId;

use super::design::Designs;
use super::design::version::By;
use super::page::{Slice, page};
use super::permission::Right;
use super::sight::Sight;
use super::snapshot::{FleetState, Snapshot};
use super::{App, Caller, Error, Result};
use crate::domain::design::{Graph, Kind, Object, Version};
use crate::domain::product::plan::{Numbered, Plan};
use crate::domain::product::publication::Publication;

/// Rows of the list when nobody says how many, and most of them.
const LIST: u32 = 50;
const LIST_MAX: u32 = 500;

/// Everything that products are made of, at one time.
#[derive(Debug)]
pub(super) struct Shop {
    pub(super) designs: Arc<Designs>,
    pub(super) config: Arc<Snapshot>,
    pub(super) fleet: FleetState,
    pub(super) sight: Sight,
    /// The caller may write: sees drafts too.
    pub(super) may_write: bool,
    /// Who reviews, when it is the caller.
    by: By,
}

impl App {
    /// Products that can be had, by name; or all there are.
    ///
    /// # Errors
    /// The caller may not, the cursor is wrong, or the database's.
    pub async fn products(&self, caller: &Caller, query: ProductQuery) -> Result<Page<ProductRow>> {
        caller.permit(Right::Read)?;
        let shop = self.shop(caller).await?;
        let graph = shop.designs.graph();
        let words: Vec<String> = query.q.iter().flat_map(|q| q.split_whitespace()).map(str::to_lowercase).collect();
        let all = query.all && shop.may_write;
        let wanted = shop.products().filter(|object| {
            query.domain.is_none_or(|domain| domain == object.spec.domain)
                && (all || shop.publication(object.id, &graph).is_some())
                && shop.has_words(object, &graph, &words)
        });
        let slice = Slice::of(query.cursor.as_deref(), query.limit, LIST, LIST_MAX);
        let page = page(wanted.collect(), slice, |object: &&Object| (object.spec.name.clone(), object.id))?;
        Ok(page.map(|object| shop.row(object, &graph)))
    }

    /// One product, with all there is to know before asking for it.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn product(&self, caller: &Caller, id: DesignObjectId) -> Result<ProductView> {
        caller.permit(Right::Read)?;
        let shop = self.shop(caller).await?;
        let graph = shop.designs.graph();
        let object = shop.product(id)?;
        if !shop.may_write && shop.publication(id, &graph).is_none() {
            return Err(MISSING);
        }
        let publications = self.store().read().await?.publications(self.environment()).await?;
        let environment = shop.config.mesh.environment.name.clone();
        Ok(shop.view(object, &graph, &publications, &environment))
    }

    pub(super) async fn shop(&self, caller: &Caller) -> Result<Shop> {
        let (designs, config, fleet) = (self.designs().await?, self.snapshot().await?, self.fleet_state().await?);
        let sight = config.sight(caller);
        let may_write = caller.permit(Right::CatalogWrite).is_ok();
        Ok(Shop { designs, config, fleet, sight, may_write, by: By::of(caller) })
    }
}

/// What is out of sight is not there either.
pub(super) const MISSING: Error = Error::NotFound { what: "product" };

impl Shop {
    /// All products that are in sight.
    fn products(&self) -> impl Iterator<Item = &Object> {
        let is_seen = |object: &&Object| object.kind == Kind::Product && self.sight.sees_design(object);
        self.designs.objects().iter().filter(is_seen)
    }

    fn product(&self, id: DesignObjectId) -> Result<&Object> {
        self.products().find(|object| object.id == id).ok_or(MISSING)
    }

    /// Its plans, in the order in which they were made.
    pub(super) fn plans(&self, product: DesignObjectId) -> impl Iterator<Item = &Plan> {
        self.config.plans.iter().filter(move |plan| plan.product == product)
    }

    /// Where it can be had now: of several versions that are published, the highest number.
    pub(super) fn publication<'a>(
        &'a self,
        product: DesignObjectId,
        graph: &Graph<'a>,
    ) -> Option<(&'a Publication, &'a Version)> {
        let of_it = self.config.mesh.publications.iter().filter(|publication| publication.product == product);
        let of_it = of_it.filter_map(|publication| Some((publication, graph.version(publication.version)?)));
        of_it.max_by_key(|(_, version)| version.spec.number)
    }

    /// The version that is offered, else the newest one.
    fn offered<'a>(&'a self, product: DesignObjectId, graph: &Graph<'a>) -> Option<&'a Version> {
        let published = self.publication(product, graph).map(|(_, version)| version);
        published.or_else(|| graph.versions(product).last().copied().filter(|_| self.may_write))
    }

    /// How many applications have a product, or a plan of it.
    pub(super) fn grants(&self, is_it: impl Fn(DesignObjectId, Option<Numbered>) -> bool) -> u64 {
        let has = self.config.mesh.grants.iter().filter(|grant| is_it(grant.target, grant.plan));
        has.count() as u64
    }

    fn has_words(&self, object: &Object, graph: &Graph<'_>, words: &[String]) -> bool {
        if words.is_empty() {
            return true;
        }
        let row = self.row(object, graph);
        let mut texts = vec![row.name, row.domain_name, row.owner, row.description];
        texts.extend(row.tags);
        if let Some(version) = self.offered(object.id, graph) {
            for event in self.events(version, graph) {
                texts.extend([event.name, event.address]);
            }
        }
        let texts: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
        words.iter().all(|word| texts.iter().any(|text| text.contains(word.as_str())))
    }
}
