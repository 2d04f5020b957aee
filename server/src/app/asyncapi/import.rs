//! Documents of others become designs: schemas, events, and the application or event API whose view they take.
//!
//! ```text
//! text -> a document of version 3, with notes -> inventory -> a line for each thing, beside what the catalog has
//!                                                                -> drafts, and the document itself, kept with the last
//! ```
//! A preview and its doing make the same plan (`app/plan`). What is in the catalog already is found by the ids that our own
//! exports bear, then by name, events also by address; what says the same there is left as it is, so that an export which
//! comes back changes nothing. All else becomes a draft: nothing that others build on changes by an import.

mod names;
mod planner;
mod read;
mod write;

use frontend::api::{AsyncApiImport, AsyncApiImportApply, AsyncApiImported, AsyncApiPlan, AsyncApiQuery, AsyncApiSide};
use serde_json::Value;

use self::planner::{Plan, Planner};
use self::read::Read;
pub(super) use self::read::view;
use crate::app::design::version::checked;
use crate::app::observed::World;
use crate::app::permission::Right;
use crate::app::plan;
use crate::app::sight::Sight;
use crate::app::{App, Caller, Error, Result};
use crate::domain::design::Version;
use crate::store::Tx;

impl App {
    /// What an import would do, line by line; nothing is done.
    ///
    /// # Errors
    /// The caller may not, the text is no document, or the database's.
    pub async fn preview_asyncapi(&self, caller: &Caller, input: AsyncApiImport) -> Result<AsyncApiPlan> {
        let permit = caller.permit(Right::CatalogWrite)?;
        let (world, actor) = (self.world().await?, permit.actor().to_owned());
        let mut tx = self.store().read().await?;
        Ok(self.planned(&mut tx, world, input, actor, 0).await?.preview())
    }

    /// Makes what an import was shown to make, all of it or nothing.
    ///
    /// # Errors
    /// The caller may not, the text is no document, a line cannot be, it is no longer what was previewed, or the database's.
    pub async fn import_asyncapi(&self, caller: &Caller, input: AsyncApiImportApply) -> Result<AsyncApiImported> {
        let permit = caller.permit(Right::CatalogWrite)?;
        let world = self.world().await?;
        let mut edit = self.edit(permit).await?;
        edit.lock().await?;
        let (actor, now_ms) = (edit.actor().to_owned(), edit.now_ms);
        let plan = self.planned(&mut edit.tx, world, input.task, actor, now_ms).await?;
        let conflicts = plan.conflicts().map(|line| (&line.name, &line.note));
        plan::check(&plan.digest, &input.preview, conflicts)?;
        if plan.makes.is_empty() {
            return Err(Error::Conflict("nothing was done, because the catalog has all of it already".to_owned()));
        }
        write::all(self, edit, plan).await
    }

    /// The plan of an import, of what is there as this transaction sees it.
    async fn planned(
        &self,
        tx: &mut Tx,
        world: World,
        input: AsyncApiImport,
        actor: String,
        now_ms: i64,
    ) -> Result<Plan> {
        let designs = self.designs_in(tx).await?;
        let domains = tx.application_domains(self.environment()).await?;
        if !domains.iter().any(|domain| domain.id == input.domain) {
            return Err(crate::app::design::wrong("domain", "is not there: choose another one"));
        }
        let (known, given) = (designs.clone(), input.clone());
        let read = checked(move || Read::of(&given, &known)).await?;
        // The documents of what may be the same, which only the database has.
        let mut kept = Vec::new();
        for version in planner::candidates(&read, &input, &designs) {
            if let Some(document) = tx.design_document(version).await? {
                kept.push((version, document));
            }
        }
        checked(move || {
            let sight = Sight::whole();
            let export = |version: &Version, kept: Option<&Value>| {
                // As the document has it, which is read from the view of clients in any case.
                let query = AsyncApiQuery { side: read.side, ..AsyncApiQuery::default() };
                let document = super::made(&designs, &world, &sight, version.id, query, kept)?;
                Ok(if read.side == Some(AsyncApiSide::Provider) { document.mirrored() } else { document })
            };
            Planner::new(&designs, &read, &input, &export, (&actor, now_ms)).plan(&kept)
        })
        .await
    }
}
