//! Drawings of the mesh as pure geometry: where things go, given what there is. No leptos, no DTOs, no clock, so that
//! the same input gives the same picture on the server and in the browser.

pub mod layout;
pub mod map;
mod order;
pub mod path;
