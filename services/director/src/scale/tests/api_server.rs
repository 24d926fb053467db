//! The part of a Kubernetes API server that scaling needs, over real HTTP on loopback.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The one set that is there.
pub(super) const SET: (&str, &str) = ("realm", "worldline-worker");
pub(super) const TOKEN: &str = "a-service-account";

/// How the server stands and behaves.
#[derive(Default)]
pub(super) struct Cluster {
    pub(super) replicas: i64,
    pub(super) running: i64,
    pub(super) version: u64,
    /// Answer with this status instead.
    pub(super) fails: Option<StatusCode>,
    /// Somebody else scales just before the next change.
    pub(super) interferes: bool,
    /// Answers late, and longer than anybody waits.
    pub(super) hangs: bool,
    /// Everything asked: method and path.
    pub(super) asked: Vec<String>,
}

pub(super) type Shared = Arc<Mutex<Cluster>>;

/// Listens; where, and what to turn.
pub(super) async fn start(replicas: i64) -> (String, Shared) {
    let cluster = Arc::new(Mutex::new(Cluster {
        replicas,
        running: replicas,
        version: 41,
        ..Cluster::default()
    }));
    let path = "/apis/apps/v1/namespaces/{namespace}/statefulsets/{name}/scale";
    let router = Router::new()
        .route(path, get(read).patch(change))
        .with_state(cluster.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, cluster)
}

fn status(code: StatusCode, reason: &str, message: String) -> Response {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code.as_u16(),
    });
    (code, Json(body)).into_response()
}

impl Cluster {
    fn scale(&self) -> Json<Value> {
        let (namespace, name) = SET;
        Json(json!({
            "kind": "Scale", "apiVersion": "autoscaling/v1",
            "metadata": {
                "name": name, "namespace": namespace,
                "uid": "0c1f7d3e-6d1b-4b8e-9a52-8a3f4a1f1b11",
                "resourceVersion": self.version.to_string(),
                "creationTimestamp": "2026-01-01T00:00:00Z",
            },
            "spec": { "replicas": self.replicas },
            "status": { "replicas": self.running, "selector": "app=worldline-worker" },
        }))
    }
}

/// What stands in the way before anything is looked at.
async fn admit(
    cluster: &Shared,
    asked: String,
    (namespace, name): (&str, &str),
    headers: &HeaderMap,
) -> Option<Response> {
    let hangs = {
        let mut cluster = cluster.lock().unwrap();
        cluster.asked.push(asked);
        cluster.hangs
    };
    if hangs {
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
    let bearer = format!("Bearer {TOKEN}");
    if headers
        .get(AUTHORIZATION)
        .is_none_or(|given| given.as_bytes() != bearer.as_bytes())
    {
        return Some(status(
            StatusCode::UNAUTHORIZED,
            "Unauthorized",
            "Unauthorized".into(),
        ));
    }
    let fails = cluster.lock().unwrap().fails;
    if let Some(code) = fails {
        return Some(status(code, "Failing", format!("it is to answer {code}")));
    }
    if (namespace, name) != SET {
        let message = format!("statefulsets.apps \"{name}\" not found");
        return Some(status(StatusCode::NOT_FOUND, "NotFound", message));
    }
    None
}

async fn read(
    State(cluster): State<Shared>,
    Path((namespace, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let refused = admit(
        &cluster,
        format!("GET {name}"),
        (&namespace, &name),
        &headers,
    )
    .await;
    refused.unwrap_or_else(|| cluster.lock().unwrap().scale().into_response())
}

async fn change(
    State(cluster): State<Shared>,
    Path((namespace, name)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let asked = format!("PATCH {name}");
    if let Some(refused) = admit(&cluster, asked, (&namespace, &name), &headers).await {
        return refused;
    }
    if headers[CONTENT_TYPE] != "application/merge-patch+json" {
        let message = "the body of the request was in an unknown format".to_owned();
        return status(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedMediaType",
            message,
        );
    }
    let patch: Value = serde_json::from_str(&body).unwrap();
    let mut cluster = cluster.lock().unwrap();
    if std::mem::take(&mut cluster.interferes) {
        cluster.replicas += 1;
        cluster.version += 1;
    }
    let version = &patch["metadata"]["resourceVersion"];
    if !version.is_null() && *version != json!(cluster.version.to_string()) {
        let message =
            "the object has been modified; please apply your changes to the latest version"
                .to_owned();
        return status(StatusCode::CONFLICT, "Conflict", message);
    }
    cluster.replicas = patch["spec"]["replicas"].as_i64().unwrap();
    cluster.version += 1;
    cluster.scale().into_response()
}
