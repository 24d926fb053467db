//! An edge that leaves sends its clients away, and they go on elsewhere.

use schemas::wire::ServerMessage;

use crate::client::{Client, Heard};
use crate::stage::{Stage, config};

#[tokio::test]
async fn clients_are_told_where_to_go_and_resume_there() {
    let stage = Stage::new(&["harbor-1"]).await;
    let other = stage.edge().await;
    let mut config = config();
    config.elsewhere = format!("ws://{}/v1/ws", other.address);
    let one = stage.edge_with(config).await;
    let mut ann = stage.player(&one, 1).await;
    one.shutdown.begin();
    let url = loop {
        if let Heard::Message(ServerMessage::GoAway { url, within_ms }) = ann.hear().await {
            assert!(within_ms > 0);
            break url;
        }
    };
    assert_eq!(url, format!("ws://{}/v1/ws", other.address));
    assert_eq!(ann.until_closed().await, 4014);
    let mut back = Client::open(other.address).await;
    back.resume(&ann.screen.token).await;
    back.until_picture().await;
    back.hold(1, 2).await;
    back.until_acknowledged(1).await;
}
