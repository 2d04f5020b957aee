//! What can be done about the findings that are selected: a bar that stays in sight, and the dialogs behind it.

use leptos::prelude::*;

use super::Selection;
use super::adopt::Adopt;
use super::doing::{Doing, Ignore, Job, Preview};
use crate::api::{
    ApplicationDomainView, DRIFT_TASK_MAX, DriftPage, DriftQuery, DriftSelection, DriftStatus, DriftTask,
};
use crate::components::{Button, Dialog, Tone};
use crate::format;
use crate::load::Loading;
use crate::viewer::{Viewer, right};

/// The bar; nothing where there is nothing to do.
#[component]
pub(super) fn Bar(
    page: Signal<DriftPage>,
    query: Memo<DriftQuery>,
    selection: Selection,
    domains: Loading<Vec<ApplicationDomainView>>,
) -> impl IntoView {
    let total = Memo::new(move |_| page.with(|page| page.total));
    let count = Memo::new(move |_| selection.count(total.get()));
    let chosen = Signal::derive(move || match selection.all.get() {
        true => DriftSelection { ids: Vec::new(), matching: Some(query.get()) },
        false => DriftSelection { ids: selection.ids.with(|ids| ids.iter().cloned().collect()), matching: None },
    });
    let (adopting, ignoring, pushing, reopening) =
        (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    let doing = Doing::new(selection);
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let is_ignored = Memo::new(move |_| query.with(|query| query.ignored));
    // What agrees leaves nothing to do.
    let is_open = Memo::new(move |_| query.with(|query| query.status) != Some(DriftStatus::Match) && total.get() > 0);
    let page_ids = move || page.with_untracked(|page| page.items.iter().map(|finding| finding.id.clone()).collect());
    view! {
        <Show when=move || is_open.get()>
            <div class="m-drift__bar" role="group" aria-label="What to do with them">
                <span class="m-small" role="status">
                    {move || match (count.get(), selection.all.get()) {
                        (0, _) => "Select findings, or take all".to_owned(),
                        (count, true) => format!("all {} selected", format::count(count)),
                        (count, false) => format!("{} selected", format::count(count)),
                    }}
                </span>
                <Button small=true tone=Tone::Quiet on_press=move |()| selection.only(page_ids())>"Select this page"</Button>
                <Show when=move || { total.get() <= DRIFT_TASK_MAX as u64 } fallback=move || view! {
                    <span class="m-small m-muted">{format!("Narrow the list to {DRIFT_TASK_MAX} to take all")}</span>
                }>
                    <Button small=true tone=Tone::Quiet on_press=move |()| selection.all.set(true)>
                        {move || format!("Select all {}", format::count(total.get()))}
                    </Button>
                </Show>
                <Show when=move || { count.get() > 0 }>
                    <Button small=true tone=Tone::Quiet on_press=move |()| selection.clear()>"Clear"</Button>
                </Show>
                <span class="m-push"></span>
                <Show when=move || { count.get() > 0 }>
                    <Show when=move || !is_ignored.get() fallback=move || view! {
                        <Button small=true icon="undo" right=may on_press=move |()| {
                            doing.preview(Job::Task(DriftTask::Reopen { select: chosen.get_untracked() }));
                            reopening.set(true);
                        }>"Take back"</Button>
                    }>
                        <Button small=true icon="clock" right=may on_press=move |()| {
                            doing.begin();
                            ignoring.set(true);
                        }>"Ignore"</Button>
                        <Button small=true icon="shield" right=may on_press=move |()| {
                            doing.preview(Job::Push(chosen.get_untracked()));
                            pushing.set(true);
                        }>"Push to policy"</Button>
                        <Button small=true icon="plus" tone=Tone::Primary right=may on_press=move |()| {
                            doing.begin();
                            adopting.set(true);
                        }>"Adopt"</Button>
                    </Show>
                </Show>
            </div>
        </Show>
        <Dialog open=ignoring label="Ignore findings" class="m-dialog m-dialog--wide">
            <Ignore doing=doing chosen=chosen open=ignoring/>
        </Dialog>
        <Dialog open=reopening label="Take back" class="m-dialog m-dialog--wide">
            <Preview doing=doing open=reopening title="Take back what is ignored" verb="Take back" right=right::CATALOG_WRITE/>
        </Dialog>
        <Dialog open=pushing label="Push to policy" class="m-dialog m-dialog--wide">
            <Preview doing=doing open=pushing title="Rules that permit what is designed" verb="Make the rules" right=right::RULE_WRITE/>
        </Dialog>
        <Dialog open=adopting label="Adopt" class="m-dialog m-dialog--wide">
            <Adopt doing=doing chosen=chosen domains=domains open=adopting/>
        </Dialog>
    }
    .into_any()
}
