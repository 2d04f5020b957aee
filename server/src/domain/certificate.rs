//! Certificates by which clients log in at listeners that speak TLS.
//!
//! Kept is which ones count and until when, never a key: a client has it or made it itself. As secrets they overlap while one
//! is replaced by the next.

use mesh_protocol::desired::Fingerprint;
use mesh_protocol::id::PrincipalId;

use super::field::FieldErrors;

/// Longest life of a client's certificate, in days.
pub const DAYS_MAX: u32 = 397;
/// Life of one for which nobody chose, in days.
pub const DAYS: u32 = 90;
/// Most certificates one principal has at once.
pub const CERTIFICATES_MAX: usize = 4;
/// Most names of one listener.
const NAMES_MAX: usize = 20;

/// One accepted certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Who logs in with it.
    pub principal: PrincipalId,
    /// Which.
    pub fingerprint: Fingerprint,
    /// Its own end, milliseconds since the Unix epoch.
    pub ends_at_ms: i64,
    /// Milliseconds since the Unix epoch.
    pub created_at_ms: i64,
    /// The end of a rotation's overlap, milliseconds since the Unix epoch.
    pub expires_at_ms: Option<i64>,
}

impl Certificate {
    /// Whether its time is over.
    #[must_use]
    pub fn is_over(&self, now_ms: i64) -> bool {
        self.until_ms() <= now_ms
    }

    /// Until when it lets somebody in.
    #[must_use]
    pub fn until_ms(&self) -> i64 {
        self.expires_at_ms.map_or(self.ends_at_ms, |ends| ends.min(self.ends_at_ms))
    }
}

/// By which names clients know a listener: those that somebody gave, and the address it is bound to when that is one. Ascending.
#[must_use]
pub fn server_names(given: &[String], bind: &str) -> Vec<String> {
    let mut names: Vec<String> = given.iter().map(|name| name.to_ascii_lowercase()).collect();
    let host = bind.rsplit_once(':').map_or(bind, |(host, _)| host).trim_start_matches('[').trim_end_matches(']');
    match host.parse::<core::net::IpAddr>() {
        Ok(address) if address.is_unspecified() => {}
        Ok(address) => {
            names.push(address.to_string());
            if address.is_loopback() {
                names.push("localhost".to_owned());
            }
        }
        Err(_) => names.push(host.to_ascii_lowercase()),
    }
    names.sort();
    names.dedup();
    names
}

/// Checks the names that somebody gives to a listener.
pub fn check_names(errors: &mut FieldErrors, given: &[String], bind: &str) {
    if given.len() > NAMES_MAX {
        errors.add("server_names", format_args!("are more than {NAMES_MAX}"));
    }
    for name in given.iter().filter(|name| !is_name(name)) {
        errors.add("server_names", format_args!("hold `{name}`, which is neither a DNS name nor an address"));
    }
    if server_names(given, bind).is_empty() {
        errors.add(
            "server_names",
            "are needed: by which names or addresses do clients reach it? It listens at all of them",
        );
    }
}

/// A DNS name, of which the first label may be `*`, or an address.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    let plain = name.strip_prefix("*.").filter(|rest| rest.contains('.')).unwrap_or(name);
    let is_portals = name.eq_ignore_ascii_case(mesh_protocol::enrol::PORTAL_TLS_NAME);
    name.parse::<core::net::IpAddr>().is_ok() || (name.len() <= 253 && plain.split('.').all(is_label) && !is_portals)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(given: &[&str], bind: &str) -> Vec<String> {
        server_names(&given.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), bind)
    }

    #[test]
    fn a_listener_is_known_by_what_was_given_and_by_its_own_address() {
        assert_eq!(names(&["MQTT.lyon.example"], "0.0.0.0:8883"), ["mqtt.lyon.example"]);
        assert_eq!(names(&["b.example", "b.example"], "10.1.2.3:8883"), ["10.1.2.3", "b.example"]);
        assert_eq!(names(&[], "127.0.0.1:0"), ["127.0.0.1", "localhost"]);
        assert_eq!(names(&[], "[::1]:8883"), ["::1", "localhost"]);
        assert_eq!(names(&[], "[::]:8883"), [""; 0]);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let check = |given: &[&str], bind: &str| {
            let given: Vec<_> = given.iter().map(|name| (*name).to_owned()).collect();
            let mut errors = FieldErrors::default();
            check_names(&mut errors, &given, bind);
            errors.check().is_ok()
        };
        for good in ["mqtt.lyon.example", "*.lyon.example", "10.0.0.1", "2001:db8::1", "till-7"] {
            assert!(check(&[good], "0.0.0.0:1"), "{good}");
        }
        for bad in
            ["", "*", "*.example", "a..b", "-a.example", "a b", "https://a", "a:1883", "portal.meshport.internal"]
        {
            assert!(!check(&[bad], "0.0.0.0:1"), "{bad}");
        }
        assert!(!check(&[], "0.0.0.0:8883") && check(&[], "10.0.0.1:8883"));
    }
}
