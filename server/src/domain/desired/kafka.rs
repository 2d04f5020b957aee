//! Users of clusters as the agents keep them that run the clusters' connectors.
//!
//! A credential's user is there while its grant is given at the cluster's site. One that was removed stays in the document, as
//! one that is to be gone, until the agent has said that it is.

use mesh_protocol::desired::{KafkaAccess, KafkaUser};
use mesh_protocol::id::{AgentId, BrokerId};

use super::super::access::grant::{Grant, State};
use super::super::access::kafka::{Told, Topics, group_prefix, user_prefix};
use super::super::broker::Broker;
use super::Mesh;

impl Mesh {
    /// The users that an agent keeps, in a lasting order.
    pub(super) fn kafka_access_of(&self, agent: AgentId) -> Vec<KafkaAccess> {
        let mut kept: Vec<BrokerId> = self.brokers.iter().map(|broker| broker.id).collect();
        kept.retain(|id| self.owner(*id) == Some(agent));
        kept.sort_unstable();
        let access = |broker| {
            let mut users: Vec<KafkaUser> = self.users_at(broker).map(|one| self.kafka_user(one)).collect();
            users.sort_by_key(|user| user.id);
            (!users.is_empty()).then(|| KafkaAccess { broker, prefix: user_prefix(self.environment.id, broker), users })
        };
        kept.into_iter().filter_map(access).collect()
    }

    fn users_at(&self, broker: BrokerId) -> impl Iterator<Item = &Told> {
        self.kafka_credentials.iter().filter(move |one| one.credential.broker == broker)
    }

    /// A credential as the document says it: what is said about its user is said about exactly this.
    #[must_use]
    pub fn kafka_user(&self, one: &Told) -> KafkaUser {
        let credential = &one.credential;
        let grant = self.grants.iter().find(|grant| grant.id == credential.grant);
        let grant = grant.filter(|grant| credential.removed_at_ms.is_none() && self.holds_at(grant, credential.broker));
        let username = credential.username.clone();
        let Some(grant) = grant else {
            return KafkaUser {
                id: credential.id,
                username,
                present: false,
                expires_at_ms: None,
                password: None,
                acls: Vec::new(),
            };
        };
        KafkaUser {
            id: credential.id,
            username,
            present: true,
            expires_at_ms: credential.ends(grant),
            password: Some(one.password.clone()),
            acls: Topics::of(&self.routes, credential.broker, &grant.terms).acls(&group_prefix(grant.id)),
        }
    }

    /// Whether a grant is given now at the site of a cluster.
    #[must_use]
    pub fn holds_at(&self, grant: &Grant, broker: BrokerId) -> bool {
        let site = self.brokers.iter().find(|found| found.id == broker).map(|found: &Broker| found.spec.site);
        let places = self.places_of(grant).filter(|_| grant.state == State::Active);
        site.zip(places).is_some_and(|(site, places)| places.is_empty() || places.contains(&site))
    }
}

#[cfg(test)]
mod tests {
    use mesh_protocol::desired::Password;
    use mesh_protocol::id::{AgentId, GrantId, KafkaCredentialId, RouteId};
    use mesh_protocol::sealed::Sealed;
    use mesh_protocol::topic::Filter;
    use uuid::Uuid;

    use super::super::super::access::grant::Terms;
    use super::super::super::access::grant::tests::grant;
    use super::super::super::access::kafka::Credential;
    use super::super::super::route::To;
    use super::super::tests::mesh;
    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn told(broker: u128) -> Told {
        Told {
            credential: Credential {
                id: KafkaCredentialId(id(90)),
                grant: GrantId(id(1)),
                broker: BrokerId(id(broker)),
                username: "mp-0123456789ab-1".to_owned(),
                expires_at_ms: None,
                removed_at_ms: None,
                revision: 1,
                created_at_ms: 0,
                created_by: "dev".to_owned(),
            },
            keeper: None,
            password: Password::Sealed(Sealed { to: "22".to_owned(), ..Sealed::default() }),
        }
    }

    /// A grant of the sensors that berlin's cluster (200) has, with a user there.
    fn given(state: State) -> Mesh {
        let mut mesh = mesh();
        let subscribe = vec![Filter::mesh("sensors/>").expect("sound")];
        mesh.grants = vec![Grant { terms: Terms { subscribe, ..Terms::default() }, ..grant(state) }];
        mesh.kafka_credentials = vec![told(200)];
        mesh
    }

    fn users(mesh: &Mesh, agent: u128) -> Vec<KafkaUser> {
        let state = mesh.desired(AgentId(id(agent))).expect("enrolled");
        for access in &state.kafka_access {
            assert_eq!(access.prefix, user_prefix(mesh.environment.id, access.broker));
        }
        state.kafka_access.into_iter().flat_map(|access| access.users).collect()
    }

    #[test]
    fn only_the_agent_that_keeps_a_cluster_is_told_of_its_users() {
        let mesh = given(State::Active);
        assert!(users(&mesh, 11).is_empty() && users(&mesh, 33).is_empty());
        let told = users(&mesh, 22);
        assert!(told[0].present && matches!(told[0].password, Some(Password::Sealed(_))));
        assert_eq!(told[0].acls.len(), 3, "read and describe the topic, and its groups: {told:?}");
    }

    #[test]
    fn whoever_has_no_grant_any_more_is_to_be_gone_and_no_password_is_told() {
        let mut over = given(State::Active);
        over.grants.clear();
        let mut removed = given(State::Active);
        removed.kafka_credentials[0].credential.removed_at_ms = Some(5);
        for mesh in [given(State::Suspended), over, removed] {
            let told = users(&mesh, 22);
            assert!(!told[0].present && told[0].password.is_none() && told[0].acls.is_empty(), "{told:?}");
        }
        let mut gone = given(State::Active);
        gone.kafka_credentials.clear();
        assert_eq!(users(&gone, 22), [], "nothing is left to do there");
    }

    #[test]
    fn rights_follow_routes() {
        let mut mesh = given(State::Active);
        let before = users(&mesh, 22)[0].wanted();
        mesh.routes[0].spec.to = To::Mesh;
        assert_eq!(users(&mesh, 22)[0].wanted(), before, "the other end is another cluster's");
        mesh.routes[0].id = RouteId(id(81));
        mesh.routes.clear();
        assert_eq!(users(&mesh, 22)[0].acls, [], "it is there and may nothing");
    }
}
