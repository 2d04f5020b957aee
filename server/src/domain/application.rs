//! An application: the design-time owner of principals.

use mesh_protocol::id::ApplicationId;

use super::field::FieldErrors;

/// An application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Stable id.
    pub id: ApplicationId,
    /// What a person chose.
    pub spec: Spec,
    /// Edit counter.
    pub revision: u64,
}

/// What a person chooses about an application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    /// Unique in the environment.
    pub name: String,
    /// Who answers for it; empty = nobody yet.
    pub owner: String,
    /// For readers.
    pub description: String,
}

impl Spec {
    /// Checks everything that needs no other object.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check(&self) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        errors.name("name", &self.name);
        errors.text("owner", &self.owner);
        errors.text("description", &self.description);
        errors.check()
    }
}
