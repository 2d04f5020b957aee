//! Geometry of the mesh map: real coordinates, so that the degree lines are information. Sites without coordinates
//! stand in a row below.

/// Radius within which a site keeps its surroundings free of links.
pub const BERTH: f64 = 33.0;
/// The two directions of a link lie this far from its middle.
const LANE: f64 = 4.5;
/// How much a link bends, as a part of its length.
const BEND: f64 = 0.1;
/// A drawing that shows less than this many degrees would only show the noise of coordinates.
const SPAN_MIN: f64 = 3.0;
/// Sites are kept this far apart.
const APART: f64 = 86.0;
/// Sites without coordinates in one row.
const ROW_MAX: usize = 5;
/// Words of a link that cover more than this (square units, a crossed link counts as many) are left out.
const COVERED_MAX: f64 = 700.0;
/// Height of such a row.
const ROW: f64 = 112.0;

/// A point of the drawing.
pub type Point = (f64, f64);

/// The room there is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Width.
    pub width: f64,
    /// Height of the part with coordinates.
    pub height: f64,
    /// Room left and right, where names stand.
    pub side: f64,
    /// Room above and below.
    pub edge: f64,
}

/// A degree line.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// `x` of a meridian, `y` of a parallel.
    pub at: f64,
    /// `5°E`.
    pub label: String,
}

/// The chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// One point per site, in their order.
    pub points: Vec<Point>,
    /// Lines from north to south.
    pub meridians: Vec<Line>,
    /// Lines from west to east.
    pub parallels: Vec<Line>,
    /// Height of the whole drawing.
    pub height: f64,
}

/// Places sites by (degrees north, degrees east).
#[must_use]
pub fn chart(sites: &[Option<(f64, f64)>], frame: Frame) -> Chart {
    let known: Vec<(f64, f64)> = sites.iter().copied().flatten().collect();
    let unknown = sites.len() - known.len();
    let rows = unknown.div_ceil(ROW_MAX) as f64 * ROW;
    let sea = if known.is_empty() { 0.0 } else { frame.height };
    let projection = Projection::of(&known, frame);
    let mut next = 0;
    let mut points: Vec<Point> = sites
        .iter()
        .map(|site| match (site, &projection) {
            (Some(degrees), Some(projection)) => projection.point(*degrees),
            _ => {
                next += 1;
                in_row(next - 1, unknown, frame.width, sea)
            }
        })
        .collect();
    part(&mut points, sites, frame);
    let (meridians, parallels) = projection.map(|projection| projection.lines(frame)).unwrap_or_default();
    Chart { points, meridians, parallels, height: (sea + rows).max(ROW) }
}

fn in_row(i: usize, count: usize, width: f64, top: f64) -> Point {
    let row = i / ROW_MAX;
    let here = (count - row * ROW_MAX).min(ROW_MAX);
    let step = width / here as f64;
    (step * ((i % ROW_MAX) as f64 + 0.5) - 30.0, top + row as f64 * ROW + ROW / 2.0)
}

/// Moves sites apart that would lie on each other: neighbours in one city are still two places.
fn part(points: &mut [Point], sites: &[Option<(f64, f64)>], frame: Frame) {
    for _ in 0..40 {
        let mut moved = false;
        for i in 0..points.len() {
            for j in i + 1..points.len() {
                if sites[i].is_none() || sites[j].is_none() {
                    continue;
                }
                let (dx, dy) = (points[j].0 - points[i].0, points[j].1 - points[i].1);
                let distance = dx.hypot(dy);
                if distance >= APART {
                    continue;
                }
                moved = true;
                // On the very same spot: apart by their order, so that it is the same on every side.
                let (ux, uy) = if distance < 0.01 {
                    let turn = (i * 7 + j) as f64;
                    (turn.cos(), turn.sin())
                } else {
                    (dx / distance, dy / distance)
                };
                let push = (APART - distance) / 2.0 + 0.1;
                points[i] = inside((points[i].0 - ux * push, points[i].1 - uy * push), frame);
                points[j] = inside((points[j].0 + ux * push, points[j].1 + uy * push), frame);
            }
        }
        if !moved {
            return;
        }
    }
}

fn inside((x, y): Point, frame: Frame) -> Point {
    (x.clamp(BERTH + 8.0, frame.width - BERTH - 8.0), y.clamp(BERTH + 8.0, frame.height - BERTH - 8.0))
}

/// Equal angles, shrunk to the east by the cosine of the middle latitude: true enough over a continent.
#[derive(Clone, Copy, Debug)]
struct Projection {
    middle: (f64, f64),
    scale: f64,
    shrink: f64,
    centre: Point,
}

