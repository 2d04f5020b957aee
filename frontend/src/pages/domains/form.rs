//! A domain to make or change.

use leptos::prelude::*;
use mesh_protocol::topic::Filter;

use super::{Draft, TOPICS};
use crate::act::Act;
use crate::api::{ApplicationDomainInput, ApplicationDomainView, Edit};
use crate::components::{Choice, Field, Select, TextArea, either};
use crate::editor::{Editor, closing};
use crate::owners::OwnerField;
use crate::viewer::right;

/// The fields as they stand.
#[derive(Clone, Copy)]
struct Fields {
    name: RwSignal<String>,
    parent: RwSignal<String>,
    topics: RwSignal<String>,
    kafka_topics: RwSignal<String>,
    owner: RwSignal<String>,
    description: RwSignal<String>,
}

impl Fields {
    fn of(input: ApplicationDomainInput) -> Self {
        Self {
            name: RwSignal::new(input.name),
            parent: RwSignal::new(input.parent.map(|parent| parent.to_string()).unwrap_or_default()),
            topics: RwSignal::new(input.topics.join("\n")),
            kafka_topics: RwSignal::new(input.kafka_topics.join("\n")),
            owner: RwSignal::new(input.owner),
            description: RwSignal::new(input.description),
        }
    }

    /// What would be saved. Reading it follows the fields.
    fn input(self) -> ApplicationDomainInput {
        ApplicationDomainInput {
            name: self.name.get().trim().to_owned(),
            parent: self.parent.get().parse().ok(),
            topics: lines(&self.topics.get()),
            kafka_topics: lines(&self.kafka_topics.get()),
            owner: self.owner.get().trim().to_owned(),
            description: self.description.get().trim().to_owned(),
        }
    }
}

/// One claim a line.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// What is wrong with the first filter that is none.
fn wrong_topic(text: &str) -> Option<String> {
    lines(text).into_iter().find_map(|line| {
        let error = Filter::mesh(line.as_str()).err()?;
        Some(format!("`{line}`: {error}"))
    })
}

/// The domains that this one may be a part of: not itself.
fn parents(domains: &[ApplicationDomainView], known: Option<&ApplicationDomainView>) -> Vec<Choice> {
    let others = domains.iter().filter(|domain| known.is_none_or(|known| known.id != domain.id));
    let others = others.map(|domain| (domain.id.to_string(), domain.config.name.clone()));
    std::iter::once((String::new(), "No other domain".to_owned())).chain(others).collect()
}

/// The form in the dialog.
#[component]
pub(super) fn DomainForm(
    draft: Draft,
    domains: Signal<Vec<ApplicationDomainView>>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let Draft { known, suggested } = draft;
    let fields = Fields::of(known.as_ref().map(|domain| domain.config.clone()).or(suggested).unwrap_or_default());
    let choices = domains.with_untracked(|domains| parents(domains, known.as_ref()));
    let known = known.map(|domain| (domain.id, domain.revision));
    let close = closing(open, TOPICS);
    let save = Act::new(
        move |api, input: ApplicationDomainInput| async move {
            match known {
                None => api.0.create_domain(input).await,
                Some((id, revision)) => api.0.update_domain(id, Edit { revision, value: input }).await,
            }
        },
        move |_| close.run("Domain saved. What it claims is sorted into it now."),
    );
    view! {
        <Editor
            title=if known.is_some() { "Change domain" } else { "New domain" }
            save=save
            open=open
            right=right::CATALOG_WRITE
            verb="Save domain"
            on_save=move |()| save.run(untrack(|| fields.input()))
        >
            <div class="m-form__row">
                <Field label="Name" name="name" value=fields.name placeholder="orders" required=true error=save.field("name")/>
                <Select label="Part of" name="parent" value=fields.parent choices=choices error=save.field("parent")/>
            </div>
            <TextArea
                label="Event addresses it claims"
                name="topics"
                value=fields.topics
                hint="One filter a line, * and >: orders/> claims all that begins with orders/. The narrowest claim counts"
                error=either(save.field("topics"), move || wrong_topic(&fields.topics.get()))
            />
            <TextArea
                label="Kafka topics it claims"
                name="kafka_topics"
                value=fields.kafka_topics
                hint="One name a line; a last * stands for whatever follows: retail.orders.*"
                error=save.field("kafka_topics")
            />
            <OwnerField value=fields.owner error=save.field("owner") hint="A team or a person; answers for what nobody else was named for"/>
            <Field label="What it is about" name="description" value=fields.description error=save.field("description")/>
        </Editor>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_claim_and_a_wrong_one_is_named() {
        assert_eq!(lines(" a/> \n\n b\n"), ["a/>", "b"]);
        assert_eq!(wrong_topic("a/>\nb"), None);
        let long = "a/".repeat(200);
        assert!(wrong_topic(&format!("a\n{long}")).is_some_and(|why| why.starts_with(&format!("`{long}`"))));
    }
}
