//! A plan to write or change. Amounts are read while one types.

use leptos::prelude::*;
use mesh_protocol::id::DesignObjectId;

use super::TOPICS;
use super::terms::{amount_of, amount_text};
use crate::act::Act;
use crate::api::{Edit, PlanApproval, PlanInput, PlanPer, PlanPrice, PlanProtocol, PlanState, PlanView};
use crate::components::{Check, Choice, Field, Select, TextArea, Wrong, either};
use crate::editor::{Editor, closing};
use crate::quantity;
use crate::viewer::right;

/// Ways of approval by their keys.
const APPROVALS: [(&str, &str); 3] = [
    ("auto", "Everybody who asks, at once"),
    ("manual", "Who is approved by people"),
    ("rules", "At once by rules, else by people"),
];

/// What a price is for, by its key.
const PERS: [(&str, &str, PlanPer); 3] = [
    ("month", "a month", PlanPer::Month),
    ("event", "an event", PlanPer::Event),
    ("gibibyte", "a GiB", PlanPer::Gibibyte),
];

/// The fields as they stand.
#[derive(Clone, Copy)]
struct Fields {
    name: RwSignal<String>,
    description: RwSignal<String>,
    mqtt: RwSignal<bool>,
    http: RwSignal<bool>,
    kafka: RwSignal<bool>,
    events: RwSignal<String>,
    bytes: RwSignal<String>,
    filters: RwSignal<String>,
    approval: RwSignal<String>,
    people: RwSignal<String>,
    tags: RwSignal<String>,
    same_owner: RwSignal<bool>,
    receive_only: RwSignal<bool>,
    rule_days: RwSignal<String>,
    days: RwSignal<String>,
    price: RwSignal<String>,
    currency: RwSignal<String>,
    per: RwSignal<String>,
}

impl Fields {
    fn of(plan: Option<&PlanInput>) -> Self {
        let new = PlanInput { protocols: vec![PlanProtocol::Mqtt, PlanProtocol::Http], ..PlanInput::default() };
        let plan = plan.unwrap_or(&new);
        let text = |text: String| RwSignal::new(text);
        let number = |number: Option<u64>| RwSignal::new(number.map(|number| number.to_string()).unwrap_or_default());
        let (kind, without_tags, same_owner, receive_only, rule_days) = match &plan.approval {
            PlanApproval::Auto => ("auto", Vec::new(), false, false, None),
            PlanApproval::Manual { .. } => ("manual", Vec::new(), false, false, None),
            PlanApproval::Rules { without_tags, same_owner, receive_only, days, .. } => {
                ("rules", without_tags.clone(), *same_owner, *receive_only, *days)
            }
        };
        let price = plan.price.as_ref();
        let per =
            price.and_then(|price| PERS.iter().find(|(.., per)| *per == price.per)).map_or("month", |(key, ..)| key);
        Self {
            name: text(plan.name.clone()),
            description: text(plan.description.clone()),
            mqtt: RwSignal::new(plan.protocols.contains(&PlanProtocol::Mqtt)),
            http: RwSignal::new(plan.protocols.contains(&PlanProtocol::Http)),
            kafka: RwSignal::new(plan.protocols.contains(&PlanProtocol::Kafka)),
            events: number(plan.events.map(u64::from)),
            bytes: text(plan.bytes.map(quantity::size).unwrap_or_default()),
            filters: text(plan.filters.join("\n")),
            approval: text(kind.to_owned()),
            people: text(plan.approval.people().max(1).to_string()),
            tags: text(without_tags.join(", ")),
            same_owner: RwSignal::new(same_owner),
            receive_only: RwSignal::new(receive_only),
            rule_days: number(rule_days.map(u64::from)),
            days: number(plan.days.map(u64::from)),
            price: text(price.map(|price| amount_text(price.millionths)).unwrap_or_default()),
            currency: text(price.map_or_else(|| "EUR".to_owned(), |price| price.currency.clone())),
            per: text(per.to_owned()),
        }
    }

