//! Kafka's jars, fetched once by Maven into the user's cache and shared by the demo and the tests.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::cache;
use crate::maven;

/// Also the name of the cache folder: a new version or a new list of parts needs a new name.
const VERSION: &str = "4.1.1";

/// `-slf4j-impl`, not `-slf4j2-impl`: this Kafka brings slf4j 1.7. The two of Kafka Connect are for MirrorMaker 2.
const POM: &str = r#"<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>meshport</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>4.1.1</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>4.1.1</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>connect-runtime</artifactId><version>4.1.1</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>connect-mirror</artifactId><version>4.1.1</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>2.25.2</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.2</version></dependency>
  </dependencies>
</project>
"#;

/// A folder that holds all of them.
#[derive(Clone, Debug)]
pub struct Jars(PathBuf);

impl Jars {
    /// Finds the jars in the cache, or fetches them (54 MB, some seconds, needs Maven and its registry).
    ///
    /// # Errors
    /// Maven is missing or fails; the message holds what it said.
    pub async fn fetch() -> anyhow::Result<Self> {
        Ok(Self(cache::folder(&format!("kafka-{VERSION}"), download).await?))
    }

    /// The class path; Java itself expands the star.
    #[must_use]
    pub fn class_path(&self) -> OsString {
        self.0.join("*").into_os_string()
    }
}

async fn download(folder: &Path) -> anyhow::Result<()> {
    let pom = folder.join("pom.xml");
    fs::write(&pom, POM).with_context(|| format!("write {}", pom.display()))?;
    let arguments = [
        "-f".to_owned(),
        pom.display().to_string(),
        "dependency:copy-dependencies".to_owned(),
        "-DincludeScope=runtime".to_owned(),
        format!("-DoutputDirectory={}", folder.display()),
    ];
    maven::fetch(&format!("Kafka {VERSION}"), folder, &arguments).await
}
