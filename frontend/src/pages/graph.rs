//! The flow graph: who sends to what, and who takes from it. The drawing and the table are twins; the address restores
//! what is shown, found and selected.

mod canvas;
mod draw;
mod export;
mod marks;
mod panel;
mod twin;
mod view;

use std::collections::{HashMap, HashSet};

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use self::canvas::Canvas;
use self::export::Export;
use self::panel::Panel;
use self::twin::Twin;
use super::{SiteSelect, load_sites};
use crate::api::{FlowGraph, FlowNode, GraphQuery, LiveTopic, NodeKind, SiteView};
use crate::components::{
    Banner, Empty, Icon, Main, ParamCheck, ParamChip, ParamSelect, Search, Stamp, use_param, use_set_params,
};
use crate::format;
use crate::load::{Load, Loading, load};

/// `/graph?find=&site=&permitted=&stale=&focus=&hops=&open=&node=`
#[component]
pub fn Graph() -> impl IntoView {
    let query = use_query_map();
    let key = Memo::new(move |_| {
        query.with(|query| {
            let text = |name| query.get(name).filter(|text| !text.is_empty());
            let yes = |name| text(name).is_some_and(|text| text == "true");
            GraphQuery {
                focus: text("focus"),
                hops: text("hops").and_then(|hops| hops.parse().ok()),
                site: text("site"),
                permitted: yes("permitted"),
                stale: yes("stale"),
                find: text("find").unwrap_or_default(),
                open: text("open"),
            }
        })
    });
    let graph = load(
        &[LiveTopic::Graph, LiveTopic::Overview],
        move || key.get(),
        |api, query| async move { api.0.graph(query).await },
    );
    let sites = load_sites();
    view! {
        <Load resource=graph what="flow graph" title="Flow graph" let:graph>
            <Loaded graph=graph sites=sites/>
        </Load>
    }
    .into_any()
}

#[component]
fn Loaded(graph: Signal<FlowGraph>, sites: Loading<Vec<SiteView>>) -> impl IntoView {
    let node = use_param("node");
    let find = use_param("find");
    let set = use_set_params();
    let select = Callback::new(move |id: String| set(&[("node", id)]));
    // What is found is selected, as long as nothing else is.
    let selected = Memo::new(move |_| {
        let node = node.get();
        graph.with(|graph| {
            if graph.nodes.iter().any(|have| have.id == node) {
                return node;
            }
            let found = found(graph, &find.get());
            found.first().cloned().unwrap_or_default()
        })
    });
    let hits =
        Memo::new(move |_| graph.with(|graph| found(graph, &find.get())).into_iter().collect::<HashSet<String>>());
    let path = Memo::new(move |_| graph.with(|graph| path(graph, &selected.get())));
    let note = Signal::derive(move || graph.with(counts));
    let is_empty = Memo::new(move |_| graph.with(|graph| graph.nodes.is_empty()));
    let left_out = Memo::new(move |_| graph.with(|graph| graph.left_out));
    let acts = view! {
        <fieldset class="m-segment" aria-label="Show as" id="view">
            <input type="radio" name="view" value="auto" checked hidden/>
            <label class="m-segment__item m-view--graph">
                <input type="radio" name="view" value="graph"/>
                <Icon name="graph" small=true/>
                "Graph"
            </label>
            <label class="m-segment__item m-view--table">
                <input type="radio" name="view" value="table"/>
                <Icon name="table" small=true/>
                "Table"
            </label>
        </fieldset>
        <Export graph=graph/>
    };
    view! {
        <Main title="Flow graph" note=note acts=acts.into_any()>
            <Filters graph=graph sites=sites/>
            <Show when=move || { left_out.get() > 0 }>
                <Banner
                    tone="warn"
                    text=Signal::derive(move || {
                        format!("{} more nodes are left out: choose a site, or focus on one node.", format::count(left_out.get()))
                    })
                />
            </Show>
            <Show when=move || !is_empty.get() fallback=nothing>
                <Canvas graph=graph selected=selected hits=hits path=path on_select=select/>
                <Twin graph=graph path=path/>
            </Show>
        </Main>
        <Show when=move || !selected.with(String::is_empty)>
            <Panel graph=graph selected=selected path=path on_close=move |()| select.run(String::new())/>
        </Show>
    }
    .into_any()
}

