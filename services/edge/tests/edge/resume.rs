//! Going on after a lost socket: outcomes and speech exactly, motion as a fresh picture.

use schemas::outcome::Reason;
use schemas::wire::ClientMessage;

use crate::client::Client;
use crate::stage::Stage;

const RIGHT: u8 = 2;

#[tokio::test]
async fn a_session_goes_on_at_another_edge_where_it_stood() {
    let stage = Stage::new(&["harbor-1"]).await;
    let (one, other) = (stage.edge().await, stage.edge().await);
    let mut ann = stage.player(&one, 1).await;
    let mut ben = stage.player(&one, 2).await;
    ann.hold(1, RIGHT).await;
    ann.until_acknowledged(1).await;
    let token = ann.screen.token.clone();
    // A door that is not there, and a line: their outcomes are never read.
    ann.send(&ClientMessage::UseDoor { client_seq: 2 }).await;
    ann.hold(3, 0).await;
    ben.speak(1, "where are you?").await;
    let said = |who: &str, text: &str| (who.to_owned(), text.to_owned());
    let question = said("p2", "where are you?");
    ben.until("the own words", |screen| screen.lines.contains(&question))
        .await;
    ann.until_acknowledged(3).await;
    drop(one);
    drop(ann);

    let mut back = Client::open(other.address).await;
    back.resume(&token).await;
    back.until_picture().await;
    let refused = vec![(2, Reason::NoDoor.number())];
    assert_eq!(back.screen.ready, Some((true, 3, refused)));
    assert_eq!(back.screen.area, "harbor-1");
    assert_eq!(
        back.screen.notices,
        [said("heard", "somebody: where are you?")]
    );
    back.hold(3, 0).await;
    back.hold(4, RIGHT).await;
    back.until_acknowledged(4).await;
}

#[tokio::test]
async fn on_the_same_edge_speech_is_shown_where_it_was_said() {
    let stage = Stage::new(&["harbor-1"]).await;
    let edge = stage.edge().await;
    let ann = stage.player(&edge, 1).await;
    let mut ben = stage.player(&edge, 2).await;
    let token = ann.screen.token.clone();
    drop(ann);
    ben.speak(1, "hello?").await;
    ben.until_acknowledged(1).await;
    let mut back = Client::open(edge.address).await;
    back.resume(&token).await;
    let line = ("p2".to_owned(), "hello?".to_owned());
    back.until("what was said meanwhile", |screen| {
        screen.lines == std::slice::from_ref(&line)
    })
    .await;
    assert_eq!(back.screen.ready.as_ref().map(|ready| ready.0), Some(true));
}

#[tokio::test]
async fn unanswered_commands_may_be_sent_again_and_count_once() {
    let stage = Stage::new(&["harbor-1"]).await;
    let edge = stage.edge().await;
    let mut ben = stage.player(&edge, 2).await;
    let mut ann = stage.player(&edge, 1).await;
    let token = ann.screen.token.clone();
    ann.speak(1, "twice?").await;
    ann.until_acknowledged(1).await;
    drop(ann);
    let mut back = Client::open(edge.address).await;
    back.resume(&token).await;
    back.until_picture().await;
    back.speak(1, "twice?").await;
    back.speak(2, "no").await;
    ben.until("both lines", |screen| screen.lines.len() >= 2)
        .await;
    let texts: Vec<_> = ben
        .screen
        .lines
        .iter()
        .map(|(_, text)| text.as_str())
        .collect();
    assert_eq!(texts, ["twice?", "no"]);
}

#[tokio::test]
async fn what_an_edge_refused_is_not_missed_by_the_next() {
    let stage = Stage::new(&["harbor-1"]).await;
    let edge = stage.edge().await;
    let mut ann = stage.player(&edge, 1).await;
    ann.hold(1, RIGHT).await;
    ann.until_acknowledged(1).await;
    ann.hold(2, 0xff).await;
    ann.until("a refusal", |screen| screen.rejected.len() == 1)
        .await;
    let token = ann.screen.token.clone();
    drop(ann);
    let mut back = Client::open(edge.address).await;
    back.resume(&token).await;
    back.until_picture().await;
    back.hold(3, 0).await;
    back.until_acknowledged(3).await;
    back.hold(5, 0).await;
    assert_eq!(back.until_closed().await, 4007, "but only once");
}

#[tokio::test]
async fn a_token_of_a_session_that_was_taken_over_is_4013() {
    let stage = Stage::new(&["harbor-1"]).await;
    let edge = stage.edge().await;
    let old = stage.player(&edge, 1).await;
    let token = old.screen.token.clone();
    let mut new = stage.player(&edge, 1).await;
    let mut late = Client::open(edge.address).await;
    late.resume(&token).await;
    assert_eq!(late.until_closed().await, 4013);
    new.hold(1, RIGHT).await;
    new.until_acknowledged(1).await;
}
