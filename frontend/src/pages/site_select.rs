//! The choice of a site in the address of a list.

use leptos::prelude::*;

use crate::api::LiveTopic;
use crate::components::{Choice, ParamSelect};
use crate::load::load;

/// Picks a site by the parameter `site`; nothing is picked at first.
#[component]
pub(super) fn SiteSelect() -> impl IntoView {
    let sites = load(&[LiveTopic::Topology], || (), |api, ()| async move { api.0.sites().await });
    view! {
        <Transition>
            {
                let choices = Signal::derive(move || {
                    let sites = sites.get().and_then(Result::ok).unwrap_or_default();
                    let all: Choice = (String::new(), "All sites".to_owned());
                    std::iter::once(all).chain(sites.into_iter().map(|site| (site.name.clone(), site.name))).collect()
                });
                view! { <ParamSelect label="Site" name="site" choices=choices/> }
            }
        </Transition>
    }
    .into_any()
}