impl Projection {
    fn of(known: &[(f64, f64)], frame: Frame) -> Option<Self> {
        let first = known.first()?;
        let mut low = *first;
        let mut high = *first;
        for (north, east) in known {
            low = (low.0.min(*north), low.1.min(*east));
            high = (high.0.max(*north), high.1.max(*east));
        }
        let middle = (f64::midpoint(low.0, high.0), f64::midpoint(low.1, high.1));
        let shrink = middle.0.to_radians().cos().max(0.1);
        let tall = (high.0 - low.0).max(SPAN_MIN);
        let wide = ((high.1 - low.1) * shrink).max(SPAN_MIN);
        let scale = ((frame.width - 2.0 * frame.side) / wide).min((frame.height - 2.0 * frame.edge) / tall);
        Some(Self { middle, scale, shrink, centre: (frame.width / 2.0, frame.height / 2.0) })
    }

    fn point(&self, (north, east): (f64, f64)) -> Point {
        let x = self.centre.0 + (east - self.middle.1) * self.shrink * self.scale;
        let y = self.centre.1 - (north - self.middle.0) * self.scale;
        (x, y)
    }

    fn lines(&self, frame: Frame) -> (Vec<Line>, Vec<Line>) {
        let east = |x: f64| (x - self.centre.0) / self.scale / self.shrink + self.middle.1;
        let north = |y: f64| self.middle.0 - (y - self.centre.1) / self.scale;
        let meridians = degrees(east(0.0), east(frame.width), 180.0)
            .map(|degree| Line { at: self.point((self.middle.0, degree)).0, label: label(degree, "E", "W") })
            .collect();
        let parallels = degrees(north(frame.height), north(0.0), 90.0)
            .map(|degree| Line { at: self.point((degree, self.middle.1)).1, label: label(degree, "N", "S") })
            .collect();
        (meridians, parallels)
    }
}

/// Round degrees between two limits, at most eight of them.
fn degrees(low: f64, high: f64, bound: f64) -> impl Iterator<Item = f64> {
    let (low, high) = (low.max(-bound), high.min(bound));
    let step = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0].into_iter().find(|step| (high - low) / step <= 7.0).unwrap_or(60.0);
    let mut next = (low / step).ceil() * step;
    std::iter::from_fn(move || {
        let degree = next;
        next += step;
        (degree <= high).then_some(degree)
    })
}

fn label(degree: f64, positive: &str, negative: &str) -> String {
    let side = if degree > 0.0 {
        positive
    } else if degree < 0.0 {
        negative
    } else {
        ""
    };
    format!("{:.0}°{side}", degree.abs())
}

/// A link: its two lanes, its middle line, and where its words stand.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// From the first end to the second.
    pub forward: String,
    /// From the second end to the first.
    pub backward: String,
    /// The line between the lanes.
    pub middle: String,
    /// Where the first line of words may stand: outside of the bend, or inside.
    pub words: [Words; 2],
}

/// A place for two lines of words.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Words {
    /// The base line of the first.
    pub at: Point,
    /// How they are anchored.
    pub anchor: Anchor,
}

/// How a text lies on its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

impl Anchor {
    /// The value of `text-anchor`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// The curve of a link.
#[must_use]
pub fn curve(a: Point, b: Point) -> Curve {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx.hypot(dy).max(1.0);
    let normal = (-dy / length, dx / length);
    let shift = |point: Point, by: f64| (point.0 + normal.0 * by, point.1 + normal.1 * by);
    let middle = (f64::midpoint(a.0, b.0), f64::midpoint(a.1, b.1));
    let up = if dx > 0.0 { -1.0 } else { 1.0 };
    let control = control(a, b);
    let (from, to) = (towards(a, control), towards(b, control));
    let line = |from: Point, to: Point, by: f64| {
        let (from, control, to) = (shift(from, by), shift(control, by), shift(to, by));
        format!("M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}", from.0, from.1, control.0, control.1, to.0, to.1)
    };
    // Beside a steep line words stand at one side; above or below a flat one in the middle.
    let words = |side: f64| {
        let at = shift(middle, up * (length * BEND / 2.0 + side * 20.0));
        let across = normal.0 * up * side;
        let anchor = if across.abs() < 0.3 {
            Anchor::Middle
        } else if across < 0.0 {
            Anchor::End
        } else {
            Anchor::Start
        };
        Words { at: (at.0, at.1 - 6.0), anchor }
    };
    Curve {
        forward: line(from, to, LANE),
        backward: line(to, from, -LANE),
        middle: line(from, to, 0.0),
        words: [words(1.0), words(-1.0)],
    }
}

/// Where the captions of a site stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Beside it, on the right.
    Right,
    /// Beside it, on the left.
    Left,
    /// Below it.
    Below,
    /// Above it.
    Above,
}

/// A rectangle: left, top, width, height.
type Area = (f64, f64, f64, f64);

