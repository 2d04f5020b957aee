//! Sites, agents, links, listeners, broker connections.

use frontend::api::{
    AgentView, BrokerInput, BrokerView, Edit, JoinLine, JoinTokenInput, LinkInput, LinkView, ListQuery, ListenerInput,
    ListenerView, Page, PortalApi, ReasonInput, SiteInput, SiteView,
};
use mesh_protocol::id::{AgentId, BrokerId, LinkId, ListenerId, SiteId};

operations! { "topology",
    get "/api/v1/sites" sites(query ListQuery) -> Page<SiteView>;
    get "/api/v1/sites/{id}" site(path SiteId) -> SiteView;
    post "/api/v1/sites" create_site(body SiteInput) -> SiteView;
    put "/api/v1/sites/{id}" update_site(path SiteId, body Edit<SiteInput>) -> SiteView;
    delete "/api/v1/sites/{id}" delete_site(path SiteId, revision) -> ();
    post "/api/v1/sites/{id}/join-tokens" create_join_token(path SiteId, body JoinTokenInput) -> JoinLine;
    get "/api/v1/agents" agents(query ListQuery) -> Page<AgentView>;
    get "/api/v1/agents/{id}" agent(path AgentId) -> AgentView;
    post "/api/v1/agents/{id}/replacement" create_replacement(path AgentId, body JoinTokenInput) -> JoinLine;
    post "/api/v1/agents/{id}/revoke" revoke_agent(path AgentId, body ReasonInput) -> ();
    get "/api/v1/links" links(query ListQuery) -> Page<LinkView>;
    post "/api/v1/links" create_link(body LinkInput) -> LinkView;
    put "/api/v1/links/{id}" update_link(path LinkId, body Edit<LinkInput>) -> LinkView;
    delete "/api/v1/links/{id}" delete_link(path LinkId, revision) -> ();
    get "/api/v1/listeners" listeners(query ListQuery) -> Page<ListenerView>;
    post "/api/v1/listeners" create_listener(body ListenerInput) -> ListenerView;
    put "/api/v1/listeners/{id}" update_listener(path ListenerId, body Edit<ListenerInput>) -> ListenerView;
    delete "/api/v1/listeners/{id}" delete_listener(path ListenerId, revision) -> ();
    get "/api/v1/brokers" brokers(query ListQuery) -> Page<BrokerView>;
    post "/api/v1/brokers" create_broker(body BrokerInput) -> BrokerView;
    put "/api/v1/brokers/{id}" update_broker(path BrokerId, body Edit<BrokerInput>) -> BrokerView;
    delete "/api/v1/brokers/{id}" delete_broker(path BrokerId, revision) -> ();
}
