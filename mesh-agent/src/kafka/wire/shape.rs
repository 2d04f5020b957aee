//! The layout of answers, walked through before one is decoded.
//!
//! The decoder makes room for as many entries as an answer says it has, before it looks for them: four bytes of a broker
//! that is broken, or no broker, would end the agent for want of memory. What this has walked through holds all it says.

use bytes::Buf;
use kafka_protocol::messages::{
    AlterUserScramCredentialsRequest, ApiVersionsRequest, CreateAclsRequest, DeleteAclsRequest, DescribeAclsRequest,
    DescribeClientQuotasRequest, DescribeLogDirsRequest, DescribeProducersRequest, DescribeQuorumRequest,
    DescribeTransactionsRequest, DescribeUserScramCredentialsRequest, ListTransactionsRequest, SaslAuthenticateRequest,
    SaslHandshakeRequest,
};
use kafka_protocol::protocol::Request;

/// One field of a message.
#[derive(Debug)]
pub(crate) enum Field {
    /// So many bytes: numbers, booleans, ids.
    Fixed(usize),
    /// Text, or none.
    Text,
    /// Bytes, or none.
    Blob,
    /// So many of a structure, or none.
    Many(&'static [Field]),
    /// So many of a plain value, which has no tagged fields of its own.
    List(&'static Field),
    /// There from this version on.
    Since(i16, &'static Field),
}

use Field::{Blob, Fixed, List, Many, Since, Text};

/// A question whose answer's layout is known.
pub(crate) trait Ask: Request {
    /// The answer's fields, in all versions.
    const ANSWER: &'static [Field];
    /// From this version on, lengths are of varying size and tagged fields may follow.
    const FLEXIBLE_SINCE: i16;
}

macro_rules! asks {
    ($($request:ty, $flexible:expr, $answer:expr;)*) => {
        $(impl Ask for $request {
            const ANSWER: &'static [Field] = &$answer;
            const FLEXIBLE_SINCE: i16 = $flexible;
        })*
    };
}

asks! {
    // Asked in version 0 alone, and its answer is as in the first days.
    ApiVersionsRequest, i16::MAX, [Fixed(2), Many(&[Fixed(6)])];
    SaslHandshakeRequest, i16::MAX, [Fixed(2), List(&Text)];
    SaslAuthenticateRequest, 2, [Fixed(2), Text, Blob, Since(1, &Fixed(8))];
    DescribeAclsRequest, 2,
        [Fixed(4), Fixed(2), Text, Many(&[Fixed(1), Text, Fixed(1), Many(&[Text, Text, Fixed(2)])])];
    DescribeClientQuotasRequest, 1,
        [Fixed(4), Fixed(2), Text, Many(&[Many(&[Text, Text]), Many(&[Text, Fixed(8)])])];
    DescribeUserScramCredentialsRequest, 0,
        [Fixed(4), Fixed(2), Text, Many(&[Text, Fixed(2), Text, Many(&[Fixed(5)])])];
    DescribeQuorumRequest, 0, [
        Fixed(2),
        Since(2, &Text),
        Many(&[Text, Many(&[Fixed(6), Since(2, &Text), Fixed(16), Many(REPLICA), Many(REPLICA)])]),
        Since(2, &Many(&[Fixed(4), Many(&[Text, Text, Fixed(2)])])),
    ];
    DescribeLogDirsRequest, 2, [
        Fixed(4),
        Since(3, &Fixed(2)),
        Many(&[Fixed(2), Text, Many(&[Text, Many(&[Fixed(21)])]), Since(4, &Fixed(16))]),
    ];
    DescribeProducersRequest, 0,
        [Fixed(4), Many(&[Text, Many(&[Fixed(6), Text, Many(&[Fixed(36)])])])];
    ListTransactionsRequest, 0, [Fixed(4), Fixed(2), List(&Text), Many(&[Text, Fixed(8), Text])];
    DescribeTransactionsRequest, 0,
        [Fixed(4), Many(&[Fixed(2), Text, Text, Fixed(22), Many(&[Text, List(&Fixed(4))])])];
    AlterUserScramCredentialsRequest, 0, [Fixed(4), Many(&[Text, Fixed(2), Text])];
    CreateAclsRequest, 2, [Fixed(4), Many(&[Fixed(2), Text])];
    DeleteAclsRequest, 2, [
        Fixed(4),
        Many(&[Fixed(2), Text, Many(&[Fixed(2), Text, Fixed(1), Text, Fixed(1), Text, Text, Fixed(2)])]),
    ];
}

/// A node of the quorum: id, folder, end of its log, when it fetched and was abreast.
const REPLICA: &[Field] = &[Fixed(4), Since(2, &Fixed(16)), Fixed(8), Since(1, &Fixed(16))];

/// Whether an answer holds exactly what it says it holds.
pub(super) fn holds<A: Ask>(answer: &[u8], version: i16) -> bool {
    let mut walk = Walk { rest: answer, version, flexible: version >= A::FLEXIBLE_SINCE };
    walk.structure(A::ANSWER).is_some() && walk.rest.is_empty()
}

struct Walk<'a> {
    rest: &'a [u8],
    version: i16,
    flexible: bool,
}

impl Walk<'_> {
    fn structure(&mut self, fields: &[Field]) -> Option<()> {
        fields.iter().try_for_each(|field| self.field(field))?;
        if self.flexible { self.tags() } else { Some(()) }
    }

    fn field(&mut self, field: &Field) -> Option<()> {
        match field {
            Fixed(bytes) => self.skip(*bytes),
            Text => {
                let length = if self.flexible { self.length()? } else { self.rest.try_get_i16().ok()?.into() };
                self.skip_all(length)
            }
            Blob => {
                let length = if self.flexible { self.length()? } else { self.rest.try_get_i32().ok()?.into() };
                self.skip_all(length)
            }
            Many(fields) => {
                let count = self.count()?;
                (0..count).try_for_each(|_| self.structure(fields))
            }
            List(field) => {
                let count = self.count()?;
                (0..count).try_for_each(|_| self.field(field))
            }
            Since(version, field) if self.version >= *version => self.field(field),
            Since(..) => Some(()),
        }
    }

    /// How many there are; none is none of them. Each takes a byte at least, so counting them ends with the answer.
    fn count(&mut self) -> Option<i64> {
        let count = if self.flexible { self.length()? } else { self.rest.try_get_i32().ok()?.into() };
        Some(count.max(0))
    }

    /// A length of varying size, one more than it is; -1 = none.
    fn length(&mut self) -> Option<i64> {
        Some(i64::from(self.varying()?) - 1)
    }

    fn varying(&mut self) -> Option<u32> {
        let mut value = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.rest.try_get_u8().ok()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn tags(&mut self) -> Option<()> {
        for _ in 0..self.varying()? {
            self.varying()?;
            let length = self.varying()?;
            self.skip_all(length.into())?;
        }
        Some(())
    }

    fn skip_all(&mut self, length: i64) -> Option<()> {
        self.skip(usize::try_from(length.max(0)).ok()?)
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.rest = self.rest.get(bytes..)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};
    use kafka_protocol::messages::alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
    use kafka_protocol::messages::create_acls_response::AclCreationResult;
    use kafka_protocol::messages::delete_acls_response::{DeleteAclsFilterResult, DeleteAclsMatchingAcl};
    use kafka_protocol::messages::describe_acls_response::{AclDescription, DescribeAclsResource};
    use kafka_protocol::messages::describe_client_quotas_response::{EntityData, EntryData, ValueData};
    use kafka_protocol::messages::describe_log_dirs_response::{
        DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic,
    };
    use kafka_protocol::messages::describe_producers_response::{PartitionResponse, ProducerState, TopicResponse};
    use kafka_protocol::messages::describe_quorum_response::{Listener, Node, PartitionData, ReplicaState, TopicData};
    use kafka_protocol::messages::describe_user_scram_credentials_response::{
        CredentialInfo, DescribeUserScramCredentialsResult,
    };
    use kafka_protocol::messages::{
        AlterUserScramCredentialsResponse, CreateAclsResponse, DeleteAclsResponse, DescribeAclsResponse,
        DescribeClientQuotasResponse, DescribeLogDirsResponse, DescribeProducersResponse, DescribeQuorumResponse,
        DescribeTransactionsResponse, DescribeUserScramCredentialsResponse, ListTransactionsResponse,
        SaslAuthenticateResponse, SaslHandshakeResponse, describe_transactions_response, list_transactions_response,
    };
    use kafka_protocol::protocol::{Decodable, Encodable, Message, StrBytes};
    use proptest::prelude::*;

    use super::*;

    const NAME: StrBytes = StrBytes::from_static_str("name");

    /// In every version: it is held, nothing shorter or longer is, and no length in it can be grown.
    fn check<A: Ask>(answer: impl Fn(i16) -> A::Response) {
        let range = A::VERSIONS.intersect(&<A::Response as Message>::VERSIONS);
        for version in range.min..=range.max {
            let mut bytes = BytesMut::new();
            answer(version).encode(&mut bytes, version).expect("it can be written");
            assert!(holds::<A>(&bytes, version), "version {version} of {}", std::any::type_name::<A>());
            for length in 0..bytes.len() {
                assert!(!holds::<A>(&bytes[..length], version), "{length} of {} bytes", bytes.len());
            }
            assert!(!holds::<A>(&[&bytes[..], &[0]].concat(), version));
            for at in 0..bytes.len() {
                let mut broken = bytes.to_vec();
                broken[at] = 0xff;
                if holds::<A>(&broken, version) {
                    // Then it can be decoded, in the room that it takes itself.
                    let _text_may_be_broken = A::Response::decode(&mut Bytes::from(broken), version);
                }
            }
        }
    }

    #[test]
    fn answers_of_every_version_are_held_and_nothing_else_is() {
        check::<SaslHandshakeRequest>(|_| SaslHandshakeResponse::default().with_mechanisms(vec![NAME, NAME]));
        check::<SaslAuthenticateRequest>(|_| {
            SaslAuthenticateResponse::default().with_error_message(Some(NAME)).with_auth_bytes(Bytes::from_static(b"x"))
        });
        check::<DescribeAclsRequest>(|_| {
            let acl = AclDescription::default().with_principal(NAME);
            let resource = DescribeAclsResource::default().with_resource_name(NAME).with_acls(vec![acl.clone(), acl]);
            DescribeAclsResponse::default().with_resources(vec![resource.clone(), resource])
        });
        check::<DescribeClientQuotasRequest>(|_| {
            let entity = EntityData::default().with_entity_type(NAME).with_entity_name(None);
            let value = ValueData::default().with_key(NAME).with_value(1.5);
            let entry = EntryData::default().with_entity(vec![entity.clone(), entity]).with_values(vec![value]);
            DescribeClientQuotasResponse::default().with_entries(Some(vec![entry.clone(), entry]))
        });
        check::<DescribeUserScramCredentialsRequest>(|_| {
            let info = CredentialInfo::default().with_iterations(4096);
            let user = DescribeUserScramCredentialsResult::default().with_user(NAME).with_credential_infos(vec![info]);
            DescribeUserScramCredentialsResponse::default().with_results(vec![user.clone(), user])
        });
        check::<DescribeQuorumRequest>(|version| {
            let replica = ReplicaState::default();
            let partition = PartitionData::default().with_current_voters(vec![replica.clone(), replica]);
            let topic = TopicData::default().with_topic_name(NAME.into()).with_partitions(vec![partition]);
            let nodes = vec![Node::default().with_listeners(vec![Listener::default().with_name(NAME)])];
            let answer = DescribeQuorumResponse::default().with_topics(vec![topic]);
            if version >= 2 { answer.with_nodes(nodes) } else { answer }
        });
        check::<DescribeLogDirsRequest>(|_| {
            let partition = DescribeLogDirsPartition::default().with_partition_size(9);
            let topic = DescribeLogDirsTopic::default().with_name(NAME.into()).with_partitions(vec![partition]);
            let dir = DescribeLogDirsResult::default().with_log_dir(NAME).with_topics(vec![topic.clone(), topic]);
            DescribeLogDirsResponse::default().with_results(vec![dir])
        });
        check::<DescribeProducersRequest>(|_| {
            let state = ProducerState::default().with_producer_id(7.into());
            let partition = PartitionResponse::default().with_active_producers(vec![state.clone(), state]);
            let topic = TopicResponse::default().with_name(NAME.into()).with_partitions(vec![partition]);
            DescribeProducersResponse::default().with_topics(vec![topic.clone(), topic])
        });
        check::<ListTransactionsRequest>(|_| {
            let state = list_transactions_response::TransactionState::default().with_transactional_id(NAME.into());
            ListTransactionsResponse::default()
                .with_unknown_state_filters(vec![NAME])
                .with_transaction_states(vec![state.clone(), state])
        });
        check::<DescribeTransactionsRequest>(|_| {
            let topic = describe_transactions_response::TopicData::default().with_partitions(vec![1, 2]);
            let state = describe_transactions_response::TransactionState::default()
                .with_transactional_id(NAME.into())
                .with_topics(vec![topic.clone(), topic]);
            DescribeTransactionsResponse::default().with_transaction_states(vec![state.clone(), state])
        });
        check::<AlterUserScramCredentialsRequest>(|_| {
            let user = AlterUserScramCredentialsResult::default().with_user(NAME).with_error_message(Some(NAME));
            AlterUserScramCredentialsResponse::default().with_results(vec![user.clone(), user])
        });
        check::<CreateAclsRequest>(|_| {
            let made = AclCreationResult::default().with_error_message(Some(NAME));
            CreateAclsResponse::default().with_results(vec![made, AclCreationResult::default()])
        });
        check::<DeleteAclsRequest>(|_| {
            let acl = DeleteAclsMatchingAcl::default().with_resource_name(NAME).with_principal(NAME).with_host(NAME);
            let gone = DeleteAclsFilterResult::default().with_matching_acls(vec![acl.clone(), acl]);
            DeleteAclsResponse::default().with_filter_results(vec![gone.clone(), gone])
        });
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_through_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), version in 0_i16..5) {
            holds::<DescribeQuorumRequest>(&bytes, version);
            holds::<DescribeAclsRequest>(&bytes, version);
            if holds::<DescribeLogDirsRequest>(&bytes, version) {
                let _text_may_be_broken = DescribeLogDirsResponse::decode(&mut Bytes::from(bytes), version);
            }
        }
    }
}
