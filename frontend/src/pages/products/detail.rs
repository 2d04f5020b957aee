//! One product: what it holds, under which plans, where it can be had, and who has it.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use mesh_protocol::id::DesignObjectId;

use super::plans::PlansPart;
use super::publications::PublicationsPart;
use super::request::RequestForm;
use super::{TOPICS, clients_words, reach_mark};
use crate::api::{ApiError, DesignState, ProductEvent, ProductView};
use crate::components::{Banner, Button, Dialog, Empty, Main, Part, Right, Run, Table, Tags, Tone, Topic};
use crate::format;
use crate::load::{Load, load};
use crate::owners::OwnerName;
use crate::pages::clients::Until;
use crate::pages::designs::StateMark;
use crate::viewer::{Viewer, right};

/// `/products/:id`
#[component]
pub fn ProductDetail() -> impl IntoView {
    let params = use_params_map();
    let id =
        Memo::new(move |_| params.with(|params| params.get("id").and_then(|id| id.parse::<DesignObjectId>().ok())));
    let product = load(
        TOPICS,
        move || id.get(),
        |api, id| async move {
            match id {
                Some(id) => api.0.product(id).await,
                None => Err(ApiError::new("not-found", 404, "there is no such product")),
            }
        },
    );
    view! {
        <Load resource=product what="product" title="Products" one=true let:product>
            <Detail product=product/>
        </Load>
    }
    .into_any()
}

/// Why nobody can ask for it now; none = they can.
fn not_asked_because(product: &ProductView) -> Option<&'static str> {
    let is_offered = product.row.reach.is_some();
    let state = product.row.version.as_ref().map(|version| version.state);
    if !is_offered {
        Some("It is published nowhere yet.")
    } else if product.row.plans.is_empty() {
        Some("None of its plans can be asked for now.")
    } else if state != Some(DesignState::Released) {
        Some("The version that is published is deprecated: it is given to nobody else.")
    } else {
        None
    }
}

#[component]
fn Detail(product: Signal<ProductView>) -> impl IntoView {
    let asking = RwSignal::new(false);
    let may = Signal::derive(move || match product.with(not_asked_because) {
        Some(why) => Right::Missing(why.to_owned()),
        None => Viewer::has(right::ACCESS_REQUEST),
    });
    let name = Signal::derive(move || product.with(|product| product.row.name.clone()));
    let note = Signal::derive(move || {
        product.with(|product| {
            let number = product.row.version.as_ref().map(|version| version.number.clone()).unwrap_or_default();
            format!("product {number} in {}", product.row.domain_name)
        })
    });
    let (id, version) =
        product.with_untracked(|product| (product.row.id, product.row.version.as_ref().map(|version| version.id)));
    let crumbs = view! { <ol class="m-crumbs"><li><a href="/products">"Products"</a></li><li>{name}</li></ol> };
    let acts = view! {
        <a class="m-button" href=format!("/designs/{id}")>"Design"</a>
        {version.map(|version| view! { <a class="m-button" href=format!("/designs/{id}/versions/{version}/asyncapi")>"Documentation"</a> })}
        <Button tone=Tone::Primary right=may on_press=move |()| asking.set(true)>"Request access"</Button>
    };
    view! {
        <Main title=name note=note crumbs=crumbs.into_any() acts=acts.into_any()>
            <Ending product=product/>
            <Facts product=product/>
            <Events product=product/>
            <PlansPart product=product/>
            <PublicationsPart product=product/>
        </Main>
        <Dialog open=asking label="Request access" class="m-dialog m-dialog--wide">
            <RequestForm product=product.get_untracked() open=asking/>
        </Dialog>
    }
    .into_any()
}

