//! What stands in the place of a list that an agent was asked for and that did not come.

use leptos::prelude::*;

use crate::act::sentence;
use crate::api::ApiError;
use crate::components::{Button, Empty};

/// Titles by what went wrong, each with its icon.
pub(super) struct Titles {
    /// No agent could be asked.
    pub(super) away: &'static str,
    /// The agent, or policy, does not let it be seen.
    pub(super) refused: (&'static str, &'static str),
    /// The person may not.
    pub(super) closed: &'static str,
    /// Anything else.
    pub(super) lost: &'static str,
    /// What one should know while the agent is away; empty = nothing.
    pub(super) meanwhile: &'static str,
}

/// Why there is no answer, and what to do.
pub(super) fn unanswered(error: &ApiError, titles: &Titles, again: RwSignal<u64>) -> AnyView {
    let (icon, title) = match error.kind.as_str() {
        "unavailable" => ("agent", titles.away),
        "conflict" => titles.refused,
        "forbidden" => ("lock", titles.closed),
        _ => ("alert", titles.lost),
    };
    let mut text = sentence(&ApiError { request_id: None, ..error.clone() }, &[]);
    if error.kind == "unavailable" && !titles.meanwhile.is_empty() {
        text.push(' ');
        text.push_str(titles.meanwhile);
    }
    if let Some(id) = error.request_id.as_ref().filter(|_| error.status == 500) {
        text.push_str(&format!(" Request {id}."));
    }
    view! {
        <Empty icon=icon title=title text=text>
            <Button on_press=move |()| again.update(|again| *again += 1)>"Try again"</Button>
        </Empty>
    }
    .into_any()
}
