//! Documents made from what the portal knows.
//!
//! The classic errors of exporters are references: an operation that names a component instead of its channel's entry,
//! a `/` in a key that is not escaped, parameters that are not those of the address. None of them can be written here.
//! Whoever builds says what there is and gets a key for it, and only with keys can the next thing be said; references,
//! escapes and parameters follow from that. Keys come from names, so the same content gives the same document, whatever
//! was exported before.
//!
//! ```
//! use mesh_asyncapi::build::{Address, Channel, Export, Info, Message, Operation, Protocol, Scheme, Server};
//!
//! let mut export = Export::new(Info::new("Orders", "1.2.0").description("What a till receives."));
//! let scram = export.scheme("scram", Scheme::ScramSha512);
//! let berlin = export.server("berlin", Server::new(Protocol::KafkaSecure, "broker.example:9093")?.security(&scram));
//! let orders = export.channel("orders", Channel::at(Address::parse("orders/{country}/placed")?).on(&berlin));
//! let placed = export.message("order placed", Message::new());
//! let entry = export.carry(&orders, &placed);
//! export.operation("read orders", Operation::receive(&orders).message(&entry).summary("An order is placed."));
//! let document = export.finish()?;
//! assert_eq!(document.value()["operations"]["read-orders"]["channel"]["$ref"], "#/channels/orders");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod channel;
mod content;
mod export;
mod extensions;
mod info;
mod key;
mod message;
mod operation;
mod security;
mod server;

pub(crate) use address::SUBTREE;
pub use address::{Address, BadAddress, Level, Parameter};
pub use channel::Channel;
pub use content::{Content, NotContent};
pub use export::{Export, Problem, Refused};
pub use extensions::{BadExtension, Extensions};
pub use info::{Contact, Info, License};
pub(crate) use key::Taken;
pub use key::{ChannelKey, Entry, MessageKey, OperationKey, SchemaKey, SchemeKey, ServerKey};
pub use message::{Example, Message};
pub use operation::{Action, Operation, Reply};
pub use security::{Requirement, Scheme};
pub use server::{BadHost, Protocol, Server, Variable};

#[cfg(test)]
mod golden;
#[cfg(test)]
mod tests;
