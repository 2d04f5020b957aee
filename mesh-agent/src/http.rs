//! Calling HTTP endpoints: what webhooks and discovery share. What is asked and what an answer means is theirs.

mod address;
pub(crate) mod connect;
