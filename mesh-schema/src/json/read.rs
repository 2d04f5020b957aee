//! Reads a JSON Schema into nodes.
//!
//! It works through a queue instead of recursion: a chain of references may be as long as the text.

use std::collections::HashMap;

use jsonschema::Draft;
use serde_json::{Map, Value};

use super::super::invalid::{Invalid, PARTS_MAX, Rule};
use super::super::tags;
use super::documents::{Documents, Index, Spot};
use super::view::all_kinds;
use super::{Condition, Kinds, Lists, Model, Node, NodeId, Notes, Numbers, Objects, Pattern, Strings};

/// Longest property name, in bytes.
const NAME_BYTES_MAX: usize = 512;
/// Most different patterns of one schema.
const PATTERNS_MAX: usize = 500;
/// Keywords whose schemas are read.
const HOLDERS: [&str; 20] = [
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

pub(super) fn read(documents: Documents) -> Result<Model, Invalid> {
    check_meta(&documents)?;
    let index = documents.index();
    let mut reader = Reader {
        documents: &documents,
        index,
        nodes: Vec::new(),
        known: HashMap::new(),
        listed: 0,
        patterns: HashMap::new(),
        queue: Vec::new(),
        is_dynamic: false,
    };
    let root = reader.at((0, Vec::new()))?;
    while let Some((id, spot)) = reader.queue.pop() {
        reader.nodes[id] = reader.node(&spot)?;
    }
    let (mut nodes, is_dynamic) = (reader.nodes, reader.is_dynamic);
    shorten(&mut nodes);
    Ok(Model { kinds: all_kinds(&nodes), nodes, root, documents, is_dynamic })
}

/// Lets references to references lead to the end at once. Each round halves what is left of a chain; a circle ends in a
/// node that refers to itself. What is skipped leaves its tags to who skips it.
fn shorten(nodes: &mut [Node]) {
    let rounds = usize::BITS - nodes.len().leading_zeros();
    for _ in 0..rounds {
        for id in 0..nodes.len() {
            let Some(target) = nodes[id].target else { continue };
            let Some(next) = nodes[target].target else { continue };
            nodes[id].target = Some(next);
            for tag in nodes[target].notes.tags.clone() {
                if !nodes[id].notes.tags.contains(&tag) {
                    nodes[id].notes.tags.push(tag);
                }
            }
        }
    }
}

/// Every text has to keep to the meta-schema of its draft.
fn check_meta(documents: &Documents) -> Result<(), Invalid> {
    for (number, document) in documents.all().iter().enumerate() {
        let value = &document.value;
        let result = match document.draft {
            Draft::Draft4 => jsonschema::draft4::meta::validate(value),
            Draft::Draft6 => jsonschema::draft6::meta::validate(value),
            Draft::Draft201909 => jsonschema::draft201909::meta::validate(value),
            Draft::Draft202012 => jsonschema::draft202012::meta::validate(value),
            _ => jsonschema::draft7::meta::validate(value),
        };
        if let Err(error) = result {
            let pointer = error.instance_path().to_string();
            let path: Vec<_> =
                pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
            let message = match expected(&path) {
                Some((word, kind)) => format!("`{word}` is not what the draft allows: write {kind}"),
                None => {
                    let reason: String = error.to_string().chars().take(300).collect();
                    format!("the schema does not keep to the meta-schema of its draft: {reason}")
                }
            };
            return Err(documents.wrong(number, &path, Rule::MetaSchema, message));
        }
    }
    Ok(())
}

/// The last keyword of a path and what it takes, in words. The validator's own words speak of branches of the
/// meta-schema.
fn expected(path: &[String]) -> Option<(&str, &'static str)> {
    let at = path.iter().rposition(|step| step.parse::<usize>().is_err())?;
    let keyword = path[at].as_str();
    // Below these, a name is chosen by the author and means a schema.
    let above = at.checked_sub(1).map(|above| path[above].as_str());
    if matches!(above, Some("properties" | "patternProperties" | "definitions" | "$defs" | "dependentSchemas")) {
        return Some((keyword, "a schema: an object, or true or false"));
    }
    takes(keyword).map(|kind| (keyword, kind))
}

fn takes(keyword: &str) -> Option<&'static str> {
    Some(match keyword {
        "type" => "object, array, string, number, integer, boolean or null, or a list of several of them",
        "properties" | "patternProperties" | "definitions" | "$defs" => "an object whose values are schemas",
        "required" => "a list of property names, each once",
        "enum" => "a list of values",
        "items" | "additionalProperties" | "additionalItems" | "not" | "contains" | "propertyNames" => {
            "a schema: an object, or true or false from draft-06 on"
        }
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => "a list of schemas, at least one",
        "minimum" | "maximum" => "a number",
        "exclusiveMinimum" | "exclusiveMaximum" => "a number, in draft-04 true or false",
        "multipleOf" => "a number above zero",
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
            "a whole number of zero or more"
        }
        "pattern" => "a regular expression",
        "format" | "title" | "description" | "$ref" | "$id" => "a text",
        "uniqueItems" | "deprecated" => "true or false",
        _ => return None,
    })
}

