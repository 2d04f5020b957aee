//! Passwords, keys and tokens, which stand in no document: whoever reads it would have them.
//!
//! Two things give a secret away: its form, wherever it stands, and its name, where names mean settings. Fields of
//! payloads may be called `password`; a setting of a server with a value may not.

use serde_json::Value;

use super::Lint;
use super::rules::NO_SECRETS;
use crate::pointer::Pointer;

/// The secrets in a document, and what they are.
pub(crate) fn secrets(root: &Value) -> Vec<(Pointer, &'static str)> {
    let mut found = Vec::new();
    walk(root, &Pointer::root(), false, &mut found);
    found
}

pub(super) fn check(lint: &mut Lint<'_>) {
    for (at, what) in secrets(lint.root) {
        let advice = "remove it, and change it at once if the document was given to anybody";
        lint.add(&NO_SECRETS, at, format!("{what} stands here"), advice);
    }
}

/// `is_setting`: names inside mean settings, not fields of payloads.
fn walk(value: &Value, at: &Pointer, is_setting: bool, found: &mut Vec<(Pointer, &'static str)>) {
    match value {
        Value::String(text) => found.extend(secret_in(text).map(|what| (at.clone(), what))),
        Value::Array(list) => {
            for (index, item) in list.iter().enumerate() {
                walk(item, &at.child(index), is_setting, found);
            }
        }
        Value::Object(map) => {
            for (key, inner) in map {
                let at = at.child(key);
                let names_settings = match key.as_str() {
                    "payload" | "headers" | "schemas" | "examples" | "properties" | "schema" | "securitySchemes" => {
                        false
                    }
                    "bindings" | "variables" => true,
                    key => is_setting || key.starts_with("x-"),
                };
                let is_text = inner.as_str().is_some_and(|text| !is_placeholder(text));
                if (names_settings || key.starts_with("x-")) && is_text && is_secret_name(key) {
                    found.push((at.clone(), "a password, key or token"));
                    continue;
                }
                if names_settings
                    && is_secret_name(key)
                    && inner.get("default").and_then(Value::as_str).is_some_and(|text| !is_placeholder(text))
                {
                    found.push((at.child("default"), "a password, key or token"));
                }
                walk(inner, &at, names_settings, found);
            }
        }
        _ => {}
    }
}

fn is_secret_name(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace(['-', '_', '.'], "");
    let ends = ["password", "passwd", "secret", "apikey", "accesstoken", "privatekey", "clientsecret", "credentials"];
    ends.iter().any(|end| key.ends_with(end)) || key == "pwd" || key == "token"
}

/// What stands for a secret and is none.
fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    text.is_empty()
        || text.starts_with(['<', '{', '$', '%'])
        || text.chars().all(|c| matches!(c, '*' | 'x' | 'X' | '.' | '•'))
}

/// What kind of secret a text holds, by its form.
fn secret_in(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    if has_user_info(text) {
        return Some("a URL with a password");
    }
    if text.contains("LoginModule") && text.contains("password=") {
        return Some("a JAAS configuration with a password");
    }
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')));
    words.into_iter().find_map(secret_word)
}

/// `scheme://user:password@host`
fn has_user_info(text: &str) -> bool {
    text.match_indices("://").any(|(at, sign)| {
        let authority = text[at + sign.len()..].split(['/', '?', '#', ' ', '"', '\n']).next().unwrap_or_default();
        let info = authority.rsplit_once('@').map(|(info, _)| info);
        info.and_then(|info| info.split_once(':')).is_some_and(|(_, password)| !is_placeholder(password))
    })
}

fn secret_word(word: &str) -> Option<&'static str> {
    const PREFIXES: [(&str, usize, &str); 7] = [
        ("AKIA", 20, "an access key of AWS"),
        ("ghp_", 40, "a token of GitHub"),
        ("github_pat_", 40, "a token of GitHub"),
        ("glpat-", 20, "a token of GitLab"),
        ("xoxb-", 30, "a token of Slack"),
        ("sk_live_", 24, "a key of Stripe"),
        ("AIza", 39, "a key of Google"),
    ];
    let is_jwt =
        word.starts_with("eyJ") && word.len() > 60 && word.split('.').filter(|part| part.len() > 10).count() == 3;
    let known = PREFIXES.iter().find(|(prefix, length, _)| word.starts_with(prefix) && word.len() >= *length);
    known.map(|(_, _, what)| *what).or_else(|| is_jwt.then_some("a signed token"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_form() {
        for text in [
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE",
            "amqps://till:hunter2@broker.example:5671/x",
            "ScramLoginModule required username=\"a\" password=\"b\";",
            &format!("AKIA{}", "A".repeat(16)),
            &format!("Bearer ghp_{}", "a".repeat(36)),
            &format!("eyJ{0}.{0}.{0}", "a".repeat(30)),
        ] {
            assert!(secret_in(text).is_some(), "{text}");
        }
        for text in [
            "https://shop.example/a:b@c",
            "mail me@shop.example",
            "amqp://{user}:{password}@host",
            "eyJust a word",
            "a@b:c",
        ] {
            assert_eq!(secret_in(text), None, "{text}");
        }
    }
}
