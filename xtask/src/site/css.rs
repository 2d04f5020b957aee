//! Style sheets into one: their order, and references to files that got a hash into their name.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;

/// Sorts sheets: tokens, then the base, then the rest by path. Layers decide what wins, but they are declared in the
/// base.
pub(super) fn place(sheet: &Path) -> (u8, String) {
    let rank = match sheet.file_name().and_then(|name| name.to_str()) {
        Some("tokens.css") => 0,
        Some("base.css") => 1,
        _ => 2,
    };
    (rank, sheet.display().to_string())
}

/// The path of the asset that a sheet means by `reference`, whatever folder the sheet lies in: the one with the same
/// file name, for names in `assets/` are unique where a sheet uses them.
pub(super) fn find(assets: &BTreeMap<String, String>, reference: &str) -> Option<String> {
    let name = reference.rsplit('/').next()?;
    let mut same = assets.iter().filter(|(logical, _)| logical.rsplit('/').next() == Some(name));
    match (same.next(), same.next()) {
        (Some((_, path)), None) => Some(path.clone()),
        _ => None,
    }
}

/// Replaces the target of every `url(...)` that names a file; data URLs and `#fragments` stay.
///
/// # Errors
/// A file that does not exist (or exists twice) by that name.
pub(super) fn rewrite_urls(text: &str, resolve: impl Fn(&str) -> Option<String>) -> anyhow::Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("url(") {
        let (before, after) = rest.split_at(start + "url(".len());
        out.push_str(before);
        let quote = after.chars().next().filter(|first| matches!(first, '"' | '\''));
        let body = &after[quote.map_or(0, char::len_utf8)..];
        let end = body.find(quote.unwrap_or(')')).context("a `url(` without an end")?;
        let target = &body[..end];
        out.extend(quote);
        if target.starts_with("data:") || target.starts_with('#') {
            out.push_str(target);
        } else {
            out.push_str(
                &resolve(target).with_context(|| format!("no single file in assets/ is named as in url({target})"))?,
            );
        }
        rest = &body[end..];
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, Path, find, place, rewrite_urls};

    #[test]
    fn references_to_files_get_the_new_name() {
        let text = "src: url(\"fonts/a.woff2\") format(\"woff2\"), url(b.png);";
        let out = rewrite_urls(text, |file| Some(format!("/new/{file}"))).expect("both resolve");
        assert_eq!(out, "src: url(\"/new/fonts/a.woff2\") format(\"woff2\"), url(/new/b.png);");
    }

    #[test]
    fn fragments_and_data_urls_stay_even_with_brackets_in_them() {
        let text = "fill: url(#m-hatch); mask: url(\"data:image/svg+xml,%3Csvg d='M(3)'/%3E\"); x: url('#y')";
        assert_eq!(rewrite_urls(text, |_| None).expect("nothing to resolve"), text);
    }

    #[test]
    fn a_reference_to_nothing_is_an_error_that_names_it() {
        let error = rewrite_urls("src: url(gone.woff2)", |_| None).expect_err("there is no such file");
        assert!(error.to_string().contains("gone.woff2"), "{error}");
    }

    #[test]
    fn a_file_is_found_by_its_name_unless_two_have_it() {
        let assets = BTreeMap::from([("fonts/a.woff2".to_owned(), "/a".to_owned()), ("b".to_owned(), "/b".to_owned())]);
        assert_eq!(find(&assets, "../assets/fonts/a.woff2").as_deref(), Some("/a"));
        let twice = BTreeMap::from([("x/a".to_owned(), "/1".to_owned()), ("y/a".to_owned(), "/2".to_owned())]);
        assert_eq!(find(&twice, "a"), None);
    }

    #[test]
    fn tokens_come_first_and_the_base_second() {
        let mut sheets = ["a/acl.css", "z/tokens.css", "b/base.css"].map(Path::new);
        sheets.sort_by_key(|sheet| place(sheet));
        assert_eq!(sheets, ["z/tokens.css", "b/base.css", "a/acl.css"].map(Path::new));
    }
}
