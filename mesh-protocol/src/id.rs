//! Typed ids. A site's id can never be passed where an agent's is meant.
//!
//! All ids of governed objects are UUIDv7; they are minted by their owner (the portal, mostly), never here, because
//! this crate has no clock. Ids of the data plane (spool, epoch, lane) are random bits chosen at every open.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )*};
}

uuid_ids! {
    /// One mesh with its approval policy and its rank.
    EnvironmentId,
    /// A place with a name, a region and labels; agents run there.
    SiteId,
    /// One enrolled process at a site.
    AgentId,
    /// A configured fabric connection between two sites.
    LinkId,
    /// A Kafka cluster (later: MQTT or AMQP broker, schema registry) that an agent can reach.
    BrokerId,
    /// A protocol endpoint an agent opens for local clients.
    ListenerId,
    /// Which events move from where to where, mapped how.
    RouteId,
    /// The identity of a client of the mesh.
    PrincipalId,
    /// A named set of rights for principals.
    RoleId,
    /// One line of access control.
    RuleId,
    /// Topics that stay inside sites or regions.
    ScopeId,
    /// The design-time owner of principals.
    ApplicationId,
    /// Addresses and Kafka topics that belong together.
    ApplicationDomainId,
    /// A durable, named place that attracts topics by subscription.
    QueueId,
    /// A person who uses the portal.
    PersonId,
    /// People who answer for things together.
    TeamId,
    /// An event, a schema or an application of the design-time catalog.
    DesignObjectId,
    /// One version of such an object.
    DesignVersionId,
    /// A subject of the schema registry.
    SubjectId,
    /// Terms under which a product is given.
    PlanId,
    /// Where a version of a product can be had.
    PublicationId,
    /// Somebody's wish to use a product or an event.
    AccessRequestId,
    /// What an application may do because somebody said yes.
    GrantId,
    /// A user of a Kafka cluster that was made for a grant.
    KafkaCredentialId,
    /// Something that people are told.
    NotificationId,
    /// An HTTP endpoint that is told what people are told.
    WebhookEndpointId,
    /// One notification on its way to one endpoint.
    WebhookDeliveryId,
}

/// The identity of one spool: 16 random bytes, kept for the life of the spool's storage.
///
/// Not a UUID on purpose: it is an address of the data plane, unrelated to the agent or site it belongs to now.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpoolId(pub [u8; 16]);

/// Random number drawn each time a spool is opened. Events of an older epoch keep their old numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// One of the parallel, independently ordered parts of a stream: a hash of the ordering key.
/// The number of lanes is fixed for one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lane(pub u16);

/// A stream between two spools: events on it arrive in the order of their [`Seq`], each exactly once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamId {
    /// The spool where the events were admitted.
    pub origin: SpoolId,
    /// The origin's epoch at admission.
    pub epoch: Epoch,
    /// The spool that takes custody.
    pub destination: SpoolId,
    /// Which of the epoch's lanes.
    pub lane: Lane,
}

/// The opaque 16-byte position of an event at its origin; ordered as big-endian bytes.
///
/// A spool uses its log sequence number; a Kafka origin uses (offset, output index).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub [u8; 16]);

impl Seq {
    /// Before the first event: the `prev` of a stream's first frame.
    pub const START: Self = Self([0; 16]);

    /// A position made of a single counter, as spools use it.
    #[must_use]
    pub const fn from_counter(counter: u64) -> Self {
        Self::from_pair(0, counter)
    }

    /// A position made of a major and a minor number, such as a Kafka offset and the index of an output of that record.
    #[must_use]
    pub const fn from_pair(major: u64, minor: u64) -> Self {
        Self((((major as u128) << 64) | minor as u128).to_be_bytes())
    }

    /// The major and minor number again.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the two halves of a u128")]
    pub const fn to_pair(self) -> (u64, u64) {
        let whole = u128::from_be_bytes(self.0);
        ((whole >> 64) as u64, whole as u64)
    }
}

macro_rules! hex_16 {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
        impl FromStr for $name {
            type Err = hex::FromHexError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let mut bytes = [0; 16];
                hex::decode_to_slice(text, &mut bytes)?;
                Ok(Self(bytes))
            }
        }
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                out.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(input)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
hex_16!(SpoolId);
hex_16!(Seq);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seq_orders_as_its_pair() {
        let mut pairs = [(0, 0), (0, 1), (0, u64::MAX), (1, 0), (7, 3), (u64::MAX, u64::MAX)];
        pairs.sort_unstable();
        let seqs: Vec<Seq> = pairs.iter().map(|&(a, b)| Seq::from_pair(a, b)).collect();
        assert!(seqs.is_sorted());
        assert!(pairs.iter().zip(&seqs).all(|(&pair, seq)| seq.to_pair() == pair));
    }

    #[test]
    fn spool_id_survives_json() {
        let id = SpoolId([0xab; 16]);
        let text = serde_json::to_string(&id).expect("serializes");
        assert_eq!(serde_json::from_str::<SpoolId>(&text).expect("parses"), id);
        assert!(serde_json::from_str::<SpoolId>("\"abc\"").is_err());
    }
}
