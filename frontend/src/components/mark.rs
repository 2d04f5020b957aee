//! The marks: evidence, life-cycle, runtime state and rollout. Each reads in grey at 12 px; colour only repeats it.

use leptos::prelude::*;

use super::Glyph;

/// One kind of evidence: mark and word, `● Observed`.
#[component]
pub fn EvidenceBadge(
    /// `declared`, `permitted` or `observed`.
    kind: &'static str,
    /// Text after the word, such as `, 4 s ago`.
    #[prop(into, optional)]
    note: String,
) -> impl IntoView {
    let (word, shape) = match kind {
        "declared" => {
            ("Declared", view! { <rect x="2" y="2" width="8" height="8" rx="1" data-yes="declared"></rect> }.into_any())
        }
        "permitted" => {
            ("Permitted", view! { <path d="M6 .8 11.2 6 6 11.2 .8 6z" data-yes="permitted"></path> }.into_any())
        }
        _ => ("Observed", view! { <circle cx="6" cy="6" r="4.4" data-yes="observed"></circle> }.into_any()),
    };
    view! {
        <span class="m-badge">
            <svg class="m-evidence m-evidence--one" viewBox="0 0 12 12" aria-hidden="true">{shape}</svg>
            {word}
            {note}
        </span>
    }
    .into_any()
}

/// Declared, permitted, observed in one row, always in this order; filled means true. Observed but not permitted is the
/// alarm, where the mesh's rules govern at all: what clients of a Kafka cluster do there is the cluster's own matter.
#[component]
pub fn EvidenceRow(
    /// In the design.
    declared: bool,
    /// A rule or a role allows it.
    permitted: bool,
    /// An agent saw it.
    observed: bool,
    /// The mesh's rules decide about it.
    governed: bool,
) -> impl IntoView {
    let label = evidence_label(declared, permitted, observed);
    let title = label.clone();
    let alarm = (governed && observed && !permitted).then_some("");
    view! {
        <svg class="m-evidence" viewBox="0 0 40 12" role="img" aria-label=label>
            <title>{title}</title>
            <rect x="1.5" y="2" width="8" height="8" rx="1" data-yes=declared.then_some("declared")></rect>
            <path d="M20 .8 25.2 6 20 11.2 14.8 6z" data-yes=permitted.then_some("permitted") data-alarm=alarm></path>
            <circle cx="34.5" cy="6" r="4.4" data-yes=observed.then_some("observed")></circle>
        </svg>
    }
    .into_any()
}

fn evidence_label(declared: bool, permitted: bool, observed: bool) -> String {
    let words = [(declared, "declared"), (permitted, "permitted"), (observed, "observed")];
    let yes: Vec<&str> = words.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
    let no: Vec<String> = words.iter().filter(|(is, _)| !is).map(|(_, word)| format!("not {word}")).collect();
    match (yes.is_empty(), no.is_empty()) {
        (_, true) => yes.join(", "),
        (true, _) => no.join(", "),
        _ => format!("{}; {}", yes.join(", "), no.join(", ")),
    }
}

/// Tags of a field, each a link to all that has it. The one that marks what is personal is told apart from afar.
#[component]
pub fn Tags(
    /// Their names.
    tags: Vec<String>,
) -> impl IntoView {
    let chips = tags.into_iter().map(|tag| {
        let href = format!("/search?q={}", crate::api::encoded(&search(&tag)));
        let is_personal = tag.eq_ignore_ascii_case("pii");
        view! { <a class="m-chip" class:m-chip--pii=is_personal href=href title="All that has this tag">{tag}</a> }
    });
    view! { <span class="m-line m-line--wrap">{chips.collect_view()}</span> }.into_any()
}

/// The query that finds a tag, whatever is in it.
fn search(tag: &str) -> String {
    if tag.contains(char::is_whitespace) { format!("tag:\"{tag}\"") } else { format!("tag:{tag}") }
}

/// A design state: ink only, because it says nothing about traffic.
#[component]
pub fn Life(
    /// The glyph and state: `draft`, `released`, `approved`…
    state: &'static str,
    /// The word beside it.
    #[prop(into)]
    word: String,
) -> impl IntoView {
    view! { <span class="m-life" data-state=state><Glyph name=state/>{word}</span> }.into_any()
}

/// What something is doing at runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It works.
    Live,
    /// It is on its way.
    Deploying,
    /// It waits for somebody.
    Waiting,
    /// It works in part.
    Degraded,
    /// Nobody has heard of it lately.
    Stale,
    /// It does not work.
    Failed,
    /// It cannot be reached.
    Offline,
    /// There is nothing to tell.
    None,
}

impl RunState {
    const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Deploying => "deploying",
            Self::Waiting => "waiting",
            Self::Degraded => "degraded",
            Self::Stale => "stale",
            Self::Failed => "failed",
            Self::Offline => "offline",
            Self::None => "none",
        }
    }
}

/// A runtime state: glyph and word.
#[component]
pub fn Run(
    /// The state.
    state: RunState,
    /// The word beside the glyph.
    #[prop(into)]
    word: String,
) -> impl IntoView {
    view! { <span class="m-run" data-state=state.name()><Glyph name=state.name()/>{word}</span> }.into_any()
}

/// How far one agent has come with one revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrackState {
    /// It has not got it yet.
    Pending,
    /// It has it, but does not enforce it yet.
    Received,
    /// It enforces it.
    Applied,
    /// It refused it and keeps the previous one.
    Rejected,
    /// It cannot be reached.
    Offline,
}

/// Three bars that stop where the agent stopped. The word belongs beside it.
#[component]
pub fn Track(
    /// How far it came.
    state: TrackState,
) -> impl IntoView {
    let (name, on, stop) = match state {
        TrackState::Pending => ("pending", 0, None),
        TrackState::Received => ("downloaded", 1, None),
        TrackState::Applied => ("verified", 3, None),
        TrackState::Rejected => ("rejected", 1, Some(1)),
        TrackState::Offline => ("offline", 0, None),
    };
    let bars = (0..3)
        .map(|i| view! { <i data-on=(i < on).then_some("") data-stop=(stop == Some(i)).then_some("")></i> })
        .collect_view();
    view! { <span class="m-track" data-state=name aria-hidden="true">{bars}</span> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_read_out_as_what_is_and_what_is_not() {
        assert_eq!(evidence_label(true, true, true), "declared, permitted, observed");
        assert_eq!(evidence_label(false, false, true), "observed; not declared, not permitted");
        assert_eq!(evidence_label(false, false, false), "not declared, not permitted, not observed");
    }
}
