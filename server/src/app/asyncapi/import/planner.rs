//! What an import makes of a document: a line for each thing in it, beside what the catalog has.
//!
//! Schemas come first, then the events that need them, then what sends and receives those: each stage sees what the one
//! before would make, so that everything is checked as it would be written.

mod stages;
mod step;

use std::collections::BTreeSet;

use frontend::api::{AsyncApiImport, AsyncApiLine, AsyncApiNote, AsyncApiPlan, AsyncApiVerdict};
use mesh_asyncapi::Document;
use mesh_protocol::id::DesignVersionId;
use serde_json::Value;

use super::names::Names;
use super::read::Read;
use crate::app::design::Designs;
use crate::app::{Result, plan};
use crate::domain::design::{Kind, Object, Version};

/// What would be made.
pub(super) struct Plan {
    pub(super) title: String,
    pub(super) makes: Vec<Make>,
    pub(super) digest: String,
    shown: AsyncApiPlan,
}

/// A version to write.
pub(super) struct Make {
    /// Its object, where that is new.
    pub(super) object: Option<Object>,
    pub(super) version: Version,
    /// For the audit trail: `event order 1.0.0`.
    pub(super) label: String,
    /// The document that is kept with it.
    pub(super) kept: Option<Value>,
}

impl Plan {
    pub(super) fn preview(self) -> AsyncApiPlan {
        self.shown
    }

    pub(super) fn conflicts(&self) -> impl Iterator<Item = &AsyncApiLine> {
        self.shown.lines.iter().filter(|line| line.verdict == AsyncApiVerdict::Conflict)
    }

    /// What the document describes, if that is made.
    pub(super) fn root(&self) -> Option<&Make> {
        let is_root = |make: &&Make| matches!(make.version.spec.content.kind(), Kind::Application | Kind::EventApi);
        self.makes.last().filter(is_root)
    }
}

/// The document that the catalog gives of a version, with what an author said beside it.
type Export<'a> = dyn Fn(&Version, Option<&Value>) -> Result<Document> + 'a;

/// What became of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It is this version, or would be.
    Is(DesignVersionId),
    /// Somebody left it out.
    Left,
    /// It cannot be.
    Cannot,
}

pub(super) struct Planner<'a> {
    designs: &'a Designs,
    read: &'a Read,
    input: &'a AsyncApiImport,
    export: &'a Export<'a>,
    by: (&'a str, i64),
    /// Those of the catalog, and those that would be made.
    objects: Vec<Object>,
    versions: Vec<Version>,
    lines: Vec<AsyncApiLine>,
    makes: Vec<Make>,
}

/// The versions that the document may be the one of, whose kept documents have to be known.
pub(super) fn candidates(read: &Read, input: &AsyncApiImport, designs: &Designs) -> Vec<DesignVersionId> {
    let Some(kind) = read.kind else { return Vec::new() };
    let object = root_object(read, input, designs, kind);
    let versions = designs.versions().iter().filter(|version| Some(version.object) == object.map(|object| object.id));
    versions.map(|version| version.id).collect()
}

/// What the document describes, if the catalog has it.
fn root_object<'a>(read: &Read, input: &AsyncApiImport, designs: &'a Designs, kind: Kind) -> Option<&'a Object> {
    let named = read.of.and_then(|id| designs.version(id).ok()).and_then(|version| designs.object(version.object).ok());
    named.or_else(|| {
        let name = Names::default().of(&read.inventory.title, kind.name());
        let is_it =
            |object: &&Object| object.kind == kind && object.spec.domain == input.domain && object.spec.name == name;
        designs.objects().iter().find(is_it)
    })
}

impl<'a> Planner<'a> {
    pub(super) fn new(
        designs: &'a Designs,
        read: &'a Read,
        input: &'a AsyncApiImport,
        export: &'a Export<'a>,
        by: (&'a str, i64),
    ) -> Self {
        let (objects, versions) = (designs.objects().to_vec(), designs.versions().to_vec());
        Self { designs, read, input, export, by, objects, versions, lines: Vec::new(), makes: Vec::new() }
    }

    /// `kept`: the documents of versions that this may be the one of.
    pub(super) fn plan(mut self, kept: &[(DesignVersionId, Value)]) -> Result<Plan> {
        let schemas = self.schemas();
        let events = self.events(&schemas);
        if let Some(kind) = self.read.kind {
            self.root(kind, &events, kept);
        }
        let known: BTreeSet<&str> = self.lines.iter().map(|line| line.key.as_str()).collect();
        if let Some(unknown) = self.input.skip.iter().find(|key| !known.contains(key.as_str())) {
            return Err(crate::app::design::wrong(
                "skip",
                format_args!("names `{unknown}`, which is no line of this document"),
            ));
        }
        let Read { inventory, report, notes, from, .. } = self.read;
        let digest = plan::digest(&self.lines, self.input);
        let count = |meant: &dyn Fn(AsyncApiVerdict) -> bool| {
            self.lines.iter().filter(|line| meant(line.verdict)).count() as u64
        };
        let shown = AsyncApiPlan {
            preview: digest.clone(),
            title: inventory.title.clone(),
            version: inventory.version.clone(),
            asyncapi: from.clone(),
            notes: notes
                .iter()
                .map(|note| AsyncApiNote { at: note.at.to_string(), message: note.message.clone() })
                .collect(),
            score: report.score,
            findings: report.findings.iter().cloned().map(super::super::finding).collect(),
            changes: count(&|verdict| matches!(verdict, AsyncApiVerdict::New | AsyncApiVerdict::NewVersion)),
            conflicts: count(&|verdict| verdict == AsyncApiVerdict::Conflict),
            lines: self.lines,
        };
        Ok(Plan { title: inventory.title.clone(), makes: self.makes, digest, shown })
    }
}
