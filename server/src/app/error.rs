//! Why a use case did not happen, and how that is told.
//!
//! The variants are what a caller can act on; everything else is `Internal`, logged once with its whole chain where
//! it becomes an answer, and named to the caller only by the id of the request.

use frontend::api::{ApiError, FieldError};
use mesh_search::SearchError;

use super::authority::AuthorityError;
use crate::domain::field::FieldErrors;
use crate::domain::person::PortalRole;
use crate::store::StoreError;

/// Why a use case did not happen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in.
    #[error("sign in first")]
    Unauthenticated,
    /// Login name or password is wrong; which one is not told.
    #[error("the login name or the password is wrong")]
    BadLogin,
    /// Too many attempts.
    #[error("too many attempts: wait a minute and try again")]
    TooManyAttempts,
    /// The role is too small.
    #[error("this needs the role {}", needs.name())]
    Forbidden {
        /// The smallest role that may.
        needs: PortalRole,
    },
    /// It is about more domains than the caller sees.
    #[error(
        "you see only some application domains, and this is about all of them: an admin can let you see everything"
    )]
    OutOfSight,
    /// There is no such object, or the caller may not know of it.
    #[error("there is no such {what}")]
    NotFound {
        /// `site`, `rule`...
        what: &'static str,
    },
    /// The input is wrong.
    #[error("check the marked fields")]
    Invalid(FieldErrors),
    /// Somebody else was faster.
    #[error("the {what} was changed meanwhile: reload it and make your change again")]
    Stale {
        /// `site`, `rule`...
        what: &'static str,
    },
    /// What was previewed is not what would be done now.
    #[error("what would be done is no longer what you saw: look at the preview again, then confirm it")]
    StalePreview,
    /// The state of other objects forbids it.
    #[error("{0}")]
    Conflict(String),
    /// It needs something that is not there now, such as an agent's session.
    #[error("{0}")]
    Unavailable(String),
    /// The secrets folder belongs to another database.
    #[error("the secrets in the data folder are not those of this database: give both from the same backup")]
    ForeignSecrets,
    /// The certificate authorities could not do it.
    #[error("the certificate authority refused")]
    Authority(#[from] AuthorityError),
    /// The store could not do it.
    #[error("the portal's database failed")]
    Store(#[source] StoreError),
    /// The search index could not do it.
    #[error("search failed")]
    Search(#[from] SearchError),
    /// A broken invariant.
    #[error("{0}")]
    Internal(&'static str),
}

/// A result of the application.
pub type Result<T> = std::result::Result<T, Error>;

impl From<FieldErrors> for Error {
    fn from(errors: FieldErrors) -> Self {
        Self::Invalid(errors)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Taken { table, column } => {
                let what = table.replace('_', " ");
                Self::Invalid(FieldErrors::one(field_of(&table, &column), format_args!("is taken by another {what}")))
            }
            StoreError::Stale { table } => Self::Stale { what: table },
            StoreError::Referenced => {
                Self::Conflict("something else still refers to it: remove that first, then this".to_owned())
            }
            other => Self::Store(other),
        }
    }
}

/// The name of a column in the API's inputs, where it differs.
fn field_of<'a>(table: &str, column: &'a str) -> &'a str {
    match (table, column) {
        (_, "to_site_id") => "to",
        ("registry_subject", _) => "subject",
        ("person", "username") => "login",
        (_, column) => column,
    }
}

impl Error {
    /// The answer for the caller. Internal failures are logged here, with their chain, and not told.
    #[must_use]
    pub fn into_answer(self) -> ApiError {
        let title = self.to_string();
        match self {
            Self::Unauthenticated => ApiError::new("unauthenticated", 401, title),
            Self::BadLogin => ApiError::new("bad-login", 401, title),
            Self::TooManyAttempts => ApiError::new("too-many-requests", 429, title),
            Self::Forbidden { needs } => {
                let mut answer = ApiError::new("forbidden", 403, title);
                answer.needs = Some(needs.name().to_owned());
                answer
            }
            Self::OutOfSight => ApiError::new("out-of-sight", 403, title),
            Self::NotFound { .. } => ApiError::new("not-found", 404, title),
            Self::Invalid(errors) => {
                let mut answer = ApiError::new("invalid", 422, title);
                let fields = errors.0.into_iter().map(|(field, message)| FieldError { field, message });
                answer.fields = fields.collect();
                answer
            }
            Self::Stale { .. } => ApiError::new("stale-revision", 409, title),
            Self::StalePreview => ApiError::new("stale-preview", 409, title),
            Self::Conflict(_) => ApiError::new("conflict", 409, title),
            Self::Unavailable(_) => ApiError::new("unavailable", 503, title),
            Self::ForeignSecrets | Self::Authority(_) | Self::Store(_) | Self::Search(_) | Self::Internal(_) => {
                tracing::error!(error = %chain(&self), "a request failed inside the portal");
                ApiError::new("internal", 500, "the portal failed: its log says why")
            }
        }
    }
}

/// An error with all its sources, for one line of a log.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_is_told_beside_its_field() {
        let field = |table: &str, column: &str| {
            let taken = StoreError::Taken { table: table.to_owned(), column: column.to_owned() };
            Error::from(taken).into_answer().fields.first().map(|error| error.field.clone())
        };
        assert_eq!(field("site", "name").as_deref(), Some("name"));
        assert_eq!(field("principal", "username").as_deref(), Some("username"));
        assert_eq!(field("person", "username").as_deref(), Some("login"), "as the API calls it");
        assert_eq!(field("link", "to_site_id").as_deref(), Some("to"));
    }
}
