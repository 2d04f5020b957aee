//! YAML, built from the parser's events so that bounds hold while aliases are written out.

use std::collections::HashMap;

use granit_parser::{Event, Marker, Options, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value};

use super::{Budget, NESTING_MAX, Place, Unreadable, plain, too_deep, twice};

/// Reads a text that is YAML.
pub(super) fn read(text: &str) -> Result<Value, Unreadable> {
    let mut loader = Loader::default();
    load(text, &mut loader)?;
    loader.root.ok_or_else(|| Unreadable::new(None, "the text holds no document: paste one in YAML or JSON"))
}

/// A parser that stops at the nesting allowed here.
pub(super) fn parser(text: &str) -> impl Iterator<Item = Result<(Event<'_>, Place), Unreadable>> {
    let mut options = Options::default();
    // Two more, so that the sentence about it is ours.
    options.flow_nesting_limit = NESTING_MAX + 2;
    options.block_nesting_limit = NESTING_MAX + 2;
    options.simple_key_max_lookahead = 8 * 1024;
    options.emit_comments = false;
    Parser::new_from_str_with_options(text, options).map(|event| match event {
        Ok((event, span)) => Ok((event, place(&span.start))),
        Err(error) => Err(Unreadable::new(Some(place(error.marker())), format!("this is not YAML: {}", error.info()))),
    })
}

/// The parser counts lines from one and columns from zero.
fn place(marker: &Marker) -> Place {
    Place { line: marker.line().max(1), column: marker.col() + 1 }
}

fn load(text: &str, loader: &mut Loader) -> Result<(), Unreadable> {
    for event in parser(text) {
        let (event, place) = event?;
        loader.event(event).map_err(|reason| Unreadable::new(Some(place), reason))?;
    }
    Ok(())
}

/// How much a value is.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    values: usize,
    bytes: usize,
    depth: usize,
}

#[derive(Default)]
struct Loader {
    budget: Option<Budget>,
    open: Vec<Frame>,
    anchors: HashMap<usize, (Value, Size)>,
    root: Option<Value>,
    documents: usize,
}

/// A list or map that is not finished.
struct Frame {
    anchor: usize,
    size: Size,
    what: What,
}

enum What {
    List(Vec<Value>),
    Map {
        map: Map<String, Value>,
        key: Option<String>,
        /// The next value is what a merge key takes in.
        merges: bool,
        /// What comes in by merge keys, the strongest first.
        merged: Vec<Map<String, Value>>,
    },
}

