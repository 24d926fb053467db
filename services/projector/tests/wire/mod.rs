//! A wire to a server that can go deaf: connections stay open, and nothing comes through any more.

use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Passes connections on to a server.
pub(crate) struct Wire {
    url: String,
    /// Connections of earlier numbers are deaf.
    deaf: Arc<watch::Sender<u64>>,
}

impl Wire {
    /// A wire to the server of `url`, `postgres://user@host:port/name`.
    pub(crate) async fn to(url: &str) -> Self {
        let address = url.rsplit_once('@').unwrap().1;
        let server = address.split_once('/').unwrap().0.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap().to_string();
        let url = url.replace(&server, &here);
        let deaf = Arc::new(watch::Sender::new(0));
        tokio::spawn(pass_on(listener, server, Arc::clone(&deaf)));
        Self { url, deaf }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Nothing comes through those that are open now; new ones work.
    pub(crate) fn deafen(&self) {
        self.deaf.send_modify(|number| *number += 1);
    }
}

async fn pass_on(listener: TcpListener, server: String, deaf: Arc<watch::Sender<u64>>) {
    while let Ok((mut client, _)) = listener.accept().await {
        let Ok(mut there) = TcpStream::connect(&server).await else {
            continue;
        };
        let mut deaf = deaf.subscribe();
        deaf.mark_unchanged();
        tokio::spawn(async move {
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut client, &mut there) => {}
                Ok(()) = deaf.changed() => std::future::pending::<()>().await,
            }
        });
    }
}
