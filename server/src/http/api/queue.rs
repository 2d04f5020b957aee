//! Named queues, and what is in them or waits for a route's sink.

use frontend::api::{Edit, Page, PortalApi, QueueInput, QueueQuery, QueueView, ShelfDone, ShelfQuery, ShelfTask};
use mesh_protocol::id::{AgentId, QueueId, RouteId};
use mesh_protocol::queue::QueuedEvent;

operations! { "queues",
    get "/api/v1/queues" queues(query QueueQuery) -> Page<QueueView>;
    get "/api/v1/queues/{id}" queue(path QueueId) -> QueueView;
    post "/api/v1/queues" create_queue(body QueueInput) -> QueueView;
    put "/api/v1/queues/{id}" update_queue(path QueueId, body Edit<QueueInput>) -> QueueView;
    delete "/api/v1/queues/{id}" delete_queue(path QueueId, revision) -> ();
    get "/api/v1/queues/{id}/events" queue_events(path QueueId, query ShelfQuery) -> Page<QueuedEvent>;
    post "/api/v1/queues/{id}/events" handle_queue_events(path QueueId, body ShelfTask) -> ShelfDone;
    get "/api/v1/agents/{id}/dead-letters" agent_dead_letters(path AgentId, query ShelfQuery) -> Page<QueuedEvent>;
    post "/api/v1/agents/{id}/dead-letters" handle_agent_dead_letters(path AgentId, body ShelfTask) -> ShelfDone;
    get "/api/v1/routes/{id}/events" route_events(path RouteId, query ShelfQuery) -> Page<QueuedEvent>;
    post "/api/v1/routes/{id}/events" handle_route_events(path RouteId, body ShelfTask) -> ShelfDone;
}
