//! Strangers: what they send before they are anybody.

use anyhow::Context;
use bots::login;
use schemas::wire::{ClientMessage, CloseCode, Encoding, PROTOCOL};
use tokio_tungstenite::tungstenite::Message;
use worldline_tests::Player;
use worldline_tests::checks::all_is_well;

use super::{Rogue, Witness, closed};
use crate::stack;

fn identify(protocol: u32, ticket: &str) -> ClientMessage {
    ClientMessage::Identify {
        protocol,
        ticket: ticket.into(),
        client: "a rogue".into(),
    }
}

fn resume(token: &str) -> ClientMessage {
    ClientMessage::Resume {
        protocol: PROTOCOL,
        token: token.into(),
    }
}

fn packed(message: &ClientMessage) -> Message {
    Message::Binary(Encoding::MsgPack.encode(message).into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_told_why_and_nobody_else_notices() -> anyhow::Result<()> {
    let stack = stack(&["w1"]).await?;
    let mut witness = Witness::come(&stack).await?;
    let edge = stack.edge("edge-1").clone();
    let here = witness.player.who().await?;

    let mut forged = login::ticket(&edge, &witness.player.guest).await?.ticket;
    // Any letter but the last, which may hold unused bits.
    let middle = forged.len() - 10;
    let other = if forged.as_bytes()[middle] == b'A' {
        "B"
    } else {
        "A"
    };
    forged.replace_range(middle..=middle, other);
    let mut token = witness.player.view().token;
    let middle = token.len() / 2;
    let other = if token.as_bytes()[middle] == b'A' {
        "B"
    } else {
        "A"
    };
    token.replace_range(middle..=middle, other);

    let early = |op: &str| match op {
        "input" => ClientMessage::Input {
            client_seq: 1,
            client_step: 0,
            bits: 1,
            view_step: 0,
        },
        "say" => ClientMessage::Say {
            client_seq: 1,
            text: "Let me in".into(),
        },
        _ => ClientMessage::Query {
            id: 1,
            what: "who".into(),
        },
    };
    let rows: Vec<(&str, Message, CloseCode)> = vec![
        (
            "no MessagePack",
            Message::Binary(vec![0xc1; 40].into()),
            CloseCode::Malformed,
        ),
        (
            "no array",
            Message::Binary(vec![0x05].into()),
            CloseCode::Malformed,
        ),
        (
            "an empty message",
            Message::Binary(vec![].into()),
            CloseCode::Malformed,
        ),
        (
            "a message cut short",
            Message::Binary(vec![0x94, 35, 1].into()),
            CloseCode::Malformed,
        ),
        (
            "text where binary was agreed",
            Message::Text("[34,1]".into()),
            CloseCode::Malformed,
        ),
        (
            "an op that is not there",
            Message::Binary(vec![0x92, 99, 1].into()),
            CloseCode::UnknownOp,
        ),
        (
            "a server's op",
            Message::Binary(vec![0x92, 4, 1].into()),
            CloseCode::UnknownOp,
        ),
        (
            "a little too large",
            Message::Binary(vec![0x90; 4097].into()),
            CloseCode::TooLarge,
        ),
        (
            "far too large",
            Message::Binary(vec![0x90; 300_000].into()),
            CloseCode::TooLarge,
        ),
        (
            "a key press before anything",
            packed(&early("input")),
            CloseCode::NotIdentified,
        ),
        (
            "speech before anything",
            packed(&early("say")),
            CloseCode::NotIdentified,
        ),
        (
            "a question before anything",
            packed(&early("who")),
            CloseCode::NotIdentified,
        ),
        (
            "another protocol",
            packed(&identify(PROTOCOL + 1, "x")),
            CloseCode::Outdated,
        ),
        (
            "an invented ticket",
            packed(&identify(PROTOCOL, "let.me.in")),
            CloseCode::BadTicket,
        ),
        (
            "a forged ticket",
            packed(&identify(PROTOCOL, &forged)),
            CloseCode::BadTicket,
        ),
        (
            "an access token for a ticket",
            packed(&identify(PROTOCOL, &witness.player.guest.access_token)),
            CloseCode::BadTicket,
        ),
        (
            "an invented resume token",
            packed(&resume("AAAA")),
            CloseCode::CannotResume,
        ),
        (
            "a forged resume token",
            packed(&resume(&token)),
            CloseCode::CannotResume,
        ),
    ];
    for (what, message, code) in rows {
        let before = closed(&stack, code).await?;
        let mut rogue = Rogue::connect(&edge).await?;
        rogue.sends(message).await;
        let got = rogue.closed_with().await.context(what)?;
        assert_eq!(got, code.code(), "{what}");
        assert!(closed(&stack, code).await? > before, "{what} is counted");
        witness.is_undisturbed().await.context(what)?;
    }
    assert_eq!(
        witness.player.who().await?,
        here,
        "nobody came, nobody went"
    );
    witness.player.leave().await?;
    all_is_well(&stack).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tickets_are_used_once_and_sessions_begun_once() -> anyhow::Result<()> {
    let mut stack = stack(&["w1"]).await?;
    let mut witness = Witness::come(&stack).await?;
    let edge = stack.edge("edge-1").clone();

    // A ticket that was overheard and is used again, by somebody else and on another edge.
    let guest = login::new_guest(&edge, "Careless").await?;
    let ticket = login::ticket(&edge, &guest).await?.ticket;
    let mut careless = Rogue::connect(&edge).await?;
    careless.says(&identify(PROTOCOL, &ticket)).await;
    stack.start_edge("edge-2", &[]).await?;
    for edge in ["edge-1", "edge-2"] {
        let mut thief = Rogue::connect(stack.edge(edge)).await?;
        thief.says(&identify(PROTOCOL, &ticket)).await;
        assert_eq!(
            thief.closed_with().await?,
            CloseCode::BadTicket.code(),
            "{edge}"
        );
    }
    // Who is somebody already cannot become somebody else.
    careless.says(&identify(PROTOCOL, &ticket)).await;
    assert_eq!(
        careless.closed_with().await?,
        CloseCode::AlreadyIdentified.code()
    );
    witness.is_undisturbed().await?;

    // The same character again: the newer session wins, the older one is told.
    let mut first = Player::create(&edge, "Twice").await?;
    first.enter().await?;
    let ticket = login::ticket(&edge, &first.guest).await?.ticket;
    let mut second = Rogue::connect(stack.edge("edge-2")).await?;
    second.says(&identify(PROTOCOL, &ticket)).await;
    first
        .until("being replaced", |view| {
            view.closed == Some(CloseCode::Replaced.code())
        })
        .await?;
    // The older one's resume token has died with its session.
    let mut stale = Rogue::connect(&edge).await?;
    stale.says(&resume(&first.view().token)).await;
    assert_eq!(stale.closed_with().await?, CloseCode::CannotResume.code());
    let twice = witness.player.who().await?;
    assert_eq!(
        twice.iter().filter(|(_, name)| name == "Twice").count(),
        1,
        "{twice:?}"
    );
    witness.is_undisturbed().await?;

    // Silence is answered, too.
    stack
        .start_edge("edge-3", &[("WORLDLINE_EDGE_IDENTIFY_WITHIN", "300ms")])
        .await?;
    let silent = Rogue::connect(stack.edge("edge-3")).await?;
    assert_eq!(silent.closed_with().await?, CloseCode::TimedOut.code());
    stack
        .start_edge("edge-4", &[("WORLDLINE_EDGE_MAX_CONNECTIONS", "1")])
        .await?;
    let _only = Rogue::connect(stack.edge("edge-4")).await?;
    let surplus = Rogue::connect(stack.edge("edge-4")).await?;
    assert_eq!(surplus.closed_with().await?, CloseCode::Full.code());
    worldline_tests::checks::log_is_whole_so_far(&stack).await?;
    stack.is_well();
    Ok(())
}
