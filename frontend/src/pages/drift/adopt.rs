//! Adopting what was seen, in three steps: what the portal proposes, to be changed; exactly what would be made; made.

use std::collections::{BTreeMap, BTreeSet};

use leptos::prelude::*;

use super::doing::Job;
use crate::act::{Act, ActError};
use crate::api::{
    ApplicationDomainInput, ApplicationDomainView, DriftApplicationInput, DriftEventInput, DriftLeftOut, DriftProposal,
    DriftProposals, DriftSelection, DriftTask, Rate as PerSecond,
};
use crate::components::{Button, Check, Choice, Skeleton, Submit, Tone};
use crate::format;
use crate::load::Loading;
use crate::owners::{OWNERS, OwnerChoices};
use crate::pages::bulk::{Doing, Preview};
use crate::viewer::{Viewer, right};

/// A proposal as somebody changes it. Cheap to copy.
#[derive(Debug)]
struct Draft<T: 'static> {
    of: StoredValue<DriftProposal<T>>,
    keep: RwSignal<bool>,
    name: RwSignal<String>,
    /// Empty for domains.
    domain: RwSignal<String>,
    owner: RwSignal<String>,
    /// Empty but for events.
    address: RwSignal<String>,
    /// Of an event without a schema whose payloads are known: one is made with it. None where that cannot be.
    with_schema: Option<RwSignal<bool>>,
}

impl<T> Clone for Draft<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Draft<T> {}

impl<T: Clone + Send + Sync + 'static> Draft<T> {
    fn of(proposal: DriftProposal<T>, texts: impl Fn(&T) -> [&str; 4]) -> Self {
        let [name, domain, owner, address] = texts(&proposal.input).map(|text| RwSignal::new(text.to_owned()));
        Self {
            of: StoredValue::new(proposal),
            keep: RwSignal::new(true),
            name,
            domain,
            owner,
            address,
            with_schema: None,
        }
    }

    fn input(self) -> T {
        self.of.with_value(|of| of.input.clone())
    }

    fn text(signal: RwSignal<String>) -> String {
        signal.with_untracked(|text| text.trim().to_owned())
    }
}

/// All that is proposed. Cheap to copy.
#[derive(Clone, Copy)]
struct Drafts {
    domains: StoredValue<Vec<Draft<ApplicationDomainInput>>>,
    events: StoredValue<Vec<Draft<DriftEventInput>>>,
    applications: StoredValue<Vec<Draft<DriftApplicationInput>>>,
}

impl Drafts {
    fn of(proposals: DriftProposals) -> Self {
        let domains =
            proposals.domains.into_iter().map(|one| Draft::of(one, |input| [&input.name, "", &input.owner, ""]));
        let events = proposals.events.into_iter().map(|one| {
            let with_schema = one.input.schema_text.as_ref().map(|_| RwSignal::new(true));
            Draft { with_schema, ..Draft::of(one, |input| [&input.name, &input.domain, &input.owner, &input.address]) }
        });
        let applications = proposals
            .applications
            .into_iter()
            .map(|one| Draft::of(one, |input| [&input.name, &input.domain, &input.owner, ""]));
        Self {
            domains: StoredValue::new(domains.collect()),
            events: StoredValue::new(events.collect()),
            applications: StoredValue::new(applications.collect()),
        }
    }

