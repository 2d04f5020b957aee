//! Reads what agents saw ahead of those who ask.

use crate::app::App;

/// Runs until it is dropped.
pub async fn run(app: App) {
    app.renew_readings().await;
}
