//! The difference of two versions of an object, or of an object before and after an edit: side by side, line by line
//! where there is text, in one sentence, and by what it means to those who build on it.
//!
//! What it means is worked out, never declared. A schema is judged by its level of compatibility; an event by where it
//! is published and by its schemas; an application by what it does to those who consume its events. What cannot be
//! judged counts as breaking.

use mesh_protocol::id::{DesignObjectId, DesignVersionId};
use mesh_schema::{ChangeKind, Level, check, describe_change};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::super::field::FieldErrors;
use super::{Address, Application, Content, Event, EventApi, Graph, Line, Product, Schema, Spec, Version};

mod table;

use table::{Table, filled};

/// What a difference means to those who build on a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Nothing: only words change.
    Cosmetic,
    /// They may go on as they are.
    Compatible,
    /// Some of them have to change.
    Breaking,
}

/// How two versions, or two states of an object, differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// All of it in one sentence.
    pub sentence: String,
    /// The gravest of its parts; none = nothing differs.
    pub class: Option<Class>,
    /// Why a schema breaks who reads or writes by it, each with its part; at most 20.
    pub reasons: Vec<String>,
    /// Short values, side by side.
    pub rows: Vec<Row>,
    /// Texts, line by line.
    pub texts: Vec<TextChange>,
}

/// One value that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Which one: `address`, `references.shop.Line`, `attributes.cost-centre`.
    pub path: String,
    /// None = it was not there.
    pub before: Option<String>,
    /// None = it is no longer there.
    pub after: Option<String>,
    /// What it means.
    pub class: Class,
}

/// One text that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TextChange {
    /// Which one: `text`, `document`.
    pub path: String,
    /// The way from one to the other.
    pub lines: Vec<Line>,
    /// What it means.
    pub class: Class,
}

/// The difference of an object before and after an edit. The ids of domains stand for their names.
#[must_use]
pub fn between_objects(before: &Spec, after: &Spec) -> Difference {
    let mut table = Table::default();
    let mut row =
        |path: &str, of: fn(&Spec) -> String| table.row(path, filled(&of(before)), filled(&of(after)), Class::Cosmetic);
    row("name", |spec| spec.name.clone());
    row("domain", |spec| spec.domain.to_string());
    row("owner", |spec| spec.owner.clone());
    row("people", |spec| spec.people.join(", "));
    row("tags", |spec| spec.tags.join(", "));
    row("sharing", |spec| spec.sharing.name().to_owned());
    // Who sends what was delivered until now may be refused.
    let stricter = if after.validation > before.validation { Class::Breaking } else { Class::Cosmetic };
    let validation = |spec: &Spec| Some(spec.validation.name().to_owned());
    table.row("validation", validation(before), validation(after), stricter);
    let mut names: Vec<_> = before.attributes.keys().chain(after.attributes.keys()).collect();
    names.sort();
    names.dedup();
    for name in names {
        let value = |spec: &Spec| spec.attributes.get(name).cloned();
        table.row(format!("attributes.{name}"), value(before), value(after), Class::Cosmetic);
    }
    table.text("document", &before.document, &after.document, Class::Cosmetic);
    table.finish("The object", None)
}

/// A time as people and programs read it (RFC 3339, UTC); its milliseconds when it is beyond the calendar.
fn moment(at_ms: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at_ms) * 1_000_000).ok();
    moment.and_then(|moment| moment.format(&Rfc3339).ok()).unwrap_or_else(|| at_ms.to_string())
}

/// The difference of two versions of one object. `level` is what must stay readable when a schema changes.
#[must_use]
pub fn between_versions(graph: &Graph<'_>, level: Level, before: &Version, after: &Version) -> Difference {
    let mut table = Table::default();
    let mut row =
        |path: &str, of: &dyn Fn(&Version) -> Option<String>| table.row(path, of(before), of(after), Class::Cosmetic);
    row("number", &|version| Some(version.spec.number.to_string()));
    row("state", &|version| Some(version.state.to_string()));
    row("description", &|version| filled(&version.spec.description));
    row("end_of_life_at", &|version| version.spec.end_of_life_at_ms.map(moment));
    row("replacement", &|version| version.spec.replacement.map(|id| graph.name(id)));
    let mut content = Contents { graph, level, table };
    let (subject, sentence) = match (&before.spec.content, &after.spec.content) {
        (Content::Event(old), Content::Event(new)) => ("The event", content.events(old, new)),
        (Content::Application(old), Content::Application(new)) => ("The application", content.applications(old, new)),
        (Content::EventApi(old), Content::EventApi(new)) => ("The event API", content.event_apis(old, new)),
        (Content::Product(old), Content::Product(new)) => ("The product", content.products(old, new)),
        (Content::Schema(old), Content::Schema(new)) => {
            ("The schema", content.schemas((before.id, old), (after.id, new)))
        }
        (old, new) => {
            let [old, new] = [old, new].map(|content| Some(content.kind().to_string()));
            content.table.row("kind", old, new, Class::Breaking);
            ("The object", Some("The two are of different kinds.".to_owned()))
        }
    };
    content.table.finish(subject, sentence)
}

