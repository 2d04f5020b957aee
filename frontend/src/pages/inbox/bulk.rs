//! Many requests decided at once: they are selected in the list, what the decision comes to is shown line by line, and then each
//! is decided by itself. One that cannot be decided holds back no other.

use leptos::prelude::*;

use super::TOPICS;
use crate::act::{Act, ActError};
use crate::api::{
    ACCESS_DECIDED_MAX, AccessAct, AccessDecided, AccessDecision, AccessForecast, AccessForecastInput, AccessQuery,
    AccessSeen, AccessState, AccessView, ForecastOutcome, Page,
};
use crate::components::{Button, Dialog, Field, Skeleton, Submit, Tone};
use crate::format;
use crate::live::Live;
use crate::pages::bulk::{Line, Lines, Plan, SelectionBar, Verdict};
use crate::pages::selection::Selection;
use crate::viewer::{Viewer, right};

/// What is looked at: the requests of these ids, or all of a list; what is done, and why.
type Asked = (Vec<String>, Option<AccessQuery>, AccessAct, String);

/// A decision about many, from the reason to what became of each. Cheap to copy.
#[derive(Clone, Copy)]
struct Deciding {
    act: RwSignal<AccessAct>,
    reason: RwSignal<String>,
    look: Act<Asked>,
    forecast: RwSignal<Option<AccessForecast>>,
    apply: Act<AccessDecision>,
    decided: RwSignal<Option<AccessDecided>>,
}

impl Deciding {
    fn new(selection: Selection) -> Self {
        let (forecast, decided) = (RwSignal::new(None), RwSignal::new(None));
        let live = Live::get();
        let look = Act::new(
            |api, (ids, list, act, reason): Asked| async move {
                let requests = match list {
                    // All of them, whatever pages the list has; the bar offers that for as many as one decision takes.
                    Some(query) => {
                        let limit = u32::try_from(ACCESS_DECIDED_MAX).ok();
                        let page = api.0.access_requests(AccessQuery { limit, cursor: None, ..query }).await?;
                        page.items.into_iter().map(|request| request.id).collect()
                    }
                    None => ids.iter().filter_map(|id| id.parse().ok()).collect(),
                };
                api.0.forecast_access(AccessForecastInput { requests, act, reason }).await
            },
            move |answer| drop(forecast.try_set(Some(answer))),
        );
        let apply = Act::new(
            |api, decision: AccessDecision| async move { api.0.decide_access(decision).await },
            move |answer: AccessDecided| {
                live.bump(TOPICS);
                selection.clear();
                drop(decided.try_set(Some(answer)));
            },
        );
        Self {
            act: RwSignal::new(AccessAct::Approve),
            reason: RwSignal::new(String::new()),
            look,
            forecast,
            apply,
            decided,
        }
    }

    /// Begins with the reason.
    fn begin(self, act: AccessAct) {
        self.act.set(act);
        self.forecast.set(None);
        self.decided.set(None);
        self.look.error.set(None);
        self.apply.error.set(None);
    }

    /// Decides about those that can be, exactly as they were shown.
    fn run(self) {
        let Some(forecast) = self.forecast.get_untracked() else { return };
        let possible = forecast.lines.iter().filter(|line| line.outcome != ForecastOutcome::Refused);
        let requests = possible.map(|line| AccessSeen { id: line.id, revision: line.revision }).collect();
        let reason = self.reason.get_untracked().trim().to_owned();
        self.apply.run(AccessDecision { requests, act: self.act.get_untracked(), reason, to: None });
    }
}

/// Whether somebody has still to do something about a request.
pub(super) fn is_open(request: &AccessView) -> bool {
    matches!(request.state, AccessState::Pending | AccessState::NeedsInfo)
}

/// The bar; nothing for whoever decides nothing, or where nothing is to be decided.
#[component]
pub(super) fn Bar(page: Signal<Page<AccessView>>, query: Memo<AccessQuery>, selection: Selection) -> impl IntoView {
    let decides = Viewer::has(right::ACCESS_DECIDE).granted();
    let total = Memo::new(move |_| page.with(|page| page.total));
    let has_open = Memo::new(move |_| decides && page.with(|page| page.items.iter().any(is_open)));
    let ids = move |()| {
        page.with_untracked(|page| {
            page.items.iter().filter(|request| is_open(request)).map(|request| request.id.to_string()).collect()
        })
    };
    let page_ids = Callback::new(ids);
    let deciding = Deciding::new(selection);
    let open = RwSignal::new(false);
    let may = Signal::derive(|| Viewer::has(right::ACCESS_DECIDE));
    let begin = move |act| {
        deciding.begin(act);
        open.set(true);
    };
    view! {
        <Show when=move || has_open.get()>
            <SelectionBar selection=selection total=total max=ACCESS_DECIDED_MAX things="requests" page=page_ids>
                <Button small=true tone=Tone::Danger right=may on_press=move |()| begin(AccessAct::Reject)>"Reject"</Button>
                <Button small=true tone=Tone::Primary icon="check" right=may on_press=move |()| begin(AccessAct::Approve)>"Approve"</Button>
            </SelectionBar>
        </Show>
        <Dialog open=open label="Decide about requests" class="m-dialog m-dialog--wide">
            <Steps deciding=deciding open=open query=query selection=selection/>
        </Dialog>
    }
    .into_any()
}

