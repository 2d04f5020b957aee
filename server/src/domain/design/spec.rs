//! What people may write about objects and versions.
//!
//! Bounds here are those of a page that is still read: what is longer belongs into a document of its own.

use mesh_protocol::id::{DesignObjectId, DesignVersionId};

use super::super::field::FieldErrors;
use super::state::some_of;
use super::{Class, Content, Graph, Kind, Object, Sharing, Spec, State, Validation, Version, VersionSpec, suggest};

/// Most people that one object names.
pub const OWNERS_MAX: usize = 16;
/// Most tags of one object.
pub const TAGS_MAX: usize = 32;
/// Most custom attributes of one object.
pub const ATTRIBUTES_MAX: usize = 32;
/// Longest tag, and longest value of a custom attribute, in bytes.
pub const LABEL_BYTES_MAX: usize = 256;
/// Longest document, in bytes: 64 KiB.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// Checks tags that are given to something.
pub fn check_tags(errors: &mut FieldErrors, tags: &[String]) {
    if tags.len() > TAGS_MAX {
        errors.add("tags", format_args!("are more than {TAGS_MAX}"));
    }
    // A comma separates tags in addresses of pages.
    if let Some(tag) = tags.iter().find(|tag| tag.is_empty() || tag.contains(',') || !is_label(tag)) {
        let rule = format!("1 to {LABEL_BYTES_MAX} bytes on one line, without commas");
        errors.add("tags", format_args!("hold `{}`: a tag has {rule}", tag.escape_debug()));
    }
}

impl Spec {
    /// The same without what only differs in its writing: spaces, the order of tags and people, what is named twice.
    #[must_use]
    pub fn tidied(self) -> Self {
        let tidy = |texts: Vec<String>| {
            let mut texts: Vec<String> = texts.into_iter().map(|text| text.trim().to_owned()).collect();
            texts.retain(|text| !text.is_empty());
            texts.sort();
            texts.dedup();
            texts
        };
        let attributes =
            self.attributes.into_iter().map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        Self {
            name: self.name.trim().to_owned(),
            owner: self.owner.trim().to_owned(),
            people: tidy(self.people),
            tags: tidy(self.tags),
            attributes: attributes.collect(),
            ..self
        }
    }

    /// Checks it beside the others; `id` is its own, when it is there already. Of the others, those of its kind and
    /// domain count.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check(&self, kind: Kind, id: Option<DesignObjectId>, all: &[Object]) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        errors.name("name", &self.name);
        let same = |other: &&Object| other.kind == kind && other.spec.domain == self.domain && Some(other.id) != id;
        if all.iter().filter(same).any(|other| other.spec.name == self.name) {
            errors.add("name", format_args!("is that of another {kind} in this domain: choose another one"));
        }
        errors.text("owner", &self.owner);
        if self.people.len() > OWNERS_MAX {
            errors.add("people", format_args!("are more than {OWNERS_MAX}: name a team as the owner"));
        }
        self.people.iter().for_each(|person| errors.name("people", person));
        self.check_labels(&mut errors);
        if kind != Kind::Event && self.validation != Validation::Unchecked {
            errors.add("validation", format_args!("is of events only: leave it out for a {kind}"));
        }
        if self.document.len() > DOCUMENT_BYTES_MAX {
            errors.add("document", format_args!("is longer than {DOCUMENT_BYTES_MAX} bytes: link to the rest"));
        } else if self.document.contains('\0') {
            errors.add("document", "holds a NUL character");
        }
        errors.check()
    }

    fn check_labels(&self, errors: &mut FieldErrors) {
        check_tags(errors, &self.tags);
        if self.attributes.len() > ATTRIBUTES_MAX {
            errors.add("attributes", format_args!("are more than {ATTRIBUTES_MAX}"));
        }
        self.attributes.keys().for_each(|name| errors.name("attributes", name));
        if let Some((name, _)) = self.attributes.iter().find(|(_, value)| !is_label(value)) {
            errors
                .add("attributes", format_args!("hold a value of `{name}` beyond {LABEL_BYTES_MAX} bytes on one line"));
        }
    }

    /// Whether references still reach as far as they do, when the object with this id becomes so: who builds on it
    /// from another domain needs it shared, and it needs the same of what it builds on.
    ///
    /// # Errors
    /// The reference that would be cut off, at `sharing` or `domain`.
    pub fn check_reach(&self, id: DesignObjectId, graph: &Graph<'_>) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        let is_far = |object: &Object| object.id != id && object.spec.domain != self.domain;
        // What is retired holds nothing.
        let is_there = |version: &&&Version| version.state != State::Retired;
        for version in graph.versions(id).iter().filter(is_there) {
            let users = graph.used_by(version.id);
            let users = users.iter().filter(is_there).filter(|user| graph.object(user.object).is_some_and(is_far));
            let cut_off = some_of(users.map(|user| graph.label(user.id)), ", ");
            if self.sharing == Sharing::Domain && !cut_off.is_empty() {
                errors.add("sharing", format_args!("must be with all domains, because others use it: {cut_off}"));
            }
            let needs = version.spec.content.needs().into_iter().filter(|need| {
                let object = graph.version(need.version).and_then(|needed| graph.object(needed.object));
                object.is_some_and(|object| is_far(object) && object.spec.sharing == Sharing::Domain)
            });
            let cut_off = some_of(needs.map(|need| graph.label(need.version)), ", ");
            if !cut_off.is_empty() {
                errors.add("domain", format_args!("cannot be another one while this is not shared: {cut_off}"));
            }
        }
        errors.check()
    }
}

