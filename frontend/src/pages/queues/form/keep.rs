//! What a queue keeps of acknowledged events: nothing, or for how long and up to what size.

use leptos::prelude::*;

use super::{Draft, Quantity};
use crate::act::Act;
use crate::api::QueueInput;
use crate::components::Check;
use crate::quantity;

/// What stands there when one begins to keep: a fault of yesterday can be made good.
pub(super) const SUGGESTED: &str = "1 d";
/// The size, in bytes, where nothing is kept and the field says nothing: the portal's default.
pub(super) const BYTES_MAX: u64 = 1 << 30;

/// A choice, and what it takes.
#[component]
pub(super) fn Keep(draft: Draft, save: Act<QueueInput>) -> impl IntoView {
    view! {
        <fieldset class="m-form__group">
            <legend>"Replay"</legend>
            <Check label="Keep acknowledged events for replay" checked=draft.keep/>
            <Show when=move || draft.keep.get()>
                <div class="m-form__row">
                    <Quantity
                        label="For"
                        name="keep_ms"
                        value=draft.keep_for
                        hint="After their acknowledgement; 1 min to 366 d"
                        portal=save.field("keep_ms")
                        read=|text| quantity::duration_ms(text).map(drop)
                    />
                    <Quantity
                        label="Up to"
                        name="keep_bytes_max"
                        value=draft.keep_bytes_max
                        hint="Beyond it the oldest go"
                        portal=save.field("keep_bytes_max")
                        read=|text| quantity::bytes(text).map(drop)
                    />
                </div>
                <p class="m-small m-muted">
                    "It costs disk: what is kept lies in the spool of the agent, beside what waits. It goes first when there is no more room."
                </p>
            </Show>
        </fieldset>
    }
    .into_any()
}
