//! Products: what others offer, for whoever looks for it; and how it is offered, for whoever does.

mod detail;
mod plan_form;
mod plans;
mod publications;
mod request;
mod terms;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

pub use self::detail::ProductDetail;
use self::terms::price_words;
pub(in crate::pages) use self::terms::{TermLine, Terms, changed_terms, terms_in_words};
use crate::api::{LiveTopic, PlanBrief, ProductQuery, ProductRow, Reach};
use crate::components::{Empty, ListFoot, Main, ParamCheck, ParamSelect, Run, RunState, Search, Table};
use crate::format;
use crate::load::{Load, load};
use crate::owners::OwnerName;
use crate::viewer::{Viewer, right};

/// What makes products old: what they hold, who has them, and how far agents are.
const TOPICS: &[LiveTopic] = &[LiveTopic::Catalog, LiveTopic::Access, LiveTopic::Rollout, LiveTopic::Topology];

fn query_of(get: impl Fn(&str) -> Option<String>) -> ProductQuery {
    let given = |name| get(name).filter(|text: &String| !text.is_empty());
    ProductQuery {
        q: given("q"),
        domain: given("domain").and_then(|id| id.parse().ok()),
        all: given("all").is_some_and(|text| text == "true"),
        cursor: given("cursor"),
        limit: None,
    }
}

/// The mark and the word of how far a publication, or one site of it, is.
fn reach_mark(reach: Reach) -> (RunState, &'static str) {
    match reach {
        Reach::Pending => (RunState::Waiting, "Pending"),
        Reach::Deploying => (RunState::Deploying, "Deploying"),
        Reach::Live => (RunState::Live, "Live"),
        Reach::Degraded => (RunState::Degraded, "Degraded"),
        Reach::Failed => (RunState::Failed, "Failed"),
        Reach::Withdrawn => (RunState::Offline, "Withdrawn"),
    }
}

/// `/products?q=&domain=&all=&cursor=`
#[component]
pub fn Products() -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| query.with(|query| query_of(|name| query.get(name))));
    let page = load(TOPICS, move || key.get(), |api, query| async move { api.0.products(query).await });
    let domains = load(TOPICS, || (), |api, ()| async move { api.0.all_domains().await });
    let of_domains = Signal::derive(move || {
        let known = domains.get().and_then(Result::ok).unwrap_or_default();
        let all = (String::new(), "All domains".to_owned());
        let each = known.into_iter().map(|domain| (domain.id.to_string(), domain.config.name));
        std::iter::once(all).chain(each).collect::<Vec<_>>()
    });
    let may_write = Viewer::has(right::CATALOG_WRITE) == crate::components::Right::Granted;
    let acts = view! { <a class="m-button" href="/designs?kind=product">"Design a product"</a> };
    view! {
        <Main title="Products" note="events that others offer, ready to be asked for" acts=acts.into_any()>
            <div class="m-bar">
                <Search label="Search products by name, owner, event or address"/>
                <Transition>
                    <ParamSelect label="Domain" name="domain" choices=of_domains/>
                </Transition>
                {may_write.then(|| view! { <ParamCheck label="Also those that are not published" name="all"/> })}
            </div>
            <Load resource=page what="products" let:page>
                {move || {
                    let page = page.get();
                    if page.items.is_empty() {
                        return nothing(&key.get());
                    }
                    let rows = page.items.into_iter().map(|product| view! { <Row product=product/> }).collect_view();
                    let total = format::plural(usize::try_from(page.total).unwrap_or(usize::MAX), "product");
                    view! {
                        <Table
                            label="Products"
                            heads=&[
                                ("Product", ""),
                                ("Domain and owner", "m-low"),
                                ("Clients", "m-low"),
                                ("Plans", ""),
                                ("State", ""),
                                ("Applications", "m-low m-end"),
                            ]
                        >
                            {rows}
                        </Table>
                        <ListFoot total=total next=page.next/>
                    }
                        .into_any()
                }}
            </Load>
        </Main>
    }
    .into_any()
}

