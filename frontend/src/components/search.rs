//! A search box whose state is the address: it can be linked, and going back takes it back.

use leptos::html;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};

use super::Icon;

/// The value of a parameter of the address; empty when it is not there.
#[must_use]
pub fn use_param(name: &'static str) -> Memo<String> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|query| query.get(name).unwrap_or_default()))
}

/// Sets parameters of the address without a new history entry; empty values leave. The cursor leaves too, because it
/// belongs to another list.
pub fn use_set_params() -> impl Fn(&[(&'static str, String)]) + Clone + Send + Sync + 'static {
    let navigate = use_navigate();
    let query = use_query_map();
    let pathname = use_location().pathname;
    move |changes: &[(&'static str, String)]| {
        let mut params = query.get_untracked();
        params.remove("cursor");
        for (name, value) in changes {
            params.remove(name);
            if !value.is_empty() {
                params.insert(*name, value.clone());
            }
        }
        let options = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
        navigate(&format!("{}{}", pathname.get_untracked(), params.to_query_string()), options);
    }
}

/// The search box of a list, bound to a parameter of the address.
#[component]
pub fn Search(
    /// What can be searched for.
    label: &'static str,
    /// The parameter.
    #[prop(default = "q")]
    name: &'static str,
) -> impl IntoView {
    let value = use_param(name);
    let text = RwSignal::new(value.get_untracked());
    let input = NodeRef::<html::Input>::new();
    let set = use_set_params();
    let mut on_input = debounce(std::time::Duration::from_millis(200), move |text: String| set(&[(name, text)]));
    // Going back changes the address under the box; while one types, the box leads and the address follows.
    Effect::new(move |_| {
        let value = value.get();
        let typing = document()
            .active_element()
            .is_some_and(|active| input.get_untracked().is_some_and(|input| active.is_same_node(Some(&input))));
        if !typing {
            text.set(value);
        }
    });
    view! {
        <form class="m-search m-search--list" method="get" role="search" on:submit=move |ev| ev.prevent_default()>
            <Icon name="search"/>
            <input
                class="m-input"
                type="search"
                name=name
                aria-label=label
                placeholder=label
                autocomplete="off"
                spellcheck="false"
                node_ref=input
                value=text.get_untracked()
                prop:value=move || text.get()
                on:input=move |ev| {
                    text.set(event_target_value(&ev));
                    on_input(event_target_value(&ev));
                }
            />
        </form>
    }
    .into_any()
}
