//! The schema registry's API below `/registry`, as Confluent's clients speak it.
//!
//! It is not part of the portal's own API and of its OpenAPI document: paths, names, errors and the way to sign in are
//! somebody else's, and clients are told only a base address. So its endpoints stand in a table of their own, from which
//! the router is made; a test calls each as every role and compares with the table of permissions.

mod answer;
mod door;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use mesh_schema::{Format, Level};
use serde_json::json;
use tower_http::timeout::TimeoutLayer;

use self::answer::{Asked, Body, Failed, Outcome, Raw, answer};
use super::{BODY_BYTES_MAX, Http, REQUEST_TIMEOUT};
use crate::app::registry::{Candidate, SchemaInput, version_number};
use crate::app::{App, Caller};
use crate::domain::registry::{Mode, Refusal};
use crate::portal::Portal;
use mesh_protocol::schema_id::SchemaId;

/// An endpoint: its verb, its path below [`BASE`], and the name it has in the table of permissions.
#[cfg(test)]
pub(super) type Endpoint = (&'static str, &'static str, &'static str);

#[cfg(test)]
/// What clients are given as the registry's address, after that of the portal.
pub(super) const BASE: &str = "/registry";

/// Declares all endpoints: the router, and their table for the test.
macro_rules! endpoints {
    ($($verb:ident $path:literal $name:ident;)*) => {
        /// All endpoints.
        #[cfg(test)]
        pub(super) const ENDPOINTS: &[Endpoint] = &[$((stringify!($verb), $path, stringify!($name))),*];

        fn table() -> Router<Http> {
            Router::new()$(.route(concat!("/registry", $path), axum::routing::$verb($name)))*
        }
    };
}

endpoints! {
    get "" root;
    get "/" root;
    get "/contexts" contexts;
    get "/v1/metadata/id" metadata_id;
    get "/v1/metadata/version" metadata_version;
    get "/subjects" subjects;
    post "/subjects/{subject}" lookup;
    delete "/subjects/{subject}" delete_subject;
    get "/subjects/{subject}/versions" versions;
    post "/subjects/{subject}/versions" register;
    get "/subjects/{subject}/versions/{version}" version;
    delete "/subjects/{subject}/versions/{version}" delete_version;
    get "/subjects/{subject}/versions/{version}/schema" version_text;
    get "/subjects/{subject}/versions/{version}/referencedby" referenced_by;
    get "/schemas" schemas;
    get "/schemas/types" types;
    get "/schemas/ids/{id}" schema;
    get "/schemas/ids/{id}/schema" schema_text;
    get "/schemas/ids/{id}/subjects" schema_subjects;
    get "/schemas/ids/{id}/versions" schema_versions;
    post "/compatibility/subjects/{subject}/versions" compatibility;
    post "/compatibility/subjects/{subject}/versions/{version}" compatibility_with;
    get "/config" config;
    put "/config" set_config;
    delete "/config" delete_config;
    get "/config/{subject}" subject_config;
    put "/config/{subject}" set_subject_config;
    delete "/config/{subject}" delete_subject_config;
    get "/mode" mode;
    put "/mode" set_mode;
    delete "/mode" delete_mode;
    get "/mode/{subject}" subject_mode;
    put "/mode/{subject}" set_subject_mode;
    delete "/mode/{subject}" delete_subject_mode;
}

/// All routes, with their own way to sign in and their own errors.
pub(super) fn routes(state: &Http) -> Router<Http> {
    table()
        .route("/registry/{*rest}", axum::routing::any(nothing))
        .method_not_allowed_fallback(nothing)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(axum::middleware::from_fn_with_state(state.clone(), door::identify))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT))
}

async fn nothing() -> Failed {
    Failed::new(StatusCode::NOT_FOUND, 404, "HTTP 404 Not Found: this registry has no such operation")
}

/// Somebody who may read; for answers that tell nothing of what is registered.
fn reader(portal: &Portal) -> Result<(), Failed> {
    use crate::app::permission::Right;
    portal
        .caller()
        .permit(Right::Read)
        .map(drop)
        .map_err(|error| Failed::from(crate::app::registry::Error::from(error)))
}

fn parts(portal: &Portal) -> (&App, &Caller) {
    (portal.app(), portal.caller())
}

async fn root(portal: Portal) -> Outcome {
    reader(&portal)?;
    answer(json!({}))
}

async fn contexts(portal: Portal) -> Outcome {
    reader(&portal)?;
    answer(["."])
}

async fn metadata_id(portal: Portal, State(state): State<Http>) -> Outcome {
    reader(&portal)?;
    let id = state.app.environment().to_string();
    let clusters = json!({ "kafka-cluster": id, "schema-registry-cluster": id });
    answer(json!({ "id": id, "scope": { "path": [], "clusters": clusters } }))
}

