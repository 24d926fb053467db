//! Lines of an area: its commands with their outcomes, facts, motion, effects.

use schemas::command::PlayerAsk;
use schemas::effect::{Effect, EffectPayload};
use schemas::fact::{Destination, Fact};
use schemas::frame::Frame;
use schemas::outcome::EffectVerdict;
use schemas::segment::{InputBits, Moved};
use schemas::subjects::{AREA_COMMANDS, AREA_EVENTS};
use schemas::{AreaId, CharacterId, Handle, Sequence};
use serde_json::{Value, json};
use world::{AreaState, Command, Incoming};

use super::Line;
use crate::judge::Verdict;
use crate::readable::Reader;
use crate::show::pixels;

/// The frame in which something stands, and who is there.
pub(crate) struct Scene<'a> {
    pub(crate) area: &'a AreaId,
    pub(crate) frame: &'a Frame,
    pub(crate) sequence: Sequence,
    pub(crate) before: Option<&'a AreaState>,
    pub(crate) after: Option<&'a AreaState>,
    pub(crate) reader: &'a Reader,
}

impl Scene<'_> {
    fn line(&self, kind: impl Into<String>, text: String, detail: Value) -> Line {
        Line {
            class: "event",
            kind: kind.into(),
            place: self.area.to_string(),
            stream: AREA_EVENTS,
            sequence: self.sequence,
            tick: Some(self.frame.tick),
            at: self.frame.at,
            characters: Vec::new(),
            text,
            detail,
            outcome: None,
        }
    }

    fn name(&self, character: CharacterId) -> String {
        let body = [self.after, self.before]
            .into_iter()
            .flatten()
            .find_map(|state| state.by_character(character));
        body.map_or_else(
            || character.to_string(),
            |body| format!("{character} ({})", self.reader.open(&body.name)),
        )
    }

    fn of_handle(&self, handle: Handle) -> Option<CharacterId> {
        [self.after, self.before]
            .into_iter()
            .flatten()
            .find_map(|state| state.body(handle))
            .map(|body| body.character)
    }
}

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

fn payload_kind(payload: &EffectPayload) -> &'static str {
    match payload {
        EffectPayload::Enter { .. } => "enter.1",
        EffectPayload::TakeSession { .. } => "take_session.1",
        EffectPayload::LeaveWorld { .. } => "leave_world.1",
        EffectPayload::Located { .. } => "located.1",
        EffectPayload::Returned { .. } => "returned.1",
        EffectPayload::NotHere { .. } => "not_here.1",
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

fn snake<T: serde::Serialize>(name: &T) -> String {
    match serde_json::to_value(name) {
        Ok(Value::String(name)) => name,
        other => format!("{other:?}"),
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
            let (who, source) = (scene.name(payload.character()), &message.source);
            (
                payload_kind(payload),
                vec![payload.character()],
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

/// A fact.
pub(crate) fn fact(scene: &Scene<'_>, fact: &Fact) -> Line {
    let (character, text) = match fact {
        Fact::Owned {
            worker,
            build,
            rules,
            resume_tick,
            ..
        } => (
            None,
            format!(
                "by {worker} (build {build}, rules {rules}), epoch {}, from tick {resume_tick}",
                scene.frame.epoch
            ),
        ),
        Fact::Hibernated {} => (None, "nobody is here".to_owned()),
        Fact::Released { worker } => (None, format!("by {worker}")),
        Fact::Arrived {
            traveller,
            from,
            handle,
            segment,
            ..
        } => {
            let (x, y) = (pixels(segment.x), pixels(segment.y));
            let name = scene.reader.open(&traveller.name);
            let who = traveller.character;
            (
                Some(who),
                format!("{who} ({name}) from {from} at ({x}, {y}) as body {handle}"),
            )
        }
        Fact::Departed {
            character,
            to,
            reason,
            ..
        } => {
            let to = match to {
                Destination::Area { area, spawn } => format!("{area} ({spawn})"),
                Destination::Lobby => "the lobby".to_owned(),
            };
            let who = scene.name(*character);
            (
                Some(*character),
                format!("{who} to {to}: {}", snake(reason)),
            )
        }
        Fact::SessionTaken {
            character, session, ..
        } => (
            Some(*character),
            format!("{} by session {session}", scene.name(*character)),
        ),
        Fact::LinkLost { character, .. } | Fact::LinkRestored { character, .. } => {
            (Some(*character), scene.name(*character))
        }
        Fact::Spoken {
            character, text, ..
        } => (
            Some(*character),
            format!("{}: {:?}", scene.name(*character), scene.reader.open(text)),
        ),
        Fact::EffectsConfirmed { target, up_to } => (None, format!("by {target} up to {up_to}")),
        Fact::Unknown => (None, "written by a newer build".to_owned()),
    };
    Line {
        characters: character.into_iter().collect(),
        ..scene.line(fact.kind(), text, scene.reader.json(fact))
    }
}

/// A new segment of a body.
pub(crate) fn motion(scene: &Scene<'_>, moved: &Moved) -> Line {
    let segment = &moved.segment;
    let character = scene.of_handle(moved.handle);
    let who = character.map_or_else(
        || format!("body {}", moved.handle),
        |character| scene.name(character),
    );
    let text = format!(
        "{who} from step {} at ({}, {}) v ({}, {}) a ({}, {})",
        segment.from,
        pixels(segment.x),
        pixels(segment.y),
        segment.vx,
        segment.vy,
        segment.ax,
        segment.ay
    );
    Line {
        characters: character.into_iter().collect(),
        ..scene.line("motion", text, json!(moved))
    }
}

/// A message to another aggregate.
pub(crate) fn effect(scene: &Scene<'_>, effect: &Effect) -> Line {
    let who = effect.payload.character();
    let text = format!(
        "{} {}, effect {} to {}",
        payload_kind(&effect.payload),
        scene.name(who),
        effect.number,
        effect.target
    );
    Line {
        characters: vec![who],
        ..scene.line("effect", text, scene.reader.json(effect))
    }
}

/// The frame itself: shown only when asked for, for there is at least one a second.
pub(crate) fn frame_clock(scene: &Scene<'_>) -> Line {
    let frame = scene.frame;
    let text = format!("frame {} of epoch {}", frame.no, frame.epoch);
    let detail = json!({
        "frame": frame.no, "epoch": frame.epoch, "claim": frame.claim, "position": frame.pos,
        "hash": { "public": format!("{:016x}", frame.hash.public), "full": format!("{:016x}", frame.hash.full) },
    });
    scene.line("clock", text, detail)
}
