//! Where a product can be had, site by site, and where it was.

use leptos::prelude::*;
use mesh_protocol::id::DesignObjectId;

use super::{TOPICS, reach_mark};
use crate::act::{Act, sentence};
use crate::api::{
    ApiError, Edit, ProductVersionRef, ProductView, PublicationInput, PublicationView, Reach, ReasonInput, SiteView,
};
use crate::components::{
    Age, Button, Choice, Confirm, Dialog, Empty, Field, Part, Right, Run, Select, Table, Toasts, Tone, either,
};
use crate::editor::{Editing, Editor, closing};
use crate::format;
use crate::live::Live;
use crate::load::{Load, load};
use crate::pages::sites::{labels_of, labels_text};
use crate::viewer::{Viewer, right};

#[component]
pub(super) fn PublicationsPart(product: Signal<ProductView>) -> impl IntoView {
    let editing = Editing::<PublicationView>::new();
    let id = product.with_untracked(|product| product.row.id);
    let is_writer = Viewer::has(right::CATALOG_WRITE) == Right::Granted;
    let may = Signal::derive(move || {
        if product.with(|product| product.publishable.is_empty()) {
            return Right::Missing("There is no released version that is not published.".to_owned());
        }
        Viewer::has(right::CATALOG_WRITE)
    });
    let acts = is_writer.then(|| {
        view! { <Button small=true icon="out" right=may on_press=move |()| editing.make()>"Publish a version"</Button> }
            .into_any()
    });
    let versions = move || product.with_untracked(|product| product.publishable.clone());
    view! {
        <Part title="Where it can be had" note="what was decided, and what agents say of it now" acts=acts.into_any()>
            {move || {
                let all = product.with(|product| product.publications.clone());
                if all.is_empty() {
                    return view! {
                        <Empty icon="site" title="Published nowhere" text="A released version is published everywhere, or at some sites; then it stands among the products, and its plans can be asked for."/>
                    }
                        .into_any();
                }
                all.into_iter().map(|one| view! { <Publication publication=one editing=editing is_writer=is_writer/> }).collect_view().into_any()
            }}
        </Part>
        <Dialog open=editing.open label="Publish" class="m-dialog m-dialog--wide">
            <PublishForm product=id versions=versions() known=editing.of() open=editing.open/>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Publication(publication: PublicationView, editing: Editing<PublicationView>, is_writer: bool) -> impl IntoView {
    let (state, word) = reach_mark(publication.reach);
    let is_over = publication.reach == Reach::Withdrawn;
    let for_edit = publication.clone();
    let sites = publication.sites.clone();
    let heading = format!("Version {} in {}", publication.number, publication.environment);
    let rows = sites
        .into_iter()
        .map(|site| {
            let (state, word) = reach_mark(site.reach);
            view! {
                <tr data-site=site.name.clone()>
                    <td><a href=format!("/sites/{}", site.site)>{site.name.clone()}</a></td>
                    <td><Run state=state word=word/></td>
                    <td class="m-muted m-wrap">{site.reason}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="m-stack" aria-label=heading.clone()>
            <div class="m-line m-line--wrap">
                <h3>{heading.clone()}</h3>
                <Run state=state word=word/>
                <span class="m-small m-muted">
                    {if is_over { "taken back " } else { "published " }}
                    <Age at_ms=Some(publication.withdrawn_at.unwrap_or(publication.created_at))/>
                    " ago by "
                    {publication.updated_by.clone()}
                </span>
                {(is_writer && !is_over).then(|| view! {
                    <span class="m-push m-line">
                        <Button small=true label="Change where it can be had" on_press=move |()| editing.change(for_edit.clone())>"Change where"</Button>
                        <Withdraw publication=publication/>
                    </span>
                })}
            </div>
            {(!is_over).then(|| view! {
                <Table label="Sites" class="m-table--inset" heads=&[("Site", ""), ("State", ""), ("Why", "")]>{rows}</Table>
            })}
        </section>
    }
    .into_any()
}

#[component]
fn Withdraw(publication: PublicationView) -> impl IntoView {
    let confirm = RwSignal::new(false);
    let (live, toasts) = (Live::get(), Toasts::get());
    let (id, revision) = (publication.id, publication.revision);
    let withdraw = Act::new(
        move |api, ()| async move { api.0.withdraw_publication(id, Edit { revision, value: ReasonInput::default() }).await },
        move |_| {
            live.bump(TOPICS);
            toasts.done("Publication taken back.");
        },
    );
    Effect::new(move |_| {
        if let Some(error) = withdraw.error.get() {
            toasts.failed(format!("It stays published. {}", sentence(&error, &[])));
        }
    });
    view! {
        <Button small=true tone=Tone::Danger on_press=move |()| confirm.set(true)>"Take back"</Button>
        <Confirm
            open=confirm
            title="Take this publication back?"
            consequence="Nobody can ask for this version any more. It is refused while applications have access and no other version is published."
            verb="Take back"
            on_yes=move |()| withdraw.run(())
        />
    }
    .into_any()
}

/// A version to publish, or where one can be had.
#[component]
fn PublishForm(
    product: DesignObjectId,
    versions: Vec<ProductVersionRef>,
    known: Option<PublicationView>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let sites = load(TOPICS, || (), |api, ()| async move { api.0.all_sites().await });
    view! {
        <Load resource=sites what="sites" let:sites>
            <Filled product=product versions=versions.clone() known=known.clone() sites=sites.get_untracked() open=open/>
        </Load>
    }
    .into_any()
}

/// Names of sites as ids; one that is not known is refused with its name.
fn site_ids(text: &str, sites: &[SiteView]) -> Result<Vec<mesh_protocol::id::SiteId>, String> {
    let names = text.split([',', '\n']).map(str::trim).filter(|name| !name.is_empty());
    let id = |name: &str| {
        let found = sites.iter().find(|site| site.name == name);
        found.map(|site| site.id).ok_or_else(|| format!("“{name}” is no site"))
    };
    names.map(id).collect()
}

#[component]
fn Filled(
    product: DesignObjectId,
    versions: Vec<ProductVersionRef>,
    known: Option<PublicationView>,
    sites: Vec<SiteView>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let name_of = |id| sites.iter().find(|site| site.id == id).map_or_else(String::new, |site| site.name.clone());
    let config = known.as_ref().map(|known| known.config.clone());
    let first = versions.first().map(|version| version.id.to_string()).unwrap_or_default();
    let version = RwSignal::new(config.as_ref().map_or(first, |config| config.version.to_string()));
    let at = config.as_ref().map(|config| config.sites.iter().map(|id| name_of(*id)).collect::<Vec<_>>().join(", "));
    let at = RwSignal::new(at.unwrap_or_default());
    let labels = RwSignal::new(config.as_ref().map(|config| labels_text(&config.labels)).unwrap_or_default());
    let known = known.map(|known| (known.id, known.revision, known.number));
    let choices: Vec<Choice> = match &known {
        Some((.., number)) => vec![(version.get_untracked(), number.clone())],
        None => versions.into_iter().map(|version| (version.id.to_string(), version.number)).collect(),
    };
    let close = closing(open, TOPICS);
    let edit = known.as_ref().map(|(id, revision, _)| (*id, *revision));
    let save = Act::new(
        move |api, input: PublicationInput| async move {
            match edit {
                None => api.0.publish_product(product, input).await,
                Some((id, revision)) => api.0.update_publication(id, Edit { revision, value: input }).await,
            }
        },
        move |_| close.run("Published. Agents are taking it."),
    );
    let names = StoredValue::new(sites);
    let wrong_sites = Memo::new(move |_| names.with_value(|sites| site_ids(&at.get(), sites).err()));
    let wrong_labels = Memo::new(move |_| labels_of(&labels.get()).err());
    let on_save = move |()| {
        let sites = names.with_value(|sites| site_ids(&at.get_untracked(), sites));
        let (Ok(version), Ok(sites), Ok(labels)) =
            (version.get_untracked().parse(), sites, labels_of(&labels.get_untracked()))
        else {
            save.error.set(Some(ApiError::new("invalid", 422, "check the marked fields")));
            return;
        };
        save.run(PublicationInput { version, sites, labels });
    };
    let title = if edit.is_some() { "Change where it can be had" } else { "Publish a version" };
    let all = names.with_value(|sites| format::plural(sites.len(), "site"));
    view! {
        <Editor title=title save=save open=open right=right::CATALOG_WRITE verb="Publish" on_save=on_save>
            <Select label="Version" name="version" value=version choices=choices error=save.field("version")/>
            <Field label="At these sites" name="sites" value=at placeholder="hq, store-lyon" hint=format!("Names with commas between them; empty, and no label: all {all}, and those that come") error=either(save.field("sites"), move || wrong_sites.get())/>
            <Field label="And at sites with all these labels" name="labels" value=labels placeholder="kind=store, country=fr" error=either(save.field("labels"), move || wrong_labels.get())/>
        </Editor>
    }
    .into_any()
}