    /// The task as it was changed: what is left out is in nothing else either.
    fn task(self) -> DriftTask {
        let kept = |keep: RwSignal<bool>| keep.get_untracked();
        let mut renamed = BTreeMap::new();
        let domains = self.domains.with_value(|all| {
            let made = all.iter().filter(|draft| kept(draft.keep)).map(|draft| {
                let input = draft.input();
                let name = Draft::<ApplicationDomainInput>::text(draft.name);
                renamed.insert(input.name.clone(), name.clone());
                ApplicationDomainInput { name, owner: Draft::<ApplicationDomainInput>::text(draft.owner), ..input }
            });
            made.collect()
        });
        let domain = |text: String| renamed.get(&text).cloned().unwrap_or(text);
        let mut addresses: BTreeMap<String, Option<String>> = BTreeMap::new();
        let events = self.events.with_value(|all| {
            let mut made = Vec::new();
            for draft in all {
                let input = draft.input();
                let address = Draft::<DriftEventInput>::text(draft.address);
                let is_kept = kept(draft.keep);
                addresses.insert(input.address.clone(), is_kept.then(|| address.clone()));
                if is_kept {
                    made.push(DriftEventInput {
                        name: Draft::<DriftEventInput>::text(draft.name),
                        domain: domain(Draft::<DriftEventInput>::text(draft.domain)),
                        owner: Draft::<DriftEventInput>::text(draft.owner),
                        address,
                        schema_text: input.schema_text.filter(|_| draft.with_schema.is_some_and(kept)),
                        ..input
                    });
                }
            }
            made
        });
        let now = |all: Vec<String>| follow(all, &addresses);
        let applications = self.applications.with_value(|all| {
            let made = all.iter().filter(|draft| kept(draft.keep)).map(|draft| {
                let input = draft.input();
                DriftApplicationInput {
                    name: Draft::<DriftApplicationInput>::text(draft.name),
                    domain: domain(Draft::<DriftApplicationInput>::text(draft.domain)),
                    owner: Draft::<DriftApplicationInput>::text(draft.owner),
                    publishes: now(input.publishes.clone()),
                    consumes: now(input.consumes.clone()),
                    ..input
                }
            });
            made.collect()
        });
        DriftTask::Adopt { domains, events, applications }
    }
}

/// Addresses of events as they are now; those that are left out are gone.
fn follow(all: Vec<String>, addresses: &BTreeMap<String, Option<String>>) -> Vec<String> {
    let now = |address: String| match addresses.get(&address) {
        Some(now) => now.clone(),
        None => Some(address),
    };
    let now: BTreeSet<String> = all.into_iter().filter_map(now).collect();
    now.into_iter().collect()
}

/// The wizard.
#[component]
pub(super) fn Adopt(
    doing: Doing<Job>,
    chosen: Signal<DriftSelection>,
    domains: Loading<Vec<ApplicationDomainView>>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let drafts = RwSignal::new(None::<(Drafts, Vec<DriftLeftOut>)>);
    let propose = Act::new(
        |api, select: DriftSelection| async move { api.0.drift_proposals(select).await },
        move |proposals: DriftProposals| {
            let left_out = proposals.left_out.clone();
            drafts.set(Some((Drafts::of(proposals), left_out)));
        },
    );
    propose.run(chosen.get_untracked());
    let known = Signal::derive(move || {
        let known = domains.get().and_then(Result::ok).unwrap_or_default();
        known.into_iter().map(|domain| domain.config.name).collect::<Vec<_>>()
    });
    let is_shown = Memo::new(move |_| doing.shown.with(Option::is_some));
    let back = Callback::new(move |()| doing.begin());
    view! {
        <Show
            when=move || is_shown.get()
            fallback=move || view! { <Proposed doing=doing drafts=drafts propose=propose known=known open=open/> }
        >
            <Preview doing=doing open=open title="Step 2 of 2: what would be made" verb="Adopt" right=right::CATALOG_WRITE back=Some(back)/>
        </Show>
    }
    .into_any()
}

/// What is proposed, as a form.
#[component]
fn Proposed(
    doing: Doing<Job>,
    drafts: RwSignal<Option<(Drafts, Vec<DriftLeftOut>)>>,
    propose: Act<DriftSelection>,
    known: Signal<Vec<String>>,
    open: RwSignal<bool>,
) -> impl IntoView {
    let look = doing.look;
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if let Some((drafts, _)) = drafts.get_untracked() {
            doing.preview(Job::Task(drafts.task()));
        }
    };
    view! {
        <form method="post" on:submit=submit>
            <div class="m-dialog__body">
                <h2>"Step 1 of 2: what is proposed"</h2>
                <p class="m-small m-muted">
                    "Nothing is made yet. Change names, domains and owners, leave out what you do not want; each says what speaks for it."
                </p>
                {move || match drafts.get() {
                    Some((drafts, left_out)) => view! { <All drafts=drafts left_out=left_out known=known/> <OwnerChoices/> }.into_any(),
                    None if propose.busy.get() => view! { <Skeleton/> }.into_any(),
                    None => ().into_any(),
                }}
                <ActError act=propose/>
                <ActError act=look/>
            </div>
            <div class="m-dialog__foot">
                <Button tone=Tone::Quiet on_press=move |()| open.set(false)>"Cancel"</Button>
                <Show when=move || drafts.with(Option::is_some)>
                    <Submit busy=look.busy right=may>"Show what is made"</Submit>
                </Show>
            </div>
        </form>
    }
    .into_any()
}