/// The title and the verb of a decision.
fn words(act: AccessAct) -> (&'static str, &'static str) {
    if act == AccessAct::Approve { ("Approve requests", "Approve") } else { ("Reject requests", "Reject") }
}

#[component]
fn Steps(deciding: Deciding, open: RwSignal<bool>, query: Memo<AccessQuery>, selection: Selection) -> impl IntoView {
    move || match (deciding.decided.get(), deciding.forecast.get()) {
        (Some(decided), forecast) => {
            let plan = came_to(&decided, &forecast.unwrap_or(AccessForecast { lines: Vec::new() }));
            view! { <Results plan=plan open=open/> }.into_any()
        }
        (None, Some(forecast)) => view! { <Preview deciding=deciding forecast=forecast open=open/> }.into_any(),
        (None, None) => view! { <Why deciding=deciding open=open query=query selection=selection/> }.into_any(),
    }
}

#[component]
fn Why(deciding: Deciding, open: RwSignal<bool>, query: Memo<AccessQuery>, selection: Selection) -> impl IntoView {
    let act = deciding.act.get_untracked();
    let (title, _) = words(act);
    let hint =
        if act == AccessAct::Approve { "The other side reads it; may be empty" } else { "The other side reads it" };
    let look = deciding.look;
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        let list = selection.all.get_untracked().then(|| query.get_untracked());
        let ids = selection.ids.with_untracked(|ids| ids.iter().cloned().collect());
        look.run((ids, list, act, deciding.reason.get_untracked().trim().to_owned()));
    };
    view! {
        <form method="post" on:submit=submit>
            <div class="m-dialog__body">
                <h2>{title}</h2>
                <Field label="Reason" name="reason" value=deciding.reason hint=hint.to_owned() error=look.field("reason")/>
                <Show when=move || look.busy.get()><Skeleton lines=3/></Show>
                <ActError act=look/>
            </div>
            <div class="m-dialog__foot">
                <Button tone=Tone::Quiet on_press=move |()| open.set(false)>"Cancel"</Button>
                <Submit busy=look.busy>"Show what that does"</Submit>
            </div>
        </form>
    }
    .into_any()
}

#[component]
fn Preview(deciding: Deciding, forecast: AccessForecast, open: RwSignal<bool>) -> impl IntoView {
    let act = deciding.act.get_untracked();
    let (title, verb) = words(act);
    let plan = plan_of(&forecast);
    let possible = plan.lines.iter().filter(|line| line.verdict == Verdict::Change).count();
    let may = Signal::derive(|| Viewer::has(right::ACCESS_DECIDE));
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        deciding.run();
    };
    view! {
        <form method="post" on:submit=submit>
            <div class="m-dialog__body">
                <h2>{title}</h2>
                <Lines plan=plan/>
                <ActError act=deciding.apply/>
            </div>
            <div class="m-dialog__foot">
                <Button tone=Tone::Quiet on_press=move |()| deciding.begin(act)>"Back"</Button>
                <span class="m-push"></span>
                <Button tone=Tone::Quiet on_press=move |()| open.set(false)>"Cancel"</Button>
                {(possible > 0).then(|| view! {
                    <Submit busy=deciding.apply.busy right=may>{format!("{verb} {}", format::plural(possible, "request"))}</Submit>
                })}
            </div>
        </form>
    }
    .into_any()
}

#[component]
fn Results(plan: Plan, open: RwSignal<bool>) -> impl IntoView {
    view! {
        <div class="m-dialog__body" role="status">
            <h2>"What became of them"</h2>
            <Lines plan=plan/>
        </div>
        <div class="m-dialog__foot">
            <Button tone=Tone::Primary on_press=move |()| open.set(false)>"Close"</Button>
        </div>
    }
    .into_any()
}

