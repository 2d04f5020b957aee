//! What the system tests are made of: a whole mesh of real processes, clients of each protocol, and the rules of the
//! layering.

pub mod apicurio;
pub mod asyncapi_parser;
pub mod bench;
pub mod browser;
pub mod connect;
pub mod demo_mesh;
pub mod estate;
pub mod forger;
pub mod frugal;
pub mod hub;
pub mod invariants;
pub mod kafka;
pub mod layering;
pub mod market;
pub mod mesh;
pub mod mosquitto;
pub mod mqtt;
pub(crate) mod nats;
pub mod parts;
pub mod proxy;
pub mod queue;
pub mod rabbit;
pub mod serializers;
pub mod tls;
pub mod torture;
pub mod usage;
pub mod wan;
pub mod webhook;

/// Text of this length that does not compress, the same for the same seed: for tests that count bytes on a wire.
#[must_use]
pub fn noise(seed: usize, length: usize) -> String {
    use base64::Engine;
    let mut state = seed as u64 + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    };
    let bytes: Vec<u8> = (0..length).map(|_| next()).collect();
    let mut text = base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes);
    text.truncate(length);
    text
}

/// How long a test waits for something that should come soon, on a machine that is busy with other things.
pub const SOON: std::time::Duration = std::time::Duration::from_secs(60);
