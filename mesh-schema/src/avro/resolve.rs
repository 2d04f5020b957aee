//! Schema resolution: can a reader with one schema read what a writer with another wrote?
//!
//! The rules are those of the specification. As in the registry, names of types are compared without their namespaces,
//! and an alias of the reader makes up for a renamed type or field. Where we say no and Confluent's registry says yes:
//! - Decimals whose precision or scale differs (`DECIMAL_MISMATCH`). The specification asks for it; Java does not look.
//! - Dates and times in another unit or of another kind (`LOGICAL_TYPE_MISMATCH`). The bytes resolve, and then every
//!   value is another moment. A number that gains or loses such a meaning resolves, as in the registry.

use std::collections::HashSet;

use super::super::walk::Walk;
use super::fields::words;
use super::{Enum, Field, Kind, Logical, Model, Names, Problem, Sides, Type, TypeId};

pub(super) fn resolve(reader: &Model, writer: &Model, sides: Sides) -> Vec<Problem> {
    let mut resolver = Resolver { reader, writer, walk: Walk::new(sides) };
    resolver.compare(reader.root, writer.root);
    resolver.walk.into_problems()
}

struct Resolver<'a> {
    reader: &'a Model,
    writer: &'a Model,
    walk: Walk<(TypeId, TypeId)>,
}

impl<'a> Resolver<'a> {
    fn compare(&mut self, reader: TypeId, writer: TypeId) {
        let pair = (reader, writer);
        if let Some(mark) = self.walk.enter(pair) {
            self.compare_kinds(reader, writer);
            self.walk.leave(pair, mark);
        }
    }

    fn compare_kinds(&mut self, reader: TypeId, writer: TypeId) {
        let (reads, writes) = (self.reads(reader), self.writes(writer));
        match (&reads.kind, &writes.kind) {
            (Kind::Union(_), Kind::Union(branches)) => self.writer_union(reader, branches),
            (_, Kind::Union(branches)) => {
                for branch in branches {
                    self.compare(reader, *branch);
                }
            }
            (Kind::Union(branches), _) => self.reader_union(branches, writer),
            (Kind::Array(items), Kind::Array(written)) => self.inside("[]", *items, *written),
            (Kind::Map(values), Kind::Map(written)) => self.inside("{}", *values, *written),
            (Kind::Record(names, fields), Kind::Record(written, from)) => {
                if self.same_name(names, written) {
                    self.records(fields, from);
                }
            }
            (Kind::Enum(names, of), Kind::Enum(written, from)) => {
                if self.same_name(names, written) {
                    self.enums(names, of, from);
                }
            }
            (Kind::Fixed(names, size), Kind::Fixed(written, from)) => {
                if self.same_name(names, written) {
                    self.sizes(names, *size, *from);
                    self.logical(reads, writes);
                }
            }
            (one, other) if promotes(other, one) => self.logical(reads, writes),
            _ => self.mismatch(reader, writer),
        }
    }

