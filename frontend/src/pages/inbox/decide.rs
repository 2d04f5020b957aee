//! Deciding about a request, and answering what was asked.

use leptos::prelude::*;

use super::TOPICS;
use crate::act::{Act, ActError};
use crate::api::{AccessAct, AccessDecided, AccessDecision, AccessSeen, AccessState, AccessView};
use crate::components::{Button, Field, Part, Right, Toasts, Tone};
use crate::live::Live;
use crate::viewer::{Viewer, right};

/// Sends what somebody does about one request.
#[derive(Clone, Copy)]
struct Doing {
    act: Act<AccessDecision>,
    reason: RwSignal<String>,
    to: RwSignal<String>,
    seen: AccessSeen,
}

impl Doing {
    fn of(request: &AccessView) -> Self {
        let (live, toasts) = (Live::get(), Toasts::get());
        let (reason, to) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
        let act = Act::new(
            |api, input: AccessDecision| async move { api.0.decide_access(input).await },
            move |decided: AccessDecided| {
                live.bump(TOPICS);
                let is_given = decided.done.iter().any(|request| request.state == AccessState::Approved);
                toasts.done(if is_given { "Access given: agents are taking it." } else { "Said." });
                reason.set(String::new());
            },
        );
        Self { act, reason, to, seen: AccessSeen { id: request.id, revision: request.revision } }
    }

    fn run(self, act: AccessAct) {
        let to =
            Some(self.to.get_untracked().trim().to_owned()).filter(|to| act == AccessAct::Delegate && !to.is_empty());
        let reason = self.reason.get_untracked().trim().to_owned();
        self.act.run(AccessDecision { requests: vec![self.seen], act, reason, to });
    }
}

/// For whoever may say yes or no.
#[component]
pub(super) fn Decide(request: AccessView) -> impl IntoView {
    let doing = Doing::of(&request);
    let why_not = StoredValue::new(request.not_decided_because.clone());
    let may = Signal::derive(|| Viewer::has(right::ACCESS_DECIDE));
    let may_approve = Signal::derive(move || match why_not.get_value() {
        why if !why.is_empty() => Right::Missing(format!("It {why}.")),
        _ => Viewer::has(right::ACCESS_DECIDE),
    });
    view! {
        <Part title="Decide" note="the other side reads the reason; everything is kept in the audit trail">
            <form method="post" on:submit=move |ev| ev.prevent_default()>
                <div class="m-form__row">
                    <Field label="Reason" name="reason" value=doing.reason hint="Needed to ask and to reject" error=doing.act.field("reason")/>
                    <Field label="Who else shall decide" name="to" value=doing.to placeholder="login name" hint="To delegate" error=doing.act.field("to")/>
                </div>
                <ActError act=doing.act/>
                <div class="m-line m-line--wrap">
                    <Button tone=Tone::Primary icon="check" right=may_approve on_press=move |()| doing.run(AccessAct::Approve)>"Approve"</Button>
                    <Button tone=Tone::Danger right=may on_press=move |()| doing.run(AccessAct::Reject)>"Reject"</Button>
                    <Button icon="ask" right=may on_press=move |()| doing.run(AccessAct::Ask)>"Ask"</Button>
                    <Button tone=Tone::Quiet icon="delegate" right=may on_press=move |()| doing.run(AccessAct::Delegate)>"Delegate"</Button>
                </div>
            </form>
        </Part>
    }
    .into_any()
}

/// For who asked for access.
#[component]
pub(super) fn Answer(request: AccessView) -> impl IntoView {
    let doing = Doing::of(&request);
    let is_asked = request.state == AccessState::NeedsInfo;
    let question = request.steps.iter().rev().find(|step| step.act == AccessAct::Ask);
    let question = question.filter(|_| is_asked).map(|step| format!("{} asks: {}", step.by, step.reason));
    let title = if is_asked { "Your answer" } else { "Your request" };
    view! {
        <Part title=title note="nobody decides about their own">
            <form method="post" on:submit=move |ev| ev.prevent_default()>
                {question.map(|question| view! { <blockquote class="m-quote">{question}</blockquote> })}
                <Field label=if is_asked { "Answer" } else { "Reason" } name="reason" value=doing.reason error=doing.act.field("reason")/>
                <ActError act=doing.act/>
                <div class="m-line m-line--wrap">
                    {is_asked.then(|| view! {
                        <Button tone=Tone::Primary on_press=move |()| doing.run(AccessAct::Answer)>"Answer"</Button>
                    })}
                    <Button tone=Tone::Danger on_press=move |()| doing.run(AccessAct::Cancel)>"Take it back"</Button>
                </div>
            </form>
        </Part>
    }
    .into_any()
}
