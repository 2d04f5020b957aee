//! The HTML document around the app. Only the server draws it; the browser hydrates what is inside `<body>`.

use leptos::config::LeptosOptions;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use leptos_meta::MetaTags;

use crate::app::App;
use crate::assets::AssetPaths;

/// Sets the theme before the first paint, so that nothing flashes. It stands alone because the wasm comes later.
const THEME_SCRIPT: &str =
    r#"try{const t=localStorage.getItem("theme");if(t)document.documentElement.dataset.theme=t}catch(e){}"#;

/// The whole document. `options.output_name` names the wasm and its script.
///
/// Before calling it, the server provides `Api`, `Viewer` and a nonce for this request; every inline script carries the nonce, and no
/// element has a `style` attribute.
pub fn shell(options: LeptosOptions, assets: AssetPaths) -> impl IntoView {
    provide_context(assets.clone());
    view! {
        <!DOCTYPE html>
        <html lang="en" data-icons=assets.icons.clone()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <script nonce=use_nonce() inner_html=THEME_SCRIPT></script>
                {assets
                    .fonts
                    .into_iter()
                    .map(|font| view! { <link rel="preload" href=font r#as="font" r#type="font/woff2" crossorigin="anonymous"/> })
                    .collect_view()}
                <link rel="stylesheet" href=assets.styles/>
                <link rel="icon" href=assets.favicon r#type="image/svg+xml"/>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
    .into_any()
}