/// The table of a difference while contents are compared.
struct Contents<'g> {
    graph: &'g Graph<'g>,
    level: Level,
    table: Table,
}

impl Contents<'_> {
    fn schemas(&mut self, old: (DesignVersionId, &Schema), new: (DesignVersionId, &Schema)) -> Option<String> {
        if old.1 == new.1 {
            return None;
        }
        let Judged { class, sentence, reasons } = judge_schemas(self.graph, self.level, old, new);
        self.table.reasons(reasons);
        let ((_, old), (_, new)) = (old, new);
        self.table.row("format", Some(old.format.to_string()), Some(new.format.to_string()), Class::Breaking);
        let mut names: Vec<&str> = old.references.iter().chain(&new.references).map(|one| one.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let label = |schema: &Schema| {
                let reference = schema.references.iter().find(|reference| reference.name == name);
                reference.map(|reference| self.graph.name(reference.version))
            };
            self.table.row(format!("references.{name}"), label(old), label(new), class);
        }
        self.table.text("text", &old.text, &new.text, class);
        Some(sentence)
    }

    fn events(&mut self, old: &Event, new: &Event) -> Option<String> {
        if old.address != new.address {
            let class = match (Address::parse(&old.address), Address::parse(&new.address)) {
                (Ok(old), Ok(new)) => old.change(&new),
                _ => Class::Breaking,
            };
            self.table.row("address", filled(&old.address), filled(&new.address), class);
            self.table.clause(format!("moves from `{}` to `{}`", old.address, new.address));
        }
        for ((path, old), (_, new)) in old.schemas().zip(new.schemas()).filter(|(old, new)| old.1 != new.1) {
            let label = |id: Option<DesignVersionId>| id.map(|id| self.graph.name(id));
            let word = path.replace('_', " ");
            let (class, clause) = match (old, new) {
                (Some(old), Some(new)) => {
                    let Judged { class, sentence, reasons } = self.judge_schema_versions(old, new);
                    self.table.reasons(reasons);
                    let (old, new) = (self.graph.name(old), self.graph.name(new));
                    (class, format!("has the {word} `{new}` instead of `{old}` ({})", inner(&sentence)))
                }
                (None, Some(new)) => (Class::Compatible, format!("gets the {word} `{}`", self.graph.name(new))),
                (Some(old), None) => (Class::Breaking, format!("loses the {word} `{}`", self.graph.name(old))),
                (None, None) => continue,
            };
            let (old, new) = (label(old), label(new));
            self.table.row(path, old, new, class);
            self.table.clause(clause);
        }
        None
    }

    fn judge_schema_versions(&self, old: DesignVersionId, new: DesignVersionId) -> Judged {
        let schema = |id| match self.graph.version(id).map(|version| &version.spec.content) {
            Some(Content::Schema(schema)) => Some((id, schema)),
            _ => None,
        };
        match (schema(old), schema(new)) {
            (Some(old), Some(new)) => judge_schemas(self.graph, self.level, old, new),
            _ => Judged::of(Class::Breaking, "One of the two is not there.".to_owned()),
        }
    }

    fn applications(&mut self, old: &Application, new: &Application) -> Option<String> {
        self.event_lists("publishes", &old.publishes, &new.publishes);
        self.event_lists("consumes", &old.consumes, &new.consumes);
        None
    }

    /// Clients rely on both what they send and what they receive.
    fn event_apis(&mut self, old: &EventApi, new: &EventApi) -> Option<String> {
        self.event_lists("sends", &old.sends, &new.sends);
        self.event_lists("receives", &old.receives, &new.receives);
        None
    }

    fn products(&mut self, old: &Product, new: &Product) -> Option<String> {
        self.version_lists("offers", true, &old.apis, &new.apis);
        None
    }

    fn event_lists(&mut self, verb: &'static str, old: &[DesignVersionId], new: &[DesignVersionId]) {
        self.version_lists(verb, verb != "consumes", old, new);
    }

    /// Of the same object, one version takes the place of another. What is published matters to others; what is consumed
    /// only to the application itself.
    fn version_lists(
        &mut self,
        verb: &'static str,
        matters_to_others: bool,
        old: &[DesignVersionId],
        new: &[DesignVersionId],
    ) {
        let gone = self.only_in(old, new);
        let mut come = self.only_in(new, old);
        for (object, old) in gone {
            let same = come.iter().position(|(other, _)| object.is_some() && *other == object);
            let new = same.map(|index| come.remove(index).1);
            let class = match new {
                _ if !matters_to_others => Class::Compatible,
                Some(new) => self.judge_versions(old, new),
                None => Class::Breaking,
            };
            let (old, new) = (self.graph.name(old), new.map(|new| self.graph.name(new)));
            self.table.clause(match &new {
                Some(new) => format!("{verb} `{new}` instead of `{old}`"),
                None => format!("no longer {verb} `{old}`"),
            });
            self.table.row(verb, Some(old), new, class);
        }
        for (_, new) in come {
            let new = self.graph.name(new);
            self.table.clause(format!("{verb} `{new}` as well"));
            self.table.row(verb, None, Some(new), Class::Compatible);
        }
    }

    /// In the order of their labels, each with its object.
    fn only_in(
        &self,
        these: &[DesignVersionId],
        others: &[DesignVersionId],
    ) -> Vec<(Option<DesignObjectId>, DesignVersionId)> {
        let mut only: Vec<DesignVersionId> = these.iter().filter(|id| !others.contains(id)).copied().collect();
        only.sort_by_cached_key(|id| (self.graph.name(*id), *id));
        only.into_iter().map(|id| (self.graph.version(id).map(|version| version.object), id)).collect()
    }

    fn judge_versions(&self, old: DesignVersionId, new: DesignVersionId) -> Class {
        match (self.graph.version(old), self.graph.version(new)) {
            (Some(old), Some(new)) => {
                between_versions(self.graph, self.level, old, new).class.unwrap_or(Class::Cosmetic)
            }
            _ => Class::Breaking,
        }
    }
}

