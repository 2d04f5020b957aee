//! Where the static files lie. Their names carry a content hash, so that they can be cached for ever; only the server
//! that embeds them knows the names, and every page learns them from here.

/// The addresses of the static files, as the server serves them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssetPaths {
    /// The one style sheet, for example `/assets/style-1a2b3c.css`.
    pub styles: String,
    /// The icon sprite; an icon is this address plus `#i-name`.
    pub icons: String,
    /// The favicon (SVG).
    pub favicon: String,
    /// Font files worth fetching before the style sheet asks for them.
    pub fonts: Vec<String>,
}

impl AssetPaths {
    /// Reads back what the document was rendered with: a hydrated page draws icons too.
    #[cfg(feature = "hydrate")]
    #[must_use]
    pub fn from_document() -> Self {
        let root = leptos::prelude::document().document_element();
        let icons = root.and_then(|root| root.get_attribute("data-icons")).unwrap_or_default();
        Self { icons, ..Self::default() }
    }
}
