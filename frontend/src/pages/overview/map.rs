//! The mesh on its map: where sites are, how their agents are, and what moves between them.

use leptos::prelude::*;
use mesh_protocol::id::SiteId;

use crate::api::{LinkFlow, Overview, SiteState};
use crate::components::{Icon, Stamp};
use crate::format;
use crate::graph::map::{Anchor, Chart, Curve, Frame, Point, Side, Words, arcs, captions as placed, chart, curve};
use crate::graph::path;

/// The drawing for wide and for narrow windows.
const WIDE: Frame = Frame { width: 844.0, height: 428.0, side: 170.0, edge: 66.0 };
const TALL: Frame = Frame { width: 390.0, height: 400.0, side: 68.0, edge: 70.0 };
/// Radius of the ring of agents, and of the site's disc.
const RING: f64 = 27.0;
const DISC: f64 = 21.0;
/// About how wide the words of a link are.
const WORDS_WIDTH: f64 = 124.0;

/// The map with its foot.
#[component]
pub(super) fn Map(overview: Signal<Overview>) -> impl IntoView {
    let as_of = Signal::derive(move || overview.with(|overview| overview.as_of));
    let from = Signal::derive(move || {
        overview.with(|overview| {
            format!("the portal, from {} of {} agents", overview.figures.agents_online, overview.figures.agents)
        })
    });
    view! {
        <section class="m-split__main m-map__frame" aria-label="Map of the mesh">
            <Drawing overview=overview frame=WIDE class="m-flow m-map m-map--wide"/>
            <Drawing overview=overview frame=TALL class="m-flow m-map m-map--tall"/>
            <p class="m-map__foot">
                <Stamp at_ms=as_of by=from/>
                <span class="m-map__legend m-not-narrow">
                    <svg viewBox="0 0 30 8" width="30" height="8" aria-hidden="true">
                        <path d="M1 4h28" class="m-flow__edge" data-evidence="observed" stroke-width="4.5"></path>
                        <path d="M1 4h28" class="m-flow__pulse"></path>
                    </svg>
                    "width is rate, log scale"
                </span>
                <span class="m-map__legend m-not-narrow">
                    <svg viewBox="0 0 30 8" width="30" height="8" aria-hidden="true"><path d="M1 4h28" class="m-map__down"></path></svg>
                    "link down"
                </span>
                <span class="m-map__legend m-not-narrow">
                    <svg viewBox="0 0 30 8" width="30" height="8" aria-hidden="true"><path d="M1 4h28" class="m-map__off"></path></svg>
                    "switched off"
                </span>
                <a href="/sites" class="m-map__all"><Icon name="table" small=true/>"Links as a table"</a>
            </p>
        </section>
    }
    .into_any()
}

#[component]
fn Drawing(overview: Signal<Overview>, frame: Frame, class: &'static str) -> impl IntoView {
    // Places change seldom, rates all the time.
    let chart = Memo::new(move |_| {
        overview.with(|overview| {
            let at = |site: &SiteState| site.location.map(|at| (at.latitude, at.longitude));
            chart(&overview.sites.iter().map(at).collect::<Vec<_>>(), frame)
        })
    });
    let view_box = move || format!("0 0 {} {:.0}", frame.width, chart.with(|chart| chart.height));
    let label = move || {
        overview.with(|overview| {
            format!(
                "Map of the mesh: {} and {}",
                format::plural(overview.sites.len(), "site"),
                format::plural(overview.links.len(), "link")
            )
        })
    };
    let ends = Memo::new(move |_| overview.with(ends));
    let places = Memo::new(move |_| {
        let widths = overview.with(|overview| overview.sites.iter().map(caption_width).collect::<Vec<_>>());
        chart.with(|chart| {
            let links: Vec<(usize, usize)> = ends.get().into_iter().map(|(_, from, to)| (from, to)).collect();
            placed(&chart.points, &widths, &links, WORDS_WIDTH, frame, chart.height)
        })
    });
    let links = move || {
        let (chart, (_, words)) = (chart.get(), places.get());
        overview.with(|overview| {
            let drawn = ends.get().into_iter().zip(words).filter_map(|((link, from, to), words)| {
                let end = |i: usize| Some((overview.sites.get(i)?, *chart.points.get(i)?));
                Some(link_view(overview.links.get(link)?, end(from)?, end(to)?, words))
            });
            drawn.collect_view()
        })
    };
    let sites = move || {
        let (chart, (sides, _)) = (chart.get(), places.get());
        overview.with(|overview| {
            let drawn = overview.sites.iter().zip(chart.points).zip(sides);
            drawn.map(|((site, point), side)| site_view(site, point, side)).collect_view()
        })
    };
    view! {
        <svg class=class viewBox=view_box role="group" aria-label=label>
            {move || graticule(&chart.get(), frame)}
            <g>{links}</g>
            <g>{sites}</g>
        </svg>
    }
    .into_any()
}

/// The links whose ends are there: its position and those of its sites.
fn ends(overview: &Overview) -> Vec<(usize, usize, usize)> {
    let at = |id: SiteId| overview.sites.iter().position(|site| site.id == id);
    let links = overview.links.iter().enumerate();
    links.filter_map(|(i, link)| Some((i, at(link.from)?, at(link.to)?))).collect()
}

