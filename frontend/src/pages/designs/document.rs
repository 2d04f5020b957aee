//! The AsyncAPI document of a version: what it says for those who read, its text for those who copy, what checks say about
//! it, and files of it.

mod message;
mod outline;

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use leptos_router::params::ParamsMap;
use mesh_protocol::id::{DesignVersionId, PlanId};
use serde::{Deserialize, Serialize};

use self::outline::Outline;
use super::{TOPICS, kind_word};
use crate::api::{
    ApiError, AsyncApiDocument, AsyncApiFinding, AsyncApiQuery, AsyncApiSeverity, AsyncApiSide, AsyncApiSyntax,
    DesignKind, DesignVersionView, PlanState,
};
use crate::components::{Code, Icon, Main, ParamSelect, Part, Sentence, Table, with_param};
use crate::format;
use crate::load::{Load, load};

/// What is shown of a document, by its key in the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum View {
    /// What it says.
    #[default]
    Read,
    /// How it is written.
    Source(AsyncApiSyntax),
}

const VIEWS: [(&str, &str, View); 3] = [
    ("", "Read", View::Read),
    ("yaml", "YAML", View::Source(AsyncApiSyntax::Yaml)),
    ("json", "JSON", View::Source(AsyncApiSyntax::Json)),
];

/// What the address asks for: whose document, under which plan, and how it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Asked {
    side: Option<AsyncApiSide>,
    plan: Option<PlanId>,
    view: View,
}

impl Asked {
    /// As the API and the page of differences take it; empty, or after `first`.
    fn parameters(self, first: char) -> String {
        let side = self.side.map(|_| "side=provider".to_owned());
        let plan = self.plan.map(|plan| format!("plan={plan}"));
        let all: Vec<String> = side.into_iter().chain(plan).collect();
        if all.is_empty() { String::new() } else { format!("{first}{}", all.join("&")) }
    }
}

fn asked(query: &ParamsMap) -> Asked {
    let side = query.get("side").filter(|side| side == "provider").map(|_| AsyncApiSide::Provider);
    let view = query.get("view").and_then(|view| VIEWS.iter().find(|(key, ..)| *key == view));
    let plan = query.get("plan").and_then(|plan| plan.parse().ok());
    Asked { side, plan, view: view.map(|(.., view)| *view).unwrap_or_default() }
}

/// A version, its document, and the plans that it is given under, where it is a product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Found {
    version: DesignVersionView,
    document: AsyncApiDocument,
    plans: Vec<(String, String)>,
}

/// `/designs/:id/versions/:version/asyncapi?side=&plan=&view=`
#[component]
pub fn DesignDocument() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let key = Memo::new(move |_| {
        let version = params.with(|params| params.get("version").and_then(|id| id.parse::<DesignVersionId>().ok()));
        (version, query.with(asked))
    });
    let both = load(
        TOPICS,
        move || key.get(),
        |api, (version, Asked { side, plan, view })| async move {
            let version = version.ok_or_else(|| ApiError::new("not-found", 404, "there is no such version"))?;
            let query = AsyncApiQuery { side, plan, ..AsyncApiQuery::default() };
            let query = match view {
                View::Read => AsyncApiQuery { outline: true, ..query },
                View::Source(syntax) => AsyncApiQuery { syntax: Some(syntax), ..query },
            };
            let document = api.0.design_document(version, query).await?;
            let version = api.0.design_version(version).await?;
            let mut plans = Vec::new();
            if version.kind == DesignKind::Product {
                // Of a product that is not published to the viewer there is no list of plans to choose from.
                let found = api.0.product(version.object).await;
                let found = found.map(|product| product.plans).unwrap_or_default();
                let open = found.into_iter().filter(|plan| plan.state != PlanState::Closed);
                plans.extend(open.map(|plan| (plan.id.to_string(), format!("Plan {}", plan.config.name))));
                if !plans.is_empty() {
                    plans.insert(0, (String::new(), "Whatever the plan".to_owned()));
                }
            }
            Ok(Found { version, document, plans })
        },
    );
    view! {
        <Load resource=both what="document" title="AsyncAPI" one=true let:found>
            <Detail found=found/>
        </Load>
    }
    .into_any()
}

