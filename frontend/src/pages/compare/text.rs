//! A text that somebody has, against a version or another text. Nothing of it is kept.

use leptos::prelude::*;
use mesh_protocol::id::DesignVersionId;

use super::found::Found;
use crate::act::{Act, ActError};
use crate::api::{AsyncApiCompare, AsyncApiDifference, AsyncApiWhose};
use crate::components::{Choice, Part, Select, Submit, TextArea};

/// Whose documents they are, by its key.
const WHOSE: [(&str, &str, Option<AsyncApiWhose>); 3] = [
    ("", "As the version says", None),
    ("clients", "Clients: they do what the operations say", Some(AsyncApiWhose::Clients)),
    ("application", "An application: clients do the opposite", Some(AsyncApiWhose::Application)),
];

/// `base`: the version that the text is compared with; none = it is compared with another text.
#[component]
pub(super) fn TextForm(base: Signal<Option<(DesignVersionId, String)>>) -> impl IntoView {
    let (before, after) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let whose = RwSignal::new("clients".to_owned());
    let answer = RwSignal::new(None::<AsyncApiDifference>);
    let compare = Act::new(
        |api, input: AsyncApiCompare| async move { api.0.compare_asyncapi(input).await },
        move |found| answer.set(Some(found)),
    );
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        let from = base.get_untracked().map(|(id, _)| id);
        let key = whose.get_untracked();
        compare.run(AsyncApiCompare {
            from,
            from_text: from.is_none().then(|| before.get_untracked()),
            to_text: Some(after.get_untracked()),
            whose: WHOSE.iter().find(|(its, ..)| *its == key).and_then(|(.., whose)| *whose),
            ..AsyncApiCompare::default()
        });
    };
    let has_base = Memo::new(move |_| base.with(Option::is_some));
    Effect::new(move |_| whose.set(if has_base.get() { String::new() } else { "clients".to_owned() }));
    let choices = Signal::derive(move || {
        let known = WHOSE.iter().filter(|(key, ..)| has_base.get() || !key.is_empty());
        known.map(|(key, words, _)| ((*key).to_owned(), (*words).to_owned())).collect::<Vec<Choice>>()
    });
    let note = Signal::derive(move || match base.get() {
        Some((_, name)) => format!("what it changes against {name}; nothing of it is kept"),
        None => "what the second changes against the first; nothing of them is kept".to_owned(),
    });
    view! {
        <Part title="Compare a text" note=note>
            <form class="m-form m-form--wide" method="post" on:submit=submit>
                <Select label="Whose documents" name="whose" value=whose choices=choices/>
                <div class="m-pair">
                    <Show when=move || !has_base.get()>
                        <TextArea label="Document before" name="from_text" value=before rows=12 error=compare.field("from_text")/>
                    </Show>
                    <TextArea label="Document after" name="to_text" value=after rows=12 error=compare.field("to_text")/>
                </div>
                <ActError act=compare/>
                <p><Submit busy=compare.busy>"Compare"</Submit></p>
            </form>
        </Part>
        {move || answer.get().map(|found| view! { <Found found=found/> })}
    }
    .into_any()
}
