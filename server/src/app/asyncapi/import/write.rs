//! Writes what a plan makes: each object and version with its audit entry, all in one transaction.

use frontend::api::{AsyncApiImported, LiveTopic};

use super::planner::{Make, Plan};
use crate::app::design::object_config;
use crate::app::edit::{Done, Edit};
use crate::app::{App, Result};
use crate::domain::design::Kind;

/// # Errors
/// Something was changed meanwhile, or the database's; then nothing is written.
pub(super) async fn all(app: &App, mut edit: Edit, plan: Plan) -> Result<AsyncApiImported> {
    let designs = app.designs_in(&mut edit.tx).await?;
    let made = plan.makes.len();
    let root = plan.root();
    let title = plan.title.clone();
    let (object, version) = (root.map(|make| make.version.object), root.map(|make| make.version.id));
    for make in &plan.makes {
        let Make { object, version, label, kept } = make;
        if let Some(object) = object {
            edit.tx.insert_design_object(app.environment(), object).await?;
            if object.kind == Kind::Schema {
                app.bind_subject(&mut edit.tx, &designs, object, None).await?;
            }
        }
        edit.tx.insert_design_version(version).await?;
        if let Some(kept) = kept {
            edit.tx.insert_design_document(version.id, kept).await?;
        }
        let summary = format!("made {label} of the AsyncAPI document {title}");
        let done = Done::new("design.import", version.object, &summary, LiveTopic::Catalog);
        match object {
            Some(object) => edit.also(done.after(&object_config(&object.spec))).await?,
            None => edit.also(done.after(&version.spec.number.to_string())).await?,
        }
    }
    let versions = if made == 1 { "1 version".to_owned() } else { format!("{made} versions") };
    let sentence = format!("imported {versions} of the AsyncAPI document {title}");
    let about = plan.makes.last().map(|make| make.version.object.to_string()).unwrap_or_default();
    edit.finish(Done::new("design.import", about, &sentence, LiveTopic::Catalog)).await?;
    Ok(AsyncApiImported { made: made as u64, sentence, object, version })
}