#[component]
fn Detail(found: Signal<Found>) -> impl IntoView {
    let version = Signal::derive(move || found.with(|found| found.version.clone()));
    let document = Signal::derive(move || found.with(|found| found.document.clone()));
    let plans = Signal::derive(move || found.with(|found| found.plans.clone()));
    let title = Signal::derive(move || {
        version.with(|version| format!("AsyncAPI of {} {}", version.object_name, version.config.number))
    });
    let note = Signal::derive(move || version.with(|version| kind_word(version.kind).to_lowercase()));
    let has_sides = version.with_untracked(|version| version.kind != DesignKind::Application);
    let query = use_query_map();
    let file = move |syntax: &'static str| {
        Signal::derive(move || {
            let how = query.with(asked).parameters('?');
            version.with(|version| format!("/api/v1/design-versions/{}/asyncapi.{syntax}{how}", version.id))
        })
    };
    let crumbs = view! {
        <ol class="m-crumbs">
            <li><a href="/designs">"Design"</a></li>
            <li><a href=move || version.with(|version| format!("/designs/{}", version.object))>{move || version.with(|version| version.object_name.clone())}</a></li>
            <li><a href=move || version.with(|version| format!("/designs/{}/versions/{}", version.object, version.id))>{move || version.with(|version| version.config.number.clone())}</a></li>
            <li>"AsyncAPI"</li>
        </ol>
    };
    let sides = vec![
        ("consumer".to_owned(), "For who consumes it".to_owned()),
        ("provider".to_owned(), "For who provides it".to_owned()),
    ];
    let compare = Signal::derive(move || {
        let side = Asked { plan: None, ..query.with(asked) }.parameters('&');
        version.with(|version| format!("/asyncapi/diff?to={}{side}", version.id))
    });
    let acts = view! {
        <a class="m-button" href=compare>"Compare"</a>
        <a class="m-button" href=file("yaml") download="" rel="external"><Icon name="download" small=true/>"YAML"</a>
        <a class="m-button" href=file("json") download="" rel="external"><Icon name="download" small=true/>"JSON"</a>
    };
    view! {
        <Main title=title note=note crumbs=crumbs.into_any() acts=acts.into_any()>
            {has_sides.then(|| view! {
                <div class="m-bar">
                    <ParamSelect label="Side" name="side" choices=Signal::stored(sides)/>
                    {move || plans.with(|plans| !plans.is_empty()).then(|| view! { <ParamSelect label="Plan" name="plan" choices=plans/> })}
                </div>
            })}
            <Views/>
            {move || document.with(|document| match document.outline.clone() {
                Some(outline) => view! { <Outline outline=outline/> }.into_any(),
                None => view! { <Source text=document.text.clone()/> }.into_any(),
            })}
            {move || document.with(|document| view! { <Checks score=document.score findings=document.findings.clone()/> })}
        </Main>
    }
    .into_any()
}

/// The ways to look at it, as links.
#[component]
fn Views() -> impl IntoView {
    let query = use_query_map();
    let tab = move |(key, words, view): (&'static str, &'static str, View)| {
        view! {
            <a
                class="m-tabs__tab"
                href=move || query.with(|query| with_param(query, "view", key))
                aria-current=move || query.with(|query| asked(query).view == view).then_some("page")
            >
                {words}
            </a>
        }
    };
    view! { <nav class="m-tabs" aria-label="View">{VIEWS.into_iter().map(tab).collect_view()}</nav> }.into_any()
}

#[component]
fn Source(text: String) -> impl IntoView {
    view! {
        <Part title="Document" note="as it is now: made when it is asked for">
            <Code text=Signal::stored(text) what="the document"/>
        </Part>
    }
    .into_any()
}

/// What a score comes to, in a sentence.
fn verdict(score: u8, findings: &[AsyncApiFinding]) -> String {
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(AsyncApiSeverity::Error), count(AsyncApiSeverity::Warning));
    match (errors, warnings) {
        (0, 0) => format!("Score {score} of 100. Tools take it."),
        (0, _) => {
            format!("Score {score} of 100. Tools take it; {} for its readers.", format::plural(warnings, "warning"))
        }
        _ => format!("Score {score} of 100. Tools refuse it: {}.", format::plural(errors, "error")),
    }
}

