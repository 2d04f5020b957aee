//! Watching a design: a button that says whether one does.

use leptos::prelude::*;
use mesh_protocol::id::DesignObjectId;

use crate::act::{Act, sentence};
use crate::api::{WatchInput, WatchView};
use crate::components::{Button, Toasts};
use crate::live::Live;
use crate::load::Loading;
use crate::pages::NOTIFICATION_TOPICS;

/// Begins or ends watching. Nothing where it is not known whether one does.
#[component]
pub(super) fn WatchButton(
    /// What.
    id: Signal<DesignObjectId>,
    /// Whether the person watches it.
    watch: Loading<WatchView>,
) -> impl IntoView {
    let (live, toasts) = (Live::get(), Toasts::get());
    let change = Act::new(
        |api, (id, watching): (DesignObjectId, bool)| async move {
            api.0.set_design_watch(id, WatchInput { watching }).await
        },
        move |now: WatchView| {
            live.bump(NOTIFICATION_TOPICS);
            toasts.done(if now.watching { "You are told when it changes." } else { "You are no longer told." });
        },
    );
    Effect::new(move |_| {
        if let Some(error) = change.error.get() {
            toasts.failed(format!("That was not changed. {}", sentence(&error, &[])));
        }
    });
    view! {
        <Transition fallback=|| ()>
            {move || {
                watch
                    .get()
                    .and_then(Result::ok)
                    .map(|now| {
                        let word = if now.watching { "Watching" } else { "Watch" };
                        let label = format!("{word}, {}", watchers(now.watchers));
                        view! {
                            <Button
                                icon=if now.watching { "check" } else { "bell" }
                                label=label
                                on_press=move |()| change.run((id.get_untracked(), !now.watching))
                            >
                                {word}
                            </Button>
                        }
                    })
            }}
        </Transition>
    }
    .into_any()
}

fn watchers(count: u64) -> String {
    match count {
        0 => "nobody does yet".to_owned(),
        1 => "1 person does".to_owned(),
        more => format!("{more} people do"),
    }
}

#[cfg(test)]
mod tests {
    use super::watchers;

    #[test]
    fn how_many_watch_is_a_sentence() {
        assert_eq!([watchers(0), watchers(1), watchers(2)], ["nobody does yet", "1 person does", "2 people do"]);
    }
}
