//! What needs somebody, worst first, each with the place where it is dealt with.

use leptos::prelude::*;

use crate::api::{Attention as Item, Overview, Severity};
use crate::components::{Age, Glyph};
use crate::format;

/// `2 urgent, 4 more`.
fn note(items: &[Item]) -> String {
    let urgent = items.iter().filter(|item| item.severity == Severity::Bad).count();
    match (urgent, items.len() - urgent) {
        (0, 0) => String::new(),
        (0, more) => format::count(more as u64),
        (urgent, 0) => format!("{urgent} urgent"),
        (urgent, more) => format!("{urgent} urgent, {more} more"),
    }
}

/// The list.
#[component]
pub(super) fn Attention(overview: Signal<Overview>) -> impl IntoView {
    let items = Memo::new(move |_| overview.with(|overview| overview.attention.clone()));
    view! {
        <section class="m-split__side" aria-label="Needs attention">
            <div class="m-part m-part--flush">
                <div class="m-part__head">
                    <h2>"Needs attention"</h2>
                    <span class="m-part__note">{move || items.with(|items| note(items))}</span>
                </div>
            </div>
            <Show
                when=move || items.with(|items| !items.is_empty())
                fallback=|| view! { <p class="m-todo__none">"Nothing. Every agent is in reach, enforces the newest policy, and its links and brokers work."</p> }
            >
                <ol class="m-todo">{move || items.get().into_iter().map(line).collect_view()}</ol>
            </Show>
        </section>
    }
    .into_any()
}

fn line(item: Item) -> impl IntoView {
    let (tone, glyph, word) = match item.severity {
        Severity::Bad => (Some("bad"), "failed", "Urgent: "),
        Severity::Warn => (Some("warn"), "degraded", "Soon: "),
        Severity::Note => (None, "none", ""),
    };
    view! {
        <li class="m-todo__item" data-tone=tone>
            <Glyph name=glyph/>
            <div>
                <a class="m-todo__what" href=item.href><span class="m-hush">{word}</span>{item.title}</a>
                <p>{item.detail}</p>
            </div>
            {item.since.map(|since| view! { <span class="m-stamp"><Age at_ms=Some(since)/></span> })}
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_note_counts_what_is_urgent_first() {
        let item =
            |severity| Item { severity, title: String::new(), detail: String::new(), href: String::new(), since: None };
        assert_eq!(note(&[]), "");
        assert_eq!(note(&[item(Severity::Note)]), "1");
        assert_eq!(note(&[item(Severity::Bad), item(Severity::Warn)]), "1 urgent, 1 more");
    }
}
