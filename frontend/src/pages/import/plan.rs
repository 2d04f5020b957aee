//! What an import would make: each thing of the document beside the catalog, with a box to leave it out.

use leptos::prelude::*;

use crate::act::{Act, ActError};
use crate::api::{
    AsyncApiImport, AsyncApiImportApply, AsyncApiLine, AsyncApiNote, AsyncApiPlan, AsyncApiVerdict, DesignClass,
};
use crate::components::{Button, Part, Sentence, Submit, Table};
use crate::format;
use crate::pages::designs::difference::class_word;
use crate::pages::designs::{Checks, kind_word};
use crate::viewer::{Viewer, right};

/// A preview, and the button that does it.
#[component]
pub(super) fn PlanView(
    task: AsyncApiImport,
    plan: AsyncApiPlan,
    /// Takes a line or leaves it out, and looks again.
    leave: Callback<(String, bool)>,
    apply: Act<AsyncApiImportApply>,
    look: Act<AsyncApiImport>,
) -> impl IntoView {
    let AsyncApiPlan { preview, title, version, asyncapi, notes, score, findings, lines, changes, conflicts } = plan;
    let said = sentence(&lines);
    let tone = if conflicts > 0 { "m-bad" } else { "m-muted" };
    let note = format!("{title} {version}, written in AsyncAPI {asyncapi}");
    let is_possible = changes > 0 && conflicts == 0;
    let rows = lines.into_iter().map(|line| view! { <Row line=line leave=leave/> }).collect_view();
    let again = task.clone();
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        apply.run(AsyncApiImportApply { preview: preview.clone(), task: task.clone() });
    };
    let is_stale = move || apply.error.with(|error| error.as_ref().is_some_and(|error| error.kind == "stale-preview"));
    view! {
        <Part title="What that makes" note=note>
            <p class=tone role="status">{said}</p>
            <form method="post" on:submit=submit>
                <Table label="What that makes" class="m-table--inset" heads=&[("Take", ""), ("What", ""), ("Becomes", ""), ("Version", "m-low")]>{rows}</Table>
                <ActError act=apply/>
                <p class="m-form__acts">
                    {is_possible.then(|| view! {
                        <Submit busy=apply.busy right=Signal::derive(|| Viewer::has(right::CATALOG_WRITE))>"Import"</Submit>
                    })}
                    <Show when=is_stale>
                        {
                            let again = again.clone();
                            view! { <Button on_press=move |()| look.run(again.clone())>"Look again"</Button> }
                        }
                    </Show>
                    <span class="m-small m-muted">"Everything new is a draft: it goes through review as anything else."</span>
                </p>
            </form>
        </Part>
        <Notes notes=notes/>
        <Checks score=score findings=findings/>
    }
    .into_any()
}

