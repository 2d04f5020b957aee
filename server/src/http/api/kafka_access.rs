//! Kafka credentials of grants.

use frontend::api::{
    KafkaAccessApi, KafkaCredentialInput, KafkaCredentialSecret, KafkaCredentialView, KafkaOffer, ListQuery, Page,
    RotateInput,
};
use mesh_protocol::id::{GrantId, KafkaCredentialId};

operations! { "access",
    get "/api/v1/grants/{id}/kafka-clusters" kafka_offers(path GrantId, query ListQuery) -> Page<KafkaOffer>;
    get "/api/v1/grants/{id}/kafka-credentials" kafka_credentials(path GrantId, query ListQuery) -> Page<KafkaCredentialView>;
    post "/api/v1/grants/{id}/kafka-credentials" issue_kafka_credential(path GrantId, body KafkaCredentialInput) -> KafkaCredentialSecret;
    post "/api/v1/kafka-credentials/{id}/rotate" rotate_kafka_credential(path KafkaCredentialId, body RotateInput) -> KafkaCredentialSecret;
    delete "/api/v1/kafka-credentials/{id}" remove_kafka_credential(path KafkaCredentialId, revision) -> ();
}
