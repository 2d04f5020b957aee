//! What can be done about the findings that are selected: a bar that stays in sight, and the dialogs behind it.

use leptos::prelude::*;

use super::adopt::Adopt;
use super::doing::{Ignore, Job};
use super::{Selection, TOPICS};
use crate::api::{
    ApplicationDomainView, DRIFT_TASK_MAX, DriftPage, DriftQuery, DriftSelection, DriftStatus, DriftTask, LiveTopic,
};
use crate::components::{Button, Dialog, Tone};
use crate::live::Live;
use crate::load::Loading;
use crate::pages::bulk::{Doing, Preview, SelectionBar};
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
    let chosen = Signal::derive(move || match selection.all.get() {
        true => DriftSelection { ids: Vec::new(), matching: Some(query.get()) },
        false => DriftSelection { ids: selection.ids.with(|ids| ids.iter().cloned().collect()), matching: None },
    });
    let (adopting, ignoring, pushing, reopening) =
        (RwSignal::new(false), RwSignal::new(false), RwSignal::new(false), RwSignal::new(false));
    let live = Live::get();
    let doing = Doing::new(selection, move || {
        live.bump(TOPICS);
        live.bump(&[LiveTopic::Access]);
    });
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let is_ignored = Memo::new(move |_| query.with(|query| query.ignored));
    // What agrees leaves nothing to do.
    let is_open = Memo::new(move |_| query.with(|query| query.status) != Some(DriftStatus::Match) && total.get() > 0);
    let ids = move |()| page.with_untracked(|page| page.items.iter().map(|finding| finding.id.clone()).collect());
    let page_ids = Callback::new(ids);
    view! {
        <Show when=move || is_open.get()>
            <SelectionBar selection=selection total=total max=DRIFT_TASK_MAX things="findings" page=page_ids>
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
            </SelectionBar>
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
