//! Builds what the browser loads into `<target>/site`, from where the server's build script embeds it.
//!
//! Every file carries a hash of its content in its name, so that a browser may keep it for ever and can never combine
//! an old wasm with a new page: that combination fails silently, the page is just not interactive.
//!
//! ```text
//! site/pkg/app-HASH.js, app-HASH_bg.wasm      the frontend crate, feature `hydrate`
//! site/assets/app-HASH.css                    all style sheets of assets/ and frontend/, in one file
//! site/assets/FOLDER/NAME-HASH.EXT            everything else in assets/
//! manifest.json                               beside `site`, not in it: logical names to paths, see `Manifest`
//! ```
//! Files that would not change are not written again: their time stamps are what makes Cargo build the server again.

mod css;
mod files;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;
use serde::Serialize;
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::cargo::{cargo, root, run, target_dir};
use files::{Site, files_below};

/// Part of every name made by the glue generator, so that a new version of it gives new names.
const GLUE: &str = "wasm-bindgen 0.2.130 web, without names";

/// Where the server finds the parts of the page, by URL path from the root of the site.
#[derive(Debug, Serialize)]
struct Manifest {
    /// The module that a page imports, for example `/pkg/app-0123456789ab.js`.
    js: String,
    /// What the module instantiates.
    wasm: String,
    /// The one style sheet.
    css: String,
    /// Files of `assets/` by their path in it, for example `icons.svg` to `/assets/icons-0123456789ab.svg`.
    assets: BTreeMap<String, String>,
}

/// The variable that tells the server's build script which file to wait for the end of.
pub(crate) const PENDING: &str = "MESHPORT_SITE_PENDING";

/// Whether there is a site that the server can embed.
pub(crate) fn exists() -> bool {
    target_dir().join("manifest.json").exists()
}

/// The site is being built while the server's build script waits for it: until this is dropped.
#[derive(Debug)]
pub(crate) struct Pending {
    marker: PathBuf,
    since: SystemTime,
}

impl Pending {
    /// From now on.
    pub(crate) fn begin() -> anyhow::Result<Self> {
        let marker = target_dir().join("site.pending");
        fs::create_dir_all(target_dir())
            .and_then(|()| fs::write(&marker, []))
            .context("mark that the site is built")?;
        Ok(Self { marker, since: SystemTime::now() })
    }

    /// The file that is there as long as the site is not.
    pub(crate) fn marker(&self) -> &Path {
        &self.marker
    }

    /// Cargo runs a build script again when what it watches is younger than its last start, and the server's starts before
    /// the site is there: the site gets the time at which its making began.
    pub(crate) fn date_back(&self) -> anyhow::Result<()> {
        let site = target_dir().join("site");
        let mut dated = files_below(&site, &|_| true)?;
        dated.extend(files::folders_below(&site)?);
        dated.push(target_dir().join("manifest.json"));
        for path in dated {
            let file = File::open(&path).and_then(|file| file.set_modified(self.since));
            file.with_context(|| format!("date {} back", path.display()))?;
        }
        Ok(())
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // What cannot be removed is older than any later build: only the build that made it waits for it.
        let _ = fs::remove_file(&self.marker);
    }
}

/// How the browser's part is built; the names are profiles of the workspace.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Profile {
    /// For tests and the demo: built in a quarter of the time.
    Dev,
    /// For what is given to others and what is measured: as small as it gets.
    Release,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Profile::Dev => "wasm-dev",
            Profile::Release => "wasm-release",
        }
    }
}

/// Builds the site; does little when nothing has changed.
pub(crate) fn build(profile: Profile) -> anyhow::Result<()> {
    let wasm = build_wasm(profile)?;
    let mut site = Site::open(target_dir().join("site"));
    let (js, wasm) = glue(&wasm, &mut site)?;
    let assets = copy_assets(&mut site)?;
    let css = bundle_css(&mut site, &assets)?;
    site.remove_others()?;
    let manifest = Manifest { js, wasm, css, assets };
    let text = serde_json::to_string_pretty(&manifest).context("write the manifest as JSON")?;
    files::write_if_changed(&target_dir().join("manifest.json"), text.as_bytes())
}

