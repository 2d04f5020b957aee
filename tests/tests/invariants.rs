//! Every invariant of the data plane names a test that exists.

use std::path::Path;

#[test]
fn every_invariant_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the workspace");
    let complaints = system_tests::invariants::check_workspace(root).expect("the page can be read");
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
