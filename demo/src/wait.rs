//! Waiting for a state, with a deadline that names what did not happen.

use std::time::{Duration, Instant};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks again and again until `probe` finds something. A failing probe is tried again too; its last error is told when
/// time is up.
///
/// # Errors
/// `limit` has passed.
pub async fn until<T>(
    what: &str,
    limit: Duration,
    mut probe: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let began = Instant::now();
    loop {
        let error = match probe().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if began.elapsed() > limit {
            let message = format!("waited {} s in vain: {what}", limit.as_secs());
            return Err(error.map_or_else(|| anyhow::anyhow!(message.clone()), |error| error.context(message.clone())));
        }
        tokio::time::sleep(PAUSE).await;
    }
}
