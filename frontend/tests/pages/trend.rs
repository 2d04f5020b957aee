//! How drift goes, on the overview and above the findings.

use frontend::api::Me;

use super::fixture::drift::trend;
use super::fixture::{me, retailer};
use super::{admin_sees, page};

#[test]
fn overview_and_drift_say_how_drift_goes() {
    for path in ["/", "/drift"] {
        let html = admin_sees(retailer(), path);
        for text in ["findings open", "3 more than a week ago", "counted once an hour", "m-spark__line"] {
            assert!(html.contains(text), "{path} lacks {text}: {html}");
        }
    }
    assert!(admin_sees(retailer(), "/").contains("What differs"), "the overview leads to the findings");
}

#[test]
fn one_count_is_no_line_and_an_error_leaves_the_findings() {
    let html = admin_sees(retailer().with("/drift/trend", trend(&[4], None)), "/drift");
    assert!(html.contains("The line begins with the second count.") && !html.contains("m-spark__line"), "{html}");
    let html = admin_sees(retailer().failing("/drift/trend", 500, "internal", "the store did not answer"), "/drift");
    assert!(html.contains("The trend of drift did not load") && html.contains("from till-7"), "{html}");
}

#[test]
fn who_sees_only_some_domains_is_shown_no_counts_of_all() {
    let limited = Me { rights: vec!["read".to_owned()], ..me("viewer") };
    let (_, _, html) = page(retailer(), Some(limited), "/drift");
    assert!(html.contains("from till-7") && !html.contains("a week ago"), "{html}");
}
