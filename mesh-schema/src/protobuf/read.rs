//! Parses Protobuf texts and joins them.

use std::collections::{HashMap, HashSet};

use prost_reflect::prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};
use prost_reflect::{DescriptorError, DescriptorPool};

use super::super::invalid::{Invalid, NESTING_MAX, NESTING_WITH_REFERENCES_MAX, PARTS_MAX, Place, Rule};
use super::super::text::{place, too_deep};
use super::meta::KNOWN;
use super::{Model, Reference};

/// The name a schema's own text has in the pool.
const OWN_NAME: &str = "schema.proto";
/// Field number of the imports in a file's descriptor: the first step of a path to one.
const IMPORTS: i32 = 3;

pub(super) fn read(text: &str, references: &[Reference]) -> Result<Model, Invalid> {
    let (mut reader, name) = Reader::of(references);
    reader.add(&name, text, None)?;
    model(reader, &name)
}

/// The same from a descriptor.
pub(super) fn read_descriptor(file: FileDescriptorProto, references: &[Reference]) -> Result<Model, Invalid> {
    let (mut reader, name) = Reader::of(references);
    reader.add_file(&name, FileDescriptorProto { name: Some(name.clone()), ..file }, 0, None)?;
    model(reader, &name)
}

fn model(reader: Reader<'_>, name: &str) -> Result<Model, Invalid> {
    let file = reader.pool.get_file_by_name(name).ok_or_else(|| Invalid::new(Rule::Structure, "the file is empty"))?;
    if file.messages().len() == 0 && file.enums().len() == 0 {
        let message = "the file defines no message: add one for the event";
        return Err(Invalid::new(Rule::Structure, message).at(Some(Place { line: 1, column: 1 })));
    }
    Ok(Model { file, docs: reader.docs })
}

struct Reader<'a> {
    references: &'a [Reference],
    pool: DescriptorPool,
    /// Nesting of the files in the pool, with what they import.
    nesting: HashMap<String, usize>,
    /// Files whose imports are being added.
    open: HashSet<String>,
    docs: HashMap<(String, Vec<i32>), String>,
    parts: usize,
}

impl<'a> Reader<'a> {
    /// A reader with the name of the schema's own file.
    fn of(references: &'a [Reference]) -> (Self, String) {
        // A reference may have taken the name.
        let mut name = OWN_NAME.to_owned();
        while references.iter().any(|reference| reference.name == name) {
            name.insert(0, '_');
        }
        let reader = Self {
            references,
            pool: DescriptorPool::new(),
            nesting: HashMap::new(),
            open: HashSet::new(),
            docs: HashMap::new(),
            parts: 0,
        };
        (reader, name)
    }

    /// Adds a file after all it imports.
    fn add(&mut self, name: &str, text: &str, reference: Option<&str>) -> Result<(), Invalid> {
        let own = check_depth(text).map_err(|invalid| invalid.within(reference))?;
        let file = protox_parse::parse(name, text).map_err(|error| {
            let at = error.span().map(|span| place(text, span.start));
            Invalid::new(Rule::Syntax, format!("the text is not Protobuf: {error}")).at(at).within(reference)
        })?;
        self.add_file(name, file, own, reference)
    }

    /// The same once it is parsed; `own` is its nesting.
    fn add_file(
        &mut self,
        name: &str,
        file: FileDescriptorProto,
        own: usize,
        reference: Option<&str>,
    ) -> Result<(), Invalid> {
        self.open.insert(name.to_owned());
        let mut below = 0;
        for (index, import) in file.dependency.iter().enumerate() {
            let at = import_place(&file, index);
            below = below.max(self.import(import).map_err(|invalid| {
                // What is wrong with an import as such stands where it is imported.
                if invalid.reference.is_some() { invalid } else { invalid.at(at).within(reference) }
            })?);
        }
        self.open.remove(name);
        if own + below > NESTING_WITH_REFERENCES_MAX {
            return Err(Invalid::too_deep_with_references());
        }
        self.nesting.insert(name.to_owned(), own + below);
        self.parts += parts(&file);
        if self.parts > PARTS_MAX {
            return Err(Invalid::too_many_parts());
        }
        self.keep_docs(name, &file);
        self.pool.add_file_descriptor_proto(file).map_err(|error| wrong(&error).within(reference))
    }