/// Where captions and words go so that they cover each other, the sites and the links as little as they can: sites first,
/// in their order, then links, each at the first place that covers least. Words that would cover too much are left out:
/// the link's name and the table have them. `widths` are those of the captions.
#[must_use]
pub fn captions(
    points: &[Point],
    widths: &[f64],
    links: &[(usize, usize)],
    words_width: f64,
    frame: Frame,
    height: f64,
) -> (Vec<Side>, Vec<Option<Words>>) {
    let mut taken: Vec<Area> = points.iter().map(|(x, y)| (x - BERTH, y - BERTH, 2.0 * BERTH, 2.0 * BERTH)).collect();
    let lines: Vec<Point> = links
        .iter()
        .flat_map(|(a, b)| (1..20).map(|i| f64::from(i) / 20.0).map(|part| on_curve(points[*a], points[*b], part)))
        .collect();
    let cost = |area: Area, taken: &[Area]| {
        let covered: f64 = taken.iter().map(|other| shared(area, *other)).sum();
        let crossed = lines.iter().filter(|point| holds(area, **point)).count() as f64 * 120.0;
        let outside = area.2 * area.3 - shared(area, (0.0, 0.0, frame.width, height));
        covered + crossed + outside * 20.0
    };
    let mut sides = Vec::with_capacity(points.len());
    for (point, width) in points.iter().zip(widths) {
        let best = least([Side::Right, Side::Left, Side::Below, Side::Above], |side| {
            cost(caption_area(*point, *width, *side), &taken)
        });
        taken.push(caption_area(*point, *width, best));
        sides.push(best);
    }
    let mut words = Vec::with_capacity(links.len());
    for (a, b) in links {
        let best = least(curve(points[*a], points[*b]).words, |words| cost(words_area(words, words_width), &taken));
        let clear = cost(words_area(&best, words_width), &taken) <= COVERED_MAX;
        if clear {
            taken.push(words_area(&best, words_width));
        }
        words.push(clear.then_some(best));
    }
    (sides, words)
}

/// The first of the places that cost least.
fn least<T: Copy, const N: usize>(places: [T; N], cost: impl Fn(&T) -> f64) -> T {
    let mut best = places[0];
    for place in &places[1..] {
        if cost(place) < cost(&best) {
            best = *place;
        }
    }
    best
}

fn caption_area((x, y): Point, width: f64, side: Side) -> Area {
    match side {
        Side::Right => (x + BERTH, y - 20.0, width, 46.0),
        Side::Left => (x - BERTH - width, y - 20.0, width, 46.0),
        Side::Below => (x - width / 2.0, y + BERTH, width, 46.0),
        Side::Above => (x - width / 2.0, y - BERTH - 46.0, width, 46.0),
    }
}

fn words_area(words: &Words, width: f64) -> Area {
    let left = match words.anchor {
        Anchor::Start => words.at.0,
        Anchor::Middle => words.at.0 - width / 2.0,
        Anchor::End => words.at.0 - width,
    };
    (left, words.at.1 - 11.0, width, 30.0)
}

/// The area that two rectangles share.
fn shared(a: Area, b: Area) -> f64 {
    let side = |low_a: f64, size_a: f64, low_b: f64, size_b: f64| {
        ((low_a + size_a).min(low_b + size_b) - low_a.max(low_b)).max(0.0)
    };
    side(a.0, a.2, b.0, b.2) * side(a.1, a.3, b.1, b.3)
}

fn holds(area: Area, (x, y): Point) -> bool {
    (area.0..=area.0 + area.2).contains(&x) && (area.1..=area.1 + area.3).contains(&y)
}

/// A point of the middle line of a link.
fn on_curve(a: Point, b: Point, part: f64) -> Point {
    let control = control(a, b);
    let mix =
        |a: f64, c: f64, b: f64| (1.0 - part) * (1.0 - part) * a + 2.0 * part * (1.0 - part) * c + part * part * b;
    (mix(a.0, control.0, b.0), mix(a.1, control.1, b.1))
}

/// The point that bends a link, always upwards, as great circles do on such a chart.
fn control(a: Point, b: Point) -> Point {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let up = if dx > 0.0 { -BEND } else { BEND };
    (f64::midpoint(a.0, b.0) - dy * up, f64::midpoint(a.1, b.1) + dx * up)
}

/// The point on the way from a site to `aim` where its berth ends.
fn towards(site: Point, aim: Point) -> Point {
    let (dx, dy) = (aim.0 - site.0, aim.1 - site.1);
    let length = dx.hypot(dy).max(1.0);
    let part = (BERTH / length).min(0.45);
    (site.0 + dx * part, site.1 + dy * part)
}

