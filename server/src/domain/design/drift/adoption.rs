//! Which addresses that were seen are one event, told apart by one level that varies.
//!
//! Agents fold levels of many values themselves (`tills/{till}/orders`). What is left are levels of a few: `orders/fr/created`
//! and `orders/de/created` are one event as soon as a third country has it. The first level is where a domain begins, so it
//! is kept. The last one is what happened (`created`, `paid`), so it is kept as well, unless its values are numbers of
//! things: those are never what happened.

use std::collections::{BTreeMap, BTreeSet};

use mesh_protocol::template::Template;
use mesh_protocol::topic::Filter;

use super::super::super::address;
use super::super::super::field::NAME_BYTES_MAX;

/// So many siblings make a level one that varies.
pub const SIBLINGS_MIN: usize = 3;
/// Values that are told as evidence.
const VALUES_SHOWN: usize = 5;

/// Addresses that are proposed as one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed<'a> {
    /// The address of the event.
    pub address: String,
    /// What it was made of, in their order.
    pub of: Vec<&'a str>,
    /// Why they are one; none = it is one address as it was seen.
    pub because: Option<String>,
}

/// What one address becomes when one of its levels is left open.
type Pattern<'a> = (usize, Vec<&'a str>);

/// Every address in exactly one proposal, in the order of their addresses.
#[must_use]
pub fn proposed<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Vec<Proposed<'a>> {
    let mut left: BTreeSet<&'a str> = addresses.into_iter().collect();
    let mut by_pattern: BTreeMap<Pattern<'a>, Vec<&'a str>> = BTreeMap::new();
    for address in &left {
        for pattern in patterns(address) {
            by_pattern.entry(pattern).or_default().push(address);
        }
    }
    let mut groups: Vec<(Pattern<'a>, Vec<&'a str>)> =
        by_pattern.into_iter().filter(|(pattern, of)| varies(pattern, of)).collect();
    // The largest first; each address belongs to one of them.
    groups.sort_by(|(a, one), (b, other)| other.len().cmp(&one.len()).then_with(|| a.cmp(b)));
    let mut all = Vec::new();
    for ((at, levels), of) in groups {
        let of: Vec<&str> = of.into_iter().filter(|address| left.contains(address)).collect();
        if of.len() < SIBLINGS_MIN {
            continue;
        }
        left.retain(|address| !of.contains(address));
        all.push(joined(at, &levels, of));
    }
    all.extend(left.into_iter().map(|address| Proposed {
        address: address.to_owned(),
        of: vec![address],
        because: None,
    }));
    all.sort_by(|a, b| a.address.cmp(&b.address));
    absorbed(all)
}

/// The address of an event that a template makes of records: what varies is called by the field it comes from. None where no
/// event can have such an address.
#[must_use]
pub fn address_of(template: &str) -> Option<String> {
    let pattern = Template::parse(template).ok()?.pattern();
    let written: Vec<&str> = template.split('/').collect();
    let levels: Vec<&str> = pattern.text().split('/').collect();
    let mut names = BTreeSet::new();
    let mut address = Vec::new();
    for (at, level) in levels.iter().enumerate() {
        if !level.ends_with('*') {
            address.push((*level).to_owned());
            continue;
        }
        // A field may hold a slash in quotes: then levels cannot be told apart by the text.
        let field = if written.len() == levels.len() { field_in(written[at]) } else { None };
        let name = field.filter(|name| !names.contains(name)).unwrap_or_else(|| format!("level{}", at + 1));
        address.push(format!("{{{name}}}"));
        names.insert(name);
    }
    let address = address.join("/");
    super::super::Address::parse(&address).is_ok().then_some(address)
}

/// `country` of `{value.region.country}`.
fn field_in(level: &str) -> Option<String> {
    let field = level.split_once('{')?.1.split_once('}')?.0;
    let name = field.rsplit('.').next()?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let sound = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(allowed);
    (sound && name.len() <= NAME_BYTES_MAX).then(|| name.to_owned())
}

