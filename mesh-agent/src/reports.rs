//! Where facts for the portal go. Who finds them out names this trait; `reconcile` hands over the outbox.

use std::fmt::Debug;
use std::io;

use mesh_protocol::report::Report;
use mesh_protocol::wire::MESSAGE_BYTES_MAX;
use serde::Serialize;

/// Most bytes that the entries of one report may have as JSON: far below what the portal takes as one message, so that
/// a slow line still carries it in time, and that what stands around the entries never matters.
pub const REPORT_BYTES_MAX: usize = MESSAGE_BYTES_MAX / 4;

/// Takes reports. Never waits.
pub trait ReportSink: Send + Sync + Debug {
    /// Takes one.
    ///
    /// # Errors
    /// [`Full`]: it was not taken; send the whole picture when there is room again.
    fn send(&self, report: Report) -> Result<(), Full>;
}

/// Too many reports wait for the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many reports wait for the portal: send the whole picture later")]
pub struct Full;

/// How long something is as JSON, in bytes, without making the text.
#[must_use]
pub fn json_bytes(value: &impl Serialize) -> usize {
    let mut length = Length(0);
    serde_json::to_writer(&mut length, value).expect("reports are plain data");
    length.0
}

/// Leaves out what one report has no room for, and says how many entries that were. Names come from clients, so a bound
/// on the number of entries alone says nothing about the message.
#[must_use]
pub fn fit<T: Serialize>(entries: &mut Vec<T>) -> u64 {
    let (before, mut room) = (entries.len(), REPORT_BYTES_MAX);
    entries.retain(|entry| {
        // With its comma.
        let rest = room.checked_sub(json_bytes(entry) + 1);
        room = rest.unwrap_or(room);
        rest.is_some()
    });
    (before - entries.len()) as u64
}

/// Counts what is written and keeps nothing.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_measured_as_it_is_written() {
        // Each control character is six bytes of JSON.
        let name = "\u{1}".repeat(REPORT_BYTES_MAX / 24 + 1);
        assert_eq!(json_bytes(&name), serde_json::to_string(&name).expect("text").len());
        let mut entries = vec![name.clone(), name.clone(), name.clone(), name.clone(), "short".to_owned()];
        assert_eq!(fit(&mut entries), 1, "the last of the long ones has no room beside its quotes and commas");
        assert_eq!(entries.len(), 4);
        assert_eq!(entries[3], "short");
        assert!(json_bytes(&entries) <= REPORT_BYTES_MAX);
    }
}
