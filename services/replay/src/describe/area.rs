//! Lines of an area: facts, motion, effects.

use schemas::effect::{Effect, EffectPayload};
use schemas::fact::{Destination, Fact};
use schemas::frame::Frame;
use schemas::segment::Moved;
use schemas::subjects::AREA_EVENTS;
use schemas::{AreaId, CharacterId, Handle, Sequence};
use serde_json::{Value, json};
use world::AreaState;

use super::Line;
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
    pub(super) fn line(&self, kind: impl Into<String>, text: String, detail: Value) -> Line {
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

    pub(super) fn name(&self, character: CharacterId) -> String {
        let body = [self.after, self.before]
            .into_iter()
            .flatten()
            .find_map(|state| state.by_character(character));
        body.map_or_else(
            || character.to_string(),
            |body| format!("{character} ({})", self.reader.open(&body.name)),
        )
    }

    pub(super) fn of_handle(&self, handle: Handle) -> Option<CharacterId> {
        [self.after, self.before]
            .into_iter()
            .flatten()
            .find_map(|state| state.body(handle))
            .map(|body| body.character)
    }
}

pub(super) fn payload_kind(payload: &EffectPayload) -> &'static str {
    match payload {
        EffectPayload::Enter { .. } => "enter.1",
        EffectPayload::TakeSession { .. } => "take_session.1",
        EffectPayload::LeaveWorld { .. } => "leave_world.1",
        EffectPayload::Located { .. } => "located.1",
        EffectPayload::Steer { .. } => "steer.1",
        EffectPayload::Returned { .. } => "returned.1",
        EffectPayload::NotHere { .. } => "not_here.1",
    }
}

/// How an area treats those who come, in words.
pub(super) fn steering(closed: bool, overflow: Option<&AreaId>, soft: u32) -> String {
    let takes = match (closed, soft) {
        (true, _) => "takes nobody".to_owned(),
        (false, 0) => "open".to_owned(),
        (false, soft) => format!("open, full at {soft}"),
    };
    let to = overflow.map_or("the lobby", AreaId::as_str);
    format!("{takes}; those it does not take go to {to}")
}

pub(super) fn snake<T: serde::Serialize>(name: &T) -> String {
    match serde_json::to_value(name) {
        Ok(Value::String(name)) => name,
        other => format!("{other:?}"),
    }
}

/// The character that a fact is about.
pub(crate) fn about(fact: &Fact) -> Option<CharacterId> {
    match fact {
        Fact::Arrived { traveller, .. } => Some(traveller.character),
        Fact::Departed { character, .. }
        | Fact::SessionTaken { character, .. }
        | Fact::LinkLost { character, .. }
        | Fact::LinkRestored { character, .. }
        | Fact::Spoken { character, .. } => Some(*character),
        Fact::Owned { .. }
        | Fact::Hibernated {}
        | Fact::Released { .. }
        | Fact::Steered { .. }
        | Fact::EffectsConfirmed { .. }
        | Fact::Unknown => None,
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
        Fact::Steered {
            closed,
            overflow,
            soft,
        } => (None, steering(*closed, overflow.as_ref(), *soft)),
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
    let about = effect.payload.character();
    let who = about.map_or_else(|| "the area".to_owned(), |who| scene.name(who));
    let text = format!(
        "{} {}, effect {} to {}",
        payload_kind(&effect.payload),
        who,
        effect.number,
        effect.target
    );
    Line {
        characters: about.into_iter().collect(),
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
