//! A real browser: Debian's Chromium, driven over WebDriver.
//!
//! An old wasm under a new page fails silently, so "open" always means that the page's own program runs (`data-ready`),
//! and every test ends by asking for errors in the console.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Context;
use demo::ports::free_port;
use demo::process::Process;
use demo::wait::until;
use serde_json::Value;
use thirtyfour::LoggingPrefsLogLevel;
use thirtyfour::prelude::{By, Key, WebDriver, WebElement};
use thirtyfour::{ChromeCapabilities, ChromiumLikeCapabilities, DesiredCapabilities, TypingData};

use crate::SOON;

/// Deque's accessibility checker; it looks for what a machine can find of WCAG 2.2 A and AA. One rule, which axe itself
/// calls experimental, is run apart and outside of drawings only: it takes every figure that is drawn inside a node of a
/// graph for a part of its label.
const AXE: &str = include_str!("../vendor/axe.min.js");
const RUN_AXE: &str = "
    const done = arguments[arguments.length - 1];
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
    const apart = 'label-content-name-mismatch';
    const found = result =>
        result.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target.join(' ')).slice(0, 3).join(', '));
    const run = async () => [
        ...found(await axe.run(document, { runOnly: tags, rules: { [apart]: { enabled: false } } })),
        ...found(await axe.run({ exclude: ['svg'] }, { runOnly: { type: 'rule', values: [apart] } })),
    ];
    run().then(done, error => done(['axe failed: ' + error]));";

/// Wide and narrow windows, in CSS pixels.
pub const WIDE: (u32, u32) = (1440, 900);
/// As wide as a phone.
pub const NARROW: (u32, u32) = (390, 844);

/// One browser session. Dropping it ends the browser with its driver.
#[derive(Debug)]
pub struct Browser {
    driver: WebDriver,
    base: String,
    _process: Process,
}

impl Browser {
    /// Starts a browser for the portal at `base`.
    ///
    /// # Errors
    /// Chromium or its driver is missing or does not start.
    pub async fn start(base: &str, folder: &Path) -> anyhow::Result<Self> {
        let port = free_port()?;
        let mut command = Command::new("chromedriver");
        command.arg(format!("--port={port}")).env("HOME", folder);
        let mut process =
            Process::start("chromedriver", &command, folder).context("install the package chromium-driver")?;
        let url = format!("http://127.0.0.1:{port}");
        let driver = until("the browser starts", SOON, async || {
            process.check()?;
            Ok(Some(WebDriver::new(&url, capabilities(folder)?).await?))
        })
        .await?;
        driver.set_script_timeout(Duration::from_secs(60)).await.context("allow scripts to take their time")?;
        let browser = Self { driver, base: base.to_owned(), _process: process };
        browser.resize(WIDE).await?;
        Ok(browser)
    }

    /// Opens a path of the portal and waits until the page is interactive.
    ///
    /// # Errors
    /// It does not become interactive.
    pub async fn open(&self, path: &str) -> anyhow::Result<()> {
        self.driver.goto(format!("{}{path}", self.base)).await.with_context(|| format!("open {path}"))?;
        self.element("html[data-ready]").await.with_context(|| format!("{path} becomes interactive")).map(drop)
    }

    /// Signs in by the form.
    ///
    /// # Errors
    /// The form does not lead to the overview.
    pub async fn sign_in(&self, login: &str, password: &str) -> anyhow::Result<()> {
        self.open("/login").await?;
        self.element("input[name=login]").await?.send_keys(login).await.context("type the name")?;
        self.element("input[name=password]").await?.send_keys(password).await.context("type the password")?;
        self.element("form button[type=submit]").await?.click().await.context("submit")?;
        until("the portal lets the person in", SOON, async || {
            Ok((!self.path().await?.starts_with("/login")).then_some(()))
        })
        .await
    }

    /// The first element of a CSS selector, once it is there.
    ///
    /// # Errors
    /// It does not come.
    pub async fn element(&self, selector: &str) -> anyhow::Result<WebElement> {
        until(&format!("`{selector}` is on the page"), SOON, async || {
            Ok(Some(self.driver.find(By::Css(selector)).await.with_context(|| format!("find {selector}"))?))
        })
        .await
    }

    /// Waits until the page shows a text.
    ///
    /// # Errors
    /// It does not come; tells what is shown instead.
    pub async fn text(&self, wanted: &str) -> anyhow::Result<()> {
        until(&format!("the page shows \"{wanted}\""), SOON, async || {
            let text = self.element("body").await?.text().await.context("read the page")?;
            anyhow::ensure!(text.contains(wanted), "it shows: {text}");
            Ok(Some(()))
        })
        .await
    }

