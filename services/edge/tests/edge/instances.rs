//! Instances as a player meets them: sent on, along a chain, out of an area that closes, and back
//! to the lobby, always told why.

use std::sync::atomic::{AtomicU64, Ordering};

use eventlog::EventLog;
use schemas::command::AreaMessage;
use schemas::effect::{Cause, Effect, EffectMessage, EffectPayload};
use schemas::subjects::AggregateId;
use schemas::wire::ClientMessage;
use schemas::{CharacterId, UnixMillis};

use crate::client::Client;
use crate::stage::{Stage, area, ticket};

const RIGHT: u8 = 2;

/// The control of areas, as far as a test needs it.
#[derive(Default)]
struct Control(AtomicU64);

impl Control {
    /// Steers an area that has not been steered before.
    async fn steer(&self, log: &EventLog, name: &str, closed: bool, overflow: Option<&str>) {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        let source = AggregateId::Control(area(name));
        let target = AggregateId::Area(area(name));
        let subject = target.command_subject(&source);
        let payload = EffectPayload::Steer {
            closed,
            overflow: overflow.map(area),
            soft: 1,
        };
        let message = AreaMessage::Effect(EffectMessage {
            source,
            cause: Cause {
                stream: "CONTROL_EVENTS".into(),
                sequence: number.into(),
            },
            effect: Effect {
                target,
                number,
                issued_at: UnixMillis::now(),
                payload,
            },
        });
        let sent = log.send(&subject, schemas::encode(&message).into(), None);
        sent.await.expect("the twin takes it");
    }
}

fn moved_to(client: &Client) -> Vec<&str> {
    let transits = client.screen.transits.iter();
    let moved = transits.filter(|(_, status)| status == "moved");
    moved.map(|(area, _)| area.as_str()).collect()
}

#[tokio::test]
async fn who_does_not_fit_is_shown_the_other_instance_and_told_so() {
    let stage = Stage::new(&["harbor-1", "harbor-2"]).await;
    let edge = stage.edge().await;
    Control::default()
        .steer(&stage.log, "harbor-1", false, Some("harbor-2"))
        .await;
    let ann = stage.player(&edge, 1).await;
    let mut ben = stage.player(&edge, 2).await;
    assert_eq!(
        (ann.screen.area.as_str(), ben.screen.area.as_str()),
        ("harbor-1", "harbor-2")
    );
    assert_eq!(moved_to(&ben), ["harbor-2"]);
    let (code, message) = &ben.screen.notices[0];
    assert_eq!(code, "moved");
    assert!(message.contains("harbor-2"), "{message}");
    ben.hold(1, RIGHT).await;
    ben.until_acknowledged(1).await;
}

#[tokio::test]
async fn a_chain_of_full_instances_is_followed_to_its_end() {
    let stage = Stage::new(&["harbor-1", "harbor-2", "harbor-3"]).await;
    let edge = stage.edge().await;
    for (from, to) in [("harbor-1", "harbor-2"), ("harbor-2", "harbor-3")] {
        Control::default()
            .steer(&stage.log, from, false, Some(to))
            .await;
    }
    for number in 1..=2 {
        stage.player(&edge, number).await;
    }
    // Not even followed by this edge so far: all of it is found out on the way.
    let fresh = stage.edge().await;
    let mut cleo = stage.player(&fresh, 3).await;
    assert_eq!(cleo.screen.area, "harbor-3");
    cleo.hold(1, RIGHT).await;
    cleo.until_acknowledged(1).await;
}

#[tokio::test]
async fn who_is_in_an_area_that_closes_goes_on_with_the_same_socket_and_the_same_numbers() {
    let stage = Stage::new(&["harbor-1", "harbor-2"]).await;
    let edge = stage.edge().await;
    let mut ann = stage.player(&edge, 1).await;
    ann.hold(1, RIGHT).await;
    Control::default()
        .steer(&stage.log, "harbor-1", true, Some("harbor-2"))
        .await;
    ann.hold(2, 0).await;
    ann.until("the other instance", |screen| screen.area == "harbor-2")
        .await;
    ann.hold(3, RIGHT).await;
    ann.until_acknowledged(3).await;
    assert_eq!(moved_to(&ann), ["harbor-2"]);
    assert_eq!(ann.screen.rejected, []);
}

#[tokio::test]
async fn who_is_sent_to_the_lobby_is_told_so_and_may_come_in_again() {
    let stage = Stage::new(&["harbor-1"]).await;
    let edge = stage.edge().await;
    let mut ann = stage.player(&edge, 1).await;
    Control::default()
        .steer(&stage.log, "harbor-1", true, None)
        .await;
    assert_eq!(ann.until_closed().await, 4016);
    assert_eq!(ann.screen.notices[0].0, "sent_to_lobby");

    let mut ben = Client::open(edge.address).await;
    ben.identify(&ticket(CharacterId(2), "b")).await;
    assert_eq!(ben.until_closed().await, 4016);
    assert_eq!(ben.screen.notices[0].0, "sent_to_lobby");
}

#[tokio::test]
async fn who_logs_out_while_being_moved_is_gone() {
    let stage = Stage::new(&["harbor-1", "harbor-2"]).await;
    let edge = stage.edge().await;
    let mut ann = stage.player(&edge, 1).await;
    Control::default()
        .steer(&stage.log, "harbor-1", true, Some("harbor-2"))
        .await;
    ann.send(&ClientMessage::Leave { client_seq: 1 }).await;
    assert_eq!(ann.until_closed().await, 4006);
}
