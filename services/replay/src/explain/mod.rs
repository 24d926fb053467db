//! `replay explain`: the chain of events of one character (or item), each with the command that caused it.

mod cause;
mod chain;
mod item;

use std::io::Write;

use past::Past;
use schemas::{CharacterId, Handle};
use serde_json::{Value, json};

use self::chain::{Chain, Link, Tracer};
use self::item::Item;
use crate::answer::Form;
use crate::cli::ExplainArgs;
use crate::history::{self, Stop};
use crate::index::Index;
use crate::readable::Reader;
use crate::skipped::Skips;
use crate::{ReplayError, exit};

/// What all questions are asked of.
pub(crate) struct Source<'a> {
    pub(crate) past: &'a Past,
    pub(crate) index: Option<&'a Index>,
    pub(crate) reader: &'a Reader,
}

pub(crate) async fn explain(
    args: &ExplainArgs,
    source: &Source<'_>,
    out: &mut dyn Write,
) -> Result<u8, ReplayError> {
    let mut skips = Skips::new(args.answer.tolerant);
    if let Some(item) = &args.item {
        let item = Item::new(item);
        let Source {
            past,
            index,
            reader,
        } = source;
        let search = item::search(&item, past, *index, reader, &mut skips).await?;
        match args.answer.form() {
            Form::Text if search.links.is_empty() => item::nothing(&item, &search, out)?,
            Form::Json => {
                let told = json!({
                    "item": args.item, "events": events(&search.links), "messages": search.messages,
                    "rules": world::RULES_VERSION, "skipped": skips.list(),
                });
                writeln!(out, "{told}")?;
            }
            form => links(&search.links, form, out)?,
        }
        return Ok(skips.code(exit::CLEAN));
    }
    let character = character(args, source, &mut skips).await?;
    let tracer = Tracer {
        past: source.past,
        index: source.index,
        reader: source.reader,
        character,
        motion: args.motion,
    };
    let Some(chain) = tracer.chain(&mut skips).await? else {
        return Err(ReplayError::Usage(format!(
            "nothing in the lobby's log names character {character}; `worldline character where NAME` tells ids"
        )));
    };
    match args.answer.form() {
        Form::Json => {
            let told = json!({
                "character": character, "now": chain.now, "areas": chain.areas,
                "events": events(&chain.links), "movements_left_out": chain.movements,
                "skipped": skips.list(),
            });
            writeln!(out, "{told}")?;
        }
        Form::Ndjson => links(&chain.links, Form::Ndjson, out)?,
        Form::Text => {
            links(&chain.links, Form::Text, out)?;
            end(character, &chain, out)?;
        }
    }
    Ok(skips.code(exit::CLEAN))
}

/// Whom it is about.
async fn character(
    args: &ExplainArgs,
    source: &Source<'_>,
    skips: &mut Skips,
) -> Result<CharacterId, ReplayError> {
    if let Some(character) = args.player {
        return Ok(character);
    }
    let wanted = args.entity.as_deref().unwrap_or_default();
    if let Ok(character) = wanted.parse() {
        return Ok(character);
    }
    let (Ok(handle), Some(area)) = (wanted.parse::<Handle>(), &args.area) else {
        return Err(ReplayError::Usage(format!(
            "`{wanted}` is no character's id of 13 characters; a body's handle means something only with --area AREA \
             (and --at TICK|TIME)"
        )));
    };
    let (past, index, stop) = (source.past, source.index, Stop::At(args.at));
    let then = history::nearest_tolerant(past, index, area, stop, skips).await?;
    then.expect_begun(args.at)?;
    let body = then.state.body(handle).map(|body| body.character);
    body.ok_or_else(|| {
        let tick = then.state.tick();
        ReplayError::Usage(format!("no body {handle} was in {area} after tick {tick}"))
    })
}

fn events(links: &[Link]) -> Vec<Value> {
    links.iter().map(json).collect()
}

fn json(link: &Link) -> Value {
    let mut value = link.line.json();
    value["cause"] = json!(link.cause.as_ref().map(cause::json));
    value
}

fn links(links: &[Link], form: Form, out: &mut dyn Write) -> Result<(), ReplayError> {
    for link in links {
        if form == Form::Ndjson {
            writeln!(out, "{}", json(link))?;
            continue;
        }
        link.line.write(Form::Text, out)?;
        let Some(cause) = &link.cause else { continue };
        let (stream, sequence) = (cause.stream, cause.sequence);
        write!(
            out,
            "    because {} at {stream}:{sequence}: {}",
            cause.kind, cause.text
        )?;
        match cause::because(cause) {
            Some(because) => {
                let stream = because["stream"].as_str().unwrap_or("?");
                writeln!(out, " ({stream}:{})", because["sequence"])?;
            }
            None => writeln!(out)?,
        }
    }
    Ok(())
}

fn end(character: CharacterId, chain: &Chain, out: &mut dyn Write) -> Result<(), ReplayError> {
    let count = chain.links.len();
    write!(out, "{character} is {}; {count} lines", chain.now)?;
    match chain.movements {
        0 => {}
        movements => write!(
            out,
            ", {movements} movements left out (--motion tells them)"
        )?,
    }
    let areas = chain.areas.iter().map(|(area, times)| match times {
        1 => area.to_string(),
        times => format!("{area} ({times} times)"),
    });
    let areas: Vec<String> = areas.collect();
    if !areas.is_empty() {
        write!(out, "; in {}", areas.join(", "))?;
    }
    writeln!(out)?;
    Ok(())
}
