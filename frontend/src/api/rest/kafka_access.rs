//! Kafka credentials over REST.

use mesh_protocol::id::{GrantId, KafkaCredentialId};

use super::{RestApi, Transport, Verb, with_query};
use crate::api::{
    Answer, KafkaAccessApi, KafkaCredentialInput, KafkaCredentialSecret, KafkaCredentialView, KafkaOffer, ListQuery,
    Page, RotateInput,
};

impl<T: Transport> KafkaAccessApi for RestApi<T> {
    calls! {
        get "/grants/{id}/kafka-clusters" kafka_offers(path id: GrantId, query ListQuery) -> Page<KafkaOffer>;
        get "/grants/{id}/kafka-credentials" kafka_credentials(path id: GrantId, query ListQuery) -> Page<KafkaCredentialView>;
        post "/grants/{id}/kafka-credentials" issue_kafka_credential(path id: GrantId, body KafkaCredentialInput) -> KafkaCredentialSecret;
        post "/kafka-credentials/{id}/rotate" rotate_kafka_credential(path id: KafkaCredentialId, body RotateInput) -> KafkaCredentialSecret;
        delete "/kafka-credentials/{id}" remove_kafka_credential(path id: KafkaCredentialId, revision) -> ();
    }
}
