//! Orders for the flow graph: of the bands, and of the nodes within each column of each band.

use std::collections::BTreeMap;

use super::layout::Structure;

/// Sweeps over the three columns. More did not help in graphs of 60 to 2,000 nodes.
const SWEEPS: usize = 24;

/// Sites from top to bottom and the band of each node. Starts with the busiest site and goes on with the one that has
/// most to do with those placed last; ties go by name.
pub(super) fn bands(structure: &Structure) -> (Vec<String>, Vec<usize>) {
    let mut weight: BTreeMap<&str, usize> = BTreeMap::new();
    let mut between: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (_, site) in &structure.nodes {
        weight.entry(site).or_default();
    }
    for (from, to) in &structure.edges {
        let (from, to) = (structure.nodes[*from].1.as_str(), structure.nodes[*to].1.as_str());
        *weight.entry(from).or_default() += 1;
        *weight.entry(to).or_default() += 1;
        if from != to {
            *between.entry((from, to)).or_default() += 1;
            *between.entry((to, from)).or_default() += 1;
        }
    }
    let mut left: Vec<&str> = weight.keys().copied().collect();
    let mut sites: Vec<&str> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let last = sites.last().copied();
        let score = |site: &str| {
            let near = last.and_then(|last| between.get(&(last, site))).copied().unwrap_or(0);
            (near, weight.get(site).copied().unwrap_or(0))
        };
        // The first of the best: `left` is in the order of names.
        let mut best = 0;
        for i in 1..left.len() {
            if score(left[i]) > score(left[best]) {
                best = i;
            }
        }
        sites.push(left.remove(best));
    }
    let place: BTreeMap<&str, usize> = sites.iter().enumerate().map(|(i, site)| (*site, i)).collect();
    let band_of = structure.nodes.iter().map(|(_, site)| place[site.as_str()]).collect();
    (sites.into_iter().map(str::to_owned).collect(), band_of)
}

/// Nodes of each column of each band from top to bottom.
pub(super) fn columns(structure: &Structure, band_of: &[usize], bands: usize) -> Vec<[Vec<usize>; 3]> {
    let mut columns: Vec<[Vec<usize>; 3]> = vec![Default::default(); bands];
    for (node, (column, _)) in structure.nodes.iter().enumerate() {
        columns[band_of[node]][(*column).min(2)].push(node);
    }
    let sides = Sides::of(structure);
    let mut rank = ranks(&columns, structure.nodes.len());
    let mut best = (crossings(structure, &rank), columns.clone());
    for sweep in 0..SWEEPS {
        if best.0 == 0 {
            break;
        }
        let down = sweep % 2 == 0;
        for column in if down { [1, 2, 0] } else { [1, 0, 2] } {
            for band in &mut columns {
                // The topics look to one side in one sweep and to the other in the next.
                sort_by_centre(&mut band[column], &sides, column == 2 || (column == 1 && down), &rank);
            }
            rank = ranks(&columns, structure.nodes.len());
        }
        let found = crossings(structure, &rank);
        if found < best.0 {
            best = (found, columns.clone());
        }
    }
    best.1
}

/// Neighbours of each node on its left and on its right.
struct Sides {
    left: Vec<Vec<usize>>,
    right: Vec<Vec<usize>>,
}

impl Sides {
    fn of(structure: &Structure) -> Self {
        let empty = vec![Vec::new(); structure.nodes.len()];
        let mut sides = Self { left: empty.clone(), right: empty };
        for (from, to) in &structure.edges {
            sides.right[*from].push(*to);
            sides.left[*to].push(*from);
        }
        sides
    }
}

/// The position of each node within the whole of its column, over all bands.
fn ranks(columns: &[[Vec<usize>; 3]], count: usize) -> Vec<usize> {
    let mut rank = vec![0; count];
    for column in 0..3 {
        for (i, node) in columns.iter().flat_map(|band| &band[column]).enumerate() {
            rank[*node] = i;
        }
    }
    rank
}

/// Sorts by the mean rank of the neighbours at one side (or at the other, when there are none); nodes without any stay
/// where they are.
fn sort_by_centre(nodes: &mut [usize], sides: &Sides, left: bool, rank: &[usize]) {
    let centre = |node: usize| {
        let (first, second) = if left { (&sides.left, &sides.right) } else { (&sides.right, &sides.left) };
        let near = if first[node].is_empty() { &second[node] } else { &first[node] };
        if near.is_empty() {
            return rank[node] as f64;
        }
        near.iter().map(|other| rank[*other] as f64).sum::<f64>() / near.len() as f64
    };
    let mut keyed: Vec<(f64, usize)> = nodes.iter().map(|node| (centre(*node), *node)).collect();
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (slot, (_, node)) in nodes.iter_mut().zip(keyed) {
        *slot = node;
    }
}

/// How many pairs of edges cross, counted with a binary indexed tree: edges in the order of their left ends, each asks
/// how many before it end below it.
pub(super) fn crossings(structure: &Structure, rank: &[usize]) -> u64 {
    let mut total = 0;
    for column in [0, 1] {
        let mut ends: Vec<(usize, usize)> = structure
            .edges
            .iter()
            .filter(|(from, _)| structure.nodes[*from].0 == column)
            .map(|(from, to)| (rank[*from], rank[*to]))
            .collect();
        ends.sort_unstable();
        let size = ends.iter().map(|(_, to)| to + 1).max().unwrap_or(0);
        let mut tree = vec![0_u64; size + 1];
        for (before, (_, to)) in ends.iter().enumerate() {
            total += before as u64 - up_to(&tree, to + 1);
            add(&mut tree, to + 1);
        }
    }
    total
}

fn up_to(tree: &[u64], mut i: usize) -> u64 {
    let mut sum = 0;
    while i > 0 {
        sum += tree[i];
        i &= i - 1;
    }
    sum
}

fn add(tree: &mut [u64], mut i: usize) {
    while i < tree.len() {
        tree[i] += 1;
        i += i & i.wrapping_neg();
    }
}
