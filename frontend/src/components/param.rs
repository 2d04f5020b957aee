//! Controls whose state is a parameter of the address, so that a filtered list can be linked and going back takes it back.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use leptos_router::params::ParamsMap;

use super::{Choice, Icon, use_param, use_set_params};

/// The address of this page with one parameter changed; an empty value takes it away. The cursor leaves, because it
/// belongs to another list.
#[must_use]
pub fn with_param(query: &ParamsMap, name: &'static str, value: &str) -> String {
    let mut params = query.clone();
    params.remove("cursor");
    params.remove(name);
    if !value.is_empty() {
        params.insert(name, value.to_owned());
    }
    let text = params.to_query_string();
    // An empty reference would keep the old query.
    if text.is_empty() { "?".to_owned() } else { text }
}

/// One of a few, bound to a parameter.
#[component]
pub fn ParamSelect(
    /// What it picks, for screen readers.
    label: &'static str,
    /// The parameter.
    name: &'static str,
    /// Value and words; the first should have an empty value and say "all".
    #[prop(into)]
    choices: Signal<Vec<Choice>>,
) -> impl IntoView {
    let value = use_param(name);
    let set = use_set_params();
    let options = move || {
        choices
            .get()
            .into_iter()
            .map(|(key, words)| {
                let own = key.clone();
                view! { <option value=key selected=move || value.with(|value| *value == own)>{words}</option> }
            })
            .collect_view()
    };
    view! {
        <select class="m-input m-select m-select--auto" aria-label=label on:change=move |ev| set(&[(name, event_target_value(&ev))])>
            {options}
        </select>
    }
    .into_any()
}

/// Yes or no, bound to a parameter that is `true` or not there.
#[component]
pub fn ParamCheck(
    /// The words.
    label: &'static str,
    /// The parameter.
    name: &'static str,
) -> impl IntoView {
    let value = use_param(name);
    let set = use_set_params();
    let checked = move || value.with(|value| value == "true");
    view! {
        <label class="m-choice">
            <input
                class="m-check"
                type="checkbox"
                checked=checked
                prop:checked=checked
                on:change=move |ev| {
                    let on = if event_target_checked(&ev) { "true" } else { "" };
                    set(&[(name, on.to_owned())]);
                }
            />
            {label}
        </label>
    }
    .into_any()
}

/// What narrows a list, with the way to take it away; nothing while the parameter is not there. It is a link, so it works
/// before any script does.
#[component]
pub fn ParamChip(
    /// The parameter.
    name: &'static str,
    /// What it stands for, such as `Role: till`.
    #[prop(into)]
    words: Signal<String>,
) -> impl IntoView {
    let query = use_query_map();
    let value = use_param(name);
    view! {
        <Show when=move || value.with(|value| !value.is_empty())>
            <span class="m-chip m-chip--filter">
                {words}
                <a
                    class="m-chip__drop"
                    href=move || query.with(|query| with_param(query, name, ""))
                    aria-label=move || format!("Remove the filter {}", words.get())
                >
                    <Icon name="cross" small=true/>
                </a>
            </span>
        </Show>
    }
    .into_any()
}

/// The foot of a list: how many there are, the way to the next page and back to the first.
#[component]
pub fn ListFoot(
    /// How many there are in all, in words.
    #[prop(into)]
    total: String,
    /// Cursor of the next page.
    next: Option<String>,
) -> impl IntoView {
    let query = use_query_map();
    let first = query.with_untracked(|query| query.get("cursor").is_some().then(|| with_param(query, "cursor", "")));
    let next = next.map(|next| query.with_untracked(|query| with_param(query, "cursor", &next)));
    view! {
        <p class="m-tail">
            <span class="m-num">{total}</span>
            <span class="m-push"></span>
            {first.map(|href| view! { <a href=href>"First page"</a> })}
            {next.map(|href| view! { <a href=href>"Next page"</a> })}
        </p>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_parameter_keeps_the_others_and_forgets_the_cursor() {
        let mut query = ParamsMap::new();
        query.insert("q", "orders".to_owned());
        query.insert("cursor", "abc".to_owned());
        assert_eq!(with_param(&query, "kind", "topic"), "?q=orders&kind=topic");
        assert_eq!(with_param(&query, "q", ""), "?");
        assert_eq!(with_param(&query, "cursor", "def"), "?q=orders&cursor=def");
    }
}
