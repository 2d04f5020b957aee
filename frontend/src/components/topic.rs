//! Topics and filters: the path is quiet because the tail is what people look for; wildcards and variables stand out.

use leptos::prelude::*;

/// One stretch of a topic or filter, in the look it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Path(String),
    Tail(String),
    Variable(String),
}

/// Splits at `/`. A level that is a wildcard or holds `${…}` is a variable.
fn parts(topic: &str) -> Vec<Part> {
    let levels: Vec<&str> = topic.split('/').collect();
    let mut out = Vec::new();
    for (i, level) in levels.iter().enumerate() {
        let last = i + 1 == levels.len();
        let variable = level.contains('*')
            || level.contains("${")
            || matches!(*level, ">" | "+" | "#")
            || (level.starts_with('{') && level.ends_with('}'));
        if variable {
            out.push(Part::Variable((*level).to_owned()));
            if !last {
                out.push(Part::Path("/".into()));
            }
        } else if last {
            out.push(Part::Tail((*level).to_owned()));
        } else {
            out.push(Part::Path(format!("{level}/")));
        }
    }
    out
}

/// A topic or a filter in the mesh dialect.
#[component]
pub fn Topic(
    /// The topic name or filter.
    #[prop(into)]
    name: String,
) -> impl IntoView {
    let drawn = parts(&name)
        .into_iter()
        .map(|part| match part {
            Part::Path(text) => view! { <span class="m-topic__path">{text}<wbr/></span> }.into_any(),
            Part::Tail(text) => view! { <span>{text}</span> }.into_any(),
            Part::Variable(text) => view! { <span class="m-topic__var">{text}</span> }.into_any(),
        })
        .collect_view();
    view! { <span class="m-topic" title=name>{drawn}</span> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_level_is_the_tail_and_wildcards_stand_out() {
        assert_eq!(
            parts("orders/*/created"),
            [
                Part::Path("orders/".into()),
                Part::Variable("*".into()),
                Part::Path("/".into()),
                Part::Tail("created".into())
            ]
        );
        assert_eq!(parts("orders/>"), [Part::Path("orders/".into()), Part::Variable(">".into())]);
        assert_eq!(parts("cmd/${client}")[1], Part::Variable("${client}".into()));
    }
}