async fn metadata_version(portal: Portal) -> Outcome {
    reader(&portal)?;
    answer(json!({ "version": env!("CARGO_PKG_VERSION"), "commitId": "" }))
}

async fn types(portal: Portal) -> Outcome {
    reader(&portal)?;
    answer(Format::ALL.map(Format::name))
}

async fn subjects(portal: Portal, asked: Asked) -> Outcome {
    let (app, caller) = parts(&portal);
    answer(app.registry_subjects(caller, asked.listing()).await?)
}

async fn lookup(portal: Portal, Path(subject): Path<String>, asked: Asked, Body(input): Body<SchemaInput>) -> Outcome {
    let (app, caller) = parts(&portal);
    let candidate = Candidate::of(input, asked.normalize)?;
    answer(app.registry_lookup(caller, subject, candidate, asked.deleted(), asked.text()).await?)
}

async fn delete_subject(portal: Portal, Path(subject): Path<String>, asked: Asked) -> Outcome {
    let (app, caller) = parts(&portal);
    answer(app.registry_delete_subject(caller, &subject, asked.permanent).await?)
}

async fn versions(portal: Portal, Path(subject): Path<String>, asked: Asked) -> Outcome {
    let (app, caller) = parts(&portal);
    answer(app.registry_versions(caller, &subject, asked.listing()).await?)
}

async fn register(
    portal: Portal,
    Path(subject): Path<String>,
    asked: Asked,
    Body(input): Body<SchemaInput>,
) -> Outcome {
    let (app, caller) = parts(&portal);
    let candidate = Candidate::of(input, asked.normalize)?;
    // Nothing but the id: the oldest clients refuse names they do not know.
    answer(json!({ "id": app.registry_register(caller, subject, candidate).await?.schema }))
}

async fn version(portal: Portal, Path((subject, version)): Path<(String, String)>, asked: Asked) -> Outcome {
    let (app, caller) = parts(&portal);
    let number = version_number(&version)?;
    answer(app.registry_version(caller, subject, number, asked.deleted(), asked.text()).await?)
}

async fn version_text(
    portal: Portal,
    Path((subject, version)): Path<(String, String)>,
    asked: Asked,
) -> Result<Raw, Failed> {
    let (app, caller) = parts(&portal);
    let number = version_number(&version)?;
    let found = app.registry_version(caller, subject, number, asked.deleted(), asked.text()).await?;
    Ok(Raw(found.schema.schema))
}

async fn delete_version(portal: Portal, Path((subject, version)): Path<(String, String)>, asked: Asked) -> Outcome {
    let (app, caller) = parts(&portal);
    let number = version_number(&version)?;
    answer(app.registry_delete_version(caller, &subject, number, asked.permanent).await?)
}

async fn referenced_by(portal: Portal, Path((subject, version)): Path<(String, String)>, asked: Asked) -> Outcome {
    let (app, caller) = parts(&portal);
    let number = version_number(&version)?;
    answer(app.registry_referenced_by(caller, &subject, number, asked.deleted()).await?)
}

async fn schemas(portal: Portal, asked: Asked) -> Outcome {
    let (app, caller) = parts(&portal);
    answer(app.registry_schemas(caller, asked.listing()).await?)
}

fn id(text: &str) -> Result<SchemaId, Failed> {
    text.parse().map_err(|()| Failed::from(Refusal::NoSchema))
}

async fn schema(portal: Portal, Path(text): Path<String>, asked: Asked) -> Outcome {
    let (app, caller) = parts(&portal);
    answer(app.registry_schema(caller, id(&text)?, asked.text(), asked.fetch_max_id).await?)
}

async fn schema_text(portal: Portal, Path(text): Path<String>, asked: Asked) -> Result<Raw, Failed> {
    let (app, caller) = parts(&portal);
    Ok(Raw(app.registry_schema(caller, id(&text)?, asked.text(), false).await?.schema))
}

async fn schema_subjects(portal: Portal, Path(text): Path<String>, asked: Asked) -> Outcome {
    let (app, caller) = parts(&portal);
    let holders = app.registry_holders(caller, id(&text)?, asked.deleted()).await?;
    let mut subjects: Vec<String> = holders.into_iter().map(|(subject, _)| subject).collect();
    subjects.dedup();
    answer(subjects)
}

async fn schema_versions(portal: Portal, Path(text): Path<String>, asked: Asked) -> Outcome {
    let (app, caller) = parts(&portal);
    let holders = app.registry_holders(caller, id(&text)?, asked.deleted()).await?;
    let shown = holders.into_iter().map(|(subject, version)| json!({ "subject": subject, "version": version }));
    answer(shown.collect::<Vec<_>>())
}