#[component]
fn All(drafts: Drafts, left_out: Vec<DriftLeftOut>, known: Signal<Vec<String>>) -> impl IntoView {
    let proposed =
        drafts.domains.with_value(|all| all.iter().map(|draft| (draft.input().name, draft.name)).collect::<Vec<_>>());
    let proposed = StoredValue::new(proposed);
    let choices = Signal::derive(move || {
        let new = proposed.with_value(|all| {
            all.iter().map(|(key, name)| (key.clone(), format!("{} (new)", name.get()))).collect::<Vec<Choice>>()
        });
        let taken: BTreeSet<String> = new.iter().map(|(key, _)| key.clone()).collect();
        let known = known.get().into_iter().filter(|name| !taken.contains(name)).map(|name| (name.clone(), name));
        new.into_iter().chain(known).collect::<Vec<Choice>>()
    });
    let domains = drafts.domains.with_value(|all| {
        all.iter().map(|draft| view! { <One draft=*draft kind="domain" choices=None/> }).collect_view()
    });
    let events = drafts.events.with_value(|all| {
        all.iter().map(|draft| view! { <One draft=*draft kind="event" choices=Some(choices)/> }).collect_view()
    });
    let applications = drafts.applications.with_value(|all| {
        all.iter()
            .map(|draft| {
                let uses = draft.of.with_value(|of| uses(&of.input));
                view! { <One draft=*draft kind="application" choices=Some(choices) more=uses/> }
            })
            .collect_view()
    });
    let counts = (
        drafts.domains.with_value(Vec::len),
        drafts.events.with_value(Vec::len),
        drafts.applications.with_value(Vec::len),
    );
    let is_nothing = counts == (0, 0, 0);
    view! {
        <div class="m-drift__proposals" tabindex="0" role="group" aria-label="Proposals">
            {is_nothing.then(|| view! { <p class="m-small m-warn">"Nothing of this can be adopted; below is why."</p> })}
            {(counts.0 > 0).then(|| view! { <Group title="Domains" count=counts.0/> })}
            {domains}
            {(counts.1 > 0).then(|| view! { <Group title="Events" count=counts.1/> })}
            {events}
            {(counts.2 > 0).then(|| view! { <Group title="Applications" count=counts.2/> })}
            {applications}
            {(!left_out.is_empty()).then(|| view! { <Group title="Left out" count=left_out.len()/> })}
            {left_out.into_iter().map(|one| view! {
                <div class="m-cell">
                    <span class="m-wrap">{one.name}</span>
                    <span class="m-cell__sub m-wrap">{one.reason}</span>
                </div>
            }).collect_view()}
        </div>
    }
    .into_any()
}

#[component]
fn Group(title: &'static str, count: usize) -> impl IntoView {
    view! { <h3 class="m-drift__group">{title}<span class="m-tabs__count">{format::count(count as u64)}</span></h3> }
        .into_any()
}

/// What an application uses, in a sentence.
fn uses(input: &DriftApplicationInput) -> String {
    let list = |word: &str, all: &[String]| (!all.is_empty()).then(|| format!("{word} {}", all.join(" ")));
    let both = [list("Publishes", &input.publishes), list("Consumes", &input.consumes)];
    both.into_iter().flatten().collect::<Vec<_>>().join(". ")
}