/// Without those that another one has all of: these are addresses of that event.
fn absorbed(all: Vec<Proposed<'_>>) -> Vec<Proposed<'_>> {
    let filters: Vec<Option<Filter>> = all.iter().map(|one| address::filter(&one.address).ok()).collect();
    let has = |wide: usize, narrow: usize| match (&filters[wide], &filters[narrow]) {
        (Some(wide_filter), Some(filter)) => {
            wide != narrow && wide_filter.includes(filter) && (wide < narrow || !filter.includes(wide_filter))
        }
        _ => false,
    };
    // The one that has it, and that nothing else has.
    let is_widest = |at: usize| !(0..all.len()).any(|other| has(other, at));
    let into: Vec<Option<usize>> =
        (0..all.len()).map(|at| (0..all.len()).find(|wide| has(*wide, at) && is_widest(*wide))).collect();
    let mut kept: Vec<Option<Proposed<'_>>> = all.into_iter().map(Some).collect();
    for (at, into) in into.into_iter().enumerate() {
        let Some(wide) = into else { continue };
        let Some(narrow) = kept[at].take() else { continue };
        if let Some(wide) = &mut kept[wide] {
            wide.of.extend(narrow.of);
        }
    }
    kept.into_iter().flatten().collect()
}

fn is_variable(level: &str) -> bool {
    level.starts_with('{') && level.ends_with('}')
}

fn patterns(address: &str) -> Vec<Pattern<'_>> {
    let levels: Vec<&str> = address.split('/').collect();
    let literal = |at: &usize| *at > 0 && !levels[*at].is_empty() && !is_variable(levels[*at]);
    let open = |at: usize| {
        let mut levels = levels.clone();
        levels[at] = "";
        (at, levels)
    };
    (0..levels.len()).filter(literal).map(open).collect()
}

fn values<'a>(at: usize, of: &[&'a str]) -> BTreeSet<&'a str> {
    of.iter().filter_map(|address| address.split('/').nth(at)).collect()
}

fn varies((at, levels): &Pattern<'_>, of: &[&str]) -> bool {
    if of.len() < SIBLINGS_MIN {
        return false;
    }
    *at + 1 < levels.len() || values(*at, of).iter().all(|value| is_number_of_something(value))
}

/// `17`, `till-7`, `a3f09c…`: what names one of many things has digits in it.
fn is_number_of_something(value: &str) -> bool {
    value.contains(|c: char| c.is_ascii_digit())
}

fn joined<'a>(at: usize, levels: &[&'a str], of: Vec<&'a str>) -> Proposed<'a> {
    let values = values(at, &of);
    let taken: BTreeSet<&str> = levels.iter().copied().filter(|level| is_variable(level)).collect();
    let name = variable(at, levels, &values);
    let free = std::iter::once(name.clone()).chain((2..).map(|number| format!("{name}{number}")));
    let name = free.map(|name| format!("{{{name}}}")).find(|name| !taken.contains(name.as_str())).unwrap_or_default();
    let address: Vec<&str> =
        levels.iter().enumerate().map(|(here, level)| if here == at { name.as_str() } else { level }).collect();
    let more = values.len().saturating_sub(VALUES_SHOWN);
    let shown: Vec<&str> = values.iter().copied().take(VALUES_SHOWN).collect();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let because = format!("Level {} varies over {} addresses: {}{more}.", at + 1, of.len(), shown.join(", "));
    Proposed { address: address.join("/"), of, because: Some(because) }
}