#[component]
fn Filters(graph: Signal<FlowGraph>, sites: Loading<Vec<SiteView>>) -> impl IntoView {
    let (focus, open) = (use_param("focus"), use_param("open"));
    let hops = Signal::derive(|| {
        [("", "2 hops"), ("1", "1 hop"), ("3", "3 hops"), ("4", "4 hops")]
            .map(|(value, words)| (value.to_owned(), words.to_owned()))
            .to_vec()
    });
    let around = move || {
        let id = focus.get();
        graph.with(|graph| graph.nodes.iter().find(|node| node.id == id).map(|node| node.label.clone())).unwrap_or(id)
    };
    let stamp = move || graph.with(|graph| graph.as_of);
    view! {
        <div class="m-bar m-filters">
            <Search label="Find in graph" name="find"/>
            <SiteSelect sites=sites/>
            <Show when=move || !focus.with(String::is_empty)>
                <ParamChip name="focus" words=Signal::derive(move || format!("Around {}", around()))/>
                <ParamSelect label="Depth" name="hops" choices=hops/>
            </Show>
            <ParamChip name="open" words=Signal::derive(move || format!("Opened {}", opened(&open.get())))/>
            <ParamCheck label="Permitted, unused" name="permitted"/>
            <ParamCheck label="Not seen lately" name="stale"/>
            <span class="m-push"><Stamp at_ms=Signal::derive(stamp)/></span>
        </div>
    }
    .into_any()
}

fn nothing() -> AnyView {
    view! {
        <Empty
            icon="graph"
            title="No flows here"
            text="The graph draws itself from what agents see: as soon as a client publishes or subscribes, it appears within seconds. Filters may hide what there is; permitted edges show what could flow."
        >
            <a class="m-button" href="/graph?permitted=true&stale=true">"Show everything"</a>
        </Empty>
    }
    .into_any()
}

/// What a group is called, and where: its id is `group:t:hq:orders`.
fn opened(id: &str) -> String {
    let mut parts = id.splitn(4, ':').skip(2);
    match (parts.next(), parts.next()) {
        (Some(""), Some(name)) => name.to_owned(),
        (Some(site), Some(name)) => format!("{name} at {site}"),
        _ => id.to_owned(),
    }
}

/// `4 producers, 6 topics, 5 consumers, 12 flows`.
fn counts(graph: &FlowGraph) -> String {
    let of = |kind| {
        let nodes = graph.nodes.iter().filter(|node| node.kind == kind);
        usize::try_from(nodes.map(|node| node.members.unwrap_or(1)).sum::<u64>()).unwrap_or(usize::MAX)
    };
    [
        format::plural(of(NodeKind::Producer), "producer"),
        format::plural(of(NodeKind::Topic), "topic"),
        format::plural(of(NodeKind::Consumer), "consumer"),
        format::plural(graph.edges.len(), "flow"),
    ]
    .join(", ")
}

/// Ids of the nodes whose name, detail or site holds every word, the busiest first.
fn found(graph: &FlowGraph, find: &str) -> Vec<String> {
    let words: Vec<String> = find.split_whitespace().map(str::to_lowercase).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let matches = |node: &&FlowNode| {
        let text = format!("{} {} {}", node.label, node.detail, node.site).to_lowercase();
        words.iter().all(|word| text.contains(word.as_str()))
    };
    let mut found: Vec<&FlowNode> = graph.nodes.iter().filter(matches).collect();
    // A whole name before a part of one, then what carries more.
    found.sort_by(|a, b| {
        let whole = |node: &FlowNode| node.label.eq_ignore_ascii_case(find.trim());
        whole(b).cmp(&whole(a)).then(b.rate.total_cmp(&a.rate))
    });
    found.into_iter().map(|node| node.id.clone()).collect()
}

/// The nodes and edges through which events reach a node or go on from it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Path {
    nodes: HashSet<String>,
    /// Positions in the graph's list.
    edges: HashSet<usize>,
}

/// Everything upstream and downstream of a node; nothing when no node is selected.
fn path(graph: &FlowGraph, selected: &str) -> Path {
    if selected.is_empty() {
        return Path::default();
    }
    let mut out: HashMap<&str, Vec<(usize, &str)>> = HashMap::new();
    let mut into: HashMap<&str, Vec<(usize, &str)>> = HashMap::new();
    for (i, edge) in graph.edges.iter().enumerate() {
        out.entry(&edge.from).or_default().push((i, &edge.to));
        into.entry(&edge.to).or_default().push((i, &edge.from));
    }
    let mut path = Path::default();
    path.nodes.insert(selected.to_owned());
    for direction in [&out, &into] {
        let mut seen = HashSet::from([selected]);
        let mut waiting = vec![selected];
        while let Some(node) = waiting.pop() {
            for (edge, next) in direction.get(node).into_iter().flatten() {
                path.edges.insert(*edge);
                if seen.insert(next) {
                    path.nodes.insert((*next).to_owned());
                    waiting.push(next);
                }
            }
        }
    }
    path
}

#[cfg(test)]
mod tests;
