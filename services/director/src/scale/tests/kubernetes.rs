//! The real client against a server that speaks the real protocol.

use axum::http::StatusCode;
use kube::Client;
use kube::config::AuthInfo;

use super::api_server::{SET, Shared, TOKEN, start};
use crate::scale::kubernetes::Kubernetes;
use crate::scale::{Backend, BackendError, Config, Size};

fn backend(url: &str, token: &str, name: &str) -> Kubernetes {
    let mut client = kube::Config::new(url.parse().unwrap());
    client.auth_info = AuthInfo {
        token: Some(token.to_owned().into()),
        ..AuthInfo::default()
    };
    let config = Config {
        name: name.to_owned(),
        namespace: SET.0.to_owned(),
        ..Config::default()
    };
    Kubernetes::with(Client::try_from(client).unwrap(), &config)
}

async fn cluster(replicas: i64) -> (Kubernetes, Shared) {
    let (url, cluster) = start(replicas).await;
    (backend(&url, TOKEN, SET.1), cluster)
}

fn size(wanted: u32, actual: u32, version: &str) -> Size {
    Size {
        wanted,
        actual,
        version: version.into(),
    }
}

#[tokio::test]
async fn the_size_is_read_and_set_through_the_scale() {
    let (backend, cluster) = cluster(2).await;
    let seen = backend.size().await.unwrap();
    assert_eq!(seen, size(2, 2, "41"));
    assert_eq!(backend.scale_to(5, &seen).await, Ok(size(5, 2, "42")));
    assert_eq!(cluster.lock().unwrap().replicas, 5);
    let asked = cluster.lock().unwrap().asked.clone();
    assert_eq!(asked, ["GET worldline-worker", "PATCH worldline-worker"]);
}

#[tokio::test]
async fn what_somebody_else_changed_meanwhile_is_not_overwritten() {
    let (backend, cluster) = cluster(2).await;
    let seen = backend.size().await.unwrap();
    cluster.lock().unwrap().interferes = true;
    assert_eq!(backend.scale_to(5, &seen).await, Err(BackendError::Changed));
    assert_eq!(cluster.lock().unwrap().replicas, 3);
    let seen = backend.size().await.unwrap();
    assert_eq!(backend.scale_to(5, &seen).await.unwrap().wanted, 5);
}

#[tokio::test]
async fn each_refusal_says_who_has_to_act() {
    let (backend, cluster) = cluster(2).await;
    for (code, denied) in [
        (StatusCode::FORBIDDEN, true),
        (StatusCode::INTERNAL_SERVER_ERROR, false),
    ] {
        cluster.lock().unwrap().fails = Some(code);
        let error = backend.size().await.unwrap_err();
        assert_eq!(matches!(error, BackendError::Denied(_)), denied, "{error}");
        assert_eq!(
            matches!(error, BackendError::Unavailable(_)),
            !denied,
            "{error}"
        );
        assert!(error.to_string().contains(code.as_str()), "{error}");
    }
    cluster.lock().unwrap().fails = None;
    assert_eq!(backend.size().await.unwrap().wanted, 2);
}

#[tokio::test]
async fn an_unknown_set_and_an_unknown_account_are_told() {
    let (url, _cluster) = start(2).await;
    let error = backend(&url, TOKEN, "another").size().await.unwrap_err();
    assert!(
        matches!(&error, BackendError::Missing(what) if what.contains("another")),
        "{error}"
    );
    let error = backend(&url, "forged", SET.1).size().await.unwrap_err();
    assert!(matches!(error, BackendError::Denied(_)), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_or_silent_is_given_up() {
    let error = backend("http://127.0.0.1:1", TOKEN, SET.1)
        .size()
        .await
        .unwrap_err();
    assert!(matches!(error, BackendError::Unavailable(_)), "{error}");
    let (backend, cluster) = cluster(2).await;
    backend.size().await.unwrap();
    cluster.lock().unwrap().hangs = true;
    tokio::time::pause();
    let error = backend.size().await.unwrap_err();
    assert!(matches!(error, BackendError::Unavailable(_)), "{error}");
}