/// The arcs of a ring around a site: one per agent, with a gap between them. A single agent has the whole ring, as two
/// halves, because an arc cannot end where it begins.
#[must_use]
pub fn arcs(centre: Point, radius: f64, count: usize) -> Vec<String> {
    let gap = if count > 1 { 0.24 } else { 0.0 };
    let each = std::f64::consts::TAU / count.max(1) as f64;
    let at = |angle: f64| (centre.0 + radius * angle.sin(), centre.1 - radius * angle.cos());
    (0..count)
        .map(|i| {
            let (start, end) = (i as f64 * each + gap / 2.0, (i + 1) as f64 * each - gap / 2.0);
            let (from, half, to) = (at(start), at(f64::midpoint(start, end)), at(end));
            format!(
                "M{:.1} {:.1}A{radius} {radius} 0 0 1 {:.1} {:.1}A{radius} {radius} 0 0 1 {:.1} {:.1}",
                from.0, from.1, half.0, half.1, to.0, to.1
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Frame = Frame { width: 844.0, height: 428.0, side: 150.0, edge: 70.0 };
    const PARIS: (f64, f64) = (48.86, 2.35);
    const BERLIN: (f64, f64) = (52.52, 13.40);
    const LYON: (f64, f64) = (45.76, 4.84);

    #[test]
    fn sites_lie_as_on_a_chart() {
        let chart = chart(&[Some(PARIS), Some(BERLIN), Some(LYON)], FRAME);
        let [paris, berlin, lyon] = chart.points[..] else { panic!("three points") };
        assert!(berlin.0 > paris.0 && berlin.1 < paris.1, "Berlin is north-east of Paris");
        assert!(lyon.0 > paris.0 && lyon.1 > paris.1, "Lyon is south-east of Paris");
        for (x, y) in chart.points {
            assert!((0.0..=FRAME.width).contains(&x) && (0.0..=FRAME.height).contains(&y));
        }
        let labels: Vec<&str> = chart.parallels.iter().map(|line| line.label.as_str()).collect();
        assert!(labels.contains(&"48°N"), "{labels:?}");
    }

    #[test]
    fn sites_without_coordinates_stand_in_a_row_below() {
        let picture = chart(&[Some(PARIS), None, None], FRAME);
        assert!(picture.points[1].1 > FRAME.height && picture.points[2].0 > picture.points[1].0);
        assert!(picture.height > picture.points[2].1);
        let nothing_known = chart(&[None, None], FRAME);
        assert!(nothing_known.meridians.is_empty() && nothing_known.height < FRAME.height);
    }

    #[test]
    fn two_sites_in_one_city_do_not_lie_on_each_other() {
        let chart = chart(&[Some(PARIS), Some(PARIS), Some(BERLIN)], FRAME);
        let (dx, dy) = (chart.points[0].0 - chart.points[1].0, chart.points[0].1 - chart.points[1].1);
        assert!(dx.hypot(dy) > APART - 1.0);
    }

    #[test]
    fn degree_lines_are_round_and_few() {
        assert_eq!(degrees(-3.2, 17.9, 180.0).collect::<Vec<_>>(), [0.0, 5.0, 10.0, 15.0]);
        assert!(degrees(-179.0, 179.0, 180.0).count() <= 8);
        assert_eq!([label(0.0, "E", "W"), label(-5.0, "E", "W"), label(5.0, "E", "W")], ["0°", "5°W", "5°E"]);
    }

    #[test]
    fn a_ring_has_an_arc_for_each_agent() {
        assert_eq!(arcs((0.0, 0.0), 27.0, 3).len(), 3);
        assert!(arcs((0.0, 0.0), 27.0, 0).is_empty());
    }

    #[test]
    fn captions_leave_links_sites_and_each_other_free() {
        // The second site lies left of the first and is linked with it; a third one lies close below.
        let points = [(400.0, 200.0), (250.0, 210.0), (420.0, 300.0)];
        let links = [(1, 0), (2, 0)];
        let (sides, words) = captions(&points, &[100.0, 100.0, 100.0], &links, 110.0, FRAME, FRAME.height);
        assert_eq!(sides[0], Side::Right, "the left is where its link comes from");
        assert_eq!(sides[1], Side::Left);
        let areas: Vec<Area> =
            points.iter().zip(&sides).map(|(point, side)| caption_area(*point, 100.0, *side)).collect();
        assert!(words[0].is_some(), "there is room above the first link");
        for words in words.into_iter().flatten() {
            for area in &areas {
                assert!(shared(words_area(&words, 110.0), *area) < 1.0, "{words:?} on {area:?}");
            }
        }
    }

    #[test]
    fn lanes_run_in_opposite_directions() {
        let curve = curve((0.0, 0.0), (200.0, 0.0));
        assert!(curve.forward.starts_with("M3"), "{}", curve.forward);
        assert!(curve.backward.starts_with("M16"), "{}", curve.backward);
    }
}
