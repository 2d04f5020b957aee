//! What is registered, found by subject, by number, by id and by content.

use mesh_protocol::id::DesignVersionId;
use mesh_protocol::schema_id::SchemaId;
use mesh_schema::Format;

use super::register::{Candidate, read};
use super::{Designs, ReferenceShape, Result, SchemaAnswer, VersionAnswer, working};
use crate::app::permission::Right;
use crate::app::{App, Caller, Error};
use crate::domain::design::{Content, Schema};
use crate::domain::registry::{Deleted, Listed, Refusal};

/// Which rows of a list.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Only subjects that begin so.
    pub prefix: String,
    /// Whether versions count that were deleted softly.
    pub deleted: Deleted,
    /// Only the newest version of each subject.
    pub latest_only: bool,
    /// So many rows are left out before.
    pub offset: usize,
    /// Most rows; none = all.
    pub limit: Option<usize>,
}

impl Listing {
    fn cut<T>(&self, rows: impl Iterator<Item = T>) -> Vec<T> {
        rows.skip(self.offset).take(self.limit.unwrap_or(usize::MAX)).collect()
    }
}

/// How the text of a schema is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Text {
    /// As it was registered.
    #[default]
    Registered,
    /// Protobuf: the descriptor in Base64.
    Serialized,
}

impl Designs {
    fn schema(&self, listed: &Listed) -> Result<&Schema> {
        match self.versions.get(listed.place).map(|version| &version.spec.content) {
            Some(Content::Schema(schema)) => Ok(schema),
            _ => Err(Error::Internal("a subject has a version that is no schema").into()),
        }
    }

    fn references(&self, schema: &Schema) -> Vec<ReferenceShape> {
        let shape = |(name, version): (&String, DesignVersionId)| {
            // What is registered refers to what is.
            let (subject, listed) = self.registry.of_design(version)?;
            let version = i64::from(listed.registered.version);
            Some(ReferenceShape { name: name.clone(), subject: subject.to_owned(), version })
        };
        schema.references.iter().map(|one| (&one.name, one.version)).filter_map(shape).collect()
    }

    fn answer(&self, listed: &Listed, text: Text) -> Result<SchemaAnswer> {
        let schema = self.schema(listed)?;
        let written = match text {
            Text::Serialized if schema.format == Format::Protobuf => {
                let parsed = self.graph().schema(Some(listed.registered.design), schema).map_err(Refusal::from)?;
                parsed.descriptor()
            }
            _ => None,
        };
        Ok(SchemaAnswer {
            schema: written.unwrap_or_else(|| schema.text.clone()),
            schema_type: Some(schema.format).filter(|format| *format != Format::Avro).map(Format::name),
            references: self.references(schema),
            max_id: None,
        })
    }

    fn version_answer(&self, subject: &str, listed: &Listed, text: Text) -> Result<VersionAnswer> {
        Ok(VersionAnswer {
            subject: subject.to_owned(),
            version: listed.registered.version,
            id: listed.registered.schema.get(),
            schema: self.answer(listed, text)?,
        })
    }
}

impl App {
    /// The names of subjects.
    ///
    /// # Errors
    /// The caller may not, or the database's.
    pub async fn registry_subjects(&self, caller: &Caller, listing: Listing) -> Result<Vec<String>> {
        caller.permit(Right::MeshRead)?;
        let designs = self.designs().await?;
        let names = designs.registry.subjects(listing.deleted).map(|subject| &subject.name);
        Ok(listing.cut(names.filter(|name| name.starts_with(&listing.prefix)).cloned()))
    }

    /// The numbers of a subject's versions.
    ///
    /// # Errors
    /// The caller may not, there is no such subject, or the database's.
    pub async fn registry_versions(&self, caller: &Caller, subject: &str, listing: Listing) -> Result<Vec<u32>> {
        caller.permit(Right::MeshRead)?;
        let designs = self.designs().await?;
        let seen = if listing.deleted == Deleted::Without { Deleted::Without } else { Deleted::With };
        designs.registry.version(subject, None, seen)?;
        let numbers = designs.registry.versions(subject, listing.deleted).map(|listed| listed.registered.version);
        Ok(listing.cut(numbers))
    }

