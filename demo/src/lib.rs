//! The demo retailer: a whole mesh on one machine, made and driven through public interfaces only.
//!
//! What starts and ends processes lives here too and is shared with the system tests, so that the demo and the tests
//! run the same thing.

pub mod agent;
pub mod cache;
pub mod kafka;
pub mod maven;
pub mod people;
pub mod portal;
pub mod ports;
pub mod process;
pub mod programs;
pub mod retailer;
pub mod secrets;
pub mod site;
pub mod state;
pub mod wait;