/// What a level that varies could be called: a country by its two letters, else by the level before it.
fn variable(at: usize, levels: &[&str], values: &BTreeSet<&str>) -> String {
    let is_country = |value: &&str| value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic());
    if values.iter().all(is_country) {
        return "country".to_owned();
    }
    let before = levels[..at].last().copied().unwrap_or_default();
    let one = before.strip_suffix('s').filter(|one| !one.is_empty() && !one.ends_with('s')).unwrap_or(before);
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let sound = one.starts_with(|c: char| c.is_ascii_alphabetic()) && one.chars().all(allowed);
    if sound && one.len() <= NAME_BYTES_MAX - 8 { one.to_owned() } else { format!("level{}", at + 1) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::design::Address;

    fn of(addresses: &[&str]) -> Vec<(String, usize)> {
        proposed(addresses.iter().copied()).into_iter().map(|one| (one.address, one.of.len())).collect()
    }

    #[test]
    fn three_siblings_are_one_event_and_two_are_two() {
        let three = of(&["orders/fr/created", "orders/de/created", "orders/es/created", "prices/fr"]);
        assert_eq!(three, [("orders/{country}/created".to_owned(), 3), ("prices/fr".to_owned(), 1)]);
        assert_eq!(of(&["orders/fr/created", "orders/de/created"]).len(), 2);
        let told = proposed(["orders/fr/created", "orders/de/created", "orders/es/created"]);
        assert_eq!(told[0].because.as_deref(), Some("Level 2 varies over 3 addresses: de, es, fr."));
    }

    #[test]
    fn what_happened_and_where_a_domain_begins_stay_apart() {
        assert_eq!(of(&["orders/{country}/created", "orders/{country}/paid", "orders/{country}/sent"]).len(), 3);
        assert_eq!(of(&["orders/created", "prices/created", "stock/created"]).len(), 3);
        assert_eq!(of(&["tills/till-1", "tills/till-2", "tills/till-3"]), [("tills/{till}".to_owned(), 3)]);
    }

    #[test]
    fn a_level_is_called_by_the_one_before_it_and_never_as_another() {
        let plants = of(&["plants/lyon/temp", "plants/bremen/temp", "plants/turin/temp"]);
        assert_eq!(plants, [("plants/{plant}/temp".to_owned(), 3)]);
        let twice = of(&["a/{country}/fr/x", "a/{country}/de/x", "a/{country}/es/x"]);
        assert_eq!(twice, [("a/{country}/{country2}/x".to_owned(), 3)]);
    }

    #[test]
    fn a_template_says_what_its_events_are_called() {
        let of = |template: &str| address_of(template).unwrap_or_default();
        assert_eq!(of("orders/{value.country}/{value.shop.store}/created"), "orders/{country}/{store}/created");
        assert_eq!(of("prices/{key}"), "prices/{key}");
        assert_eq!(of("a/v-{1}/{value.x}{value.y}"), "a/{level2}/{x}");
        assert_eq!(of("a/{value.x}/{header.x}"), "a/{x}/{level3}");
        assert_eq!(of("retail/orders"), "retail/orders");
        assert_eq!(address_of("a/{value."), None);
        assert_eq!(address_of("a+b/{key}"), None, "no event can be called so");
    }

    #[test]
    fn what_a_wider_address_has_is_of_its_event() {
        let found = of(&["orders/{country}/created", "orders/fr/created", "orders/{country}/{verb}", "prices/fr"]);
        assert_eq!(found, [("orders/{country}/{verb}".to_owned(), 3), ("prices/fr".to_owned(), 1)]);
        let same = of(&["o/{a}/x", "o/fr/x", "o/de/x", "o/es/x"]);
        assert_eq!(same.len(), 1, "the same filter under two names is one event: {same:?}");
    }

    #[test]
    fn an_address_belongs_to_the_largest_group() {
        let found = of(&["o/fr/a/x", "o/de/a/x", "o/es/a/x", "o/it/a/x", "o/fr/b/x", "o/fr/c/x"]);
        assert_eq!(found, [("o/fr/b/x".to_owned(), 1), ("o/fr/c/x".to_owned(), 1), ("o/{country}/a/x".to_owned(), 4)]);
    }

    proptest! {
        #[test]
        fn every_address_is_in_one_proposal_whose_topics_it_has(
            seen in prop::collection::btree_set("(a|b)(/(fr|de|es|it|\\{x\\}|u1|u2|u3)){0,3}", 0..20)
        ) {
            let all = proposed(seen.iter().map(String::as_str));
            let mut told: Vec<&str> = all.iter().flat_map(|one| one.of.iter().copied()).collect();
            told.sort_unstable();
            prop_assert_eq!(told, seen.iter().map(String::as_str).collect::<Vec<_>>());
            for one in &all {
                let filter = address::filter(&one.address).expect("an address");
                for part in &one.of {
                    prop_assert!(filter.includes(&address::filter(part).expect("an address")));
                }
                let has_twice = seen.iter().any(|text| Address::parse(text).is_err());
                prop_assert!(has_twice || Address::parse(&one.address).is_ok(), "{}", one.address);
            }
        }
    }
}
