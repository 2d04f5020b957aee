//! What can be done about the things that are selected: a bar that stays in sight, and the dialogs behind it.

use leptos::prelude::*;

use super::doing::Job;
use crate::act::ActError;
use crate::api::{OWNERSHIP_TASK_MAX, OwnershipPage, OwnershipQuery, OwnershipSelection, OwnershipTask};
use crate::components::{Button, Dialog, Field, Submit, Tone};
use crate::owners::OwnerField;
use crate::pages::bulk::{Doing, Preview, SelectionBar};
use crate::pages::selection::Selection;
use crate::viewer::{Viewer, right};

/// The bar; nothing where there is nothing to do.
#[component]
pub(super) fn Bar(
    page: Signal<OwnershipPage>,
    query: Memo<OwnershipQuery>,
    selection: Selection,
    doing: Doing<Job>,
) -> impl IntoView {
    let total = Memo::new(move |_| page.with(|page| page.total));
    let chosen = Signal::derive(move || match selection.all.get() {
        true => OwnershipSelection { ids: Vec::new(), matching: Some(query.get()) },
        false => OwnershipSelection { ids: selection.ids.with(|ids| ids.iter().cloned().collect()), matching: None },
    });
    let (giving, suggesting) = (RwSignal::new(false), RwSignal::new(false));
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let ids = move |()| page.with_untracked(|page| page.items.iter().map(|thing| thing.id.clone()).collect());
    let page_ids = Callback::new(ids);
    view! {
        <Show when=move || { total.get() > 0 }>
            <SelectionBar selection=selection total=total max=OWNERSHIP_TASK_MAX things="things" page=page_ids>
                <Button small=true icon="check" right=may on_press=move |()| {
                    let select = chosen.get_untracked();
                    doing.preview(Job::Task(OwnershipTask { select, suggested: true, ..OwnershipTask::default() }));
                    suggesting.set(true);
                }>"Give as suggested"</Button>
                <Button small=true tone=Tone::Primary icon="user" right=may on_press=move |()| {
                    doing.begin();
                    giving.set(true);
                }>"Set owner and tags"</Button>
            </SelectionBar>
        </Show>
        <Dialog open=suggesting label="Give as suggested" class="m-dialog m-dialog--wide">
            <Preview doing=doing open=suggesting title="Give each to whom it could belong" verb="Give them" right=right::CATALOG_WRITE/>
        </Dialog>
        <Dialog open=giving label="Set owner and tags" class="m-dialog m-dialog--wide">
            <Give doing=doing chosen=chosen open=giving/>
        </Dialog>
    }
    .into_any()
}

/// Tags as somebody types them.
fn tags_of(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

/// Asks for owner and tags, then shows what that would do.
#[component]
fn Give(doing: Doing<Job>, chosen: Signal<OwnershipSelection>, open: RwSignal<bool>) -> impl IntoView {
    let (owner, tags) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let look = doing.look;
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        doing.preview(Job::Task(OwnershipTask {
            select: chosen.get_untracked(),
            owner: owner.get_untracked().trim().to_owned(),
            suggested: false,
            tags: tags_of(&tags.get_untracked()),
        }));
    };
    let is_shown = Memo::new(move |_| doing.shown.with(Option::is_some));
    view! {
        <Show
            when=move || is_shown.get()
            fallback=move || view! {
                <form method="post" on:submit=submit>
                    <div class="m-dialog__body">
                        <h2>"Set owner and tags"</h2>
                        <p class="m-small m-muted">
                            "What has an owner by now keeps it. Tags are added to what is designed; those that are there stay."
                        </p>
                        <OwnerField value=owner error=look.field("owner") hint="A team or a person; empty leaves it as it is"/>
                        <Field label="Tags to add" name="tags" value=tags error=look.field("tags")
                            hint="Separated by commas; for designed events, schemas and applications".to_owned()/>
                        <ActError act=look/>
                    </div>
                    <div class="m-dialog__foot">
                        <Button tone=Tone::Quiet on_press=move |()| open.set(false)>"Cancel"</Button>
                        <Submit busy=look.busy>"Show what that does"</Submit>
                    </div>
                </form>
            }
        >
            <Preview doing=doing open=open title="Set owner and tags" verb="Set them" right=right::CATALOG_WRITE
                back=Some(Callback::new(move |()| doing.begin()))/>
        </Show>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_separated_by_commas() {
        assert_eq!(tags_of(" gold, pii,, a b "), ["gold", "pii", "a b"]);
        assert!(tags_of(" , ").is_empty());
    }
}
