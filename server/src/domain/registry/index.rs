//! Everything the registry knows, ready to be asked by name, by number, by id, by design version and by content.
//!
//! It is made once for each state of the catalog and holds no texts: where one stands in the catalog's list is all it
//! keeps, so that it costs little to make and an answer costs a look or two.

use std::collections::{BTreeMap, HashMap};

use mesh_protocol::id::{DesignObjectId, DesignVersionId};
use mesh_protocol::schema_id::SchemaId;
use mesh_schema::Level;

use super::super::design::{State, Version};
use super::{KnownSchema, Mode, Refusal, Registered, Settings, Subject};

/// The registry at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Registry {
    settings: Settings,
    subjects: BTreeMap<String, Entry>,
    names: HashMap<DesignObjectId, String>,
    /// In the order of their subjects' names.
    holders: HashMap<SchemaId, Vec<(String, Listed)>>,
    designs: HashMap<DesignVersionId, (String, Listed)>,
    /// The lowest id of each content.
    ids: HashMap<String, SchemaId>,
    fingerprints: HashMap<SchemaId, String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    subject: Subject,
    /// The lowest number first.
    versions: Vec<Listed>,
}

/// A version of a subject with what the catalog says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The version.
    pub registered: Registered,
    /// Where its design version stands in the list that the registry was made of.
    pub place: usize,
    /// It is retired: no longer listed, still readable by its id.
    pub is_deleted: bool,
}

/// Whether versions count that were deleted softly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deleted {
    /// No.
    #[default]
    Without,
    /// As well.
    With,
    /// And nothing else.
    Only,
}

impl Deleted {
    fn takes(self, listed: &Listed) -> bool {
        match self {
            Self::Without => !listed.is_deleted,
            Self::With => true,
            Self::Only => listed.is_deleted,
        }
    }
}

impl Registry {
    /// Of what is stored, beside all design versions.
    #[must_use]
    pub fn of(
        settings: Settings,
        subjects: Vec<Subject>,
        registered: &[Registered],
        known: Vec<KnownSchema>,
        versions: &[Version],
    ) -> Self {
        let mut registry = Self { settings, ..Self::default() };
        let places: HashMap<DesignVersionId, usize> =
            versions.iter().enumerate().map(|(place, version)| (version.id, place)).collect();
        let mut by_subject: HashMap<_, Vec<Listed>> = HashMap::new();
        for one in registered {
            // The database keeps every registered version's design version.
            let Some(place) = places.get(&one.design).copied() else { continue };
            let is_deleted = versions[place].state == State::Retired;
            by_subject.entry(one.subject).or_default().push(Listed { registered: *one, place, is_deleted });
        }
        for subject in subjects {
            let mut versions = by_subject.remove(&subject.id).unwrap_or_default();
            versions.sort_by_key(|listed| listed.registered.version);
            if let Some(object) = subject.object {
                registry.names.insert(object, subject.name.clone());
            }
            registry.subjects.insert(subject.name.clone(), Entry { subject, versions });
        }
        for (name, entry) in &registry.subjects {
            for listed in &entry.versions {
                registry.holders.entry(listed.registered.schema).or_default().push((name.clone(), *listed));
                registry.designs.insert(listed.registered.design, (name.clone(), *listed));
            }
        }
        for KnownSchema { id, fingerprint } in known {
            let lowest = registry.ids.entry(fingerprint.clone()).or_insert(id);
            *lowest = (*lowest).min(id);
            registry.fingerprints.insert(id, fingerprint);
        }
        registry
    }

    /// The same after one more version was registered, which `subject` knows of already; `place` as in [`Listed`]. It is
    /// what would be read from the database, so that nobody has to read all of it after every version.
    #[must_use]
    pub fn with(&self, subject: &Subject, registered: Registered, content: &str, place: usize) -> Self {
        let mut next = self.clone();
        let listed = Listed { registered, place, is_deleted: false };
        let Registered { version, schema, design, .. } = registered;
        next.settings.last_id = next.settings.last_id.max(schema.get());
        if let Some(object) = subject.object {
            next.names.insert(object, subject.name.clone());
        }
        let new = || Entry { subject: subject.clone(), versions: Vec::new() };
        let entry = next.subjects.entry(subject.name.clone()).or_insert_with(new);
        entry.subject.clone_from(subject);
        let at = entry.versions.partition_point(|other| other.registered.version < version);
        entry.versions.insert(at, listed);
        let holders = next.holders.entry(schema).or_default();
        let order =
            |(name, other): &(String, Listed)| (name.as_str(), other.registered.version) < (&*subject.name, version);
        let at = holders.partition_point(order);
        holders.insert(at, (subject.name.clone(), listed));
        next.designs.insert(design, (subject.name.clone(), listed));
        let lowest = next.ids.entry(content.to_owned()).or_insert(schema);
        *lowest = (*lowest).min(schema);
        next.fingerprints.insert(schema, content.to_owned());
        next
    }

