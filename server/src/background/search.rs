//! Keeps the search index up to date with what agents report and people edit.

use crate::app::App;

/// Feeds it until it is dropped.
pub async fn run(app: App) {
    app.feed_search().await;
}
