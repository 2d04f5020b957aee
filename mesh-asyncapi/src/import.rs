//! Documents of others, of AsyncAPI 2.0 to 3.1.
//!
//! Version 2 says things the other way round and in other places, so its documents are converted and everything else
//! here knows version 3 only. The conversion follows the one of the AsyncAPI initiative (`@asyncapi/converter`) in what
//! it means and differs in what it leaves behind:
//! - keys of channels and operations are plain names, and the address stands in `address`; theirs are the addresses;
//! - messages go to the components once, and channels refer to them;
//! - channels that refer to a component take it in, because an address belongs to the channel now;
//! - bindings get a version that version 3 knows, and keys that it does not know get `x-` in front, so that what was
//!   valid stays valid and nothing is lost.
//!
//! Every such step that a reader should know of leaves a [`Note`].

mod bindings;
mod channels;
mod convert;
mod messages;
mod parameters;
mod repair;
mod security;
mod servers;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::document::{Document, NotADocument, version_name};
use crate::pointer::Pointer;
use crate::text::{Syntax, Unreadable, bounds, read};

/// Whose view a document of version 2 takes: what `publish` means in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum View {
    /// The specification's: others publish, so the application receives; they subscribe, so it sends.
    #[default]
    Application,
    /// That of a client, which many documents take: who publishes sends, who subscribes receives.
    Client,
}

/// Something that a reader should know of the conversion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The part: in the document before, or where a key was renamed, in the new one.
    pub at: Pointer,
    /// What was done with it, in one sentence.
    pub message: String,
}

/// A document that was read, in version 3.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The document.
    pub document: Document,
    /// How it was written.
    pub syntax: Syntax,
    /// The version of AsyncAPI it was written in.
    pub from: String,
    /// What a reader should know. Empty = nothing was converted, or nothing worth knowing.
    pub notes: Vec<Note>,
}

/// Why a text cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotImported {
    /// It cannot be read at all.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It can, and is no document of AsyncAPI.
    #[error(transparent)]
    NotADocument(#[from] NotADocument),
}

/// Reads a document in either syntax and any known version. `view` matters for version 2 only.
///
/// # Errors
/// It cannot be read, with the place; or it is no document of a version that is known here.
pub fn import(text: &str, view: View) -> Result<Imported, NotImported> {
    let (value, syntax) = read(text)?;
    let (document, from, notes) = from_value(value, view)?;
    Ok(Imported { document, syntax, from, notes })
}

/// The same of a value.
///
/// # Errors
/// It is no document of a version that is known here, or too large.
pub fn from_value(value: Value, view: View) -> Result<(Document, String, Vec<Note>), NotADocument> {
    let from = version_name(&value)?.to_owned();
    if !is_old(&from) {
        return Document::new(value).map(|document| (document, from, Vec::new()));
    }
    bounds::check(&value).map_err(NotADocument::TooLarge)?;
    let (value, mut notes) = convert::convert(&value, view).map_err(NotADocument::TooLarge)?;
    let mut document = Document::new(value)?;
    repair::repair(&mut document, &mut notes);
    Ok((document, from, notes))
}

/// 2.0.0 to 2.6.0.
fn is_old(version: &str) -> bool {
    ["2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0", "2.5.0", "2.6.0"].contains(&version)
}

#[cfg(test)]
mod tests;
