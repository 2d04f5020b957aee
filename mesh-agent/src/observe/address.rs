//! Folds topics into event addresses: `sensors/berlin/press-7/temp` is one of `sensors/berlin/{level3}/temp`.
//!
//! Declared addresses come first; where several match, the one with the most literal levels. Otherwise a level is a
//! variable when it has shown too many values under the same parent: few when they look like numbered things
//! (`press-1`, `press-2`), more when they are words. What was folded once stays folded, so that addresses do not
//! flicker. Memory is bounded: when the tree is full, new values fold at once.

use std::collections::{BTreeMap, BTreeSet};

/// Different words a level may show before it is a variable.
const WORDS_MAX: usize = 20;
/// Different values of one numbered kind (`press-#`) before that kind is a variable.
const NUMBERED_MAX: usize = 3;
/// Most nodes of the whole tree.
const NODES_MAX: usize = 20_000;
/// Levels deeper than this are one variable together.
const LEVELS_MAX: usize = 16;

/// Everything known about addresses.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    declared: Vec<Declared>,
    root: Node,
    nodes: usize,
    /// Grows whenever an answer given before may be another now.
    generation: u64,
}

#[derive(Debug, PartialEq, Eq)]
struct Declared {
    text: String,
    /// None: a variable level.
    levels: Vec<Option<String>>,
}

#[derive(Debug, Default)]
struct Node {
    literals: BTreeMap<String, Node>,
    variable: Option<Box<Node>>,
    /// Kinds of numbered values that the variable stands for.
    kinds: BTreeSet<String>,
    /// The variable stands for every value that is not a literal here.
    open: bool,
}

impl Addresses {
    /// Replaces the declared addresses; true when that changes anything.
    pub(super) fn declare(&mut self, addresses: &[String]) -> bool {
        let mut declared: Vec<_> = addresses.iter().map(|text| Declared::parse(text)).collect();
        declared.sort_by_key(|address| address.levels.iter().filter(|level| level.is_none()).count());
        let news = declared != self.declared;
        if news {
            self.declared = declared;
            self.generation += 1;
        }
        news
    }

    /// Grows whenever an address found before may be another now.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// The address of a topic.
    pub(super) fn find(&mut self, topic: &str) -> String {
        let levels: Vec<&str> = topic.split('/').collect();
        if let Some(declared) = self.declared.iter().find(|address| address.matches(&levels)) {
            return declared.text.clone();
        }
        self.learn(&levels)
    }

    fn learn(&mut self, levels: &[&str]) -> String {
        let mut address = String::new();
        let mut node = &mut self.root;
        let mut folded = false;
        for (at, level) in levels.iter().enumerate() {
            if at > 0 {
                address.push('/');
            }
            if at == LEVELS_MAX {
                address.push_str("{rest}");
                break;
            }
            let kind = kind(level);
            if !node.knows(level, kind.as_deref()) {
                folded |= node.take_in(level, kind.as_deref(), self.nodes >= NODES_MAX);
                self.nodes += 1;
            }
            let variable = !node.literals.contains_key(*level);
            if variable {
                address.push_str(&format!("{{level{}}}", at + 1));
                node = node.variable.get_or_insert_default();
            } else {
                address.push_str(level);
                node = node.literals.get_mut(*level).expect("it was just found");
            }
        }
        if folded {
            self.generation += 1;
            self.nodes = self.root.count();
        }
        address
    }
}

impl Declared {
    fn parse(text: &str) -> Self {
        let variable = |level: &str| level.len() > 2 && level.starts_with('{') && level.ends_with('}');
        let levels = text.split('/').map(|level| (!variable(level)).then(|| level.to_owned())).collect();
        Self { text: text.to_owned(), levels }
    }

    fn matches(&self, topic: &[&str]) -> bool {
        let fits = |(mine, its): (&Option<String>, &&str)| mine.as_deref().is_none_or(|mine| mine == *its);
        self.levels.len() == topic.len() && self.levels.iter().zip(topic).all(fits)
    }
}

impl Node {
    /// Whether a value has its place here.
    fn knows(&self, level: &str, kind: Option<&str>) -> bool {
        self.literals.contains_key(level) || self.open || kind.is_some_and(|kind| self.kinds.contains(kind))
    }

    /// Gives a new value a place, folding when there are too many; true when something was folded.
    fn take_in(&mut self, level: &str, value_kind: Option<&str>, full: bool) -> bool {
        let numbered = value_kind.map(|wanted| {
            let same = self.literals.keys().filter(|other| kind(other).as_deref() == Some(wanted)).count();
            (wanted, same)
        });
        if let Some((wanted, same)) = numbered
            && same >= NUMBERED_MAX
        {
            self.kinds.insert(wanted.to_owned());
            self.fold(|other| kind(other).as_deref() == Some(wanted));
            return true;
        }
        if full || self.literals.len() >= WORDS_MAX {
            self.open = true;
            self.fold(|_| true);
            return true;
        }
        self.literals.insert(level.to_owned(), Self::default());
        false
    }

    /// Moves the literals that a variable now stands for below it.
    fn fold(&mut self, which: impl Fn(&str) -> bool) {
        let all = std::mem::take(&mut self.literals);
        let (gone, stay): (BTreeMap<_, _>, BTreeMap<_, _>) = all.into_iter().partition(|(level, _)| which(level));
        self.literals = stay;
        let variable = self.variable.get_or_insert_default();
        gone.into_values().for_each(|node| variable.merge(node));
    }

    fn merge(&mut self, other: Self) {
        self.open |= other.open;
        self.kinds.extend(other.kinds);
        if let Some(variable) = other.variable {
            self.variable.get_or_insert_default().merge(*variable);
        }
        for (level, node) in other.literals {
            if self.knows(&level, kind(&level).as_deref()) && !self.literals.contains_key(&level) {
                self.variable.get_or_insert_default().merge(node);
            } else {
                self.literals.entry(level).or_default().merge(node);
            }
        }
        if self.open {
            self.fold(|_| true);
        } else if self.literals.len() > WORDS_MAX {
            self.open = true;
            self.fold(|_| true);
        }
    }

    fn count(&self) -> usize {
        let below = self.literals.values().map(Self::count).sum::<usize>();
        1 + below + self.variable.as_deref().map_or(0, Self::count)
    }
}

/// The kind of a numbered value: its digits replaced by one `#` for each run. Long hexadecimal values and UUIDs are
/// all of one kind. None: a word.
fn kind(level: &str) -> Option<String> {
    if !level.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if level.len() >= 16 && level.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        return Some("hex".to_owned());
    }
    let mut kind = String::with_capacity(level.len());
    for sign in level.chars() {
        match sign.is_ascii_digit() {
            true if kind.ends_with('#') => {}
            true => kind.push('#'),
            false => kind.push(sign),
        }
    }
    Some(kind)
}

#[cfg(test)]
mod tests;
