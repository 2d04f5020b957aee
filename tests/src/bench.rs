//! The harness of the benchmarks: entries that run ours and a peer one after the other and print both and the ratio.
//!
//! Numbers of one run on one machine are compared with each other only. Both sides get the same client programs, the
//! same payloads and the same acknowledgements; what differs is said beside the figure.

mod kafka;
mod mqtt;

/// One line of the result.
#[derive(Debug)]
pub(crate) struct Line {
    /// What was done.
    pub(crate) work: String,
    /// Ours, in events per second.
    pub(crate) ours: f64,
    /// Name of the peer.
    pub(crate) peer: &'static str,
    /// The peer's, in events per second.
    pub(crate) theirs: f64,
    /// The ratio that DATAPLANE promises.
    pub(crate) bar: f64,
}

/// Runs the entries whose name contains `only` and prints their lines.
///
/// # Errors
/// A program does not start or a client is refused.
pub async fn run(only: Option<&str>) -> anyhow::Result<()> {
    let wanted = |name: &str| only.is_none_or(|only| name.contains(only));
    let mut lines = Vec::new();
    if wanted("mqtt") {
        lines.extend(mqtt::five_to_five().await?);
    }
    if wanted("kafka") {
        lines.push(kafka::cluster_to_cluster().await?);
    }
    println!("\n{:<44} {:>12} {:>12}  {:<16} {:>6} {:>5}", "work", "ours /s", "peer /s", "peer", "ratio", "bar");
    for Line { work, ours, peer, theirs, bar } in lines {
        let ratio = ours / theirs;
        let verdict = if ratio >= bar { "" } else { "  missed" };
        println!("{work:<44} {ours:>12.0} {theirs:>12.0}  {peer:<16} {ratio:>6.2} {bar:>5.1}{verdict}");
    }
    Ok(())
}
