//! Embeds what the browser loads: the folder that `cargo xtask build` makes (`<target>/site`, or `SITE_DIR`).
//!
//! Without that folder the server builds with an empty site, so that checking and testing it needs no wasm; its pages
//! then come without styles and scripts.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;
use std::{env, fs};

/// Set by `cargo xtask build` when it makes the site at the same time: a file that is there until the site is.
const PENDING: &str = "MESHPORT_SITE_PENDING";

fn main() {
    if let Some(pending) = env::var_os(PENDING) {
        while Path::new(&pending).exists() {
            sleep(Duration::from_millis(200));
        }
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it for build scripts"));
    let site = match env::var_os("SITE_DIR") {
        Some(folder) => PathBuf::from(folder),
        // <target>/<profile>/build/<package>/out
        None => out.ancestors().nth(4).expect("cargo's folders are that deep").join("site"),
    };
    let manifest = site.with_file_name("manifest.json");
    println!("cargo::rerun-if-env-changed=SITE_DIR");
    for path in [&site, &manifest] {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    println!("cargo::rustc-check-cfg=cfg(embeds_site)");
    let embedded = if site.is_dir() {
        println!("cargo::rustc-cfg=embeds_site");
        site
    } else {
        empty(&out)
    };
    let manifest = fs::read_to_string(manifest).unwrap_or_else(|_| "{}".to_owned());
    fs::write(out.join("manifest.json"), manifest).expect("cargo's own folder can be written");
    memory_serve::load_directory_with_embed(embedded, true);
}

fn empty(out: &Path) -> PathBuf {
    let folder = out.join("no-site");
    fs::create_dir_all(&folder).expect("cargo's own folder can be written");
    folder
}
