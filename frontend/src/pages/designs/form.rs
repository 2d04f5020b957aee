//! An object of the design-time catalog to make or change.

use std::collections::BTreeMap;

use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::{KINDS, TOPICS, contract};
use crate::act::Act;
use crate::api::{
    ApplicationDomainView, DesignKind, DesignObjectInput, DesignObjectNew, DesignObjectView, DesignValidation, Edit,
};
use crate::components::{Check, Choice, Field, Select, TextArea, Wrong, either};
use crate::editor::{Editor, closing};
use crate::owners::OwnerField;
use crate::viewer::right;

/// The fields as they stand.
#[derive(Clone, Copy)]
struct Fields {
    kind: RwSignal<String>,
    name: RwSignal<String>,
    subject: RwSignal<String>,
    domain: RwSignal<String>,
    owner: RwSignal<String>,
    people: RwSignal<String>,
    tags: RwSignal<String>,
    attributes: RwSignal<String>,
    document: RwSignal<String>,
    shared: RwSignal<bool>,
    validation: RwSignal<String>,
}

impl Fields {
    fn of(known: Option<&DesignObjectView>, domains: &[ApplicationDomainView]) -> Self {
        let config = known.map(|object| object.config.clone());
        let kind = KINDS
            .iter()
            .find(|(.., kind)| known.is_some_and(|object| object.kind == *kind))
            .map_or(KINDS[0].0, |(key, ..)| key);
        let text = |of: fn(&DesignObjectInput) -> String| RwSignal::new(config.as_ref().map(of).unwrap_or_default());
        let domain = config.as_ref().map(|config| config.domain).or_else(|| domains.first().map(|domain| domain.id));
        Self {
            kind: RwSignal::new(kind.to_owned()),
            name: text(|config| config.name.clone()),
            subject: RwSignal::new(String::new()),
            domain: RwSignal::new(domain.map(|id| id.to_string()).unwrap_or_default()),
            owner: text(|config| config.owner.clone()),
            people: text(|config| config.people.join(", ")),
            tags: text(|config| config.tags.join(", ")),
            attributes: text(|config| written(&config.attributes)),
            document: text(|config| config.document.clone()),
            shared: RwSignal::new(config.as_ref().is_some_and(|config| config.shared)),
            validation: RwSignal::new(contract::key_of(
                config.as_ref().map(|config| config.validation).unwrap_or_default(),
            )),
        }
    }

    fn kind(self) -> DesignKind {
        let key = self.kind.get();
        KINDS.iter().find(|(its, ..)| *its == key).map(|(.., kind)| *kind).unwrap_or_default()
    }

    /// What serializers are to call a schema; nothing for other kinds.
    fn subject(self) -> String {
        let is_schema = self.kind() == DesignKind::Schema;
        if is_schema { self.subject.get().trim().to_owned() } else { String::new() }
    }

    /// What happens to payloads; of events only.
    fn validation(self) -> DesignValidation {
        let is_event = self.kind() == DesignKind::Event;
        if is_event { contract::validation_of(&self.validation.get()) } else { DesignValidation::default() }
    }

    /// What would be saved; none as long as there is no domain.
    fn input(self) -> Option<DesignObjectInput> {
        Some(DesignObjectInput {
            name: self.name.get().trim().to_owned(),
            domain: self.domain.get().parse().ok()?,
            owner: self.owner.get().trim().to_owned(),
            people: parts(&self.people.get()),
            tags: parts(&self.tags.get()),
            attributes: attributes(&self.attributes.get()).unwrap_or_default(),
            document: self.document.get(),
            shared: self.shared.get(),
            validation: self.validation(),
        })
    }
}

