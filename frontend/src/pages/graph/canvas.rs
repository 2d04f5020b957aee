//! The drawing as one handles it: drag, wheel, click and keys. One listener for all nodes; the nodes themselves are
//! real elements for the keyboard and for screen readers.

use std::collections::HashSet;

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast as _;
use leptos::{ev, svg, web_sys};

use super::Path;
use super::draw;
use super::marks::{Bands, Edges, Legend, Nodes};
use super::view::{Sheet, View};
use crate::api::FlowGraph;
use crate::components::Icon;
use crate::graph::layout::{self, Layout, Place, WIDTH};

/// Pixels a pointer may move and still click.
const CLICK_PX: f64 = 4.0;
/// One step of the zoom buttons.
const STEP: f64 = 0.8;

#[derive(Clone, Copy, Debug)]
struct Drag {
    x: f64,
    y: f64,
    view: View,
    moved: bool,
}

/// The drawing with its legend and zoom.
#[component]
pub(super) fn Canvas(
    graph: Signal<FlowGraph>,
    selected: Memo<String>,
    hits: Memo<HashSet<String>>,
    path: Memo<Path>,
    #[prop(into)] on_select: Callback<String>,
) -> impl IntoView {
    let structure = Memo::new(move |_| graph.with(draw::structure));
    let picture = Memo::new(move |_| structure.with(layout::layout));
    let sheet = Memo::new(move |_| Sheet { width: WIDTH, height: picture.with(|picture| picture.height) });
    let moved = RwSignal::new(None::<View>);
    let view_now = Signal::derive(move || moved.get().unwrap_or_else(|| sheet.get().home()));
    let svg = NodeRef::<svg::Svg>::new();
    // Whoever comes by a link or by "find" sees what is selected.
    Effect::new(move || {
        let id = selected.get();
        let (sheet, view) = (sheet.get_untracked(), view_now.get_untracked());
        let middle = |place: Place| (place.x + place.width / 2.0, place.middle());
        let at = place_of(graph, picture, &id).map(middle);
        if let Some(at) = at.filter(|at| !sheet.shows(view, *at)) {
            moved.set(Some(sheet.centre(view, at)));
        }
    });
    let drag = StoredValue::new(None::<Drag>);
    let on_down = move |ev: ev::PointerEvent| {
        if ev.button() == 0 {
            let (x, y) = (f64::from(ev.client_x()), f64::from(ev.client_y()));
            drag.set_value(Some(Drag { x, y, view: view_now.get_untracked(), moved: false }));
        }
    };
    let on_move = move |ev: ev::PointerEvent| {
        let (Some(at), Some(svg)) = (drag.get_value(), svg.get_untracked()) else { return };
        // Touch scrolls the page; a button that was released outside ends the drag.
        if ev.buttons() & 1 == 0 || ev.pointer_type() == "touch" {
            drag.set_value(None);
            return;
        }
        let (dx, dy) = (f64::from(ev.client_x()) - at.x, f64::from(ev.client_y()) - at.y);
        if at.moved || dx.hypot(dy) > CLICK_PX {
            drag.set_value(Some(Drag { moved: true, ..at }));
            let frame = svg.get_bounding_client_rect();
            moved.set(Some(sheet.get_untracked().pan(at.view, dx / frame.width(), dy / frame.height())));
        }
    };
    let on_click = move |ev: ev::MouseEvent| {
        let dragged = drag.get_value().is_some_and(|drag| drag.moved);
        drag.set_value(None);
        if !dragged {
            let id = ev.target().and_then(|target| node_id(&target)).unwrap_or_default();
            if id != selected.get_untracked() {
                on_select.run(id);
            }
        }
    };
    let on_wheel = move |ev: ev::WheelEvent| {
        let Some(svg) = svg.get_untracked() else { return };
        ev.prevent_default();
        let frame = svg.get_bounding_client_rect();
        let (x, y) = (f64::from(ev.client_x()), f64::from(ev.client_y()));
        let at = ((x - frame.left()) / frame.width(), (y - frame.top()) / frame.height());
        let factor = (ev.delta_y().clamp(-240.0, 240.0) * 0.0016).exp();
        moved.set(Some(sheet.get_untracked().zoom(view_now.get_untracked(), factor, at)));
    };
    let on_key = move |ev: ev::KeyboardEvent| {
        let Some(id) = ev.target().and_then(|target| node_id(&target)) else { return };
        match ev.key().as_str() {
            "Enter" | " " => on_select.run(id),
            "Escape" => on_select.run(String::new()),
            key => {
                let next = graph.with_untracked(|graph| {
                    picture.with_untracked(|picture| draw::neighbour(graph, picture, &id, key))
                });
                let Some(next) = next else { return };
                focus(&next);
            }
        }
        ev.prevent_default();
    };
    let zoom = move |factor: f64| {
        moved.set(Some(sheet.get_untracked().zoom(view_now.get_untracked(), factor, (0.5, 0.5))));
    };
    view! {
        <div class="m-canvas">
            <svg
                node_ref=svg
                class="m-flow m-flow--graph"
                viewBox=move || sheet.get().view_box(view_now.get())
                data-focus=move || (!selected.with(String::is_empty)).then_some("")
                role="group"
                aria-label="Flow graph: producers, topics and consumers by site"
                on:pointerdown=on_down
                on:pointermove=on_move
                on:click=on_click
                on:wheel=on_wheel
                on:keydown=on_key
            >
                <defs>
                    <pattern id="m-hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                        <path class="m-flow__hatch" d="M0 0V6" stroke-width="2"></path>
                    </pattern>
                </defs>
                <Bands graph=graph picture=picture/>
                <Edges graph=graph picture=picture path=path/>
                <Nodes graph=graph picture=picture selected=selected hits=hits/>
            </svg>
        </div>
        <footer class="m-canvas__foot">
            <Legend/>
            <span class="m-canvas__zoom">
                <ZoomButton label="Zoom out" icon="minus" on_press=move |()| zoom(1.0 / STEP)/>
                <span class="m-num m-small m-muted">{move || format!("{:.0} %", 100.0 * WIDTH / view_now.get().width)}</span>
                <ZoomButton label="Zoom in" icon="plus" on_press=move |()| zoom(STEP)/>
                <ZoomButton label="Show everything" icon="fit" on_press=move |()| moved.set(Some(sheet.get_untracked().fit()))/>
            </span>
        </footer>
    }
    .into_any()
}

