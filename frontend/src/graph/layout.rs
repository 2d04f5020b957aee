//! The layout of the flow graph: columns producer, topic, consumer; one band per site.
//!
//! Fixed columns and bands cost crossings that a free layout would avoid, but a reader always knows where to look, and
//! 2,000 nodes take milliseconds. Only the structure counts, never a rate: a picture that follows live changes must not
//! jump because somebody sends a little more.
//!
//! 1. Bands are ordered so that sites with much between them are neighbours ([`order::bands`](super::order)).
//! 2. Within a band each column is ordered by barycentre sweeps; the order with the fewest crossings stays.
//! 3. Heights follow the neighbours as closely as the order and the spacing allow (isotonic regression by pooling).

use super::order;

/// Width of the drawing.
pub const WIDTH: f64 = 936.0;
/// Height of a node.
pub const NODE_HEIGHT: f64 = 26.0;
/// From one node to the next of its column.
pub const PITCH: f64 = 32.0;
/// Left edge and width of each column: producers, topics, consumers.
pub const COLUMNS: [(f64, f64); 3] = [(20.0, 176.0), (272.0, 296.0), (740.0, 176.0)];
/// Above the first band, where the columns have their names.
const TOP: f64 = 30.0;
/// Head of a band with the site's name.
const BAND_HEAD: f64 = 32.0;
/// Below the last node of a band.
const BAND_FOOT: f64 = 10.0;
/// Between bands.
const BAND_GAP: f64 = 8.0;
/// Times the heights are pulled towards the neighbours.
const PULLS: usize = 6;

/// What is to be laid out. Two equal structures have equal pictures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Structure {
    /// Column (0 to 2) and site of each node.
    pub nodes: Vec<(usize, String)>,
    /// Edges between nodes by their position in `nodes`; from the left to the right.
    pub edges: Vec<(usize, usize)>,
}

/// Where a node is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
}

impl Place {
    /// Half of its height.
    #[must_use]
    pub fn middle(self) -> f64 {
        self.y + NODE_HEIGHT / 2.0
    }

    /// Right edge.
    #[must_use]
    pub fn right(self) -> f64 {
        self.x + self.width
    }
}

/// The band of a site.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// The site's name.
    pub site: String,
    /// Upper edge.
    pub y: f64,
    /// Height.
    pub height: f64,
}

/// The picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layout {
    /// One place per node, in the order of the structure.
    pub places: Vec<Place>,
    /// Bands from top to bottom.
    pub bands: Vec<Band>,
    /// Height of the drawing.
    pub height: f64,
}

/// Lays out.
#[must_use]
pub fn layout(structure: &Structure) -> Layout {
    let (sites, band_of) = order::bands(structure);
    let columns = order::columns(structure, &band_of, sites.len());
    let (bands, height) = stack(&sites, &columns);
    let near = neighbours(structure);
    let mut heights = spread(&columns, &bands, structure.nodes.len());
    for pull in 0..PULLS {
        // Topics first, because both other columns hang on them; then outwards.
        for column in if pull % 2 == 0 { [1, 0, 2] } else { [0, 2, 1] } {
            for (band, columns) in bands.iter().zip(&columns) {
                settle(&columns[column], band, &near, &mut heights);
            }
        }
    }
    let places = structure
        .nodes
        .iter()
        .zip(heights)
        .map(|((column, _), y)| {
            let (x, width) = COLUMNS[(*column).min(2)];
            Place { x, y, width }
        })
        .collect();
    Layout { places, bands, height }
}

/// The bands one below the other, each as high as its fullest column needs.
fn stack(sites: &[String], columns: &[[Vec<usize>; 3]]) -> (Vec<Band>, f64) {
    let mut y = TOP;
    let mut bands = Vec::with_capacity(sites.len());
    for (site, columns) in sites.iter().zip(columns) {
        let most = columns.iter().map(Vec::len).max().unwrap_or(0);
        let height = BAND_HEAD + most as f64 * PITCH - (PITCH - NODE_HEIGHT) + BAND_FOOT;
        bands.push(Band { site: site.clone(), y, height });
        y += height + BAND_GAP;
    }
    (bands, y)
}

fn neighbours(structure: &Structure) -> Vec<Vec<usize>> {
    let mut near = vec![Vec::new(); structure.nodes.len()];
    for (from, to) in &structure.edges {
        near[*from].push(*to);
        near[*to].push(*from);
    }
    near
}

/// Upper edge of the first node and room for all nodes of a column in a band.
fn room(band: &Band, count: usize) -> (f64, f64) {
    let top = band.y + BAND_HEAD;
    let free = band.height - BAND_HEAD - BAND_FOOT - NODE_HEIGHT - (count.saturating_sub(1)) as f64 * PITCH;
    (top, free.max(0.0))
}

/// First heights: each column in its order, in the middle of its band.
fn spread(columns: &[[Vec<usize>; 3]], bands: &[Band], count: usize) -> Vec<f64> {
    let mut heights = vec![0.0; count];
    for (band, columns) in bands.iter().zip(columns) {
        for column in columns {
            let (top, free) = room(band, column.len());
            for (i, node) in column.iter().enumerate() {
                heights[*node] = top + free / 2.0 + i as f64 * PITCH;
            }
        }
    }
    heights
}

/// Moves the nodes of one column in one band as near to the mean of their neighbours as order and spacing allow.
///
/// With `offset = height - i * PITCH` the spacing becomes "never decreasing", which pooling adjacent violators solves
/// exactly; clamping to the band keeps it.
fn settle(column: &[usize], band: &Band, near: &[Vec<usize>], heights: &mut [f64]) {
    let (top, free) = room(band, column.len());
    // Pools of (sum of wishes, how many).
    let mut pools: Vec<(f64, usize)> = Vec::with_capacity(column.len());
    for (i, node) in column.iter().enumerate() {
        let near = &near[*node];
        let wish = if near.is_empty() {
            heights[*node]
        } else {
            near.iter().map(|other| heights[*other]).sum::<f64>() / near.len() as f64
        };
        pools.push((wish - i as f64 * PITCH, 1));
        while let [.., (before, count_before), (last, count_last)] = pools[..] {
            if before / count_before as f64 <= last / count_last as f64 {
                break;
            }
            pools.pop();
            if let Some(pool) = pools.last_mut() {
                *pool = (before + last, count_before + count_last);
            }
        }
    }
    let mut nodes = column.iter().enumerate();
    for (sum, count) in pools {
        let offset = (sum / count as f64).clamp(top, top + free);
        for (i, node) in nodes.by_ref().take(count) {
            heights[*node] = offset + i as f64 * PITCH;
        }
    }
}

#[cfg(test)]
mod tests;
