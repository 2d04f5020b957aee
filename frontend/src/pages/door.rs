//! What is before the frame: the brand, a form, and a quiet picture of a mesh.

use leptos::prelude::*;

use crate::frame::Brand;

/// The page around a form for somebody who is not signed in.
#[component]
pub(super) fn Door(
    /// Heading and form.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="m-door">
            <main class="m-door__form" id="main">
                <p class="m-door__brand"><Brand/></p>
                <div class="m-door__body">{children()}</div>
                <p class="m-small m-faint">{concat!("Meshport ", env!("CARGO_PKG_VERSION"))}</p>
            </main>
            <aside class="m-door__view" aria-hidden="true"><Picture/></aside>
        </div>
    }
    .into_any()
}

/// A mesh as it might be: sites, busy links, quiet links.
#[component]
fn Picture() -> impl IntoView {
    view! {
        <svg class="m-flow m-door__map" viewBox="0 0 760 900" preserveAspectRatio="xMidYMid slice">
                <path class="m-map__grid" d="M43 0V900M186.4 0V900M329.8 0V900M473.2 0V900M616.6 0V900M0 776.7H760M0 653.4H760M0 530.1H760M0 406.8H760M0 283.6H760M0 160.3H760M0 37H760"></path>
                <path class="m-flow__edge" data-evidence="observed" d="M253.8 477.1Q435.4 397.6 570.7 252.7" stroke-width="4"></path>
                <path class="m-flow__pulse" d="M253.8 477.1Q435.4 397.6 570.7 252.7"></path>
                <path class="m-flow__edge" data-evidence="observed" d="M253.8 477.1Q302.5 567.8 324.9 668.2" stroke-width="4"></path>
                <path class="m-flow__pulse" d="M253.8 477.1Q302.5 567.8 324.9 668.2"></path>
                <path class="m-flow__edge" data-evidence="observed" d="M253.8 477.1Q188.5 517.3 142 578.2" stroke-width="4"></path>
                <path class="m-flow__pulse" d="M253.8 477.1Q188.5 517.3 142 578.2"></path>
                <path class="m-flow__edge" data-evidence="permitted" d="M253.8 477.1Q269.9 423.7 274.2 368"></path>
                <path class="m-flow__edge" data-evidence="observed" d="M253.8 477.1Q330.1 495.7 408.7 494.4" stroke-width="4"></path>
                <path class="m-flow__pulse" d="M253.8 477.1Q330.1 495.7 408.7 494.4"></path>
                <path class="m-flow__edge" data-evidence="permitted" d="M408.7 494.4Q461.2 517.7 518.5 521.5"></path>
                <path class="m-flow__edge" data-evidence="permitted" d="M518.5 521.5Q587.5 529.3 655.9 517.2"></path>
                <path class="m-flow__edge" data-evidence="permitted" d="M324.9 668.2Q362.3 696.6 407 710.8"></path>
                <path class="m-flow__edge" data-evidence="permitted" d="M407 710.8Q430.4 702.2 450 686.7"></path>
                <path class="m-flow__edge" data-evidence="permitted" d="M570.7 252.7Q527.3 212 472.9 188"></path>
                <path class="m-flow__edge" data-evidence="permitted" d="M324.9 668.2Q289.2 744.2 227.7 801.4"></path>
                <path class="m-flow__edge" data-evidence="permitted" d="M274.2 368Q296.1 352.7 312.6 331.6"></path>
                <path class="m-flow__edge" data-evidence="permitted" d="M570.7 252.7Q593.3 325.8 600.3 401.9"></path>
                <path class="m-flow__edge" data-evidence="permitted" d="M142 578.2Q163.7 650.1 169.8 724.9"></path>
                <path class="m-flow__edge" data-evidence="permitted" d="M112.1 317.5Q169.5 409.2 253.8 477.1"></path>
                <circle class="m-flow__box" cx="253.8" cy="477.1" r="9"></circle>
                <circle class="m-flow__box" cx="570.7" cy="252.7" r="9"></circle>
                <circle class="m-flow__box" cx="324.9" cy="668.2" r="9"></circle>
                <circle class="m-flow__box" cx="142" cy="578.2" r="5"></circle>
                <circle class="m-flow__box" cx="274.2" cy="368" r="5"></circle>
                <circle class="m-flow__box" cx="518.5" cy="521.5" r="5"></circle>
                <circle class="m-flow__box" cx="450" cy="686.7" r="5"></circle>
                <circle class="m-flow__box" cx="472.9" cy="188" r="5"></circle>
                <circle class="m-flow__box" cx="227.7" cy="801.4" r="5"></circle>
                <circle class="m-flow__box" cx="655.9" cy="517.2" r="5"></circle>
                <circle class="m-flow__box" cx="312.6" cy="331.6" r="5"></circle>
                <circle class="m-flow__box" cx="407" cy="710.8" r="5"></circle>
                <circle class="m-flow__box" cx="408.7" cy="494.4" r="5"></circle>
                <circle class="m-flow__box" cx="600.3" cy="401.9" r="5"></circle>
                <circle class="m-flow__box" cx="169.8" cy="724.9" r="5"></circle>
                <circle class="m-flow__box" cx="112.1" cy="317.5" r="5"></circle>
        </svg>
    }
    .into_any()
}
