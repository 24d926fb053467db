//! What bad input gets: the documented error or close code, a counter, and nobody else notices.

use runtime::{Span, render_metrics};
use schemas::CharacterId;
use schemas::wire::{ClientMessage, PROTOCOL};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::client::{Client, connect};
use crate::stage::{Edge, Stage, config, forged_ticket, ticket, ticket_until};

/// A stage with a bystander, who must not notice.
struct Bystander {
    stage: Stage,
    edge: Edge,
    watching: Client,
}

impl Bystander {
    async fn new() -> Self {
        runtime::install_metrics().expect("the first");
        let stage = Stage::new(&["harbor-1"]).await;
        let edge = stage.edge().await;
        let watching = stage.player(&edge, 99).await;
        Self {
            stage,
            edge,
            watching,
        }
    }

    async fn victim(&self) -> Client {
        self.stage.player(&self.edge, 1).await
    }

    /// The connection was closed with `code` and counted; the bystander goes on.
    async fn expect(mut self, mut client: Client, code: u16) {
        assert_eq!(client.until_closed().await, code);
        let counted = format!("worldline_edge_closed_total{{code=\"{code}\"}}");
        assert!(
            render_metrics().contains(&counted),
            "{counted} is not there"
        );
        self.watching.hold(1, 2).await;
        self.watching.until_acknowledged(1).await;
        assert!(self.watching.screen.rejected.is_empty());
    }
}

fn input(client_seq: u32) -> ClientMessage {
    ClientMessage::Input {
        client_seq,
        client_step: 0,
        bits: 1,
        view_step: 0,
    }
}

#[tokio::test]
async fn an_unknown_op_is_4001() {
    let by = Bystander::new().await;
    let mut client = by.victim().await;
    client.send_raw(vec![0x92, 0x63, 0x01]).await;
    by.expect(client, 4001).await;
}

#[tokio::test]
async fn what_is_no_message_is_4002() {
    for bytes in [
        &b"\xc1\xff\x00"[..],
        b"{\"op\":1}",
        &[0x92, 35, 1],
        &[0x90],
        b"",
    ] {
        let by = Bystander::new().await;
        let mut client = Client::open(by.edge.address).await;
        client.send_raw(bytes.to_vec()).await;
        by.expect(client, 4002).await;
    }
}

#[tokio::test]
async fn the_other_encoding_is_4002() {
    let by = Bystander::new().await;
    let mut client = Client::open(by.edge.address).await;
    client.send_message(Message::text("[34,1]")).await;
    by.expect(client, 4002).await;
}

#[tokio::test]
async fn a_command_before_identify_is_4003() {
    let by = Bystander::new().await;
    let mut client = Client::open(by.edge.address).await;
    client.send(&input(1)).await;
    by.expect(client, 4003).await;
}

#[tokio::test]
async fn a_bad_ticket_is_4004() {
    let someone = CharacterId(5);
    for bad in [
        "",
        "x.y.z",
        &forged_ticket(someone),
        &ticket_until(someone, "late", -60),
    ] {
        let by = Bystander::new().await;
        let mut client = Client::open(by.edge.address).await;
        client.identify(bad).await;
        by.expect(client, 4004).await;
    }
}

#[tokio::test]
async fn a_ticket_used_twice_is_4004() {
    let by = Bystander::new().await;
    let used = ticket(CharacterId(1), "once");
    let mut first = Client::open(by.edge.address).await;
    first.identify(&used).await;
    first.until_picture().await;
    let mut second = Client::open(by.edge.address).await;
    second.identify(&used).await;
    assert_eq!(second.until_closed().await, 4004);
    first.hold(1, 1).await;
    first.until_acknowledged(1).await;
}

#[tokio::test]
async fn identifying_twice_is_4005() {
    let by = Bystander::new().await;
    let mut client = by.victim().await;
    client.identify(&ticket(CharacterId(1), "again")).await;
    by.expect(client, 4005).await;
}

#[tokio::test]
async fn a_gap_in_the_numbering_is_4007_and_a_repetition_is_none() {
    let by = Bystander::new().await;
    let mut client = by.victim().await;
    for seq in [1, 1, 2, 1, 2] {
        client.send(&input(seq)).await;
    }
    client.until_acknowledged(2).await;
    client.send(&input(4)).await;
    by.expect(client, 4007).await;
}

#[tokio::test]
async fn a_flood_is_4008() {
    let by = Bystander::new().await;
    let mut client = by.victim().await;
    for seq in 1..=400 {
        client.send(&input(seq)).await;
    }
    by.expect(client, 4008).await;
}

#[tokio::test]
async fn too_much_talk_is_4008() {
    let by = Bystander::new().await;
    let mut client = by.victim().await;
    for seq in 1..=10 {
        client.speak(seq, "buy gold").await;
    }
    by.expect(client, 4008).await;
}

#[tokio::test]
async fn pings_beyond_measure_are_4008() {
    let by = Bystander::new().await;
    let mut client = by.victim().await;
    for _ in 0..200 {
        client.send_message(Message::Ping(Vec::new().into())).await;
    }
    by.expect(client, 4008).await;
}

