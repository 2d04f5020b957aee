//! What an unquoted word of YAML means: the core schema of YAML 1.2.

use serde_json::{Number, Value};

/// The value of an unquoted word; none = it is a number that JSON does not have.
pub(super) fn value(word: &str) -> Option<Value> {
    Some(match word {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ if is_endless(word) => return None,
        _ => integer(word).or_else(|| float(word)).map_or_else(|| word.into(), Value::Number),
    })
}

/// Whether an unquoted word is read as itself everywhere: also by readers of YAML 1.1, for whom `no` is a boolean.
pub(super) fn is_text(word: &str) -> bool {
    const WORDS: [&str; 11] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "inf", "nan"];
    let starts = word.starts_with(|c: char| c.is_alphabetic() || matches!(c, '_' | '/' | '$'));
    let signs = |c: char| c.is_alphanumeric() || " _-./$(){}[]+,;=*^~@<>!?%&|'\"\\:#".contains(c);
    starts
        && word.chars().all(signs)
        && !word.contains(": ")
        && !word.contains(" #")
        && !word.ends_with([':', ' '])
        && !WORDS.contains(&word.to_ascii_lowercase().as_str())
}

fn is_endless(word: &str) -> bool {
    let bare = word.strip_prefix(['+', '-']).unwrap_or(word);
    matches!(bare, ".inf" | ".Inf" | ".INF") || matches!(word, ".nan" | ".NaN" | ".NAN")
}

fn integer(word: &str) -> Option<Number> {
    let radix = |digits: &str, radix| u64::from_str_radix(digits, radix).ok().map(Number::from);
    if let Some(digits) = word.strip_prefix("0o") {
        return radix(digits, 8).filter(|_| !digits.starts_with('+'));
    }
    if let Some(digits) = word.strip_prefix("0x") {
        return radix(digits, 16).filter(|_| !digits.starts_with('+'));
    }
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let signed = word.strip_prefix('+').unwrap_or(word);
    let whole = signed.parse::<i64>().map(Number::from).or_else(|_| signed.parse::<u64>().map(Number::from)).ok();
    // `-0` is a number of its own in JSON.
    whole.filter(|_| !(signed.starts_with('-') && digits.bytes().all(|b| b == b'0'))).or_else(|| from_f64(signed))
}

fn float(word: &str) -> Option<Number> {
    let bare = word.strip_prefix(['+', '-']).unwrap_or(word);
    let starts = bare.strip_prefix('.').unwrap_or(bare).starts_with(|c: char| c.is_ascii_digit());
    let signs = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if !starts || !bare.chars().all(signs) { None } else { from_f64(word) }
}

fn from_f64(word: &str) -> Option<Number> {
    word.parse::<f64>().ok().and_then(Number::from_f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_mean_what_yaml_1_2_says() {
        for (word, meant) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("true", json!(true)),
            ("yes", json!("yes")),
            ("3.0.0", json!("3.0.0")),
            ("12", json!(12)),
            ("-7", json!(-7)),
            ("+7", json!(7)),
            ("0x1F", json!(31)),
            ("0o17", json!(15)),
            ("012", json!(12)),
            ("1.5", json!(1.5)),
            ("-1e3", json!(-1000.0)),
            (".5", json!(0.5)),
            ("1_000", json!("1_000")),
            ("2026-01-01", json!("2026-01-01")),
            ("18446744073709551615", json!(u64::MAX)),
            ("0x+1", json!("0x+1")),
            ("-", json!("-")),
            ("e5", json!("e5")),
        ] {
            assert_eq!(value(word), Some(meant), "{word}");
        }
        assert_eq!(value(".inf"), None);
        assert_eq!(value("-.INF"), None);
    }

    #[test]
    fn what_some_reader_takes_for_something_else_is_no_plain_text() {
        for word in ["no", "Yes", "on", "12", "3.0.0", "a: b", "a #b", "a:", "", "#x", "- x", "'x", "{x}", "x ", "null"]
        {
            assert!(!is_text(word), "{word}");
        }
        for word in ["orders/{id}/created", "Orders of the shop.", "x-mesh-owner", "/topics", "a:b"] {
            assert!(is_text(word), "{word}");
        }
    }
}
