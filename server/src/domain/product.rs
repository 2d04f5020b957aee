//! What products are offered under, and where: plans and publications.
//!
//! A product's content is a design version like others ([`design`](super::design)). Its plans belong to the product, whatever
//! the version: who has access keeps it when a new version is published. A plan that is offered changes only by a new number,
//! and a grant keeps the number it was given under, so that nobody's terms change under them. What it lets others have is read by
//! somebody who did not write it ([`plan::review`]).
//!
//! ```text
//! product -- version 1.0.0 --published--> everywhere, or at some sites
//!        \-- plan "standard" 1, 2, 3      <-- access requests, grants (each of one number)
//! ```

pub mod plan;
pub mod publication;
