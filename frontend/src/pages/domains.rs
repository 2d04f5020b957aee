//! Application domains: which addresses and Kafka topics belong together, who answers for them, and what no domain claims.

mod form;
mod suggestions;

use leptos::prelude::*;

use self::form::DomainForm;
use self::suggestions::Suggestions;
use crate::act::{Act, sentence};
use crate::api::{ApplicationDomainInput, ApplicationDomainView, LiveTopic};
use crate::components::{Age, Button, Confirm, Dialog, Empty, Main, Rate, Table, Toasts, Tone};
use crate::format;
use crate::live::Live;
use crate::load::{Load, load};
use crate::owners::OwnerName;
use crate::viewer::{Viewer, right};

/// What makes domains and what is in them old.
const TOPICS: &[LiveTopic] = &[LiveTopic::Catalog, LiveTopic::Overview];

/// Parts of parts are indented up to here.
const DEPTH_SHOWN: usize = 4;

/// What the form begins with: nothing, a domain that is there, or a suggestion.
#[derive(Clone, Debug, Default, PartialEq)]
struct Draft {
    known: Option<ApplicationDomainView>,
    suggested: Option<ApplicationDomainInput>,
}

/// `/domains`
#[component]
pub fn Domains() -> impl IntoView {
    let domains = load(TOPICS, || (), |api, ()| async move { api.0.all_domains().await });
    let suggested = load(TOPICS, || (), |api, ()| async move { api.0.domain_suggestions().await });
    let editing = RwSignal::new(Draft::default());
    let editor = RwSignal::new(false);
    let edit = Callback::new(move |draft: Draft| {
        editing.set(draft);
        editor.set(true);
    });
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let acts = view! {
        <Button tone=Tone::Primary icon="plus" right=may on_press=move |()| edit.run(Draft::default())>"New domain"</Button>
    };
    view! {
        <Main title="Domains" note="addresses and Kafka topics that belong together, and who answers for them" acts=acts.into_any()>
            <Load resource=domains what="domains" let:domains>
                <List domains=domains edit=edit/>
            </Load>
            <Load resource=suggested what="suggestions" let:page>
                <Suggestions page=page edit=edit/>
            </Load>
        </Main>
        <Dialog open=editor label="Domain" class="m-dialog m-dialog--wide">
            <Load resource=domains what="domains" let:domains>
                <DomainForm draft=editing.get_untracked() domains=domains open=editor/>
            </Load>
        </Dialog>
    }
    .into_any()
}

/// Domains with their parts below them, and how deep each lies.
fn tree(mut domains: Vec<ApplicationDomainView>) -> Vec<(usize, ApplicationDomainView)> {
    let mut all = Vec::with_capacity(domains.len());
    let is_top = |domain: &ApplicationDomainView| domain.config.parent.is_none();
    let mut open: Vec<(usize, ApplicationDomainView)> = take(&mut domains, is_top, 0);
    while let Some((depth, domain)) = open.pop() {
        let id = domain.id;
        all.push((depth, domain));
        open.extend(take(&mut domains, |part| part.config.parent == Some(id), depth + 1));
    }
    // A part whose whole is not on this page.
    all.extend(domains.into_iter().map(|domain| (0, domain)));
    all
}

/// Takes those that are meant out of the list, the last first.
fn take(
    from: &mut Vec<ApplicationDomainView>,
    is_meant: impl Fn(&ApplicationDomainView) -> bool,
    depth: usize,
) -> Vec<(usize, ApplicationDomainView)> {
    let (meant, rest) = std::mem::take(from).into_iter().partition(is_meant);
    *from = rest;
    let mut meant: Vec<_> = meant;
    meant.reverse();
    meant.into_iter().map(|domain| (depth, domain)).collect()
}

#[component]
fn List(domains: Signal<Vec<ApplicationDomainView>>, edit: Callback<Draft>) -> impl IntoView {
    let deleting = RwSignal::new(None::<ApplicationDomainView>);
    let confirm = RwSignal::new(false);
    let ask = Callback::new(move |domain: ApplicationDomainView| {
        deleting.set(Some(domain));
        confirm.set(true);
    });
    let delete = deletion();
    view! {
        {move || {
            let domains = domains.get();
            if domains.is_empty() {
                return view! {
                    <Empty
                        icon="app"
                        title="No domains yet"
                        text="A domain claims addresses and Kafka topics by their names: what agents discover is sorted into it by itself, and its owner answers for what nobody else was named for."
                    />
                }
                    .into_any();
            }
            let rows = tree(domains)
                .into_iter()
                .map(|(depth, domain)| view! { <Row depth=depth domain=domain edit=edit ask=ask/> })
                .collect_view();
            view! {
                <Table
                    label="Domains"
                    heads=&[
                        ("Domain", ""),
                        ("Claims", "m-low"),
                        ("Owner", ""),
                        ("Addresses", "m-low m-end"),
                        ("Kafka topics", "m-low m-end"),
                        ("Rate", "m-low m-end"),
                        ("Drift", "m-end"),
                        ("Changed", "m-low m-end"),
                        ("", "m-tight"),
                    ]
                >
                    {rows}
                </Table>
            }
                .into_any()
        }}
        <Confirm
            open=confirm
            title="Delete this domain?"
            consequence="What it claims belongs to the next wider claim from then on, or to no domain; who answers for it changes with that. The objects themselves stay."
            verb="Delete"
            on_yes=move |()| {
                if let Some(domain) = deleting.get_untracked() {
                    delete.run(domain);
                }
            }
        />
    }
    .into_any()
}

