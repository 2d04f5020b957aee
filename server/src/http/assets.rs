//! The static files, embedded when the server was built; every name carries a hash of its content.

use std::collections::BTreeMap;

use axum::Router;
use frontend::AssetPaths;
use leptos::config::LeptosOptions;
use memory_serve::CacheControl;
use serde::Deserialize;

use super::Http;

/// What `cargo xtask build` wrote beside the files; all empty when the server was built without them.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Manifest {
    js: String,
    css: String,
    assets: BTreeMap<String, String>,
}

fn manifest() -> Manifest {
    serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/manifest.json"))).unwrap_or_default()
}

/// Where pages find their files.
pub(super) fn describe() -> (LeptosOptions, AssetPaths) {
    let manifest = manifest();
    // `/pkg/app-0123456789ab.js`: the name without folder and ending.
    let name = manifest.js.rsplit('/').next().and_then(|file| file.strip_suffix(".js")).unwrap_or("app");
    let options = LeptosOptions::builder().output_name(name).site_pkg_dir("pkg").build();
    let asset = |name: &str| manifest.assets.get(name).cloned().unwrap_or_default();
    let fonts = manifest.assets.iter().filter(|(name, _)| name.ends_with(".woff2")).map(|(_, path)| path.clone());
    let paths = AssetPaths {
        styles: manifest.css.clone(),
        icons: asset("icons.svg"),
        favicon: asset("favicon.svg"),
        fonts: fonts.collect(),
    };
    (options, paths)
}

#[cfg_attr(embeds_site, expect(unused_qualifications, reason = "in what `load!` writes"))]
pub(super) fn routes() -> Router<Http> {
    // A release build holds the files compressed. A debug build would compress them at every start, for many seconds
    // and for readers on the same machine.
    let compressed = !cfg!(debug_assertions);
    memory_serve::load!()
        .index_file(None)
        .enable_gzip(compressed)
        .enable_brotli(compressed)
        .cache_control(CacheControl::Long)
        .into_router()
}
