//! Teams, what they own, and what nobody answers for.

use serde_json::json;

use super::fixture::teams::{TEAM, queue, team};
use super::fixture::{drift, id, me, retailer};
use super::{admin_sees, page};

fn address() -> String {
    format!("/teams/{}", id(TEAM))
}

#[test]
fn teams_are_listed_with_their_people_contact_and_what_they_own() {
    let html = admin_sees(retailer(), "/teams");
    for text in [
        "store-systems",
        "Jonas Weber, Eve Ng",
        "href=\"mailto:store-systems@shop.example\"",
        "1 domain, 2 objects",
        "2 members, store-systems@shop.example",
        &format!("href=\"{}\"", address()),
        "1 team",
    ] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    let none = || retailer().with("/teams", json!([]));
    assert!(admin_sees(none(), "/teams").contains("No teams yet"));
    assert!(admin_sees(none(), "/teams?q=x").contains("No team is like that"));
    let (_, _, viewers) = page(retailer(), Some(me("viewer")), "/teams");
    assert!(viewers.contains("This takes the role developer"), "{viewers}");
}

#[test]
fn a_team_shows_how_to_reach_it_and_what_it_owns_by_kind() {
    let html = admin_sees(retailer(), &address());
    for text in [
        "href=\"mailto:store-systems@shop.example\"",
        "Jonas Weber",
        "Lead",
        "may sign in",
        "may not sign in",
        "Kafka topics",
        "href=\"/catalog/topic:2\"",
        "no longer there",
        "href=\"/search?owner=store-systems\"",
        "Delete team",
    ] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    let chat = retailer().with(&format!("/teams/{}", id(TEAM)), team("#store-systems", 0));
    let html = admin_sees(chat, &address());
    assert!(html.contains("#store-systems") && !html.contains("mailto:"), "a channel is no link: {html}");
    let nothing = retailer().with(&format!("/teams/{}/owned", id(TEAM)), json!([]));
    assert!(admin_sees(nothing, &address()).contains("It owns nothing yet"));
    let (_, _, html) = page(retailer(), Some(me("admin")), &format!("/teams/{}", id(77)));
    assert!(html.contains("It is not here"), "{html}");
}

#[test]
fn a_lead_may_edit_the_team_and_not_delete_it() {
    let seen = |person: u32, is_lead: bool| {
        let mut known = team("#store-systems", 0);
        known["members"][0]["person"] = json!(id(person));
        known["members"][0]["is_lead"] = json!(is_lead);
        let (_, _, html) =
            page(retailer().with(&format!("/teams/{}", id(TEAM)), known), Some(me("viewer")), &address());
        html
    };
    // Whose page it is has the id 900.
    let locked = |html: &str| html.matches("This takes the role developer").count();
    let (lead, member, other) = (seen(900, true), seen(900, false), seen(901, true));
    assert!(locked(&lead) < locked(&member), "one button less is locked: {lead}");
    assert_eq!(locked(&member), locked(&other));
    assert!(other.contains("Or ask one of its leads.") && !lead.contains("Or ask one of its leads."), "{lead}");
}

#[test]
fn an_owner_that_is_a_team_leads_to_it_and_any_other_is_a_name() {
    let link = format!("<a href=\"{}\">Store Systems<", address());
    let mut findings = drift::findings();
    let html = admin_sees(retailer(), "/drift");
    assert!(html.contains("Store Systems") && !html.contains(&link), "{html}");
    findings["items"][1]["team"] = json!(id(TEAM));
    let html = admin_sees(retailer().with("/drift", findings), "/drift");
    assert!(html.contains(&link), "{html}");
}

#[test]
fn the_queue_says_who_could_answer_for_it_and_why() {
    let html = admin_sees(retailer(), "/ownership");
    for text in [
        "till sends there and belongs to store-systems.",
        "nothing speaks for anybody",
        &format!("<a href=\"{}\">store-systems<", address()),
        "name=\"thing\"",
        "href=\"?kind=schema\"",
        "2 without an owner",
        "Import a list",
    ] {
        assert!(html.contains(text), "it lacks {text}: {html}");
    }
    let (_, _, viewers) = page(retailer(), Some(me("viewer")), "/ownership");
    assert!(!viewers.contains("name=\"thing\""), "who may not give selects nothing");
    let none = || retailer().with("/ownership", queue(&json!([])));
    assert!(admin_sees(none(), "/ownership").contains("Somebody answers for everything"));
    assert!(admin_sees(none(), "/ownership?kind=topic").contains("Nothing like that is without an owner"));
    let broken = retailer().failing("/ownership", 500, "internal", "the store did not answer");
    assert!(admin_sees(broken, "/ownership").contains("The things without an owner did not load"));
}
