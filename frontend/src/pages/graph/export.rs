//! The graph to take along: Mermaid for documents, copied to the clipboard.

use std::collections::HashMap;
use std::fmt::Write as _;

use leptos::prelude::*;

use crate::api::{FlowGraph, NodeKind};
use crate::browser;
use crate::components::{Button, Toasts};

/// A button that copies the graph as Mermaid.
#[component]
pub(super) fn Export(graph: Signal<FlowGraph>) -> impl IntoView {
    let toasts = Toasts::get();
    let copy = move |()| {
        browser::copy(&graph.with_untracked(mermaid));
        toasts.done("The graph is on the clipboard, as Mermaid.");
    };
    view! { <Button icon="copy" on_press=copy>"Copy as Mermaid"</Button> }.into_any()
}

/// A Mermaid flowchart with one subgraph per site; what was not seen is dotted.
pub(super) fn mermaid(graph: &FlowGraph) -> String {
    let mut text = String::from("flowchart LR\n");
    let names: HashMap<&str, String> =
        graph.nodes.iter().enumerate().map(|(i, node)| (node.id.as_str(), format!("n{i}"))).collect();
    let mut sites: Vec<&str> = graph.nodes.iter().map(|node| node.site.as_str()).collect();
    sites.sort_unstable();
    sites.dedup();
    for (i, site) in sites.into_iter().enumerate() {
        let _ = writeln!(text, "  subgraph s{i} [\"{}\"]", quoted(site));
        for node in graph.nodes.iter().filter(|node| node.site == site) {
            let (open, close) = if node.kind == NodeKind::Topic { ("([", "])") } else { ("[", "]") };
            let _ = writeln!(text, "    {}{open}\"{}\"{close}", names[node.id.as_str()], quoted(&node.label));
        }
        text.push_str("  end\n");
    }
    for edge in &graph.edges {
        let (Some(from), Some(to)) = (names.get(edge.from.as_str()), names.get(edge.to.as_str())) else { continue };
        let arrow = if edge.evidence.observed { "-->" } else { "-.->" };
        let _ = writeln!(text, "  {from} {arrow} {to}");
    }
    text
}

/// Text inside Mermaid's double quotes.
fn quoted(text: &str) -> String {
    text.replace('#', "#35;").replace('"', "#quot;")
}