struct Reader<'a> {
    documents: &'a Documents,
    index: Index,
    nodes: Vec<Node>,
    known: HashMap<Spot, NodeId>,
    /// Values and required names so far.
    listed: usize,
    /// By text: compiling one takes long.
    patterns: HashMap<String, Pattern>,
    /// Nodes that have an index and are not read yet.
    queue: Vec<(NodeId, Spot)>,
    is_dynamic: bool,
}

/// The keywords of a schema and where it stands.
struct Keywords<'a> {
    map: &'a Map<String, Value>,
    spot: &'a Spot,
}

impl Keywords<'_> {
    fn number(&self, key: &str) -> Option<f64> {
        self.map.get(key)?.as_f64()
    }

    /// A length. Drafts allow `2.0` for it.
    fn count(&self, key: &str) -> Option<u64> {
        let value = self.map.get(key)?;
        // The meta-schema has made sure that it is a whole number of zero or more.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
        value.as_u64().or_else(|| value.as_f64().map(|number| number as u64))
    }

    fn text(&self, key: &str) -> Option<String> {
        self.map.get(key)?.as_str().map(str::to_owned)
    }

    fn is_true(&self, key: &str) -> bool {
        self.map.get(key) == Some(&Value::Bool(true))
    }

    fn object(&self, key: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.map.get(key).and_then(Value::as_object).into_iter().flatten()
    }

    /// How many values and names its lists have.
    fn listed(&self) -> usize {
        let length = |value: &Value| value.as_array().map_or(0, Vec::len);
        let dependencies = ["dependencies", "dependentRequired"].into_iter();
        ["enum", "required"].iter().filter_map(|key| self.map.get(*key)).map(length).sum::<usize>()
            + dependencies.flat_map(|key| self.object(key)).map(|(_, value)| length(value)).sum::<usize>()
    }

    fn path(&self, steps: &[&str]) -> Spot {
        let path = self.spot.1.iter().cloned().chain(steps.iter().map(|&step| step.to_owned())).collect();
        (self.spot.0, path)
    }
}

