//! The mesh's live registry of subscriptions.

use frontend::api::{Page, SubscriptionQuery, SubscriptionRow};

use super::permission::Right;
use super::{App, Caller, Result};

impl App {
    /// Who subscribes to what, now.
    ///
    /// # Errors
    /// The caller may not, or the database's.
    pub async fn subscriptions(&self, caller: &Caller, _query: SubscriptionQuery) -> Result<Page<SubscriptionRow>> {
        caller.permit(Right::Read)?;
        Ok(Page { items: Vec::new(), next: None, total: 0 })
    }
}
