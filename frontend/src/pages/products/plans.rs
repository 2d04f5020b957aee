//! Plans of a product, side by side.

use leptos::prelude::*;
use mesh_protocol::id::PlanId;

use super::TOPICS;
use super::plan_form::PlanForm;
use super::terms::{approval_words, price_words, protocols_words, quota_words};
use crate::act::{Act, sentence};
use crate::api::{Edit, PlanMove, PlanReview, PlanReviewAct, PlanState, PlanView, ProductView};
use crate::components::{Button, Dialog, Empty, Life, Part, Right, Table, Toasts, Tone};
use crate::editor::Editing;
use crate::format;
use crate::live::Live;
use crate::viewer::{Viewer, right};

fn state_mark(state: PlanState) -> (&'static str, &'static str) {
    match state {
        PlanState::Staging => ("draft", "Staging"),
        PlanState::Published => ("published", "Published"),
        PlanState::Deprecated => ("deprecated", "Deprecated"),
        PlanState::Closed => ("retired", "Closed"),
    }
}

/// The words of a step to a state.
fn step_word(to: PlanState) -> &'static str {
    match to {
        PlanState::Published => "Publish",
        PlanState::Deprecated => "Deprecate",
        PlanState::Closed | PlanState::Staging => "Close",
    }
}