fn nothing(query: &ProductQuery) -> AnyView {
    if query.q.is_some() || query.domain.is_some() {
        return view! {
            <Empty icon="search" title="No product is like that" text="The search looks at names, owners, descriptions, tags, and at the names and addresses of events.">
                <a class="m-button" href="/products">"All products"</a>
            </Empty>
        }
        .into_any();
    }
    view! {
        <Empty
            icon="product"
            title="Nothing is offered yet"
            text="A product is event APIs that others can ask for. Design an event API and a product of it, have both reviewed, write a plan, and publish it."
        >
            <a class="m-button" href="/designs?kind=event_api">"Event APIs"</a>
        </Empty>
    }
    .into_any()
}

/// What clients do with its events, in few words.
fn clients_words(receives: u64, sends: u64) -> String {
    let events = |count: u64| format::plural(usize::try_from(count).unwrap_or(usize::MAX), "event");
    match (receives, sends) {
        (0, 0) => "nothing yet".to_owned(),
        (0, sends) => format!("send {}", events(sends)),
        (receives, 0) => format!("receive {}", events(receives)),
        (receives, sends) => format!("receive {}, send {}", events(receives), events(sends)),
    }
}

#[component]
fn Row(product: ProductRow) -> impl IntoView {
    let clients = clients_words(product.receives, product.sends);
    let gist = clients.clone();
    let version = product.version.map(|version| version.number);
    view! {
        <tr data-product=product.name.clone()>
            <td>
                <div class="m-cell">
                    <a class="m-cell__name" href=format!("/products/{}", product.id)>
                        {product.name.clone()}
                        {version.map(|number| format!(" {number}"))}
                    </a>
                    {(!product.description.is_empty()).then(|| view! { <span class="m-cell__sub m-wrap">{product.description}</span> })}
                    <span class="m-cell__sub m-only-narrow">{gist}</span>
                </div>
            </td>
            <td class="m-low">
                <div class="m-cell">
                    <span>{product.domain_name}</span>
                    <span class="m-cell__sub"><OwnerName owner=product.owner team=product.team nobody="nobody answers for it"/></span>
                </div>
            </td>
            <td class="m-low m-muted">{clients}</td>
            <td><Plans plans=product.plans/></td>
            <td>
                {match product.reach {
                    Some(reach) => {
                        let (state, word) = reach_mark(reach);
                        view! { <Run state=state word=word/> }.into_any()
                    }
                    None => view! { <span class="m-muted">"Not published"</span> }.into_any(),
                }}
            </td>
            <td class="m-low m-end m-num">{format::count(product.grants)}</td>
        </tr>
    }
    .into_any()
}

/// Plans by name, with what each costs.
#[component]
fn Plans(plans: Vec<PlanBrief>) -> impl IntoView {
    if plans.is_empty() {
        return view! { <span class="m-faint">"none"</span> }.into_any();
    }
    let line = |plan: PlanBrief| {
        let price = plan.price.as_ref().map_or_else(|| "free".to_owned(), price_words);
        let approval = if plan.is_auto { "at once" } else { "on approval" };
        view! { <span class="m-cell__sub m-nowrap">{format!("{}: {price}, {approval}", plan.name)}</span> }
    };
    view! { <div class="m-cell">{plans.into_iter().map(line).collect_view()}</div> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_do_is_said_in_words() {
        assert_eq!(clients_words(0, 0), "nothing yet");
        assert_eq!(clients_words(1, 0), "receive 1 event");
        assert_eq!(clients_words(2, 1), "receive 2 events, send 1 event");
    }

    #[test]
    fn the_address_is_the_state() {
        let query = query_of(|name| (name == "all").then(|| "true".to_owned()));
        assert!(query.all && query.q.is_none());
    }
}
