//! The paths a source file uses, absolute: `use` trees and paths in code alike.
//!
//! A scanner of a few rules instead of a parser: paths look the same wherever they stand, and what it cannot see (a
//! module renamed on import) is rare and caught in review. Comments and literals are skipped.

use std::iter::Peekable;
use std::str::Chars;

/// The absolute paths used in `text`, the source of module `module` (for example `["server", "app", "acl"]`).
pub(super) fn imports(module: &[&str], text: &str) -> Vec<String> {
    let words = words(text);
    let mut paths = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let starts_path = is_name(&words[at]) && (at == 0 || words[at - 1] != "::");
        if starts_path {
            at = tree(&words, at, &[], &mut paths);
        } else {
            at += 1;
        }
    }
    paths.iter().filter(|path| path.len() > 1).map(|path| absolute(module, path)).collect()
}

/// Reads one path, or a tree of them (`a::{b, c::d}`), from `at`; returns the place behind it.
fn tree(words: &[String], mut at: usize, prefix: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    while at < words.len() {
        match words[at].as_str() {
            "{" if at > 0 && words[at - 1] == "::" => return group(words, at + 1, &path, paths),
            word if is_name(word) => path.push(word.to_owned()),
            _ => break,
        }
        at += 1;
        if words.get(at).map(String::as_str) != Some("::") {
            break;
        }
        at += 1;
    }
    paths.push(path);
    at
}

fn group(words: &[String], mut at: usize, prefix: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    while at < words.len() && words[at] != "}" {
        if is_name(&words[at]) {
            at = tree(words, at, prefix, paths);
        } else {
            at += 1;
        }
    }
    at + 1
}

/// `crate`, `self` and `super` resolved against the module that says them.
fn absolute(module: &[&str], path: &[String]) -> String {
    let mut base: Vec<&str> = Vec::new();
    let mut rest = path;
    match rest[0].as_str() {
        "crate" => (base, rest) = (module[..1].to_vec(), &rest[1..]),
        "self" => (base, rest) = (module.to_vec(), &rest[1..]),
        "super" => {
            base = module.to_vec();
            while rest.first().is_some_and(|word| word == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        _ => {}
    }
    base.extend(rest.iter().map(String::as_str));
    base.join("::")
}

fn is_name(word: &str) -> bool {
    word.starts_with(|first: char| first.is_alphabetic() || first == '_')
}

/// Names, `::`, and every other sign by itself.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(first) = chars.next() {
        match first {
            '/' if chars.peek() == Some(&'/') => while chars.next_if(|next| *next != '\n').is_some() {},
            '/' if chars.peek() == Some(&'*') => skip_block_comment(&mut chars),
            '"' => skip_string(&mut chars),
            'r' if matches!(chars.peek(), Some('"' | '#')) => skip_raw_string(&mut chars),
            '\'' => skip_char(&mut chars),
            ':' if chars.next_if_eq(&':').is_some() => words.push("::".to_owned()),
            _ if first.is_alphanumeric() || first == '_' => {
                let mut name = String::from(first);
                while let Some(next) = chars.next_if(|next| next.is_alphanumeric() || *next == '_') {
                    name.push(next);
                }
                words.push(name);
            }
            _ if first.is_whitespace() => {}
            _ => words.push(first.to_string()),
        }
    }
    words
}

fn skip_block_comment(chars: &mut Peekable<Chars<'_>>) {
    let mut depth = 1;
    chars.next();
    while depth > 0 {
        match chars.next() {
            Some('*') if chars.next_if_eq(&'/').is_some() => depth -= 1,
            Some('/') if chars.next_if_eq(&'*').is_some() => depth += 1,
            Some(_) => {}
            None => return,
        }
    }
}

fn skip_string(chars: &mut Peekable<Chars<'_>>) {
    while let Some(next) = chars.next() {
        match next {
            '\\' => drop(chars.next()),
            '"' => return,
            _ => {}
        }
    }
}

/// After an `r`: a raw string, or a raw name such as `r#type`, of which the name is left to be read.
fn skip_raw_string(chars: &mut Peekable<Chars<'_>>) {
    let mut signs = 0;
    while chars.next_if_eq(&'#').is_some() {
        signs += 1;
    }
    if chars.next_if_eq(&'"').is_none() {
        return;
    }
    let end = format!("\"{}", "#".repeat(signs));
    let mut seen = String::new();
    for next in chars {
        seen.push(next);
        if seen.ends_with(&end) {
            return;
        }
    }
}

/// After a quote: a character such as `'"'`, or a lifetime, of which the name is left to be read.
fn skip_char(chars: &mut Peekable<Chars<'_>>) {
    if chars.next_if_eq(&'\\').is_some() {
        chars.next();
        while chars.next().is_some_and(|next| next != '\'') {}
        return;
    }
    let mut ahead = chars.clone();
    if ahead.next().is_some() && ahead.next() == Some('\'') {
        *chars = ahead;
    }
}

#[cfg(test)]
mod tests {
    use super::imports;

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(imports(&["server", "app", "acl"], text), expected, "{text}");
    }

    #[test]
    fn use_trees_are_unfolded() {
        check("use sqlx::Row;", &["sqlx::Row"]);
        check(
            "use crate::{store::{self, acl::Row}, domain};",
            &["server::store::self", "server::store::acl::Row", "server::domain"],
        );
        check("pub use super::super::store as s;", &["server::store"]);
    }

    #[test]
    fn paths_in_code_count_like_imports() {
        check(
            "fn f(x: &'static sqlx::Row) -> u8 { crate::store::get::<tokio::net::TcpStream>(x) }",
            &["sqlx::Row", "server::store::get", "tokio::net::TcpStream"],
        );
        check("#[tokio::test] async fn a() { if x == '\"' { sqlx::b() } }", &["tokio::test", "sqlx::b"]);
    }

    #[test]
    fn comments_and_literals_do_not_count() {
        check("// sqlx::Row\n/* a::b /* c::d */ e::f */ \"g::h \\\" i::j\" r#\"k::l \" m::n\"# 'x' 'life", &[]);
    }
}