fn build_wasm(profile: Profile) -> anyhow::Result<PathBuf> {
    let target = "wasm32-unknown-unknown";
    let profile = profile.name();
    // The crate type is named here only: in the manifest it would link a library of 137 MB for the machine itself, too.
    run(cargo(["rustc", "--package", "frontend", "--lib", "--features", "hydrate", "--profile", profile])
        .args(["--crate-type", "cdylib"])
        .args(["--target", target]))?;
    Ok(target_dir().join(target).join(profile).join("frontend.wasm"))
}

/// Generates the JavaScript that loads the wasm, unless this very wasm has been through it.
fn glue(wasm: &Path, site: &mut Site) -> anyhow::Result<(String, String)> {
    let bytes = fs::read(wasm).with_context(|| format!("read {}", wasm.display()))?;
    let name = format!("app-{}", hash(&[GLUE.as_bytes(), &bytes]));
    let all = target_dir().join("glue");
    let made = all.join(&name);
    if !made.is_dir() {
        if all.exists() {
            fs::remove_dir_all(&all).with_context(|| format!("empty {}", all.display()))?;
        }
        let unfinished = all.join("unfinished");
        let mut bindgen = Bindgen::new();
        bindgen.web(true)?.typescript(false).out_name(&name).input_path(wasm);
        // Names of functions are more than half of the file and serve nobody.
        bindgen.remove_name_section(true).remove_producers_section(true);
        bindgen.generate(&unfinished).context("generate the JavaScript that loads the wasm")?;
        fs::rename(&unfinished, &made).with_context(|| format!("create {}", made.display()))?;
    }
    for file in files_below(&made, &|_| true)? {
        let below = file.strip_prefix(&made).expect("it was found in this folder");
        site.put(&format!("pkg/{}", below.display()), &fs::read(&file)?)?;
    }
    Ok((format!("/pkg/{name}.js"), format!("/pkg/{name}_bg.wasm")))
}

fn copy_assets(site: &mut Site) -> anyhow::Result<BTreeMap<String, String>> {
    let folder = root().join("assets");
    let mut assets = BTreeMap::new();
    for file in files_below(&folder, &|file| !is_css(file))? {
        let logical = file.strip_prefix(&folder).expect("it was found in this folder").display().to_string();
        let bytes = fs::read(&file).with_context(|| format!("read {}", file.display()))?;
        let path = format!("assets/{}", hashed_name(&logical, &bytes));
        site.put(&path, &bytes)?;
        assets.insert(logical, format!("/{path}"));
    }
    Ok(assets)
}

fn bundle_css(site: &mut Site, assets: &BTreeMap<String, String>) -> anyhow::Result<String> {
    let mut sheets = files_below(&root().join("assets"), &is_css)?;
    sheets.extend(files_below(&root().join("frontend"), &is_css)?);
    sheets.sort_by_key(|sheet| css::place(sheet));
    let mut bundle = String::new();
    for sheet in sheets {
        let text = fs::read_to_string(&sheet).with_context(|| format!("read {}", sheet.display()))?;
        let text = css::rewrite_urls(&text, |file| css::find(assets, file));
        bundle.push_str(&text.with_context(|| format!("bundle {}", sheet.display()))?);
    }
    let path = format!("assets/{}", hashed_name("app.css", bundle.as_bytes()));
    site.put(&path, bundle.as_bytes())?;
    Ok(format!("/{path}"))
}

fn is_css(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "css")
}

/// `fonts/mono.woff2` and its content give `fonts/mono-0123456789ab.woff2`.
fn hashed_name(name: &str, bytes: &[u8]) -> String {
    let hash = hash(&[bytes]);
    match name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}-{hash}.{extension}"),
        None => format!("{name}-{hash}"),
    }
}

/// Twelve hexadecimal digits: enough that two versions of a file never share a name.
fn hash(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    hex::encode(digest.finalize())[..12].to_owned()
}

#[cfg(test)]
mod tests {
    use super::hashed_name;

    #[test]
    fn the_hash_stands_before_the_extension_and_follows_the_content() {
        let one = hashed_name("fonts/mono.woff2", b"one");
        assert!(one.starts_with("fonts/mono-") && one.ends_with(".woff2"), "{one}");
        assert_eq!(one.len(), "fonts/mono-.woff2".len() + 12);
        assert_ne!(one, hashed_name("fonts/mono.woff2", b"two"));
    }
}
