//! The life of a version: the steps that are possible from here, what stands in their way, and taking one.

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use mesh_protocol::id::DesignVersionId;

use super::{StateMark, TOPICS};
use crate::act::{Act, ActError, sentence};
use crate::api::{DesignMove, DesignState, DesignStep, DesignVersionView, Edit};
use crate::components::{Button, Check, Confirm, Dialog, Field, Part, Submit, Toasts, Tone};
use crate::live::Live;
use crate::viewer::{Viewer, right};

/// What a step is called by who takes it.
fn verb(from: DesignState, to: DesignState) -> &'static str {
    match (from, to) {
        (DesignState::Draft, _) => "Send to review",
        (_, DesignState::Draft) => "Ask for changes",
        (DesignState::Deprecated, DesignState::Released) => "Release again",
        (_, DesignState::Released) => "Release",
        (_, DesignState::Deprecated) => "Deprecate",
        (_, DesignState::Retired) => "Retire",
        (_, DesignState::InReview) => "Send to review",
    }
}

/// What a step means, for who is about to take it.
fn meaning(to: DesignState) -> &'static str {
    match to {
        DesignState::Draft => "It can be edited again.",
        DesignState::InReview => "Number and content are frozen while others read it.",
        DesignState::Released => "Others may build on it, and its content never changes again.",
        DesignState::Deprecated => "It is served until its end of life; nothing new should be built on it.",
        DesignState::Retired => "That is the end of its life.",
    }
}

/// Where it may go.
#[component]
pub(super) fn Steps(version: Signal<DesignVersionView>) -> impl IntoView {
    let asked = RwSignal::new(None::<DesignStep>);
    let open = RwSignal::new(false);
    let ask = Callback::new(move |step: DesignStep| {
        asked.set(Some(step));
        open.set(true);
    });
    view! {
        <Show when=move || version.with(|version| !version.steps.is_empty())>
            <Part title="Next" note="where it may go from here">
                <ul class="m-steps">
                    {move || {
                        let (from, steps) = version.with(|version| (version.state, version.steps.clone()));
                        steps.into_iter().map(|step| view! { <Step from=from step=step ask=ask/> }).collect_view()
                    }}
                </ul>
            </Part>
        </Show>
        <Dialog open=open label="Next step">
            {move || asked.get().map(|step| view! { <Take version=version.get_untracked() step=step open=open/> })}
        </Dialog>
    }
    .into_any()
}

#[component]
fn Step(from: DesignState, step: DesignStep, ask: Callback<DesignStep>) -> impl IntoView {
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    // What a person can get over in the dialog: consent to a breaking change, force.
    let is_stuck = !step.problems.is_empty() && step.to != DesignState::Retired && !is_number_only(&step);
    let problems = step.problems.clone();
    let warnings = step.warnings.clone();
    let taken = step.clone();
    let tone = if step.to == DesignState::Retired { Tone::Danger } else { Tone::Plain };
    view! {
        <li class="m-steps__step" data-to=format!("{:?}", step.to)>
            <div class="m-line m-line--wrap">
                {if is_stuck {
                    view! { <span class="m-muted">{verb(from, step.to)}</span> }.into_any()
                } else {
                    view! { <Button tone=tone right=may on_press=move |()| ask.run(taken.clone())>{verb(from, step.to)}</Button> }.into_any()
                }}
                <span class="m-small m-muted">{meaning(step.to)}</span>
            </div>
            {problems.into_iter().map(|(field, message)| view! { <p class="m-small m-warn">{format!("{} {message}", field_word(&field))}</p> }).collect_view()}
            {warnings.into_iter().map(|warning| view! { <p class="m-small m-muted">{format!("It {warning}.")}</p> }).collect_view()}
        </li>
    }
    .into_any()
}

