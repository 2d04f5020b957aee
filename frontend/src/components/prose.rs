//! Texts of people and of checks.

use leptos::prelude::*;

/// A piece of a sentence: what stands between backticks is code.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Words(String),
    Code(String),
}

/// A backtick without another one is only a sign.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((code, after)) = after.split_once('`').filter(|(code, _)| !code.is_empty()) else { break };
        if !before.is_empty() {
            pieces.push(Piece::Words(before.to_owned()));
        }
        pieces.push(Piece::Code(code.to_owned()));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Words(rest.to_owned()));
    }
    pieces
}

/// A sentence with code in backticks.
#[component]
pub fn Sentence(
    /// The sentence.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    let piece = |piece| match piece {
        Piece::Words(words) => words.into_any(),
        Piece::Code(code) => view! { <code>{code}</code> }.into_any(),
    };
    pieces(&text).into_iter().map(piece).collect_view()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_backticks_is_code() {
        let (words, code) = (|text: &str| Piece::Words(text.to_owned()), |text: &str| Piece::Code(text.to_owned()));
        assert_eq!(pieces("write `a: b`, or `c`"), [words("write "), code("a: b"), words(", or "), code("c")]);
        assert_eq!(pieces("a ` alone"), [words("a ` alone")]);
        assert_eq!(pieces("`` and `x`"), [words("`` and `x`")], "nothing is no code");
        assert_eq!(pieces(""), []);
    }
}
