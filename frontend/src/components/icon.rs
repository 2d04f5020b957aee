//! Icons and glyphs from the sprite. An icon never carries meaning alone: a word stands beside it, or the button that
//! holds it has a label.

use leptos::prelude::*;

use crate::assets::AssetPaths;

fn address(prefix: char, name: &str) -> String {
    let icons = use_context::<AssetPaths>().map(|assets| assets.icons).unwrap_or_default();
    format!("{icons}#{prefix}-{name}")
}

/// A 16 px icon in the colour of the text.
#[component]
pub fn Icon(
    /// The symbol without its prefix, for example `shield`.
    name: &'static str,
    /// 14 px instead of 16.
    #[prop(optional)]
    small: bool,
) -> impl IntoView {
    let class = if small { "m-icon m-icon--s" } else { "m-icon" };
    view! { <svg class=class aria-hidden="true"><use_ href=address('i', name)></use_></svg> }.into_any()
}

/// A 12 px state glyph, whose shape alone tells the state.
#[component]
pub fn Glyph(
    /// The symbol without its prefix, for example `live`.
    name: &'static str,
) -> impl IntoView {
    view! { <svg class="m-glyph" aria-hidden="true"><use_ href=address('s', name)></use_></svg> }.into_any()
}
