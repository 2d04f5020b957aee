//! What refers to what: all versions with their references, ready to be followed both ways.
//!
//! It is built anew from what is stored whenever somebody asks. References of drafts may be edited into a circle of
//! schemas that no format can read; every walk ends there too, and [`Graph::schema`] says where it goes round.

use std::collections::{BTreeMap, HashMap, HashSet};

use mesh_protocol::id::{DesignObjectId, DesignVersionId};
use mesh_schema::{Level, Reference};

use super::super::field::FieldErrors;
use super::{
    Change, Class, Content, Need, Object, Referred, Schema, SchemaReference, Sharing, State, Version, between_versions,
};

/// All objects and versions with their references.
#[derive(Debug)]
pub struct Graph<'a> {
    objects: HashMap<DesignObjectId, &'a Object>,
    versions: HashMap<DesignVersionId, &'a Version>,
    /// The lowest number first.
    by_object: HashMap<DesignObjectId, Vec<&'a Version>>,
    /// With the field of each reference.
    users: HashMap<DesignVersionId, Vec<(&'static str, &'a Version)>>,
}

/// Schemas that use each other in a circle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("goes round in a circle: {}; take one of them out", .0.join(" -> "))]
pub struct Cycle(
    /// Labels, the first one again at the end.
    pub Vec<String>,
);

/// One schema on the way to where a walk is.
struct Step<'b> {
    id: Option<DesignVersionId>,
    /// The reference that led to it.
    by: Option<&'b SchemaReference>,
    /// Its references that are still to be followed.
    rest: std::slice::Iter<'b, SchemaReference>,
}

impl<'a> Graph<'a> {
    /// Of these.
    #[must_use]
    pub fn of(objects: &'a [Object], versions: &'a [Version]) -> Self {
        let mut by_object: HashMap<_, Vec<&Version>> = HashMap::new();
        let mut users: HashMap<_, Vec<_>> = HashMap::new();
        for version in versions {
            by_object.entry(version.object).or_default().push(version);
            for need in version.spec.content.needs() {
                users.entry(need.version).or_default().push((need.field, version));
            }
        }
        by_object.values_mut().for_each(|versions| versions.sort_by_key(|version| version.spec.number));
        Self {
            objects: objects.iter().map(|object| (object.id, object)).collect(),
            versions: versions.iter().map(|version| (version.id, version)).collect(),
            by_object,
            users,
        }
    }