    /// Waits until something that an XPath names shows a text.
    ///
    /// # Errors
    /// It does not come; tells what is shown instead.
    pub async fn text_of(&self, path: &str, wanted: &str) -> anyhow::Result<()> {
        until(&format!("`{path}` shows \"{wanted}\""), SOON, async || {
            let mut shown = Vec::new();
            for found in self.driver.find_all(By::XPath(path)).await.context("look for it")? {
                shown.push(found.text().await.context("read it")?);
            }
            if !shown.iter().any(|text| text.contains(wanted)) {
                let page = self.element("body").await?.text().await.context("read the page")?;
                anyhow::bail!("it shows: {shown:?}; the page shows: {page}");
            }
            Ok(Some(()))
        })
        .await
    }

    /// Waits until the heading of the page holds a text.
    ///
    /// # Errors
    /// It does not come; tells what is shown instead.
    pub async fn heading(&self, wanted: &str) -> anyhow::Result<()> {
        self.text_of("//main//h1", wanted).await
    }

    /// Whether something of a CSS selector is displayed now.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn shows(&self, selector: &str) -> anyhow::Result<bool> {
        for found in self.driver.find_all(By::Css(selector)).await.context("look for it")? {
            if found.is_displayed().await.context("look at it")? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The link or button with this text, once it is there.
    ///
    /// # Errors
    /// It does not come.
    pub async fn control(&self, text: &str) -> anyhow::Result<WebElement> {
        self.displayed(&format!("//{}", control_with(text))).await
    }

    /// Clicks the link or button with this text.
    ///
    /// # Errors
    /// It does not come or cannot be clicked.
    pub async fn click(&self, text: &str) -> anyhow::Result<()> {
        self.click_at(&format!("//{}", control_with(text))).await
    }

    /// Clicks the link or button with this text in the dialog that is open.
    ///
    /// # Errors
    /// It does not come or cannot be clicked.
    pub async fn click_in_dialog(&self, text: &str) -> anyhow::Result<()> {
        self.click_at(&format!("//dialog[@open]//{}", control_with(text))).await
    }

    /// Clicks what is called so for a screen reader.
    ///
    /// # Errors
    /// It does not come or cannot be clicked.
    pub async fn click_label(&self, label: &str) -> anyhow::Result<()> {
        self.click_at(&format!("//*[@aria-label=\"{label}\"]")).await
    }

    /// Clicks what an XPath names, once it is displayed and nothing covers it.
    ///
    /// # Errors
    /// It does not come or cannot be clicked.
    pub async fn click_at(&self, path: &str) -> anyhow::Result<()> {
        until(&format!("`{path}` can be clicked"), SOON, async || {
            let Some(found) = self.displayed_now(path).await? else { return Ok(None) };
            found.click().await.with_context(|| format!("click {path}"))?;
            Ok(Some(()))
        })
        .await
    }

    /// Writes into the field of this name, instead of what it holds.
    ///
    /// # Errors
    /// There is no such field.
    pub async fn fill(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let field = self.element(&format!("input[name={name}]")).await?;
        field.send_keys(Key::Control + "a").await.with_context(|| format!("select what {name} holds"))?;
        field.send_keys(text).await.with_context(|| format!("write into {name}"))
    }

    /// What the field of a CSS selector holds; of a list, the words of its choice.
    ///
    /// # Errors
    /// It does not come.
    pub async fn held(&self, selector: &str) -> anyhow::Result<String> {
        self.element(selector).await?;
        let script = "const field = document.querySelector(arguments[0]);
            return field.selectedOptions ? field.selectedOptions[0]?.textContent.trim() ?? '' : field.value;";
        let held = self.driver.execute(script, vec![Value::from(selector)]).await;
        held.and_then(|held| held.convert()).with_context(|| format!("read what {selector} holds"))
    }

    /// Chooses the option with these words in the list of this name.
    ///
    /// # Errors
    /// There is no such list, or no such option in it.
    pub async fn choose(&self, name: &str, words: &str) -> anyhow::Result<()> {
        self.click_at(&format!("//select[@name='{name}']/option[normalize-space(.)=\"{words}\"]")).await
    }

    /// Writes at the end of what a CSS selector names.
    ///
    /// # Errors
    /// It does not come.
    pub async fn type_into(&self, selector: &str, text: &str) -> anyhow::Result<()> {
        self.element(selector).await?.send_keys(text).await.with_context(|| format!("write into {selector}"))
    }

    /// Presses keys wherever the focus is.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn press(&self, keys: impl Into<TypingData>) -> anyhow::Result<()> {
        self.driver.action_chain().send_keys(keys).perform().await.context("press keys")
    }

