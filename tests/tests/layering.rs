//! The workspace as it is keeps the directions it was drawn with.

use std::path::Path;

#[test]
fn no_crate_and_no_module_imports_what_it_may_not() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the workspace");
    let complaints = system_tests::layering::check_workspace(root).expect("the sources can be read");
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}
