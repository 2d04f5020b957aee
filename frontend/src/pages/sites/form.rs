//! The dialog that makes or changes a site. A new one goes on to its page, where the join line waits.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::TOPICS;
use crate::act::Act;
use crate::api::{Edit, Location, SiteInput, SiteView};
use crate::components::{Choice, Field, Select, Toasts, either};
use crate::editor::Editor;
use crate::live::Live;
use crate::load::{Load, load};
use crate::viewer::right;

/// `kind=store, country=fr` as labels; what has no `=` is refused with its own words.
pub(in crate::pages) fn labels_of(text: &str) -> Result<BTreeMap<String, String>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (key, value) = part.split_once('=').ok_or(format!("“{part}” is not name=value"))?;
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        })
        .collect()
}

pub(in crate::pages) fn labels_text(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

/// Two figures as a place; both empty is no place.
fn location_of(latitude: &str, longitude: &str) -> Result<Option<Location>, String> {
    let (latitude, longitude) = (latitude.trim(), longitude.trim());
    if latitude.is_empty() && longitude.is_empty() {
        return Ok(None);
    }
    let degrees = |text: &str, limit: f64| text.parse::<f64>().ok().filter(|degrees| degrees.abs() <= limit);
    match (degrees(latitude, 90.0), degrees(longitude, 180.0)) {
        (Some(latitude), Some(longitude)) => Ok(Some(Location { latitude, longitude })),
        _ => Err("Degrees as 48.85 and 2.35: north up to 90, east up to 180".to_owned()),
    }
}

/// The text of a field, none when it is empty.
fn filled(field: RwSignal<String>) -> Option<String> {
    Some(field.get_untracked().trim().to_owned()).filter(|text| !text.is_empty())
}

/// The form in the dialog.
#[component]
pub(super) fn SiteForm(site: Option<SiteView>, open: RwSignal<bool>) -> impl IntoView {
    let live = Live::get();
    let toasts = Toasts::get();
    let navigate = use_navigate();
    let known = site.as_ref().map(|site| (site.id, site.revision));
    let text = |read: &dyn Fn(&SiteView) -> String| RwSignal::new(site.as_ref().map(read).unwrap_or_default());
    let name = text(&|site| site.name.clone());
    let region = text(&|site| site.region.clone());
    let labels = text(&|site| labels_text(&site.labels));
    let latitude = text(&|site| site.location.map(|at| at.latitude.to_string()).unwrap_or_default());
    let longitude = text(&|site| site.location.map(|at| at.longitude.to_string()).unwrap_or_default());
    let fabric_bind = text(&|site| site.fabric_bind.clone().unwrap_or_default());
    let fabric_address = text(&|site| site.fabric_address.clone().unwrap_or_default());
    let connects_to = text(&|site| site.connects_to.map(|id| id.to_string()).unwrap_or_default());
    let label_error = Memo::new(move |_| labels.with(|text| labels_of(text).err()));
    let place_error = Memo::new(move |_| location_of(&latitude.get(), &longitude.get()).err());
    let save = Act::new(
        move |api, value: SiteInput| async move {
            match known {
                None => api.0.create_site(value).await,
                Some((id, revision)) => api.0.update_site(id, Edit { revision, value }).await,
            }
        },
        move |saved: SiteView| {
            live.bump(TOPICS);
            open.set(false);
            if known.is_none() {
                navigate(&format!("/sites/{}", saved.id), NavigateOptions::default());
            } else {
                toasts.done("Site saved.");
            }
        },
    );
    let submit = move |()| {
        let (Ok(labels), Ok(location)) =
            (labels_of(&labels.get_untracked()), location_of(&latitude.get_untracked(), &longitude.get_untracked()))
        else {
            return;
        };
        save.run(SiteInput {
            name: name.get_untracked().trim().to_owned(),
            region: region.get_untracked().trim().to_owned(),
            labels,
            location,
            connects_to: connects_to.get_untracked().parse().ok(),
            fabric_bind: filled(fabric_bind),
            fabric_address: filled(fabric_address),
        });
    };
    let own = known.map(|(id, _)| id);
    let sites = load(
        &[],
        || (),
        move |api, ()| async move {
            let sites = api.0.all_sites().await?;
            let others = sites.into_iter().filter(|site| Some(site.id) != own);
            let mut choices: Vec<Choice> = others.map(|site| (site.id.to_string(), site.name)).collect();
            choices.push((String::new(), "Nobody: this is the hub, others dial it".to_owned()));
            Ok(choices)
        },
    );
    view! {
        <Editor
            title=if known.is_some() { "Change site" } else { "New site" }
            save=save
            open=open
            right=right::SITE_WRITE
            verb=if known.is_some() { "Save site" } else { "Create site" }
            on_save=submit
        >
            <div class="m-form__row">
                <Field label="Name" name="name" value=name mono=true required=true hint="Letters a-z, digits and -, such as store-nice" error=save.field("name")/>
                <Field label="Region" name="region" value=region required=true hint="For rules and scopes, such as eu" error=save.field("region")/>
            </div>
            <Load resource=sites what="sites" let:choices>
                <Hub choices=choices value=connects_to fresh=known.is_none()/>
                <Select
                    label="Its agents dial"
                    name="connects_to"
                    value=connects_to
                    choices=choices
                    hint="The link is made with the site"
                    error=save.field("connects_to")
                />
            </Load>
            <div class="m-form__row">
                <Field label="Degrees north" name="latitude" value=latitude placeholder="43.7" error=either(save.field("location"), move || place_error.get())/>
                <Field label="Degrees east" name="longitude" value=longitude placeholder="7.26" hint="For the map; optional"/>
            </div>
            <Field label="Labels" name="labels" value=labels placeholder="kind=store, country=fr" hint="name=value, separated by commas; optional" error=either(save.field("labels"), move || label_error.get())/>
            <details>
                <summary class="m-link">"How other sites reach it"</summary>
                <div class="m-form__row m-details">
                    <Field label="Listens at" name="fabric_bind" value=fabric_bind mono=true placeholder="0.0.0.0:7447" hint="Empty: any address, a port of the agent's choice" error=save.field("fabric_bind")/>
                    <Field label="Reached as" name="fabric_address" value=fabric_address mono=true placeholder="hq.example.com:7447" hint="When it is behind NAT or a balancer" error=save.field("fabric_address")/>
                </div>
            </details>
        </Editor>
    }
    .into_any()
}

/// A new site dials the first one, unless somebody chooses otherwise.
#[component]
fn Hub(choices: Signal<Vec<Choice>>, value: RwSignal<String>, fresh: bool) -> impl IntoView {
    if fresh && let Some((first, _)) = choices.with_untracked(|choices| choices.first().cloned()) {
        value.set(first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_survive_the_field_and_mistakes_are_named() {
        let labels = labels_of(" kind=store , country = fr,").expect("labels");
        assert_eq!(labels_text(&labels), "country=fr, kind=store");
        assert_eq!(labels_of("store"), Err("“store” is not name=value".to_owned()));
        assert!(labels_of("").expect("none").is_empty());
    }

    #[test]
    fn a_place_needs_both_figures_in_range() {
        assert_eq!(location_of("", " "), Ok(None));
        assert_eq!(location_of("43.7", "7.26"), Ok(Some(Location { latitude: 43.7, longitude: 7.26 })));
        assert!(location_of("43.7", "").is_err());
        assert!(location_of("91", "0").is_err());
    }
}
