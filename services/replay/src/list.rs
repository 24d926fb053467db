//! `replay list`: which streams and areas there are, from when to when, and how large.

use std::io::Write;

use eventlog::Record;
use past::Past;
use schemas::fact::Fact;
use schemas::frame::Frame;
use schemas::subjects::{AREA_COMMANDS, AREA_EVENTS, Domain};
use schemas::{AreaId, Sequence};
use serde_json::{Value, json};

use crate::answer::Form;
use crate::areas::{self, Known};
use crate::cli::ListArgs;
use crate::moment::Time;
use crate::skipped::Skips;
use crate::{ReplayError, exit};

/// One end of an area's frames.
struct End {
    sequence: Sequence,
    frame: Frame,
}

struct Area {
    area: AreaId,
    frames: u64,
    first: Option<End>,
    last: Option<End>,
}

pub(crate) async fn list(
    args: &ListArgs,
    past: &Past,
    out: &mut dyn Write,
) -> Result<u8, ReplayError> {
    let mut skips = Skips::new(args.answer.tolerant);
    let mut streams = Vec::new();
    for stream in [AREA_COMMANDS, AREA_EVENTS].into_iter().chain(
        Domain::ALL
            .into_iter()
            .flat_map(|domain| [domain.command_stream(), domain.event_stream()]),
    ) {
        streams.push((stream, past.span(stream).await?));
    }
    let areas = areas::known(past, &mut skips).await?;
    let areas: Vec<Area> = areas.into_iter().map(Area::of).collect();
    let code = skips.code(exit::CLEAN);
    let form = args.answer.form();
    if form != Form::Text {
        let streams: Vec<Value> = streams
            .iter()
            .map(|(name, info)| {
                json!({
                    "stream": name, "incarnation": info.incarnation, "messages": info.messages,
                    "first": info.first, "last": info.last, "bytes": info.bytes,
                })
            })
            .collect();
        let areas: Vec<Value> = areas.iter().map(Area::json).collect();
        if form == Form::Json {
            let mut told = json!({ "streams": streams, "areas": areas });
            if !skips.list().is_empty() {
                told["skipped"] = json!(skips.list());
            }
            writeln!(out, "{told}")?;
            return Ok(code);
        }
        for line in streams.iter().chain(&areas) {
            writeln!(out, "{line}")?;
        }
        return Ok(code);
    }
    writeln!(
        out,
        "{:<20} {:>10} {:>10} {:>10} {:>12}",
        "STREAM", "MESSAGES", "FIRST", "LAST", "BYTES"
    )?;
    for (name, info) in &streams {
        let (messages, first, last) = (info.messages, info.first.0, info.last.0);
        writeln!(
            out,
            "{name:<20} {messages:>10} {first:>10} {last:>10} {:>12}",
            info.bytes
        )?;
    }
    writeln!(
        out,
        "\n{:<16} {:>8} {:>8} {:>8}  {:<24}  {:<24}  {:>5}  STATE",
        "AREA", "FRAMES", "TICK", "TO TICK", "FROM", "TO", "EPOCH"
    )?;
    for area in &areas {
        area.text(out)?;
    }
    Ok(code)
}

impl End {
    fn of(record: &Record) -> Option<Self> {
        schemas::decode(&record.payload).ok().map(|frame| Self {
            sequence: record.sequence,
            frame,
        })
    }

    fn json(&self) -> Value {
        let frame = &self.frame;
        json!({
            "sequence": self.sequence, "frame": frame.no, "tick": frame.tick, "at": Time(frame.at).to_string(),
        })
    }
}

impl Area {
    fn of(known: Known) -> Self {
        Self {
            area: known.area,
            frames: known.frames,
            first: known.first.as_ref().and_then(End::of),
            last: known.last.as_ref().and_then(End::of),
        }
    }

    fn state(&self) -> &'static str {
        let Some(last) = &self.last else {
            return "unreadable";
        };
        let rests = last.frame.facts.iter().find_map(|fact| match fact {
            Fact::Hibernated {} => Some("asleep"),
            Fact::Released { .. } => Some("released"),
            _ => None,
        });
        rests.unwrap_or("awake")
    }

    fn json(&self) -> Value {
        json!({
            "area": self.area, "frames": self.frames, "state": self.state(),
            "epoch": self.last.as_ref().map(|end| end.frame.epoch),
            "first": self.first.as_ref().map(End::json),
            "last": self.last.as_ref().map(End::json),
        })
    }

    fn text(&self, out: &mut dyn Write) -> Result<(), ReplayError> {
        let tick = |end: &Option<End>| end.as_ref().map_or(0, |end| end.frame.tick.0);
        let time = |end: &Option<End>| {
            end.as_ref()
                .map_or_else(|| "-".to_owned(), |end| Time(end.frame.at).to_string())
        };
        writeln!(
            out,
            "{:<16} {:>8} {:>8} {:>8}  {:<24}  {:<24}  {:>5}  {}",
            self.area.as_str(),
            self.frames,
            tick(&self.first),
            tick(&self.last),
            time(&self.first),
            time(&self.last),
            self.last.as_ref().map_or(0, |end| end.frame.epoch.0),
            self.state()
        )?;
        Ok(())
    }
}
