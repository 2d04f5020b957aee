//! What is in the drawing: bands, edges, nodes, and the legend that explains them.

use std::collections::HashSet;

use leptos::prelude::*;

use super::Path;
use super::draw::{self, Drawn, Standing, kind_word};
use crate::api::{FlowGraph, FlowNode, NodeKind};
use crate::graph::layout::{COLUMNS, Layout, NODE_HEIGHT, Place, WIDTH};
use crate::graph::path::fit;

/// Column heads and the bands of sites.
#[component]
pub(super) fn Bands(graph: Signal<FlowGraph>, picture: Memo<Layout>) -> impl IntoView {
    let heads = ["Producers", "Topics", "Consumers"]
        .into_iter()
        .zip(COLUMNS)
        .map(|(head, (x, _))| view! { <text class="m-flow__note" x=format!("{x:.0}") y="18">{head}</text> })
        .collect_view();
    let bands = move || {
        picture
            .get()
            .bands
            .into_iter()
            .map(|band| {
                let stale = graph.with(|graph| {
                    let mut own = graph.nodes.iter().filter(|node| node.site == band.site).peekable();
                    own.peek().is_some() && own.all(|node| node.stale)
                });
                let name = if band.site.is_empty() { "elsewhere".to_owned() } else { band.site };
                view! {
                    <g>
                        <rect
                            class="m-flow__band"
                            data-state=stale.then_some("offline")
                            x="8"
                            y=format!("{:.1}", band.y)
                            width=format!("{:.0}", WIDTH - 16.0)
                            height=format!("{:.1}", band.height)
                            rx="6"
                        ></rect>
                        <text class="m-flow__strong" x="20" y=format!("{:.1}", band.y + 20.0)>{name}</text>
                    </g>
                }
            })
            .collect_view()
    };
    view! { <g>{heads}</g><g>{bands}</g> }
}

/// All edges; those of the path above the others, and with dots where events flow.
#[component]
pub(super) fn Edges(graph: Signal<FlowGraph>, picture: Memo<Layout>, path: Memo<Path>) -> impl IntoView {
    let drawn = Memo::new(move |_| graph.with(|graph| picture.with(|picture| draw::edges(graph, picture))));
    let below = move || {
        let path = path.get();
        let rest = drawn.get().into_iter().filter(|edge| !path.edges.contains(&edge.index));
        rest.map(|edge| edge_path(edge, false)).collect_view()
    };
    let above = move || {
        let path = path.get();
        let own = drawn.get().into_iter().filter(|edge| path.edges.contains(&edge.index));
        own.map(|edge| {
            let pulse = (edge.moving && !edge.alarm).then(|| edge.d.clone());
            view! {
                <g>
                    {edge_path(edge, true)}
                    {pulse.map(|d| view! { <path class="m-flow__pulse" d=d></path> })}
                </g>
            }
        })
        .collect_view()
    };
    view! {
        <g aria-hidden="true">{below}</g>
        <g aria-hidden="true">{above}</g>
    }
}

fn edge_path(edge: Drawn, on: bool) -> impl IntoView {
    view! {
        <path
            class="m-flow__edge"
            d=edge.d
            stroke-width=edge.width
            data-evidence=edge.evidence
            data-on=on.then_some("")
            data-alarm=edge.alarm.then_some("")
        ></path>
    }
}

/// The nodes: buttons of which Tab reaches one, and arrows the others.
#[component]
pub(super) fn Nodes(
    graph: Signal<FlowGraph>,
    picture: Memo<Layout>,
    selected: Memo<String>,
    hits: Memo<HashSet<String>>,
) -> impl IntoView {
    let reached = Memo::new(move |_| {
        let selected = selected.get();
        if selected.is_empty() {
            graph.with(|graph| graph.nodes.first().map(|node| node.id.clone()).unwrap_or_default())
        } else {
            selected
        }
    });
    let nodes = move || {
        let (reached, selected, hits) = (reached.get(), selected.get(), hits.get());
        graph.with(|graph| {
            let standing = Standing::of(graph);
            picture.with(|picture| {
                let drawn = graph.nodes.iter().zip(&picture.places).map(|(node, place)| {
                    let look = Look {
                        state: standing.state(node),
                        reached: node.id == reached,
                        selected: node.id == selected,
                        hit: hits.contains(&node.id),
                    };
                    node_view(node, *place, &look)
                });
                drawn.collect_view()
            })
        })
    };
    view! { <g>{nodes}</g> }
}

