//! What may be deleted: first softly, which is retirement, then for good, and nothing that others are built on.

use super::super::design::{Graph, Version};
use super::{Deleted, Listed, Refusal, Registered, Registry};

/// What a deletion does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delete {
    /// Which versions go, the lowest number first.
    pub versions: Vec<Registered>,
    /// Nothing of the subject is left: its level and mode go too.
    pub is_all: bool,
}

impl Registry {
    /// Deletes a subject.
    ///
    /// # Errors
    /// It is not there, or not in that state, the mode forbids it, or others are built on it.
    pub fn delete_subject(&self, name: &str, is_permanent: bool, graph: &Graph<'_>) -> Result<Delete, Refusal> {
        let all: Vec<&Listed> = self.versions(name, Deleted::With).collect();
        if all.is_empty() {
            return Err(Refusal::NoSubject(name.to_owned()));
        }
        self.check_writable(name)?;
        let is_gone = all.iter().all(|listed| listed.is_deleted);
        match (is_permanent, is_gone) {
            (false, true) => return Err(Refusal::SubjectDeleted(name.to_owned())),
            (true, false) => return Err(Refusal::SubjectNotDeleted(name.to_owned())),
            _ => {}
        }
        let going: Vec<Registered> =
            all.iter().filter(|listed| is_permanent || !listed.is_deleted).map(|listed| listed.registered).collect();
        self.check_unused(name, &going, is_permanent, graph)?;
        Ok(Delete { versions: going, is_all: is_permanent })
    }

    /// Deletes one version; without a number the newest.
    ///
    /// # Errors
    /// As [`Registry::delete_subject`].
    pub fn delete_version(
        &self,
        name: &str,
        number: Option<u32>,
        is_permanent: bool,
        graph: &Graph<'_>,
    ) -> Result<Delete, Refusal> {
        let Listed { registered, is_deleted, .. } = *self.version(name, number, Deleted::With)?;
        self.check_writable(name)?;
        match (is_permanent, is_deleted) {
            (false, true) => return Err(Refusal::VersionDeleted(name.to_owned(), registered.version)),
            (true, false) => return Err(Refusal::VersionNotDeleted(name.to_owned(), registered.version)),
            _ => {}
        }
        self.check_unused(name, &[registered], is_permanent, graph)?;
        let is_last = self.versions(name, Deleted::With).nth(1).is_none();
        Ok(Delete { versions: vec![registered], is_all: is_permanent && is_last })
    }

    /// What is retired must not be used by what is served; what leaves its subject, by nothing that is registered, because
    /// that names it by subject and number.
    fn check_unused(
        &self,
        name: &str,
        going: &[Registered],
        is_permanent: bool,
        graph: &Graph<'_>,
    ) -> Result<(), Refusal> {
        let goes = |user: &&Version| going.iter().any(|one| one.design == user.id);
        let holds =
            |user: &&Version| if is_permanent { self.of_design(user.id).is_some() } else { user.state.is_live() };
        for one in going {
            let users = graph.used_by(one.design);
            let users: Vec<String> = users
                .iter()
                .filter(|user| holds(user) && !goes(user))
                .map(|user| match self.of_design(user.id) {
                    Some((subject, listed)) => format!("{subject} version {}", listed.registered.version),
                    None => graph.label(user.id),
                })
                .collect();
            if !users.is_empty() {
                let what = format!("{name} version {}, from {}", one.version, users.join(", "));
                return Err(Refusal::Referenced(what));
            }
        }
        Ok(())
    }
}
