//! A scope to make or change.

use std::collections::BTreeSet;

use leptos::prelude::*;
use mesh_protocol::id::SiteId;
use mesh_protocol::topic::{Dialect, Filter};

use super::TOPICS;
use crate::act::Act;
use crate::api::{Edit, ScopeInput, ScopeView};
use crate::components::{Choice, Field, Select, Wrong, either};
use crate::editor::{Editor, closing};
use crate::load::{Load, load};
use crate::pages::acl::Sites;
use crate::viewer::right;

/// The fields as they stand.
#[derive(Clone, Copy)]
struct Draft {
    name: RwSignal<String>,
    filter: RwSignal<String>,
    dialect: RwSignal<String>,
    sites: RwSignal<Vec<SiteId>>,
    regions: RwSignal<Vec<String>>,
    note: RwSignal<String>,
}

impl Draft {
    fn of(scope: Option<&ScopeInput>) -> Self {
        let scope = scope.cloned().unwrap_or_else(|| ScopeInput {
            name: String::new(),
            filter: String::new(),
            dialect: Dialect::Mesh,
            sites: Vec::new(),
            regions: Vec::new(),
            note: String::new(),
        });
        Self {
            name: RwSignal::new(scope.name),
            filter: RwSignal::new(scope.filter),
            dialect: RwSignal::new(if scope.dialect == Dialect::Mqtt { "mqtt" } else { "mesh" }.to_owned()),
            sites: RwSignal::new(scope.sites),
            regions: RwSignal::new(scope.regions),
            note: RwSignal::new(scope.note),
        }
    }

    /// What would be saved. Reading it follows the fields.
    fn input(self) -> ScopeInput {
        ScopeInput {
            name: self.name.get().trim().to_owned(),
            filter: self.filter.get().trim().to_owned(),
            dialect: if self.dialect.get() == "mqtt" { Dialect::Mqtt } else { Dialect::Mesh },
            sites: self.sites.get(),
            regions: self.regions.get(),
            note: self.note.get(),
        }
    }
}

/// What is wrong with the filter, as the agents would say it; nothing while it is empty.
fn filter_error(scope: &ScopeInput) -> Option<String> {
    if scope.filter.is_empty() {
        return None;
    }
    Filter::parse(&scope.filter, scope.dialect).err().map(|error| error.to_string())
}

fn choice(key: &str, words: &str) -> Choice {
    (key.to_owned(), words.to_owned())
}

/// The form in the dialog.
#[component]
pub(super) fn ScopeForm(editing: Option<ScopeView>, open: RwSignal<bool>) -> impl IntoView {
    let draft = Draft::of(editing.as_ref().map(|scope| &scope.config));
    let known = editing.map(|scope| (scope.id, scope.revision));
    let close = closing(open, TOPICS);
    let save = Act::new(
        move |api, input: ScopeInput| async move {
            match known {
                None => api.0.create_scope(input).await,
                Some((id, revision)) => api.0.update_scope(id, Edit { revision, value: input }).await,
            }
        },
        move |_| close.run("Scope saved. It goes to every agent now."),
    );
    view! {
        <Editor
            title=if known.is_some() { "Change scope" } else { "New scope" }
            save=save
            open=open
            right=right::RULE_WRITE
            verb="Save scope"
            on_save=move |()| save.run(untrack(|| draft.input()))
        >
            <Field label="Name" name="name" value=draft.name placeholder="eu-only" required=true error=save.field("name")/>
            <div class="m-form__row">
                <Field
                    label="Topic filter"
                    name="filter"
                    value=draft.filter
                    mono=true
                    required=true
                    placeholder="customers/>"
                    error=either(save.field("filter"), move || filter_error(&draft.input()))
                    hint="What is published to these topics stays in the places below"
                />
                <Select
                    label="Written in"
                    name="dialect"
                    value=draft.dialect
                    choices=vec![choice("mesh", "Mesh: * and >"), choice("mqtt", "MQTT: + and #")]
                />
            </div>
            <Sites legend="At these sites" chosen=draft.sites error=save.field("sites")/>
            <Regions chosen=draft.regions error=save.field("regions")/>
            <Field label="Why it exists" name="note" value=draft.note hint="Kept with the scope; optional" error=save.field("note")/>
        </Editor>
    }
    .into_any()
}

/// All sites of which regions are meant, those that come to be later included.
#[component]
fn Regions(chosen: RwSignal<Vec<String>>, error: Signal<Option<String>>) -> impl IntoView {
    let regions = load(
        &[],
        || (),
        |api, ()| async move {
            let sites = api.0.all_sites().await?;
            Ok(sites.into_iter().map(|site| site.region).collect::<BTreeSet<_>>())
        },
    );
    view! {
        <fieldset class="m-form__group">
            <legend>"At all sites of these regions, also those that come later"</legend>
            <Load resource=regions what="regions" let:regions>
                <div class="m-choices">
                    {move || {
                        // One that has no site any more can still be taken out.
                        let own = chosen.with_untracked(Clone::clone);
                        let all: BTreeSet<String> = own.into_iter().chain(regions.get()).collect();
                        all.into_iter().map(|region| region_choice(region, chosen)).collect_view()
                    }}
                </div>
            </Load>
            <Wrong error=error/>
        </fieldset>
    }
    .into_any()
}

fn region_choice(region: String, chosen: RwSignal<Vec<String>>) -> impl IntoView {
    let (of, label) = (region.clone(), region.clone());
    let toggle = move |ev: leptos::ev::Event| {
        let on = event_target_checked(&ev);
        chosen.update(|chosen| {
            chosen.retain(|have| *have != of);
            if on {
                chosen.push(of.clone());
            }
        });
    };
    view! {
        <label class="m-choice">
            <input
                class="m-check"
                type="checkbox"
                prop:checked=move || chosen.with(|chosen| chosen.contains(&region))
                on:change=toggle
            />
            {label}
        </label>
    }
}
