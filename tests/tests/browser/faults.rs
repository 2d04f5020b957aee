//! What is wrong with a page that is open, whatever it is about.

use std::time::Duration;

use system_tests::browser::Browser;

/// A violation is looked at so often again, with so much time in between.
const LOOKS: usize = 2;
const BETWEEN_LOOKS: Duration = Duration::from_millis(700);

/// Everything that axe, the console and the width of the page say against it, each with the place it was found at.
pub(crate) async fn faults(browser: &Browser, place: &str) -> anyhow::Result<Vec<String>> {
    let mut faults = lasting_violations(browser).await?;
    faults.extend(browser.console_errors().await?);
    let overflow = browser.script("return document.documentElement.scrollWidth - window.innerWidth").await?;
    if overflow.as_i64().is_none_or(|pixels| pixels > 0) {
        faults.push(format!("the page is {overflow} px wider than the window"));
    }
    Ok(faults.into_iter().map(|fault| format!("{place}: {fault}")).collect())
}

/// A page that is live is now and then looked at in the middle of an update; what is wrong with it stays wrong.
async fn lasting_violations(browser: &Browser) -> anyhow::Result<Vec<String>> {
    let mut violations = browser.violations().await?;
    for _ in 0..LOOKS {
        if violations.is_empty() {
            break;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
        let again = browser.violations().await?;
        violations.retain(|violation| again.contains(violation));
    }
    Ok(violations)
}

/// Fails with all of them.
pub(crate) fn none(faults: &[String]) -> anyhow::Result<()> {
    anyhow::ensure!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}
