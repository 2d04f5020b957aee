//! The overview and what agents saw.

use frontend::api::{
    CatalogObject, CatalogObjectInput, CatalogPage, CatalogQuery, DenialQuery, DenialRow, Edit, FlowGraph, GraphQuery,
    Overview, Page, PortalApi, SubscriptionQuery, SubscriptionRow,
};

operations! { "evidence",
    get "/api/v1/overview" overview() -> Overview;
    get "/api/v1/catalog" catalog(query CatalogQuery) -> CatalogPage;
    get "/api/v1/catalog/{id}" catalog_object(path String) -> CatalogObject;
    put "/api/v1/catalog/{id}" update_catalog_object(path String, body Edit<CatalogObjectInput>) -> CatalogObject;
    get "/api/v1/graph" graph(query GraphQuery) -> FlowGraph;
    get "/api/v1/subscriptions" subscriptions(query SubscriptionQuery) -> Page<SubscriptionRow>;
    get "/api/v1/denials" denials(query DenialQuery) -> Page<DenialRow>;
}
