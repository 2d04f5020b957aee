//! How two documents differ: grouped by whom it hurts, each with its reason, and the texts side by side.

use leptos::prelude::*;

use crate::api::{AsyncApiChange, AsyncApiDifference, AsyncApiImpact, AsyncApiWhose, DesignLine};
use crate::components::{Part, Sentence, Table};
use crate::format;

/// Groups, what hurts most first.
const GROUPS: [(AsyncApiImpact, &str, &str, &str); 3] = [
    (AsyncApiImpact::Breaking, "Breaks clients", "they stop working, or miss something", "m-bad"),
    (AsyncApiImpact::Unclassified, "Has to be looked at", "it depends on the client", "m-warn"),
    (AsyncApiImpact::NonBreaking, "Hurts nobody", "clients may go on as they are", "m-muted"),
];

/// A difference.
#[component]
pub(super) fn Found(found: AsyncApiDifference) -> impl IntoView {
    let AsyncApiDifference { sentence, before, after, whose, changes, left_out, lines, .. } = found;
    let note = match whose {
        AsyncApiWhose::Clients => "as clients see it, who do what the operations say",
        AsyncApiWhose::Application => "as clients of the application see it",
    };
    let groups = GROUPS.into_iter().map(|(impact, title, note, tone)| {
        let rows: Vec<AsyncApiChange> = changes.iter().filter(|change| change.impact == impact).cloned().collect();
        (!rows.is_empty()).then(|| {
            let title = format!("{title}: {}", rows.len());
            let rows = rows.into_iter().map(|change| view! { <Row change=change tone=tone/> }).collect_view();
            view! {
                <Part title=title note=note flush=true>
                    <Table label=note heads=&[("What", ""), ("Before", "m-low"), ("After", "m-low"), ("Hurt", "")]>{rows}</Table>
                </Part>
            }
        })
    });
    let groups = groups.collect_view();
    let more = (left_out > 0).then(|| format!("{} more changes are left out.", format::count(left_out)));
    view! {
        <Part title=format!("{before} → {after}") note=note>
            <p><Sentence text=sentence/></p>
        </Part>
        {groups}
        {more.map(|more| view! { <p class="m-tail">{more}</p> })}
        {(!lines.is_empty()).then(|| view! {
            <Part title="Texts" note="both in YAML, side by side">
                <Sides lines=lines before=before.clone() after=after.clone()/>
            </Part>
        })}
    }
    .into_any()
}

/// What is longer is cut in the table; the texts below have all of it.
const SHOWN_CHARS: usize = 200;

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None if text.is_empty() => "–".to_owned(),
        None => text.to_owned(),
    }
}

#[component]
fn Row(change: AsyncApiChange, tone: &'static str) -> impl IntoView {
    let details =
        change.details.into_iter().map(|detail| view! { <li><Sentence text=detail/></li> }).collect::<Vec<_>>();
    let hurts = if change.hurts.is_empty() { "nobody".to_owned() } else { change.hurts };
    view! {
        <tr data-rule=change.rule.clone()>
            <td>
                <div class="m-cell">
                    <span class="m-wrap"><Sentence text=change.sentence/></span>
                    {(!details.is_empty()).then(|| view! { <ul class="m-cell__sub m-reasons">{details}</ul> })}
                    <span class="m-cell__sub m-mono m-wrap">{format!("{} at {}", change.rule, change.at)}</span>
                </div>
            </td>
            <td class="m-low m-mono m-small m-wrap">{cut(&change.before)}</td>
            <td class="m-low m-mono m-small m-wrap">{cut(&change.after)}</td>
            <td class=tone>{hurts}</td>
        </tr>
    }
    .into_any()
}

/// A row of two texts side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pair {
    /// So many lines are the same.
    Skipped(u64),
    Lines(Option<String>, Option<String>),
    /// On both sides.
    Kept(String),
}

/// What goes beside what comes in its place.
fn pairs(lines: Vec<DesignLine>) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    let flush = |pairs: &mut Vec<Pair>, gone: &mut Vec<String>, come: &mut Vec<String>| {
        let count = gone.len().max(come.len());
        let (mut gone, mut come) = (gone.drain(..), come.drain(..));
        pairs.extend((0..count).map(|_| Pair::Lines(gone.next(), come.next())));
    };
    for line in lines {
        match line {
            DesignLine::Removed(text) => gone.push(text),
            DesignLine::Added(text) => come.push(text),
            DesignLine::Kept(text) => {
                flush(&mut pairs, &mut gone, &mut come);
                pairs.push(Pair::Kept(text));
            }
            DesignLine::Skipped(count) => {
                flush(&mut pairs, &mut gone, &mut come);
                pairs.push(Pair::Skipped(count));
            }
        }
    }
    flush(&mut pairs, &mut gone, &mut come);
    pairs
}

#[component]
fn Sides(lines: Vec<DesignLine>, before: String, after: String) -> impl IntoView {
    // Where there is no room for two columns, a line that stays is shown once, and one that is not there not at all.
    let side = |sign: &'static str, text: Option<String>, is_twin: bool| {
        let is_twin = is_twin || text.is_none();
        let sign = if text.is_some() { sign } else { " " };
        view! { <div class="m-diff__line" class:m-diff__twin=is_twin data-sign=sign><span>{text.unwrap_or_default()}</span></div> }
    };
    let rows = pairs(lines).into_iter().map(|pair| match pair {
        Pair::Skipped(count) => {
            let words = format!("{} the same", format::plural(usize::try_from(count).unwrap_or(usize::MAX), "line"));
            view! { <div class="m-diff__all m-diff__line" data-sign="⋯"><span>{words}</span></div> }.into_any()
        }
        Pair::Kept(text) => view! { {side(" ", Some(text.clone()), false)}{side(" ", Some(text), true)} }.into_any(),
        Pair::Lines(gone, come) => view! { {side("−", gone, false)}{side("+", come, false)} }.into_any(),
    });
    let label = format!("Changes from {before} to {after}");
    view! {
        <div class="m-diff m-diff--sides" tabindex="0" role="group" aria-label=label>
            <div class="m-diff__head">{before}</div>
            <div class="m-diff__head">{after}</div>
            {rows.collect_view()}
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_stands_beside_what_comes() {
        let text = |text: &str| text.to_owned();
        let lines = vec![
            DesignLine::Skipped(4),
            DesignLine::Kept(text("a")),
            DesignLine::Removed(text("b")),
            DesignLine::Removed(text("c")),
            DesignLine::Added(text("d")),
            DesignLine::Kept(text("e")),
            DesignLine::Added(text("f")),
        ];
        let told = [
            Pair::Skipped(4),
            Pair::Kept(text("a")),
            Pair::Lines(Some(text("b")), Some(text("d"))),
            Pair::Lines(Some(text("c")), None),
            Pair::Kept(text("e")),
            Pair::Lines(None, Some(text("f"))),
        ];
        assert_eq!(pairs(lines), told);
        assert_eq!((cut(""), cut("x")), (text("–"), text("x")));
        assert_eq!(cut(&"ä".repeat(300)).chars().count(), SHOWN_CHARS + 1);
    }
}
