//! Against real clients: rumqttc for both versions, and bytes by hand where a client would not do it.

mod clients;
mod contracts;
mod diverted;
mod exactly_once;
mod flow;
mod input;
mod lasting;
mod owner;
mod queue;
mod quotas;
mod retained;
mod rights;
mod sessions;

pub(super) use crate::listener::testing::{Mesh, PATIENCE, SECRET, Slow, config, port, until};
use clients::{Raw, V4, V5};