/// What a decision would come to, as the lines of a plan. Those that cannot be are left out of it, and hold back no other.
fn plan_of(forecast: &AccessForecast) -> Plan {
    let lines: Vec<Line> = forecast
        .lines
        .iter()
        .map(|line| {
            let what = if line.name.is_empty() { line.id.to_string() } else { line.name.clone() };
            match line.outcome {
                ForecastOutcome::Refused => refused(what, line.what.clone()),
                _ => Line { verdict: Verdict::Change, what, change: line.what.clone(), note: String::new() },
            }
        })
        .collect();
    let (all, left) = (lines.len(), lines.iter().filter(|line| line.verdict == Verdict::Conflict).count());
    let sentence = match (all - left, left) {
        (0, _) => "None of them can be decided so.".to_owned(),
        (some, 0) => format!("{} would be decided.", format::plural(some, "request")),
        (some, left) => {
            format!("{} would be decided; {left} cannot be, and stay as they are.", format::plural(some, "request"))
        }
    };
    Plan { preview: String::new(), sentence, has_changes: all > left, lines }
}

/// What became of each.
fn came_to(decided: &AccessDecided, forecast: &AccessForecast) -> Plan {
    let done = decided.done.iter().map(|request| {
        let what = format!("{} to {} {}", request.application_name, request.target.name, request.target.number);
        let change = match request.state {
            AccessState::Approved => "Access is given: agents are taking it.".to_owned(),
            AccessState::Rejected => "It is rejected.".to_owned(),
            _ => format!("Your approval counts; {} more to say yes.", request.missing),
        };
        Line { verdict: Verdict::Change, what, change, note: String::new() }
    });
    let names = |id| forecast.lines.iter().find(|line| line.id == id).map(|line| line.name.clone());
    let not = decided.refused.iter().map(|one| {
        let what = names(one.id).filter(|name| !name.is_empty()).unwrap_or_else(|| one.id.to_string());
        refused(what, format!("It stays as it is: {}.", one.reason))
    });
    let lines: Vec<Line> = done.chain(not).collect();
    let count = decided.done.len();
    let sentence = match decided.refused.len() {
        0 => format!("{} decided.", format::plural(count, "request")),
        left => format!("{} decided; {left} stay as they were.", format::plural(count, "request")),
    };
    Plan { preview: String::new(), sentence, has_changes: false, lines }
}

fn refused(what: String, note: String) -> Line {
    Line { verdict: Verdict::Conflict, what, change: String::new(), note }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn forecast() -> AccessForecast {
        let line = |n: u32, name: &str, outcome: &str, what: &str| {
            let id = format!("0190a000-0000-7000-8000-00000000000{n}");
            json!({ "id": id, "revision": 2, "name": name, "outcome": outcome, "what": what })
        };
        serde_json::from_value(json!({ "lines": [
            line(1, "kiosk to retail 1.0.0", "given", "Access is given: receive orders/>."),
            line(2, "shop to retail 1.0.0", "refused", "It is your own request: somebody else decides about it."),
            line(3, "", "refused", "There is no such request."),
            line(4, "wall to retail 1.0.0", "counted", "Your approval counts; 1 more to say yes."),
        ] }))
        .expect("a forecast")
    }

    #[test]
    fn what_cannot_be_is_shown_with_its_reason_and_left_out() {
        let plan = plan_of(&forecast());
        assert_eq!(plan.sentence, "2 requests would be decided; 2 cannot be, and stay as they are.");
        let verdicts: Vec<Verdict> = plan.lines.iter().map(|line| line.verdict).collect();
        assert_eq!(verdicts, [Verdict::Change, Verdict::Conflict, Verdict::Conflict, Verdict::Change]);
        assert!(plan.lines[1].note.contains("your own") && plan.lines[1].what == "shop to retail 1.0.0");
        let mut none = forecast();
        none.lines.retain(|line| line.outcome == ForecastOutcome::Refused);
        assert_eq!(plan_of(&none).sentence, "None of them can be decided so.");
    }

    #[test]
    fn the_result_names_each_that_stayed_as_it_was() {
        let decided = AccessDecided {
            done: Vec::new(),
            refused: vec![crate::api::AccessRefused {
                id: forecast().lines[0].id,
                reason: "the access request was changed meanwhile".to_owned(),
            }],
        };
        let plan = came_to(&decided, &forecast());
        assert_eq!(plan.sentence, "0 requests decided; 1 stay as they were.");
        assert_eq!(plan.lines[0].what, "kiosk to retail 1.0.0");
        assert!(plan.lines[0].note.contains("changed meanwhile"));
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn a_preview_reads_without_colours() {
        let html = Owner::new().with(|| view! { <Lines plan=plan_of(&forecast())/> }.to_html());
        for text in
            ["2 requests would be decided", "receive orders/&gt;", "There is no such request.", "data-tone=\"bad\""]
        {
            assert!(html.contains(text), "it lacks {text}: {html}");
        }
        assert!(html.find("your own") < html.find("Access is given"), "what one has to act on stands first: {html}");
    }
}
