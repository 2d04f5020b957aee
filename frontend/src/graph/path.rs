//! Edges of the flow graph: they leave a node in the order of their targets and stack by width, so that no two lie on
//! each other where they start or end.

use super::layout::{Layout, NODE_HEIGHT};

/// Air between two edges at a node.
const AIR: f64 = 1.0;

/// Width of an edge that carries `rate` events per second: every factor of ten is as much wider.
#[must_use]
pub fn width(rate: f64) -> f64 {
    1.3 + 1.3 * (1.0 + rate.max(0.0)).log10()
}

/// The `d` of each edge, in the order of `edges` (from, to, width).
#[must_use]
pub fn edges(layout: &Layout, edges: &[(usize, usize, f64)]) -> Vec<String> {
    let starts = ports(layout, edges, |edge| edge.0, |edge| edge.1);
    let ends = ports(layout, edges, |edge| edge.1, |edge| edge.0);
    edges
        .iter()
        .zip(starts.into_iter().zip(ends))
        .map(|(edge, (start, end))| curve(layout.places[edge.0].right(), start, layout.places[edge.1].x, end))
        .collect()
}

fn curve(x1: f64, y1: f64, x2: f64, y2: f64) -> String {
    let reach = (x2 - x1) * 0.48;
    format!("M{x1:.1} {y1:.1}C{:.1} {y1:.1} {:.1} {y2:.1} {x2:.1} {y2:.1}", x1 + reach, x2 - reach)
}

/// The height at which each edge meets its node at one end. Stacks that are higher than the node are pressed together.
fn ports(
    layout: &Layout,
    edges: &[(usize, usize, f64)],
    here: impl Fn(&(usize, usize, f64)) -> usize,
    there: impl Fn(&(usize, usize, f64)) -> usize,
) -> Vec<f64> {
    let mut at: Vec<Vec<usize>> = vec![Vec::new(); layout.places.len()];
    for (i, edge) in edges.iter().enumerate() {
        at[here(edge)].push(i);
    }
    let mut heights = vec![0.0; edges.len()];
    for (node, mut met) in at.into_iter().enumerate() {
        met.sort_by(|a, b| {
            let y = |i: &usize| layout.places[there(&edges[*i])].y;
            y(a).total_cmp(&y(b)).then(a.cmp(b))
        });
        let total = met.iter().map(|i| edges[*i].2 + AIR).sum::<f64>();
        let press = ((NODE_HEIGHT - 8.0) / total).min(1.0);
        let mut y = layout.places[node].middle() - total * press / 2.0;
        for i in met {
            let room = (edges[i].2 + AIR) * press;
            heights[i] = y + room / 2.0;
            y += room;
        }
    }
    heights
}

/// A text that fits into `room` units at `unit` per letter; what is left out is the beginning, because the end tells
/// names apart. The whole belongs into a title.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few dozen letters")]
pub fn fit(text: &str, room: f64, unit: f64) -> String {
    let letters = (room / unit).max(2.0) as usize;
    let count = text.chars().count();
    if count <= letters {
        return text.to_owned();
    }
    let tail: String = text.chars().skip(count - (letters - 1)).collect();
    format!("…{tail}")
}

#[cfg(test)]
mod tests {
    use super::super::layout::{Structure, layout};
    use super::*;

    #[test]
    fn edges_of_a_node_leave_in_the_order_of_their_targets() {
        let hq = || "hq".to_owned();
        let structure = Structure { nodes: vec![(0, hq()), (1, hq()), (1, hq())], edges: vec![(0, 1), (0, 2)] };
        let picture = layout(&structure);
        let starts = ports(&picture, &[(0, 1, 2.0), (0, 2, 2.0)], |edge| edge.0, |edge| edge.1);
        let upper = picture.places[1].y < picture.places[2].y;
        assert_eq!(starts[0] < starts[1], upper);
        assert!((starts[0] - starts[1]).abs() >= 2.0, "{starts:?}");
    }

    #[test]
    fn width_grows_with_the_order_of_magnitude() {
        assert!((width(0.0) - 1.3).abs() < 1e-9);
        assert!((width(9999.0) - 6.5).abs() < 0.01);
        assert!(width(-1.0) >= 1.3);
    }

    #[test]
    fn long_names_lose_their_beginning() {
        assert_eq!(fit("orders", 100.0, 6.0), "orders");
        assert_eq!(fit("sensors/berlin/press-7/vibration", 60.0, 6.0), "…vibration");
    }
}