/// What became of a schema.
struct Judged {
    class: Class,
    sentence: String,
    reasons: Vec<String>,
}

impl Judged {
    /// Where the sentence says why.
    fn of(class: Class, sentence: String) -> Self {
        Self { class, sentence, reasons: Vec::new() }
    }
}

/// What a change from one schema to another means, and the sentence about it.
fn judge_schemas(
    graph: &Graph<'_>,
    level: Level,
    (old_id, old): (DesignVersionId, &Schema),
    (new_id, new): (DesignVersionId, &Schema),
) -> Judged {
    if old.format != new.format {
        return Judged::of(Class::Breaking, format!("The new schema is {} instead of {}.", new.format, old.format));
    }
    let apart = |side: &str, errors: FieldErrors| {
        Judged::of(Class::Breaking, format!("The two cannot be compared: the {side} one's {errors}."))
    };
    let (old, new) = match (graph.schema(Some(old_id), old), graph.schema(Some(new_id), new)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(errors), _) => return apart("old", errors),
        (_, Err(errors)) => return apart("new", errors),
    };
    let changes = describe_change(&old, &new);
    let is_worded_anew = || {
        let is_word = |kind| matches!(kind, ChangeKind::Documentation | ChangeKind::Tags);
        let words = changes.list.iter().all(|change| is_word(change.kind));
        // Only words and tags are told of, yet something beside the fields may have changed as well.
        words && !changes.list.is_empty() && check(Level::Full, &new, &[&old]).compatible
    };
    let verdict = check(level, &new, &[&old]);
    let class = if old.fingerprint() == new.fingerprint() {
        return Judged::of(Class::Cosmetic, changes.sentence);
    } else if !verdict.compatible {
        Class::Breaking
    } else if is_worded_anew() {
        Class::Cosmetic
    } else {
        Class::Compatible
    };
    let reasons = verdict.findings.into_iter().map(|finding| match &*finding.path {
        "" => finding.reason,
        path => format!("`{path}`: {}", finding.reason),
    });
    Judged { class, sentence: changes.sentence, reasons: reasons.collect() }
}

/// A sentence inside another one.
fn inner(sentence: &str) -> String {
    let sentence = sentence.trim_end_matches('.');
    let mut chars = sentence.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
