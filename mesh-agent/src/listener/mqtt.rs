//! MQTT 3.1.1 and 5 on one port.
//!
//! One task per connection, no buffer of its own while it is idle. What a client may do is the enforcer's matter, where
//! its events go the router's; this part speaks the protocol. A connection whose handling fails ends alone.

mod acks;
mod carry;
mod clients;
mod connect;
mod connection;
mod consuming;
mod deliveries;
mod exactly_once;
mod feed;
mod inbound;
mod lasting;
mod metered;
mod outbox;
mod recalling;
mod session;
mod signals;
mod socket;
mod subscriptions;
mod will;
mod wire;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mesh_protocol::event::Protocol;
use rustc_hash::FxHashMap;
use tokio::net::TcpListener;

pub use clients::Clients;

use super::metrics::Metrics;
use super::{Common, accept};
use crate::policy::Denied;
use signals::{Reasons, Signals};

/// What all connections of one listener share.
#[derive(Debug)]
struct Server {
    common: Arc<Common>,
    clients: Clients,
    metrics: Arc<Metrics>,
    sessions: Sessions,
}

/// The open sessions, to be woken together.
#[derive(Debug, Default)]
struct Sessions(Mutex<FxHashMap<usize, Arc<Signals>>>);

impl Sessions {
    fn enter(&self, signals: &Arc<Signals>) {
        self.0.lock().expect("no panic while held").insert(Arc::as_ptr(signals).addr(), signals.clone());
    }

    fn leave(&self, signals: &Arc<Signals>) {
        self.0.lock().expect("no panic while held").remove(&Arc::as_ptr(signals).addr());
    }

    fn raise(&self, reason: Reasons) {
        for signals in self.0.lock().expect("no panic while held").values() {
            signals.raise(reason);
        }
    }
}

/// Accepts clients until the listener's tasks are stopped.
pub(super) fn serve(socket: TcpListener, common: Arc<Common>, clients: Clients) {
    let metrics = Arc::new(Metrics::new(&common.counters));
    let tasks = common.tasks.clone();
    let server = Arc::new(Server { common: common.clone(), clients, metrics, sessions: Sessions::default() });
    tasks.spawn("mqtt policy watch", watch(server.clone()));
    let connection = move |stream, slot| connection::serve(server.clone(), stream, slot);
    tasks.spawn_until_stopped("mqtt accept", accept::accept(common, socket, connection));
}

/// Sessions without a connection are looked at this often.
const SWEEP: Duration = Duration::from_secs(1);

/// Wakes all sessions when rights may have changed, or the listener stops; ends those that wait for too long.
async fn watch(server: Arc<Server>) {
    let mut changes = server.common.enforcer.changes();
    let stopping = server.common.tasks.token();
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            () = stopping.cancelled() => return server.sessions.raise(Reasons::STOP),
            changed = changes.changed() => match changed {
                Ok(()) => {
                    server.sessions.raise(Reasons::POLICY);
                    check_resting(&server);
                }
                Err(_) => return stopping.cancelled().await,
            },
            _ = sweep.tick() => {
                let ended = server.clients.sweep(|_, _| true);
                server.metrics.ended_with_session.add(ended);
            }
        }
    }
}

/// Sessions without a connection keep what their principal may still have.
fn check_resting(server: &Server) {
    let enforcer = &server.common.enforcer;
    let ended = server.clients.sweep(|name, lasting| {
        match enforcer.resting_session(name.principal, &name.client_id, Protocol::Mqtt) {
            Ok(session) => {
                lasting.keep(|filter| enforcer.check_subscribe(&session, filter).is_ok());
                true
            }
            // Without a policy nobody has a right, and nobody has lost one.
            Err(Denied::NoPolicy) => true,
            Err(_) => false,
        }
    });
    server.metrics.ended_with_session.add(ended);
}

#[cfg(test)]
mod tests;