fn deletion() -> Act<ApplicationDomainView> {
    let toasts = Toasts::get();
    let live = Live::get();
    let delete = Act::new(
        |api, domain: ApplicationDomainView| async move { api.0.delete_domain(domain.id, domain.revision).await },
        move |()| {
            live.bump(TOPICS);
            toasts.done("Domain deleted.");
        },
    );
    Effect::new(move |_| {
        if let Some(error) = delete.error.get() {
            toasts.failed(format!("The domain was not deleted. {}", sentence(&error, &[])));
        }
    });
    delete
}

#[component]
fn Row(
    depth: usize,
    domain: ApplicationDomainView,
    edit: Callback<Draft>,
    ask: Callback<ApplicationDomainView>,
) -> impl IntoView {
    let may = Signal::derive(|| Viewer::has(right::CATALOG_WRITE));
    let ApplicationDomainInput { name, topics, kafka_topics, owner, description, .. } = domain.config.clone();
    let claims: Vec<String> = topics.into_iter().chain(kafka_topics).collect();
    let inherited = owner.is_empty() && !domain.owner.is_empty();
    let label = name.clone();
    let href = format!("/catalog?domain={}", crate::api::encoded(&name));
    let (for_edit, for_delete) = (domain.clone(), domain.clone());
    let by = format!("by {}", domain.updated_by);
    view! {
        <tr data-domain=domain.id.to_string()>
            <td>
                <div class="m-cell m-cell--part" data-depth=depth.min(DEPTH_SHOWN).to_string()>
                    <a class="m-cell__name" href=href>{name}</a>
                    {(!description.is_empty()).then(|| view! { <span class="m-cell__sub">{description}</span> })}
                </div>
            </td>
            <td class="m-low"><Claims claims=claims/></td>
            <td>
                <div class="m-cell">
                    <OwnerName owner=domain.owner team=domain.team/>
                    {inherited.then(|| view! { <span class="m-cell__sub">"from above"</span> })}
                </div>
            </td>
            <td class="m-low m-end m-num">{format::count(domain.addresses)}</td>
            <td class="m-low m-end m-num">{format::count(domain.kafka_topics)}</td>
            <td class="m-low m-end"><Rate per_second=domain.rate/></td>
            <td class="m-end m-num">
                {if domain.findings == 0 {
                    view! { <span class="m-faint">"0"</span> }.into_any()
                } else {
                    let findings = format::count(domain.findings);
                    let word = if domain.findings == 1 { "finding" } else { "findings" };
                    let label = format!("{findings} {word} of {label}");
                    view! { <a href=format!("/drift?domain={}", domain.id) aria-label=label>{findings}</a> }.into_any()
                }}
            </td>
            <td class="m-low m-end m-muted m-nowrap" title=by><Age at_ms=Some(domain.updated_at)/></td>
            <td class="m-tight">
                <span class="m-acts">
                    <Button small=true tone=Tone::Quiet right=may label=format!("Edit {label}")
                        on_press=move |()| edit.run(Draft { known: Some(for_edit.clone()), suggested: None })>
                        "Edit"
                    </Button>
                    <Button small=true tone=Tone::Danger right=may label=format!("Delete {label}")
                        on_press=move |()| ask.run(for_delete.clone())>
                        "Delete"
                    </Button>
                </span>
            </td>
        </tr>
    }
    .into_any()
}

/// The first claims, and how many more.
#[component]
pub(super) fn Claims(claims: Vec<String>) -> impl IntoView {
    const SHOWN: usize = 3;
    let more = claims.len().saturating_sub(SHOWN);
    let all = claims.join("\n");
    let shown =
        claims.into_iter().take(SHOWN).map(|claim| view! { <span class="m-topic">{claim}</span> }).collect_view();
    view! {
        <div class="m-cell" title=all>
            {shown}
            {(more > 0).then(|| view! { <span class="m-cell__sub">{format!("and {more} more")}</span> })}
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_protocol::id::ApplicationDomainId;
    use uuid::Uuid;

    fn domain(number: u128, parent: Option<u128>) -> ApplicationDomainView {
        let id = |number| ApplicationDomainId(Uuid::from_u128(number));
        ApplicationDomainView {
            id: id(number),
            revision: 1,
            config: ApplicationDomainInput {
                name: number.to_string(),
                parent: parent.map(id),
                ..ApplicationDomainInput::default()
            },
            parent_name: None,
            owner: String::new(),
            team: None,
            addresses: 0,
            kafka_topics: 0,
            rate: 0.0,
            findings: 0,
            updated_at: 0,
            updated_by: String::new(),
        }
    }

    #[test]
    fn parts_stand_below_their_whole_in_the_order_given() {
        let all = vec![
            domain(1, None),
            domain(2, Some(4)),
            domain(3, Some(1)),
            domain(4, None),
            domain(5, Some(3)),
            domain(6, Some(9)),
        ];
        let told: Vec<(usize, String)> =
            tree(all).into_iter().map(|(depth, domain)| (depth, domain.config.name)).collect();
        let expected = [(0, "1"), (1, "3"), (2, "5"), (0, "4"), (1, "2"), (0, "6")];
        assert_eq!(told, expected.map(|(depth, name)| (depth, name.to_owned())));
    }
}
