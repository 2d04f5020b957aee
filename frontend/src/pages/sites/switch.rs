//! Switching a link off and on, wherever links are shown: off asks first and says what follows, on is done at once.

use leptos::prelude::*;
use mesh_protocol::id::LinkId;

use super::TOPICS;
use crate::act::{Act, ActError};
use crate::api::{Edit, LinkInput, LinkView, LiveTopic};
use crate::components::{Age, Button, Confirm, RunState, Toasts};
use crate::format;
use crate::live::Live;
use crate::viewer::{Viewer, right};

/// The switch of all links that a page shows. Its dialog is [`SwitchDialog`], its buttons are [`Switch::button`].
#[derive(Clone, Copy)]
pub(in crate::pages) struct Switch {
    /// The link that the question is about.
    asked: RwSignal<Option<LinkView>>,
    open: RwSignal<bool>,
    act: Act<(LinkId, Edit<LinkInput>)>,
}

impl Switch {
    /// Nothing is asked yet.
    pub(in crate::pages) fn new() -> Self {
        let live = Live::get();
        let toasts = Toasts::get();
        let act = Act::new(
            |api, (id, input): (LinkId, Edit<LinkInput>)| async move { api.0.update_link(id, input).await },
            move |link: LinkView| {
                live.bump(TOPICS);
                live.bump(&[LiveTopic::Overview]);
                let what =
                    if link.enabled { "on. Its agents connect now" } else { "off. Events for its other side wait now" };
                toasts.done(format!("The link {} - {} is {what}.", link.from_name, link.to_name));
            },
        );
        Self { asked: RwSignal::new(None), open: RwSignal::new(false), act }
    }

    fn turn(self, link: &LinkView) {
        let value = LinkInput { from: link.from, to: link.to, enabled: !link.enabled };
        self.act.run((link.id, Edit { revision: link.revision, value }));
    }

    fn press(self, link: LinkView) {
        if link.enabled {
            self.asked.set(Some(link));
            self.open.set(true);
        } else {
            self.turn(&link);
        }
    }

    /// "Switch off" or "Switch on".
    pub(in crate::pages) fn button(self, link: LinkView, small: bool) -> AnyView {
        let may = Signal::derive(|| Viewer::has(right::LINK_WRITE));
        let verb = if link.enabled { "Switch off" } else { "Switch on" };
        let label = format!("{verb} the link from {} to {}", link.from_name, link.to_name);
        view! { <Button small=small right=may label=label on_press=move |()| self.press(link.clone())>{verb}</Button> }
            .into_any()
    }
}

/// What follows from switching a link off.
fn consequence(link: &LinkView) -> String {
    format!(
        "Guaranteed events for {} wait at the agents of {} and the other way round; nothing is lost. Direct events do not \
         cross. Where another way joins the two, events take that.",
        link.to_name, link.from_name
    )
}

/// The question of a [`Switch`], and what went wrong.
#[component]
pub(in crate::pages) fn SwitchDialog(switch: Switch) -> impl IntoView {
    let asked = switch.asked;
    view! {
        <ActError act=switch.act/>
        <Confirm
            open=switch.open
            title=Signal::derive(move || asked.with(|link| {
                link.as_ref().map_or_else(String::new, |link| format!("Switch off the link from {} to {}?", link.from_name, link.to_name))
            }))
            consequence=Signal::derive(move || asked.with(|link| link.as_ref().map_or_else(String::new, consequence)))
            verb="Switch off"
            on_yes=move |()| {
                if let Some(link) = asked.get_untracked() {
                    switch.turn(&link);
                }
            }
        />
    }
    .into_any()
}

/// How a link is; what only a silent agent said is past.
pub(in crate::pages) fn state(link: &LinkView) -> (RunState, &'static str) {
    let stale = link.freshness.as_ref().is_some_and(|seen| seen.stale);
    match (link.enabled, link.up, stale) {
        // Not every agent has heard of it yet.
        (false, Some(true), false) => (RunState::Deploying, "Switching off"),
        (false, _, _) => (RunState::None, "Off"),
        (true, None, _) => (RunState::None, "Not seen yet"),
        (true, Some(true), true) => (RunState::Stale, "Was up"),
        (true, Some(false), true) => (RunState::Stale, "Was down"),
        (true, Some(true), false) => (RunState::Live, "Up"),
        (true, Some(false), false) => (RunState::Offline, "Down"),
    }
}

/// Who switched a link off, and how long ago; nothing for one that is on.
pub(in crate::pages) fn switched_off(link: &LinkView) -> Option<AnyView> {
    let (at, by) = (link.updated_at, link.updated_by.clone());
    (!link.enabled).then(|| view! { <span class="m-muted">"by "{by}", "<Age at_ms=Some(at)/>" ago"</span> }.into_any())
}

/// What waits for the other side of a link: events, and under them their bytes.
pub(in crate::pages) fn waiting(link: &LinkView) -> AnyView {
    let some = link.backlog_events > 0;
    let bytes = some.then(|| format::bytes(link.backlog_bytes));
    view! {
        <div class="m-cell">
            <span class="m-num" class:m-warn=some class:m-muted=!some>{format::count(link.backlog_events)}</span>
            {bytes.map(|bytes| view! { <span class="m-cell__sub m-num">{bytes}</span> })}
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(enabled: bool, up: Option<bool>, stale: bool) -> LinkView {
        LinkView {
            id: "0190a000-0000-7000-8000-000000000091".parse().expect("an id"),
            revision: 1,
            from: "0190a000-0000-7000-8000-000000000001".parse().expect("an id"),
            from_name: "factory-berlin".into(),
            to: "0190a000-0000-7000-8000-000000000002".parse().expect("an id"),
            to_name: "hq".into(),
            enabled,
            updated_at: 0,
            updated_by: "ada".into(),
            up,
            since: None,
            round_trip_us: None,
            forward_rate: 0.0,
            backward_rate: 0.0,
            backlog_events: 0,
            backlog_bytes: 0,
            freshness: Some(crate::api::Freshness { as_of: 0, by: "berlin-1".into(), stale }),
        }
    }

    #[test]
    fn what_a_silent_agent_said_of_a_link_is_past() {
        assert_eq!(state(&link(true, Some(true), false)), (RunState::Live, "Up"));
        assert_eq!(state(&link(true, Some(true), true)), (RunState::Stale, "Was up"));
        assert_eq!(state(&link(true, Some(false), true)), (RunState::Stale, "Was down"));
        assert_eq!(state(&link(true, None, true)), (RunState::None, "Not seen yet"));
    }

    #[test]
    fn a_link_that_is_off_is_no_failure_whatever_was_seen_of_it() {
        for (up, stale) in [(None, false), (Some(false), false), (Some(false), true), (Some(true), true)] {
            assert_eq!(state(&link(false, up, stale)), (RunState::None, "Off"));
        }
        assert_eq!(state(&link(false, Some(true), false)), (RunState::Deploying, "Switching off"));
    }

    #[test]
    fn the_consequence_names_who_waits_for_whom() {
        let said = consequence(&link(true, Some(true), false));
        assert!(said.starts_with("Guaranteed events for hq wait at the agents of factory-berlin"), "{said}");
    }
}
