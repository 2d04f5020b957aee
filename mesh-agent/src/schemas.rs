//! Schemas that records name by their ids, from the registries of the site.
//!
//! ```text
//! lane: which schema has this id? --> memory --> disk (`kept`) --> registry (`ask`), one question for an id at a time
//!                                       ^                              |
//!                                       +------------------------------+ an id means the same for ever: it is kept
//! ```
//! What is kept lets records be read while the registry and the portal are away, and after a restart. What a registry does
//! not have is remembered for a moment only: somebody may register it. Nobody waits here for a registry that is away:
//! who asks is told when to ask again, and holds back what is his.

mod ask;
mod kept;
mod registry;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};

use mesh_protocol::desired::{Surveyed, SurveyedKind};

use crate::kafka::secret::Secrets;
use crate::part::StartError;
use crate::task::Tasks;
use ask::Questions;
use kept::Kept;

#[cfg(test)]
pub(crate) use ask::testing;
pub(crate) use registry::{Found, Registry};

/// The schemas an agent has, of all registries. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Schemas {
    folder: PathBuf,
    secrets: Arc<dyn Secrets>,
    tasks: Tasks,
    open: Arc<Mutex<Vec<Open>>>,
}

/// A registry that somebody reads by, or did.
#[derive(Debug)]
struct Open {
    surveyed: Surveyed,
    registry: Weak<Registry>,
}

impl Schemas {
    /// Keeps them in this folder.
    #[must_use]
    pub fn new(folder: PathBuf, secrets: Arc<dyn Secrets>) -> Self {
        Self { folder, secrets, tasks: Tasks::new("schemas"), open: Arc::default() }
    }

    /// The registry behind a broker connection. Whoever reads by it shares it.
    ///
    /// # Errors
    /// What is wrong with the connection, and what to do. That nobody answers there is no error.
    pub(crate) fn registry(&self, surveyed: &Surveyed) -> Result<Arc<Registry>, StartError> {
        if surveyed.kind != SurveyedKind::SchemaRegistry {
            return Err(StartError::Rejected(format!(
                "broker connection {} is no schema registry: choose another one for the route's schemas",
                surveyed.name
            )));
        }
        let mut open = self.open.lock().expect("no panic while held");
        open.retain(|other| other.registry.strong_count() > 0);
        let same = open.iter().find(|other| other.surveyed == *surveyed);
        if let Some(registry) = same.and_then(|same| same.registry.upgrade()) {
            return Ok(registry);
        }
        let questions = Questions::new(surveyed.clone(), self.secrets.clone(), self.tasks.clone());
        questions.check()?;
        let in_use: Vec<String> = open.iter().map(|other| kept::folder_name(&other.surveyed)).collect();
        kept::make_room(&self.folder, &in_use);
        let kept = Kept::new(self.folder.join(kept::folder_name(surveyed)));
        let registry = Arc::new(Registry::new(surveyed.name.clone(), Box::new(questions), kept));
        open.push(Open { surveyed: surveyed.clone(), registry: Arc::downgrade(&registry) });
        Ok(registry)
    }
}