    fn reads(&self, id: TypeId) -> &'a Type {
        &self.reader.types[id]
    }

    fn writes(&self, id: TypeId) -> &'a Type {
        &self.writer.types[id]
    }

    /// Compares one step further down.
    fn inside(&mut self, step: &str, reader: TypeId, writer: TypeId) {
        let above = self.walk.down(step);
        self.compare(reader, writer);
        self.walk.up(above);
    }

    /// Whether a pair resolves, without telling why not.
    fn resolves(&mut self, reader: TypeId, writer: TypeId) -> bool {
        let mark = self.walk.begin_trial();
        self.compare(reader, writer);
        self.walk.end_trial(mark) == 0
    }

    /// Every type the writer may choose has to find one of the reader's.
    fn writer_union(&mut self, reader: TypeId, branches: &'a [TypeId]) {
        for (index, branch) in branches.iter().enumerate() {
            if !self.resolves(reader, *branch) {
                let above = self.walk.down(&format!("({})", branch_name(self.writes(*branch), index)));
                self.missing_branch(*branch);
                self.walk.up(above);
            }
        }
    }

    fn reader_union(&mut self, branches: &'a [TypeId], writer: TypeId) {
        if branches.iter().any(|branch| self.resolves(*branch, writer)) {
            return;
        }
        // With only one candidate of the kind, what is wrong inside says more than that no branch fits.
        let kind = std::mem::discriminant(&self.writes(writer).kind);
        let mut alike = branches.iter().filter(|id| std::mem::discriminant(&self.reads(**id).kind) == kind);
        match (alike.next(), alike.next()) {
            (Some(only), None) => self.compare(*only, writer),
            _ => self.missing_branch(writer),
        }
    }

    fn missing_branch(&mut self, writer: TypeId) {
        let Sides { reader, writer: side } = self.walk.sides;
        let word = words(self.writer, writer);
        self.walk.add(
            "MISSING_UNION_BRANCH",
            format!(
                "a consumer with {reader} cannot read {word}, which {side} may write here: add that type to the \
                 union of {reader}"
            ),
        );
    }

    fn mismatch(&mut self, reads: TypeId, writes: TypeId) {
        let Sides { reader, writer } = self.walk.sides;
        let (reads, writes) = (words(self.reader, reads), words(self.writer, writes));
        self.walk.add(
            "TYPE_MISMATCH",
            format!(
                "a consumer with {reader} expects {reads} and cannot read {writes}, which {writer} writes: keep the \
                 type, or add a new field beside it"
            ),
        );
    }

    fn same_name(&mut self, reads: &Names, writes: &Names) -> bool {
        if reads.short() == writes.short() || reads.aliases.contains(&writes.full) {
            return true;
        }
        let Sides { reader, writer } = self.walk.sides;
        self.walk.add(
            "NAME_MISMATCH",
            format!(
                "a consumer with {reader} expects `{}` and does not recognise `{}` of {writer}: keep the name, or \
                 give `{0}` the alias `{1}`",
                reads.full, writes.full
            ),
        );
        false
    }

    fn records(&mut self, fields: &'a [Field], written: &'a [Field]) {
        for field in fields {
            let named = |name: &String| written.iter().find(|from| from.name == *name);
            let from = named(&field.name).or_else(|| field.aliases.iter().find_map(named));
            let above = self.walk.down_to(&field.name);
            match from {
                Some(from) => self.compare(field.of, from.of),
                None if field.default.is_none() => self.missing_default(field),
                None => {}
            }
            self.walk.up(above);
        }
    }

    fn missing_default(&mut self, field: &Field) {
        let Sides { reader, writer } = self.walk.sides;
        self.walk.add(
            "READER_FIELD_MISSING_DEFAULT_VALUE",
            format!(
                "a consumer with {reader} needs a value for `{}`, and data of {writer} has none: give the field a \
                 default in {reader}, or keep it in {writer}",
                field.name
            ),
        );
    }

    fn enums(&mut self, names: &Names, reads: &Enum, writes: &Enum) {
        let known: HashSet<&String> = reads.symbols.iter().collect();
        let missing: Vec<_> = writes.symbols.iter().filter(|symbol| !known.contains(symbol)).collect();
        if missing.is_empty() || reads.default.is_some() {
            return;
        }
        let Sides { reader, writer } = self.walk.sides;
        let list: Vec<_> = missing.iter().take(10).map(|symbol| format!("`{symbol}`")).collect();
        self.walk.add(
            "MISSING_ENUM_SYMBOLS",
            format!(
                "a consumer with {reader} does not know {} of `{}`, which {writer} may write: keep the symbols, or \
                 give the enum of {reader} a default symbol",
                list.join(", "),
                names.full
            ),
        );
    }

    fn sizes(&mut self, names: &Names, reads: u64, writes: u64) {
        if reads != writes {
            let Sides { reader, writer } = self.walk.sides;
            self.walk.add(
                "FIXED_SIZE_MISMATCH",
                format!(
                    "a consumer with {reader} reads {reads} bytes of `{}` where {writer} writes {writes}: keep the \
                     size, or add a new type",
                    names.full
                ),
            );
        }
    }

    fn logical(&mut self, reads: &Type, writes: &Type) {
        let (Some(one), Some(other)) = (reads.logical, writes.logical) else { return };
        let Sides { reader, writer } = self.walk.sides;
        match (one, other) {
            (Logical::Decimal { .. }, Logical::Decimal { .. }) if one != other => self.walk.add(
                "DECIMAL_MISMATCH",
                format!(
                    "a consumer with {reader} reads the decimals of {writer} with another precision or scale, so as \
                     other numbers: keep both, or add a new field"
                ),
            ),
            _ if one != other && one.is_time() && other.is_time() => self.walk.add(
                "LOGICAL_TYPE_MISMATCH",
                format!(
                    "a consumer with {reader} takes the {} of {writer} for a {}, so for another moment: keep the type, \
                     or add a new field",
                    other.name(),
                    one.name()
                ),
            ),
            _ => {}
        }
    }
}

fn branch_name(of: &Type, index: usize) -> String {
    match (&of.kind, of.kind.names()) {
        (_, Some(names)) => names.short().to_owned(),
        (Kind::Union(_), None) => index.to_string(),
        (kind, None) => kind.word().to_owned(),
    }
}

/// Whether what is written as one plain type is read as another.
fn promotes(writes: &Kind, reads: &Kind) -> bool {
    use Kind::{Boolean, Bytes, Double, Float, Int, Long, Null, String};
    matches!(
        (writes, reads),
        (Null, Null)
            | (Boolean, Boolean)
            | (Int, Int | Long | Float | Double)
            | (Long, Long | Float | Double)
            | (Float, Float | Double)
            | (Double, Double)
            | (Bytes | String, Bytes | String)
    )
}
