use std::time::{Duration, Instant};

use super::super::order::crossings;
use super::*;

fn structure(nodes: &[(usize, &str)], edges: &[(usize, usize)]) -> Structure {
    Structure {
        nodes: nodes.iter().map(|(column, site)| (*column, (*site).to_owned())).collect(),
        edges: edges.to_vec(),
    }
}

/// A mesh like those of the measurements: a quarter producers, near half topics, most edges within a site.
fn large(count: usize, sites: usize) -> Structure {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).expect("below a usize")
    };
    let column = |i: usize| match i * 20 / count {
        0..5 => 0,
        5..14 => 1,
        _ => 2,
    };
    let nodes: Vec<(usize, String)> = (0..count).map(|i| (column(i), format!("site-{}", i % sites))).collect();
    let (producers, topics) = (count / 4, count * 9 / 20);
    let mut edges = Vec::new();
    for topic in producers..producers + topics {
        let site = topic % sites;
        let home = |i: usize| i / sites * sites + site;
        edges.push((home(next(producers - sites)) % producers, topic));
        let consumers = producers + topics;
        let reader = consumers + next(count - consumers);
        let reader = if next(10) == 0 { reader } else { (home(reader)).clamp(consumers, count - 1) };
        edges.push((topic, reader));
    }
    Structure { nodes, edges }
}

fn check_is_sound(structure: &Structure, picture: &Layout) {
    assert_eq!(picture.places.len(), structure.nodes.len());
    let mut by_column: Vec<Vec<(f64, &str)>> = vec![Vec::new(); 3];
    for ((column, site), place) in structure.nodes.iter().zip(&picture.places) {
        let band = picture.bands.iter().find(|band| band.site == *site).expect("a band per site");
        assert!(
            place.y >= band.y + 20.0 && place.y + NODE_HEIGHT <= band.y + band.height,
            "{site}: {place:?} {band:?}"
        );
        assert!((place.x - COLUMNS[*column].0).abs() < f64::EPSILON);
        by_column[*column].push((place.y, site));
    }
    for column in &mut by_column {
        column.sort_by(|a, b| a.0.total_cmp(&b.0));
        for pair in column.windows(2) {
            assert!(pair[1].0 - pair[0].0 >= NODE_HEIGHT, "nodes overlap: {pair:?}");
        }
    }
    for pair in picture.bands.windows(2) {
        assert!(pair[0].y + pair[0].height <= pair[1].y, "bands overlap");
    }
}

#[test]
fn an_empty_graph_has_an_empty_picture() {
    let picture = layout(&Structure::default());
    assert!(picture.places.is_empty() && picture.bands.is_empty());
}

#[test]
fn a_chain_is_a_straight_line() {
    let chain = structure(&[(0, "hq"), (1, "hq"), (2, "hq")], &[(0, 1), (1, 2)]);
    let picture = layout(&chain);
    check_is_sound(&chain, &picture);
    let middles: Vec<f64> = picture.places.iter().map(|place| place.middle()).collect();
    assert!(middles.windows(2).all(|pair| (pair[0] - pair[1]).abs() < 0.5), "{middles:?}");
}

#[test]
fn edges_that_need_not_cross_do_not() {
    let crossed = structure(
        &[(0, "hq"), (0, "hq"), (1, "hq"), (1, "hq"), (2, "hq"), (2, "hq")],
        &[(0, 3), (1, 2), (3, 4), (2, 5)],
    );
    let picture = layout(&crossed);
    check_is_sound(&crossed, &picture);
    let below = |a: usize, b: usize| picture.places[a].y > picture.places[b].y;
    assert_eq!(below(0, 1), below(3, 2));
    assert_eq!(below(3, 2), below(4, 5));
}

#[test]
fn sites_with_much_between_them_are_neighbours() {
    let nodes = [(0, "a"), (1, "a"), (0, "b"), (1, "b"), (0, "c"), (1, "c"), (2, "c"), (2, "c")];
    let edges = [(0, 1), (0, 1), (0, 1), (2, 3), (4, 5), (1, 6), (1, 7)];
    let picture = layout(&structure(&nodes, &edges));
    let sites: Vec<&str> = picture.bands.iter().map(|band| band.site.as_str()).collect();
    assert_eq!(sites, ["a", "c", "b"]);
}

#[test]
fn crossings_are_those_of_the_plain_count() {
    let graph = large(120, 3);
    let rank: Vec<usize> = (0..graph.nodes.len()).map(|i| i * 7 % graph.nodes.len()).collect();
    let mut plain = 0;
    for (i, (a, b)) in graph.edges.iter().enumerate() {
        for (c, d) in &graph.edges[i + 1..] {
            let same = graph.nodes[*a].0 == graph.nodes[*c].0;
            let (left, right) = (rank[*a].cmp(&rank[*c]), rank[*b].cmp(&rank[*d]));
            plain += u64::from(same && left == right.reverse() && left.is_ne());
        }
    }
    assert_eq!(crossings(&graph, &rank), plain);
}

#[test]
fn the_same_structure_has_the_same_picture() {
    let graph = large(300, 4);
    assert_eq!(layout(&graph), layout(&graph.clone()));
}

#[test]
fn two_thousand_nodes_are_laid_out_while_nobody_waits() {
    let graph = large(2_000, 3);
    // Without optimisation it may take ten times as long, and the machine may be busy: the best of three counts.
    let limit = Duration::from_millis(if cfg!(debug_assertions) { 1_000 } else { 100 });
    let best = (0..3)
        .map(|_| {
            let start = Instant::now();
            check_is_sound(&graph, &layout(&graph));
            start.elapsed()
        })
        .min()
        .expect("three runs");
    assert!(best < limit, "{best:?}");
}
