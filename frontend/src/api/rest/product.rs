//! Products over REST.

use mesh_protocol::id::{DesignObjectId, PlanId, PublicationId};

use super::{RestApi, Transport, Verb, with_query};
use crate::api::{
    Answer, Edit, ListQuery, Page, PlanInput, PlanMove, PlanReview, PlanReviewRow, PlanView, ProductApi, ProductQuery,
    ProductRow, ProductView, PublicationInput, ReasonInput,
};

impl<T: Transport> ProductApi for RestApi<T> {
    calls! {
        get "/products" products(query ProductQuery) -> Page<ProductRow>;
        get "/products/{id}" product(path id: DesignObjectId) -> ProductView;
        post "/products/{id}/plans" create_plan(path id: DesignObjectId, body PlanInput) -> PlanView;
        put "/plans/{id}" update_plan(path id: PlanId, body Edit<PlanInput>) -> PlanView;
        post "/plans/{id}/move" move_plan(path id: PlanId, body Edit<PlanMove>) -> PlanView;
        get "/plan-reviews" plan_reviews(query ListQuery) -> Page<PlanReviewRow>;
        post "/plans/{id}/review" review_plan(path id: PlanId, body Edit<PlanReview>) -> PlanView;
        delete "/plans/{id}" delete_plan(path id: PlanId, revision) -> ();
        post "/products/{id}/publications" publish_product(path id: DesignObjectId, body PublicationInput) -> ProductView;
        put "/publications/{id}" update_publication(path id: PublicationId, body Edit<PublicationInput>) -> ProductView;
        post "/publications/{id}/withdraw" withdraw_publication(path id: PublicationId, body Edit<ReasonInput>) -> ProductView;
    }
}