/// What a preview comes to.
fn sentence(lines: &[AsyncApiLine]) -> String {
    let count = |meant| lines.iter().filter(|line| line.verdict == meant).count();
    let conflicts = count(AsyncApiVerdict::Conflict);
    if conflicts > 0 {
        let lines = format::plural(lines.len(), "line");
        return format!("{conflicts} of {lines} cannot be: nothing is done before they are left out or changed.");
    }
    let parts = [
        (AsyncApiVerdict::New, "new"),
        (AsyncApiVerdict::NewVersion, "with a new version"),
        (AsyncApiVerdict::Same, "unchanged"),
        (AsyncApiVerdict::LeftOut, "left out"),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .map(|(verdict, words)| (count(verdict), words))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    match parts.as_slice() {
        [] => "The document has no schemas and events.".to_owned(),
        parts if count(AsyncApiVerdict::New) + count(AsyncApiVerdict::NewVersion) == 0 => {
            format!("Nothing is to be done: {}.", parts.join(", "))
        }
        parts => format!("{}, all in one go.", parts.join(", ")),
    }
}

/// Tone and words of a verdict.
const fn verdict_word(verdict: AsyncApiVerdict) -> (&'static str, &'static str) {
    match verdict {
        AsyncApiVerdict::New => ("m-ok", "new"),
        AsyncApiVerdict::NewVersion => ("m-ok", "new version"),
        AsyncApiVerdict::Same => ("m-muted", "unchanged"),
        AsyncApiVerdict::LeftOut => ("m-muted", "left out"),
        AsyncApiVerdict::Conflict => ("m-bad", "cannot be"),
    }
}

#[component]
fn Row(line: AsyncApiLine, leave: Callback<(String, bool)>) -> impl IntoView {
    let (tone, word) = verdict_word(line.verdict);
    let is_same = line.verdict == AsyncApiVerdict::Same;
    let is_taken = line.verdict != AsyncApiVerdict::LeftOut;
    let kind = kind_word(line.kind).to_lowercase();
    let label = format!("Take the {kind} {}", line.name);
    let sub = if line.what.is_empty() { kind } else { format!("{kind}, {}", line.what) };
    let href = line.object.map(|object| match line.is {
        Some(version) => format!("/designs/{object}/versions/{version}"),
        None => format!("/designs/{object}"),
    });
    let name = line.name.clone();
    let key = line.key.clone();
    let hurts = line.class.filter(|class| *class == DesignClass::Breaking);
    let note_tone =
        if line.verdict == AsyncApiVerdict::Conflict { "m-cell__sub m-wrap m-bad" } else { "m-cell__sub m-wrap" };
    view! {
        <tr data-line=line.key>
            <td>
                {(!is_same).then(|| view! {
                    <input class="m-check" type="checkbox" aria-label=label checked=is_taken prop:checked=is_taken
                        on:change=move |ev| leave.run((key.clone(), event_target_checked(&ev)))/>
                })}
            </td>
            <td>
                <div class="m-cell">
                    {match href {
                        Some(href) => view! { <a class="m-cell__name m-wrap" href=href>{name}</a> }.into_any(),
                        None => view! { <span class="m-cell__name m-wrap">{name}</span> }.into_any(),
                    }}
                    <span class="m-cell__sub m-wrap">{sub}</span>
                </div>
            </td>
            <td>
                <div class="m-cell">
                    <span class=tone>{word}</span>
                    {(!line.change.is_empty()).then(|| view! { <span class="m-cell__sub m-wrap"><Sentence text=line.change/></span> })}
                    {hurts.map(|class| view! { <span class="m-cell__sub m-wrap m-warn">{class_word(Some(class))}"."</span> })}
                    {(!line.note.is_empty()).then(|| view! { <span class=note_tone><Sentence text=line.note/></span> })}
                </div>
            </td>
            <td class="m-low m-num">{line.number}</td>
        </tr>
    }
    .into_any()
}

/// What was changed when the document was read.
#[component]
fn Notes(notes: Vec<AsyncApiNote>) -> impl IntoView {
    (!notes.is_empty()).then(|| {
        let rows = notes.into_iter().map(|note| {
            view! {
                <tr>
                    <td class="m-wrap"><Sentence text=note.message/></td>
                    <td class="m-low m-mono m-wrap">{note.at}</td>
                </tr>
            }
        });
        let rows = rows.collect_view();
        view! {
            <Part title="Conversion" note="the document is of version 2, and was read as one of version 3" flush=true>
                <Table label="Notes" heads=&[("What", ""), ("Where", "m-low")]>{rows}</Table>
            </Part>
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::DesignKind;

    fn line(verdict: AsyncApiVerdict) -> AsyncApiLine {
        AsyncApiLine {
            key: "event/a".to_owned(),
            kind: DesignKind::Event,
            name: "a".to_owned(),
            what: "orders/a".to_owned(),
            verdict,
            number: "1.0.0".to_owned(),
            change: String::new(),
            class: None,
            note: String::new(),
            object: None,
            is: None,
        }
    }

    #[test]
    fn a_preview_says_what_it_comes_to() {
        use AsyncApiVerdict::{Conflict, LeftOut, New, NewVersion, Same};
        let told = |verdicts: &[AsyncApiVerdict]| sentence(&verdicts.iter().copied().map(line).collect::<Vec<_>>());
        assert_eq!(told(&[New, New, NewVersion, Same]), "2 new, 1 with a new version, 1 unchanged, all in one go.");
        assert_eq!(told(&[Same, LeftOut]), "Nothing is to be done: 1 unchanged, 1 left out.");
        assert_eq!(
            told(&[New, Conflict]),
            "1 of 2 lines cannot be: nothing is done before they are left out or changed."
        );
        assert_eq!(told(&[]), "The document has no schemas and events.");
    }
}
