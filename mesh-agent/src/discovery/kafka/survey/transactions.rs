//! Producers with transactions, and what the open ones have written to.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_transactions_response::TransactionState;
use kafka_protocol::messages::{DescribeTransactionsRequest, ListTransactionsRequest};
use kafka_protocol::protocol::StrBytes;
use mesh_protocol::report::TransactionFacts;

use super::{Lines, Notes, Told, Unanswered, bounded};
use crate::kafka::trouble::{Operation, Resource, Right};
use crate::kafka::wire::refusal;

/// Most transactional ids that are told.
const TRANSACTIONS_MAX: usize = 5_000;
/// Most open transactions that are described in one look.
const DESCRIBED_MAX: usize = 500;
/// How many are described at once.
const AT_ONCE: usize = 100;
/// Nobody's id: whoever may see it may see all.
const NOBODY: &str = "meshport-discovery-asks-whether-it-may";

/// Those that each broker coordinates. Of a broker that does not answer, those that are `known` stay.
pub(super) async fn transactions(
    lines: &mut Lines<'_>,
    known: &BTreeMap<String, TransactionFacts>,
    notes: &mut Notes,
) -> Told<BTreeMap<String, TransactionFacts>> {
    let mut all = Vec::new();
    for node in lines.nodes {
        let kept = known.iter().filter(|(_, facts)| facts.coordinator == node.id);
        let kept = kept.map(|(id, facts)| (id.clone(), facts.clone()));
        let answer = match lines.ask(node, &ListTransactionsRequest::default()).await {
            Ok(answer) => answer,
            Err(Unanswered::Failed(reason)) => {
                notes.trouble.push(format!("transactions: {reason}"));
                all.extend(kept);
                continue;
            }
            Err(why) => return why.into(),
        };
        if let Some(error) = refusal(answer.error_code) {
            notes.trouble.push(format!("transactions at broker {}: {error}", node.id));
            all.extend(kept);
            continue;
        }
        all.extend(answer.transaction_states.into_iter().map(|state| {
            let facts = TransactionFacts {
                state: state.transaction_state.to_string(),
                producer_id: state.producer_id.0,
                coordinator: node.id,
                ..TransactionFacts::default()
            };
            (state.transactional_id.to_string(), facts)
        }));
    }
    let mut all: BTreeMap<_, _> = bounded(all, TRANSACTIONS_MAX, "transactional ids", notes).into_iter().collect();
    describe(lines, &mut all, notes).await;
    Told::Is(all)
}

/// Whether it is at work; what it wrote to is forgotten with its end.
fn is_open(state: &str) -> bool {
    matches!(state, "Ongoing" | "PrepareCommit" | "PrepareAbort")
}

async fn describe(lines: &mut Lines<'_>, all: &mut BTreeMap<String, TransactionFacts>, notes: &mut Notes) {
    let mut open: BTreeMap<i32, Vec<StrBytes>> = BTreeMap::new();
    for (id, facts) in all.iter().filter(|(_, facts)| is_open(&facts.state)).take(DESCRIBED_MAX) {
        open.entry(facts.coordinator).or_default().push(StrBytes::from_string(id.clone()));
    }
    for node in lines.nodes {
        for ids in open.get(&node.id).map(Vec::as_slice).unwrap_or_default().chunks(AT_ONCE) {
            let ids = ids.iter().cloned().map(Into::into).collect();
            let request = DescribeTransactionsRequest::default().with_transactional_ids(ids);
            match lines.ask(node, &request).await {
                Ok(answer) => answer.transaction_states.iter().for_each(|state| complete(all, state)),
                Err(Unanswered::Failed(reason)) => notes.trouble.push(format!("open transactions: {reason}")),
                Err(Unanswered::Untold(_)) => return,
            }
        }
    }
}

fn complete(all: &mut BTreeMap<String, TransactionFacts>, told: &TransactionState) {
    let Some(facts) = all.get_mut(told.transactional_id.as_str()) else { return };
    // It may have ended between the two questions.
    if told.error_code != 0 || !is_open(&told.transaction_state) {
        return;
    }
    facts.state = told.transaction_state.to_string();
    facts.timeout_ms = Some(told.transaction_timeout_ms.into());
    facts.started_ms = Some(told.transaction_start_time_ms).filter(|at| *at >= 0);
    let topics = told.topics.iter().map(|topic| {
        let mut partitions = topic.partitions.clone();
        partitions.sort_unstable();
        (topic.topic.to_string(), partitions)
    });
    facts.partitions = topics.collect();
}

/// A list of transactions has those that one may see, without a word about the others: this asks whether there can be
/// others.
pub(super) async fn may_see_all(lines: &mut Lines<'_>) -> Told<()> {
    let ids = vec![StrBytes::from_static_str(NOBODY).into()];
    let request = DescribeTransactionsRequest::default().with_transactional_ids(ids);
    let answer = match lines.ask_any(&request).await {
        Ok(answer) => answer,
        // Said of the list already.
        Err(_) => return Told::Is(()),
    };
    let refused = answer
        .transaction_states
        .iter()
        .any(|state| refusal(state.error_code) == Some(ResponseError::TransactionalIdAuthorizationFailed));
    if refused {
        let resource = Resource::TransactionalId("*".to_owned());
        Told::Refused(Right { operation: Operation::Describe, resource })
    } else {
        Told::Is(())
    }
}