#[component]
fn ZoomButton(label: &'static str, icon: &'static str, #[prop(into)] on_press: Callback<()>) -> impl IntoView {
    view! {
        <button class="m-button m-button--small m-button--icon" type="button" aria-label=label on:click=move |_| on_press.run(())>
            <Icon name=icon small=true/>
        </button>
    }
    .into_any()
}

fn place_of(graph: Signal<FlowGraph>, picture: Memo<Layout>, id: &str) -> Option<Place> {
    let i = graph.with_untracked(|graph| graph.nodes.iter().position(|node| node.id == id))?;
    picture.with_untracked(|picture| picture.places.get(i).copied())
}

/// The id of the node that an event goes to.
fn node_id(target: &web_sys::EventTarget) -> Option<String> {
    let element = target.dyn_ref::<web_sys::Element>()?;
    element.closest("[data-node]").ok().flatten()?.get_attribute("data-node")
}

/// Gives a node the focus. Ids may hold any letter, so elements are compared, not selected by id.
fn focus(id: &str) {
    let Ok(nodes) = document().query_selector_all(".m-canvas [data-node]") else { return };
    for i in 0..nodes.length() {
        let element = nodes.get(i).and_then(|node| node.dyn_into::<web_sys::SvgElement>().ok());
        if let Some(element) = element.filter(|element| element.get_attribute("data-node").as_deref() == Some(id)) {
            let _ = element.focus();
            return;
        }
    }
}
