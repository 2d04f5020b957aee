//! The side panel: what is selected, who sends to it and who takes from it, and the way to its page.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::Path;
use crate::api::{FlowEdge, FlowGraph, FlowNode, NodeKind};
use crate::components::{EvidenceRow, Glyph, Icon, Rate, Stamp, Topic, with_param};
use crate::format;

/// Lines of a list before it says how many more there are.
const LINES_MAX: usize = 40;

/// An edge with the node at its other end.
type Line = (FlowEdge, FlowNode);

/// What the panel shows of one node.
#[derive(Clone, Debug, PartialEq)]
struct Selected {
    node: FlowNode,
    from: Vec<Line>,
    to: Vec<Line>,
}

fn selected_of(graph: &FlowGraph, id: &str) -> Option<Selected> {
    let find = |id: &str| graph.nodes.iter().find(|node| node.id == id).cloned();
    let lines = |mine: &dyn Fn(&FlowEdge) -> bool, other: &dyn Fn(&FlowEdge) -> Option<FlowNode>| {
        let own = graph.edges.iter().filter(|edge| mine(edge));
        let mut lines: Vec<Line> = own.filter_map(|edge| Some((edge.clone(), other(edge)?))).collect();
        lines.sort_by(|a, b| b.0.rate.total_cmp(&a.0.rate).then_with(|| a.1.label.cmp(&b.1.label)));
        lines
    };
    Some(Selected {
        node: find(id)?,
        from: lines(&|edge| edge.to == id, &|edge| find(&edge.from)),
        to: lines(&|edge| edge.from == id, &|edge| find(&edge.to)),
    })
}

/// The panel.
#[component]
pub(super) fn Panel(
    graph: Signal<FlowGraph>,
    selected: Memo<String>,
    path: Memo<Path>,
    #[prop(into)] on_close: Callback<()>,
) -> impl IntoView {
    let shown = Memo::new(move |_| graph.with(|graph| selected_of(graph, &selected.get())));
    view! {
        <aside class="m-panel" aria-label="Selected">
            {move || {
                let Selected { node, from, to } = shown.get()?;
                let (in_title, out_title) = titles(node.kind);
                let seen = from.iter().chain(&to).filter_map(|(edge, _)| edge.freshness.clone());
                let newest = seen.max_by_key(|seen| seen.as_of);
                let reach = path.with(|path| path.nodes.len().saturating_sub(1));
                Some(view! {
                    {head(&node, on_close)}
                    <div class="m-panel__part">
                        <div class="m-part__head">
                            <h3>"Rate"</h3>
                            <span class="m-push"><Rate per_second=node.rate stale=node.stale/></span>
                        </div>
                        {newest.map(|seen| view! { <Stamp at_ms=seen.as_of by=seen.by/> })}
                        <p class="m-small m-muted">{format!("{} on its path", format::plural(reach, "node"))}</p>
                    </div>
                    {warnings(&from, &to)}
                    {lines(in_title, from)}
                    {lines(out_title, to)}
                })
            }}
        </aside>
    }
    .into_any()
}

fn head(node: &FlowNode, on_close: Callback<()>) -> AnyView {
    let query = use_query_map();
    let focus = query.with(|query| with_param(query, "focus", &node.id));
    let kind = match node.kind {
        NodeKind::Producer => "Producer",
        NodeKind::Topic => "Topic",
        NodeKind::Consumer => "Consumer",
    };
    let site = if node.site.is_empty() { "elsewhere".to_owned() } else { format!("at {}", node.site) };
    let detail = (!node.detail.is_empty()).then(|| node.detail.clone());
    view! {
        <div class="m-panel__head">
            <div class="m-panel__row m-small m-muted">
                {format!("{kind} {site}")}
                <button
                    class="m-button m-button--quiet m-button--small m-button--icon m-push"
                    type="button"
                    aria-label="Close"
                    on:click=move |_| on_close.run(())
                >
                    <Icon name="cross" small=true/>
                </button>
            </div>
            <h2 class="m-panel__title"><Topic name=node.label.clone()/></h2>
            {detail.map(|detail| view! { <p class="m-small m-muted">{detail}</p> })}
            <div class="m-panel__row">
                {node.href.clone().map(|href| view! { <a class="m-button m-button--primary" href=href>"Open"</a> })}
                {match node.members {
                    Some(members) => {
                        let open = query.with(|query| with_param(query, "open", &node.id));
                        view! { <a class="m-button m-button--primary" href=open>{format!("Show its {}", format::count(members))}</a> }.into_any()
                    }
                    None => view! { <a class="m-button" href=focus>"Focus here"</a> }.into_any(),
                }}
            </div>
        </div>
    }
    .into_any()
}

/// What the two lists of a kind are called; an empty title leaves the list out.
const fn titles(kind: NodeKind) -> (&'static str, &'static str) {
    match kind {
        NodeKind::Producer => ("", "Sends to"),
        NodeKind::Topic => ("Senders", "Readers"),
        NodeKind::Consumer => ("Reads", ""),
    }
}

/// A sentence for each neighbour whose traffic no rule allows.
fn warnings(from: &[Line], to: &[Line]) -> Option<AnyView> {
    let notes: Vec<_> = from
        .iter()
        .chain(to)
        .filter(|(edge, _)| edge.without_rule)
        .map(|(_, other)| {
            let text = format!("Traffic with {} is seen, but no rule allows it now. ", other.label);
            view! {
                <p class="m-note" data-tone="bad">
                    <Glyph name="failed"/>
                    <span>{text}<a href="/acl">"Access rules"</a></span>
                </p>
            }
        })
        .collect();
    (!notes.is_empty()).then(|| view! { <div class="m-panel__part">{notes}</div> }.into_any())
}

fn lines(title: &'static str, list: Vec<Line>) -> Option<AnyView> {
    if title.is_empty() {
        return None;
    }
    let query = use_query_map();
    let count = list.len();
    let more = (count > LINES_MAX).then(|| format!("and {} more", format::count((count - LINES_MAX) as u64)));
    let rows = list
        .into_iter()
        .take(LINES_MAX)
        .map(|(edge, other)| {
            let href = query.with_untracked(|query| with_param(query, "node", &other.id));
            let evidence = edge.evidence;
            view! {
                <li>
                    <a href=href>{other.label}</a>
                    <span class="m-muted m-small">{other.site}</span>
                    <EvidenceRow declared=evidence.declared permitted=evidence.permitted observed=evidence.observed governed=edge.without_rule/>
                    <Rate per_second=edge.rate stale=edge.freshness.is_none_or(|seen| seen.stale)/>
                </li>
            }
        })
        .collect_view();
    let nobody = (count == 0).then(|| view! { <p class="m-small m-muted">"Nobody."</p> });
    let more = more.map(|more| view! { <p class="m-small m-muted">{more}</p> });
    Some(
        view! {
            <div class="m-panel__part m-panel__part--tight">
                <div class="m-part__head"><h3>{title}</h3><span class="m-part__note">{count}</span></div>
                <ul class="m-flows">{rows}</ul>
                {more}
                {nobody}
            </div>
        }
        .into_any(),
    )
}
