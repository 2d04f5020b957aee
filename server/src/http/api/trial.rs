//! "Try it".

use frontend::api::{PortalApi, PublishInput, PublishResult, TryClient, TryInput};

operations! { "try",
    post "/api/v1/try" try_client(body TryInput) -> TryClient;
    post "/api/v1/publish" publish(body PublishInput) -> PublishResult;
}
