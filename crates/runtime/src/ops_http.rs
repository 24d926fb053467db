//! What operators and orchestrators ask over HTTP: `/metrics`, `/health/live`, `/health/ready`.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;

use crate::health::Health;
use crate::metric_recorder::render_metrics;
use crate::shutdown::Shutdown;

/// The three routes, to be merged into a router that a service serves anyway, or served by [`serve_ops`].
pub fn ops_router(health: Health) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health/live", get(async || "alive\n"))
        .route("/health/ready", get(ready))
        .with_state(health)
}

/// Serves them on a listener of their own until `shutdown` begins. A draining service is still worth asking, so
/// give it a shutdown that begins last.
pub async fn serve_ops(
    listener: TcpListener,
    health: Health,
    shutdown: Shutdown,
) -> std::io::Result<()> {
    axum::serve(listener, ops_router(health))
        .with_graceful_shutdown(async move { shutdown.cancelled().await })
        .await
}

async fn metrics() -> impl IntoResponse {
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        render_metrics(),
    )
}

async fn ready(State(health): State<Health>) -> impl IntoResponse {
    let readiness = health.readiness();
    let status = if readiness.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(readiness))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::metric_definitions::EDGE_CONNECTIONS;
    use crate::metric_recorder::install_metrics;

    async fn ask(address: SocketAddr, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
        stream
            .write_all(request.as_bytes())
            .await
            .expect("it reads");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .await
            .expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        (head[9..12].parse().expect("a status"), body.to_owned())
    }

    #[tokio::test]
    async fn the_three_routes_answer() {
        install_metrics().expect("nobody else records here");
        metrics::gauge!(EDGE_CONNECTIONS).set(3.0);
        let (serving, draining) = (Shutdown::new(), Shutdown::new());
        let health = Health::new(&draining);
        let broker = health.check("broker");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let server = tokio::spawn(serve_ops(listener, health, serving.clone()));

        assert_eq!(ask(address, "/health/live").await, (200, "alive\n".into()));
        let (status, body) = ask(address, "/health/ready").await;
        assert_eq!(
            (status, body.as_str()),
            (503, r#"{"ready":false,"not_ready":{"broker":"starting"}}"#)
        );
        broker.ready();
        assert_eq!(
            ask(address, "/health/ready").await,
            (200, r#"{"ready":true,"not_ready":{}}"#.into())
        );
        let (status, body) = ask(address, "/metrics").await;
        assert!(
            status == 200 && body.contains("worldline_edge_connections 3"),
            "{body}"
        );

        draining.begin();
        assert_eq!(ask(address, "/health/ready").await.0, 503);
        serving.begin();
        server
            .await
            .expect("it does not panic")
            .expect("it ends in order");
    }
}
