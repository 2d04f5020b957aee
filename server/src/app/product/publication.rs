//! Publications: where a product's version can be had. Each is a policy revision, because grants hold where it is published.

use frontend::api::{Edit, LiveTopic, ProductView, PublicationInput, ReasonInput};
use mesh_protocol::id::{DesignObjectId, PublicationId};
use uuid::Uuid;

use super::{MISSING, shown};
use crate::app::design::wrong;
use crate::app::edit::{self, Done};
use crate::app::permission::Right;
use crate::app::person::seen;
use crate::app::{App, Caller, Error, Result};
use crate::domain::design::{Kind, State as OfVersion};
use crate::domain::field::FieldErrors;
use crate::domain::product::plan::State as OfPlan;
use crate::domain::product::publication::Publication;

impl App {
    /// Publishes a released version of a product.
    ///
    /// # Errors
    /// The caller may not, there is no such product, the input is wrong, or the database's.
    pub async fn publish_product(
        &self,
        caller: &Caller,
        id: DesignObjectId,
        input: PublicationInput,
    ) -> Result<ProductView> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let designs = self.designs_in(&mut edit.tx).await?;
        let object = designs.object(id).ok().filter(|object| object.kind == Kind::Product).ok_or(MISSING)?;
        let version = designs.version(input.version).ok().filter(|version| version.object == id);
        let version = version.ok_or_else(|| wrong("version", "is none of this product: choose one of its own"))?;
        let mut errors = FieldErrors::default();
        if version.state != OfVersion::Released {
            errors.add("version", format_args!("is {}: only released versions are published", version.state));
        }
        let plans = edit.tx.plans(self.environment()).await?;
        if !plans.iter().any(|plan| plan.product == id && plan.state == OfPlan::Published) {
            errors.add("version", "could not be asked for: publish a plan first");
        }
        let places = shown::places(&input);
        if let Err(wrong) = places.check(&edit.tx.sites(self.environment()).await?) {
            wrong.0.into_iter().for_each(|(field, message)| errors.add(&field, message));
        }
        if self.publications_in(&mut edit).await?.iter().any(|one| one.version == input.version) {
            errors.add("version", "is published already: change where");
        }
        errors.check()?;
        let summary = format!("published the product {} {}", object.spec.name, version.spec.number);
        let revision = edit.take_revision(&summary).await?;
        let publication = Publication {
            id: PublicationId(Uuid::now_v7()),
            product: id,
            version: input.version,
            places,
            policy_revision: revision.revision,
            withdrawn_at_ms: None,
            revision: 1,
            created_at_ms: edit.now_ms,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
        };
        edit.tx.insert_publication(&publication).await?;
        edit.finish(done("publication.create", publication.id, &summary).after(&input)).await?;
        self.product(caller, id).await
    }

    /// Changes where a version can be had.
    ///
    /// # Errors
    /// The caller may not, there is none, the input is wrong or stale, or the database's.
    pub async fn update_publication(
        &self,
        caller: &Caller,
        id: PublicationId,
        input: Edit<PublicationInput>,
    ) -> Result<ProductView> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let old = self.find_publication(&mut edit, id).await?;
        if input.value.version != old.version {
            return Err(wrong("version", "stays: publish another version beside it"));
        }
        let places = shown::places(&input.value);
        places.check(&edit.tx.sites(self.environment()).await?)?;
        let summary = "changed where a product can be had".to_owned();
        let revision = edit.take_revision(&summary).await?;
        let new = Publication {
            places,
            policy_revision: revision.revision,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
            ..old.clone()
        };
        edit.tx.update_publication(&new, seen(input.revision)).await?;
        let done = done("publication.update", id, &summary);
        edit.finish(done.before(&shown::place_config(&old)).after(&input.value)).await?;
        self.product(caller, old.product).await
    }

    /// Takes a publication back. Whoever has the product must have lost it before, unless another version is published.
    ///
    /// # Errors
    /// The caller may not, there is none, somebody has it, the revision is stale, or the database's.
    pub async fn withdraw_publication(
        &self,
        caller: &Caller,
        id: PublicationId,
        input: Edit<ReasonInput>,
    ) -> Result<ProductView> {
        let mut edit = self.edit(caller.permit(Right::CatalogWrite)?).await?;
        edit.lock().await?;
        let old = self.find_publication(&mut edit, id).await?;
        let mut errors = FieldErrors::default();
        errors.text("reason", &input.value.reason);
        let others = self.publications_in(&mut edit).await?;
        let has_other = others.iter().any(|other| other.product == old.product && other.id != id);
        let grants = edit.tx.open_grants(self.environment()).await?;
        let grants = grants.iter().filter(|grant| grant.target == old.product).count();
        if grants > 0 && !has_other {
            let has = if grants == 1 { "1 application has".to_owned() } else { format!("{grants} applications have") };
            errors.add("state", format_args!("stays while {has} access: publish another version first, or end theirs"));
        }
        errors.check()?;
        let reason = input.value.reason.trim();
        let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let summary = format!("took the publication of a product back{reason}");
        let revision = edit.take_revision(&summary).await?;
        let new = Publication {
            withdrawn_at_ms: Some(edit.now_ms),
            policy_revision: revision.revision,
            updated_at_ms: edit.now_ms,
            updated_by: edit.actor().to_owned(),
            ..old.clone()
        };
        edit.tx.update_publication(&new, seen(input.revision)).await?;
        edit.finish(done("publication.withdraw", id, &summary).before(&shown::place_config(&old))).await?;
        self.product(caller, old.product).await
    }

    /// Those that were not taken back.
    async fn publications_in(&self, edit: &mut edit::Edit) -> Result<Vec<Publication>> {
        let mut all = edit.tx.publications(self.environment()).await?;
        all.retain(|publication| publication.withdrawn_at_ms.is_none());
        Ok(all)
    }

    async fn find_publication(&self, edit: &mut edit::Edit, id: PublicationId) -> Result<Publication> {
        let mut all = self.publications_in(edit).await?.into_iter();
        all.find(|publication| publication.id == id).ok_or(Error::NotFound { what: "publication" })
    }
}

fn done<'a>(action: &'a str, publication: PublicationId, summary: &'a str) -> Done<'a> {
    Done::new(action, publication, summary, LiveTopic::Catalog)
}