#[tokio::test]
async fn inputs_faster_than_the_tick_are_all_answered() {
    let by = Bystander::new().await;
    let mut client = by.victim().await;
    for seq in 1..=100 {
        client
            .hold(seq, u8::try_from(seq % 4).expect("small"))
            .await;
    }
    client.until_acknowledged(100).await;
    assert!(
        client.screen.rejected.is_empty(),
        "{:?}",
        client.screen.rejected
    );
}

#[tokio::test]
async fn who_does_not_identify_in_time_is_4009() {
    let stage = Stage::new(&["harbor-1"]).await;
    let mut config = config();
    config.identify_within = Span::from_millis(150);
    let edge = stage.edge_with(config).await;
    let mut client = Client::open(edge.address).await;
    client.send(&ClientMessage::Heartbeat { nonce: 1 }).await;
    assert_eq!(client.until_closed().await, 4009);
}

#[tokio::test]
async fn who_is_not_heard_is_4009() {
    let stage = Stage::new(&["harbor-1"]).await;
    let mut config = config();
    config.heartbeat = Span::from_millis(150);
    let edge = stage.edge_with(config).await;
    let mut client = Client::open(edge.address).await;
    // A picture may come before the close, or not.
    client.identify(&ticket(CharacterId(1), "silent")).await;
    assert_eq!(client.until_closed().await, 4009);
}

#[tokio::test]
async fn an_oversized_message_is_4010() {
    for size in [4_097, 10_000, 100_000, 300_000] {
        let by = Bystander::new().await;
        let mut client = by.victim().await;
        let text = "x".repeat(size);
        client.speak(1, &text).await;
        by.expect(client, 4010).await;
    }
}

#[tokio::test]
async fn another_protocol_is_4012() {
    let by = Bystander::new().await;
    let mut client = Client::open(by.edge.address).await;
    let (ticket, old) = (String::new(), PROTOCOL + 1);
    client
        .send(&ClientMessage::Identify {
            protocol: old,
            ticket,
            client: "old".into(),
        })
        .await;
    by.expect(client, 4012).await;
}

#[tokio::test]
async fn a_forged_resume_token_is_4013() {
    let by = Bystander::new().await;
    let mut client = Client::open(by.edge.address).await;
    client.resume(&"A".repeat(200)).await;
    by.expect(client, 4013).await;
}

#[tokio::test]
async fn one_too_many_is_4017() {
    let stage = Stage::new(&["harbor-1"]).await;
    let mut config = config();
    config.max_connections = 1;
    let edge = stage.edge_with(config).await;
    let mut first = stage.player(&edge, 1).await;
    let protocol = [("sec-websocket-protocol", "worldline.v1.json")];
    let mut second = connect(edge.address, &protocol).await.expect("upgraded");
    let closed = futures_util::StreamExt::next(&mut second).await;
    let Some(Ok(Message::Close(Some(frame)))) = closed else {
        panic!("{closed:?}");
    };
    assert_eq!(u16::from(frame.code), 4017);
    first.hold(1, 1).await;
    first.until_acknowledged(1).await;
}

#[tokio::test]
async fn texts_that_are_none_are_refused_and_never_reach_the_world() {
    let mut by = Bystander::new().await;
    let mut client = by.victim().await;
    let bad = ["", "   ", "a\u{7}b", "line\nbreak", &"x".repeat(401)];
    for (seq, text) in (1..).zip(bad) {
        client.speak(seq, text).await;
    }
    client
        .until("five refusals", |screen| screen.rejected.len() == 5)
        .await;
    assert_eq!(client.screen.rejected[4], (5, 4), "invalid");
    client.hold(6, 1).await;
    client.until_acknowledged(6).await;
    by.watching.hold(1, 1).await;
    by.watching.until_acknowledged(1).await;
    assert!(by.watching.screen.lines.is_empty());
    assert!(render_metrics().contains("worldline_edge_refused_total{reason=\"text_control\"}"));
}

#[tokio::test]
async fn keys_that_do_not_exist_are_refused() {
    let by = Bystander::new().await;
    let mut client = by.victim().await;
    client.hold(1, 0xff).await;
    client
        .until("a refusal", |screen| screen.rejected == [(1, 4)])
        .await;
    client.hold(2, 1).await;
    client.until_acknowledged(2).await;
}

#[tokio::test]
async fn strangers_pages_and_unknown_subprotocols_get_no_socket() {
    let stage = Stage::new(&[]).await;
    let edge = stage.edge().await;
    let protocol = ("sec-websocket-protocol", "worldline.v1.json");
    let own = format!("http://{}", edge.address);
    let cases: [(&[(&'static str, &str)], u16); 4] = [
        (&[protocol, ("origin", "https://evil.example")], 403),
        (&[protocol, ("origin", "null")], 403),
        (&[("sec-websocket-protocol", "worldline.v9.msgpack")], 400),
        (&[("origin", &own)], 400),
    ];
    for (headers, status) in cases {
        match connect(edge.address, headers).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), status, "{headers:?}"),
            other => panic!("{headers:?}: {:?}", other.is_ok()),
        }
    }
    connect(edge.address, &[protocol, ("origin", &own)])
        .await
        .expect("our own page");
}
