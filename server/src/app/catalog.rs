//! The catalog: what there is on the mesh and in its clusters.

use frontend::api::{CatalogObject, CatalogObjectInput, CatalogPage, CatalogQuery, Edit};

use super::permission::Right;
use super::{App, Caller, Error, Result};

impl App {
    /// Search and list over all kinds.
    ///
    /// # Errors
    /// The caller may not, or the database's.
    pub async fn catalog(&self, caller: &Caller, _query: CatalogQuery) -> Result<CatalogPage> {
        caller.permit(Right::Read)?;
        Ok(CatalogPage { items: Vec::new(), next: None, total: 0, facets: Vec::new() })
    }

    /// One object.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn catalog_object(&self, caller: &Caller, _id: String) -> Result<CatalogObject> {
        caller.permit(Right::Read)?;
        Err(Error::NotFound { what: "object" })
    }

    /// Sets owner and description of an object.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn update_catalog_object(
        &self,
        caller: &Caller,
        _id: String,
        _input: Edit<CatalogObjectInput>,
    ) -> Result<CatalogObject> {
        caller.permit(Right::CatalogWrite)?;
        Err(Error::NotFound { what: "object" })
    }
}