    /// One version of a subject; without a number the newest.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn registry_version(
        &self,
        caller: &Caller,
        subject: String,
        number: Option<u32>,
        deleted: Deleted,
        text: Text,
    ) -> Result<VersionAnswer> {
        caller.permit(Right::MeshRead)?;
        let designs = self.designs().await?;
        let listed = *designs.registry.version(&subject, number, deleted)?;
        if text == Text::Registered {
            return designs.version_answer(&subject, &listed, text);
        }
        working(move || designs.version_answer(&subject, &listed, text)).await
    }

    /// The ids of schemas that refer to a version.
    ///
    /// # Errors
    /// The caller may not, there is none, or the database's.
    pub async fn registry_referenced_by(
        &self,
        caller: &Caller,
        subject: &str,
        number: Option<u32>,
        deleted: Deleted,
    ) -> Result<Vec<u32>> {
        caller.permit(Right::MeshRead)?;
        let designs = self.designs().await?;
        let design = designs.registry.version(subject, number, Deleted::With)?.registered.design;
        let graph = designs.graph();
        let users = graph.used_by(design).into_iter().filter_map(|user| designs.registry.of_design(user.id));
        let users = users.filter(|(_, listed)| deleted == Deleted::With || !listed.is_deleted);
        let mut ids: Vec<u32> = users.map(|(_, listed)| listed.registered.schema.get()).collect();
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// What an id stands for.
    ///
    /// # Errors
    /// The caller may not, no subject has it, or the database's.
    pub async fn registry_schema(
        &self,
        caller: &Caller,
        id: SchemaId,
        text: Text,
        tells_max: bool,
    ) -> Result<SchemaAnswer> {
        caller.permit(Right::MeshRead)?;
        let designs = self.designs().await?;
        let [(_, listed), ..] = designs.registry.holders(id)? else { return Err(Refusal::NoId(id).into()) };
        let (listed, max_id) = (*listed, tells_max.then_some(designs.registry.settings().last_id));
        let answer = if text == Text::Registered {
            designs.answer(&listed, text)?
        } else {
            working(move || designs.answer(&listed, text)).await?
        };
        Ok(SchemaAnswer { max_id, ..answer })
    }

    /// Where an id is registered: subjects with their numbers.
    ///
    /// # Errors
    /// The caller may not, no subject has it, or the database's.
    pub async fn registry_holders(
        &self,
        caller: &Caller,
        id: SchemaId,
        deleted: Deleted,
    ) -> Result<Vec<(String, u32)>> {
        caller.permit(Right::MeshRead)?;
        let designs = self.designs().await?;
        let holders = designs.registry.holders(id)?.iter();
        let holders = holders.filter(|(_, listed)| deleted == Deleted::With || !listed.is_deleted);
        Ok(holders.map(|(subject, listed)| (subject.clone(), listed.registered.version)).collect())
    }

    /// All versions of all subjects, by subject and number.
    ///
    /// # Errors
    /// The caller may not, or the database's.
    pub async fn registry_schemas(&self, caller: &Caller, listing: Listing) -> Result<Vec<VersionAnswer>> {
        caller.permit(Right::MeshRead)?;
        let designs = self.designs().await?;
        let registry = &designs.registry;
        let subjects = registry.subjects(listing.deleted).filter(|subject| subject.name.starts_with(&listing.prefix));
        let rows = subjects.flat_map(|subject| {
            let all: Vec<&Listed> = registry.versions(&subject.name, listing.deleted).collect();
            let first = if listing.latest_only { all.len().saturating_sub(1) } else { 0 };
            all.into_iter().skip(first).map(|listed| (subject.name.as_str(), listed)).collect::<Vec<_>>()
        });
        let rows = listing.cut(rows).into_iter();
        rows.map(|(subject, listed)| designs.version_answer(subject, listed, Text::Registered)).collect()
    }

    /// The version of a subject that says what a client has.
    ///
    /// # Errors
    /// The caller may not, the schema is wrong or not there, or the database's.
    pub async fn registry_lookup(
        &self,
        caller: &Caller,
        subject: String,
        candidate: Candidate,
        deleted: Deleted,
        text: Text,
    ) -> Result<VersionAnswer> {
        caller.permit(Right::MeshRead)?;
        let designs = self.designs().await?;
        // The newest version: whether there is such a subject at all.
        designs.registry.version(&subject, None, deleted)?;
        working(move || {
            let found = read(&candidate, &designs)?;
            let listed = designs.registry.lookup(&subject, &found.fingerprint, deleted).ok_or(Refusal::NoSchema)?;
            designs.version_answer(&subject, listed, text)
        })
        .await
    }
}
