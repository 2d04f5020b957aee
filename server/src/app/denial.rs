//! What policy refused.

use frontend::api::{DenialQuery, DenialRow};

use super::permission::Right;
use super::{App, Caller, Result};

impl App {
    /// Refusals, newest first.
    ///
    /// # Errors
    /// The caller may not, or the database's.
    pub async fn denials(&self, caller: &Caller, _query: DenialQuery) -> Result<Vec<DenialRow>> {
        caller.permit(Right::Read)?;
        Ok(Vec::new())
    }
}
