//! Kafka credentials as one caller sees them.

use frontend::api::{
    Answer, KafkaAccessApi, KafkaCredentialInput, KafkaCredentialSecret, KafkaCredentialView, KafkaOffer, ListQuery,
    Page, RotateInput,
};
use mesh_protocol::id::{GrantId, KafkaCredentialId};

use super::Portal;

impl KafkaAccessApi for Portal {
    delegate! {
        fn kafka_offers(id: GrantId, query: ListQuery) -> Page<KafkaOffer>;
        fn kafka_credentials(id: GrantId, query: ListQuery) -> Page<KafkaCredentialView>;
        fn issue_kafka_credential(id: GrantId, input: KafkaCredentialInput) -> KafkaCredentialSecret;
        fn rotate_kafka_credential(id: KafkaCredentialId, input: RotateInput) -> KafkaCredentialSecret;
        fn remove_kafka_credential(id: KafkaCredentialId, revision: i64) -> ();
    }
}
