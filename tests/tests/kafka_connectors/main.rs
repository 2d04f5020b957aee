//! The Kafka source, sink and discovery of an agent against real brokers: what arrives, in which order, and what they
//! say when something is wrong. Parts are started as `reconcile` does; no portal and no fabric are involved.
//!
//! One test program, because what starts and feeds the brokers is shared.

mod agent;
mod behind;
mod discovery;
mod records;
mod transfer;
mod trouble;
