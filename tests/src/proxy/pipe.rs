//! One direction of one connection of the proxy.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::{Distance, Shared};

/// Read at once. At 20 Mbit/s it takes 6 ms on the wire.
const CHUNK_BYTES: usize = 16 * 1024;
/// Under way at most when the rate has no bound.
const FLIGHT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// What a link that was idle, or a timer that was late, may catch up on.
const BURST: Duration = Duration::from_millis(5);

/// A token bucket, told by the moment at which the link is free.
#[derive(Debug)]
pub(super) struct Bucket {
    bits_per_second: Option<u64>,
    free_at: Mutex<Option<Instant>>,
}

impl Bucket {
    pub(super) fn new(bits_per_second: Option<u64>) -> Self {
        Self { bits_per_second, free_at: Mutex::default() }
    }

    /// Puts so many bytes on the link; the moment at which the last of them is on it.
    fn enter(&self, bytes: usize, now: Instant) -> Instant {
        let Some(rate) = self.bits_per_second else { return now };
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let begins = free_at.map_or(earliest, |free_at| free_at.max(earliest));
        let ends = begins + Duration::from_secs_f64(bytes as f64 * 8.0 / rate as f64);
        *free_at = Some(ends);
        ends
    }
}

/// Bytes that may be under way in one direction: the link's rate times its delay, and what is just entering.
fn flight_bytes(distance: Distance) -> usize {
    let Some(rate) = distance.bits_per_second else { return FLIGHT_BYTES_MAX };
    let product = u128::from(rate) * (distance.round_trip / 2 + BURST).as_micros() / 8_000_000;
    usize::try_from(product).unwrap_or(FLIGHT_BYTES_MAX) + 2 * CHUNK_BYTES
}

/// Waits while the proxy is silent; false when it is gone.
async fn heard_again(silent: &mut watch::Receiver<bool>) -> bool {
    silent.wait_for(|silent| !*silent).await.is_ok()
}

type Flying = (Instant, Vec<u8>, OwnedSemaphorePermit);

/// Passes bytes on until an end closes.
pub(super) async fn pass(from: OwnedReadHalf, to: OwnedWriteHalf, bucket: &Bucket, shared: &Shared) {
    let (entered, leaving) = mpsc::unbounded_channel();
    // What is under way still arrives when the sender has closed.
    tokio::join!(enter(from, entered, bucket, shared), leave(leaving, to, shared));
}

async fn enter(mut from: OwnedReadHalf, entered: mpsc::UnboundedSender<Flying>, bucket: &Bucket, shared: &Shared) {
    let room = Arc::new(Semaphore::new(flight_bytes(shared.distance)));
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut silent = shared.silent.subscribe();
    loop {
        let read = tokio::select! {
            () = entered.closed() => return,
            read = from.read(&mut buffer) => read,
        };
        let Ok(length @ 1..) = read else { return };
        if !heard_again(&mut silent).await || shared.cut.load(Ordering::Relaxed) {
            return;
        }
        let permits = u32::try_from(length).expect("a chunk is small");
        let Ok(permit) = Arc::clone(&room).acquire_many_owned(permits).await else { return };
        let on_link = bucket.enter(length, Instant::now());
        let due = on_link + shared.distance.round_trip / 2;
        if entered.send((due, buffer[..length].to_vec(), permit)).is_err() {
            return;
        }
        sleep_until(on_link).await;
    }
}

async fn leave(mut leaving: mpsc::UnboundedReceiver<Flying>, mut to: OwnedWriteHalf, shared: &Shared) {
    let mut silent = shared.silent.subscribe();
    while let Some((due, bytes, permit)) = leaving.recv().await {
        sleep_until(due).await;
        if !heard_again(&mut silent).await || to.write_all(&bytes).await.is_err() {
            return;
        }
        shared.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        drop(permit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_is_bounded_by_rate_times_delay() {
        let far = Distance { round_trip: Duration::from_millis(80), bits_per_second: Some(100_000_000) };
        let product = 100_000_000 / 8 * 45 / 1_000;
        assert_eq!(flight_bytes(far), product + 2 * CHUNK_BYTES);
        assert_eq!(flight_bytes(Distance::default()), FLIGHT_BYTES_MAX);
    }

    #[test]
    fn a_link_is_busy_as_long_as_its_bytes_take() {
        let bucket = Bucket::new(Some(8_000_000));
        let now = Instant::now();
        let first = bucket.enter(10_000, now);
        assert_eq!(first, now + Duration::from_millis(10) - BURST);
        assert_eq!(bucket.enter(10_000, now), first + Duration::from_millis(10));
        let later = now + Duration::from_secs(1);
        assert_eq!(bucket.enter(1_000, later), later + Duration::from_millis(1) - BURST, "a pause is not saved up");
        assert_eq!(Bucket::new(None).enter(1 << 30, now), now);
    }
}
