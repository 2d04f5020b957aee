use serde_json::json;

use super::draw::{Standing, edges, evidence, figure, neighbour, structure};
use super::export::mermaid;
use super::*;
use crate::graph::layout::layout;

/// Two tills send to one topic; an application and a stranger read it; another topic has a silent, permitted reader.
fn graph() -> FlowGraph {
    let node = |id: &str, kind: &str, label: &str, rate: f64| json!({ "id": id, "kind": kind, "label": label, "detail": "mqtt", "site": "lyon", "href": null, "rate": rate, "stale": false });
    let edge = |from: &str, to: &str, observed: bool, without_rule: bool| {
        json!({ "from": from, "to": to, "rate": if observed { 4.0 } else { 0.0 }, "without_rule": without_rule,
            "evidence": { "declared": false, "permitted": !without_rule, "observed": observed },
            "freshness": observed.then(|| json!({ "as_of": 1000, "by": "lyon-1", "stale": false })) })
    };
    serde_json::from_value(json!({
        "nodes": [
            node("p1", "producer", "till-1", 4.0), node("p2", "producer", "till-2", 4.0),
            node("t1", "topic", "orders/fr/lyon/created", 8.0), node("t2", "topic", "prices/fr/update", 0.0),
            node("c1", "consumer", "order-service", 8.0), node("c2", "consumer", "etl", 8.0), node("c3", "consumer", "label", 0.0),
        ],
        "edges": [
            edge("p1", "t1", true, false), edge("p2", "t1", true, false), edge("t1", "c1", true, false),
            edge("t1", "c2", true, true), edge("t2", "c3", false, false),
        ],
        "left_out": 0, "as_of": 1000,
    }))
    .expect("a graph")
}

#[test]
fn the_path_of_a_producer_ends_at_the_readers_and_leaves_other_senders_out() {
    let path = path(&graph(), "p1");
    let mut nodes: Vec<&str> = path.nodes.iter().map(String::as_str).collect();
    nodes.sort_unstable();
    assert_eq!(nodes, ["c1", "c2", "p1", "t1"]);
    assert_eq!(path.edges.len(), 3);
}

#[test]
fn what_is_found_comes_by_name_then_by_rate() {
    assert_eq!(found(&graph(), "till"), ["p1", "p2"]);
    assert_eq!(found(&graph(), "orders created"), ["t1"]);
    assert_eq!(found(&graph(), "TILL-2"), ["p2"]);
    assert!(found(&graph(), "").is_empty());
}

#[test]
fn nodes_without_a_rule_and_unused_ones_are_told_apart() {
    let graph = graph();
    let standing = Standing::of(&graph);
    let state = |i: usize| standing.state(&graph.nodes[i]);
    assert_eq!(state(5), Some("foreign"));
    assert_eq!(state(2), None, "a topic is not to blame for its readers");
    assert_eq!(state(6), Some("planned"));
    assert_eq!(figure(&graph.nodes[5], state(5)), "no rule");
    assert_eq!(figure(&graph.nodes[2], None), "8/s");
}

#[test]
fn edges_look_as_they_are_known_and_alarms_lie_on_top() {
    let graph = graph();
    assert_eq!(evidence(&graph.edges[0]), "observed");
    assert_eq!(evidence(&graph.edges[4]), "permitted");
    let drawn = edges(&graph, &layout(&structure(&graph)));
    assert_eq!(drawn.len(), 5);
    assert!(drawn.last().is_some_and(|edge| edge.alarm));
}

#[test]
fn arrow_keys_follow_edges_and_columns() {
    let graph = graph();
    let picture = layout(&structure(&graph));
    assert_eq!(neighbour(&graph, &picture, "p1", "ArrowRight").as_deref(), Some("t1"));
    assert_eq!(neighbour(&graph, &picture, "c3", "ArrowLeft").as_deref(), Some("t2"));
    assert_eq!(neighbour(&graph, &picture, "p1", "ArrowLeft"), None);
    let (up, down) = (neighbour(&graph, &picture, "p1", "ArrowUp"), neighbour(&graph, &picture, "p1", "ArrowDown"));
    assert!(up.is_some() != down.is_some(), "one of two is above the other");
}

#[test]
fn mermaid_has_a_subgraph_per_site_and_dotted_permissions() {
    let text = mermaid(&graph());
    assert!(text.contains("subgraph s0 [\"lyon\"]"), "{text}");
    assert!(text.contains("n2([\"orders/fr/lyon/created\"])"), "{text}");
    assert!(text.contains("n3 -.-> n6"), "{text}");
}
