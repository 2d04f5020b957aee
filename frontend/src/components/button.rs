//! Buttons. One that the person may not use stays visible, says which right is missing and who gives it, and does nothing.

use leptos::prelude::*;

use super::Icon;

/// True once the page is interactive. Until then a submit button waits, so that no click and no password is lost.
#[must_use]
pub fn use_ready() -> RwSignal<bool> {
    use_context::<Ready>().map_or_else(|| RwSignal::new(true), |ready| ready.0)
}

/// The flag behind [`use_ready`], provided by the app.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready(pub(crate) RwSignal<bool>);

/// How loud a button is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// One among several.
    #[default]
    Plain,
    /// The one thing to do here.
    Primary,
    /// It takes something away.
    Danger,
    /// It stays in the background.
    Quiet,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Plain => "m-button",
            Self::Primary => "m-button m-button--primary",
            Self::Danger => "m-button m-button--danger",
            Self::Quiet => "m-button m-button--quiet",
        }
    }
}

/// Whether the person may do it; if not, the sentence that says so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Right {
    /// Yes.
    #[default]
    Granted,
    /// No: which right is missing and who gives it.
    Missing(String),
}

impl Right {
    /// Whether it is granted.
    #[must_use]
    pub const fn granted(&self) -> bool {
        matches!(self, Self::Granted)
    }

    fn sentence(&self) -> Option<String> {
        match self {
            Self::Granted => None,
            Self::Missing(sentence) => Some(sentence.clone()),
        }
    }
}

/// A button that acts.
#[component]
pub fn Button(
    /// What it does.
    #[prop(into)]
    on_press: Callback<()>,
    /// How loud it is.
    #[prop(optional)]
    tone: Tone,
    /// An icon before the words.
    #[prop(optional)]
    icon: Option<&'static str>,
    /// The small size, for rows of a table.
    #[prop(optional)]
    small: bool,
    /// Whether the person may.
    #[prop(into, optional)]
    right: Signal<Right>,
    /// What is said to a screen reader when the words alone are not enough ("Edit" which?).
    #[prop(into, optional)]
    label: Option<String>,
    /// The words.
    children: Children,
) -> impl IntoView {
    let class = if small { format!("{} m-button--small", tone.class()) } else { tone.class().to_owned() };
    let granted = move || right.with(Right::granted);
    view! {
        <button
            class=class
            type="button"
            aria-label=label
            aria-disabled=move || (!granted()).then_some("true")
            title=move || right.with(Right::sentence)
            on:click=move |_| {
                if right.with_untracked(Right::granted) {
                    on_press.run(());
                }
            }
        >
            {move || (!granted()).then(|| view! { <Icon name="lock" small=true/> })}
            {icon.map(|icon| view! { <Icon name=icon small=small/> })}
            {children()}
        </button>
    }
    .into_any()
}

/// The button that sends a form.
#[component]
pub fn Submit(
    /// Something is on its way: the button says so and cannot be pressed twice.
    #[prop(into, optional)]
    busy: Signal<bool>,
    /// How loud it is.
    #[prop(default = Tone::Primary)]
    tone: Tone,
    /// Whether the person may.
    #[prop(into, optional)]
    right: Signal<Right>,
    /// More classes.
    #[prop(optional)]
    class: &'static str,
    /// The words.
    children: Children,
) -> impl IntoView {
    let ready = use_ready();
    view! {
        <button
            class=format!("{} {class}", tone.class())
            type="submit"
            disabled=move || !ready.get() || busy.get() || !right.with(Right::granted)
            aria-busy=move || busy.get().then_some("true")
            title=move || right.with(Right::sentence)
        >
            {children()}
        </button>
    }
    .into_any()
}