/// About how wide the captions of a site are: rates change, so they count as four figures.
fn caption_width(site: &SiteState) -> f64 {
    let [name, agents, _] = captions(site);
    (7.4 * name.chars().count() as f64).max(6.0 * agents.chars().count() as f64).max(60.0)
}

fn graticule(chart: &Chart, frame: Frame) -> AnyView {
    let lines = chart
        .meridians
        .iter()
        .map(|line| format!("M{:.1} 0V{}", line.at, frame.height))
        .chain(chart.parallels.iter().map(|line| format!("M0 {:.1}H{}", line.at, frame.width)))
        .collect::<String>();
    let degree = |x: f64, y: f64, label: &str| {
        view! { <text class="m-map__deg" x=format!("{x:.1}") y=format!("{y:.1}")>{label.to_owned()}</text> }
    };
    let labels: Vec<_> = chart
        .meridians
        .iter()
        .map(|line| degree(line.at + 4.0, frame.height - 6.0, &line.label))
        .chain(
            chart
                .parallels
                .iter()
                .map(|line| degree(if frame.width > 600.0 { 24.0 } else { 16.0 }, line.at - 4.0, &line.label)),
        )
        .collect();
    view! { <g aria-hidden="true"><path class="m-map__grid" d=lines></path>{labels}</g> }.into_any()
}

/// How a link is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drawn {
    /// Frames pass, or nothing is known yet.
    Open,
    /// Somebody switched it off: no failure.
    Off,
    /// It should be there and is not.
    Down,
}

fn drawn(link: &LinkFlow) -> Drawn {
    match (link.enabled, link.up) {
        (false, _) => Drawn::Off,
        (true, Some(false)) => Drawn::Down,
        (true, _) => Drawn::Open,
    }
}

/// The words beside a link: two lines.
fn words(link: &LinkFlow, from: &str, to: &str) -> (String, String) {
    let waiting = match link.backlog_events {
        0 => None,
        1 => Some(format!("1 event waits, {}", format::bytes(link.backlog_bytes))),
        events => Some(format!("{} events wait, {}", format::count(events), format::bytes(link.backlog_bytes))),
    };
    let none = || "nothing waits for it".to_owned();
    match drawn(link) {
        Drawn::Down => ("link down".to_owned(), waiting.unwrap_or_else(none)),
        Drawn::Off => ("switched off".to_owned(), waiting.unwrap_or_else(none)),
        Drawn::Open => (
            format!("{}/s to {to}", format::rate(link.forward_rate)),
            format!("{}/s to {from}", format::rate(link.backward_rate)),
        ),
    }
}

/// That many events wait for a link that is open: with fewer it is what is just on its way.
const DRAINING: u64 = 100;

fn link_view(
    link: &LinkFlow,
    (from, a): (&SiteState, Point),
    (to, b): (&SiteState, Point),
    words_at: Option<Words>,
) -> AnyView {
    let shape = curve(a, b);
    let (first, second) = words(link, &from.name, &to.name);
    let draining = drawn(link) == Drawn::Open && link.backlog_events >= DRAINING;
    let third = draining.then(|| format!("{} events wait", format::count(link.backlog_events)));
    let tone = if drawn(link) == Drawn::Down { "m-map__bad" } else { "m-map__em" };
    let round_trip =
        link.round_trip_us.map(|us| format!(", round trip {:.1} ms", us as f64 / 1000.0)).unwrap_or_default();
    let more = third.as_ref().map(|third| format!(", {third}")).unwrap_or_default();
    let label = format!("Link {} to {}: {first}, {second}{more}{round_trip}", from.name, to.name);
    let lanes = lanes(link, &shape);
    let lines = words_at.map(|Words { at: (x, y), anchor }| {
        let anchor = anchor.name();
        view! {
            <text
                class=format!("m-flow__halo m-flow__num m-flow__note {tone}")
                x=format!("{x:.1}")
                y=format!("{y:.1}")
                text-anchor=anchor
            >
                {first}
            </text>
            <text class="m-flow__halo m-flow__num m-flow__note" x=format!("{x:.1}") y=format!("{:.1}", y + 15.0) text-anchor=anchor>
                {second}
            </text>
            {third.map(|third| view! {
                <text class="m-flow__halo m-flow__num m-flow__note m-map__em" x=format!("{x:.1}") y=format!("{:.1}", y + 30.0) text-anchor=anchor>
                    {third}
                </text>
            })}
        }
    });
    view! {
        <a href="/sites" class="m-map__link" aria-label=label>
            {lanes}
            {lines}
        </a>
    }
    .into_any()
}

