//! The keyboard: `/` and Ctrl-K find, `g` and a letter go, `j` and `k` walk rows, `?` explains. Nothing fires while one types.

use leptos::ev;
use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast as _;
use leptos::web_sys;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::Overlays;
use super::nav::places;
use crate::components::Dialog;

/// What a key press asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Find,
    Help,
    Prefix,
    Go(&'static str),
    Row(i32),
}

/// Pure: the meaning of a key, given whether `g` was pressed just before.
fn wish(key: &str, after_g: bool, control: bool) -> Option<Wish> {
    if control {
        return (key == "k").then_some(Wish::Find);
    }
    let mut letters = key.chars();
    let letter = letters.next().filter(|_| letters.next().is_none())?;
    if after_g && let Some(place) = places().find(|place| place.key == letter) {
        return Some(Wish::Go(place.path));
    }
    match letter {
        '/' => Some(Wish::Find),
        '?' => Some(Wish::Help),
        'g' => Some(Wish::Prefix),
        'j' => Some(Wish::Row(1)),
        'k' => Some(Wish::Row(-1)),
        _ => None,
    }
}

/// Whether the event goes to something one types into, or a dialog is open.
fn is_typing(ev: &web_sys::KeyboardEvent) -> bool {
    let target = ev.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let typed_into = target.is_some_and(|target| matches!(target.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"));
    typed_into || document().query_selector("dialog[open]").ok().flatten().is_some()
}

/// Focuses the next or previous row's link; Enter then opens it as any link.
fn walk_rows(step: i32) {
    let Ok(links) = document().query_selector_all(".m-main tbody a.m-cell__name") else { return };
    let focused = document().active_element();
    let count = i32::try_from(links.length()).unwrap_or(0);
    let here = (0..count).find(|i| {
        let link = links.get(i.unsigned_abs());
        link.is_some_and(|link| focused.as_ref().is_some_and(|focused| focused.is_same_node(Some(&link))))
    });
    let next = here.map_or(0, |here| (here + step).clamp(0, (count - 1).max(0)));
    if let Some(link) = links.get(next.unsigned_abs()).and_then(|link| link.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = link.focus();
    }
}

/// Listens on the window and draws the help.
#[component]
pub(super) fn Keyboard() -> impl IntoView {
    let overlays = expect_context::<Overlays>();
    let navigate = use_navigate();
    let after_g = StoredValue::new(false);
    Effect::new(move |_| {
        let navigate = navigate.clone();
        let handle = window_event_listener(ev::keydown, move |ev| {
            let control = ev.ctrl_key() || ev.meta_key();
            if ev.alt_key() || (!control && is_typing(&ev)) {
                return;
            }
            let wish = wish(&ev.key(), after_g.get_value(), control);
            after_g.set_value(wish == Some(Wish::Prefix));
            let Some(wish) = wish else { return };
            ev.prevent_default();
            match wish {
                Wish::Find => overlays.find.set(true),
                Wish::Help => overlays.help.set(true),
                Wish::Prefix => {}
                Wish::Go(path) => navigate(path, NavigateOptions::default()),
                Wish::Row(step) => walk_rows(step),
            }
        });
        on_cleanup(move || handle.remove());
    });
    view! {
        <Dialog open=overlays.help label="Keyboard help" class="m-dialog m-dialog--wide">
            <Help on_close=move |()| overlays.help.set(false)/>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Help(#[prop(into)] on_close: Callback<()>) -> impl IntoView {
    let goes = places()
        .filter(|place| place.is_open())
        .map(|place| {
            view! {
                <dt><kbd class="m-kbd">"g"</kbd><kbd class="m-kbd">{place.key.to_string()}</kbd></dt>
                <dd>{place.name}</dd>
            }
        })
        .collect_view();
    view! {
        <div class="m-dialog__body">
            <h2>"Keyboard"</h2>
            <dl class="m-keys">
                <dt><kbd class="m-kbd">"/"</kbd><kbd class="m-kbd">"Ctrl K"</kbd></dt>
                <dd>"Find anything"</dd>
                <dt><kbd class="m-kbd">"j"</kbd><kbd class="m-kbd">"k"</kbd></dt>
                <dd>"Next and previous row"</dd>
                <dt><kbd class="m-kbd">"Enter"</kbd></dt>
                <dd>"Open the row"</dd>
                <dt><kbd class="m-kbd">"?"</kbd></dt>
                <dd>"This help"</dd>
                <dt><kbd class="m-kbd">"Esc"</kbd></dt>
                <dd>"Close"</dd>
                {goes}
            </dl>
        </div>
        <div class="m-dialog__foot">
            <button class="m-button" type="button" on:click=move |_| on_close.run(())>"Close"</button>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_one_thing_each() {
        assert_eq!(wish("/", false, false), Some(Wish::Find));
        assert_eq!(wish("k", false, true), Some(Wish::Find));
        assert_eq!(wish("k", false, false), Some(Wish::Row(-1)));
        assert_eq!(wish("g", false, false), Some(Wish::Prefix));
        assert_eq!(wish("a", true, false), Some(Wish::Go("/acl")));
        assert_eq!(wish("a", false, false), None);
        assert_eq!(wish("Shift", true, false), None);
        assert_eq!(wish("c", false, true), None, "copying stays copying");
    }
}
