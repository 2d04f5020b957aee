use mesh_protocol::policy::DenyReason;

use super::*;
use crate::listener::testing::{Mesh, PATIENCE, principal_id};

#[tokio::test]
async fn an_expiry_between_a_change_and_the_look_at_it_is_told() {
    let mesh = Mesh::new();
    let enforcer = mesh.enforcer.clone();
    mesh.tasks.spawn_until_stopped("expiry", async move { enforcer.watch_expiry().await });
    // It has looked once and waits.
    tokio::task::yield_now().await;
    let session = mesh.enforcer.session(principal_id(1).into(), "till").expect("allowed");
    let ends = now_ms() + 300;
    mesh.edit(|policy| policy.principals[0].expires_at_ms = Some(ends));
    // A session that this change woke looks now, and then waits for the next.
    let mut changes = mesh.enforcer.changes();
    changes.borrow_and_update();
    let _ = mesh.enforcer.check_session(&session);
    // Nothing else runs on this thread: when the watch gets to see the change, the time is over.
    while now_ms() <= ends {
        std::thread::sleep(Duration::from_millis(5));
    }
    tokio::time::timeout(PATIENCE, changes.changed()).await.expect("it is told").expect("alive");
    assert!(matches!(
        mesh.enforcer.check_session(&session),
        Err(Denied::ByPolicy(DenyReason::Expired { at_ms })) if at_ms == ends
    ));
    // Once: a change without end would be one look of all sessions after the other.
    changes.borrow_and_update();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(!changes.has_changed().expect("alive"));
}
