//! What was done, in a word, with its undo. One polite live region; a toast goes after eight seconds.

use leptos::prelude::*;

use super::{Button, Glyph, Icon};

const SHOWN_FOR: std::time::Duration = std::time::Duration::from_secs(8);
/// More than these at once say nothing: the oldest goes.
const TOASTS_MAX: usize = 4;

#[derive(Clone)]
struct Toast {
    id: u64,
    tone: &'static str,
    text: String,
    undo: Option<Callback<()>>,
}

/// Says what was done. Cheap to copy; take it with [`Toasts::get`].
#[derive(Clone, Copy)]
pub struct Toasts {
    next: StoredValue<u64>,
    list: RwSignal<Vec<Toast>>,
}

impl std::fmt::Debug for Toasts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Toasts").finish_non_exhaustive()
    }
}

impl Toasts {
    /// Puts them into the context of the app.
    pub(crate) fn provide() {
        provide_context(Self { next: StoredValue::new(0), list: RwSignal::new(Vec::new()) });
    }

    /// The toasts of this app.
    ///
    /// # Panics
    /// Outside [`App`](crate::App), which provides them.
    #[must_use]
    pub fn get() -> Self {
        use_context().expect("the app provides toasts")
    }

    /// It is done.
    pub fn done(self, text: impl Into<String>) {
        self.push("ok", text.into(), None);
    }

    /// It is done, and this takes it back.
    pub fn done_with_undo(self, text: impl Into<String>, undo: impl Fn(()) + Send + Sync + 'static) {
        self.push("ok", text.into(), Some(Callback::new(undo)));
    }

    /// It did not work; say what to do.
    pub fn failed(self, text: impl Into<String>) {
        self.push("bad", text.into(), None);
    }

    fn push(self, tone: &'static str, text: String, undo: Option<Callback<()>>) {
        let id = self.next.get_value();
        self.next.set_value(id + 1);
        self.list.update(|list| {
            list.push(Toast { id, tone, text, undo });
            if list.len() > TOASTS_MAX {
                list.remove(0);
            }
        });
        set_timeout(move || self.close(id), SHOWN_FOR);
    }

    fn close(self, id: u64) {
        self.list.update(|list| list.retain(|toast| toast.id != id));
    }
}

/// Draws the toasts. Once per document.
#[component]
pub fn Toaster() -> impl IntoView {
    let toasts = Toasts::get();
    view! {
        <div class="m-toasts" role="status" aria-live="polite">
            <For each=move || toasts.list.get() key=|toast| toast.id let:toast>
                <div class="m-toast" data-tone=toast.tone>
                    {if toast.tone == "bad" { view! { <Glyph name="failed"/> } } else { view! { <Glyph name="live"/> } }}
                    <div>{toast.text.clone()}</div>
                    <div class="m-toast__acts">
                        {toast
                            .undo
                            .map(|undo| {
                                view! {
                                    <Button small=true icon="undo" on_press=move |()| { toasts.close(toast.id); undo.run(()); }>
                                        "Undo"
                                    </Button>
                                }
                            })}
                        <button class="m-toast__close" type="button" aria-label="Close" on:click=move |_| toasts.close(toast.id)>
                            <Icon name="cross" small=true/>
                        </button>
                    </div>
                </div>
            </For>
        </div>
    }
    .into_any()
}
