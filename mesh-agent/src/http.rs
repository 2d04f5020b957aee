//! Calling HTTP endpoints: what webhooks, discovery and sources share. What is asked and what an answer means is theirs.

pub(crate) mod connect;
pub(crate) mod login;
pub(crate) mod rest;
#[cfg(test)]
pub(crate) mod testing;