fn is_label(text: &str) -> bool {
    text.len() <= LABEL_BYTES_MAX && !text.contains(char::is_control)
}

impl VersionSpec {
    /// The same without what only differs in its writing: spaces, the order of lists, events named twice.
    #[must_use]
    pub fn tidied(self) -> Self {
        Self { description: self.description.trim().to_owned(), content: self.content.tidied(), ..self }
    }

    /// Checks it as a draft of an object, beside all it refers to; `own` is its id, when it is there already.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub fn check(&self, object: &Object, own: Option<DesignVersionId>, graph: &Graph<'_>) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        let kind = self.content.kind();
        if kind != object.kind {
            errors.add("content", format_args!("is of kind {kind}, and the object is of kind {}", object.kind));
        }
        let others = graph.versions(object.id).iter().filter(|other| Some(other.id) != own);
        let numbers: Vec<_> = others.map(|other| other.spec.number).collect();
        if numbers.contains(&self.number) {
            let free = suggest(numbers.iter().copied(), Class::Compatible);
            let free = free.map(|number| format!(": {number} is free")).unwrap_or_default();
            errors.add("number", format_args!("{} is used already{free}", self.number));
        }
        self.content.check(&mut errors);
        for need in self.content.needs() {
            errors.take(need.field, graph.check_need(object, need));
        }
        if let Content::Schema(schema) = &self.content {
            merge(&mut errors, graph.schema(own, schema).err());
        }
        merge(&mut errors, self.check_readable(object, own, graph).err());
        errors.check()
    }

    /// Checks what is for readers, which may be edited for life.
    fn check_readable(
        &self,
        object: &Object,
        own: Option<DesignVersionId>,
        graph: &Graph<'_>,
    ) -> Result<(), FieldErrors> {
        let mut errors = FieldErrors::default();
        errors.text("description", &self.description);
        if self.end_of_life_at_ms.is_some_and(|at| at <= 0) {
            errors.add("end_of_life_at", "must be milliseconds since the Unix epoch");
        }
        if let Some(id) = self.replacement {
            let found = graph.version(id).and_then(|version| graph.object(version.object));
            match found {
                _ if Some(id) == own => errors.add("replacement", "is this very version"),
                None => errors.add("replacement", "is not there: choose another one"),
                Some(other) if other.kind != object.kind => {
                    errors
                        .add("replacement", format_args!("is {}: choose one of kind {}", graph.label(id), object.kind));
                }
                Some(_) => {}
            }
        }
        errors.check()
    }
}

impl Version {
    /// Whether it may be edited so. What others read or rely on stays as it is, and is not checked anew: it stays
    /// whatever became of what it refers to.
    ///
    /// # Errors
    /// What is wrong, or frozen, by field.
    pub fn check_edit(&self, new: &VersionSpec, object: &Object, graph: &Graph<'_>) -> Result<(), FieldErrors> {
        if self.state == State::Draft {
            return new.check(object, Some(self.id), graph);
        }
        let mut errors = FieldErrors::default();
        self.check_frozen(&mut errors, new);
        merge(&mut errors, new.check_readable(object, Some(self.id), graph).err());
        errors.check()
    }
}

/// Notes the errors of a check beside those that are there.
pub(super) fn merge(errors: &mut FieldErrors, found: Option<FieldErrors>) {
    for (field, message) in found.into_iter().flat_map(|found| found.0) {
        errors.add(&field, message);
    }
}

#[cfg(test)]
mod tests;