    /// The price as it stands; none = free.
    fn price(self) -> Result<Option<PlanPrice>, String> {
        let text = self.price.get();
        if text.trim().is_empty() {
            return Ok(None);
        }
        let key = self.per.get();
        let per = PERS.iter().find(|(its, ..)| *its == key).map(|(.., per)| *per).unwrap_or_default();
        Ok(Some(PlanPrice { millionths: amount_of(&text)?, currency: self.currency.get().trim().to_owned(), per }))
    }

    /// What would be saved; none = a field says nothing that can be sent, and is marked.
    fn input(self) -> Option<PlanInput> {
        let days = |field: RwSignal<String>| whole(&field.get()).ok();
        let people = whole(&self.people.get()).ok()?.and_then(|people| u8::try_from(people).ok()).unwrap_or_default();
        let list = |text: String| {
            let items = text.split([',', '\n']).map(str::trim).filter(|item| !item.is_empty());
            items.map(str::to_owned).collect::<Vec<_>>()
        };
        let protocols = [
            (self.mqtt.get(), PlanProtocol::Mqtt),
            (self.http.get(), PlanProtocol::Http),
            (self.kafka.get(), PlanProtocol::Kafka),
        ];
        Some(PlanInput {
            name: self.name.get().trim().to_owned(),
            description: self.description.get().trim().to_owned(),
            protocols: protocols.into_iter().filter_map(|(is, protocol)| is.then_some(protocol)).collect(),
            events: whole(&self.events.get()).ok()?,
            bytes: size(&self.bytes.get()).ok()?,
            filters: list(self.filters.get()),
            approval: match self.approval.get().as_str() {
                "manual" => PlanApproval::Manual { people },
                "rules" => PlanApproval::Rules {
                    people,
                    without_tags: list(self.tags.get()),
                    same_owner: self.same_owner.get(),
                    receive_only: self.receive_only.get(),
                    days: days(self.rule_days)?,
                },
                _ => PlanApproval::Auto,
            },
            days: days(self.days)?,
            price: self.price().ok()?,
        })
    }
}

/// A whole number, or nothing.
fn whole(text: &str) -> Result<Option<u32>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let number = quantity::count(text)?;
    u32::try_from(number).map(Some).map_err(|_| "That is too much".to_owned())
}

/// An amount of bytes, or nothing.
fn size(text: &str) -> Result<Option<u64>, String> {
    if text.trim().is_empty() { Ok(None) } else { quantity::bytes(text).map(Some) }
}

fn choices(all: &[(&str, &str)]) -> Vec<Choice> {
    all.iter().map(|(key, words)| ((*key).to_owned(), (*words).to_owned())).collect()
}