/// What the look of a node depends on besides the node.
struct Look {
    state: Option<&'static str>,
    reached: bool,
    selected: bool,
    hit: bool,
}

/// A node in a sentence, for its title and for screen readers.
fn sentence(node: &FlowNode, figure: &str) -> String {
    let site = if node.site.is_empty() { "elsewhere".to_owned() } else { format!("at {}", node.site) };
    let detail = if node.detail.is_empty() { String::new() } else { format!(", {}", node.detail) };
    format!("{}, {} {site}, {figure}{detail}", node.label, kind_word(node.kind))
}

fn node_view(node: &FlowNode, place: Place, look: &Look) -> AnyView {
    let topic = node.kind == NodeKind::Topic;
    let figure = draw::figure(node, look.state);
    let inset = if topic { 13.0 } else { 10.0 };
    let room = place.width - 2.0 * inset - 8.0 - 6.2 * figure.chars().count() as f64;
    let (path, tail) = draw::split(&fit(&node.label, room, if topic { 6.7 } else { 6.4 }), topic);
    let title = sentence(node, &figure);
    let words = title.clone();
    let y = |by: f64| format!("{:.1}", place.y + by);
    view! {
        <g
            class="m-flow__node"
            data-node=node.id.clone()
            data-kind=kind_word(node.kind)
            data-state=look.state
            data-hit=look.hit.then_some("")
            data-group=node.members.is_some().then_some("")
            tabindex=if look.reached { "0" } else { "-1" }
            role="button"
            aria-pressed=if look.selected { "true" } else { "false" }
            aria-label=words
        >
            <title>{title}</title>
            {node.members.is_some().then(|| view! {
                <rect
                    class="m-flow__behind"
                    x=format!("{:.1}", place.x + 3.0)
                    y=y(3.0)
                    width=format!("{:.1}", place.width)
                    height=format!("{NODE_HEIGHT:.0}")
                    rx=if topic { "13" } else { "5" }
                ></rect>
            })}
            <rect
                class="m-flow__box"
                x=format!("{:.1}", place.x)
                y=y(0.0)
                width=format!("{:.1}", place.width)
                height=format!("{NODE_HEIGHT:.0}")
                rx=if topic { "13" } else { "5" }
            ></rect>
            <text class=topic.then_some("m-flow__mono") x=format!("{:.1}", place.x + inset) y=y(17.0)>
                <tspan class="m-flow__dim">{path}</tspan>
                <tspan>{tail}</tspan>
            </text>
            <text
                class="m-flow__note m-flow__num"
                x=format!("{:.1}", place.right() - inset)
                y=y(17.0)
                text-anchor="end"
                data-tone=(look.state == Some("foreign")).then_some("bad")
            >
                {figure}
            </text>
        </g>
    }
    .into_any()
}

/// What the lines mean.
#[component]
pub(super) fn Legend() -> impl IntoView {
    let line = |evidence: &'static str, width: &'static str, alarm: bool, words: &'static str| {
        view! {
            <span>
                <svg viewBox="0 0 28 8" width="28" height="8" aria-hidden="true">
                    <path class="m-flow__edge" data-evidence=evidence data-alarm=alarm.then_some("") stroke-width=width d="M0 4h28"></path>
                </svg>
                {words}
            </span>
        }
    };
    view! {
        <div class="m-legend">
            {line("observed", "4.5", false, "observed, wider is more")}
            {line("permitted", "1.1", false, "permitted, unused")}
            {line("declared", "1.4", false, "declared")}
            {line("stale", "1.6", false, "last known")}
            {line("observed", "3", true, "no rule")}
        </div>
    }
    .into_any()
}
