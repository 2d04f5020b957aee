//! What schema registries and Kafka Connect say: levels, versions and references; connectors with their tasks and topics.

use leptos::prelude::*;
use mesh_protocol::report::{
    ConnectFacts, ConnectorFacts, RegistryFacts, SubjectFacts, SubjectVersion, TaskFacts, TopicsFrom,
};

use super::facts::{ROWS_MAX, cut};
use super::flows::{Uses, in_use};
use crate::components::{Part, Table};
use crate::format;

pub(super) fn known(text: Option<&String>, otherwise: &str) -> String {
    text.cloned().unwrap_or_else(|| otherwise.to_owned())
}

/// How many there are, and how many of them are not told.
pub(super) fn number(count: u64, left_out: u64) -> String {
    let told = format::count(count);
    if left_out == 0 { told } else { format!("{told}, and {} that are left out", format::count(left_out)) }
}

/// Level and mode that hold where a subject says nothing.
pub(super) fn registry_facts(registry: &RegistryFacts, stamp: Option<AnyView>) -> AnyView {
    let level = known(registry.compatibility.as_ref(), "not known");
    let mode = known(registry.mode.as_ref(), "not known");
    let subjects = number(registry.subjects, registry.subjects_left_out);
    view! {
        <Part title="Registry" note="what holds where a subject says nothing" acts=stamp.into_any()>
            <dl class="m-facts">
                <dt>"Compatibility"</dt>
                <dd class="m-mono">{level}</dd>
                <dt>"Mode"</dt>
                <dd class="m-mono">{mode}</dd>
                <dt>"Subjects"</dt>
                <dd class="m-num">{subjects}</dd>
            </dl>
        </Part>
    }
    .into_any()
}

/// Versions, the newest first.
pub(super) fn subject_facts(subject: &SubjectFacts, uses: &Uses, stamp: Option<AnyView>) -> AnyView {
    let count = subject.versions.len();
    let level = known(subject.compatibility.as_ref(), "the registry's level");
    let mode = subject.mode.as_ref().map(|mode| format!(", mode {mode}")).unwrap_or_default();
    let older = match subject.versions_left_out {
        0 => String::new(),
        older => format!(", and {} older", format::count(older)),
    };
    let note = format!("{}{older}; {level}{mode}", format::plural(count, "version"));
    let rows = subject.versions.iter().rev().take(ROWS_MAX).map(|one| version(one, uses)).collect_view();
    view! {
        <Part title="Versions" note=note acts=stamp.into_any() flush=true>
            <Table
                label="Versions"
                class=""
                heads=&[("Version", ""), ("Schema id", "m-end"), ("Type", ""), ("In use", ""), ("Built on", "m-low")]
            >
                {rows}
            </Table>
            {cut(count)}
        </Part>
    }
    .into_any()
}

fn version(version: &SubjectVersion, uses: &Uses) -> AnyView {
    let (producers, consumers) = uses.get(&version.version).copied().unwrap_or_default();
    let id = version.id.map_or_else(|| "not read yet".to_owned(), |id| id.to_string());
    let references = version.references.iter().map(|used| format!("{} version {}", used.subject, used.version));
    let more =
        (version.references_left_out > 0).then(|| format!("{} more", format::count(version.references_left_out)));
    let references: Vec<String> = references.chain(more).collect();
    view! {
        <tr>
            <td class="m-num">{version.version}</td>
            <td class="m-end m-num">{id}</td>
            <td class="m-mono">{version.schema_type.clone()}</td>
            <td>{in_use(producers as u64, consumers as u64)}</td>
            <td class="m-low m-mono m-muted">{references.join(", ")}</td>
        </tr>
    }
    .into_any()
}

/// Version and workers.
pub(super) fn connect_facts(connect: &ConnectFacts, stamp: Option<AnyView>) -> AnyView {
    let version = known(Some(&connect.version).filter(|version| !version.is_empty()), "not known");
    let cluster = known(connect.kafka_cluster_id.as_ref(), "not known");
    let connectors = number(connect.connectors, connect.connectors_left_out);
    let workers = if connect.workers.is_empty() { "none runs anything".to_owned() } else { connect.workers.join(", ") };
    view! {
        <Part title="Kafka Connect" acts=stamp.into_any()>
            <dl class="m-facts">
                <dt>"Version"</dt>
                <dd class="m-mono">{version}</dd>
                <dt>"Id of its Kafka cluster"</dt>
                <dd class="m-mono">{cluster}</dd>
                <dt>"Connectors"</dt>
                <dd class="m-num">{connectors}</dd>
                <dt>"Workers that run something"</dt>
                <dd class="m-mono">{workers}</dd>
            </dl>
        </Part>
    }
    .into_any()
}