fn parts(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn written(attributes: &BTreeMap<String, String>) -> String {
    attributes.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join("\n")
}

fn attributes(text: &str) -> Result<BTreeMap<String, String>, String> {
    let line = |line: &str| {
        let (name, value) = line.split_once('=').ok_or_else(|| format!("`{line}` has no =: write NAME = VALUE"))?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    };
    text.lines().map(str::trim).filter(|text| !text.is_empty()).map(line).collect()
}

/// The form in the dialog.
#[component]
pub(super) fn ObjectForm(
    /// The object that is changed; none = a new one is made.
    known: Option<DesignObjectView>,
    domains: Signal<Vec<ApplicationDomainView>>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let fields = domains.with_untracked(|domains| Fields::of(known.as_ref(), domains));
    let is_new = known.is_none();
    let known = known.map(|object| (object.id, object.revision));
    let choices: Vec<Choice> =
        domains.get_untracked().into_iter().map(|domain| (domain.id.to_string(), domain.config.name)).collect();
    let no_domain = choices.is_empty();
    let kinds: Vec<Choice> = KINDS.iter().map(|(key, word, ..)| ((*key).to_owned(), (*word).to_owned())).collect();
    let close = closing(open, TOPICS);
    let navigate = use_navigate();
    let save = Act::new(
        move |api, (kind, subject, input): (DesignKind, String, DesignObjectInput)| async move {
            match known {
                None => api.0.create_design_object(DesignObjectNew { kind, subject, config: input }).await,
                Some((id, revision)) => api.0.update_design_object(id, Edit { revision, value: input }).await,
            }
        },
        move |object: DesignObjectView| {
            if is_new {
                close.run("Object made. Now write its first version.");
                navigate(&format!("/designs/{}", object.id), NavigateOptions::default());
            } else {
                close.run("Object saved.");
            }
        },
    );
    let missing = Signal::derive(move || {
        no_domain.then(|| "there is no application domain yet: make one on the page Domains first".to_owned())
    });
    view! {
        <Editor
            title=if is_new { "New object" } else { "Change object" }
            save=save
            open=open
            right=right::CATALOG_WRITE
            verb="Save object"
            on_save=move |()| {
                if let Some(input) = untrack(|| fields.input()) {
                    save.run((untrack(|| fields.kind()), untrack(|| fields.subject()), input));
                }
            }
        >
            <div class="m-form__row">
                {is_new.then(|| view! { <Select label="Kind" name="kind" value=fields.kind choices=kinds/> })}
                <Field label="Name" name="name" value=fields.name placeholder="order-created" required=true error=save.field("name")/>
                <Select label="Domain" name="domain" value=fields.domain choices=choices error=either(save.field("domain"), move || missing.get())/>
            </div>
            {move || (is_new && fields.kind() == DesignKind::Schema).then(|| view! {
                <Field label="Subject" name="subject" value=fields.subject placeholder="orders-value" error=save.field("subject") hint="What Kafka's serializers call it, for life; empty: its name"/>
            })}
            <div class="m-form__row">
                <OwnerField value=fields.owner error=save.field("owner") hint="The team that answers for it; empty: who answers for the domain"/>
                <Field label="People" name="people" value=fields.people error=save.field("people") hint="Login names, with commas between"/>
            </div>
            <Field label="Tags" name="tags" value=fields.tags error=save.field("tags") hint="With commas between: pii, gold"/>
            <TextArea
                label="Attributes"
                name="attributes"
                value=fields.attributes
                hint="One a line: cost-centre = 4711"
                error=either(save.field("attributes"), move || attributes(&fields.attributes.get()).err())
            />
            <TextArea label="Description" name="document" value=fields.document rows=5 hint="For readers; lines stay as they are" error=save.field("document")/>
            <Check label="Objects of every domain may build on it" checked=fields.shared/>
            <Wrong error=save.field("sharing")/>
            {move || (fields.kind() == DesignKind::Event).then(|| view! {
                <Select label="Payloads that match no released or deprecated version" name="validation" value=fields.validation choices=contract::choices() error=save.field("validation") hint="Agents check them at MQTT, HTTP and Kafka routes; refused ones of a Kafka route become dead letters"/>
            })}
        </Editor>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_attributes_read_back() {
        assert_eq!(parts(" a, b ,,c"), ["a", "b", "c"]);
        let all = BTreeMap::from([("a".to_owned(), "1 = 2".to_owned()), ("b".to_owned(), String::new())]);
        assert_eq!(attributes(&written(&all)), Ok(all));
        assert!(attributes("a = 1\nb").is_err_and(|why| why.contains("`b`")));
    }
}
