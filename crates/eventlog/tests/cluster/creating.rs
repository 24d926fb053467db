//! Creating the streams while a node is away.

use crate::stage::{Stage, within};

/// With two of three nodes the broker sometimes finds a place for three copies and sometimes says "peer offline".
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_are_created_though_a_node_is_just_being_restarted() {
    within(async {
        let mut stage = Stage::bare().await;
        let client = stage.log_at(0).await;
        stage.cluster.node(2).stop().await.unwrap();
        let applying = tokio::spawn(Stage::apply(client));
        stage.cluster.node(2).restart().await.unwrap();
        let report = applying.await.unwrap().expect("streams");
        assert!(!report.created.is_empty());
        stage.cluster.ready().await.unwrap();
    })
    .await;
}
