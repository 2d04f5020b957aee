//! A list of owners, pasted or out of a file, with what it would do before it does it.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::doing::Job;
use crate::act::ActError;
use crate::api::OwnershipImport;
use crate::browser;
use crate::components::{Button, Check, Submit, TextArea, Toasts, Tone};
use crate::pages::bulk::{Doing, Preview};
use crate::viewer::right;

/// Longest list that the portal takes, in bytes.
const BYTES_MAX: f64 = 512.0 * 1024.0;

/// The two steps: the list, then what it would do.
#[component]
pub(super) fn ListForm(doing: Doing<Job>, open: RwSignal<bool>) -> impl IntoView {
    let (csv, skip_unknown) = (RwSignal::new(String::new()), RwSignal::new(false));
    let look = doing.look;
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        doing.preview(Job::List(OwnershipImport {
            csv: csv.get_untracked(),
            skip_unknown: skip_unknown.get_untracked(),
        }));
    };
    let toasts = Toasts::get();
    let pick = move |ev: leptos::ev::Event| {
        let Some(file) = browser::chosen_file(&ev) else { return };
        if file.size() > BYTES_MAX {
            return toasts.failed("The file is longer than 512 KiB: split it.".to_owned());
        }
        spawn_local(async move {
            match browser::text_of(file).await {
                // The dialog may be closed meanwhile.
                Some(text) => drop(csv.try_set(text)),
                None => toasts.failed("The file could not be read.".to_owned()),
            }
        });
    };
    let is_shown = Memo::new(move |_| doing.shown.with(Option::is_some));
    view! {
        <Show
            when=move || is_shown.get()
            fallback=move || view! {
                <form method="post" on:submit=submit>
                    <div class="m-dialog__body">
                        <h2>"Import a list of owners"</h2>
                        <p class="m-small m-muted">
                            "CSV that begins with the line kind,name,owner. A kind is domain, event, schema, application, address or topic. A name that several things have has its domain or its cluster before it: retail/order, kafka-a/orders. What has an owner gets the one of the list."
                        </p>
                        <label class="m-field">
                            <span class="m-field__label">"From a file"</span>
                            <input class="m-input" type="file" name="file" accept=".csv,.txt,text/csv,text/plain" on:change=pick/>
                        </label>
                        <TextArea label="The list" name="csv" value=csv rows=12 error=look.field("csv")
                            hint="At most 2,000 lines; fields that hold a comma stand in quotes"/>
                        <Check label="Leave out what is not there" checked=skip_unknown/>
                        <ActError act=look/>
                    </div>
                    <div class="m-dialog__foot">
                        <Button tone=Tone::Quiet on_press=move |()| open.set(false)>"Cancel"</Button>
                        <Submit busy=look.busy>"Show what that does"</Submit>
                    </div>
                </form>
            }
        >
            <Preview doing=doing open=open title="Import a list of owners" verb="Import" right=right::CATALOG_WRITE
                back=Some(Callback::new(move |()| doing.begin()))/>
        </Show>
    }
    .into_any()
}