impl Loader {
    fn event(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err("a second document begins here: paste one at a time".into());
                }
            }
            Event::Alias(id) => {
                let Some((value, size)) = self.anchors.get(&id).cloned() else {
                    return Err("this alias stands inside what it means: use `$ref` for what refers to itself".into());
                };
                self.room(size)?;
                self.add(value, size)?;
            }
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref())?,
            Event::SequenceStart(_, anchor, tag) => self.begin(anchor, tag.as_deref(), What::List(Vec::new()))?,
            Event::MappingStart(_, anchor, tag) => {
                let what = What::Map { map: Map::new(), key: None, merges: false, merged: Vec::new() };
                self.begin(anchor, tag.as_deref(), what)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end()?,
            _ => {}
        }
        Ok(())
    }

    fn room(&mut self, size: Size) -> Result<(), String> {
        if self.open.len() + size.depth > NESTING_MAX {
            return Err(too_deep());
        }
        self.budget.get_or_insert_with(Budget::new).take(size.values, size.bytes)
    }

    fn begin(&mut self, anchor: usize, tag: Option<&Tag>, what: What) -> Result<(), String> {
        let own = match what {
            What::List(_) => "seq",
            What::Map { .. } => "map",
        };
        if let Some(name) = tag.map(tag_name).filter(|name| name != own) {
            return Err(format!("the tag `{name}` has no meaning in JSON: remove it"));
        }
        if let Some(Frame { what: What::Map { key: None, merges: false, .. }, .. }) = self.open.last() {
            return Err("a key has to be a text, not a list or an object".into());
        }
        self.room(Size { values: 1, bytes: 0, depth: 1 })?;
        self.open.push(Frame { anchor, size: Size { values: 1, ..Size::default() }, what });
        Ok(())
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, tag: Option<&Tag>) -> Result<(), String> {
        let is_plain = style == ScalarStyle::Plain;
        let size = Size { values: 1, bytes: text.len(), depth: 0 };
        self.room(size)?;
        if let Some(Frame { what: What::Map { key: key @ None, merges, map, .. }, size: open, .. }) =
            self.open.last_mut()
            && !*merges
        {
            if is_plain && tag.is_none() && text == "<<" {
                *merges = true;
            } else if map.contains_key(text) {
                return Err(twice(text));
            } else {
                *key = Some(text.to_owned());
            }
            open.values += 1;
            open.bytes += text.len();
            if anchor != 0 {
                self.anchors.insert(anchor, (text.into(), size));
            }
            return Ok(());
        }
        let value = typed(text, is_plain, tag)?;
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), size));
        }
        self.add(value, size)
    }

    fn end(&mut self) -> Result<(), String> {
        let Some(frame) = self.open.pop() else { return Ok(()) };
        let value = match frame.what {
            What::List(list) => Value::Array(list),
            What::Map { mut map, merged, .. } => {
                for (key, value) in merged.into_iter().flatten() {
                    map.entry(key).or_insert(value);
                }
                Value::Object(map)
            }
        };
        let size = Size { depth: frame.size.depth + 1, ..frame.size };
        if frame.anchor != 0 {
            self.anchors.insert(frame.anchor, (value.clone(), size));
        }
        self.add(value, size)
    }

    /// Puts a finished value where it belongs.
    fn add(&mut self, value: Value, size: Size) -> Result<(), String> {
        let Some(frame) = self.open.last_mut() else {
            self.root = Some(value);
            return Ok(());
        };
        frame.size.values += size.values;
        frame.size.bytes += size.bytes;
        frame.size.depth = frame.size.depth.max(size.depth);
        match &mut frame.what {
            What::List(list) => list.push(value),
            What::Map { merges, merged, .. } if *merges => {
                *merges = false;
                merge(value, merged)?;
            }
            What::Map { map, key, .. } => match (key.take(), value) {
                (Some(key), value) => {
                    map.insert(key, value);
                }
                // An alias that stands for a key.
                (None, Value::String(text)) if map.contains_key(&text) => return Err(twice(&text)),
                (None, Value::String(text)) => *key = Some(text),
                (None, _) => return Err("a key has to be a text, not a list or an object".into()),
            },
        }
        Ok(())
    }
}

fn merge(value: Value, merged: &mut Vec<Map<String, Value>>) -> Result<(), String> {
    match value {
        Value::Object(map) => merged.push(map),
        Value::Array(list) => list.into_iter().try_for_each(|item| match item {
            Value::Object(map) => {
                merged.push(map);
                Ok(())
            }
            _ => Err("`<<` takes objects only".to_owned()),
        })?,
        _ => return Err("`<<` takes an object or a list of objects: write the alias of one".into()),
    }
    Ok(())
}

fn tag_name(tag: &Tag) -> String {
    tag.core_suffix().map_or_else(|| tag.original(), str::to_owned)
}

fn typed(text: &str, is_plain: bool, tag: Option<&Tag>) -> Result<Value, String> {
    let no_number = || format!("`{text}` is a number that JSON does not have: write it in quotes, or leave it out");
    match tag.map(tag_name).as_deref() {
        None if is_plain => plain::value(text).ok_or_else(no_number),
        None | Some("str" | "!") => Ok(text.into()),
        Some(name @ ("int" | "float" | "bool" | "null")) => {
            let value = plain::value(text).ok_or_else(no_number)?;
            let fits = match name {
                "bool" => value.is_boolean(),
                "null" => value.is_null(),
                _ => value.is_number(),
            };
            if fits { Ok(value) } else { Err(format!("`{text}` is no value of the tag `{name}`: remove the tag")) }
        }
        Some(name) => Err(format!("the tag `{name}` has no meaning in JSON: remove it, or write the value out")),
    }
}
