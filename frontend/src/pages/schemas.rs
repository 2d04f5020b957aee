//! A schema before anybody builds on it: whether it is one, what is in it, whom a change of it breaks. The same question that
//! a build asks over the API.

pub(super) mod fields;
mod verdict;

use leptos::prelude::*;

use self::verdict::Verdict;
use crate::act::{Act, ActError};
use crate::api::{SchemaCheck, SchemaCheckInput, SchemaFormat, SchemaLevel};
use crate::components::{Choice, Code, Main, Part, Select, Submit, TextArea};

/// The formats by their keys.
const FORMATS: [(&str, &str, SchemaFormat); 3] = [
    ("AVRO", "Avro", SchemaFormat::Avro),
    ("JSON", "JSON Schema", SchemaFormat::JsonSchema),
    ("PROTOBUF", "Protobuf", SchemaFormat::Protobuf),
];

/// What may have to stay readable, by its key. Where one earlier version is given, each stands for its transitive kind too.
const LEVELS: [(&str, &str, SchemaLevel); 4] = [
    ("BACKWARD", "Backward: the new schema reads old events", SchemaLevel::Backward),
    ("FORWARD", "Forward: the old schema reads new events", SchemaLevel::Forward),
    ("FULL", "Full: both", SchemaLevel::Full),
    ("NONE", "None", SchemaLevel::None),
];

fn choices<T>(all: &[(&str, &str, T)]) -> Vec<Choice> {
    all.iter().map(|(key, words, _)| ((*key).to_owned(), (*words).to_owned())).collect()
}

fn chosen<T: Copy + Default>(all: &[(&str, &str, T)], key: &str) -> T {
    all.iter().find(|(its, ..)| *its == key).map(|(.., value)| *value).unwrap_or_default()
}

/// The line that asks the same in a build.
fn line(origin: &str, format: &str, level: &str) -> String {
    format!(
        "jq -n --rawfile new new.schema --rawfile old old.schema \\
  '{{format: \"{format}\", schema: $new, previous: [$old], level: \"{level}\"}}' |
  curl -fsS -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: application/json' -d @- {origin}/api/v1/schemas/check |
  jq -e '.compatible'"
    )
}

/// `/schemas`
#[component]
pub fn Schemas() -> impl IntoView {
    let text = || RwSignal::new(String::new());
    let (schema, previous) = (text(), text());
    let (format, level) = (RwSignal::new("AVRO".to_owned()), RwSignal::new("BACKWARD".to_owned()));
    let answer = RwSignal::new(None::<SchemaCheck>);
    let check = Act::new(
        |api, input: SchemaCheckInput| async move { api.0.check_schema(input).await },
        move |checked| answer.set(Some(checked)),
    );
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        let old = previous.get_untracked();
        check.run(SchemaCheckInput {
            format: chosen(&FORMATS, &format.get_untracked()),
            schema: schema.get_untracked(),
            references: Vec::new(),
            previous: if old.trim().is_empty() { Vec::new() } else { vec![old] },
            level: chosen(&LEVELS, &level.get_untracked()),
        });
    };
    let build = Signal::derive(move || line("https://PORTAL", &format.get(), &level.get()));
    view! {
        <Main title="Schemas" note="check one before anybody builds on it">
            <Part title="Check a schema" note="nothing of it is kept">
                <form class="m-form m-form--wide" method="post" on:submit=submit>
                    <div class="m-form__row">
                        <Select label="Format" name="format" value=format choices=choices(&FORMATS)/>
                        <Select label="What must stay readable" name="level" value=level choices=choices(&LEVELS)/>
                    </div>
                    <div class="m-pair">
                        <TextArea label="Schema" name="schema" value=schema rows=14 error=check.field("schema")/>
                        <TextArea label="The version before it" name="previous" value=previous rows=14 hint="Empty: the schema alone is checked" error=check.field("previous")/>
                    </div>
                    <ActError act=check/>
                    <p><Submit busy=check.busy>"Check"</Submit></p>
                </form>
                {move || answer.get().map(|checked| view! { <Verdict checked=checked/> })}
            </Part>
            <Part title="In a build" note="the same answer; the line ends with 1 when the change breaks somebody">
                <Code text=build what="the line for a build"/>
            </Part>
        </Main>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_api() {
        for (key, _, format) in FORMATS {
            assert_eq!(serde_json::to_value(format).expect("a name"), key);
            assert_eq!(chosen(&FORMATS, key), format);
        }
        for (key, _, level) in LEVELS {
            assert_eq!(serde_json::to_value(level).expect("a name"), key);
        }
    }
}
