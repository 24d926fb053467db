//! `replay diff`: what is different in an area between two moments.
//!
//! Time itself is not a difference: tick, frame and hashes stand in the head. Compared are who is there, how they move
//! and what they hold, who owns the area, and which effects wait.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use past::Past;
use schemas::Step;
use serde_json::{Map, Value, json};
use world::AreaState;

use crate::answer::Form;
use crate::cli::DiffArgs;
use crate::history::{self, Stop, Then};
use crate::index::Index;
use crate::moment::{Moment, Time};
use crate::readable::Reader;
use crate::show::body_json;
use crate::skipped::Skips;
use crate::{ReplayError, exit};

/// Something that is not as it was.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "change")]
enum Difference {
    /// It was not there.
    Came { what: String, is: Value },
    /// It is not there any more.
    Went { what: String, was: Value },
    /// It is otherwise.
    Changed {
        what: String,
        field: String,
        was: Value,
        is: Value,
    },
}

pub(crate) async fn diff(
    args: &DiffArgs,
    past: &Past,
    index: Option<&Index>,
    reader: &Reader,
    out: &mut dyn Write,
) -> Result<u8, ReplayError> {
    let mut skips = Skips::new(args.answer.tolerant);
    let mut ends = Vec::new();
    for moment in [args.from, args.to] {
        let stop = Stop::At(moment);
        let then = history::nearest_tolerant(past, index, &args.area, stop, &mut skips).await?;
        then.expect_begun(moment)?;
        ends.push((moment, then));
    }
    let [(from, before), (to, after)] = &ends[..] else {
        return Err(ReplayError::Usage("two moments are compared".to_owned()));
    };
    let (was, is) = (things(before, *from, reader), things(after, *to, reader));
    let differences = compare(&was, &is, args.entity.as_deref());
    match args.answer.form() {
        Form::Json => {
            let mut told = json!({
                "area": args.area, "from": end(before), "to": end(after), "differences": differences,
            });
            if !skips.list().is_empty() {
                told["skipped"] = json!(skips.list());
            }
            writeln!(out, "{told}")?;
        }
        Form::Ndjson => {
            for difference in &differences {
                writeln!(out, "{}", json!(difference))?;
            }
        }
        Form::Text => {
            for (sign, then) in [("---", before), ("+++", after)] {
                let (state, sequence) = (&then.state, then.sequence);
                let (tick, no, at) = (state.tick(), state.frame_no(), Time(state.at()));
                let area = state.area();
                writeln!(
                    out,
                    "{sign} {area} after frame {no} (sequence {sequence}), tick {tick}, {at}"
                )?;
            }
            for difference in &differences {
                difference.write(out)?;
            }
            if differences.is_empty() {
                writeln!(out, "no difference")?;
            }
        }
    }
    Ok(skips.code(match differences.is_empty() {
        true => exit::CLEAN,
        false => exit::FINDINGS,
    }))
}

fn end(then: &Then) -> Value {
    let state = &then.state;
    json!({
        "frame": state.frame_no(), "sequence": then.sequence, "tick": state.tick(),
        "at": Time(state.at()).to_string(),
    })
}

/// Everything that can be compared, each thing under its name with its fields.
fn things(then: &Then, moment: Moment, reader: &Reader) -> BTreeMap<String, Map<String, Value>> {
    let state = &then.state;
    let step = then.step(moment);
    let mut things = BTreeMap::new();
    let mut keep = |name: String, value: Value| {
        if let Value::Object(fields) = value {
            things.insert(name, fields);
        }
    };
    keep("area".to_owned(), of_area(state, reader));
    for body in state.bodies() {
        keep(body.character.to_string(), of_body(body, step, reader));
    }
    for effect in state.pending_effects() {
        let name = format!("effect {} to {}", effect.number, effect.target);
        keep(name, reader.json(effect));
    }
    things
}

fn of_area(state: &AreaState, reader: &Reader) -> Value {
    json!({
        "map": state.map_name(), "epoch": state.epoch(), "claim": state.claim(),
        "owner": reader.json(&state.owner()), "asleep": state.is_asleep(), "bodies": state.population(),
    })
}

/// What of a body is looked at: where it is at that moment, not how its history is written down.
fn of_body(body: &world::Body, step: Step, reader: &Reader) -> Value {
    let mut value = body_json(body, step, reader);
    if let Value::Object(fields) = &mut value {
        for written in ["segment", "history", "heard"] {
            fields.remove(written);
        }
    }
    value
}

fn compare(
    was: &BTreeMap<String, Map<String, Value>>,
    is: &BTreeMap<String, Map<String, Value>>,
    only: Option<&str>,
) -> Vec<Difference> {
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let wanted = |name: &&String| {
        let of = |side: &BTreeMap<String, Map<String, Value>>, only: &str| {
            let handle = side.get(*name).and_then(|fields| fields.get("handle"));
            let handle = handle.and_then(Value::as_u64);
            handle.is_some() && handle == only.parse().ok()
        };
        only.is_none_or(|only| *name == only || of(was, only) || of(is, only))
    };
    let mut differences = Vec::new();
    for name in names.into_iter().filter(wanted) {
        let what = name.clone();
        match (was.get(name), is.get(name)) {
            (None, Some(fields)) => differences.push(Difference::Came {
                what,
                is: Value::Object(fields.clone()),
            }),
            (Some(fields), None) => differences.push(Difference::Went {
                what,
                was: Value::Object(fields.clone()),
            }),
            (Some(was), Some(is)) => differences.extend(fields(name, was, is)),
            (None, None) => {}
        }
    }
    differences
}

fn fields<'a>(
    what: &'a str,
    was: &'a Map<String, Value>,
    is: &'a Map<String, Value>,
) -> impl Iterator<Item = Difference> + 'a {
    let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    names.into_iter().filter_map(move |field| {
        let [was, is] = [was, is].map(|side| side.get(field).cloned().unwrap_or(Value::Null));
        (was != is).then(|| Difference::Changed {
            what: what.to_owned(),
            field: field.clone(),
            was,
            is,
        })
    })
}

impl Difference {
    fn write(&self, out: &mut dyn Write) -> Result<(), ReplayError> {
        match self {
            Self::Came { what, is } => writeln!(out, "+ {what}{}", words(is))?,
            Self::Went { what, was } => writeln!(out, "- {what}{}", words(was))?,
            Self::Changed {
                what,
                field,
                was,
                is,
            } => writeln!(out, "~ {what} {field}: {was} -> {is}")?,
        }
        Ok(())
    }
}

/// Name and place, of what has them.
fn words(value: &Value) -> String {
    let name = value.get("name").and_then(Value::as_str);
    let number = |field: &str| {
        let number = value.get(field).and_then(Value::as_i64)?;
        i32::try_from(number).ok()
    };
    let place = number("x").zip(number("y")).map(|(x, y)| {
        let (x, y) = (crate::show::pixels(x), crate::show::pixels(y));
        format!(" at ({x}, {y})")
    });
    let name = name.map_or_else(String::new, |name| format!(" ({name})"));
    format!("{name}{}", place.unwrap_or_default())
}
