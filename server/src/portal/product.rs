//! Products as one caller sees them.

use frontend::api::{
    Answer, Edit, ListQuery, Page, PlanInput, PlanMove, PlanReview, PlanReviewRow, PlanView, ProductApi, ProductQuery,
    ProductRow, ProductView, PublicationInput, ReasonInput,
};
use mesh_protocol::id::{DesignObjectId, PlanId, PublicationId};

use super::Portal;

impl ProductApi for Portal {
    delegate! {
        fn products(query: ProductQuery) -> Page<ProductRow>;
        fn product(id: DesignObjectId) -> ProductView;
        fn create_plan(id: DesignObjectId, input: PlanInput) -> PlanView;
        fn update_plan(id: PlanId, input: Edit<PlanInput>) -> PlanView;
        fn move_plan(id: PlanId, input: Edit<PlanMove>) -> PlanView;
        fn plan_reviews(query: ListQuery) -> Page<PlanReviewRow>;
        fn review_plan(id: PlanId, input: Edit<PlanReview>) -> PlanView;
        fn delete_plan(id: PlanId, revision: i64) -> ();
        fn publish_product(id: DesignObjectId, input: PublicationInput) -> ProductView;
        fn update_publication(id: PublicationId, input: Edit<PublicationInput>) -> ProductView;
        fn withdraw_publication(id: PublicationId, input: Edit<ReasonInput>) -> ProductView;
    }
}
