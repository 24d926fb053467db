//! Players who are in the world and send what they should not.

use anyhow::Context;
use schemas::outcome::Reason;
use schemas::wire::{ClientMessage, CloseCode};
use worldline_tests::Player;
use worldline_tests::checks::all_is_well;

use super::{Witness, closed, refused};
use crate::stack;

fn input(client_seq: u32, bits: u8) -> ClientMessage {
    ClientMessage::Input {
        client_seq,
        client_step: 0,
        bits,
        view_step: 0,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_is_refused_and_the_session_goes_on() -> anyhow::Result<()> {
    let stack = stack(&["w1"]).await?;
    let mut witness = Witness::come(&stack).await?;
    let mut rogue = stack.player("Rogue").await?;
    let seq = rogue.hold(0)?;
    assert_eq!(rogue.outcome(seq).await?, None);
    let stood = rogue.view().position("Rogue");

    let invalid = Some(Reason::Invalid.number());
    let too_long = "x".repeat(401);
    let rows: Vec<(&str, ClientMessage, &str)> = vec![
        ("keys that do not exist", input(0, 32), "input_bits"),
        ("all keys there could be", input(0, 255), "input_bits"),
        (
            "401 characters",
            ClientMessage::Say {
                client_seq: 0,
                text: too_long,
            },
            "text_too_long",
        ),
        (
            "nothing",
            ClientMessage::Say {
                client_seq: 0,
                text: String::new(),
            },
            "text_empty",
        ),
        (
            "an escape sequence",
            ClientMessage::Say {
                client_seq: 0,
                text: "\u{1b}[2J".into(),
            },
            "text_control",
        ),
    ];
    for (what, message, reason) in rows {
        let before = refused(&stack, reason).await?;
        let seq = rogue.command_as(message)?;
        assert_eq!(rogue.outcome(seq).await.context(what)?, invalid, "{what}");
        assert!(refused(&stack, reason).await? > before, "{what} is counted");
        witness.is_undisturbed().await.context(what)?;
    }
    // A door where there is none is the world's to refuse.
    let seq = rogue.use_door()?;
    assert_eq!(rogue.outcome(seq).await?, Some(Reason::NoDoor.number()));
    assert_eq!(rogue.view().own.bits, 0, "no key is held");
    assert_eq!(
        rogue.view().position("Rogue"),
        stood,
        "and nobody has moved"
    );

    // A command once more, in the same session: no second outcome, no second effect.
    let seq = rogue.hold(2)?;
    assert_eq!(rogue.outcome(seq).await?, None);
    rogue.send(input(seq, 1))?;
    rogue.settled().await?;
    let next = rogue.hold(2 | 16)?;
    assert_eq!(rogue.outcome(next).await?, None);
    assert_eq!(rogue.view().own.bits, 2 | 16);

    // More inputs than ticks: all have their outcome, the last one holds.
    let mut last = 0;
    for turn in 0..40_u8 {
        last = rogue.hold(1 + turn % 2)?;
    }
    assert_eq!(rogue.outcome(last).await?, None);
    rogue
        .until("the last input", |view| view.own.bits == 2)
        .await?;
    let refusals = rogue.view().rejected.len();
    assert_eq!(
        refusals,
        6,
        "only what was wrong: {:?}",
        rogue.view().rejected
    );

    // What was refused on the edge alone must not be in the way of going on elsewhere.
    let seq = rogue.command_as(input(0, 64))?;
    assert_eq!(rogue.outcome(seq).await?, invalid);
    rogue.pull_the_cable();
    let edge = stack.edge("edge-1").clone();
    rogue.resume(&edge).await?;
    let seq = rogue.hold(0)?;
    assert_eq!(rogue.outcome(seq).await?, None);

    // A question that nobody can answer.
    rogue.send(ClientMessage::Query {
        id: 7,
        what: "passwords".into(),
    })?;
    rogue
        .until("a notice", |view| {
            view.notices.iter().any(|code| code == "unknown_query")
        })
        .await?;
    witness.is_undisturbed().await?;
    rogue.leave().await?;
    witness.player.leave().await?;
    all_is_well(&stack).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_floods_or_skips_is_closed_and_can_come_back() -> anyhow::Result<()> {
    let stack = stack(&["w1"]).await?;
    let mut witness = Witness::come(&stack).await?;
    let edge = stack.edge("edge-1").clone();
    let mut rogue = Player::create(&edge, "Rogue").await?;

    let skip: Vec<ClientMessage> = vec![input(2, 1)];
    let inputs: Vec<ClientMessage> = (1..=2000)
        .map(|seq| input(seq, u8::from(seq % 2 == 0)))
        .collect();
    let line = |client_seq| ClientMessage::Say {
        client_seq,
        text: "Buy my hats".into(),
    };
    let lines: Vec<ClientMessage> = (1..=40).map(line).collect();
    let doors: Vec<ClientMessage> = (1..=80)
        .map(|client_seq| ClientMessage::UseDoor { client_seq })
        .collect();
    let hearts: Vec<ClientMessage> = (0..200)
        .map(|nonce| ClientMessage::Heartbeat { nonce })
        .collect();
    for (what, messages, code) in [
        ("a gap in the numbers", skip, CloseCode::BadSequence),
        ("a flood of inputs", inputs, CloseCode::RateLimited),
        ("a flood of speech", lines, CloseCode::RateLimited),
        ("a flood of doors", doors, CloseCode::RateLimited),
        ("a flood of heartbeats", hearts, CloseCode::RateLimited),
    ] {
        let before = closed(&stack, code).await?;
        rogue.enter().await.context(what)?;
        for message in messages {
            // The socket may be closed by now, which is the point.
            if rogue.send(message).is_err() {
                break;
            }
        }
        rogue
            .until(what, |view| view.closed == Some(code.code()))
            .await?;
        assert!(closed(&stack, code).await? > before, "{what} is counted");
        let seq = witness.player.hold(0)?;
        assert_eq!(
            witness.player.outcome(seq).await.context(what)?,
            None,
            "{what}"
        );
        assert!(witness.player.view().broken.is_empty(), "{what}");
    }
    rogue.enter().await?;
    rogue.leave().await?;
    witness.player.leave().await?;
    all_is_well(&stack).await
}
