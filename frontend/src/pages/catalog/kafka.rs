//! What the cluster's own access lists, quotas and users say around an object: on a topic's page what covers it, on a
//! user's what names it, on a cluster's all of it. What the agent may not see is said with the command that shows it.

use leptos::prelude::*;

use crate::api::{CatalogKind, KafkaAclRow, KafkaQuotaRow, KafkaSide, KafkaTransactionRow, KafkaUserRow, Listed};
use crate::components::{Age, Code, Part, Table};
use crate::format;

/// All of it that there is to say.
#[component]
pub(super) fn AroundIt(
    /// What the cluster says.
    side: KafkaSide,
    /// Around what.
    kind: CatalogKind,
) -> impl IntoView {
    if matches!(kind, CatalogKind::Registry | CatalogKind::Connect | CatalogKind::Rabbit | CatalogKind::Mqtt) {
        return missing(&side).into_any();
    }
    let whole = kind == CatalogKind::Cluster;
    let open = side.untold.iter().any(|reason| reason.contains("no authoriser"));
    view! {
        {(!open).then(|| acls(&side.acls, kind))}
        {(side.transactions.total > 0).then(|| transactions(&side.transactions, kind))}
        {(side.quotas.total > 0).then(|| quotas(&side.quotas))}
        {(side.users.total > 0).then(|| users(&side.users, kind))}
        {(whole || open).then(|| untold(&side.untold))}
        {whole.then(|| missing(&side))}
    }
    .into_any()
}

fn cut<T>(list: &Listed<T>) -> Option<AnyView> {
    let shown = list.rows.len();
    (list.total > shown as u64).then(|| {
        let text = format!("The first {shown} of {}.", format::count(list.total));
        view! { <p class="m-tail">{text}</p> }.into_any()
    })
}

/// What nobody is allowed by, in the words of the page.
const fn nothing(kind: CatalogKind) -> &'static str {
    match kind {
        CatalogKind::Cluster => "No access list is known: there is none, or the agent may not see them.",
        CatalogKind::User => "No access list names this user.",
        _ => "No access list covers it, as far as the agent may see: super users alone get at it.",
    }
}

fn acls(list: &Listed<KafkaAclRow>, kind: CatalogKind) -> AnyView {
    let note = match kind {
        CatalogKind::Cluster => "the cluster's own; super users stand in none",
        CatalogKind::User => "that name it or everybody",
        _ => "that cover it: by its name, a prefix, or all; super users stand in none",
    };
    if list.rows.is_empty() {
        return view! { <Part title="Access in the cluster" note=note><p class="m-small m-muted">{nothing(kind)}</p></Part> }
            .into_any();
    }
    let rows = list.rows.iter().cloned().map(acl).collect_view();
    let rest = cut(list);
    view! {
        <Part title="Access in the cluster" note=note flush=true>
            <Table
                label="Access in the cluster"
                class=""
                heads=&[("Who", ""), ("Effect", ""), ("Operations", ""), ("On", ""), ("From", "m-low")]
            >
                {rows}
            </Table>
            {rest}
        </Part>
    }
    .into_any()
}

fn acl(row: KafkaAclRow) -> AnyView {
    let denies = row.permission == "DENY";
    let effect = if denies { "denies" } else { "allows" };
    let what = target(&row.resource, &row.pattern, &row.resource_name);
    let host = if row.host == "*" { "anywhere".to_owned() } else { row.host };
    let who = match row.href {
        Some(href) => view! { <a href=href>{row.principal}</a> }.into_any(),
        None => row.principal.into_any(),
    };
    view! {
        <tr>
            <td class="m-mono">{who}</td>
            <td class:m-bad=denies>{effect}</td>
            <td>{words(&row.operations)}</td>
            <td>{what}</td>
            <td class="m-low m-muted">{host}</td>
        </tr>
    }
    .into_any()
}

/// Kafka's words in the case of a sentence: `DESCRIBE_CONFIGS` is `describe configs`.
fn words(operations: &[String]) -> String {
    operations.iter().map(|operation| operation.to_lowercase().replace('_', " ")).collect::<Vec<_>>().join(", ")
}

/// What a pattern is about.
fn target(resource: &str, pattern: &str, name: &str) -> String {
    let resource = resource.to_lowercase().replace('_', " ");
    match (pattern, name) {
        ("LITERAL", "*") => format!("every {resource}"),
        ("LITERAL", _) if resource == "cluster" => "the cluster".to_owned(),
        ("PREFIXED", _) => format!("every {resource} that begins with {name}"),
        _ => format!("{resource} {name}"),
    }
}

