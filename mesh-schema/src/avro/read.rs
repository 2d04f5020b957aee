//! Reads Avro schemas from JSON, every error with its place.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::super::invalid::{Invalid, NESTING_WITH_REFERENCES_MAX, PARTS_MAX, Rule};
use super::super::tags;
use super::super::text::{locate, read_json};
use super::default::Check;
use super::{Enum, Field, Kind, Logical, Model, Names, PRIMITIVES, Reference, Type, TypeId, full_name, namespace_of};

/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 512;

/// Reads the references in an order in which each finds what it uses, then the schema.
pub(super) fn read(text: &str, references: &[Reference]) -> Result<Model, Invalid> {
    let mut reader = Reader::default();
    let mut waiting: Vec<&Reference> = references.iter().collect();
    while !waiting.is_empty() {
        let mut refused = Vec::new();
        let before = waiting.len();
        waiting.retain(|reference| match reader.read(&reference.text) {
            Ok(_) => false,
            Err(invalid) => {
                refused.push(invalid.within(Some(&reference.name)));
                true
            }
        });
        if waiting.len() == before {
            // An unknown type may be the fault of another reference that is wrong in itself: that one is told.
            refused.sort_by_key(|invalid| invalid.rule == Rule::UnknownType);
            return Err(refused.swap_remove(0));
        }
    }
    let root = reader.read(text)?;
    Ok(Model { types: reader.types, root })
}

#[derive(Default)]
struct Reader<'a> {
    types: Vec<Type>,
    /// Named types by full name, and the text each stands in.
    names: HashMap<String, (TypeId, usize)>,
    /// Nesting of the texts read so far, with what they refer to.
    nesting: Vec<usize>,
    parts: usize,
    text: &'a str,
    /// The way to the value that is read.
    path: Vec<String>,
    /// Deepest nesting of the texts that this one refers to.
    below: usize,
    /// Tags of types that are used by their names, which are tagged here and nowhere else: they go to the field around.
    carried: Vec<String>,
    /// Checked at the end, when all types are known.
    defaults: Vec<(TypeId, Value, Vec<String>)>,
}

impl<'a> Reader<'a> {
    /// Reads one text; one that is wrong leaves nothing behind.
    fn read(&mut self, text: &'a str) -> Result<TypeId, Invalid> {
        let (types, parts) = (self.types.len(), self.parts);
        let result = self.read_text(text);
        if result.is_err() {
            self.types.truncate(types);
            self.names.retain(|_, (id, _)| *id < types);
            self.parts = parts;
        }
        result
    }

    fn read_text(&mut self, text: &'a str) -> Result<TypeId, Invalid> {
        let (value, depth) = read_json(text)?;
        self.text = text;
        self.path.clear();
        self.defaults.clear();
        self.carried.clear();
        self.below = 0;
        let root = self.any(&value, "")?;
        let carried = std::mem::take(&mut self.carried);
        self.types[root].tags.extend(carried);
        self.check_defaults()?;
        if depth + self.below > NESTING_WITH_REFERENCES_MAX {
            return Err(Invalid::too_deep_with_references());
        }
        self.nesting.push(depth + self.below);
        Ok(root)
    }

    fn wrong(&self, rule: Rule, message: impl Into<String>) -> Invalid {
        Invalid::new(rule, message).at(locate(self.text, &self.path))
    }

    /// Reads below one step of the path.
    fn below<T>(
        &mut self,
        step: impl Into<String>,
        read: impl FnOnce(&mut Self) -> Result<T, Invalid>,
    ) -> Result<T, Invalid> {
        self.path.push(step.into());
        let value = read(self)?;
        self.path.pop();
        Ok(value)
    }

    fn count(&mut self, parts: usize) -> Result<(), Invalid> {
        self.parts += parts;
        if self.parts > PARTS_MAX { Err(Invalid::too_many_parts()) } else { Ok(()) }
    }

    fn add(&mut self, kind: Kind) -> Result<TypeId, Invalid> {
        self.count(1)?;
        self.types.push(Type { kind, logical: None, tags: Vec::new() });
        Ok(self.types.len() - 1)
    }

    fn any(&mut self, value: &Value, namespace: &str) -> Result<TypeId, Invalid> {
        match value {
            Value::String(name) => self.named(name, namespace),
            Value::Array(branches) => self.union(branches, namespace),
            Value::Object(map) => self.object(map, namespace),
            other => Err(self.wrong(
                Rule::Structure,
                format!(
                    "{other} is no type: write a name such as \"string\", an object with a \"type\", or a list of types"
                ),
            )),
        }
    }

