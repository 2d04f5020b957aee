//! The design-time catalog.

use frontend::api::{
    AsyncApiDocument, AsyncApiQuery, DesignDifference, DesignDifferenceQuery, DesignLevelInput, DesignMove,
    DesignObjectInput, DesignObjectNew, DesignObjectView, DesignQuery, DesignVersionInput, DesignVersionView, Edit,
    Page, PortalApi,
};
use mesh_protocol::id::{DesignObjectId, DesignVersionId};

operations! { "design",
    get "/api/v1/designs" design_objects(query DesignQuery) -> Page<DesignObjectView>;
    get "/api/v1/designs/{id}" design_object(path DesignObjectId) -> DesignObjectView;
    post "/api/v1/designs" create_design_object(body DesignObjectNew) -> DesignObjectView;
    put "/api/v1/designs/{id}" update_design_object(path DesignObjectId, body Edit<DesignObjectInput>) -> DesignObjectView;
    delete "/api/v1/designs/{id}" delete_design_object(path DesignObjectId, revision) -> ();
    put "/api/v1/designs/{id}/level" set_design_level(path DesignObjectId, body DesignLevelInput) -> DesignObjectView;
    post "/api/v1/designs/{id}/versions" create_design_version(path DesignObjectId, body DesignVersionInput) -> DesignVersionView;
    get "/api/v1/design-versions/{id}" design_version(path DesignVersionId) -> DesignVersionView;
    put "/api/v1/design-versions/{id}" update_design_version(path DesignVersionId, body Edit<DesignVersionInput>) -> DesignVersionView;
    delete "/api/v1/design-versions/{id}" delete_design_version(path DesignVersionId, revision) -> ();
    post "/api/v1/design-versions/{id}/move" move_design_version(path DesignVersionId, body Edit<DesignMove>) -> DesignVersionView;
    get "/api/v1/design-versions/{id}/asyncapi" design_document(path DesignVersionId, query AsyncApiQuery) -> AsyncApiDocument;
    get "/api/v1/design-difference" design_difference(query DesignDifferenceQuery) -> DesignDifference;
}
