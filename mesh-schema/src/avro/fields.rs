//! Lists the fields of an Avro schema.

use super::super::field::{Cut, FIELD_DEPTH_MAX, Fields, PATH_BYTES_MAX, Presence, clip, join};
use super::super::tags::one_each;
use super::{Field as RecordField, FieldEntry as Field, Kind, Logical, Model, TypeId};

/// Most symbols of an enum that are spelled out.
const SYMBOLS_MAX: usize = 20;

pub(super) fn list(model: &Model) -> Vec<Field> {
    let mut lister = Lister { model, fields: Fields::default(), open: Vec::new() };
    let root = match model.types[model.root].kind {
        Kind::Record(..) => None,
        _ => lister.fields.push(Field {
            path: "$".into(),
            kind: words(model, model.root),
            presence: Presence::required(!is_nullable(model, model.root)),
            default: None,
            doc: None,
            deprecated: false,
            tags: tags(model, model.root),
            cut: None,
        }),
    };
    lister.inside(model.root, "", root);
    lister.fields.into_list()
}

struct Lister<'a> {
    model: &'a Model,
    fields: Fields,
    /// The records we are in.
    open: Vec<TypeId>,
}

impl Lister<'_> {
    /// Lists what is inside a type. `of` is the field that has the type.
    fn inside(&mut self, id: TypeId, path: &str, of: Option<usize>) {
        match &self.model.types[id].kind {
            Kind::Record(_, fields) => self.record(id, fields, path, of),
            Kind::Array(items) => self.inside(*items, &format!("{path}[]"), of),
            Kind::Map(values) => self.inside(*values, &format!("{path}{{}}"), of),
            Kind::Union(branches) => self.union(branches, path, of),
            _ => {}
        }
    }

    fn record(&mut self, id: TypeId, fields: &[RecordField], path: &str, of: Option<usize>) {
        if self.open.contains(&id) {
            return self.fields.cut(of, Cut::Recursion);
        }
        if self.open.len() == FIELD_DEPTH_MAX || path.len() > PATH_BYTES_MAX {
            return self.fields.cut(of, Cut::TooDeep);
        }
        self.open.push(id);
        for field in fields {
            let path = join(path, &field.name);
            let Some(index) = self.fields.push(entry(self.model, field, &path)) else { break };
            self.inside(field.of, &path, Some(index));
        }
        self.open.pop();
    }

    /// Branches are told apart by name where more than one has something inside.
    fn union(&mut self, branches: &[TypeId], path: &str, of: Option<usize>) {
        let is_record = |id: &&TypeId| matches!(self.model.types[**id].kind, Kind::Record(..));
        let several = branches.iter().filter(is_record).count() > 1;
        for id in branches {
            match &self.model.types[*id].kind {
                Kind::Record(names, _) if several => self.inside(*id, &format!("{path}({})", names.short()), of),
                _ => self.inside(*id, path, of),
            }
        }
    }
}

fn entry(model: &Model, field: &RecordField, path: &str) -> Field {
    Field {
        path: path.to_owned(),
        kind: words(model, field.of),
        presence: Presence::required(field.default.is_none() && !is_nullable(model, field.of)),
        default: field.default.clone(),
        doc: field.doc.clone(),
        deprecated: field.deprecated,
        tags: one_each(field.tags.iter().cloned().chain(tags(model, field.of))),
        cut: None,
    }
}

/// The tags of a type, and of what it is made of up to the next record with fields of its own.
pub(super) fn tags(model: &Model, id: TypeId) -> Vec<String> {
    let mut all = Vec::new();
    collect(model, id, &mut all);
    one_each(all)
}

/// Ends at named types, so it ends.
fn collect(model: &Model, id: TypeId, all: &mut Vec<String>) {
    let of = &model.types[id];
    all.extend(of.tags.iter().cloned());
    match &of.kind {
        Kind::Array(inner) | Kind::Map(inner) => collect(model, *inner, all),
        Kind::Union(branches) => branches.iter().for_each(|id| collect(model, *id, all)),
        _ => {}
    }
}

fn is_nullable(model: &Model, id: TypeId) -> bool {
    match &model.types[id].kind {
        Kind::Null => true,
        Kind::Union(branches) => branches.iter().any(|id| matches!(model.types[*id].kind, Kind::Null)),
        _ => false,
    }
}

/// A type in words. Ends at named types, so it ends.
pub(super) fn words(model: &Model, id: TypeId) -> String {
    let of = &model.types[id];
    let word = match &of.kind {
        Kind::Array(items) => format!("list of {}", words(model, *items)),
        Kind::Map(values) => format!("map of {}", words(model, *values)),
        Kind::Union(branches) => {
            // Null comes last: what else it may be is the news.
            let (null, rest): (Vec<&TypeId>, Vec<&TypeId>) =
                branches.iter().partition(|id| matches!(model.types[**id].kind, Kind::Null));
            let words: Vec<_> = rest.into_iter().chain(null).map(|id| words(model, *id)).collect();
            words.join(" or ")
        }
        Kind::Record(names, _) => format!("record {}", names.full),
        Kind::Enum(names, of) => {
            let more = if of.symbols.len() > SYMBOLS_MAX { ", …" } else { "" };
            let symbols: Vec<_> = of.symbols.iter().take(SYMBOLS_MAX).map(String::as_str).collect();
            format!("enum {} ({}{more})", names.full, symbols.join(", "))
        }
        Kind::Fixed(names, size) => format!("fixed {} ({size} bytes)", names.full),
        kind => kind.word().to_owned(),
    };
    let word = match of.logical {
        None => word,
        Some(Logical::Decimal { precision, scale }) => {
            format!("{word} (decimal, {precision} digits, {scale} after the point)")
        }
        Some(logical) => format!("{word} ({})", logical.name()),
    };
    clip(word)
}
