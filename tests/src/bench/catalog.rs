//! The catalog at its largest: search in a million documents beside SQLite's own full-text search, and the pages of an estate.
//!
//! Both are asked the same words over the same documents and give the same three things: the first fifty, how many there
//! are, and how many by kind, domain and owner. Ours also ranks by where a word stands and checks rights on the way; SQLite
//! finds beginnings of words only, not what stands inside them.

use std::io::{BufWriter, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use mesh_search::{Asked, Document, Kind, Query, SearchIndex};
use serde_json::json;

use crate::estate;
use crate::usage;

/// Documents of the search.
const DOCUMENTS: usize = 1_000_000;
/// Documents put at once.
const CHUNK: usize = 50_000;
/// Topics of the estate.
const TOPICS: usize = 10_000;
/// All but one of twenty searches take less.
const P95_MAX: Duration = Duration::from_millis(10);
/// Questions of each kind.
const ROUNDS: usize = 20;

const AREAS: [&str; 8] = ["orders", "billing", "payments", "inventory", "shipping", "customers", "pricing", "fleet"];
const VERBS: [&str; 5] = ["created", "changed", "deleted", "approved", "shipped"];
/// The peer: Python's own sqlite3 with FTS5.
const PEER: &str = include_str!("catalog/fts.py");

/// Both parts.
pub(super) async fn run() -> anyhow::Result<()> {
    tokio::task::spawn_blocking(search).await??;
    estate::run(TOPICS, false).await
}

fn document(i: usize) -> Document {
    let (area, verb) = (AREAS[i % AREAS.len()], VERBS[i / AREAS.len() % VERBS.len()]);
    Document {
        description: format!("what the {verb} team writes when a thing of {area} was {verb}"),
        owner: Some(format!("team {}", i % 50)),
        domain: Some(((i % AREAS.len() + 1).to_string(), area.to_owned())),
        sites: vec![format!("site-{}", i % 12)],
        broker: Some(format!("kafka-{}", i % 4)),
        tags: if i.is_multiple_of(9) { vec!["pii".to_owned()] } else { Vec::new() },
        ..Document::new(Kind::Topic, format!("topic:{i}"), format!("{area}.dev{i}.{verb}.v1"), String::new())
    }
}

/// Words that one document has, some have, and nearly a seventh has.
fn questions() -> Vec<String> {
    let of = |i: usize| {
        let (area, verb) = (AREAS[i % AREAS.len()], VERBS[i % VERBS.len()]);
        [
            format!("dev{}", 79_190 + i * 7_919),
            format!("{area} {verb}"),
            format!("dev{} created", i + 10),
            area.to_owned(),
        ]
    };
    (0..ROUNDS).flat_map(of).collect()
}

fn percentiles(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 95 / 100])
}

fn search() -> anyhow::Result<()> {
    println!("\nSearch in {DOCUMENTS} documents: the first 50, the count of all, and counts by facet");
    let before = usage::memory(std::process::id())?.resident;
    let began = Instant::now();
    let index = SearchIndex::new()?;
    for first in (0..DOCUMENTS).step_by(CHUNK) {
        index.apply(&(first..first + CHUNK).map(document).collect::<Vec<_>>(), &[])?;
    }
    let put = began.elapsed();
    let bytes = usage::memory(std::process::id())?.resident.saturating_sub(before);
    let (mut times, mut counts) = (Vec::new(), Vec::new());
    for text in questions() {
        let asked = Asked { query: Query::parse(&text)?, limit: 50, ..Asked::default() };
        let began = Instant::now();
        let found = index.search(&asked)?;
        times.push(began.elapsed());
        ensure!(found.total > 0, "`{text}` finds something");
        counts.push(found.total);
    }
    let (median, p95) = percentiles(times);
    let verdict = if p95 <= P95_MAX { "within" } else { "ABOVE" };
    println!("  ours: made in {:.1} s, {} MB", put.as_secs_f64(), bytes / 1_000_000);
    println!("    median {:.2} ms, p95 {:.2} ms: {verdict} {} ms", ms(median), ms(p95), P95_MAX.as_millis());
    drop(index);
    let (peer_median, peer_p95, version) = peer(&counts)?;
    println!("  SQLite {version} FTS5: median {:.2} ms, p95 {:.2} ms", ms(peer_median), ms(peer_p95));
    println!(
        "    ours is {:.1} times as fast in the median, {:.1} times at p95",
        peer_median.as_secs_f64() / median.as_secs_f64(),
        peer_p95.as_secs_f64() / p95.as_secs_f64()
    );
    Ok(())
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The same questions to SQLite; it must find at least what ours finds by beginnings of words.
fn peer(counts: &[u64]) -> anyhow::Result<(Duration, Duration, String)> {
    let folder = tempfile::tempdir().context("make a folder")?;
    let (documents, asked, script) =
        (folder.path().join("documents"), folder.path().join("questions"), folder.path().join("fts.py"));
    std::fs::write(&script, PEER).context("write the peer")?;
    std::fs::write(&asked, questions().join("\n")).context("write the questions")?;
    let mut out = BufWriter::new(std::fs::File::create(&documents).context("write the documents")?);
    for document in (0..DOCUMENTS).map(document) {
        let text = format!("{} {}", document.description, document.owner.unwrap_or_default());
        let domain = document.domain.map(|(_, name)| name);
        writeln!(out, "{}", json!([document.name, text, document.kind.name(), domain]))?;
    }
    out.flush()?;
    drop(out);
    let output = Command::new("python3").args([&script, &documents, &asked]).output().context("start python3")?;
    ensure!(output.status.success(), "SQLite failed: {}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).context("read what SQLite did")?;
    let list = |name: &str| told[name].as_array().cloned().unwrap_or_default();
    let times: Vec<Duration> =
        list("seconds").iter().filter_map(serde_json::Value::as_f64).map(Duration::from_secs_f64).collect();
    let theirs: Vec<u64> = list("counts").iter().filter_map(serde_json::Value::as_u64).collect();
    ensure!(times.len() == counts.len() && theirs.len() == counts.len(), "every question is answered");
    ensure!(theirs == counts, "both find as many");
    let (median, p95) = percentiles(times);
    Ok((median, p95, told["version"].as_str().unwrap_or_default().to_owned()))
}
