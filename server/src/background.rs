//! Work that nobody waits for: reconcilers that look at the state and make it so.
//!
//! They take no input. An event only wakes them, a timer runs them anyway, so a lost wake heals and a failed run is
//! made up for by the next.

pub mod access;
pub mod changes;
pub mod drift;
pub mod expiry;
pub mod mail;
pub mod presence;
pub mod readings;
pub mod rollout;
pub mod search;
pub mod webhooks;

use crate::app::App;
use crate::task::Tasks;

/// Starts all of it.
pub fn start(app: &App, tasks: &Tasks) {
    tasks.spawn_until_stop("rollout", rollout::run(app.clone()));
    tasks.spawn_until_stop("notices", changes::listen(app.clone()));
    tasks.spawn_until_stop("changes", changes::look(app.clone()));
    tasks.spawn_until_stop("readings", readings::run(app.clone()));
    tasks.spawn_until_stop("search", search::run(app.clone()));
    tasks.spawn_until_stop("expiry", expiry::run(app.clone()));
    tasks.spawn_until_stop("drift", drift::run(app.clone()));
    tasks.spawn_until_stop("access", access::run(app.clone()));
    tasks.spawn_until_stop("webhooks", webhooks::run(app.clone()));
    tasks.spawn_until_stop("mail", mail::run(app.clone()));
    tasks.spawn_until_stop("presence", presence::run(app.clone()));
}
