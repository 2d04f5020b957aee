//! Where an agent's endpoints are reached by others.

use std::net::{IpAddr, SocketAddr};

/// Where others reach an endpoint that an agent tells. One that is bound to all addresses of its machine is reached where the
/// agent itself was seen last, when that is of the same family.
pub(super) fn reached_at(told: &str, seen_at: Option<&str>) -> String {
    let reached = || {
        let (bound, seen) = (told.parse::<SocketAddr>().ok()?, seen_at?.parse::<IpAddr>().ok()?.to_canonical());
        let fits = bound.is_ipv6() || seen.is_ipv4();
        (bound.ip().is_unspecified() && fits).then(|| SocketAddr::new(seen, bound.port()).to_string())
    };
    reached().unwrap_or_else(|| told.to_owned())
}

#[cfg(test)]
mod tests {
    use super::reached_at;

    #[test]
    fn an_endpoint_at_all_addresses_is_reached_where_its_agent_was_seen() {
        assert_eq!(reached_at("0.0.0.0:1883", Some("10.0.0.7")), "10.0.0.7:1883");
        assert_eq!(reached_at("0.0.0.0:1883", Some("::ffff:10.0.0.7")), "10.0.0.7:1883");
        assert_eq!(reached_at("[::]:1883", Some("2001:db8::7")), "[2001:db8::7]:1883");
        assert_eq!(reached_at("[::]:1883", Some("10.0.0.7")), "10.0.0.7:1883");
        assert_eq!(reached_at("0.0.0.0:1883", Some("2001:db8::7")), "0.0.0.0:1883", "it does not listen there");
        assert_eq!(reached_at("0.0.0.0:1883", None), "0.0.0.0:1883");
        assert_eq!(reached_at("192.0.2.1:1883", Some("10.0.0.7")), "192.0.2.1:1883", "it was chosen");
        assert_eq!(reached_at("broker.example:1883", Some("10.0.0.7")), "broker.example:1883");
    }
}