    /// An object.
    #[must_use]
    pub fn object(&self, id: DesignObjectId) -> Option<&'a Object> {
        self.objects.get(&id).copied()
    }

    /// A version.
    #[must_use]
    pub fn version(&self, id: DesignVersionId) -> Option<&'a Version> {
        self.versions.get(&id).copied()
    }

    /// The versions of an object, the lowest number first.
    #[must_use]
    pub fn versions(&self, object: DesignObjectId) -> &[&'a Version] {
        self.by_object.get(&object).map(Vec::as_slice).unwrap_or_default()
    }

    /// A version for people: `schema order 1.2.0`. One that is not there has its id.
    #[must_use]
    pub fn label(&self, id: DesignVersionId) -> String {
        let object = self.version(id).and_then(|version| self.object(version.object));
        format!("{} {}", object.map_or("version", |object| object.kind.name()), self.name(id))
    }

    /// The same where its kind is known: `order 1.2.0`.
    #[must_use]
    pub fn name(&self, id: DesignVersionId) -> String {
        match self.version(id).and_then(|version| Some((version, self.object(version.object)?))) {
            Some((version, object)) => format!("{} {}", object.spec.name, version.spec.number),
            None => id.to_string(),
        }
    }

    /// What a version refers to, for [`Context::needs`](super::Context::needs). What is not there counts as retired.
    #[must_use]
    pub fn needs(&self, version: &Version) -> Vec<Referred> {
        let referred = |need: Need| Referred {
            field: need.field,
            label: self.label(need.version),
            state: self.version(need.version).map_or(State::Retired, |needed| needed.state),
        };
        version.spec.content.needs().into_iter().map(referred).collect()
    }

    /// What refers to a version, for [`Context::users`](super::Context::users).
    #[must_use]
    pub fn users(&self, id: DesignVersionId) -> Vec<Referred> {
        let users = self.users.get(&id).into_iter().flatten();
        users.map(|(field, user)| Referred { field, label: self.label(user.id), state: user.state }).collect()
    }

    /// The versions that refer to one themselves, each once.
    #[must_use]
    pub fn used_by(&self, id: DesignVersionId) -> Vec<&'a Version> {
        let mut seen = HashSet::new();
        let users = self.users.get(&id).into_iter().flatten().map(|(_, user)| *user);
        users.filter(|user| seen.insert(user.id)).collect()
    }

    /// The versions that refer to one themselves or through others, the nearest first: what a change of it could hurt.
    #[must_use]
    pub fn affected_by(&self, id: DesignVersionId) -> Vec<&'a Version> {
        walk(id, |here| self.used_by(here))
    }

    /// The versions that one refers to itself or through others, the nearest first: what it stands on.
    #[must_use]
    pub fn built_on(&self, id: DesignVersionId) -> Vec<&'a Version> {
        walk(id, |here| {
            let needs = self.version(here).map(|version| version.spec.content.needs()).unwrap_or_default();
            needs.into_iter().filter_map(|need| self.version(need.version)).collect()
        })
    }

    /// What a version changes against the highest one below it that is live, or, where the level asks for it, against the
    /// one it does most harm to of all below it; none = there is none.
    #[must_use]
    pub fn change(&self, version: &Version, level: Level) -> Option<Change> {
        let number = version.spec.number;
        let is_below = |other: &&&Version| other.spec.number < number && other.state.is_live();
        let change = |other: &&Version| Change {
            since: other.spec.number,
            number,
            class: between_versions(self, level, other, version).class.unwrap_or(Class::Cosmetic),
        };
        let mut below = self.versions(version.object).iter().filter(is_below);
        if level.is_transitive() {
            below.map(change).max_by_key(|change| (change.class, change.since))
        } else {
            below.next_back().map(change)
        }
    }

    /// Whether a version of an object may refer to another one.
    pub(super) fn check_need(&self, object: &Object, need: Need) -> Result<(), String> {
        let version = self.version(need.version).ok_or("names a version that is not there: choose another one")?;
        let label = self.label(need.version);
        let other = self.object(version.object).ok_or("names a version of nothing: choose another one")?;
        if other.kind != need.kind {
            return Err(format!("names {label}: choose a version of kind {}", need.kind));
        }
        if version.state == State::Retired {
            return Err(format!("names {label}, which is retired: choose another one"));
        }
        if other.spec.domain != object.spec.domain && other.spec.sharing == Sharing::Domain {
            return Err(format!("names {label} of another domain, which is not shared: ask its owner to share it"));
        }
        Ok(())
    }

    /// Reads a schema with all that it uses; `own` is the id of its version, when it is there already.
    ///
    /// # Errors
    /// What is wrong, at `text` or `references`.
    pub fn schema(&self, own: Option<DesignVersionId>, schema: &Schema) -> Result<mesh_schema::Schema, FieldErrors> {
        let texts = self.texts(own, schema).map_err(|error| FieldErrors::one("references", error))?;
        mesh_schema::Schema::parse(schema.format, &schema.text, &texts).map_err(|invalid| {
            let field = if invalid.reference.is_some() { "references" } else { "text" };
            FieldErrors::one(field, format_args!("is not sound: {invalid}"))
        })
    }

    /// The texts that a schema needs, by the names it and they call each other.
    ///
    /// # Errors
    /// What is wrong with its references.
    pub fn texts(&self, own: Option<DesignVersionId>, schema: &Schema) -> Result<Vec<Reference>, String> {
        let mut by_name = BTreeMap::new();
        let mut texts = Vec::new();
        for SchemaReference { name, version } in self.closure(own, schema).map_err(|cycle| cycle.to_string())? {
            match by_name.insert(name, version) {
                Some(other) if other == version => continue,
                Some(other) => {
                    let both = format!("{} and {}", self.label(*other), self.label(*version));
                    return Err(format!("calls both {both} `{name}`: use one version of it throughout"));
                }
                None => {}
            }
            let Some(Content::Schema(used)) = self.version(*version).map(|version| &version.spec.content) else {
                return Err(format!("names {}, which is no schema that is there", self.label(*version)));
            };
            if used.format != schema.format {
                let (label, format) = (self.label(*version), used.format);
                return Err(format!("names {label}, which is {format}: a schema uses others of its own format"));
            }
            if texts.len() == mesh_schema::REFERENCES_MAX {
                return Err(format!(
                    "with all they use are more than {}: join some of them",
                    mesh_schema::REFERENCES_MAX
                ));
            }
            texts.push(Reference { name: name.clone(), text: used.text.clone() });
        }
        Ok(texts)
    }

    /// All references of a schema and of what it uses; each stands after those it needs itself.
    ///
    /// # Errors
    /// The first circle that is found.
    pub fn closure<'b>(
        &'b self,
        own: Option<DesignVersionId>,
        schema: &'b Schema,
    ) -> Result<Vec<&'b SchemaReference>, Cycle> {
        let mut all = Vec::new();
        let mut done = HashSet::new();
        let mut path = vec![Step { id: own, by: None, rest: schema.references.iter() }];
        while let Some(step) = path.last_mut() {
            let Some(reference) = step.rest.next() else {
                all.extend(path.pop().and_then(|step| step.by));
                continue;
            };
            let id = Some(reference.version);
            if let Some(start) = path.iter().position(|step| step.id == id) {
                let circle = path[start..].iter().filter_map(|step| step.id).chain(id);
                return Err(Cycle(circle.map(|id| self.label(id)).collect()));
            }
            if done.insert(reference.version) {
                path.push(Step { id, by: Some(reference), rest: self.references(reference.version).iter() });
            } else {
                all.push(reference);
            }
        }
        Ok(all)
    }

    fn references(&self, id: DesignVersionId) -> &'a [SchemaReference] {
        match self.version(id).map(|version| &version.spec.content) {
            Some(Content::Schema(schema)) => &schema.references,
            _ => &[],
        }
    }
}

/// All that can be reached, each once.
fn walk<'a>(start: DesignVersionId, next: impl Fn(DesignVersionId) -> Vec<&'a Version>) -> Vec<&'a Version> {
    let mut seen = HashSet::from([start]);
    let mut found = Vec::new();
    let mut here = Some(start);
    for followed in 0.. {
        let Some(id) = here else { break };
        found.extend(next(id).into_iter().filter(|version| seen.insert(version.id)));
        here = found.get(followed).map(|version: &&Version| version.id);
    }
    found
}

#[cfg(test)]
mod tests;