/// A field of a refusal, which begins the sentence.
fn field_word(field: &str) -> String {
    let words = if field == "end_of_life_at" { "end of life".to_owned() } else { field.replace('_', " ") };
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// The one problem is that the change breaks consumers under the same major number.
fn is_number_only(step: &DesignStep) -> bool {
    step.problems.len() == 1 && step.problems[0].0 == "number"
}

#[component]
fn Take(version: DesignVersionView, step: DesignStep, open: RwSignal<bool>) -> impl IntoView {
    let (live, toasts) = (Live::get(), Toasts::get());
    let (reason, consent, force) = (RwSignal::new(String::new()), RwSignal::new(false), RwSignal::new(false));
    let (id, revision, from, to) = (version.id, version.revision, version.state, step.to);
    let save = Act::new(
        move |api, taken: DesignMove| async move { api.0.move_design_version(id, Edit { revision, value: taken }).await },
        move |moved: DesignVersionView| {
            live.bump(TOPICS);
            toasts.done(format!(
                "{} {} is {}.",
                moved.object_name,
                moved.config.number,
                super::state_word(moved.state).to_lowercase()
            ));
            open.set(false);
        },
    );
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        save.run(DesignMove {
            to,
            reason: reason.get_untracked(),
            has_consent: consent.get_untracked(),
            is_forced: force.get_untracked(),
        });
    };
    let breaks = is_number_only(&step);
    let is_used = to == DesignState::Retired && !step.problems.is_empty();
    let hint = if step.needs_reason || is_used { "It must be given" } else { "For the record; may be empty" };
    view! {
        <form method="post" on:submit=submit>
            <div class="m-dialog__body">
                <h2>{verb(from, to)}</h2>
                <p class="m-line"><StateMark state=from/> "→" <StateMark state=to/></p>
                <p>{meaning(to)}</p>
                {step.problems.iter().map(|(_, message)| view! { <p class="m-small m-warn">{message.clone()}</p> }).collect_view()}
                <Field label="Reason" name="reason" value=reason hint=hint error=save.field("reason")/>
                {breaks.then(|| view! { <Check label="Every owner whom this breaks has agreed" checked=consent/> })}
                {is_used.then(|| view! { <Check label="Retire it although it is used" checked=force/> })}
                <ActError act=save/>
            </div>
            <div class="m-dialog__foot">
                <Button tone=Tone::Quiet on_press=move |()| open.set(false)>"Cancel"</Button>
                <Submit busy=save.busy right=Signal::derive(|| Viewer::has(right::CATALOG_WRITE))>{verb(from, to)}</Submit>
            </div>
        </form>
    }
    .into_any()
}

/// A draft that nothing refers to may go.
#[component]
pub(super) fn Removal(version: Signal<DesignVersionView>) -> impl IntoView {
    let confirm = RwSignal::new(false);
    let (live, toasts, navigate) = (Live::get(), Toasts::get(), use_navigate());
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let delete = Act::new(
        |api, (id, revision): (DesignVersionId, i64)| async move { api.0.delete_design_version(id, revision).await },
        move |()| {
            live.bump(TOPICS);
            toasts.done("Draft deleted.");
            let object = version.with_untracked(|version| version.object);
            navigate(&format!("/designs/{object}"), NavigateOptions::default());
        },
    );
    Effect::new(move |_| {
        if let Some(error) = delete.error.get() {
            toasts.failed(format!("The draft was not deleted. {}", sentence(&error, &[])));
        }
    });
    let is_free = move || version.with(|version| version.state == DesignState::Draft && version.users.is_empty());
    view! {
        <Show when=is_free>
            <Part title="Delete" note="a draft that nothing refers to">
                <div class="m-line"><Button tone=Tone::Danger right=may on_press=move |()| confirm.set(true)>"Delete draft"</Button></div>
            </Part>
        </Show>
        <Confirm
            open=confirm
            title="Delete this draft?"
            consequence="Its number is free again. The audit trail keeps what it said."
            verb="Delete"
            on_yes=move |()| {
                let (id, revision) = version.with_untracked(|version| (version.id, version.revision));
                delete.run((id, revision));
            }
        />
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_has_a_verb_of_its_own() {
        use DesignState::{Deprecated, Draft, InReview, Released, Retired};
        let steps = [
            (Draft, InReview),
            (InReview, Draft),
            (InReview, Released),
            (Released, Deprecated),
            (Deprecated, Released),
            (Deprecated, Retired),
        ];
        let mut verbs = steps.map(|(from, to)| verb(from, to)).to_vec();
        verbs.sort_unstable();
        verbs.dedup();
        assert_eq!(verbs.len(), steps.len());
    }

    #[test]
    fn only_a_breaking_number_can_be_agreed_to() {
        let step = |fields: &[&str]| DesignStep {
            to: DesignState::Released,
            needs_reason: false,
            problems: fields.iter().map(|field| ((*field).to_owned(), String::new())).collect(),
            warnings: Vec::new(),
        };
        assert!(is_number_only(&step(&["number"])));
        assert!(!is_number_only(&step(&["number", "schema"])) && !is_number_only(&step(&[])));
    }
}
