//! The portal and control plane: `meshport`.
//!
//! Layers and their only directions: `http`, `agents`, `portal`, `background` -> `app` -> `domain`, `store`, `mesh-search`. The
//! application holds every use case and every right; the facades only translate.

pub mod agents;
pub mod app;
pub mod background;
pub mod cli;
pub mod domain;
pub mod http;
pub mod portal;
pub mod serve;
pub mod store;
pub mod task;
