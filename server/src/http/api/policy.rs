//! The policy as a whole.

use frontend::api::{PolicyDocument, PolicyView, PortalApi};

operations! { "policy",
    get "/api/v1/policy" policy() -> PolicyView;
    get "/api/v1/policy/document" policy_document() -> PolicyDocument;
}
