//! How two versions of an object differ: in one sentence, side by side, and line by line.

use leptos::prelude::*;
use mesh_protocol::id::DesignObjectId;

use super::TOPICS;
use crate::api::{
    DesignClass, DesignDifference, DesignDifferenceQuery, DesignDifferenceRow, DesignLine, DesignObjectView,
    DesignTextChange, DesignVersionRow,
};
use crate::components::{Choice, Part, Select, Table};
use crate::load::{Load, Loading, load};

pub(in crate::pages) fn class_word(class: Option<DesignClass>) -> &'static str {
    match class {
        None => "Nothing differs",
        Some(DesignClass::Cosmetic) => "Only words differ: nobody has to do anything",
        Some(DesignClass::Compatible) => "Compatible: who builds on it may go on as they are",
        Some(DesignClass::Breaking) => "Breaking: some who build on it have to change",
    }
}

/// The two versions that are compared, by their ids; whatever is none of the object's is the newest or the one before.
#[derive(Clone, Copy, Default)]
pub(in crate::pages) struct Pair {
    from: RwSignal<String>,
    to: RwSignal<String>,
}

impl Pair {
    /// Loads how the two of `object` differ; nothing as long as there is no second version.
    pub(super) fn load(self, object: Memo<Option<DesignObjectId>>) -> Loading<Option<DesignDifference>> {
        load(
            TOPICS,
            move || (object.get(), self.from.get(), self.to.get()),
            |api, (object, from, to)| async move {
                let Some(object) = object else { return Ok(None) };
                let versions = api.0.design_object(object).await?.versions;
                let one = |id: &str, else_nth: usize| {
                    let asked = versions.iter().find(|version| version.id.to_string() == id);
                    asked.or_else(|| versions.get(else_nth)).map(|version| version.id)
                };
                match (one(&from, 1), one(&to, 0)) {
                    (Some(from), Some(to)) if versions.len() > 1 => {
                        api.0.design_difference(DesignDifferenceQuery { from, to, level: None }).await.map(Some)
                    }
                    _ => Ok(None),
                }
            },
        )
    }
}

/// Two versions to choose, and their difference; nothing while there is only one.
#[component]
pub(super) fn Compare(
    object: Signal<DesignObjectView>,
    pair: Pair,
    found: Loading<Option<DesignDifference>>,
) -> impl IntoView {
    let choices = Signal::derive(move || {
        object.with(|object| {
            let choice = |version: &DesignVersionRow| (version.id.to_string(), version.number.clone());
            object.versions.iter().map(choice).collect::<Vec<Choice>>()
        })
    });
    let Pair { from, to } = pair;
    // What the selects show is what is compared, also when there was nothing to choose at first.
    Effect::new(move |_| {
        let all = choices.get();
        for (signal, at) in [(from, 1), (to, 0)] {
            if signal.with_untracked(|id| !all.iter().any(|(known, _)| known == id))
                && let Some((id, _)) = all.get(at)
            {
                signal.set(id.clone());
            }
        }
    });
    view! {
        <Show when=move || choices.with(|all| all.len() > 1)>
            <Part title="Compare" note="any two versions">
                <div class="m-form__row">
                    <Select label="From" name="from" value=from choices=choices/>
                    <Select label="To" name="to" value=to choices=choices/>
                </div>
                <Load resource=found what="difference" let:found>
                    {move || found.get().map(|found| view! { <Found found=found/> })}
                </Load>
            </Part>
        </Show>
    }
    .into_any()
}

#[component]
fn Found(found: DesignDifference) -> impl IntoView {
    let is_breaking = found.class == Some(DesignClass::Breaking);
    let rows = found.rows.into_iter().map(|row| view! { <Row row=row/> }).collect::<Vec<_>>();
    let reasons = found.reasons.into_iter().map(|reason| view! { <li>{reason}</li> }).collect::<Vec<_>>();
    let texts = found.texts.into_iter().map(|text| view! { <Text text=text/> }).collect_view();
    view! {
        <p>{found.sentence}</p>
        <p class="m-small" class:m-warn=is_breaking class:m-muted=!is_breaking>{class_word(found.class)}"."</p>
        {(!reasons.is_empty()).then(|| view! { <ul class="m-small m-reasons">{reasons}</ul> })}
        {(!rows.is_empty()).then(|| view! {
            <Table label="What differs" heads=&[("What", ""), ("Before", ""), ("After", "")]>{rows}</Table>
        })}
        {texts}
    }
    .into_any()
}

#[component]
fn Row(row: DesignDifferenceRow) -> impl IntoView {
    let value = |value: Option<String>| value.unwrap_or_else(|| "–".to_owned());
    view! {
        <tr>
            <td class="m-muted">{row.path.replace('_', " ")}</td>
            <td class="m-was">{value(row.before)}</td>
            <td>{value(row.after)}</td>
        </tr>
    }
    .into_any()
}

#[component]
fn Text(text: DesignTextChange) -> impl IntoView {
    let lines = text.lines.into_iter().map(line).collect_view();
    view! { <div class="m-diff" tabindex="0" role="group" aria-label=format!("Changes of {}", text.path)>{lines}</div> }
        .into_any()
}

fn line(line: DesignLine) -> AnyView {
    let (sign, text) = match line {
        DesignLine::Kept(text) => (" ", text),
        DesignLine::Removed(text) => ("−", text),
        DesignLine::Added(text) => ("+", text),
        DesignLine::Skipped(1) => ("⋯", "1 line is the same".to_owned()),
        DesignLine::Skipped(count) => ("⋯", format!("{count} lines are the same")),
    };
    view! { <div class="m-diff__line" data-sign=sign><span>{text}</span></div> }.into_any()
}