fn transactions(list: &Listed<KafkaTransactionRow>, kind: CatalogKind) -> AnyView {
    let note = if kind == CatalogKind::Topic { "that are writing to it" } else { "producers with a transactional id" };
    let rows = list
        .rows
        .iter()
        .map(|row| {
            view! {
                <tr>
                    <td class="m-mono"><a href=row.href.clone()>{row.id.clone()}</a></td>
                    <td>{row.state.clone()}</td>
                    <td class="m-end m-muted">{row.started.map(|at| view! { <Age at_ms=Some(at)/> })}</td>
                </tr>
            }
        })
        .collect_view();
    let rest = cut(list);
    view! {
        <Part title="Transactions" note=note flush=true>
            <Table label="Transactions" class="" heads=&[("Transactional id", ""), ("State", ""), ("Open for", "m-end")]>
                {rows}
            </Table>
            {rest}
        </Part>
    }
    .into_any()
}

/// A limit with its unit, where its name tells it.
fn limit(name: &str, value: f64) -> String {
    if name.ends_with("_byte_rate") && value >= 0.0 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a float beyond u64 is cut to it")]
        let bytes = value as u64;
        return format!("{}/s", format::bytes(bytes));
    }
    match name {
        "request_percentage" => format!("{value} %"),
        name if name.ends_with("_rate") => format!("{value}/s"),
        _ => value.to_string(),
    }
}

fn quotas(list: &Listed<KafkaQuotaRow>) -> AnyView {
    let rows = list
        .rows
        .iter()
        .map(|row| {
            let limits: Vec<String> = row
                .limits
                .iter()
                .map(|(name, value)| format!("{} {}", name.replace('_', " "), limit(name, *value)))
                .collect();
            view! {
                <tr>
                    <td class="m-mono">{row.entity.clone()}</td>
                    <td class="m-num">{limits.join(", ")}</td>
                </tr>
            }
        })
        .collect_view();
    let rest = cut(list);
    view! {
        <Part title="Quotas" note="at each broker" flush=true>
            <Table label="Quotas" class="" heads=&[("For", ""), ("At most", "")]>{rows}</Table>
            {rest}
        </Part>
    }
    .into_any()
}

fn users(list: &Listed<KafkaUserRow>, kind: CatalogKind) -> AnyView {
    let rows = list
        .rows
        .iter()
        .map(|row| {
            let how: Vec<String> = row
                .credentials
                .iter()
                .map(|known| {
                    format!(
                        "{}, {} rounds",
                        known.mechanism,
                        format::count(known.iterations.max(0).unsigned_abs().into())
                    )
                })
                .collect();
            view! {
                <tr>
                    <td class="m-mono"><a href=row.href.clone()>{row.name.clone()}</a></td>
                    <td>{how.join("; ")}</td>
                </tr>
            }
        })
        .collect_view();
    let rest = cut(list);
    let title = if kind == CatalogKind::User { "Login" } else { "Users" };
    view! {
        <Part title=title note="credentials the cluster keeps; nothing of them is told" flush=true>
            <Table label=title class="" heads=&[("User", ""), ("Mechanism", "")]>{rows}</Table>
            {rest}
        </Part>
    }
    .into_any()
}

fn untold(reasons: &[String]) -> Option<AnyView> {
    if reasons.is_empty() {
        return None;
    }
    let rows = reasons.iter().map(|reason| view! { <p class="m-small">{format!("{reason}.")}</p> }).collect_view();
    Some(view! { <Part title="Not told by this cluster">{rows}</Part> }.into_any())
}

fn missing(side: &KafkaSide) -> Option<AnyView> {
    if side.missing_rights.is_empty() {
        return None;
    }
    let rows = side
        .missing_rights
        .iter()
        .map(|missing| {
            view! {
                <p class="m-small">{format!("Without {} the agent cannot see: {}.", missing.right, missing.what)}</p>
                <Code text=missing.command.clone() what="the command that grants it"/>
            }
        })
        .collect_view();
    Some(view! { <Part title="What the agent may not see here">{rows}</Part> }.into_any())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_and_limits_read_as_words() {
        assert_eq!(target("TOPIC", "LITERAL", "*"), "every topic");
        assert_eq!(target("TRANSACTIONAL_ID", "PREFIXED", "pay-"), "every transactional id that begins with pay-");
        assert_eq!(target("CLUSTER", "LITERAL", "kafka-cluster"), "the cluster");
        assert_eq!(target("GROUP", "LITERAL", "billing"), "group billing");
        assert_eq!(words(&["READ".to_owned(), "DESCRIBE_CONFIGS".to_owned()]), "read, describe configs");
        assert_eq!(limit("producer_byte_rate", 1_048_576.0), "1.0 MB/s");
        assert_eq!(limit("request_percentage", 12.5), "12.5 %");
        assert_eq!(limit("controller_mutation_rate", 3.0), "3/s");
    }
}