/// What those who have it must know.
#[component]
fn Ending(product: Signal<ProductView>) -> impl IntoView {
    move || {
        let version = product.with(|product| product.row.version.clone())?;
        (version.state == DesignState::Deprecated).then(|| {
            let text = "This version is on its way out: it is given to nobody else.";
            view! {
                <Banner tone="warn" text=text>
                    {version.end_of_life_at.map(|at| view! { <span class="m-nowrap">"Served until " <Until at_ms=at/></span> })}
                </Banner>
            }
        })
    }
}

#[component]
fn Facts(product: Signal<ProductView>) -> impl IntoView {
    move || {
        let product = product.get();
        let row = product.row;
        view! {
            <div class="m-pad">
                <dl class="m-facts">
                    <dt>"State"</dt>
                    <dd>
                        {match row.reach {
                            Some(reach) => {
                                let (state, word) = reach_mark(reach);
                                view! { <Run state=state word=word/> }.into_any()
                            }
                            None => view! { <span class="m-muted">"published nowhere"</span> }.into_any(),
                        }}
                    </dd>
                    <dt>"Owner"</dt>
                    <dd><OwnerName owner=row.owner team=row.team nobody="nobody answers for it"/></dd>
                    <dt>"Clients"</dt>
                    <dd>{clients_words(row.receives, row.sends)}</dd>
                    <dt>"Access"</dt>
                    <dd>
                        <a href=format!("/access?target={}", row.id)>
                            {format::plural(usize::try_from(row.grants).unwrap_or(usize::MAX), "application")}
                        </a>
                    </dd>
                    {(!row.tags.is_empty()).then(|| view! { <dt>"Tags"</dt><dd>{row.tags.join(", ")}</dd> })}
                    {(!row.description.is_empty()).then(|| view! { <dt>"This version"</dt><dd>{row.description}</dd> })}
                    {(!product.document.is_empty()).then(|| view! { <dt>"About"</dt><dd class="m-prose">{product.document}</dd> })}
                </dl>
            </div>
        }
    }
}

#[component]
fn Events(product: Signal<ProductView>) -> impl IntoView {
    let note = Signal::derive(move || {
        let apis = product.with(|product| product.apis.clone());
        let names: Vec<String> = apis.into_iter().map(|api| format!("{} {}", api.name, api.number)).collect();
        if names.is_empty() { String::new() } else { format!("of {}", names.join(", ")) }
    });
    view! {
        <Part title="What clients get" note=note flush=true>
            {move || {
                let events = product.with(|product| product.events.clone());
                if events.is_empty() {
                    return view! {
                        <Empty icon="event" title="No event yet" text="A version of the product names the event APIs that it offers."/>
                    }
                        .into_any();
                }
                let rows = events.into_iter().map(|event| view! { <EventRow event=event/> }).collect_view();
                view! {
                    <Table
                        label="Events"
                        heads=&[("Event", ""), ("Clients", ""), ("Address", "m-low"), ("Tags of its fields", "m-low"), ("State", "")]
                    >
                        {rows}
                    </Table>
                }
                    .into_any()
            }}
        </Part>
    }
    .into_any()
}

#[component]
fn EventRow(event: ProductEvent) -> impl IntoView {
    let href = format!("/designs/{}/versions/{}", event.object, event.version);
    view! {
        <tr data-event=event.name.clone()>
            <td>
                <div class="m-cell">
                    <a class="m-cell__name" href=href>{format!("{} {}", event.name, event.number)}</a>
                    {(!event.description.is_empty()).then(|| view! { <span class="m-cell__sub m-wrap">{event.description}</span> })}
                </div>
            </td>
            <td>{if event.is_sent { "send it" } else { "receive it" }}</td>
            <td class="m-low"><Topic name=event.address/></td>
            <td class="m-low">
                {if event.tags.is_empty() {
                    view! { <span class="m-faint">"–"</span> }.into_any()
                } else {
                    view! { <Tags tags=event.tags/> }.into_any()
                }}
            </td>
            <td><StateMark state=event.state/></td>
        </tr>
    }
    .into_any()
}
