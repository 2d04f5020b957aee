//! AsyncAPI documents: imported and compared. That of a version is an operation of the version.

use frontend::api::{
    AsyncApiCompare, AsyncApiDifference, AsyncApiImport, AsyncApiImportApply, AsyncApiImported, AsyncApiPlan, PortalApi,
};

operations! { "design",
    post "/api/v1/asyncapi/preview" preview_asyncapi(body AsyncApiImport) -> AsyncApiPlan;
    post "/api/v1/asyncapi/import" import_asyncapi(body AsyncApiImportApply) -> AsyncApiImported;
    post "/api/v1/asyncapi/compare" compare_asyncapi(body AsyncApiCompare) -> AsyncApiDifference;
}
