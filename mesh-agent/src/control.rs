//! The agent's side of the control plane: enrolment, the session, the ledger, reports.
//!
//! The agent dials out; nothing here listens to the network. What the portal says is believed only as far as it is
//! signed: the [`ledger`] checks every document, keeps the last two good ones, and hands the newest to `reconcile`.
//! A portal that is away changes nothing about what is enforced.

pub mod enrol;
pub mod facts;
pub mod ledger;
pub mod listener;
pub mod outbox;
pub mod portal;
pub mod renew;
pub mod session;
pub mod standing;
pub mod tls;

#[cfg(test)]
pub(crate) mod testing;