/// One proposal with its fields.
#[component]
fn One<T: Clone + Send + Sync + 'static>(
    draft: Draft<T>,
    kind: &'static str,
    choices: Option<Signal<Vec<Choice>>>,
    #[prop(optional)] more: String,
) -> impl IntoView {
    let (evidence, rate): (Vec<String>, PerSecond) = draft.of.with_value(|of| (of.evidence.clone(), of.rate));
    let first = draft.name.get_untracked();
    let keep = draft.keep;
    let has_address = !draft.address.with_untracked(String::is_empty);
    let evidence = evidence.join(" ");
    view! {
        <div class="m-drift__one" data-proposal=first.clone() data-left-out=move || (!keep.get()).then_some("")>
            <input
                class="m-check"
                type="checkbox"
                name="keep"
                aria-label=format!("Make the {kind} {first}")
                prop:checked=move || keep.get()
                checked=true
                on:change=move |ev| keep.set(event_target_checked(&ev))
            />
            <div class="m-drift__fields">
                <Text label=format!("Name of the {kind} {first}") name="name" words="Name" value=draft.name/>
                {choices.map(|choices| view! { <Home label=format!("Domain of {first}") value=draft.domain choices=choices/> })}
                <Text label=format!("Owner of {first}") name="owner" words="Owner, else the domain's" value=draft.owner list=OWNERS/>
                {has_address.then(|| view! { <Text label=format!("Address of {first}") name="address" words="Address" value=draft.address mono=true/> })}
            </div>
            {draft.with_schema.map(|with_schema| view! {
                <div class="m-drift__why"><Check label=format!("With a schema of its payloads, as a draft: {first}") checked=with_schema/></div>
            })}
            {(!more.is_empty()).then(|| view! { <p class="m-cell__sub m-wrap m-drift__why">{more}</p> })}
            <p class="m-cell__sub m-wrap m-drift__why">
                {(rate > 0.0).then(|| format!("{}/s. ", format::rate(rate)))}
                {evidence}
            </p>
        </div>
    }
    .into_any()
}

#[component]
fn Text(
    label: String,
    name: &'static str,
    words: &'static str,
    value: RwSignal<String>,
    #[prop(optional)] mono: bool,
    #[prop(optional)] list: Option<&'static str>,
) -> impl IntoView {
    view! {
        <input
            class=if mono { "m-input m-input--mono" } else { "m-input" }
            type="text"
            name=name
            aria-label=label
            placeholder=words
            list=list
            autocomplete="off"
            autocapitalize="none"
            spellcheck="false"
            value=value.get_untracked()
            prop:value=move || value.get()
            on:input=move |ev| value.set(event_target_value(&ev))
        />
    }
    .into_any()
}

#[component]
fn Home(label: String, value: RwSignal<String>, choices: Signal<Vec<Choice>>) -> impl IntoView {
    let options = move || {
        choices
            .get()
            .into_iter()
            .map(|(key, words)| {
                let own = key.clone();
                view! { <option value=key selected=value.with_untracked(|value| *value == own)>{words}</option> }
            })
            .collect_view()
    };
    view! {
        <select class="m-input m-select" name="domain" aria-label=label on:change=move |ev| value.set(event_target_value(&ev))>
            {options}
        </select>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal<T>(input: T) -> DriftProposal<T> {
        DriftProposal { input, evidence: Vec::new(), rate: 0.0 }
    }

    fn proposals() -> DriftProposals {
        let event = |name: &str, address: &str| {
            let (name, domain, address) = (name.to_owned(), "shop".to_owned(), address.to_owned());
            proposal(DriftEventInput { name, domain, address, ..DriftEventInput::default() })
        };
        DriftProposals {
            domains: vec![proposal(ApplicationDomainInput {
                name: "shop".to_owned(),
                ..ApplicationDomainInput::default()
            })],
            events: vec![event("created", "orders/fr"), event("paid", "paid/fr")],
            applications: vec![proposal(DriftApplicationInput {
                name: "till".to_owned(),
                domain: "shop".to_owned(),
                publishes: vec!["orders/fr".to_owned(), "paid/fr".to_owned(), "known".to_owned()],
                ..DriftApplicationInput::default()
            })],
            left_out: Vec::new(),
        }
    }

    #[test]
    fn what_is_renamed_and_left_out_is_so_everywhere() {
        Owner::new().with(|| {
            let drafts = Drafts::of(proposals());
            drafts.domains.with_value(|all| all[0].name.set(" retail ".to_owned()));
            drafts.events.with_value(|all| {
                all[0].address.set("orders/{country}".to_owned());
                all[1].keep.set(false);
            });
            let DriftTask::Adopt { domains, events, applications } = drafts.task() else { panic!("it adopts") };
            assert_eq!(domains[0].name, "retail");
            assert_eq!(
                (events.len(), events[0].domain.as_str(), events[0].address.as_str()),
                (1, "retail", "orders/{country}")
            );
            assert_eq!(applications[0].domain, "retail");
            assert_eq!(applications[0].publishes, ["known", "orders/{country}"]);
        });
    }
}
