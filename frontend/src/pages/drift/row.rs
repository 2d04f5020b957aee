//! One finding in a row: what it is about, what differs, and what is known of it.

use leptos::prelude::*;
use mesh_protocol::id::TeamId;

use super::{Selection, about_word, status_word};
use crate::api::{DriftAbout, DriftFinding, DriftIgnored, DriftStatus};
use crate::clock::Clock;
use crate::components::{Age, EvidenceBadge, Rate, Topic};
use crate::format;
use crate::owners::OwnerName;
use crate::pages::catalog::LATE_MS;
use crate::viewer::{Viewer, right};

/// The row, with a mark to select it.
#[component]
pub(super) fn Row(finding: DriftFinding, selection: Selection) -> impl IntoView {
    let may = Viewer::has(right::CATALOG_WRITE).granted() && finding.status != DriftStatus::Match;
    let id = StoredValue::new(finding.id.clone());
    let selected = move || id.with_value(|id| selection.has(id));
    let select = move |ev: leptos::ev::Event| selection.set(id.get_value(), event_target_checked(&ev));
    let place = place(&finding);
    let stale = finding.freshness.as_ref().is_none_or(|seen| seen.stale);
    let seen = finding.freshness.as_ref().map(|seen| seen.as_of);
    let by = finding.freshness.as_ref().map(|seen| format!("by {}", seen.by));
    let (sides, gist) = (sides(&finding), gist(&finding));
    let (label, mark) = (format!("Select {}", finding.name), finding.name.clone());
    view! {
        <tr data-finding=mark aria-selected=move || selected().then_some("true")>
            <td>
                <div class="m-bulk__what">
                    {may.then(|| view! {
                        <input class="m-check" type="checkbox" name="finding" aria-label=label prop:checked=selected on:change=select/>
                    })}
                    <div class="m-cell">
                        <Name name=finding.name href=finding.href about=finding.about/>
                        <span class="m-cell__sub m-only-narrow">{gist}</span>
                        <span class="m-cell__sub m-wrap">{finding.sentence}</span>
                        {(!sides.is_empty()).then(|| view! { <span class="m-cell__sub m-wrap">{sides}</span> })}
                        {(!finding.hint.is_empty()).then(|| view! { <span class="m-cell__sub m-wrap">{finding.hint}</span> })}
                        {finding.ignored.map(|ignored| view! { <Ignored ignored=ignored/> })}
                    </div>
                </div>
            </td>
            <td class="m-low">{about_word(finding.about)}</td>
            <td><Status status=finding.status/></td>
            <td class="m-low"><Home domain=finding.domain_name owner=finding.owner team=finding.team/></td>
            <td class="m-low m-muted">{place}</td>
            <td class="m-end"><Rate per_second=finding.rate stale=stale/></td>
            <td class="m-low m-end m-muted m-nowrap"><Age at_ms=finding.since/></td>
            <td class="m-low m-end m-muted m-nowrap" title=by><Age at_ms=seen late_ms=LATE_MS/></td>
        </tr>
    }
    .into_any()
}

#[component]
fn Name(name: String, href: Option<String>, about: DriftAbout) -> impl IntoView {
    let drawn = if about == DriftAbout::Address { view! { <Topic name=name/> }.into_any() } else { name.into_any() };
    match href {
        Some(href) => view! { <a class="m-cell__name" href=href>{drawn}</a> }.into_any(),
        None => view! { <span class="m-cell__name">{drawn}</span> }.into_any(),
    }
}

/// How the two sides stand, and which of them is there.
#[component]
fn Status(status: DriftStatus) -> impl IntoView {
    let declared = status != DriftStatus::RuntimeOnly;
    let observed = status != DriftStatus::DesignOnly;
    view! {
        <div class="m-cell">
            <span class="m-nowrap">{status_word(status)}</span>
            <span class="m-line m-line--wrap">
                {declared.then(|| view! { <EvidenceBadge kind="declared"/> })}
                {observed.then(|| view! { <EvidenceBadge kind="observed"/> })}
            </span>
        </div>
    }
    .into_any()
}

#[component]
fn Home(domain: String, owner: String, team: Option<TeamId>) -> impl IntoView {
    let domain = if domain.is_empty() { "in no domain".to_owned() } else { domain };
    view! {
        <div class="m-cell">
            <span>{domain}</span>
            <span class="m-cell__sub"><OwnerName owner=owner team=team/></span>
        </div>
    }
    .into_any()
}

#[component]
fn Ignored(ignored: DriftIgnored) -> impl IntoView {
    let clock = Clock::get();
    let DriftIgnored { until, reason, by, .. } = ignored;
    let text = move || {
        let until = match until {
            Some(until) => format!("for another {}", format::age((until - clock.now_ms()).max(0))),
            None => "until it changes".to_owned(),
        };
        format!("Ignored {until} by {by}: {reason}")
    };
    view! { <span class="m-cell__sub m-wrap">{text}</span> }.into_any()
}

fn place(finding: &DriftFinding) -> String {
    match &finding.broker {
        Some(broker) => format!("{broker} at {}", finding.sites.join(", ")),
        None => finding.sites.join(", "),
    }
}

/// What a narrow window has no column for.
fn gist(finding: &DriftFinding) -> String {
    let home = if finding.domain_name.is_empty() { String::new() } else { format!(" in {}", finding.domain_name) };
    let owner = if finding.owner.is_empty() { "no owner" } else { finding.owner.as_str() };
    format!("{}{home}, {owner}", about_word(finding.about))
}

/// Who sends and who takes, in a line.
fn sides(finding: &DriftFinding) -> String {
    let side = |word: &str, names: &[String]| (!names.is_empty()).then(|| format!("{word} {}", names.join(", ")));
    let sides = [side("from", &finding.producers), side("to", &finding.consumers)];
    sides.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
