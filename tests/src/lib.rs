//! What the system tests are made of: a whole mesh of real processes, and the rules of the layering.

pub mod layering;
