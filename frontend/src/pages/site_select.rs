//! The choice of a site in the address of a list.

use leptos::prelude::*;

use crate::api::{LiveTopic, SiteView};
use crate::components::{Choice, ParamSelect};
use crate::load::{Loading, load};

/// The sites to pick from.
pub(super) fn load_sites() -> Loading<Vec<SiteView>> {
    load(&[LiveTopic::Topology], || (), |api, ()| async move { api.0.all_sites().await })
}

/// Picks a site by the parameter `site`; nothing is picked at first.
#[component]
pub(super) fn SiteSelect(sites: Loading<Vec<SiteView>>) -> impl IntoView {
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
