//! Lines of an area's commands, each with its outcome.

use schemas::CharacterId;
use schemas::command::PlayerAsk;
use schemas::outcome::EffectVerdict;
use schemas::segment::InputBits;
use schemas::subjects::AREA_COMMANDS;
use serde_json::{Value, json};
use world::{Command, Incoming};

use super::Line;
use super::area::{Scene, payload_kind, snake};
use crate::judge::Verdict;

fn keys_held(bits: InputBits) -> String {
    let names = [
        (InputBits::LEFT, "left"),
        (InputBits::RIGHT, "right"),
        (InputBits::JUMP, "jump"),
        (InputBits::DOWN, "down"),
        (InputBits::RUN, "run"),
    ];
    let held: Vec<&str> = names
        .into_iter()
        .filter(|(bit, _)| bits.holds(*bit))
        .map(|(_, name)| name)
        .collect();
    if held.is_empty() {
        "nothing".to_owned()
    } else {
        held.join("+")
    }
}

fn outcome(verdict: Verdict) -> String {
    match verdict {
        Verdict::Accepted => "accepted".into(),
        Verdict::Noted => "noted".into(),
        Verdict::Missing => "NO OUTCOME".into(),
        Verdict::Rejected(reason) => format!("rejected: {}", snake(&reason)),
        Verdict::Effect(EffectVerdict::Applied) => "applied".into(),
        Verdict::Effect(verdict) => snake(&verdict),
    }
}

/// A consumed command with what became of it.
pub(crate) fn command(scene: &Scene<'_>, incoming: &Incoming, verdict: Verdict) -> Line {
    let (kind, characters, text, detail) = told(scene, &incoming.command);
    Line {
        class: "command",
        stream: AREA_COMMANDS,
        sequence: incoming.position.sequence,
        characters,
        outcome: Some(outcome(verdict)),
        ..scene.line(kind, text, detail)
    }
}

fn told(scene: &Scene<'_>, command: &Command) -> (&'static str, Vec<CharacterId>, String, Value) {
    match command {
        Command::Player { edge, cmd } => {
            let ask = match &cmd.ask {
                PlayerAsk::Input { bits, .. } => format!(" holds {}", keys_held(*bits)),
                PlayerAsk::Say { text } => format!(" {:?}", scene.reader.open(text)),
                PlayerAsk::UseDoor | PlayerAsk::Leave | PlayerAsk::Unknown => String::new(),
            };
            let (seq, session) = (cmd.seq, cmd.session);
            let who = scene.name(cmd.character);
            let detail = json!({
                "edge": edge, "character": cmd.character, "session": session, "seq": seq,
                "ask": scene.reader.json(&cmd.ask),
            });
            let text = format!("#{seq} of {who} in session {session}{ask}");
            (cmd.ask.kind(), vec![cmd.character], text, detail)
        }
        Command::Alive { edge, handles } => {
            let characters = handles
                .iter()
                .filter_map(|(handle, _)| scene.of_handle(*handle))
                .collect();
            let text = format!("{} sessions of edge {edge}", handles.len());
            let detail = json!({ "edge": edge, "handles": handles });
            ("alive", characters, text, detail)
        }
        Command::Effect(message) => {
            let (payload, number) = (&message.effect.payload, message.effect.number);
            let (about, source) = (payload.character(), &message.source);
            let who = about.map_or_else(|| "the area".to_owned(), |who| scene.name(who));
            (
                payload_kind(payload),
                about.into_iter().collect(),
                format!("{who}, effect {number} of {source}"),
                scene.reader.json(message),
            )
        }
        Command::Confirmation(receipt) => (
            "confirmation",
            Vec::new(),
            format!(
                "{} has taken effects up to {}",
                receipt.target, receipt.up_to
            ),
            scene.reader.json(receipt),
        ),
        Command::Undecodable => (
            "undecodable",
            Vec::new(),
            "a message that is none".to_owned(),
            Value::Null,
        ),
        Command::Fault { of } => told(scene, of),
    }
}
