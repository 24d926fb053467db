//! What a stack promises when nobody harms it.

use std::collections::BTreeMap;

use bots::{login, socket};
use futures_util::{SinkExt, StreamExt};
use schemas::wire::{ClientMessage, Encoding, PROTOCOL, SUBPROTOCOLS, ServerMessage};
use tokio_tungstenite::tungstenite::Message;
use worldline_tests::checks::{all_is_well, place_of};
use worldline_tests::{Player, eventually};

use crate::stack;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_players_see_hear_and_follow_each_other() -> anyhow::Result<()> {
    let stack = stack(&["w1", "w2"]).await?;
    let mut ann = stack.player("Ann").await?;
    let mut ben = stack.player("Ben").await?;

    let sees = |name: &'static str| {
        move |view: &worldline_tests::View| view.bodies.values().any(|seen| seen.name == name)
    };
    // Spawn points lie apart; who wants company walks there.
    tokio::try_join!(ann.go_to("forest-1"), ben.go_to("forest-1"))?;
    ann.until("Ben in view", sees("Ben")).await?;
    ben.until("Ann in view", sees("Ann")).await?;

    let stood = ben.view().position("Ann");
    let seq = ann.hold(2)?;
    assert_eq!(ann.outcome(seq).await?, None);
    ben.until("Ann on the move", |view| view.position("Ann") != stood)
        .await?;
    let seq = ann.hold(0)?;
    assert_eq!(ann.outcome(seq).await?, None);

    ann.say("Is anybody here?")?;
    let heard = |view: &worldline_tests::View| !view.heard.is_empty();
    ben.until("Ann's words", heard).await?;
    ben.settled().await?;
    assert_eq!(
        ben.view().heard,
        [("Ann".to_owned(), "Is anybody here?".to_owned())]
    );

    // Both know the same of where everybody is.
    let at_rest = |player: &Player| -> BTreeMap<String, _> {
        let view = player.view();
        let bodies = view.bodies.values();
        bodies
            .map(|seen| (seen.name.clone(), view.position(&seen.name)))
            .collect()
    };
    eventually("the pictures agree", || async {
        Ok(at_rest(&ann) == at_rest(&ben))
    })
    .await?;

    eventually("the rows know where Ann is", || async {
        Ok(place_of(&stack, &ann.guest.character).await?.as_deref() == Some("forest-1"))
    })
    .await?;
    ann.go_to("harbor-1").await?;
    ben.until("Ann out of view", |view| !sees("Ann")(view))
        .await?;

    ann.leave().await?;
    ben.leave().await?;
    assert!(ann.view().broken.is_empty(), "{:?}", ann.view().broken);
    assert!(ben.view().broken.is_empty(), "{:?}", ben.view().broken);
    all_is_well(&stack).await?;
    eventually("the rows know that Ann has left", || async {
        Ok(place_of(&stack, &ann.guest.character).await?.is_none())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_stands_where_they_stood_and_a_terminal_can_play() -> anyhow::Result<()> {
    let mut stack = stack(&["w1"]).await?;
    let mut ann = stack.player("Ann").await?;
    ann.go_to("forest-1").await?;
    eventually("Ann stands still", || async {
        let before = ann.view().position("Ann");
        ann.settled().await?;
        Ok(ann.view().own.mode == 0 && before == ann.view().position("Ann"))
    })
    .await?;
    let stood = ann.view().position("Ann");
    ann.leave().await?;

    // The world changes hands meanwhile.
    stack.role("w1").stop().await?;
    stack.start_worker("w2", None)?;

    // By hand, in JSON, as one would from a terminal.
    let ticket = login::ticket(stack.edge("edge-1"), &ann.guest).await?;
    let url = stack.edge("edge-1").websocket(&ticket.endpoint);
    let mut terminal = socket::open(&url, SUBPROTOCOLS[1]).await?;
    let identify = Encoding::Json.encode(&ClientMessage::Identify {
        protocol: PROTOCOL,
        ticket: ticket.ticket,
        client: "a terminal".into(),
    });
    let identify = String::from_utf8(identify)?;
    terminal.send(Message::Text(identify.into())).await?;
    let mut view = worldline_tests::View::default();
    let picture = async {
        while view.pictures == 0 {
            let Some(Ok(Message::Text(text))) = terminal.next().await else {
                anyhow::bail!("the socket ended before the picture");
            };
            view.fold(Encoding::Json.decode::<ServerMessage>(text.as_bytes())?);
        }
        Ok(())
    };
    tokio::time::timeout(worldline_tests::PATIENCE, picture).await??;
    assert_eq!(view.area, "forest-1");
    assert_eq!(view.position("Ann"), stood);
    let leave = Encoding::Json.encode(&ClientMessage::Leave { client_seq: 1 });
    let leave = String::from_utf8(leave)?;
    terminal.send(Message::Text(leave.into())).await?;
    while let Some(Ok(message)) = terminal.next().await {
        if let Message::Close(reason) = message {
            assert_eq!(reason.map(|reason| reason.code.into()), Some(4006_u16));
        }
    }
    all_is_well(&stack).await
}