async fn compatibility(
    portal: Portal,
    Path(subject): Path<String>,
    asked: Asked,
    Body(input): Body<SchemaInput>,
) -> Outcome {
    let (app, caller) = parts(&portal);
    let candidate = Candidate::of(input, asked.normalize)?;
    answer(app.registry_compatible(caller, subject, None, candidate, asked.verbose).await?)
}

async fn compatibility_with(
    portal: Portal,
    Path((subject, version)): Path<(String, String)>,
    asked: Asked,
    Body(input): Body<SchemaInput>,
) -> Outcome {
    let (app, caller) = parts(&portal);
    let (number, candidate) = (version_number(&version)?, Candidate::of(input, asked.normalize)?);
    answer(app.registry_compatible(caller, subject, Some(number), candidate, asked.verbose).await?)
}

/// What a client sets as level or mode.
#[derive(Debug, serde::Deserialize)]
struct Setting {
    compatibility: Option<String>,
    mode: Option<String>,
}

impl Setting {
    fn level(&self) -> Result<Level, Refusal> {
        let name = self.compatibility.as_deref().map(str::to_ascii_uppercase);
        name.and_then(|name| Level::by_name(&name)).ok_or(Refusal::InvalidLevel)
    }

    fn mode(&self) -> Result<Mode, Refusal> {
        let name = self.mode.as_deref().map(str::to_ascii_uppercase);
        name.and_then(|name| Mode::by_name(&name)).ok_or(Refusal::InvalidMode)
    }
}

async fn get_level(portal: &Portal, subject: Option<&str>, asked: &Asked) -> Outcome {
    let (app, caller) = parts(portal);
    let level = app.registry_level(caller, subject, asked.default_to_global).await?;
    answer(json!({ "compatibilityLevel": level }))
}

async fn put_level(portal: &Portal, subject: Option<&str>, setting: &Setting) -> Outcome {
    let (app, caller) = parts(portal);
    let level = setting.level()?;
    app.registry_set_level(caller, subject, Some(level)).await?;
    answer(json!({ "compatibility": level }))
}

async fn unset_level(portal: &Portal, subject: Option<&str>) -> Outcome {
    let (app, caller) = parts(portal);
    answer(json!({ "compatibilityLevel": app.registry_set_level(caller, subject, None).await? }))
}

async fn get_mode(portal: &Portal, subject: Option<&str>, asked: &Asked) -> Outcome {
    let (app, caller) = parts(portal);
    answer(json!({ "mode": app.registry_mode(caller, subject, asked.default_to_global).await? }))
}

async fn put_mode(portal: &Portal, subject: Option<&str>, asked: &Asked, setting: &Setting) -> Outcome {
    let (app, caller) = parts(portal);
    let mode = setting.mode()?;
    app.registry_set_mode(caller, subject, Some(mode), asked.force).await?;
    answer(json!({ "mode": mode }))
}

async fn unset_mode(portal: &Portal, subject: Option<&str>) -> Outcome {
    let (app, caller) = parts(portal);
    answer(json!({ "mode": app.registry_set_mode(caller, subject, None, false).await? }))
}

async fn config(portal: Portal, asked: Asked) -> Outcome {
    get_level(&portal, None, &asked).await
}

async fn set_config(portal: Portal, Body(setting): Body<Setting>) -> Outcome {
    put_level(&portal, None, &setting).await
}

async fn delete_config(portal: Portal) -> Outcome {
    unset_level(&portal, None).await
}

async fn subject_config(portal: Portal, Path(subject): Path<String>, asked: Asked) -> Outcome {
    get_level(&portal, Some(&subject), &asked).await
}

async fn set_subject_config(portal: Portal, Path(subject): Path<String>, Body(setting): Body<Setting>) -> Outcome {
    put_level(&portal, Some(&subject), &setting).await
}

async fn delete_subject_config(portal: Portal, Path(subject): Path<String>) -> Outcome {
    unset_level(&portal, Some(&subject)).await
}

async fn mode(portal: Portal, asked: Asked) -> Outcome {
    get_mode(&portal, None, &asked).await
}

async fn set_mode(portal: Portal, asked: Asked, Body(setting): Body<Setting>) -> Outcome {
    put_mode(&portal, None, &asked, &setting).await
}

async fn delete_mode(portal: Portal) -> Outcome {
    unset_mode(&portal, None).await
}

async fn subject_mode(portal: Portal, Path(subject): Path<String>, asked: Asked) -> Outcome {
    get_mode(&portal, Some(&subject), &asked).await
}

async fn set_subject_mode(
    portal: Portal,
    Path(subject): Path<String>,
    asked: Asked,
    Body(setting): Body<Setting>,
) -> Outcome {
    put_mode(&portal, Some(&subject), &asked, &setting).await
}

async fn delete_subject_mode(portal: Portal, Path(subject): Path<String>) -> Outcome {
    unset_mode(&portal, Some(&subject)).await
}
