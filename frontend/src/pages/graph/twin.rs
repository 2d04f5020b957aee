//! The same flows as a table: for narrow windows, for screen readers, and for whoever prefers lists.

use leptos::prelude::*;

use super::Path;
use crate::api::{FlowEdge, FlowGraph, FlowNode, NodeKind};
use crate::components::{Age, EvidenceRow, Rate, Table, Topic};
use crate::format;

/// Rows that are drawn; more are found by site, focus or find.
const ROWS_MAX: usize = 300;
/// From this age on a flow is late.
const LATE_MS: i64 = 60_000;

/// One row per flow, those of the selected path first, then the busiest.
#[component]
pub(super) fn Twin(graph: Signal<FlowGraph>, path: Memo<Path>) -> impl IntoView {
    let rows = move || {
        let path = path.get();
        graph.with(|graph| {
            let node = |id: &str| graph.nodes.iter().find(|node| node.id == id);
            let mut order: Vec<usize> = (0..graph.edges.len()).collect();
            order.sort_by(|a, b| {
                let chosen = |i: &usize| path.edges.contains(i);
                chosen(b).cmp(&chosen(a)).then(graph.edges[*b].rate.total_cmp(&graph.edges[*a].rate))
            });
            order
                .into_iter()
                .take(ROWS_MAX)
                .filter_map(|i| {
                    let edge = &graph.edges[i];
                    Some(row(edge, node(&edge.from)?, node(&edge.to)?, path.edges.contains(&i)))
                })
                .collect_view()
        })
    };
    let total = move || {
        let count = graph.with(|graph| graph.edges.len());
        let flows = format::plural(count, "flow");
        if count > ROWS_MAX { format!("The {ROWS_MAX} busiest of {flows}") } else { flows }
    };
    view! {
        <div class="m-twin">
            <Table
                label="Flows"
                heads=&[("From", ""), ("To", ""), ("Evidence", "m-low"), ("Rate", "m-end"), ("Last seen", "m-low m-end")]
            >
                {rows}
            </Table>
            <p class="m-tail"><span class="m-num">{total}</span></p>
        </div>
    }
    .into_any()
}

fn row(edge: &FlowEdge, from: &FlowNode, to: &FlowNode, chosen: bool) -> AnyView {
    let evidence = edge.evidence;
    let seen = edge.freshness.as_ref().map(|seen| seen.as_of);
    let stale = edge.freshness.as_ref().is_some_and(|seen| seen.stale);
    view! {
        <tr data-chosen=chosen.then_some("")>
            <td>{end(from)}</td>
            <td>{end(to)}</td>
            <td class="m-low">
                <EvidenceRow declared=evidence.declared permitted=evidence.permitted observed=evidence.observed governed=edge.without_rule/>
            </td>
            <td class="m-end"><Rate per_second=edge.rate stale=stale/></td>
            <td class="m-low m-end m-muted"><Age at_ms=seen late_ms=LATE_MS/></td>
        </tr>
    }
    .into_any()
}

fn end(node: &FlowNode) -> AnyView {
    let name = if node.kind == NodeKind::Topic {
        view! { <Topic name=node.label.clone()/> }.into_any()
    } else {
        node.label.clone().into_any()
    };
    let name = match node.href.clone() {
        Some(href) => view! { <a class="m-cell__name" href=href>{name}</a> }.into_any(),
        None => view! { <span class="m-cell__name">{name}</span> }.into_any(),
    };
    let words: Vec<&str> =
        [node.site.as_str(), node.detail.as_str()].into_iter().filter(|text| !text.is_empty()).collect();
    view! { <div class="m-cell">{name}<span class="m-cell__sub">{words.join(", ")}</span></div> }.into_any()
}