    /// What holds for the whole registry.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// All subjects that have such a version, by name.
    pub fn subjects(&self, deleted: Deleted) -> impl Iterator<Item = &Subject> {
        let has = move |entry: &&Entry| match deleted {
            // A subject is deleted when none of its versions is left.
            Deleted::Only => !entry.versions.is_empty() && entry.versions.iter().all(|listed| listed.is_deleted),
            _ => entry.versions.iter().any(|listed| deleted.takes(listed)),
        };
        self.subjects.values().filter(has).map(|entry| &entry.subject)
    }

    /// A subject, also one without versions.
    #[must_use]
    pub fn subject(&self, name: &str) -> Option<&Subject> {
        self.subjects.get(name).map(|entry| &entry.subject)
    }

    /// The subject of an object.
    #[must_use]
    pub fn subject_of(&self, object: DesignObjectId) -> Option<&Subject> {
        self.subject(self.names.get(&object)?)
    }

    /// The versions of a subject, the lowest number first.
    pub fn versions(&self, name: &str, deleted: Deleted) -> impl DoubleEndedIterator<Item = &Listed> {
        let all = self.subjects.get(name).map(|entry| entry.versions.as_slice()).unwrap_or_default();
        all.iter().filter(move |listed| deleted.takes(listed))
    }

    /// One version of a subject; without a number the highest that is not deleted, or whatever is highest.
    ///
    /// # Errors
    /// There is no such subject, or no such version.
    pub fn version(&self, name: &str, number: Option<u32>, deleted: Deleted) -> Result<&Listed, Refusal> {
        let found = match number {
            Some(number) => self.versions(name, deleted).find(|listed| listed.registered.version == number),
            None => {
                self.versions(name, Deleted::Without).next_back().or_else(|| self.versions(name, deleted).next_back())
            }
        };
        found.ok_or_else(|| match (number, self.versions(name, deleted).next()) {
            (Some(number), Some(_)) => Refusal::NoVersion(number),
            _ => Refusal::NoSubject(name.to_owned()),
        })
    }

    /// Where a design version is registered.
    #[must_use]
    pub fn of_design(&self, id: DesignVersionId) -> Option<(&str, &Listed)> {
        self.designs.get(&id).map(|(name, listed)| (name.as_str(), listed))
    }

    /// Where an id is registered, by the names of the subjects.
    ///
    /// # Errors
    /// Nowhere: it was never given out, or everything that had it is gone for good.
    pub fn holders(&self, id: SchemaId) -> Result<&[(String, Listed)], Refusal> {
        self.holders.get(&id).map(Vec::as_slice).ok_or(Refusal::NoId(id))
    }

    /// Every id that is registered somewhere.
    pub fn held_ids(&self) -> impl Iterator<Item = SchemaId> {
        self.holders.keys().copied()
    }

    /// The id of a content.
    #[must_use]
    pub fn id_of(&self, fingerprint: &str) -> Option<SchemaId> {
        self.ids.get(fingerprint).copied()
    }

    /// The content of an id, also when nothing has it any more.
    #[must_use]
    pub fn content_of(&self, id: SchemaId) -> Option<&str> {
        self.fingerprints.get(&id).map(String::as_str)
    }

    /// What must stay readable in a subject, or in one that is not there yet.
    #[must_use]
    pub fn level(&self, name: &str) -> Level {
        self.subject(name).and_then(|subject| subject.level).unwrap_or(self.settings.level)
    }

    /// What must stay readable in the subject of an object.
    #[must_use]
    pub fn level_of(&self, object: DesignObjectId) -> Level {
        self.subject_of(object).and_then(|subject| subject.level).unwrap_or(self.settings.level)
    }

    /// What may be done with a subject, or with one that is not there yet.
    #[must_use]
    pub fn mode(&self, name: &str) -> Mode {
        match self.settings.mode {
            Mode::ReadOnlyOverride => Mode::ReadOnlyOverride,
            all => self.subject(name).and_then(|subject| subject.mode).unwrap_or(all),
        }
    }

    /// Refuses what would change a subject while it may not change.
    ///
    /// # Errors
    /// The mode forbids it.
    pub fn check_writable(&self, name: &str) -> Result<(), Refusal> {
        let mode = self.mode(name);
        if mode.is_read_only() {
            let way_out = "set its mode, or that of the registry, to READWRITE first";
            return Err(Refusal::NotPermitted(format!("Subject {name} is in {} mode: {way_out}", mode.name())));
        }
        Ok(())
    }

    /// A name for the subject of an object that nobody named: the object's, with its domain's before it where another
    /// object has that already, and with a number where that is taken too.
    #[must_use]
    pub fn free_name(&self, object: &str, domain: &str, taken: &[String]) -> String {
        let is_free = |name: &String| {
            self.subject(name).is_none_or(|subject| subject.object.is_none())
                && !taken.iter().any(|other| other == name)
        };
        let numbered = (2_u32..).map(|number| format!("{domain}.{object}-{number}"));
        let names = [object.to_owned(), format!("{domain}.{object}")].into_iter().chain(numbered);
        names.into_iter().find(is_free).unwrap_or_default()
    }
}