/// What checks say about a document.
#[component]
pub(in crate::pages) fn Checks(score: u8, findings: Vec<AsyncApiFinding>) -> impl IntoView {
    let said = verdict(score, &findings);
    let has_errors = findings.iter().any(|finding| finding.severity == AsyncApiSeverity::Error);
    let tone = if has_errors { "m-bad" } else { "m-muted" };
    let rows = findings.into_iter().map(|finding| view! { <Row finding=finding/> }).collect_view();
    let is_empty = rows.is_empty();
    view! {
        <Part title="Checks" note="the official schema, and the rules of docs/asyncapi.md">
            <p class=tone>{said}</p>
            {(!is_empty).then(|| view! {
                <Table label="Findings" class="m-table--inset" heads=&[("What", ""), ("Where", "m-low"), ("Rule", "m-low"), ("Matters", "")]>{rows}</Table>
            })}
        </Part>
    }
    .into_any()
}

const fn severity_word(severity: AsyncApiSeverity) -> (&'static str, &'static str) {
    match severity {
        AsyncApiSeverity::Error => ("error", "m-bad"),
        AsyncApiSeverity::Warning => ("warning", "m-warn"),
        AsyncApiSeverity::Info => ("to know", "m-muted"),
        AsyncApiSeverity::Hint => ("taste", "m-muted"),
    }
}

#[component]
fn Row(finding: AsyncApiFinding) -> impl IntoView {
    let (word, tone) = severity_word(finding.severity);
    let at = if finding.at.is_empty() { "the document".to_owned() } else { finding.at };
    let rule = finding.rule.clone();
    view! {
        <tr data-rule=rule>
            <td>
                <div class="m-cell">
                    <span class="m-wrap"><Sentence text=finding.message/></span>
                    <span class="m-cell__sub m-wrap"><Sentence text=finding.advice/></span>
                </div>
            </td>
            <td class="m-low m-mono m-wrap">{at}</td>
            <td class="m-low m-mono m-muted">{finding.rule}</td>
            <td class=tone>{word}</td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_says_whose_document_is_shown_and_how() {
        let of = |pairs: &[(&str, &str)]| {
            let mut query = ParamsMap::new();
            pairs.iter().for_each(|(key, value)| query.insert((*key).to_owned(), (*value).to_owned()));
            asked(&query)
        };
        assert_eq!(of(&[]), Asked::default());
        let (side, plan) = (Some(AsyncApiSide::Provider), PlanId(uuid::Uuid::nil()));
        let found = of(&[("side", "provider"), ("plan", &plan.to_string()), ("view", "json")]);
        assert_eq!(found, Asked { side, plan: Some(plan), view: View::Source(AsyncApiSyntax::Json) });
        assert_eq!(found.parameters('?'), format!("?side=provider&plan={plan}"));
        let nonsense = of(&[("side", "purple"), ("plan", "purple"), ("view", "purple")]);
        assert_eq!(nonsense, Asked::default(), "nonsense is left out");
        assert_eq!(nonsense.parameters('&'), "");
    }

    #[test]
    fn a_verdict_says_whether_tools_take_it() {
        let finding = |severity| AsyncApiFinding {
            rule: "r".to_owned(),
            severity,
            at: String::new(),
            message: String::new(),
            advice: String::new(),
        };
        let of = |all: &[AsyncApiSeverity]| verdict(90, &all.iter().copied().map(finding).collect::<Vec<_>>());
        use AsyncApiSeverity::{Error, Hint, Warning};
        assert_eq!(of(&[Hint]), "Score 90 of 100. Tools take it.");
        assert_eq!(of(&[Warning, Warning]), "Score 90 of 100. Tools take it; 2 warnings for its readers.");
        assert_eq!(of(&[Error, Warning]), "Score 90 of 100. Tools refuse it: 1 error.");
    }
}
