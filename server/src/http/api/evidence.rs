//! The overview, what agents saw, and the domains it is sorted into.

use frontend::api::{
    AdoptInput, ApplicationDomainInput, ApplicationDomainView, CatalogObject, CatalogObjectInput, CatalogPage,
    CatalogQuery, DenialQuery, DenialRow, DesignObjectView, DomainSuggestion, Edit, FlowGraph, GraphQuery, ListQuery,
    Overview, Page, PortalApi, RecordsInput, RecordsPage, SchemaCheck, SchemaCheckInput, SearchPage, SearchQuery,
    SubscriptionQuery, SubscriptionRow,
};
use mesh_protocol::id::ApplicationDomainId;

operations! { "evidence",
    get "/api/v1/overview" overview() -> Overview;
    get "/api/v1/search" search(query SearchQuery) -> SearchPage;
    get "/api/v1/catalog" catalog(query CatalogQuery) -> CatalogPage;
    get "/api/v1/catalog/{id}" catalog_object(path String) -> CatalogObject;
    post "/api/v1/catalog/{id}/adopt" adopt_catalog_object(path String, body AdoptInput) -> DesignObjectView;
    post "/api/v1/catalog/{id}/records" catalog_records(path String, body RecordsInput) -> RecordsPage;
    put "/api/v1/catalog/{id}" update_catalog_object(path String, body Edit<CatalogObjectInput>) -> CatalogObject;
    get "/api/v1/domains" domains(query ListQuery) -> Page<ApplicationDomainView>;
    get "/api/v1/domains/suggestions" domain_suggestions() -> Page<DomainSuggestion>;
    post "/api/v1/domains" create_domain(body ApplicationDomainInput) -> ApplicationDomainView;
    put "/api/v1/domains/{id}" update_domain(path ApplicationDomainId, body Edit<ApplicationDomainInput>) -> ApplicationDomainView;
    delete "/api/v1/domains/{id}" delete_domain(path ApplicationDomainId, revision) -> ();
    post "/api/v1/schemas/check" check_schema(body SchemaCheckInput) -> SchemaCheck;
    get "/api/v1/graph" graph(query GraphQuery) -> FlowGraph;
    get "/api/v1/subscriptions" subscriptions(query SubscriptionQuery) -> Page<SubscriptionRow>;
    get "/api/v1/denials" denials(query DenialQuery) -> Page<DenialRow>;
}
