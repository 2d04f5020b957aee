//! Access: somebody asks for it, others decide, and what was decided is in force until it ends.
//!
//! ```text
//! request -> verdict of the plan -> approvals -> grant -> rules of the application's clients, at the sites of the publication
//! ```
//! A grant keeps the terms it was given under. Approved is not live: it is live when every agent concerned enforces the
//! policy that has it, and ended is over when every one enforces a policy without it.

pub mod grant;
pub mod kafka;
pub mod reminder;
pub mod request;
pub mod verdict;
