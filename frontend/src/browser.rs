//! The few things that only a browser can do. Everything here is called from event handlers and effects, which never run
//! on the server.

use leptos::prelude::*;
use leptos::wasm_bindgen::JsCast as _;

/// Puts text on the clipboard.
///
/// The clipboard API exists in secure contexts only (https, localhost); elsewhere the older command copies a selection.
pub fn copy(text: &str) {
    if window().is_secure_context() {
        let written = window().navigator().clipboard().write_text(text);
        // The promise is only observed so that a refusal is not reported as an unhandled error.
        leptos::task::spawn_local(async move {
            let _ = wasm_bindgen_futures::JsFuture::from(written).await;
        });
    } else {
        copy_selection(text);
    }
}

fn copy_selection(text: &str) -> Option<()> {
    let page = document().dyn_into::<web_sys::HtmlDocument>().ok()?;
    let area = page.create_element("textarea").ok()?.dyn_into::<web_sys::HtmlTextAreaElement>().ok()?;
    area.set_value(text);
    page.body()?.append_child(&area).ok()?;
    area.select();
    let _ = page.exec_command("copy");
    area.remove();
    Some(())
}

/// Loads another page from the server, session and all.
pub fn open(path: &str) {
    let _ = window().location().set_href(path);
}

/// Switches between light and dark, starting from what is seen now, and remembers the choice.
pub fn switch_theme() {
    let Some(root) = document().document_element() else { return };
    let chosen = root.get_attribute("data-theme");
    let dark = match chosen.as_deref() {
        Some(theme) => theme == "dark",
        None => {
            window().match_media("(prefers-color-scheme: dark)").ok().flatten().is_some_and(|query| query.matches())
        }
    };
    let theme = if dark { "light" } else { "dark" };
    let _ = root.set_attribute("data-theme", theme);
    if let Ok(Some(storage)) = window().local_storage() {
        let _ = storage.set_item("theme", theme);
    }
}

/// Marks the document as interactive, for tests and for anyone who looks.
pub fn mark_ready() {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-ready", "");
    }
}

/// Closes a popover that is open, by its element id.
pub fn close_popover(id: &str) {
    let element = document().get_element_by_id(id);
    if let Some(element) = element.and_then(|element| element.dyn_into::<web_sys::HtmlElement>().ok())
        && element.matches(":popover-open").unwrap_or(false)
    {
        let _ = element.hide_popover();
    }
}

/// The text of a field of the form that is being sent; empty when there is none.
#[must_use]
pub fn form_text(ev: &web_sys::SubmitEvent, name: &str) -> String {
    let form = ev.target().and_then(|target| target.dyn_into::<web_sys::HtmlFormElement>().ok());
    let data = form.and_then(|form| web_sys::FormData::new_with_form(&form).ok());
    data.and_then(|data| data.get(name).as_string()).unwrap_or_default()
}

/// The file that somebody chose in an input; none = they chose none.
#[must_use]
pub fn chosen_file(ev: &web_sys::Event) -> Option<web_sys::File> {
    let input = ev.target()?.dyn_into::<web_sys::HtmlInputElement>().ok()?;
    input.files()?.get(0)
}

/// What is in a file; none = it cannot be read.
pub async fn text_of(file: web_sys::File) -> Option<String> {
    wasm_bindgen_futures::JsFuture::from(file.text()).await.ok()?.as_string()
}