    fn named(&mut self, name: &str, namespace: &str) -> Result<TypeId, Invalid> {
        if let Some(kind) = Kind::primitive(name) {
            return self.add(kind);
        }
        let full = full_name(name, namespace);
        if let Some(&(id, source)) = self.names.get(&full) {
            self.below = self.below.max(self.nesting.get(source).copied().unwrap_or_default());
            return Ok(id);
        }
        let message = match name {
            "record" | "enum" | "fixed" | "array" | "map" => {
                format!("`{name}` needs more than its name here: write an object with \"type\": \"{name}\"")
            }
            "bool" => "the type `bool` is not known: write \"boolean\"".to_owned(),
            "integer" => "the type `integer` is not known: write \"int\" or \"long\"".to_owned(),
            _ => format!("the type `{full}` is not known: define it before it is used, or add it as a reference"),
        };
        Err(self.wrong(Rule::UnknownType, message))
    }

    fn union(&mut self, branches: &[Value], namespace: &str) -> Result<TypeId, Invalid> {
        let mut ids = Vec::with_capacity(branches.len());
        let mut seen = HashSet::new();
        for (index, branch) in branches.iter().enumerate() {
            let id = self.below(index.to_string(), |reader| {
                let id = reader.any(branch, namespace)?;
                let kind = &reader.types[id].kind;
                if matches!(kind, Kind::Union(_)) {
                    let message = "a union stands directly in a union: list its types in the outer one";
                    return Err(reader.wrong(Rule::Structure, message));
                }
                let name = kind.names().map_or(kind.word(), |names| names.full.as_str()).to_owned();
                if seen.insert(name.clone()) {
                    return Ok(id);
                }
                Err(reader.wrong(Rule::Duplicate, format!("`{name}` is in the union twice: keep one")))
            })?;
            ids.push(id);
        }
        if ids.is_empty() {
            return Err(self.wrong(Rule::Structure, "the union is empty: list at least one type"));
        }
        self.add(Kind::Union(ids))
    }

    fn object(&mut self, map: &Map<String, Value>, namespace: &str) -> Result<TypeId, Invalid> {
        let Some(kind) = map.get("type") else {
            let message = "the object has no \"type\": add one, for example \"type\": \"record\"";
            return Err(self.wrong(Rule::Structure, message));
        };
        let id = match kind.as_str() {
            Some("record") => self.record(map, namespace)?,
            Some("enum") => self.enumeration(map, namespace)?,
            Some("fixed") => self.fixed(map, namespace)?,
            Some("array") => {
                let items = self.inner(map, "items", namespace)?;
                self.add(Kind::Array(items))?
            }
            Some("map") => {
                let values = self.inner(map, "values", namespace)?;
                self.add(Kind::Map(values))?
            }
            _ => self.below("type", |reader| reader.any(kind, namespace))?,
        };
        let owns = kind.as_str().is_none_or(|name| PRIMITIVES.contains(&name) || name == "fixed");
        if owns && let Some(logical) = logical(map).filter(|logical| logical.suits(&self.types[id].kind)) {
            self.types[id].logical = Some(logical);
        }
        let is_of_others =
            self.types[id].kind.names().is_some() && !matches!(kind.as_str(), Some("record" | "enum" | "fixed"));
        let place = if is_of_others { &mut self.carried } else { &mut self.types[id].tags };
        place.extend(tags::written(map));
        Ok(id)
    }

    fn inner(&mut self, map: &Map<String, Value>, key: &str, namespace: &str) -> Result<TypeId, Invalid> {
        let Some(value) = map.get(key) else {
            return Err(self.wrong(Rule::Structure, format!("\"{key}\" is missing: say what type its values have")));
        };
        self.below(key, |reader| reader.any(value, namespace))
    }

