//! What a demo mesh offers on its overview. Everything here is an ordinary object of the mesh, found by its name.

use frontend::api::{Demo, DemoClient};
use mesh_protocol::desired::ListenerProtocol;
use mesh_protocol::policy::Subject;

use crate::app::link;
use crate::app::observed::World;

/// The client that the overview offers to block.
const BLOCK: &str = "till-7";
/// The site whose link the overview offers to cut.
const CUT: &str = "factory-berlin";
/// The site where trying begins.
const TRY_SITE: &str = "store-lyon";
/// What trying watches.
const TRY_FILTER: &str = "orders/fr/>";

pub(super) fn demo(world: &World) -> Demo {
    let mesh = &world.config.mesh;
    let block = mesh.principals.iter().find(|principal| principal.username == BLOCK).map(|principal| DemoClient {
        id: principal.id,
        username: principal.username.clone(),
        blocked: mesh.rules.iter().any(|rule| rule.is_block && rule.policy.subject == Subject::Principal(principal.id)),
    });
    let has_http = |site| {
        mesh.listeners.iter().any(|found| found.spec.site == site && found.spec.protocol == ListenerProtocol::Http)
    };
    let named = mesh.sites.iter().find(|site| site.spec.name == TRY_SITE);
    let try_site = named.or_else(|| mesh.sites.iter().find(|site| has_http(site.id))).map(|site| site.id);
    let cut = mesh.sites.iter().find(|site| site.spec.name == CUT);
    let cut = cut.and_then(|site| mesh.links.iter().find(|link| link.from == site.id));
    let cut = cut.map(|link| link::view(link, &world.config, &world.fleet));
    Demo { block, cut, try_site, try_filter: TRY_FILTER.to_owned(), starting: starting(world) }
}

/// Clusters that no scan has read yet, and agents that were never seen.
fn starting(world: &World) -> Vec<String> {
    let mesh = &world.config.mesh;
    let read = |id| world.seen.scan(id).is_some_and(|scan| scan.failed.is_none());
    let clusters = mesh.brokers.iter().filter(|broker| !read(broker.id)).map(|broker| broker.spec.name.clone());
    let traffic = world.seen.flows.is_empty().then(|| "traffic".to_owned());
    clusters.chain(traffic).collect()
}
