//! Products: what is offered to others, under which plans, and where.

use frontend::api::{
    Edit, ListQuery, Page, PlanInput, PlanMove, PlanReview, PlanReviewRow, PlanView, ProductApi, ProductQuery,
    ProductRow, ProductView, PublicationInput, ReasonInput,
};
use mesh_protocol::id::{DesignObjectId, PlanId, PublicationId};

operations! { "products",
    get "/api/v1/products" products(query ProductQuery) -> Page<ProductRow>;
    get "/api/v1/products/{id}" product(path DesignObjectId) -> ProductView;
    post "/api/v1/products/{id}/plans" create_plan(path DesignObjectId, body PlanInput) -> PlanView;
    put "/api/v1/plans/{id}" update_plan(path PlanId, body Edit<PlanInput>) -> PlanView;
    post "/api/v1/plans/{id}/move" move_plan(path PlanId, body Edit<PlanMove>) -> PlanView;
    get "/api/v1/plan-reviews" plan_reviews(query ListQuery) -> Page<PlanReviewRow>;
    post "/api/v1/plans/{id}/review" review_plan(path PlanId, body Edit<PlanReview>) -> PlanView;
    delete "/api/v1/plans/{id}" delete_plan(path PlanId, revision) -> ();
    post "/api/v1/products/{id}/publications" publish_product(path DesignObjectId, body PublicationInput) -> ProductView;
    put "/api/v1/publications/{id}" update_publication(path PublicationId, body Edit<PublicationInput>) -> ProductView;
    post "/api/v1/publications/{id}/withdraw" withdraw_publication(path PublicationId, body Edit<ReasonInput>) -> ProductView;
}
