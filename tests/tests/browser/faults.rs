//! What is wrong with a page that is open, whatever it is about.

use system_tests::browser::Browser;

/// Everything that axe, the console and the width of the page say against it, each with the place it was found at.
pub(crate) async fn faults(browser: &Browser, place: &str) -> anyhow::Result<Vec<String>> {
    let mut faults = browser.violations().await?;
    faults.extend(browser.console_errors().await?);
    let overflow = browser.script("return document.documentElement.scrollWidth - window.innerWidth").await?;
    if overflow.as_i64().is_none_or(|pixels| pixels > 0) {
        faults.push(format!("the page is {overflow} px wider than the window"));
    }
    Ok(faults.into_iter().map(|fault| format!("{place}: {fault}")).collect())
}

/// Fails with all of them.
pub(crate) fn none(faults: &[String]) -> anyhow::Result<()> {
    anyhow::ensure!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}
