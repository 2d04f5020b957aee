//! Values as literals. What cannot be seen (control characters, marks that turn the direction of text) never stands in a
//! program as it is: a terminal would act on it, a compiler refuse it, and HTML change it.

use std::fmt::Write as _;

/// For a POSIX shell: one word.
pub(super) fn shell(text: &str) -> String {
    let body = text.trim_end_matches('\n');
    if !text.chars().any(is_hidden) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut out = String::from("\"$(printf '");
    for c in body.chars() {
        match c {
            '\'' => out.push_str(r"'\''"),
            '\\' => out.push_str(r"\\"),
            '%' => out.push_str("%%"),
            c if is_hidden(c) => {
                let mut bytes = [0; 4];
                for byte in c.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(out, "\\{byte:03o}");
                }
            }
            c => out.push(c),
        }
    }
    out.push_str("')\"");
    // A shell takes line breaks off the end of what a command prints.
    let breaks = &text[body.len()..];
    if !breaks.is_empty() {
        let _ = write!(out, "'{breaks}'");
    }
    out
}

/// For Python: a string.
pub(super) fn python(text: &str) -> String {
    quoted(text, |out, c| match u32::from(c) {
        code @ ..0x100 => write!(out, "\\x{code:02x}"),
        code @ ..0x1_0000 => write!(out, "\\u{code:04x}"),
        code => write!(out, "\\U{code:08x}"),
    })
}

/// For Rust: a string.
pub(super) fn rust(text: &str) -> String {
    quoted(text, |out, c| write!(out, "\\u{{{:x}}}", u32::from(c)))
}

/// A list of them, as both languages write it.
pub(super) fn list<'a>(texts: impl IntoIterator<Item = &'a String>, one: fn(&str) -> String) -> String {
    format!("[{}]", texts.into_iter().map(|text| one(text)).collect::<Vec<_>>().join(", "))
}

fn quoted(text: &str, hidden: impl Fn(&mut String, char) -> std::fmt::Result) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) => {
                let _ = hidden(&mut out, c);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What people could call a topic to break out of a literal.
    const HOSTILE: [&str; 12] = [
        "orders/fr",
        "it's/\"quoted\"",
        "back\\slash\\",
        "line\nbreak/\r\n",
        "ends\n\n",
        "\n",
        "$(touch x)/`id`/${HOME}/%s%%/!x",
        "'; rm x; '",
        "bell\u{7}/tab\t/del\u{7f}/nel\u{85}",
        "turned\u{202e}/\u{2066}isolated\u{2069}/bom\u{feff}",
        "größe/日本/😀",
        "@topic@/{brace}/#{x}",
    ];

    #[test]
    fn a_shell_reads_what_was_written() {
        for text in HOSTILE {
            let script = format!("printf %s {}", shell(text));
            let told = Command::new("sh").arg("-c").arg(&script).output().expect("a shell");
            assert_eq!(String::from_utf8_lossy(&told.stdout), text, "{script}");
        }
    }

    #[test]
    fn python_reads_what_was_written() {
        let expected: Vec<String> = HOSTILE.iter().map(|text| hex(text)).collect();
        let lines: Vec<String> = HOSTILE.iter().map(|text| format!("print({}.encode().hex())", python(text))).collect();
        let told = Command::new("python3").arg("-c").arg(lines.join("\n")).output().expect("Python");
        assert_eq!(String::from_utf8_lossy(&told.stdout).lines().collect::<Vec<_>>(), expected);
    }

    /// Rust is compiled in the system test; here its own reader of escapes has to agree.
    #[test]
    fn rust_reads_what_was_written() {
        for text in HOSTILE {
            assert_eq!(unescaped(&rust(text)), text);
        }
        assert_eq!(rust("a\"b\u{202e}"), "\"a\\\"b\\u{202e}\"");
    }

    fn hex(text: &str) -> String {
        text.bytes().map(|byte| format!("{byte:02x}")).collect()
    }

    fn unescaped(literal: &str) -> String {
        let body = literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).expect("quotes around it");
        let (mut out, mut chars) = (String::new(), body.chars());
        while let Some(c) = chars.next() {
            assert!(c != '"' && !is_hidden(c), "{literal}");
            if c != '\\' {
                out.push(c);
                continue;
            }
            out.push(match chars.next().expect("an escape is whole") {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let code: String = chars.by_ref().skip(1).take_while(|c| *c != '}').collect();
                    u32::from_str_radix(&code, 16).ok().and_then(char::from_u32).expect("a character")
                }
                c => c,
            });
        }
        out
    }
}
