//! Asking for access: what the plan says is shown before anything is asked.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::TOPICS;
use super::terms::{Terms, approval_words, price_words};
use crate::act::Act;
use crate::api::{AccessInput, AccessPreview, AccessState, AccessView, ApplicationView, PlanState, ProductView};
use crate::components::{Choice, Empty, Field, Glyph, Select, Tags, TextArea, either};
use crate::editor::{Editor, closing};
use crate::format;
use crate::load::{Load, load};
use crate::moment;
use crate::pages::clients::Until;
use crate::viewer::right;

/// The form in the dialog.
#[component]
pub(super) fn RequestForm(product: ProductView, open: RwSignal<bool>) -> impl IntoView {
    let applications = load(TOPICS, || (), |api, ()| async move { api.0.all_applications().await });
    view! {
        <Load resource=applications what="applications" let:applications>
            <Filled product=product.clone() applications=applications.get_untracked() open=open/>
        </Load>
    }
    .into_any()
}

#[component]
fn Filled(product: ProductView, applications: Vec<ApplicationView>, open: RwSignal<bool>) -> impl IntoView {
    let Some(version) = product.row.version.as_ref().map(|version| version.id) else {
        return view! { <Empty icon="product" title="Nothing to ask for" text="The product has no version yet."/> }
            .into_any();
    };
    if applications.is_empty() {
        return view! {
            <div class="m-dialog__body">
                <Empty icon="app" title="No application yet" text="Access is given to an application, whose clients connect with credentials of their own. Make one first.">
                    <a class="m-button" href="/clients">"Applications"</a>
                </Empty>
            </div>
        }
        .into_any();
    }
    let offered = product.plans.iter().filter(|plan| plan.state == PlanState::Published);
    let plans: Vec<(Choice, String)> = offered
        .map(|plan| {
            let price = plan.config.price.as_ref().map_or_else(|| "free".to_owned(), price_words);
            let words = format!("{}, {price}", plan.config.name);
            ((plan.id.to_string(), words), approval_words(&plan.config.approval))
        })
        .collect();
    let plan = RwSignal::new(plans.first().map(|((id, _), _)| id.clone()).unwrap_or_default());
    let hints: Vec<(String, String)> = plans.iter().map(|((id, _), words)| (id.clone(), words.clone())).collect();
    let hint = Signal::derive(move || {
        let chosen = plan.get();
        hints.iter().find(|(id, _)| *id == chosen).map(|(_, words)| format!("Access {words}")).unwrap_or_default()
    });
    let application = RwSignal::new(applications.first().map(|one| one.id.to_string()).unwrap_or_default());
    let choices: Vec<Choice> = applications.into_iter().map(|one| (one.id.to_string(), one.name)).collect();
    let (purpose, until) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let read = move || {
        let until = until.get();
        let until_ms = moment::local_ms(&until);
        if until_ms.is_none() && !until.trim().is_empty() {
            return None;
        }
        Some(AccessInput {
            application: application.get().parse().ok()?,
            version,
            plan: plan.get().parse().ok(),
            purpose: purpose.get().trim().to_owned(),
            until: until_ms,
        })
    };
    // The purpose changes nothing of what the plan says.
    let asked = Memo::new(move |_| read().map(|input| AccessInput { purpose: String::new(), ..input }));
    let found = RwSignal::new(None::<AccessPreview>);
    let preview = Act::new(
        |api, input: AccessInput| async move { api.0.preview_access(input).await },
        move |preview| found.set(Some(preview)),
    );
    Effect::new(move |_| {
        if let Some(input) = asked.get() {
            preview.run(input);
        }
    });
    let close = closing(open, TOPICS);
    let navigate = use_navigate();
    let save = Act::new(
        |api, input: AccessInput| async move { api.0.request_access(input).await },
        move |made: AccessView| {
            let given = made.grant.filter(|_| made.state == AccessState::Approved);
            close.run(if given.is_some() { "Access given." } else { "Access asked for." });
            let path = given.map_or_else(|| format!("/inbox/{}", made.id), |grant| format!("/access/{grant}"));
            navigate(&path, NavigateOptions::default());
        },
    );
    let on_save = move |()| {
        if let Some(input) = untrack(read) {
            save.run(input);
        }
    };
    let plan_choices: Vec<Choice> = plans.into_iter().map(|(choice, _)| choice).collect();
    let stands = move |field: &'static str| {
        move || {
            found.with(|found| {
                let all = found.as_ref().map(|found| found.problems.clone()).unwrap_or_default();
                all.into_iter().find(|(its, _)| its == field).map(|(_, message)| message)
            })
        }
    };
    view! {
        <Editor title=format!("Access to {}", product.row.name) save=save open=open right=right::ACCESS_REQUEST verb="Ask for access" on_save=on_save>
            <div class="m-form__row">
                <Select label="For the application" name="application" value=application choices=choices error=either(save.field("application"), stands("application"))/>
                <Select label="Under the plan" name="plan" value=plan choices=plan_choices hint=hint error=either(save.field("plan"), stands("plan"))/>
                <Field label="Until" name="until" kind="datetime-local" value=until hint="Empty: as long as the plan gives" error=either(save.field("until"), stands("until"))/>
            </div>
            <TextArea label="What for" name="purpose" value=purpose rows=3 hint="Those who decide read it" error=save.field("purpose")/>
            {move || found.get().map(|found| view! { <Verdict found=found/> })}
        </Editor>
    }
    .into_any()
}

/// What would come of it.
#[component]
fn Verdict(found: AccessPreview) -> impl IntoView {
    let words = match found.people {
        0 if found.is_renewal => "Access goes on under these terms, at once.".to_owned(),
        0 => "Access is given at once.".to_owned(),
        1 => "One person has to say yes.".to_owned(),
        people => format!("{people} people have to say yes."),
    };
    let others = usize::try_from(found.others_total).unwrap_or(usize::MAX);
    let fields = format::plural(found.fields.len(), "field");
    let lines = found
        .lines
        .into_iter()
        .map(|line| {
            let (tone, glyph) = if line.holds { ("ok", "approved") } else { ("warn", "pending") };
            view! { <li data-tone=tone><Glyph name=glyph/>{line.text}</li> }
        })
        .collect_view();
    let tagged = found.fields.into_iter().take(10).map(|field| {
        view! { <li class="m-line m-line--wrap"><span class="m-mono m-small">{field.path}</span><Tags tags=field.tags/></li> }
    });
    let tagged = tagged.collect_view();
    view! {
        <section class="m-verdict" aria-label="What the plan says" aria-live="polite">
            <h3>"What the plan says"</h3>
            <p><b>{words}</b></p>
            <ul class="m-checks">{lines}</ul>
            <h3>"What would be given"</h3>
            <Terms terms=found.terms/>
            <p class="m-small m-muted">
                {match found.until {
                    Some(at) => view! { "Until " <Until at_ms=at/> ". " }.into_any(),
                    None => "Without an end. ".into_any(),
                }}
                {format!("{} it now. ", if others == 1 { "1 application has".to_owned() } else { format!("{others} applications have") })}
                {format!("{fields} with tags.")}
            </p>
            <ul class="m-plain">{tagged}</ul>
        </section>
    }
    .into_any()
}