impl Reader<'_> {
    /// The node of a place, new or known.
    fn at(&mut self, spot: Spot) -> Result<NodeId, Invalid> {
        if let Some(id) = self.known.get(&spot) {
            return Ok(*id);
        }
        let id = self.nodes.len();
        if id == PARTS_MAX {
            return Err(Invalid::too_many_parts());
        }
        self.nodes.push(Node::default());
        self.known.insert(spot.clone(), id);
        self.queue.push((id, spot));
        Ok(id)
    }

    /// Counts what is listed in keywords: values, and names that are required.
    fn count(&mut self, listed: usize) -> Result<(), Invalid> {
        self.listed += listed;
        if self.listed > PARTS_MAX { Err(Invalid::too_many_parts()) } else { Ok(()) }
    }

    fn wrong(&self, spot: &Spot, rule: Rule, message: impl Into<String>) -> Invalid {
        self.documents.wrong(spot.0, &spot.1, rule, message)
    }

    fn node(&mut self, spot: &Spot) -> Result<Node, Invalid> {
        match self.documents.value(spot.0, &spot.1) {
            Some(Value::Bool(always)) => Ok(Node { always: Some(*always), ..Node::default() }),
            Some(Value::Object(map)) => self.keywords(&Keywords { map, spot }),
            _ => Err(self.wrong(spot, Rule::Structure, "a schema stands here: write an object, or true or false")),
        }
    }

    fn keywords(&mut self, words: &Keywords<'_>) -> Result<Node, Invalid> {
        let draft = self.documents.all()[words.spot.0].draft;
        self.count(words.listed())?;
        let mut notes = notes(words);
        let target = self.target(words)?;
        // Until draft-07 whatever stands beside `$ref` is ignored.
        let alone = !matches!(draft, Draft::Draft201909 | Draft::Draft202012);
        let is_alone = target.is_some() && alone;
        notes.tags.extend(stray_tags(words, is_alone));
        if is_alone {
            return Ok(Node { target, notes, ..Node::default() });
        }
        let mut node = Node {
            kinds: kinds(words),
            values: values(words),
            number: numbers(words),
            string: self.strings(words)?,
            object: self.objects(words)?,
            list: self.lists(words)?,
            all: self.branches(words, "allOf")?,
            any: self.branches(words, "anyOf")?,
            one: self.branches(words, "oneOf")?,
            not: self.child(words, "not")?,
            condition: None,
            always: None,
            target: None,
            notes,
        };
        if let Some(when) = self.child(words, "if")? {
            let (then, otherwise) = (self.child(words, "then")?, self.child(words, "else")?);
            node.condition = Some(Condition { when, then, otherwise });
        }
        if let Some(target) = target {
            if node.says_nothing() { node.target = Some(target) } else { node.all.push(target) }
        }
        Ok(node)
    }

    fn target(&mut self, words: &Keywords<'_>) -> Result<Option<NodeId>, Invalid> {
        let keys = ["$ref", "$dynamicRef", "$recursiveRef"];
        let Some((key, reference)) = keys.iter().find_map(|key| Some((*key, words.map.get(*key)?.as_str()?))) else {
            return Ok(None);
        };
        self.is_dynamic |= key != "$ref";
        // A schema that holds schemas: what a meta-schema allows is not looked into.
        if reference.starts_with("http://json-schema.org/draft")
            || reference.starts_with("https://json-schema.org/draft")
        {
            return Ok(None);
        }
        let base = self.documents.base(words.spot.0, &words.spot.1);
        match self.documents.find(&self.index, &base, reference) {
            Some(spot) => self.at(spot).map(Some),
            None => {
                let hint = "define it under `$defs`, or add it as a reference";
                let message = format!("`{reference}` refers to nothing: {hint}");
                Err(self.wrong(&words.path(&[key]), Rule::UnknownType, message))
            }
        }
    }

    fn child(&mut self, words: &Keywords<'_>, key: &str) -> Result<Option<NodeId>, Invalid> {
        words.map.contains_key(key).then(|| self.at(words.path(&[key]))).transpose()
    }

    fn branches(&mut self, words: &Keywords<'_>, key: &str) -> Result<Vec<NodeId>, Invalid> {
        let count = words.map.get(key).and_then(Value::as_array).map_or(0, Vec::len);
        (0..count).map(|index| self.at(words.path(&[key, &index.to_string()]))).collect()
    }

    fn strings(&mut self, words: &Keywords<'_>) -> Result<Strings, Invalid> {
        let pattern = words.text("pattern");
        let pattern = pattern.map(|pattern| self.pattern(&pattern, &words.path(&["pattern"]))).transpose()?;
        let (length_min, length_max) = (words.count("minLength"), words.count("maxLength"));
        Ok(Strings { length_min, length_max, pattern, format: words.text("format") })
    }

    fn pattern(&mut self, text: &str, spot: &Spot) -> Result<Pattern, Invalid> {
        if let Some(pattern) = self.patterns.get(text) {
            return Ok(pattern.clone());
        }
        if self.patterns.len() == PATTERNS_MAX {
            let message = format!("the schema has more than {PATTERNS_MAX} patterns: use fewer, or split it");
            return Err(self.wrong(spot, Rule::Parts, message));
        }
        let hint = "escape or balance its signs";
        let wrong = || self.wrong(spot, Rule::Pattern, format!("`{text}` is no regular expression: {hint}"));
        let pattern = Pattern::new(text).ok_or_else(wrong)?;
        self.patterns.insert(text.to_owned(), pattern.clone());
        Ok(pattern)
    }

    fn objects(&mut self, words: &Keywords<'_>) -> Result<Objects, Invalid> {
        let mut objects = Objects {
            additional: self.child(words, "additionalProperties")?,
            unevaluated: self.child(words, "unevaluatedProperties")?,
            names: self.child(words, "propertyNames")?,
            properties_min: words.count("minProperties"),
            properties_max: words.count("maxProperties"),
            ..Objects::default()
        };
        for (name, _) in words.object("properties") {
            let spot = words.path(&["properties", name]);
            if name.len() > NAME_BYTES_MAX {
                let message = format!("a name is longer than {NAME_BYTES_MAX} characters: shorten it");
                return Err(self.wrong(&spot, Rule::Name, message));
            }
            objects.properties.insert(name.clone(), self.at(spot)?);
        }
        for (pattern, _) in words.object("patternProperties") {
            let spot = words.path(&["patternProperties", pattern]);
            objects.patterns.push((self.pattern(pattern, &spot)?, self.at(spot)?));
        }
        objects.required = strings_of(words.map.get("required")).collect();
        self.dependencies(words, &mut objects)?;
        Ok(objects)
    }

    fn dependencies(&mut self, words: &Keywords<'_>, objects: &mut Objects) -> Result<(), Invalid> {
        for key in ["dependencies", "dependentRequired", "dependentSchemas"] {
            for (name, value) in words.object(key) {
                if value.is_array() {
                    objects.needs.entry(name.clone()).or_default().extend(strings_of(Some(value)));
                } else {
                    let id = self.at(words.path(&[key, name]))?;
                    objects.needs_schema.insert(name.clone(), id);
                }
            }
        }
        Ok(())
    }

    fn lists(&mut self, words: &Keywords<'_>) -> Result<Lists, Invalid> {
        let tuple = words.map.get("items").is_some_and(Value::is_array);
        let (prefix, rest) = if tuple { ("items", "additionalItems") } else { ("prefixItems", "items") };
        Ok(Lists {
            prefix: self.branches(words, prefix)?,
            rest: self.child(words, rest)?,
            unevaluated: self.child(words, "unevaluatedItems")?,
            contains: self.child(words, "contains")?,
            contains_min: words.count("minContains"),
            contains_max: words.count("maxContains"),
            items_min: words.count("minItems"),
            items_max: words.count("maxItems"),
            unique: words.is_true("uniqueItems"),
        })
    }
}

