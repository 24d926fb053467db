//! `GET /v1/openapi.json`: this server's HTTP, described by `OpenAPI` 3.1 from the types themselves.
//!
//! What there is stands in `operations`; a test holds it against the routes, and the document
//! against `docs/openapi.json`.

mod accounts;
mod operations;
mod world;

use axum::Json;
use axum::http::header;
use axum::response::IntoResponse;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use self::operations::Operation;
use super::problem::ProblemDetails;

/// The schema of a type.
type SchemaOf = fn(&mut SchemaGenerator) -> Value;

/// Tells what there is.
pub(super) async fn openapi() -> impl IntoResponse {
    let kept = [(header::CACHE_CONTROL, "public, max-age=300")];
    (kept, Json(document()))
}

fn schema_of<T: schemars::JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "#/components/schemas".into();
        settings.meta_schema = None;
    });
    // What may be left out differs between what is sent and what is answered.
    let mut sent = settings.clone().for_deserialize().into_generator();
    let mut answered = settings.for_serialize().into_generator();
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations::all() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = described(operation, &mut sent, &mut answered);
    }
    let problem = schema_of::<ProblemDetails>(&mut answered);
    let mut schemas = sent.take_definitions(true);
    schemas.extend(answered.take_definitions(true));
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Worldline",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Login, characters and files over HTTP. The game itself is spoken over a websocket at /v1/ws: see docs/protocol.md.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "access": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            },
            "responses": {
                "problem": {
                    "description": "What is wrong (RFC 9457), with a stable code.",
                    "headers": {
                        "retry-after": {
                            "description": "Seconds until it may be worth trying again.",
                            "schema": { "type": "integer" },
                        },
                    },
                    "content": { "application/problem+json": { "schema": problem } },
                },
            },
        },
    })
}

fn described(
    operation: &Operation,
    sent: &mut SchemaGenerator,
    answered: &mut SchemaGenerator,
) -> Value {
    let (status, body) = operation.answered;
    let mut answer = json!({ "description": operation.summary });
    if let Some(schema) = body {
        answer["content"] = json!({ "application/json": { "schema": schema(answered) } });
    }
    let mut responses = Map::new();
    responses.insert(status.to_string(), answer);
    let problem = json!({ "$ref": "#/components/responses/problem" });
    responses.insert("default".into(), problem);
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "responses": responses,
        "x-problem-codes": operation.refusals().collect::<Vec<_>>(),
    });
    let parameters = parameters(operation);
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(schema) = operation.asked {
        described["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": schema(sent) } },
        });
    }
    if operation.logged_in {
        described["security"] = json!([{ "access": [] }]);
    }
    described
}

fn parameters(operation: &Operation) -> Vec<Value> {
    let in_path = operation.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        Some(
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }),
        )
    });
    let in_query = operation.query.iter().map(|(name, what)| {
        json!({ "name": name, "in": "query", "description": what, "schema": { "type": "string" } })
    });
    in_path.chain(in_query).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The paths that the routers name, as their sources say.
    fn routed() -> BTreeSet<&'static str> {
        let sources = [include_str!("router.rs"), include_str!("oidc/mod.rs")];
        let routes = sources
            .iter()
            .flat_map(|source| source.split(".route(").skip(1));
        let paths = routes.filter_map(|route| route.trim_start().strip_prefix('"'));
        paths.filter_map(|path| path.split('"').next()).collect()
    }

    #[test]
    fn every_route_is_described_and_nothing_else_is() {
        let described: BTreeSet<_> = operations::all().map(|o| o.path).collect();
        assert_eq!(described, routed());
        let ids: BTreeSet<_> = operations::all().map(|o| o.id).collect();
        assert_eq!(
            ids.len(),
            operations::all().count(),
            "each has a name of its own"
        );
    }

    #[test]
    fn every_reference_in_the_document_leads_somewhere() {
        let document = document();
        let text = document.to_string();
        let references = text.split("\"$ref\":\"#").skip(1);
        for reference in references.filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
        assert!(
            document["components"]["schemas"]
                .as_object()
                .is_some_and(|all| all.len() > 8)
        );
    }
}
