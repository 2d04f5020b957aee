//! Asks a registry for one schema with all it refers to, by Confluent's API.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use mesh_protocol::desired::Surveyed;
use mesh_protocol::schema_id::SchemaId;
use mesh_schema::{Format, REFERENCES_MAX, Reference, TEXT_BYTES_MAX};
use serde::{Deserialize, Serialize};

use crate::http::rest::{Failure, Rest, shown};
use crate::kafka::secret::Secrets;
use crate::part::StartError;
use crate::task::Tasks;

/// A schema as a registry has it, with the texts of all it refers to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SchemaText {
    pub(super) format: Format,
    pub(super) text: String,
    pub(super) references: Vec<Reference>,
}

impl SchemaText {
    /// Bytes of all its texts.
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + self.references.iter().map(|reference| reference.text.len()).sum::<usize>()
    }
}

/// What a registry says of an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Schema(SchemaText),
    /// It never gave the id to anybody, or has forgotten it.
    Unknown,
    /// It has one that nobody here can read, and why.
    Unusable(String),
}

/// Who has schemas.
#[async_trait]
pub(super) trait Ask: Debug + Send + Sync {
    /// The schema of an id.
    ///
    /// # Errors
    /// Why there is no answer now, and what to do.
    async fn schema(&self, id: SchemaId) -> Result<Answer, String>;
}

/// Asks over HTTP.
#[derive(Debug)]
pub(super) struct Questions {
    surveyed: Surveyed,
    secrets: Arc<dyn Secrets>,
    tasks: Tasks,
}

/// `GET /schemas/ids/ID` and `GET /subjects/SUBJECT/versions/VERSION`.
#[derive(Debug, Deserialize)]
struct Told {
    schema: String,
    /// Avro when it is absent.
    #[serde(rename = "schemaType", default)]
    kind: Option<String>,
    #[serde(default)]
    references: Option<Vec<ToldReference>>,
}

#[derive(Debug, Deserialize)]
struct ToldReference {
    name: String,
    subject: String,
    version: i64,
}

impl Questions {
    pub(super) fn new(surveyed: Surveyed, secrets: Arc<dyn Secrets>, tasks: Tasks) -> Self {
        Self { surveyed, secrets, tasks }
    }

    /// Whether the connection can be used at all.
    ///
    /// # Errors
    /// What is wrong with it. A password that is not set here may be set later.
    pub(super) fn check(&self) -> Result<(), StartError> {
        match self.client() {
            Err(error @ StartError::Rejected(_)) => Err(error),
            Err(StartError::Failing(_)) | Ok(_) => Ok(()),
        }
    }

    /// Made for each schema anew: there are few, and a password that was set meanwhile is used.
    fn client(&self) -> Result<Rest, StartError> {
        Rest::new(&self.surveyed, &*self.secrets, &self.tasks)
    }

    /// The texts that a schema needs, by the names it and they call each other.
    async fn references(&self, rest: &Rest, own: Told, bytes: usize) -> Result<Result<Vec<Reference>, String>, String> {
        let mut open: VecDeque<ToldReference> = own.references.unwrap_or_default().into();
        let (mut by_name, mut texts, mut bytes) = (BTreeMap::new(), Vec::new(), bytes);
        let mut seen = HashSet::new();
        while let Some(ToldReference { name, subject, version }) = open.pop_front() {
            let place = (subject.clone(), version);
            match by_name.insert(name.clone(), place.clone()) {
                Some(other) if other == place => continue,
                Some((other, number)) => {
                    return Ok(Err(format!(
                        "it calls two schemas `{}`: {} version {number} and {} version {version}",
                        shown(&name),
                        shown(&other),
                        shown(&subject)
                    )));
                }
                None => {}
            }
            if by_name.len() > REFERENCES_MAX {
                return Ok(Err(format!("it uses more than {REFERENCES_MAX} other schemas")));
            }
            let found = rest.find::<Told>(&["subjects", &subject, "versions", &version.to_string()]).await;
            let found = found.map_err(|failure| told(rest, failure))?;
            let used = found.ok_or_else(|| {
                format!("uses {} version {version}, which the registry has not (any more)", shown(&subject))
            })?;
            bytes += used.schema.len();
            if bytes > TEXT_BYTES_MAX {
                return Ok(Err(too_large()));
            }
            texts.push(Reference { name, text: used.schema });
            if seen.insert(place) {
                open.extend(used.references.unwrap_or_default());
            }
        }
        Ok(Ok(texts))
    }
}

#[async_trait]
impl Ask for Questions {
    async fn schema(&self, id: SchemaId) -> Result<Answer, String> {
        let rest = self.client().map_err(|error| error.to_string())?;
        let found = rest.find::<Told>(&["schemas", "ids", &id.to_string()]).await;
        let Some(own) = found.map_err(|failure| told(&rest, failure))? else { return Ok(Answer::Unknown) };
        let kind = own.kind.as_deref().unwrap_or(Format::Avro.name());
        let Some(format) = Format::by_name(kind) else {
            return Ok(Answer::Unusable(format!("its format {} is not known here", shown(kind))));
        };
        let (text, bytes) = (own.schema.clone(), own.schema.len());
        if bytes > TEXT_BYTES_MAX {
            return Ok(Answer::Unusable(too_large()));
        }
        // A record is read without its JSON Schema, so also without what that uses.
        let references = match format {
            Format::JsonSchema => Ok(Vec::new()),
            Format::Avro | Format::Protobuf => self.references(&rest, own, bytes).await?,
        };
        Ok(match references {
            Ok(references) => Answer::Schema(SchemaText { format, text, references }),
            Err(reason) => Answer::Unusable(reason),
        })
    }
}

fn too_large() -> String {
    format!("with all it uses it has more than {TEXT_BYTES_MAX} bytes")
}

/// Why there is no answer, and what to do.
fn told(rest: &Rest, failure: Failure) -> String {
    match failure {
        Failure::Unknown(reason) => format!("{reason}; {}", rest.how_to_log_in()),
        Failure::Denied(reason) => format!("{reason}; let {} read all schemas there", rest.user()),
        failure => failure.reason(),
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