/// State and settings, tasks, topics.
pub(super) fn connector_facts(connector: &ConnectorFacts, stamp: Option<AnyView>) -> AnyView {
    let settings = connector.config.iter().map(|(name, value)| {
        view! {
            <dt class="m-mono">{name.clone()}</dt>
            <dd class="m-mono">{value.clone()}</dd>
        }
    });
    let settings = settings.collect_view();
    let failed = connector.state == "FAILED";
    let state = state(&connector.state, connector.trouble.as_ref());
    let worker = known(connector.worker.as_ref(), "none");
    let topics = topics(connector);
    let tasks = tasks(connector);
    let what = match connector.direction.as_str() {
        "source" => "source: writes to Kafka",
        "sink" => "sink: reads from Kafka",
        _ => "not known",
    };
    view! {
        <Part title="Connector" note="of its settings only what is known to be harmless is told" acts=stamp.into_any()>
            <dl class="m-facts">
                <dt>"State"</dt>
                <dd class:m-bad=failed>{state}</dd>
                <dt>"What it does"</dt>
                <dd>{what}</dd>
                <dt>"Worker"</dt>
                <dd class="m-mono">{worker}</dd>
                {settings}
                <dt>"Topics"</dt>
                <dd>{topics}</dd>
            </dl>
        </Part>
        {tasks}
    }
    .into_any()
}

fn state(state: &str, trouble: Option<&String>) -> String {
    let state = if state.is_empty() { "not known".to_owned() } else { state.to_lowercase() };
    trouble.map_or(state.clone(), |trouble| format!("{state}: {trouble}"))
}

fn topics(connector: &ConnectorFacts) -> String {
    if connector.topics.is_empty() {
        return "none is known".to_owned();
    }
    let how = match connector.topics_from {
        TopicsFrom::Use => "as the workers saw it use them",
        TopicsFrom::Settings => "by its settings; whether it has used them nobody says",
    };
    let more = match connector.topics_left_out {
        0 => String::new(),
        more => format!(" and {} more", format::count(more)),
    };
    format!("{}{more} ({how})", connector.topics.join(", "))
}

fn tasks(connector: &ConnectorFacts) -> AnyView {
    let count = connector.tasks.len();
    if count == 0 {
        return view! { <Part title="Tasks"><p class="m-small m-muted">"It runs no task."</p></Part> }.into_any();
    }
    let rows = connector.tasks.iter().take(ROWS_MAX).map(task).collect_view();
    let more = match connector.tasks_left_out {
        0 => String::new(),
        more => format!(", and {} that are left out", format::count(more)),
    };
    let note = format!("{}{more}", format::plural(count, "task"));
    view! {
        <Part title="Tasks" note=note flush=true>
            <Table label="Tasks" class="" heads=&[("Task", ""), ("State", ""), ("Worker", "m-low")]>{rows}</Table>
            {cut(count)}
        </Part>
    }
    .into_any()
}

fn task(task: &TaskFacts) -> AnyView {
    let failed = task.state == "FAILED";
    view! {
        <tr>
            <td class="m-num">{task.id}</td>
            <td class:m-bad=failed>{state(&task.state, task.trouble.as_ref())}</td>
            <td class="m-low m-mono m-muted">{task.worker.clone()}</td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_or_left_out_is_said() {
        assert_eq!(state("FAILED", Some(&"no such file".to_owned())), "failed: no such file");
        assert_eq!(state("", None), "not known");
        assert_eq!((number(3, 0), number(5_000, 7)), ("3".to_owned(), "5,000, and 7 that are left out".to_owned()));
        let connector = ConnectorFacts { topics: vec!["a".into()], topics_left_out: 2, ..ConnectorFacts::default() };
        assert!(topics(&connector).starts_with("a and 2 more (by its settings"));
    }
}
