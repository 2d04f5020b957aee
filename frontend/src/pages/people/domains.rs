//! What somebody sees of the catalog: everything, or some application domains.

use leptos::prelude::*;
use mesh_protocol::id::ApplicationDomainId;

use crate::api::PortalRole;
use crate::components::Wrong;
use crate::format;
use crate::load::{Load, load};
use crate::viewer::role_name;

/// A role, and how much it is about.
#[component]
pub(super) fn Seen(role: PortalRole, domains: usize) -> impl IntoView {
    let limit = (domains > 0).then(|| format!("of {}", format::plural(domains, "domain")));
    view! {
        <div class="m-cell">
            <span>{role_name(role)}</span>
            {limit.map(|limit| view! { <span class="m-cell__sub">{limit}</span> })}
        </div>
    }
    .into_any()
}

/// Which domains a viewer sees; those of every other role see all.
#[component]
pub(super) fn SeenDomains(
    /// The role that is chosen.
    role: RwSignal<String>,
    /// The domains; empty = everything.
    chosen: RwSignal<Vec<ApplicationDomainId>>,
    /// What is wrong with them.
    error: Signal<Option<String>>,
) -> impl IntoView {
    let domains = load(&[], || (), |api, ()| async move { api.0.all_domains().await });
    let is_viewer = Memo::new(move |_| role.with(|role| role == role_name(PortalRole::Viewer)));
    // What is not shown is not meant.
    Effect::new(move |_| {
        if !is_viewer.get() {
            chosen.set(Vec::new());
        }
    });
    view! {
        <Show when=move || is_viewer.get()>
            <fieldset class="m-form__group">
                <legend>"Sees only these application domains, with their parts; none chosen: everything"</legend>
                <Load resource=domains what="domains" let:domains>
                    <div class="m-choices">
                        {move || {
                            let all = domains.get();
                            if all.is_empty() {
                                return view! { <span class="m-small m-muted">"There are no domains yet."</span> }.into_any();
                            }
                            all.into_iter().map(|domain| choice(domain.id, domain.config.name, chosen)).collect_view().into_any()
                        }}
                    </div>
                </Load>
                <Wrong error=error/>
            </fieldset>
        </Show>
    }
    .into_any()
}

fn choice(id: ApplicationDomainId, name: String, chosen: RwSignal<Vec<ApplicationDomainId>>) -> AnyView {
    let is_chosen = move || chosen.with(|chosen| chosen.contains(&id));
    view! {
        <label class="m-choice">
            <input
                class="m-check"
                type="checkbox"
                prop:checked=is_chosen
                on:change=move |ev| {
                    let is_on = event_target_checked(&ev);
                    chosen.update(|chosen| {
                        chosen.retain(|other| *other != id);
                        if is_on {
                            chosen.push(id);
                        }
                    });
                }
            />
            {name}
        </label>
    }
    .into_any()
}
