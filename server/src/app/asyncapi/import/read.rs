//! A text as a document of version 3, with all that is to be said of it.

use frontend::api::{AsyncApiDescribes, AsyncApiImport, AsyncApiPublish, AsyncApiSide};
use mesh_asyncapi::import::{Note, View, import};
use mesh_asyncapi::inventory::{Inventory, SIDE};
use mesh_asyncapi::lint::{Report, Ruleset, check};
use mesh_asyncapi::{Document, Finding};
use mesh_protocol::id::DesignVersionId;

use crate::app::Result;
use crate::app::design::{Designs, wrong};
use crate::domain::design::{Kind, Version};

/// Most things in one document: each is a line that somebody reads.
pub(super) const LINES_MAX: usize = 1_000;

/// A document that was read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) document: Document,
    /// The version it was written in.
    pub(super) from: String,
    pub(super) notes: Vec<Note>,
    pub(super) report: Report,
    pub(super) inventory: Inventory,
    /// What the document describes; none = it is that of an event, which is a line of its own.
    pub(super) kind: Option<Kind>,
    /// Whose document it was, where there are two.
    pub(super) side: Option<AsyncApiSide>,
    /// The version of the catalog that it is the document of.
    pub(super) of: Option<DesignVersionId>,
}

/// What `publish` means in a document of version 2.
pub(in crate::app::asyncapi) const fn view(publish: AsyncApiPublish) -> View {
    match publish {
        AsyncApiPublish::OthersSend => View::Application,
        AsyncApiPublish::ItSends => View::Client,
    }
}

impl Read {
    pub(super) fn of(input: &AsyncApiImport, designs: &Designs) -> Result<Self> {
        let read = import(&input.text, view(input.publish)).map_err(|error| wrong("text", error))?;
        let is_providers = read.document.value().get(SIDE).is_some_and(|side| side == "provider");
        let document = if is_providers { read.document.mirrored() } else { read.document };
        let side = is_providers.then_some(AsyncApiSide::Provider);
        let inventory = Inventory::of(&document);
        if inventory.schemas.len() + inventory.events.len() > LINES_MAX {
            return Err(wrong(
                "text",
                format_args!("has more than {LINES_MAX} schemas and events: split the document"),
            ));
        }
        let of = version_named(inventory.version_id.as_deref(), designs);
        let chosen = match input.describes {
            AsyncApiDescribes::Application => Kind::Application,
            AsyncApiDescribes::EventApi => Kind::EventApi,
        };
        let kind = match of.map(|version| (version, version.spec.content.kind())) {
            Some((_, Kind::Event)) => None,
            Some((version, kind)) if kind != chosen => {
                let name = designs.graph().name(version.id);
                return Err(wrong(
                    "describes",
                    format_args!("is not what the document says: it is of the {kind} {name}"),
                ));
            }
            _ => Some(chosen),
        };
        let report = check(&document, &Ruleset::default());
        Ok(Self {
            of: of.map(|version| version.id),
            document,
            from: read.from,
            notes: read.notes,
            report,
            inventory,
            kind,
            side,
        })
    }

    /// What looks like a password in it.
    pub(super) fn secret(&self) -> Option<&Finding> {
        self.report.findings.iter().find(|finding| finding.rule == "asyncapi3-no-secrets")
    }
}

/// The version that an extension of our exports names.
pub(super) fn version_named<'a>(id: Option<&str>, designs: &'a Designs) -> Option<&'a Version> {
    let id: DesignVersionId = id?.parse().ok()?;
    designs.versions().iter().find(|version| version.id == id)
}
