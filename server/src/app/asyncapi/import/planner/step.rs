//! One thing of a document beside the catalog: is it there, does it say the same, what would be made of it.

use frontend::api::{AsyncApiLine, AsyncApiVerdict};
use mesh_protocol::id::{DesignObjectId, DesignVersionId};
use uuid::Uuid;

use super::{Make, Outcome, Planner};
use crate::app::design::{difference_class, kind as design_kind};
use crate::domain::design::{
    Class, Content, Graph, Kind, Number, Object, Sharing, Spec, State, Validation, Version, VersionSpec,
    between_versions, suggest,
};
use crate::domain::field::{FieldErrors, TEXT_BYTES_MAX};

/// Something that a document says.
pub(super) struct Thing {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// Its address, its language.
    pub(super) what: String,
    /// In a sentence.
    pub(super) summary: String,
    /// In more of them.
    pub(super) document: String,
    pub(super) tags: Vec<String>,
    /// What it is in the catalog.
    pub(super) object: Option<DesignObjectId>,
    /// The version that it says it is.
    pub(super) of: Option<DesignVersionId>,
    /// The number that its author gave it.
    pub(super) number: Option<Number>,
    /// What it says; or why that cannot be.
    pub(super) content: Result<Content, String>,
    /// What one should know.
    pub(super) note: String,
}

/// A line, what became of the thing, and what would be made.
pub(super) type Step = (AsyncApiLine, Outcome, Option<Make>);

impl Planner<'_> {
    pub(super) fn step(&self, graph: &Graph<'_>, thing: Thing, is_same: impl Fn(&Version) -> bool) -> Step {
        let mut line = AsyncApiLine {
            key: format!("{}/{}", thing.kind.name().replace(' ', "_"), thing.name),
            kind: design_kind(thing.kind),
            name: thing.name.clone(),
            what: thing.what.clone(),
            verdict: AsyncApiVerdict::Conflict,
            number: String::new(),
            change: String::new(),
            class: None,
            note: thing.note.clone(),
            object: thing.object,
            is: None,
        };
        let is_left = self.input.skip.contains(&line.key);
        let found = thing.object.and_then(|id| graph.object(id));
        let others = found.map(|object| graph.versions(object.id)).unwrap_or_default();
        if thing.content.is_ok() {
            let named = others.iter().filter(|version| Some(version.id) == thing.of);
            let newest = others.iter().rev();
            let same = named.chain(newest).find(|version| version.state != State::Retired && is_same(version));
            if let Some(same) = same {
                (line.verdict, line.is) = (AsyncApiVerdict::Same, Some(same.id));
                line.number = same.spec.number.to_string();
                return (line, Outcome::Is(same.id), None);
            }
        }
        if is_left {
            line.verdict = AsyncApiVerdict::LeftOut;
            return (line, Outcome::Left, None);
        }
        match self.made(graph, thing, found, others, &mut line) {
            Ok(make) => {
                let id = make.version.id;
                (line, Outcome::Is(id), Some(make))
            }
            Err(why) => {
                (line.verdict, line.note) = (AsyncApiVerdict::Conflict, why);
                (line, Outcome::Cannot, None)
            }
        }
    }

    fn made(
        &self,
        graph: &Graph<'_>,
        thing: Thing,
        found: Option<&Object>,
        others: &[&Version],
        line: &mut AsyncApiLine,
    ) -> Result<Make, String> {
        let content = thing.content?;
        let (by, now_ms) = self.by;
        // A sentence has a bound that a document has not.
        let is_short = thing.summary.len() <= TEXT_BYTES_MAX;
        let (description, more) = if is_short { (thing.summary, None) } else { (String::new(), Some(thing.summary)) };
        let number = Number::FIRST;
        let spec = VersionSpec { number, description, content, end_of_life_at_ms: None, replacement: None }.tidied();
        let id = DesignVersionId(Uuid::now_v7());
        let said = |errors: FieldErrors| errors.to_string();
        let Some(object) = found else {
            let document = [more, Some(thing.document)].into_iter().flatten().filter(|text| !text.is_empty());
            let spec_of_object = Spec {
                name: thing.name,
                domain: self.input.domain,
                owner: String::new(),
                people: Vec::new(),
                tags: thing.tags.into_iter().filter(|tag| is_tag(tag)).collect(),
                attributes: std::collections::BTreeMap::new(),
                document: document.collect::<Vec<_>>().join("\n\n"),
                sharing: Sharing::Domain,
                validation: Validation::default(),
            };
            let object = Object::new(DesignObjectId(Uuid::now_v7()), thing.kind, spec_of_object.tidied(), by, now_ms);
            object.spec.check(object.kind, None, &self.objects).map_err(said)?;
            let mut version = Version::draft(id, object.id, spec, by, now_ms);
            version.spec.number = thing.number.unwrap_or(Number::FIRST);
            version.spec.check(&object, None, graph).map_err(said)?;
            (line.verdict, line.number) = (AsyncApiVerdict::New, version.spec.number.to_string());
            let label = format!("{} {} {}", object.kind, object.spec.name, version.spec.number);
            return Ok(Make { object: Some(object), version, label, kept: None });
        };
        if object.spec.domain != self.input.domain {
            return Err("says something else in the catalog, and is of another application domain: \
                        import it there, or leave it out"
                .to_owned());
        }
        let mut version = Version::draft(id, object.id, spec, by, now_ms);
        let class = others.last().map(|latest| {
            let level = self.designs.level_of(&version, graph);
            // Numbers differ in any case, and say nothing of what changes.
            version.spec.number = latest.spec.number;
            let difference = between_versions(graph, level, latest, &version);
            let is_content = latest.spec.content != version.spec.content;
            line.change = if is_content {
                difference.sentence
            } else {
                "Nothing changes that the catalog knows of; its document says other things.".to_owned()
            };
            let class = difference.class.filter(|_| is_content).unwrap_or(Class::Cosmetic);
            line.class = Some(difference_class(class));
            class
        });
        let known: Vec<Number> = others.iter().map(|other| other.spec.number).collect();
        let own = thing.number.filter(|number| known.iter().all(|known| known < number));
        let next = || suggest(known.iter().copied(), class.unwrap_or(Class::Compatible));
        version.spec.number = own.or_else(next).ok_or("has no number left: make a new object")?;
        version.spec.check(object, None, graph).map_err(said)?;
        (line.verdict, line.number) = (AsyncApiVerdict::NewVersion, version.spec.number.to_string());
        let label = format!("{} {} {}", object.kind, object.spec.name, version.spec.number);
        Ok(Make { object: None, version, label, kept: None })
    }
}

/// Whether the catalog takes a tag; those that our own exports add come from elsewhere.
fn is_tag(tag: &str) -> bool {
    let is_ours = tag.starts_with("domain:") || tag.starts_with("env:");
    let mut errors = FieldErrors::default();
    crate::domain::design::check_tags(&mut errors, std::slice::from_ref(&tag.to_owned()));
    !is_ours && errors.check().is_ok()
}
