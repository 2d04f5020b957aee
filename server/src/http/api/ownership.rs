//! What nobody answers for, and owners of many things at once.

use frontend::api::{
    OwnershipApply, OwnershipDone, OwnershipImport, OwnershipPage, OwnershipPreview, OwnershipQuery, OwnershipTask,
    PortalApi,
};

operations! { "teams",
    get "/api/v1/ownership" ownership(query OwnershipQuery) -> OwnershipPage;
    post "/api/v1/ownership" apply_ownership(body OwnershipApply<OwnershipTask>) -> OwnershipDone;
    post "/api/v1/ownership/preview" preview_ownership(body OwnershipTask) -> OwnershipPreview;
    post "/api/v1/ownership/import" import_owners(body OwnershipApply<OwnershipImport>) -> OwnershipDone;
    post "/api/v1/ownership/import/preview" preview_owners(body OwnershipImport) -> OwnershipPreview;
}