/// One lane per direction, or one broken line. Dots run only where events do.
fn lanes(link: &LinkFlow, shape: &Curve) -> AnyView {
    let broken = |class: &'static str| view! { <path class=class d=shape.middle.clone()></path> }.into_any();
    match drawn(link) {
        Drawn::Down => return broken("m-map__down"),
        Drawn::Off => return broken("m-map__off"),
        Drawn::Open => {}
    }
    let lane = |d: &str, rate: f64| {
        let moving = link.up.is_some() && rate > 0.0;
        let evidence = if moving { "observed" } else { "permitted" };
        let pulse = moving.then(|| d.to_owned());
        view! {
            <path class="m-flow__edge" data-evidence=evidence d=d.to_owned() stroke-width=format!("{:.1}", path::width(rate) + 1.0)></path>
            {pulse.map(|d| view! { <path class="m-flow__pulse" d=d></path> })}
        }
    };
    view! { {lane(&shape.forward, link.forward_rate)} {lane(&shape.backward, link.backward_rate)} }.into_any()
}

/// The three lines beside a site.
fn captions(site: &SiteState) -> [String; 3] {
    let agents = usize::try_from(site.agents).unwrap_or(usize::MAX);
    let agents = match (site.agents_online, site.agents) {
        (_, 0) => "no agent yet".to_owned(),
        (online, all) if online == all => format::plural(agents, "agent"),
        (0, _) => format!("{}, out of reach", format::plural(agents, "agent")),
        (online, all) => format!("{online} of {all} agents"),
    };
    [site.name.clone(), agents, format!("{}/s in", format::rate(site.rate))]
}

fn site_view(site: &SiteState, (x, y): Point, side: Side) -> AnyView {
    let captions = captions(site);
    let label = captions.join(", ");
    let (online, all) = (site.agents_online as usize, site.agents as usize);
    let trouble = site.brokers.iter().any(|broker| broker.trouble.is_some());
    let berths: Vec<_> = arcs((x, y), RING, all.clamp(1, 12))
        .into_iter()
        .enumerate()
        .map(|(i, d)| {
            let state = match (all, i < online) {
                (0, _) => "none",
                (_, false) => "bad",
                (_, true) if trouble => "warn",
                (_, true) => "ok",
            };
            view! { <path class="m-map__berth" data-state=state d=d></path> }
        })
        .collect();
    let (edge, anchor, first) = match side {
        Side::Right => (x + RING + 9.0, Anchor::Start, -8.0),
        Side::Left => (x - RING - 9.0, Anchor::End, -8.0),
        Side::Below => (x, Anchor::Middle, RING + 18.0),
        Side::Above => (x, Anchor::Middle, -RING - 38.0),
    };
    let anchor = anchor.name();
    let [name, agents, rate] = captions;
    let line = |by: f64| format!("{:.1}", y + by);
    let edge = format!("{edge:.1}");
    let offline = (all > 0 && online == 0).then_some("offline");
    view! {
        <a href=format!("/sites/{}", site.id) class="m-flow__node" data-state=offline aria-label=label>
            {berths}
            <circle class="m-flow__box" cx=format!("{x:.1}") cy=format!("{y:.1}") r=format!("{DISC:.0}")></circle>
            <text class="m-flow__dim m-flow__strong" x=format!("{x:.1}") y=line(4.5) text-anchor="middle">{initials(&site.name)}</text>
            <text class="m-flow__halo m-flow__strong m-flow__big" x=edge.clone() y=line(first) text-anchor=anchor>{name}</text>
            <text class="m-flow__halo m-flow__note" x=edge.clone() y=line(first + 15.0) text-anchor=anchor>{agents}</text>
            <text class="m-flow__halo m-flow__note m-flow__num" x=edge y=line(first + 30.0) text-anchor=anchor>{rate}</text>
        </a>
    }
    .into_any()
}

/// `factory-berlin` as `FB`.
fn initials(name: &str) -> String {
    let firsts = name.split('-').filter_map(|word| word.chars().next()).take(2);
    firsts.flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(enabled: bool, up: Option<bool>, backlog_events: u64) -> LinkFlow {
        let id: SiteId = "0190a000-0000-7000-8000-000000000001".parse().expect("an id");
        LinkFlow {
            from: id,
            to: id,
            enabled,
            up,
            forward_rate: 2140.0,
            backward_rate: 0.0,
            backlog_events,
            backlog_bytes: 200 * backlog_events,
            round_trip_us: None,
        }
    }

    #[test]
    fn a_link_says_what_moves_or_what_waits() {
        let said = |link: LinkFlow| {
            let (first, second) = words(&link, "hq", "berlin");
            (drawn(&link), format!("{first}; {second}"))
        };
        let line = |drawn, text: &str| (drawn, text.to_owned());
        let open = line(Drawn::Open, "2,140/s to berlin; 0/s to hq");
        assert_eq!(said(link(true, Some(true), 0)), open);
        assert_eq!(said(link(true, Some(false), 18_402)), line(Drawn::Down, "link down; 18,402 events wait, 3.5 MB"));
        assert_eq!(said(link(false, Some(false), 1)), line(Drawn::Off, "switched off; 1 event waits, 200 B"));
        assert_eq!(said(link(false, None, 0)), line(Drawn::Off, "switched off; nothing waits for it"));
    }

    #[test]
    fn initials_come_from_the_words_of_the_name() {
        assert_eq!(initials("factory-berlin"), "FB");
        assert_eq!(initials("hq"), "H");
    }
}