    /// The names of a type, and a place for it in the list, so that it can refer to itself.
    fn begin(&mut self, map: &Map<String, Value>, namespace: &str) -> Result<(TypeId, Names), Invalid> {
        let name = self.text_of(map, "name")?;
        let namespace = map.get("namespace").and_then(Value::as_str).unwrap_or(namespace);
        let full = full_name(name, namespace);
        self.below("name", |reader| {
            reader.check_name(&full, true)?;
            if PRIMITIVES.contains(&full.as_str()) {
                return Err(reader.wrong(Rule::Name, format!("`{full}` is a built-in type: choose another name")));
            }
            if reader.names.contains_key(&full) {
                let message = format!("the type `{full}` is defined twice: define it once and refer to it by name");
                return Err(reader.wrong(Rule::Duplicate, message));
            }
            Ok(())
        })?;
        let aliases = self.aliases(map, true)?;
        let aliases = aliases.iter().map(|alias| full_name(alias, namespace_of(&full))).collect();
        self.names.insert(full.clone(), (self.types.len(), self.nesting.len()));
        let names = Names { full, aliases };
        // Within itself only its name counts.
        let id = self.add(Kind::Record(names.clone(), Vec::new()))?;
        Ok((id, names))
    }

    fn record(&mut self, map: &Map<String, Value>, namespace: &str) -> Result<TypeId, Invalid> {
        let (id, names) = self.begin(map, namespace)?;
        let Some(list) = map.get("fields").and_then(Value::as_array) else {
            let message = format!("the record `{}` has no \"fields\": add a list, it may be empty", names.full);
            return Err(self.wrong(Rule::Structure, message));
        };
        let inner_namespace = namespace_of(&names.full).to_owned();
        self.path.push("fields".into());
        let mut fields: Vec<Field> = Vec::with_capacity(list.len());
        let mut seen = HashSet::new();
        for (index, value) in list.iter().enumerate() {
            let field = self.below(index.to_string(), |reader| {
                let field = reader.field(value, &inner_namespace)?;
                if seen.insert(field.name.clone()) {
                    return Ok(field);
                }
                Err(reader.wrong(Rule::Duplicate, format!("the field `{}` is there twice: rename one", field.name)))
            })?;
            fields.push(field);
        }
        self.path.pop();
        self.types[id].kind = Kind::Record(names, fields);
        Ok(id)
    }

    fn field(&mut self, value: &Value, namespace: &str) -> Result<Field, Invalid> {
        let Some(map) = value.as_object() else {
            let message = "a field is an object with a \"name\" and a \"type\"";
            return Err(self.wrong(Rule::Structure, message));
        };
        self.count(1)?;
        let name = self.text_of(map, "name")?.to_owned();
        self.below("name", |reader| reader.check_name(&name, false))?;
        let around = std::mem::take(&mut self.carried);
        let of = self.inner(map, "type", namespace)?;
        let carried = std::mem::replace(&mut self.carried, around);
        if let Some(default) = map.get("default") {
            let path = self.path.iter().cloned().chain(["default".to_owned()]).collect();
            self.defaults.push((of, default.clone(), path));
        }
        Ok(Field {
            name,
            aliases: self.aliases(map, false)?,
            of,
            default: map.get("default").cloned(),
            doc: map.get("doc").and_then(Value::as_str).map(str::to_owned),
            deprecated: is_deprecated(map),
            tags: tags::written(map).chain(carried).collect(),
        })
    }

    fn enumeration(&mut self, map: &Map<String, Value>, namespace: &str) -> Result<TypeId, Invalid> {
        let (id, names) = self.begin(map, namespace)?;
        let Some(list) = map.get("symbols").and_then(Value::as_array) else {
            let message = format!("the enum `{}` has no \"symbols\": add a list of names", names.full);
            return Err(self.wrong(Rule::Structure, message));
        };
        self.count(list.len())?;
        self.path.push("symbols".into());
        let mut symbols = Vec::with_capacity(list.len());
        let mut seen = HashSet::new();
        for (index, value) in list.iter().enumerate() {
            let symbol = self.below(index.to_string(), |reader| {
                let Some(symbol) = value.as_str() else {
                    return Err(reader.wrong(Rule::Structure, format!("the symbol {value} is no text")));
                };
                reader.check_name(symbol, false)?;
                if seen.insert(symbol) {
                    return Ok(symbol.to_owned());
                }
                Err(reader.wrong(Rule::Duplicate, format!("the symbol `{symbol}` is there twice: keep one")))
            })?;
            symbols.push(symbol);
        }
        self.path.pop();
        let default = self.enum_default(map, &symbols)?;
        self.types[id].kind = Kind::Enum(names, Enum { symbols, default });
        Ok(id)
    }

