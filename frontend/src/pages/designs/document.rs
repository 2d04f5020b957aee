//! The AsyncAPI document of a version: what checks say about it, its text, and files of it.

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};
use mesh_protocol::id::DesignVersionId;

use super::{TOPICS, kind_word};
use crate::api::{
    ApiError, AsyncApiDocument, AsyncApiFinding, AsyncApiQuery, AsyncApiSeverity, AsyncApiSide, DesignKind,
    DesignVersionView,
};
use crate::components::{Code, Icon, Main, ParamSelect, Part, Table};
use crate::format;
use crate::load::{Load, load};

/// `/designs/:id/versions/:version/asyncapi?side=`
#[component]
pub fn DesignDocument() -> impl IntoView {
    let (params, query) = (use_params_map(), use_query_map());
    let asked = Memo::new(move |_| {
        let version = params.with(|params| params.get("version").and_then(|id| id.parse::<DesignVersionId>().ok()));
        let side = query.with(|query| query.get("side")).filter(|side| side == "provider");
        (version, side.map(|_| AsyncApiSide::Provider))
    });
    let both = load(
        TOPICS,
        move || asked.get(),
        |api, (version, side)| async move {
            let version = version.ok_or_else(|| ApiError::new("not-found", 404, "there is no such version"))?;
            let query = AsyncApiQuery { side, ..AsyncApiQuery::default() };
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
    let text = Signal::derive(move || document.with(|document| document.text.clone()));
    let title = Signal::derive(move || {
        version.with(|version| format!("AsyncAPI of {} {}", version.object_name, version.config.number))
    });
    let note = Signal::derive(move || version.with(|version| kind_word(version.kind).to_lowercase()));
    let has_sides = version.with_untracked(|version| version.kind != DesignKind::Application);
    let query = use_query_map();
    let file = move |syntax: &'static str| {
        Signal::derive(move || {
            let side = query.with(|query| query.get("side")).filter(|side| side == "provider");
            let side = side.map(|_| "?side=provider").unwrap_or_default();
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
    let acts = view! {
        <a class="m-button" href=file("yaml") download="" rel="external"><Icon name="download" small=true/>"YAML"</a>
        <a class="m-button" href=file("json") download="" rel="external"><Icon name="download" small=true/>"JSON"</a>
    };
    view! {
        <Main title=title note=note crumbs=crumbs.into_any() acts=acts.into_any()>
            {has_sides.then(|| view! { <div class="m-bar"><ParamSelect label="Side" name="side" choices=Signal::stored(sides)/></div> })}
            <Findings document=document/>
            <Part title="Document" note="as it is now: made when it is asked for">
                <Code text=text what="the document"/>
            </Part>
        </Main>
    }
    .into_any()
}

/// What a score comes to, in a sentence.
fn verdict(document: &AsyncApiDocument) -> String {
    let count = |severity| document.findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (count(AsyncApiSeverity::Error), count(AsyncApiSeverity::Warning));
    let score = document.score;
    match (errors, warnings) {
        (0, 0) => format!("Score {score} of 100. Tools take it."),
        (0, _) => {
            format!("Score {score} of 100. Tools take it; {} for its readers.", format::plural(warnings, "warning"))
        }
        _ => format!("Score {score} of 100. Tools refuse it: {}.", format::plural(errors, "error")),
    }
}

#[component]
fn Findings(document: Signal<AsyncApiDocument>) -> impl IntoView {
    move || {
        let document = document.get();
        let said = verdict(&document);
        let has_errors = document.findings.iter().any(|finding| finding.severity == AsyncApiSeverity::Error);
        let tone = if has_errors { "m-bad" } else { "m-muted" };
        let rows = document.findings.into_iter().map(|finding| view! { <Row finding=finding/> }).collect_view();
        let is_empty = rows.is_empty();
        view! {
            <Part title="Checks" note="the official schema, and the rules of docs/asyncapi.md">
                <p class=tone>{said}</p>
                {(!is_empty).then(|| view! {
                    <Table label="Findings" heads=&[("What", ""), ("Where", "m-low"), ("Rule", "m-low"), ("Matters", "")]>{rows}</Table>
                })}
            </Part>
        }
    }
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
                    <span class="m-wrap">{finding.message}</span>
                    <span class="m-cell__sub m-wrap">{finding.advice}</span>
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
    fn a_verdict_says_whether_tools_take_it() {
        let finding = |severity| AsyncApiFinding {
            rule: "r".to_owned(),
            severity,
            at: String::new(),
            message: String::new(),
            advice: String::new(),
        };
        let of = |all: &[AsyncApiSeverity]| {
            verdict(&AsyncApiDocument {
                version: DesignVersionId(uuid::Uuid::nil()),
                file_name: String::new(),
                text: String::new(),
                score: 90,
                findings: all.iter().copied().map(finding).collect(),
            })
        };
        use AsyncApiSeverity::{Error, Hint, Warning};
        assert_eq!(of(&[Hint]), "Score 90 of 100. Tools take it.");
        assert_eq!(of(&[Warning, Warning]), "Score 90 of 100. Tools take it; 2 warnings for its readers.");
        assert_eq!(of(&[Error, Warning]), "Score 90 of 100. Tools refuse it: 1 error.");
    }
}