#[component]
pub(super) fn PlansPart(product: Signal<ProductView>) -> impl IntoView {
    let editing = Editing::<PlanView>::new();
    let may_write = Viewer::has(right::CATALOG_WRITE) == Right::Granted;
    let id = product.with_untracked(|product| product.row.id);
    let acts = may_write.then(|| {
        view! { <Button small=true icon="plus" on_press=move |()| editing.make()>"New plan"</Button> }.into_any()
    });
    view! {
        <Part title="Plans" note="terms under which it is given; who has it keeps theirs" flush=true acts=acts.into_any()>
            {move || {
                let plans = product.with(|product| product.plans.clone());
                if plans.is_empty() {
                    return view! {
                        <Empty icon="key" title="No plan yet" text="A plan says who is let in, how they connect, how much they may use and what it costs. Without a published plan nobody can ask."/>
                    }
                        .into_any();
                }
                let (object, version) = product.with(|product| (product.row.id, product.row.version.as_ref().map(|version| version.id)));
                let documents = version.map(|version| format!("/designs/{object}/versions/{version}/asyncapi"));
                let rows = plans
                    .into_iter()
                    .map(|plan| {
                        let document = documents.as_ref().map(|documents| format!("{documents}?plan={}", plan.id));
                        view! { <Row plan=plan document=document editing=editing/> }
                    })
                    .collect_view();
                view! {
                    <Table
                        label="Plans"
                        heads=&[
                            ("Plan", ""),
                            ("Access", "m-low"),
                            ("Quota", "m-low"),
                            ("Price", ""),
                            ("State", ""),
                            ("Has it", "m-low m-end"),
                            ("", "m-tight"),
                        ]
                    >
                        {rows}
                    </Table>
                }
                    .into_any()
            }}
        </Part>
        <Dialog open=editing.open label="Plan" class="m-dialog m-dialog--wide">
            <PlanForm product=id known=editing.of() open=editing.open/>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Row(plan: PlanView, document: Option<String>, editing: Editing<PlanView>) -> impl IntoView {
    let (glyph, word) = state_mark(plan.state);
    let for_edit = plan.clone();
    let waits = match (plan.asked_at, &plan.change) {
        (None, _) => None,
        (Some(_), Some(_)) => Some("a change waits for a reviewer"),
        (Some(_), None) => Some("waits for a reviewer"),
    };
    let is_staging = plan.state == PlanState::Staging;
    let asks = is_staging && waits.is_none();
    let not_reviewed_because = plan.not_reviewed_because.clone();
    let PlanView { id, revision, number, config, steps, grants, .. } = plan;
    let lasts = config.days.map_or_else(|| "without an end".to_owned(), |days| format!("for {days} days"));
    let what = if config.filters.is_empty() { String::new() } else { format!("only {}", config.filters.join(", ")) };
    let price = config.price.as_ref().map_or_else(|| "free".to_owned(), price_words);
    let may_write = Viewer::has(right::CATALOG_WRITE) == Right::Granted;
    let may_edit = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let label = format!("Edit the plan {}", config.name);
    view! {
        <tr data-plan=config.name.clone()>
            <td>
                <div class="m-cell">
                    {match document {
                        Some(document) => view! { <a class="m-cell__name" href=document>{config.name.clone()}</a> }.into_any(),
                        None => view! { <span class="m-cell__name">{config.name.clone()}</span> }.into_any(),
                    }}
                    {(!config.description.is_empty()).then(|| view! { <span class="m-cell__sub m-wrap">{config.description.clone()}</span> })}
                    {(!what.is_empty()).then(|| view! { <span class="m-cell__sub m-mono m-wrap">{what}</span> })}
                    <span class="m-cell__sub m-wrap m-only-narrow">
                        {format!("{}; {}", approval_words(&config.approval), quota_words(config.events, config.bytes))}
                    </span>
                </div>
            </td>
            <td class="m-low">
                <div class="m-cell">
                    <span class="m-wrap">{approval_words(&config.approval)}</span>
                    <span class="m-cell__sub">{lasts}", by "{protocols_words(&config.protocols)}</span>
                </div>
            </td>
            <td class="m-low">{quota_words(config.events, config.bytes)}</td>
            <td>{price}</td>
            <td title=format!("terms number {number}")>
                <div class="m-cell">
                    <Life state=glyph word=word/>
                    {waits.map(|waits| view! { <a class="m-cell__sub m-wrap" href="/inbox/plans">{waits}</a> })}
                </div>
            </td>
            <td class="m-low m-end m-num">{format::count(grants)}</td>
            <td class="m-tight">
                {may_write.then(|| view! {
                    <span class="m-acts">
                        {asks.then(|| view! { <Ask id=id revision=revision name=config.name.clone()/> })}
                        {steps
                            .into_iter()
                            .map(|to| {
                                let why_not = if is_staging { not_reviewed_because.clone() } else { String::new() };
                                view! { <Step id=id revision=revision to=to name=config.name.clone() why_not=why_not/> }
                            })
                            .collect_view()}
                        <Button small=true tone=Tone::Quiet right=may_edit label=label on_press=move |()| editing.change(for_edit.clone())>
                            "Edit"
                        </Button>
                    </span>
                })}
            </td>
        </tr>
    }
    .into_any()
}

/// Has a reviewer asked.
#[component]
fn Ask(id: PlanId, revision: i64, name: String) -> impl IntoView {
    let (live, toasts) = (Live::get(), Toasts::get());
    let ask = Act::new(
        move |api, ()| async move {
            let value = PlanReview { act: PlanReviewAct::Ask, reason: String::new() };
            api.0.review_plan(id, Edit { revision, value }).await
        },
        move |_| {
            live.bump(TOPICS);
            toasts.done("Reviewers are told of it.");
        },
    );
    Effect::new(move |_| {
        if let Some(error) = ask.error.get() {
            toasts.failed(format!("The plan stays as it is. {}", sentence(&error, &[])));
        }
    });
    view! {
        <Button small=true label=format!("Send the plan {name} to review") on_press=move |()| ask.run(())>"Send to review"</Button>
    }
    .into_any()
}

#[component]
fn Step(
    id: PlanId,
    revision: i64,
    to: PlanState,
    name: String,
    /// Why the person may not take it although it is there; empty = nothing but their rights is asked.
    why_not: String,
) -> impl IntoView {
    let (live, toasts) = (Live::get(), Toasts::get());
    let why_not = StoredValue::new(why_not);
    let may = Signal::derive(move || match why_not.get_value() {
        why if why.is_empty() => Viewer::has(right::CATALOG_REVIEW),
        why => Right::Missing(format!("It {why}.")),
    });
    let step = Act::new(
        move |api, ()| async move { api.0.move_plan(id, Edit { revision, value: PlanMove { to } }).await },
        move |_| live.bump(TOPICS),
    );
    Effect::new(move |_| {
        if let Some(error) = step.error.get() {
            toasts.failed(format!("The plan stays as it is. {}", sentence(&error, &[])));
        }
    });
    let label = format!("{} the plan {name}", step_word(to));
    view! {
        <Button small=true right=may label=label on_press=move |()| step.run(())>{step_word(to)}</Button>
    }
    .into_any()
}
