//! What serializers know a schema by: its subject, and what must stay readable in it.

use leptos::prelude::*;

use super::TOPICS;
use crate::act::{Act, ActError};
use crate::api::{DesignLevelInput, DesignObjectView, DesignSubject, SchemaLevel};
use crate::components::{Button, Choice, Part, Select, Toasts};
use crate::live::Live;
use crate::viewer::{Viewer, right};

/// Levels by the names that registries have for them, with what each means.
const LEVELS: [(&str, &str, SchemaLevel); 7] = [
    ("BACKWARD", "Backward: a new version reads events of the last", SchemaLevel::Backward),
    ("BACKWARD_TRANSITIVE", "Backward, of every version", SchemaLevel::BackwardTransitive),
    ("FORWARD", "Forward: the last version reads events of a new one", SchemaLevel::Forward),
    ("FORWARD_TRANSITIVE", "Forward, of every version", SchemaLevel::ForwardTransitive),
    ("FULL", "Full: both", SchemaLevel::Full),
    ("FULL_TRANSITIVE", "Full, of every version", SchemaLevel::FullTransitive),
    ("NONE", "None: serializers may register anything", SchemaLevel::None),
];

fn key(level: SchemaLevel) -> &'static str {
    LEVELS.iter().find(|(.., its)| *its == level).map_or("", |(key, ..)| key)
}

/// The subject of a schema with its level; nothing for other objects.
#[component]
pub(super) fn SubjectPart(object: Signal<DesignObjectView>) -> impl IntoView {
    move || object.with(|object| object.subject.clone()).map(|subject| view! { <Level object=object subject=subject/> })
}

#[component]
fn Level(object: Signal<DesignObjectView>, subject: DesignSubject) -> impl IntoView {
    let own = if subject.is_own_level { key(subject.level) } else { "" };
    let level = RwSignal::new(own.to_owned());
    let whole = format!("As in the whole registry ({})", key(subject.level));
    let whole = if subject.is_own_level { "As in the whole registry".to_owned() } else { whole };
    let choices: Vec<Choice> = std::iter::once((String::new(), whole))
        .chain(LEVELS.iter().map(|(key, words, _)| ((*key).to_owned(), (*words).to_owned())))
        .collect();
    let (live, toasts) = (Live::get(), Toasts::get());
    let set = Act::new(
        move |api, level: Option<SchemaLevel>| async move {
            let id = object.with_untracked(|object| object.id);
            api.0.set_design_level(id, DesignLevelInput { level }).await
        },
        move |_| {
            live.bump(TOPICS);
            toasts.done("Level saved.");
        },
    );
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let save = move |()| {
        let chosen = level.get_untracked();
        set.run(LEVELS.iter().find(|(key, ..)| *key == chosen).map(|(.., level)| *level));
    };
    view! {
        <Part title="For serializers" note="the schema registry at /registry">
            <div class="m-stack">
                <dl class="m-facts">
                    <dt>"Subject"</dt>
                    <dd><code data-subject=subject.name.clone()>{subject.name.clone()}</code></dd>
                    {subject.is_read_only.then(|| view! { <dt>"Mode"</dt><dd class="m-warn">"read-only: nothing is registered or released"</dd> })}
                </dl>
                <div class="m-form">
                    <Select label="What must stay readable" name="level" value=level choices=choices error=set.field("level")/>
                    <ActError act=set/>
                    <p><Button right=may on_press=save>"Save level"</Button></p>
                </div>
            </div>
        </Part>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_can_be_chosen_by_its_name() {
        for (name, _, level) in LEVELS {
            assert_eq!((serde_json::to_value(level).expect("a name"), key(level)), (name.into(), name));
        }
    }
}
