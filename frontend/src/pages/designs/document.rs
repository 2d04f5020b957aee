//! The AsyncAPI document of a version: what it says for those who read, its text for those who copy, what checks say about
//! it, and files of it.

mod message;
mod outline;

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use leptos_router::params::ParamsMap;
use mesh_protocol::id::DesignVersionId;

use self::outline::Outline;
use super::{TOPICS, kind_word};
use crate::api::{
    ApiError, AsyncApiDocument, AsyncApiFinding, AsyncApiQuery, AsyncApiSeverity, AsyncApiSide, AsyncApiSyntax,
    DesignKind, DesignVersionView,
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

/// What the address asks for: whose document, and how it is shown.
fn asked(query: &ParamsMap) -> (Option<AsyncApiSide>, View) {
    let side = query.get("side").filter(|side| side == "provider").map(|_| AsyncApiSide::Provider);
    let view = query.get("view").and_then(|view| VIEWS.iter().find(|(key, ..)| *key == view));
    (side, view.map(|(.., view)| *view).unwrap_or_default())
}

/// `/designs/:id/versions/:version/asyncapi?side=&view=`
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
        |api, (version, (side, view))| async move {
            let version = version.ok_or_else(|| ApiError::new("not-found", 404, "there is no such version"))?;
            let query = match view {
                View::Read => AsyncApiQuery { side, outline: true, ..AsyncApiQuery::default() },
                View::Source(syntax) => AsyncApiQuery { side, syntax: Some(syntax), ..AsyncApiQuery::default() },
            };
            Ok((api.0.design_version(version).await?, api.0.design_document(version, query).await?))
        },
    );
    view! {
        <Load resource=both what="document" title="AsyncAPI" one=true let:both>
            <Detail both=both/>
        </Load>
    }
    .into_any()
}

#[component]
fn Detail(both: Signal<(DesignVersionView, AsyncApiDocument)>) -> impl IntoView {
    let version = Signal::derive(move || both.with(|(version, _)| version.clone()));
    let document = Signal::derive(move || both.with(|(_, document)| document.clone()));
    let title = Signal::derive(move || {
        version.with(|version| format!("AsyncAPI of {} {}", version.object_name, version.config.number))
    });
    let note = Signal::derive(move || version.with(|version| kind_word(version.kind).to_lowercase()));
    let has_sides = version.with_untracked(|version| version.kind != DesignKind::Application);
    let query = use_query_map();
    let file = move |syntax: &'static str| {
        Signal::derive(move || {
            let side = query.with(|query| asked(query).0).map(|_| "?side=provider").unwrap_or_default();
            version.with(|version| format!("/api/v1/design-versions/{}/asyncapi.{syntax}{side}", version.id))
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
        let side = query.with(|query| asked(query).0).map(|_| "&side=provider").unwrap_or_default();
        version.with(|version| format!("/asyncapi/diff?to={}{side}", version.id))
    });
    let acts = view! {
        <a class="m-button" href=compare>"Compare"</a>
        <a class="m-button" href=file("yaml") download="" rel="external"><Icon name="download" small=true/>"YAML"</a>
        <a class="m-button" href=file("json") download="" rel="external"><Icon name="download" small=true/>"JSON"</a>
    };
    view! {
        <Main title=title note=note crumbs=crumbs.into_any() acts=acts.into_any()>
            {has_sides.then(|| view! { <div class="m-bar"><ParamSelect label="Side" name="side" choices=Signal::stored(sides)/></div> })}
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
                aria-current=move || query.with(|query| asked(query).1 == view).then_some("page")
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
                <Table label="Findings" heads=&[("What", ""), ("Where", "m-low"), ("Rule", "m-low"), ("Matters", "")]>{rows}</Table>
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
        assert_eq!(of(&[]), (None, View::Read));
        let provider = Some(AsyncApiSide::Provider);
        assert_eq!(of(&[("side", "provider"), ("view", "json")]), (provider, View::Source(AsyncApiSyntax::Json)));
        assert_eq!(of(&[("side", "purple"), ("view", "purple")]), (None, View::Read), "nonsense is left out");
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
