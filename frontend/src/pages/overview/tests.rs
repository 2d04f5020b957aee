use serde_json::json;

use super::*;

fn site(name: &str, agents: u32) -> SiteState {
    serde_json::from_value(json!({
        "id": "0190a000-0000-7000-8000-000000000001", "name": name, "region": "eu", "location": null, "agents_online": agents,
        "agents": agents, "clients": 0, "rate": 0.0, "brokers": [], "freshness": null,
    }))
    .expect("a site")
}

#[test]
fn the_first_step_is_a_site_then_an_agent_then_nothing() {
    assert_eq!(start(&[]), Start::NoSite);
    assert!(matches!(start(&[site("hq", 0)]), Start::NoAgent { name, .. } if name == "hq"));
    assert_eq!(start(&[site("hq", 0), site("lyon", 1)]), Start::Running);
}
