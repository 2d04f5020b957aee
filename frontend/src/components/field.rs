//! Form fields: label, control, hint, error. The browser's own form state is the state; a signal is bound only where the
//! page answers while one types.

use leptos::prelude::*;

use super::Icon;

/// The hint and the error below a control.
#[component]
fn Below(#[prop(into)] hint: Signal<String>, #[prop(into)] error: Signal<Option<String>>) -> impl IntoView {
    view! {
        <Show when=move || hint.with(|hint| !hint.is_empty())>
            <span class="m-field__hint">{hint}</span>
        </Show>
        <Wrong error=error/>
    }
    .into_any()
}

/// What is wrong with a group of controls; a control of its own shows it itself.
#[component]
pub fn Wrong(
    /// What is wrong.
    #[prop(into)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    view! {
        <Show when=move || error.with(Option::is_some)>
            <span class="m-field__error" role="alert"><Icon name="alert" small=true/>{move || error.get()}</span>
        </Show>
    }
    .into_any()
}

/// What is wrong: first what the browser sees while one types, then what the portal said.
pub fn either(
    portal: Signal<Option<String>>,
    own: impl Fn() -> Option<String> + Send + Sync + 'static,
) -> Signal<Option<String>> {
    Signal::derive(move || own().or_else(|| portal.get()))
}

/// A line of text.
#[component]
pub fn Field(
    /// What it is.
    #[prop(into)]
    label: String,
    /// The name in the form.
    name: &'static str,
    /// `text`, `password`, `number`…
    #[prop(default = "text")]
    kind: &'static str,
    /// The signal that follows the input, when the page answers while one types.
    #[prop(optional)]
    value: Option<RwSignal<String>>,
    /// The first value, when no signal follows it.
    #[prop(into, optional)]
    initial: String,
    /// One line of help.
    #[prop(into, optional)]
    hint: Signal<String>,
    /// What is wrong with it.
    #[prop(into, optional)]
    error: Signal<Option<String>>,
    /// An example, never the label.
    #[prop(into, optional)]
    placeholder: String,
    /// Whether it must be filled.
    #[prop(optional)]
    required: bool,
    /// Whether it is shown only.
    #[prop(optional)]
    fixed: bool,
    /// Topics, filters, ids.
    #[prop(optional)]
    mono: bool,
    /// The browser's hint for password managers.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// Id of the `<datalist>` of what can be chosen, where something else can be typed too.
    #[prop(optional)]
    list: Option<&'static str>,
) -> impl IntoView {
    let class = if mono { "m-input m-input--mono" } else { "m-input" };
    let first = value.map_or(initial, |value| value.get_untracked());
    view! {
        <label class="m-field">
            <span class="m-field__label">{label}</span>
            <input
                class=class
                type=kind
                name=name
                value=first
                placeholder=placeholder
                required=required
                readonly=fixed
                autocomplete=autocomplete
                list=list
                autocapitalize="none"
                spellcheck="false"
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                prop:value=move || value.map(|value| value.get())
                on:input=move |ev| {
                    if let Some(value) = value {
                        value.set(event_target_value(&ev));
                    }
                }
            />
            <Below hint=hint error=error/>
        </label>
    }
    .into_any()
}

/// Several lines of text.
#[component]
pub fn TextArea(
    /// What it is.
    #[prop(into)]
    label: String,
    /// The name in the form.
    name: &'static str,
    /// The signal that follows the input.
    value: RwSignal<String>,
    /// Lines that are seen at once.
    #[prop(default = 3)]
    rows: u16,
    /// One line of help.
    #[prop(into, optional)]
    hint: Signal<String>,
    /// What is wrong with it.
    #[prop(into, optional)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    view! {
        <label class="m-field">
            <span class="m-field__label">{label}</span>
            <textarea
                class="m-input m-input--mono"
                name=name
                rows=rows.to_string()
                spellcheck="false"
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                prop:value=move || value.get()
                on:input=move |ev| value.set(event_target_value(&ev))
            >
                {value.get_untracked()}
            </textarea>
            <Below hint=hint error=error/>
        </label>
    }
    .into_any()
}

/// One of a list: value and words.
pub type Choice = (String, String);

/// One of a few. A value that is none of them is shown as a choice still to be made.
#[component]
pub fn Select(
    /// What it is.
    #[prop(into)]
    label: String,
    /// The name in the form.
    name: &'static str,
    /// The chosen value.
    value: RwSignal<String>,
    /// What can be chosen.
    #[prop(into)]
    choices: Signal<Vec<Choice>>,
    /// One line of help.
    #[prop(into, optional)]
    hint: Signal<String>,
    /// What is wrong with it.
    #[prop(into, optional)]
    error: Signal<Option<String>>,
) -> impl IntoView {
    // Only another list is drawn again: a live update that changes nothing leaves an open list alone.
    let choices = Memo::new(move |_| choices.get());
    let unknown = Memo::new(move |_| choices.with(|all| value.with(|value| all.iter().all(|(key, _)| key != value))));
    view! {
        <label class="m-field">
            <span class="m-field__label">{label}</span>
            <select
                class="m-input m-select"
                name=name
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                on:change=move |ev| value.set(event_target_value(&ev))
            >
                <Show when=move || unknown.get()>
                    <option value="" disabled selected prop:selected=true>"Choose one"</option>
                </Show>
                {move || {
                    choices
                        .get()
                        .into_iter()
                        .map(|(key, words)| {
                            let own = key.clone();
                            let first = value.with_untracked(|value| *value == key);
                            view! { <option value=key selected=first prop:selected=move || value.with(|value| *value == own)>
                                    {words}
                                </option> }
                        })
                        .collect_view()
                }}
            </select>
            <Below hint=hint error=error/>
        </label>
    }
    .into_any()
}

/// A check box with its words.
#[component]
pub fn Check(
    /// The words.
    #[prop(into)]
    label: String,
    /// Whether it is checked.
    checked: RwSignal<bool>,
) -> impl IntoView {
    view! {
        <label class="m-choice">
            <input
                class="m-check"
                type="checkbox"
                prop:checked=move || checked.get()
                checked=checked.get_untracked()
                on:change=move |ev| checked.set(event_target_checked(&ev))
            />
            {label}
        </label>
    }
    .into_any()
}
