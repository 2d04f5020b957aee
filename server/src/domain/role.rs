//! A mesh role: a named set of rights for principals. Its rights are the rules about it.

use mesh_protocol::id::RoleId;

use super::field::FieldErrors;

/// A mesh role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Stable id.
    pub id: RoleId,
    /// Unique in the environment.
    pub name: String,
    /// For readers.
    pub description: String,
    /// Edit counter.
    pub revision: u64,
}

/// Checks what a person chose.
///
/// # Errors
/// What is wrong, by field.
pub fn check(name: &str, description: &str) -> Result<(), FieldErrors> {
    let mut errors = FieldErrors::default();
    errors.name("name", name);
    errors.text("description", description);
    errors.check()
}
