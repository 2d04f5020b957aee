//! What is designed beside what was seen, as a work queue.

use frontend::api::{
    DriftApply, DriftDone, DriftPage, DriftPreview, DriftProposals, DriftQuery, DriftSelection, DriftTask, DriftTrend,
    DriftTrendQuery, PortalApi,
};

operations! { "drift",
    get "/api/v1/drift" drift(query DriftQuery) -> DriftPage;
    get "/api/v1/drift/trend" drift_trend(query DriftTrendQuery) -> DriftTrend;
    post "/api/v1/drift" apply_drift(body DriftApply<DriftTask>) -> DriftDone;
    post "/api/v1/drift/proposals" drift_proposals(body DriftSelection) -> DriftProposals;
    post "/api/v1/drift/preview" preview_drift(body DriftTask) -> DriftPreview;
    post "/api/v1/drift/push" push_drift(body DriftApply<DriftSelection>) -> DriftDone;
    post "/api/v1/drift/push/preview" preview_push(body DriftSelection) -> DriftPreview;
}