impl Node {
    /// Constrains nothing: every value is valid.
    pub(super) fn says_nothing(&self) -> bool {
        self.always != Some(false)
            && self.target.is_none()
            && self.kinds.is_none()
            && self.values.is_none()
            && self.number == Numbers::default()
            && self.string == Strings::default()
            && self.object.says_nothing()
            && self.list.says_nothing()
            && self.all.is_empty()
            && self.any.is_empty()
            && self.one.is_empty()
            && self.not.is_none()
            && self.condition.is_none()
    }
}

impl Objects {
    pub(super) fn says_nothing(&self) -> bool {
        self.properties.is_empty()
            && self.patterns.is_empty()
            && self.additional.is_none()
            && self.unevaluated.is_none()
            && self.required.is_empty()
            && self.properties_min.is_none()
            && self.properties_max.is_none()
            && self.names.is_none()
            && self.needs.is_empty()
            && self.needs_schema.is_empty()
    }
}

impl Lists {
    pub(super) fn says_nothing(&self) -> bool {
        self.prefix.is_empty()
            && self.rest.is_none()
            && self.unevaluated.is_none()
            && self.contains.is_none()
            && self.items_min.is_none()
            && self.items_max.is_none()
            && !self.unique
    }
}

fn strings_of(value: Option<&Value>) -> impl Iterator<Item = String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned)
}

fn kinds(words: &Keywords<'_>) -> Option<Kinds> {
    let value = words.map.get("type")?;
    let one = value.as_str().and_then(Kinds::by_word);
    one.or_else(|| strings_of(Some(value)).filter_map(|word| Kinds::by_word(&word)).reduce(Kinds::or))
}

fn values(words: &Keywords<'_>) -> Option<Vec<Value>> {
    let constant = words.map.get("const").map(|value| vec![value.clone()]);
    constant.or_else(|| words.map.get("enum")?.as_array().cloned())
}

/// In draft-04 the exclusive bounds are switches of the other ones.
fn numbers(words: &Keywords<'_>) -> Numbers {
    let (minimum, maximum) = (words.number("minimum"), words.number("maximum"));
    let (above, below) = (words.is_true("exclusiveMinimum"), words.is_true("exclusiveMaximum"));
    Numbers {
        minimum: minimum.filter(|_| !above),
        exclusive_minimum: if above { minimum } else { words.number("exclusiveMinimum") },
        maximum: maximum.filter(|_| !below),
        exclusive_maximum: if below { maximum } else { words.number("exclusiveMaximum") },
        multiple_of: words.number("multipleOf"),
    }
}

fn notes(words: &Keywords<'_>) -> Notes {
    let mut examples = words.map.get("examples").and_then(Value::as_array).cloned().unwrap_or_default();
    examples.extend(words.map.get("example").cloned());
    Notes {
        title: words.text("title"),
        description: words.text("description"),
        default: words.map.get("default").cloned(),
        examples,
        deprecated: words.is_true("deprecated"),
        tags: tags::written(words.map).collect(),
    }
}

/// The tags in what nobody reads as schemas: what stands beside `$ref` in an old draft, and in keywords of others.
fn stray_tags(words: &Keywords<'_>, is_alone: bool) -> Vec<String> {
    let is_read = |key: &str| match key {
        "$defs" | "definitions" | "const" | "default" | "enum" | "example" | "examples" => true,
        key => !is_alone && HOLDERS.contains(&key),
    };
    let mut all = Vec::new();
    words.map.iter().filter(|(key, _)| !is_read(key)).for_each(|(_, value)| tags::anywhere(value, &mut all));
    all
}