    /// What the clipboard holds, by pasting it into a field of this CSS selector, which must be empty.
    ///
    /// # Errors
    /// There is no such field.
    pub async fn pasted(&self, selector: &str) -> anyhow::Result<String> {
        let field = self.element(selector).await?;
        field.send_keys(Key::Control + "v").await.context("paste")?;
        field.value().await.context("read what was pasted")?.context("the field has a value")
    }

    /// What an XPath names, once it is displayed.
    async fn displayed(&self, path: &str) -> anyhow::Result<WebElement> {
        until(&format!("`{path}` is displayed"), SOON, async || self.displayed_now(path).await).await
    }

    async fn displayed_now(&self, path: &str) -> anyhow::Result<Option<WebElement>> {
        for found in self.driver.find_all(By::XPath(path)).await.context("look for it")? {
            if found.is_displayed().await.context("look at it")? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The path of the page that is open.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn path(&self) -> anyhow::Result<String> {
        Ok(self.driver.current_url().await.context("ask for the address")?.path().to_owned())
    }

    /// Changes the size of the window.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn resize(&self, (width, height): (u32, u32)) -> anyhow::Result<()> {
        self.driver.set_window_rect(0, 0, width, height).await.context("resize the window")?;
        Ok(())
    }

    /// Runs a script in the page.
    ///
    /// # Errors
    /// The script throws.
    pub async fn script(&self, script: &str) -> anyhow::Result<Value> {
        Ok(self.driver.execute(script, Vec::new()).await.context("run a script")?.json().clone())
    }

    /// What axe finds on the page that is open.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn violations(&self) -> anyhow::Result<Vec<String>> {
        self.driver.execute(AXE, Vec::new()).await.context("load axe")?;
        let found = self.driver.execute_async(RUN_AXE, Vec::new()).await.context("run axe")?;
        found.convert().context("read what axe found")
    }

    /// Errors in the console since the last call.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn console_errors(&self) -> anyhow::Result<Vec<String>> {
        let log = self.driver.browser_log().await.context("read the console")?;
        Ok(log.into_iter().filter(|entry| entry.level == "SEVERE").map(|entry| entry.message).collect())
    }

    /// Saves a picture of the window.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn screenshot(&self, file: &Path) -> anyhow::Result<()> {
        self.driver.screenshot(file).await.context("save a picture")
    }

    /// Ends the browser in an orderly way.
    ///
    /// # Errors
    /// It has ended already.
    pub async fn quit(self) -> anyhow::Result<()> {
        self.driver.quit().await.context("end the browser")
    }
}

/// The XPath step to a link, button or summary with this text.
fn control_with(text: &str) -> String {
    format!("*[self::a or self::button or self::summary][contains(normalize-space(.), \"{text}\")]")
}

fn capabilities(folder: &Path) -> anyhow::Result<ChromeCapabilities> {
    let mut chrome = DesiredCapabilities::chrome();
    // Without these a headless Chromium calls home, and as root it does not start.
    let flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
    ];
    for flag in flags {
        chrome.add_arg(flag).context("configure the browser")?;
    }
    chrome
        .add_arg(&format!("--user-data-dir={}", folder.join("chromium").display()))
        .context("configure the browser")?;
    chrome.set_browser_log_level(LoggingPrefsLogLevel::All).context("keep the console's log")?;
    Ok(chrome)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::Browser;

    /// Serves one page, which breaks what the checks look for: an image without a text, and an error in the console.
    async fn serve(listener: TcpListener) {
        let page = "<!doctype html><html lang=en data-ready><title>t</title><main><h1>Hello</h1><img src='data:,'>\
                    <button>Press me</button></main><script>console.error('broken on purpose')</script></html>";
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            page.len()
        );
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(format!("{head}{page}").as_bytes()).await;
        }
    }

    #[tokio::test]
    async fn faults_of_a_page_are_found() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("it is bound"));
        let mut server = JoinSet::new();
        server.spawn(serve(listener));
        let folder = tempfile::tempdir().expect("a folder");
        let browser = Browser::start(&base, folder.path()).await.expect("Chromium starts");
        browser.open("/").await.expect("the page is there");
        browser.text("Hello").await.expect("it says so");
        browser.click("Press me").await.expect("the button is there");
        let violations = browser.violations().await.expect("axe runs");
        assert!(violations.iter().any(|violation| violation.starts_with("image-alt")), "{violations:?}");
        let errors = browser.console_errors().await.expect("there is a console");
        assert!(errors.iter().any(|error| error.contains("broken on purpose")), "{errors:?}");
        browser.quit().await.expect("it ends");
    }
}
