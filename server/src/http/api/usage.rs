//! What was used of grants.

use frontend::api::{Page, PortalApi, UsageQuery, UsageRow};

operations! { "usage",
    get "/api/v1/usage" usage(query UsageQuery) -> Page<UsageRow>;
}
