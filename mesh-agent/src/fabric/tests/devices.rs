//! A hundred thousand devices at three sites, each with a filter of its own.

use std::time::{Duration, Instant};

use super::mesh::{Mesh, eventually, filter};
use crate::router::{Life, Outcome};

const DEVICES: usize = 100_000;
const SITES: usize = 3;
/// The promise, two seconds, is for a release build with nothing beside it; this is for a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn topic(site: usize, device: usize) -> String {
    format!("commands/site-{site}/device-{device:06}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_crosses_only_the_links_towards_its_device() {
    let mut mesh = Mesh::chain(SITES);
    eventually("all links are up", || mesh.node(0).link_up(2) && mesh.node(2).link_up(0)).await;
    let began = Instant::now();
    let devices: Vec<_> = (0..SITES).map(|site| mesh.node(site).subscribe(&topic(site, 0), Life::Live)).collect();
    for (site, tail) in devices.iter().enumerate() {
        for device in 1..DEVICES / SITES {
            tail.subscribe(&filter(&topic(site, device)));
        }
    }
    let told = Instant::now();
    let last = DEVICES / SITES - 1;
    let known =
        |at: usize, site: usize| [0, last / 2, last].iter().all(|device| mesh.node(at).knows(&topic(site, *device)));
    while !(0..SITES).all(|at| (0..SITES).all(|site| known(at, site))) {
        assert!(told.elapsed() < PATIENCE, "not everybody knows all devices");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    println!(
        "{} filters of {SITES} sites: subscribed within {} ms, known everywhere {} ms later",
        DEVICES / SITES * SITES,
        (told - began).as_millis(),
        told.elapsed().as_millis()
    );

    // From one end to the middle: the link behind it carries nothing of it.
    let arrived = |at: usize| mesh.node(at).counter("arrived_events");
    for device in 0..50 {
        let outcome = mesh.node(0).pass(&topic(1, device * 7), "operator", b"open the valve").await;
        assert_eq!(outcome, Outcome::Taken { outlets: 1 });
    }
    assert_eq!((arrived(0), arrived(1), arrived(2)), (0, 50, 0));
    assert_eq!((devices[0].seen().len(), devices[1].seen().len(), devices[2].seen().len()), (0, 50, 0));
    drop(devices);
    eventually("nobody wants anything any more", || {
        !mesh.node(0).knows(&topic(1, 0)) && !mesh.node(2).knows(&topic(1, last))
    })
    .await;
    mesh.stop().await;
}
