//! What one call of the router gathers.

use std::sync::Arc;

use super::receipt::Roots;
use super::table::Attached;
use super::{Admitted, Audience, Claim, Custody, Kept, OutletId};

/// One batch on its way through the table.
pub(super) struct Round<'a> {
    pub(super) custody: Custody,
    pub(super) from: Option<OutletId>,
    /// It came from another agent: only for local outlets, the queues have it.
    pub(super) arrived: bool,
    /// For whom it is, when its sender answers for it.
    pub(super) audience: Audience<'a>,
    pub(super) roots: Roots<'a>,
    pub(super) touched: Vec<Arc<Attached>>,
    pub(super) kept: Vec<Kept>,
    /// For the agent's dead letters alone.
    pub(super) diverted: Vec<Admitted>,
    pub(super) claim: Option<Claim>,
}

impl<'a> Round<'a> {
    pub(super) fn new(custody: Custody, roots: Roots<'a>) -> Self {
        let audience = Audience::Everybody;
        let (touched, kept, diverted) = (Vec::new(), Vec::new(), Vec::new());
        Self { custody, from: None, arrived: false, audience, roots, touched, kept, diverted, claim: None }
    }
}