/// The form in the dialog.
#[component]
pub(super) fn PlanForm(product: DesignObjectId, known: Option<PlanView>, open: RwSignal<bool>) -> impl IntoView {
    // What waits is what one goes on with.
    let written =
        |plan: &PlanView| plan.change.as_ref().map_or_else(|| plan.config.clone(), |change| change.config.clone());
    let fields = Fields::of(known.as_ref().map(written).as_ref());
    let is_offered = known.as_ref().is_some_and(|plan| plan.state != PlanState::Staging);
    let known = known.map(|plan| (plan.id, plan.revision, plan.state));
    let close = closing(open, TOPICS);
    let save = Act::new(
        move |api, input: PlanInput| async move {
            match known {
                None => api.0.create_plan(product, input).await,
                Some((id, revision, _)) => api.0.update_plan(id, Edit { revision, value: input }).await,
            }
        },
        move |plan: PlanView| {
            close.run(if plan.change.is_some() { "The change waits for a reviewer." } else { "Plan saved." });
        },
    );
    let delete = Act::new(
        move |api, ()| async move {
            match known {
                Some((id, revision, _)) => api.0.delete_plan(id, revision).await,
                None => Ok(()),
            }
        },
        move |()| close.run("Plan deleted."),
    );
    let is_staging = known.is_some_and(|(.., state)| state == PlanState::Staging);
    let on_delete = is_staging.then(|| Callback::new(move |()| delete.run(())));
    let on_save = move |()| {
        if let Some(input) = untrack(|| fields.input()) {
            save.run(input);
        }
    };
    let own = |wrong: Memo<Option<String>>| move || wrong.get();
    let count = |field: RwSignal<String>| Memo::new(move |_| whole(&field.get()).err());
    let pers: Vec<Choice> = PERS.iter().map(|(key, words, _)| ((*key).to_owned(), (*words).to_owned())).collect();
    let has_people = move || fields.approval.with(|kind| kind != "auto");
    let has_rules = move || fields.approval.with(|kind| kind == "rules");
    let title = if known.is_some() { "Change plan" } else { "New plan" };
    view! {
        <Editor
            title=title
            save=save
            open=open
            right=right::CATALOG_WRITE
            verb="Save plan"
            on_save=on_save
            on_delete=on_delete
            consequence="Nobody could ask for it yet."
        >
            {is_offered.then(|| view! {
                <p class="m-small m-muted">"What gives others more waits for a reviewer who did not write it; the rest a reviewer changes at once, and anybody proposes. New terms are offered under a new number: who has the plan keeps theirs."</p>
            })}
            <div class="m-form__row">
                <Field label="Name" name="name" value=fields.name required=true placeholder="standard" error=save.field("name")/>
                <Field label="What it is for" name="description" value=fields.description error=save.field("description")/>
            </div>
            <fieldset class="m-field">
                <legend class="m-field__label">"Clients connect by"</legend>
                <div class="m-line"><Check label="MQTT" checked=fields.mqtt/><Check label="HTTP" checked=fields.http/><Check label="Kafka" checked=fields.kafka/></div>
                <Wrong error=save.field("protocols")/>
            </fieldset>
            <Select label="Who is let in" name="approval" value=fields.approval choices=choices(&APPROVALS) error=save.field("approval")/>
            <Show when=has_people>
                <Field label="How many people say yes" name="people" value=fields.people hint="None of them who asks" error=either(save.field("people"), own(count(fields.people)))/>
            </Show>
            <Show when=has_rules>
                <div class="m-form__row">
                    <Field label="At once if no field is tagged" name="without_tags" value=fields.tags placeholder="PII, GDPR" error=save.field("without_tags")/>
                    <Field label="and it is for at most so many days" name="rule_days" value=fields.rule_days error=either(save.field("rule_days"), own(count(fields.rule_days)))/>
                </div>
                <div class="m-line m-line--wrap">
                    <Check label="and the application has the product's owner" checked=fields.same_owner/>
                    <Check label="and nothing is sent, only received" checked=fields.receive_only/>
                </div>
            </Show>
            <div class="m-form__row">
                <Field label="Events a second" name="events" value=fields.events hint="Empty: no limit" error=either(save.field("events"), own(count(fields.events)))/>
                <Field label="Bytes a second" name="bytes" value=fields.bytes placeholder="1 MB" hint="Empty: no limit" error=either(save.field("bytes"), own(Memo::new(move |_| size(&fields.bytes.get()).err())))/>
                <Field label="Days of access" name="days" value=fields.days hint="Empty: without an end" error=either(save.field("days"), own(count(fields.days)))/>
            </div>
            <TextArea label="Only these addresses" name="filters" value=fields.filters rows=2 hint="Filters, one a line: orders/fr/> gives the French part; empty = all of the product" error=save.field("filters")/>
            <div class="m-form__row">
                <Field label="Price" name="price" value=fields.price placeholder="2.50" hint="Empty: free" error=either(save.field("price"), own(Memo::new(move |_| fields.price().err())))/>
                <Field label="Currency" name="currency" value=fields.currency error=save.field("currency")/>
                <Select label="For" name="per" value=fields.per choices=pers/>
            </div>
        </Editor>
    }
    .into_any()
}
