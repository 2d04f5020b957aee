//! Finds the filters that share topics with another one, without comparing it with each.

use std::collections::HashMap;

use mesh_protocol::topic::{Dialect, Filter};

use super::super::{Fit, fit};

/// Filters of designed addresses, by their levels. What the tree leaves over is compared by [`fit`], which decides; the tree
/// only has to miss none.
#[derive(Debug)]
pub struct Index<V> {
    /// The first is that of no level yet.
    nodes: Vec<Node>,
    filters: Vec<(Filter, V)>,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, usize>,
    /// Levels that are any text, or begin with some.
    wild: Option<usize>,
    /// Filters that end here.
    ends: Vec<usize>,
    /// Filters that go on from here without end.
    open: Vec<usize>,
}

impl<V> Default for Index<V> {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], filters: Vec::new() }
    }
}

impl<V> FromIterator<(Filter, V)> for Index<V> {
    fn from_iter<I: IntoIterator<Item = (Filter, V)>>(filters: I) -> Self {
        let mut index = Self::default();
        for (filter, value) in filters {
            index.insert(filter, value);
        }
        index
    }
}

/// A level, as far as the tree goes by it.
enum Step<'a> {
    Literal(&'a str),
    Wild,
    /// Whatever follows.
    Open,
}

fn steps(filter: &Filter) -> Vec<Step<'_>> {
    // Filters of MQTT are few here: any of them may share topics with any other.
    if filter.dialect() == Dialect::Mqtt {
        return vec![Step::Open];
    }
    let last = filter.text().matches('/').count();
    let levels = filter.text().split('/').enumerate();
    levels
        .map(|(at, level)| match level {
            ">" if at == last => Step::Open,
            level if level.ends_with('*') => Step::Wild,
            level => Step::Literal(level),
        })
        .collect()
}

impl<V> Index<V> {
    /// Adds a filter.
    pub fn insert(&mut self, filter: Filter, value: V) {
        let number = self.filters.len();
        let mut here = 0;
        let mut is_open = false;
        for step in steps(&filter) {
            let next = self.nodes.len();
            let node = &mut self.nodes[here];
            here = match step {
                Step::Literal(level) => *node.literals.entry(level.into()).or_insert(next),
                Step::Wild => *node.wild.get_or_insert(next),
                Step::Open => {
                    is_open = true;
                    break;
                }
            };
            if here == next {
                self.nodes.push(Node::default());
            }
        }
        let node = &mut self.nodes[here];
        if is_open {
            node.open.push(number);
        } else {
            node.ends.push(number);
        }
        self.filters.push((filter, value));
    }

    /// Calls `found` with every filter that shares topics with what was `seen`, and with how it fits.
    pub fn fitting(&self, seen: &Filter, found: &mut impl FnMut(Fit, &V)) {
        let steps = steps(seen);
        let mut tell = |numbers: &[usize]| {
            for number in numbers {
                let (filter, value) = &self.filters[*number];
                if let Some(fit) = fit(filter, seen) {
                    found(fit, value);
                }
            }
        };
        let mut open = vec![(0, 0)];
        while let Some((here, depth)) = open.pop() {
            let node: &Node = &self.nodes[here];
            tell(&node.open);
            let all = || node.literals.values().chain(&node.wild).copied();
            match steps.get(depth) {
                None => tell(&node.ends),
                Some(Step::Literal(level)) => {
                    let next = node.literals.get(*level).into_iter().chain(&node.wild);
                    open.extend(next.map(|next| (*next, depth + 1)));
                }
                Some(Step::Wild) => open.extend(all().map(|next| (next, depth + 1))),
                Some(Step::Open) => {
                    tell(&node.ends);
                    // Stays at this step: everything below is meant.
                    open.extend(all().map(|next| (next, depth)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filters() -> impl Strategy<Value = Filter> {
        let level = prop_oneof![Just("a"), Just("b"), Just(""), Just("*"), Just("a*"), Just("$s")];
        let levels = prop::collection::vec(level, 1..4);
        (levels, prop::bool::weighted(0.2)).prop_filter_map("a filter", |(mut levels, is_open)| {
            levels.extend(is_open.then_some(">"));
            Filter::mesh(levels.join("/")).ok()
        })
    }

    proptest! {
        #[test]
        fn the_tree_finds_what_comparing_each_finds(
            all in prop::collection::vec(filters(), 0..12),
            seen in filters(),
        ) {
            let index: Index<usize> = all.iter().cloned().zip(0..).collect();
            let mut found = Vec::new();
            index.fitting(&seen, &mut |fit, at| found.push((*at, fit)));
            found.sort_unstable();
            let each = all.iter().zip(0..).filter_map(|(filter, at)| Some((at, fit(filter, &seen)?)));
            prop_assert_eq!(found, each.collect::<Vec<_>>());
        }
    }

    #[test]
    fn filters_of_mqtt_are_compared_with_all() {
        let index: Index<()> = [(Filter::mesh("a/*/c").expect("a filter"), ())].into_iter().collect();
        let mut found = Vec::new();
        index.fitting(&Filter::mqtt("a/#").expect("a filter"), &mut |fit, ()| found.push(fit));
        assert_eq!(found, [Fit::Part]);
    }
}
