//! `replay show`: an area as it was.

use std::io::Write;

use past::Past;
use schemas::segment::{SUBPIXELS, Segment};
use schemas::{CharacterId, Handle, Step};
use serde_json::{Value, json};
use world::{AreaState, Body};

use crate::answer::Form;
use crate::cli::ShowArgs;
use crate::history::{self, Stop};
use crate::index::Index;
use crate::map::{Canvas, Drawing};
use crate::moment::Time;
use crate::readable::Reader;
use crate::skipped::Skips;
use crate::{ReplayError, exit};

/// Pixels with two digits, without floats: 1/256 px are exact to four.
pub(crate) fn pixels(subpixels: i32) -> String {
    let (sign, length) = (
        if subpixels < 0 { "-" } else { "" },
        subpixels.unsigned_abs(),
    );
    let unit = SUBPIXELS.unsigned_abs();
    format!("{sign}{}.{:02}", length / unit, length % unit * 100 / unit)
}

pub(crate) async fn show(
    args: &ShowArgs,
    past: &Past,
    index: Option<&Index>,
    reader: &Reader,
    out: &mut dyn Write,
) -> Result<u8, ReplayError> {
    let mut skips = Skips::new(args.answer.tolerant);
    let stop = Stop::At(args.at);
    let then = history::nearest_tolerant(past, index, &args.area, stop, &mut skips).await?;
    then.expect_begun(args.at)?;
    let state = &then.state;
    let step = then.step(args.at);
    let bodies = match &args.entity {
        None => state.bodies().collect(),
        Some(wanted) => vec![entity(state, wanted)?],
    };
    let drawing = match &args.map {
        None => None,
        Some(canvas) => Some((canvas, Drawing::of(state, &bodies, step, reader)?)),
    };
    if let Some((Canvas::Png(path), drawing)) = &drawing {
        drawing.png(path)?;
    }
    if args.answer.form() != Form::Text {
        let whole = args.entity.is_none();
        let mut shown = json(state, &bodies, step, then.sequence.0, whole, reader);
        if let Some((_, drawing)) = &drawing {
            shown["drawn"] = drawing.json();
        }
        if !skips.list().is_empty() {
            shown["skipped"] = json!(skips.list());
        }
        writeln!(out, "{shown}")?;
        return Ok(skips.code(exit::CLEAN));
    }
    head(state, step, then.sequence.0, out)?;
    match (&drawing, &args.entity) {
        (Some((canvas, drawing)), _) => drawn(canvas, drawing, out)?,
        (None, Some(_)) => bodies
            .iter()
            .try_for_each(|body| whole(body, step, reader, out))?,
        (None, None) => table(state, &bodies, step, reader, out)?,
    }
    Ok(skips.code(exit::CLEAN))
}

fn drawn(canvas: &Canvas, drawing: &Drawing<'_>, out: &mut dyn Write) -> Result<(), ReplayError> {
    writeln!(out)?;
    if let Some(caveat) = drawing.caveat() {
        writeln!(out, "{caveat}")?;
    }
    match canvas {
        Canvas::Text => write!(out, "{}", drawing.text())?,
        Canvas::Png(path) => {
            writeln!(out, "drawn into {}", path.display())?;
            for figure in &drawing.figures {
                let [red, green, blue] = figure.colour;
                let (handle, character, name) = (figure.handle, figure.character, &figure.name);
                let (x, y) = (pixels(figure.x), pixels(figure.y));
                writeln!(
                    out,
                    "#{red:02x}{green:02x}{blue:02x} body {handle} {character} ({name}) at ({x}, {y})"
                )?;
            }
        }
    }
    Ok(())
}

fn entity<'a>(state: &'a AreaState, wanted: &str) -> Result<&'a Body, ReplayError> {
    let found = match (wanted.parse::<CharacterId>(), wanted.parse::<Handle>()) {
        (Ok(character), _) => state.by_character(character),
        (_, Ok(handle)) => state.body(handle),
        _ => {
            return Err(ReplayError::Usage(format!(
                "`{wanted}` is neither a character's id of 13 characters nor a handle"
            )));
        }
    };
    found.ok_or_else(|| {
        ReplayError::Usage(format!(
            "{wanted} was not in {} after tick {}",
            state.area(),
            state.tick()
        ))
    })
}

