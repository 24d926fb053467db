//! A client that reads too slowly: latest wins for movement, and nothing reliable is lost.

use std::time::Duration;

use futures_util::future::join_all;
use runtime::render_metrics;

use crate::client::Client;
use crate::stage::{Edge, Stage, until};

/// Lines of four bytes a character fill the network's own buffers soon.
fn line(speaker: usize, number: u32) -> String {
    format!("{speaker}.{number} {}", "\u{1f600}".repeat(380))
}

async fn speakers(stage: &Stage, edge: &Edge, count: usize) -> Vec<Client> {
    join_all((0..count).map(|n| stage.player(edge, 100 + n as u64))).await
}

/// Everybody says `number` and waits until it is in the world.
async fn all_say(speakers: &mut [Client], number: u32) {
    let saying = speakers
        .iter_mut()
        .enumerate()
        .map(|(speaker, client)| async move {
            client.speak(number, &line(speaker, number)).await;
            client.until_acknowledged(number).await;
        });
    join_all(saying).await;
}

#[tokio::test]
async fn who_has_not_read_for_a_while_gets_a_picture_and_all_that_was_said() {
    let stage = Stage::new(&["harbor-1"]).await;
    stage.lobby.start_at("harbor-1", "from-forest");
    let edge = stage.edge().await;
    let mut busy = speakers(&stage, &edge, 25).await;
    let mut slow = stage.player(&edge, 1).await;
    for number in 1..=5 {
        all_say(&mut busy, number).await;
    }
    let expected = 25 * 5;
    slow.until("every line", |screen| screen.lines.len() == expected)
        .await;
    let mut heard: Vec<_> = slow
        .screen
        .lines
        .iter()
        .map(|(_, text)| text.clone())
        .collect();
    let mut said: Vec<_> = (0..25)
        .flat_map(|s| (1..=5).map(move |n| line(s, n)))
        .collect();
    heard.sort();
    said.sort();
    assert!(heard == said, "each line once");
    assert!(slow.screen.pictures > 1, "movement was owed");
    assert_eq!(slow.screen.bodies.len(), 26);
}

#[tokio::test]
async fn who_never_reads_is_4015_and_the_others_play_on() {
    runtime::install_metrics().expect("the first");
    let stage = Stage::new(&["harbor-1"]).await;
    stage.lobby.start_at("harbor-1", "from-forest");
    let edge = stage.edge().await;
    let mut busy = speakers(&stage, &edge, 25).await;
    let _deaf = stage.player(&edge, 1).await;
    let closed = || render_metrics().contains("worldline_edge_closed_total{code=\"4015\"}");
    for number in 1..=40 {
        all_say(&mut busy, number).await;
        if closed() {
            return;
        }
        // Two lines a second are allowed.
        tokio::time::sleep(Duration::from_millis(if number < 5 { 0 } else { 510 })).await;
    }
    until("the close", || async { closed() }).await;
}