    fn enum_default(&mut self, map: &Map<String, Value>, symbols: &[String]) -> Result<Option<String>, Invalid> {
        let Some(value) = map.get("default") else { return Ok(None) };
        match value.as_str().filter(|symbol| symbols.iter().any(|known| known == symbol)) {
            Some(symbol) => Ok(Some(symbol.to_owned())),
            None => self.below("default", |reader| {
                Err(reader
                    .wrong(Rule::Default, format!("the default {value} is none of the symbols: choose one of them")))
            }),
        }
    }

    fn fixed(&mut self, map: &Map<String, Value>, namespace: &str) -> Result<TypeId, Invalid> {
        let (id, names) = self.begin(map, namespace)?;
        let Some(size) = map.get("size").and_then(Value::as_u64) else {
            let message = format!("the fixed type `{}` has no \"size\": add its number of bytes", names.full);
            return Err(self.wrong(Rule::Structure, message));
        };
        self.types[id].kind = Kind::Fixed(names, size);
        Ok(id)
    }

    fn text_of<'m>(&self, map: &'m Map<String, Value>, key: &str) -> Result<&'m str, Invalid> {
        map.get(key)
            .and_then(Value::as_str)
            .ok_or_else(|| self.wrong(Rule::Structure, format!("\"{key}\" is missing: add it, as a text")))
    }

    fn aliases(&mut self, map: &Map<String, Value>, dotted: bool) -> Result<Vec<String>, Invalid> {
        let Some(value) = map.get("aliases") else { return Ok(Vec::new()) };
        self.below("aliases", |reader| {
            let list = value.as_array().map(|list| list.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
            let Some(Some(list)) = list else {
                return Err(reader.wrong(Rule::Structure, "the aliases are no list of names: write [\"OldName\"]"));
            };
            reader.count(list.len())?;
            list.iter().try_for_each(|name| reader.check_name(name, dotted))?;
            Ok(list.into_iter().map(str::to_owned).collect())
        })
    }

    fn check_name(&self, name: &str, dotted: bool) -> Result<(), Invalid> {
        let is_name = |part: &str| {
            let mut chars = part.chars();
            chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
                && chars.all(|rest| rest.is_ascii_alphanumeric() || rest == '_')
        };
        if name.len() > NAME_BYTES_MAX {
            return Err(
                self.wrong(Rule::Name, format!("a name is longer than {NAME_BYTES_MAX} characters: shorten it"))
            );
        }
        if if dotted { name.split('.').all(is_name) } else { is_name(name) } {
            return Ok(());
        }
        let hint = "use letters, digits and `_`, and begin with a letter or `_`";
        Err(self.wrong(Rule::Name, format!("`{name}` is no name in Avro: {hint}")))
    }

    fn check_defaults(&mut self) -> Result<(), Invalid> {
        let defaults = std::mem::take(&mut self.defaults);
        let mut check = Check::new(&self.types);
        let wrong = defaults.into_iter().find(|(of, value, _)| !check.holds(*of, value));
        let settled = !check.is_spent();
        let Some((of, value, path)) = wrong else { return Ok(()) };
        self.path = path;
        let (word, value) = (self.types[of].kind.word(), clip(&value));
        let message = match settled {
            true => format!("the default {value} is no value of the type {word}: change one of them"),
            false => format!("the default {value} fits unions in too many ways to check: nest them less"),
        };
        Err(self.wrong(Rule::Default, message))
    }
}

fn clip(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 60 { text.chars().take(60).chain("…".chars()).collect() } else { text }
}

fn logical(map: &Map<String, Value>) -> Option<Logical> {
    let name = map.get("logicalType")?.as_str()?;
    if name == "decimal" {
        let precision = map.get("precision")?.as_u64().filter(|precision| *precision > 0)?;
        let scale = map.get("scale").map_or(Some(0), Value::as_u64).filter(|scale| *scale <= precision)?;
        return Some(Logical::Decimal { precision, scale });
    }
    Logical::PLAIN.iter().find(|(known, _)| *known == name).map(|(_, logical)| *logical)
}

/// Avro has no word for it; this is the attribute people use.
fn is_deprecated(map: &Map<String, Value>) -> bool {
    match map.get("deprecated") {
        Some(Value::Bool(deprecated)) => *deprecated,
        Some(Value::String(reason)) => !reason.is_empty(),
        _ => false,
    }
}