fn head(
    state: &AreaState,
    step: Step,
    sequence: u64,
    out: &mut dyn Write,
) -> Result<(), ReplayError> {
    let (area, tick, no) = (state.area(), state.tick(), state.frame_no());
    let at = Time(state.at());
    writeln!(
        out,
        "{area} at step {step}: after frame {no} (sequence {sequence}), tick {tick}, {at}"
    )?;
    let owner = state.owner().map_or("nobody".to_owned(), |owner| {
        let life = match (owner.asleep, owner.present) {
            (true, _) => "asleep",
            (false, true) => "awake",
            (false, false) => "released",
        };
        format!(
            "{} (build {}, rules {}), {life}",
            owner.worker, owner.build, owner.rules
        )
    });
    let (map, epoch, claim) = (state.map_name(), state.epoch(), state.claim());
    writeln!(
        out,
        "map {map}, epoch {epoch}, claim {claim}, owner {owner}"
    )?;
    let (position, hash) = (state.position(), state.hash());
    writeln!(
        out,
        "commands consumed up to {}:{}, hashes {:016x} {:016x}",
        position.sequence, position.index, hash.public, hash.full
    )?;
    Ok(())
}

fn table(
    state: &AreaState,
    bodies: &[&Body],
    step: Step,
    reader: &Reader,
    out: &mut dyn Write,
) -> Result<(), ReplayError> {
    writeln!(
        out,
        "\n{:>6}  {:<13}  {:>7} {:>7} {:>10} {:>10} {:>6} {:>6}  {:<6} {:>4}  NAME",
        "HANDLE", "CHARACTER", "SESSION", "SEQ", "X", "Y", "VX", "VY", "MODE", "KEYS"
    )?;
    for body in bodies {
        let (x, y) = body.position(step);
        let (vx, vy) = body.segment_at(step).velocity(step);
        writeln!(
            out,
            "{:>6}  {:<13}  {:>7} {:>7} {:>10} {:>10} {vx:>6} {vy:>6}  {:<6} {:>4}  {}{}",
            body.handle,
            body.character.to_string(),
            body.session.0,
            body.last_seq(),
            pixels(x),
            pixels(y),
            format!("{:?}", body.segment.mode).to_lowercase(),
            body.controller.input.0,
            reader.open(&body.name),
            if body.link_lost.is_some() {
                " (link lost)"
            } else {
                ""
            }
        )?;
    }
    for effect in state.pending_effects() {
        let (target, number) = (&effect.target, effect.number);
        let what = reader.json(&effect.payload);
        writeln!(out, "pending effect {number} to {target}: {what}")?;
    }
    Ok(())
}

fn whole(body: &Body, step: Step, reader: &Reader, out: &mut dyn Write) -> Result<(), ReplayError> {
    let Value::Object(fields) = body_json(body, step, reader) else {
        return Ok(());
    };
    writeln!(out)?;
    for (name, value) in fields {
        writeln!(out, "{name:<12} {value}")?;
    }
    Ok(())
}

pub(crate) fn body_json(body: &Body, step: Step, reader: &Reader) -> Value {
    let (x, y) = body.position(step);
    let (vx, vy) = body.segment_at(step).velocity(step);
    json!({
        "handle": body.handle, "character": body.character, "account": body.account,
        "name": reader.open(&body.name), "session": body.session, "edge": body.edge,
        "last_seq": body.last_seq(), "x": x, "y": y, "vx": vx, "vy": vy,
        "segment": segment(&body.segment), "controller": body.controller,
        "history": body.history.iter().map(segment).collect::<Vec<_>>(),
        "rejections": body.rejections, "heard": body.heard, "link_lost": body.link_lost,
    })
}

/// With `until` null for ever, which as a number would lose its last bits in many readers.
fn segment(segment: &Segment) -> Value {
    let mut value = json!(segment);
    if segment.until == Segment::FOREVER {
        value["until"] = Value::Null;
    }
    value
}

fn json(
    state: &AreaState,
    bodies: &[&Body],
    step: Step,
    sequence: u64,
    whole: bool,
    reader: &Reader,
) -> Value {
    let hash = state.hash();
    let mut shown = json!({
        "area": state.area(), "step": step, "tick": state.tick(), "frame": state.frame_no(),
        "sequence": sequence, "at": Time(state.at()).to_string(), "map": state.map_name(),
        "epoch": state.epoch(), "claim": state.claim(), "owner": reader.json(&state.owner()),
        "position": reader.json(&state.position()),
        "hash": { "public": format!("{:016x}", hash.public), "full": format!("{:016x}", hash.full) },
        "bodies": bodies.iter().map(|body| body_json(body, step, reader)).collect::<Vec<_>>(),
    });
    if whole {
        shown["pending_effects"] = state
            .pending_effects()
            .map(|effect| reader.json(effect))
            .collect();
    }
    shown
}
