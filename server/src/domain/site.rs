//! A site: a place with a name, a region and labels; agents run there.

use std::collections::BTreeMap;

use mesh_protocol::id::SiteId;
use serde::{Deserialize, Serialize};

use super::field::{FieldErrors, NAME_BYTES_MAX};

/// Most labels of one site.
pub const LABELS_MAX: usize = 32;

/// A place where agents run.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// Stable id.
    pub id: SiteId,
    /// What a person chose.
    pub spec: Spec,
    /// Edit counter.
    pub revision: u64,
    /// Milliseconds since the Unix epoch.
    pub created_at_ms: i64,
    /// Milliseconds since the Unix epoch.
    pub updated_at_ms: i64,
}

/// What a person chooses about a site.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spec {
    /// Unique in the environment; `${site}` in rules.
    pub name: String,
    /// `${region}` in rules and scopes.
    pub region: String,
    /// Free labels.
    pub labels: BTreeMap<String, String>,
    /// Where on the map.
    pub location: Option<Location>,
    /// `address:port` where its agents accept other agents; none = they only dial.
    pub fabric_bind: Option<String>,
    /// `host:port` under which others reach that, when it is not what the agent reports (NAT, a load balancer).
    pub fabric_address: Option<String>,
}

/// A point on the map, in degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Location {
    /// North, -90 to 90.
    pub latitude: f64,
    /// East, -180 to 180.
    pub longitude: f64,
}

impl Spec {
    /// Checks everything that needs no other object.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check(&self) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        errors.name("name", &self.name);
        errors.name("region", &self.region);
        if self.labels.len() > LABELS_MAX {
            errors.add("labels", format_args!("are more than {LABELS_MAX}"));
        }
        if self.labels.iter().any(|(key, value)| key.is_empty() || key.len() > NAME_BYTES_MAX || value.len() > 256) {
            errors.add("labels", "need a name of at most 64 and a value of at most 256 characters");
        }
        if let Some(Location { latitude, longitude }) = self.location
            && !((-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude))
        {
            errors.add("location", "needs a latitude of -90 to 90 and a longitude of -180 to 180 degrees");
        }
        if let Some(bind) = &self.fabric_bind {
            errors.address("fabric_bind", bind);
        }
        if let Some(address) = &self.fabric_address {
            errors.address("fabric_address", address);
        }
        errors.check()
    }
}
