//! The documents that Meshport writes are accepted by AsyncAPI's own parser. Those of a whole mesh are held against it in
//! `demo`, where one runs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use system_tests::asyncapi_parser::Parser;

/// Documents of every protocol, which `mesh-asyncapi` is held to write letter by letter.
fn goldens() -> anyhow::Result<Vec<PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../mesh-asyncapi/golden");
    let entries = fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))?;
    let mut files =
        entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>().context("list files")?;
    files.retain(|file| file.extension().is_some_and(|end| end == "yaml"));
    files.sort();
    Ok(files)
}

#[tokio::test]
async fn the_reference_parser_takes_what_is_written() -> anyhow::Result<()> {
    let logs = tempfile::tempdir().context("make a folder")?;
    let parser = Parser::fetch().await?;
    let goldens = goldens()?;
    ensure!(goldens.len() >= 6, "a document for each protocol: {goldens:?}");
    parser.accepts("goldens", &goldens, logs.path()).await
}

#[tokio::test]
async fn the_reference_parser_says_where_a_document_is_wrong() -> anyhow::Result<()> {
    let logs = tempfile::tempdir().context("make a folder")?;
    let text = fs::read_to_string(goldens()?.first().context("a document")?).context("read a document")?;
    let wrong = text.replace("action: receive", "action: fly").replace("action: send", "action: fly");
    ensure!(wrong != text, "nothing was made wrong");
    let file = logs.path().join("wrong.yaml");
    fs::write(&file, wrong).context("write a document")?;
    let refused = Parser::fetch().await?.accepts("wrong", &[file], logs.path()).await;
    let refused = refused.err().context("the parser took a document that is wrong")?;
    ensure!(format!("{refused:#}").contains("action"), "{refused:#}");
    Ok(())
}
