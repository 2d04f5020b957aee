//! Sends what people get by mail. One letter after the other: a mail server is there for queues, this is not.

use std::time::Duration;

use crate::app::App;
use crate::app::clock::now_ms;
use crate::app::error::chain;

/// How often it looks.
const INTERVAL: Duration = Duration::from_secs(2);

/// Runs until it is dropped; ends at once where the portal sends no mail.
pub async fn run(app: App) {
    if app.config().mail.is_none() {
        return;
    }
    loop {
        tokio::time::sleep(INTERVAL).await;
        let letters = match app.lease_mail(now_ms()).await {
            Ok(letters) => letters,
            Err(error) => {
                tracing::warn!(error = %chain(&error), "letters could not be taken");
                continue;
            }
        };
        for letter in &letters {
            if let Err(error) = app.send_mail(letter).await {
                tracing::warn!(error = %chain(&error), "what became of a letter could not be noted: it is sent again");
            }
        }
    }
}
