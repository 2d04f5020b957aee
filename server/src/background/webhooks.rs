//! Brings messages to the endpoints of other systems.
//!
//! Attempts run inside this task: when the portal stops they end where they are, and the message is sent again by whoever
//! finds its lease ended. An endpoint that does not answer holds up nobody else, because each has only a few attempts at once.

use std::collections::HashMap;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use mesh_protocol::id::WebhookEndpointId;
use tokio::time::{Instant, MissedTickBehavior};

use crate::app::App;
use crate::app::error::chain;
use crate::app::webhook::call::call;
use crate::app::webhook::delivery::Due;
use crate::domain::webhook_endpoint::Answer;

/// How often it looks for messages.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often old messages are removed.
const PRUNE_INTERVAL: Duration = Duration::from_secs(60);
/// Attempts at once, to all endpoints together.
const AT_ONCE_MAX: usize = 32;

/// Runs until it is dropped.
pub async fn run(app: App) {
    let mut timer = tokio::time::interval(INTERVAL);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut prune_at = Instant::now() + PRUNE_INTERVAL;
    let mut under_way: HashMap<WebhookEndpointId, usize> = HashMap::new();
    let mut attempts = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some((due, answer)) = attempts.next() => {
                note(&app, &due, &answer).await;
                if let Some(count) = under_way.get_mut(&due.endpoint()) {
                    *count = count.saturating_sub(1);
                }
            }
            now = timer.tick() => {
                let room = AT_ONCE_MAX - attempts.len().min(AT_ONCE_MAX);
                for due in lease(&app, &under_way, room).await {
                    *under_way.entry(due.endpoint()).or_default() += 1;
                    attempts.push(attempt(due));
                }
                if now >= prune_at {
                    prune_at = now + PRUNE_INTERVAL;
                    prune(&app).await;
                }
            }
        }
    }
}

async fn attempt(due: Due) -> (Due, Answer) {
    let answer = call(&due).await;
    (due, answer)
}

async fn lease(app: &App, under_way: &HashMap<WebhookEndpointId, usize>, room: usize) -> Vec<Due> {
    match app.lease_webhooks(under_way, room).await {
        Ok(due) => due,
        Err(error) => {
            tracing::warn!(error = %chain(&error), "messages for webhooks could not be taken");
            Vec::new()
        }
    }
}

async fn note(app: &App, due: &Due, answer: &Answer) {
    if let Err(error) = app.note_webhook(due, answer).await {
        tracing::warn!(error = %chain(&error), "what became of a webhook's message could not be noted: it is sent again");
    }
}

async fn prune(app: &App) {
    if let Err(error) = app.prune_webhooks().await {
        tracing::warn!(error = %chain(&error), "old messages for webhooks could not be removed");
    }
}
