//! AsyncAPI documents: built, read, written, checked, converted and compared.
//!
//! A portal lives from documents that others make and read: what it exports has to pass every tool, and what it
//! imports may be anything. Everything that is known about them is here, as functions on values. Nothing is fetched,
//! opened or run, so the portal and its tests use the same code, and a document cannot make the portal call anybody.
//!
//! A [`Document`] is the JSON value it was written as (see there why). Around it stand:
//! - [`read`] and [`to_yaml`], [`to_json`]: texts, within bounds;
//! - [`official`]: the schema of the AsyncAPI initiative, with sentences that lead to the part that is wrong;
//! - [`lint`]: everything else that tools refuse or readers miss, as rules that a team may set, and a score;
//! - [`build`]: documents made from what is known, with [`bindings`] for what protocols add;
//! - [`import`](mod@import): documents of others, of any version from 2.0 on;
//! - [`diff`]: what changes between two versions, and whom it hurts;
//! - [`summary`]: a document as a page shows it, everything looked up;
//! - [`inventory`]: what of a document a catalog holds, and [`keep`](mod@keep): what it does not, and how that comes back.

pub mod bindings;
pub mod build;
pub mod diff;
pub mod import;
pub mod inventory;
pub mod keep;
pub mod lint;
pub mod official;
pub mod summary;

mod document;
mod finding;
mod parts;
mod pointer;
mod refs;
mod schema;
mod text;
mod traits;

pub use document::{Document, NotADocument, Version};
pub use finding::{Finding, Severity};
pub use import::import;
pub use parts::Level;
pub use pointer::Pointer;
pub use schema::schema_format;
pub use text::{
    CONTENT_BYTES_MAX, NESTING_MAX, Place, Syntax, TEXT_BYTES_MAX, Unreadable, VALUES_MAX, locate, read, to_json,
    to_yaml,
};
