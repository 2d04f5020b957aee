//! Plans that wait for a reviewer: what others would have, next to what they can have now, and yes or no.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::{PLANS, TOPICS, Tabs};
use crate::act::{Act, ActError};
use crate::api::{Edit, ListQuery, PlanReview, PlanReviewAct, PlanReviewRow};
use crate::components::{Age, Button, Empty, Field, ListFoot, Main, Part, Right, Table, Toasts, Tone};
use crate::format;
use crate::live::Live;
use crate::load::{Load, load};
use crate::pages::products::{TermLine, changed_terms, terms_in_words};
use crate::viewer::{Viewer, right};

/// `/inbox/plans?cursor=`
#[component]
pub fn PlanReviews() -> impl IntoView {
    let query = use_query_map();
    let cursor = Memo::new(move |_| query.with(|query| query.get("cursor").filter(|cursor| !cursor.is_empty())));
    let page = load(
        TOPICS,
        move || cursor.get(),
        |api, cursor| async move { api.0.plan_reviews(ListQuery { cursor, ..ListQuery::default() }).await },
    );
    view! {
        <Main title="Inbox" note="plans that are read by somebody who did not write them, before others can have them">
            <Tabs current=Signal::stored(PLANS.to_owned())/>
            <Load resource=page what="plans" let:page>
                // By their revisions, so that what somebody types stays when others change.
                <For each=move || page.get().items key=|row| (row.plan.id, row.plan.revision) let:row>
                    <Review row=row/>
                </For>
                {move || {
                    let page = page.get();
                    if page.items.is_empty() {
                        return view! {
                            <Empty icon="check" title="No plan waits" text="A plan stands here once its author sends it to review, and a change of a plan that is offered by which others would have more."/>
                        }
                            .into_any();
                    }
                    let total = format::plural(usize::try_from(page.total).unwrap_or(usize::MAX), "plan");
                    view! { <ListFoot total=total next=page.next/> }.into_any()
                }}
            </Load>
        </Main>
    }
    .into_any()
}

/// One plan.
#[component]
fn Review(row: PlanReviewRow) -> impl IntoView {
    let PlanReviewRow { product, product_name, plan } = row;
    let (id, revision) = (plan.id, plan.revision);
    let (live, toasts) = (Live::get(), Toasts::get());
    let reason = RwSignal::new(String::new());
    let review = Act::new(
        move |api, act: PlanReviewAct| {
            let value = PlanReview { act, reason: reason.get_untracked().trim().to_owned() };
            async move { api.0.review_plan(id, Edit { revision, value }).await }
        },
        move |_| {
            live.bump(TOPICS);
            toasts.done("Said.");
        },
    );
    let is_own = Viewer::get().0.is_some_and(|me| plan.authors.contains(&me.login));
    let why_not = StoredValue::new(plan.not_reviewed_because.clone());
    let may_accept = Signal::derive(move || match why_not.get_value() {
        why if why.is_empty() => Right::Granted,
        why => Right::Missing(format!("It {why}.")),
    });
    let may_send_back =
        Signal::derive(move || if is_own { Right::Granted } else { Viewer::has(right::CATALOG_REVIEW) });
    let title = match &plan.change {
        Some(_) => format!("A change of {} of {product_name}", plan.config.name),
        None => format!("{} of {product_name}, a new plan", plan.config.name),
    };
    let authors = plan.authors.join(", ");
    let (name, send_back) = (plan.config.name.clone(), if is_own { "Take back" } else { "Send back" });
    let lines = match &plan.change {
        Some(change) => changed_terms(&plan.config, &change.config, &change.gives_more_by),
        None => terms_in_words(&plan.config),
    };
    let is_change = plan.change.is_some();
    view! {
        <Part title=title>
            <p class="m-small m-muted">
                "By "{authors}", waits for "<Age at_ms=plan.asked_at/>". "
                <a href=format!("/products/{product}")>"The product"</a>
            </p>
            <Terms lines=lines is_change=is_change/>
            <form method="post" data-plan=plan.config.name on:submit=move |ev| ev.prevent_default()>
                <Field label="Reason" name="reason" value=reason hint="Its authors read it; a reviewer who sends back says what to change" error=review.field("reason")/>
                <ActError act=review/>
                <div class="m-line m-line--wrap">
                    <Button tone=Tone::Primary icon="check" right=may_accept label=format!("Accept the plan {name}") on_press=move |()| review.run(PlanReviewAct::Accept)>
                        "Accept"
                    </Button>
                    <Button tone=Tone::Danger right=may_send_back label=format!("{send_back} the plan {name}") on_press=move |()| review.run(PlanReviewAct::SendBack)>
                        {send_back}
                    </Button>
                </div>
            </form>
        </Part>
    }
    .into_any()
}

/// What would be given; of a change, what is given now as well.
#[component]
fn Terms(lines: Vec<TermLine>, is_change: bool) -> impl IntoView {
    if lines.is_empty() {
        return view! { <p class="m-muted">"It changes nothing."</p> }.into_any();
    }
    let row = move |line: TermLine| {
        let more = line.gives_more.then(|| view! { " "<span class="m-warn">"gives more"</span> });
        view! {
            <tr>
                <td class="m-nowrap">{line.what}</td>
                {is_change.then(|| view! { <td class="m-muted m-wrap">{line.now}</td> })}
                <td class="m-wrap">{line.then}{more}</td>
            </tr>
        }
    };
    let heads: &'static [(&'static str, &'static str)] =
        if is_change { &[("What", ""), ("Now", ""), ("Then", "")] } else { &[("What", ""), ("Terms", "")] };
    view! {
        <Table label="Terms" class="m-table--inset" heads=heads>{lines.into_iter().map(row).collect_view()}</Table>
    }
    .into_any()
}
