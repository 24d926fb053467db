//! Workers as the pods of a `StatefulSet`: its size is read and set through its `scale`, and through
//! nothing else, so that is the only right the director needs.
//!
//! The pods of `name` are `name-0`, `name-1` and so on, and so are the workers in them; when the
//! number is lowered Kubernetes ends the highest first, by SIGTERM and with the pod's own grace. A
//! change names the version that it was decided on; if somebody else has scaled meanwhile the API
//! server refuses it.

use std::time::Duration;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::autoscaling::v1::Scale;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::OnceCell;

use super::Config;
use super::backend::{Answer, Backend, BackendError, Size};

/// How long the API server may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// A `StatefulSet` of workers.
pub struct Kubernetes {
    name: String,
    namespace: String,
    client: OnceCell<Client>,
}

impl Kubernetes {
    /// Of the cluster in which this process runs, as its service account; or as `kubectl` would.
    #[must_use]
    pub fn in_cluster(config: &Config) -> Self {
        Self {
            name: config.name.clone(),
            namespace: config.namespace.clone(),
            client: OnceCell::new(),
        }
    }

    /// Of the cluster that `client` speaks to.
    #[must_use]
    pub fn with(client: Client, config: &Config) -> Self {
        Self {
            client: OnceCell::from(client),
            ..Self::in_cluster(config)
        }
    }

    async fn sets(&self) -> Result<Api<StatefulSet>, BackendError> {
        let client = self
            .client
            .get_or_try_init(Client::try_default)
            .await
            .map_err(|error| BackendError::Unavailable(chain(&error)))?
            .clone();
        Ok(if self.namespace.is_empty() {
            Api::default_namespaced(client)
        } else {
            Api::namespaced(client, &self.namespace)
        })
    }

    async fn read(&self) -> Result<Size, BackendError> {
        let scale = self.sets().await?.get_scale(&self.name).await;
        scale.map_err(|error| self.sort(&error)).map(size_of)
    }

    async fn write(&self, wanted: u32, version: &str) -> Result<Size, BackendError> {
        let patch = json!({
            "metadata": { "resourceVersion": version },
            "spec": { "replicas": wanted },
        });
        let parameters = PatchParams::default();
        let sets = self.sets().await?;
        let patch = Patch::Merge(patch);
        let scale = sets.patch_scale(&self.name, &parameters, &patch).await;
        scale.map_err(|error| self.sort(&error)).map(size_of)
    }

    fn sort(&self, error: &kube::Error) -> BackendError {
        let kube::Error::Api(status) = error else {
            return BackendError::Unavailable(chain(error));
        };
        match status.code {
            409 => BackendError::Changed,
            401 | 403 => BackendError::Denied(status.message.clone()),
            404 => BackendError::Missing(format!("StatefulSet {}: {}", self.name, status.message)),
            code => BackendError::Unavailable(format!("{code}: {}", status.message)),
        }
    }
}

impl Backend for Kubernetes {
    fn size(&self) -> Answer<'_> {
        Box::pin(within_deadline(self.read()))
    }

    fn scale_to(&self, wanted: u32, seen: &Size) -> Answer<'_> {
        let version = seen.version.clone();
        Box::pin(within_deadline(async move {
            self.write(wanted, &version).await
        }))
    }
}

async fn within_deadline(
    asking: impl Future<Output = Result<Size, BackendError>>,
) -> Result<Size, BackendError> {
    let late = || BackendError::Unavailable(format!("the API server took over {DEADLINE:?}"));
    let answer = tokio::time::timeout(DEADLINE, asking).await;
    answer.unwrap_or_else(|_| Err(late()))
}

fn size_of(scale: Scale) -> Size {
    let number = |number: Option<i32>| u32::try_from(number.unwrap_or(0)).unwrap_or(0);
    Size {
        wanted: number(scale.spec.and_then(|spec| spec.replicas)),
        actual: number(scale.status.map(|status| status.replicas)),
        version: scale.metadata.resource_version.unwrap_or_default(),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}