    /// Adds an imported file unless it is there, and says how deep it is nested.
    fn import(&mut self, name: &str) -> Result<usize, Invalid> {
        if let Some(nesting) = self.nesting.get(name) {
            return Ok(*nesting);
        }
        if self.open.contains(name) {
            let message =
                format!("`{name}` imports itself through other files: move what they share into a file of its own");
            return Err(Invalid::new(Rule::References, message));
        }
        if let Some(reference) = self.references.iter().find(|reference| reference.name == name) {
            self.add(name, &reference.text, Some(name))?;
            return Ok(self.nesting.get(name).copied().unwrap_or_default());
        }
        if let Some((_, text)) = KNOWN.iter().find(|(known, _)| *known == name) {
            self.add(name, text, None)?;
            return Ok(self.nesting.get(name).copied().unwrap_or_default());
        }
        let known = DescriptorPool::global().get_file_by_name(name).filter(|_| name.starts_with("google/protobuf/"));
        let Some(file) = known else {
            let message = format!("the import `{name}` is not known: add it as a reference of that name");
            return Err(Invalid::new(Rule::UnknownType, message));
        };
        for dependency in file.dependencies() {
            self.import(dependency.name())?;
        }
        self.nesting.insert(name.to_owned(), 0);
        self.pool.add_file_descriptor_proto(file.file_descriptor_proto().clone()).map_err(|error| wrong(&error))?;
        Ok(0)
    }

    fn keep_docs(&mut self, name: &str, file: &FileDescriptorProto) {
        for location in file.source_code_info.iter().flat_map(|info| &info.location) {
            let comments = [&location.leading_comments, &location.trailing_comments];
            let text: Vec<_> = comments.into_iter().flatten().map(|comment| tidy(comment)).collect();
            let text = text.join("\n");
            if !text.is_empty() {
                self.docs.insert((name.to_owned(), location.path.clone()), text);
            }
        }
    }
}

fn tidy(comment: &str) -> String {
    let lines: Vec<_> = comment.lines().map(|line| line.trim().trim_start_matches('*').trim()).collect();
    lines.join("\n").trim().to_owned()
}

fn wrong(error: &DescriptorError) -> Invalid {
    let at = error.line().zip(error.column()).map(|(line, column)| Place { line: line + 1, column: column + 1 });
    let text = error.to_string();
    let rule = match text.as_str() {
        text if text.contains("already") => Rule::Duplicate,
        text if text.contains("not defined") || text.contains("not imported") => Rule::UnknownType,
        _ => Rule::Structure,
    };
    let hint = match rule {
        Rule::Duplicate => ": rename or renumber one of them",
        Rule::UnknownType => ": define it, or import the file that does",
        _ => "",
    };
    Invalid::new(rule, format!("{text}{hint}")).at(at)
}

fn import_place(file: &FileDescriptorProto, index: usize) -> Option<Place> {
    let index = i32::try_from(index).ok()?;
    let locations = &file.source_code_info.as_ref()?.location;
    let location = locations.iter().find(|location| location.path == [IMPORTS, index])?;
    let number = |at: usize| usize::try_from(*location.span.get(at)?).ok();
    Some(Place { line: number(0)? + 1, column: number(1)? + 1 })
}

fn parts(file: &FileDescriptorProto) -> usize {
    let messages: usize = file.message_type.iter().map(message_parts).sum();
    let enums: usize = file.enum_type.iter().map(enum_parts).sum();
    let methods: usize = file.service.iter().map(|service| service.method.len() + 1).sum();
    messages + enums + methods + file.extension.len()
}

fn message_parts(message: &DescriptorProto) -> usize {
    let messages: usize = message.nested_type.iter().map(message_parts).sum();
    let enums: usize = message.enum_type.iter().map(enum_parts).sum();
    1 + message.field.len() + message.extension.len() + message.oneof_decl.len() + messages + enums
}

fn enum_parts(of: &EnumDescriptorProto) -> usize {
    1 + of.value.len()
}

/// How deep brackets nest, outside of texts and comments.
fn check_depth(text: &str) -> Result<usize, Invalid> {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest[2..].find("*/").map_or(rest.len(), |end| end + 4),
            '"' | '\'' => quoted(rest, first),
            _ => first.len_utf8(),
        };
        match first {
            '{' | '[' | '(' | '<' => depth += 1,
            '}' | ']' | ')' | '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > NESTING_MAX {
            return Err(too_deep().at(Some(place(text, text.len() - rest.len()))));
        }
        deepest = deepest.max(depth);
        rest = &rest[length..];
    }
    Ok(deepest)
}

/// The length of a text in quotes, or of what is left of it on the line.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, char) in text.char_indices().skip(1) {
        match char {
            '\n' => return at,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if char == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}
