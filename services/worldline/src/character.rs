//! `worldline character where NAME`: in which area a character is, or what it is waiting for on
//! its way.
//!
//! The lobby's record says where it was last heard of. From there its trail is followed as the log
//! tells it: a body, an effect that its target has not taken yet, or the next area.

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use eventlog::EventLog;
use schemas::effect::{Effect, EffectPayload};
use schemas::keyed::KeyedEntry;
use schemas::lobby::{Character, LobbyEvent, Place};
use schemas::locate::Locator;
use schemas::name::{Name, NameEvent};
use schemas::subjects::{AggregateId, Domain, keyed_events};
use schemas::{AreaId, CharacterId};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use world::AreaState;

/// Areas followed at most.
const LONGEST_TRAIL: usize = 16;

#[derive(Debug, Clone, Args)]
pub(crate) struct CharacterArgs {
    #[command(subcommand)]
    pub(crate) command: CharacterCommand,
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum CharacterCommand {
    /// Show where a character is: its area and owner, or from where to where and why it waits
    Where {
        /// Its name, or its id
        name: String,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
}

pub(crate) type Entry<E, S> = KeyedEntry<E, S>;

/// Answers; 1 when the character is nowhere to be found.
pub(crate) async fn run(
    log: &EventLog,
    locator: Option<&Locator>,
    args: CharacterArgs,
) -> anyhow::Result<ExitCode> {
    let CharacterCommand::Where { name, json } = args.command;
    let character = who(log, locator, &name).await?;
    let entry = newest::<LobbyEvent, Character>(log, Domain::Lobby, &character.to_string())
        .await?
        .with_context(|| format!("{name}: there is no such character"))?;
    let mut told = match &entry.state.place {
        Some(Place::Lobby(_)) => json!({ "place": "lobby" }),
        Some(Place::World(area)) => trail(log, character, &entry, area.clone()).await?,
        None => bail!("{name}: there is no such character"),
    };
    told["character"] = json!(character);
    told["session"] = json!(entry.state.session);
    told["edge"] = json!(entry.state.edge);
    told["last_news_at"] = json!(entry.at);
    told["missing_since"] = json!(entry.state.missing);
    if json {
        println!("{told}");
    } else {
        println!("{}", words(&told));
    }
    let found = told["place"] != "unknown";
    Ok(ExitCode::from(u8::from(!found)))
}

/// Whose name it is; an id is taken as it is.
pub(crate) async fn who(
    log: &EventLog,
    locator: Option<&Locator>,
    name: &str,
) -> anyhow::Result<CharacterId> {
    if let Some(locator) = locator {
        let key = edge::character_name_key(locator, name).to_string();
        let entry = newest::<NameEvent, Name>(log, Domain::Name, &key).await?;
        if let Some(character) = entry.and_then(|entry| entry.state.character) {
            return Ok(character);
        }
    }
    name.parse().with_context(|| {
        let keys = match locator {
            Some(_) => "nobody has that name",
            None => "names can be found only with the realm's keys (--keys)",
        };
        format!("{name}: {keys}, and it is no character's id")
    })
}

/// The newest entry of a key.
pub(crate) async fn newest<E: DeserializeOwned, S: DeserializeOwned>(
    log: &EventLog,
    domain: Domain,
    key: &str,
) -> anyhow::Result<Option<Entry<E, S>>> {
    let record = log.last(&keyed_events(domain, key)).await?;
    let entry = record.map(|record| schemas::decode(&record.payload));
    Ok(entry.transpose()?)
}

/// Follows the character from where the lobby believes it.
async fn trail(
    log: &EventLog,
    character: CharacterId,
    entry: &Entry<LobbyEvent, Character>,
    mut area: AreaId,
) -> anyhow::Result<Value> {
    let me = AggregateId::Character(character);
    let sent = entry.outbox.pending.iter();
    let mut state = replay::now(&log.clone().into(), &area).await?;
    if let Some(effect) = sent.rev().find(|effect| carries(effect, character))
        && state.received(&me) < effect.number
    {
        return Ok(waiting("lobby", effect, &state));
    }
    for _ in 0..LONGEST_TRAIL {
        if let Some(body) = state.by_character(character) {
            let (x, y) = body.position(state.step());
            return Ok(json!({
                "place": "area", "area": area, "x": x / 256, "y": y / 256, "owner": owner(&state),
                "asleep": state.is_asleep(), "area_session": body.session, "tick": state.tick(),
                "link_lost": body.link_lost.is_some(),
            }));
        }
        let pending = state.pending_effects().filter(|e| carries(e, character));
        let pending = pending.last().cloned();
        let next = match pending.as_ref().map(|effect| &effect.target) {
            Some(AggregateId::Area(next)) => Some(next.clone()),
            Some(_) => {
                let from = area.as_str();
                return Ok(pending.map_or(Value::Null, |effect| waiting(from, &effect, &state)));
            }
            None => state.gone_to(character, state.tick()).cloned(),
        };
        let Some(next) = next else { break };
        let there = replay::now(&log.clone().into(), &next).await?;
        if let Some(effect) = pending
            && there.received(&AggregateId::Area(area.clone())) < effect.number
        {
            return Ok(waiting(area.as_str(), &effect, &there));
        }
        (area, state) = (next, there);
    }
    Ok(json!({ "place": "unknown", "area": area }))
}

fn carries(effect: &Effect, character: CharacterId) -> bool {
    matches!(&effect.payload,
        EffectPayload::Enter { traveller, .. } | EffectPayload::Returned { traveller, .. }
            if traveller.character == character)
}

/// On its way by `effect`, whose target stands as `there` says.
fn waiting(from: &str, effect: &Effect, there: &AreaState) -> Value {
    let why = match &effect.target {
        AggregateId::Character(_) | AggregateId::Control(_) => "the lobby has not taken it yet",
        AggregateId::Area(_) if there.owner().is_none() => "the area has never been owned",
        AggregateId::Area(_) if there.is_asleep() => "the area is asleep and has to be woken",
        AggregateId::Area(_) if owner(there).is_null() => "the area has no owner now",
        AggregateId::Area(_) => "the area has not taken it yet",
    };
    json!({
        "place": "transit", "from": from, "to": effect.target.to_string(), "effect": effect.number,
        "since": effect.issued_at, "why": why,
    })
}

fn owner(state: &AreaState) -> Value {
    let owner = state.owner().filter(|owner| owner.present);
    owner.map_or(Value::Null, |owner| json!(owner.worker))
}

/// For people.
fn words(told: &Value) -> String {
    let text = |key: &str| match &told[key] {
        Value::String(text) => text.clone(),
        Value::Null => "nobody".to_owned(),
        other => other.to_string(),
    };
    let place = match told["place"].as_str() {
        Some("lobby") => "in the lobby".to_owned(),
        Some("area") => format!(
            "in {} at ({}, {}) px, owned by {}",
            text("area"),
            text("x"),
            text("y"),
            text("owner")
        ),
        Some("transit") => format!(
            "on the way from {} to {} by effect {}, since {}: {}",
            text("from"),
            text("to"),
            text("effect"),
            text("since"),
            text("why")
        ),
        _ => format!(
            "not found; its trail ends in {}. The lobby looks for it when it is missed; `worldline replay verify` tells what does not fit",
            text("area")
        ),
    };
    format!(
        "{}: {place}\nsession {} on edge {}; last news at {}",
        text("character"),
        text("session"),
        text("edge"),
        text("last_news_at")
    )
}

#[cfg(test)]
mod tests {
    use eventlog::outbox;
    use schemas::effect::{EntryPoint, Traveller};
    use schemas::keyed::Outbox;
    use schemas::{Incarnation, Sequence, SessionFence, UnixMillis};

    use super::*;

    const ANN: CharacterId = CharacterId(7);

    fn entry(place: Place) -> Entry<LobbyEvent, Character> {
        KeyedEntry {
            v: 1,
            at: UnixMillis(5),
            incarnation: Incarnation(1),
            handled: Sequence(1),
            events: Vec::new(),
            state: Character {
                place: Some(place),
                session: SessionFence(2),
                ..Character::default()
            },
            outbox: Outbox::default(),
            answered: None,
        }
    }

    #[tokio::test]
    async fn who_waits_before_an_area_that_nobody_owns_is_on_the_way_to_it() {
        let (log, _) = EventLog::in_memory();
        let harbor: AreaId = "harbor-9".parse().unwrap();
        let mut entry = entry(Place::World(harbor.clone()));
        let traveller = Box::new(Traveller {
            character: ANN,
            ..Traveller::default()
        });
        let payload = EffectPayload::Enter {
            traveller,
            entry: EntryPoint::Spawn("start".into()),
        };
        let target = AggregateId::Area(harbor.clone());
        outbox::issue(&mut entry.outbox, target, UnixMillis(4), payload);
        let told = trail(&log, ANN, &entry, harbor.clone()).await.unwrap();
        assert_eq!(
            (told["place"].as_str(), told["why"].as_str()),
            (Some("transit"), Some("the area has never been owned"))
        );
        // Once it is confirmed it has been there; what became of it the area does not say.
        entry.outbox.pending.clear();
        let told = trail(&log, ANN, &entry, harbor).await.unwrap();
        assert_eq!(told["place"], "unknown");
        assert!(words(&told).contains("its trail ends in harbor-9"));
    }

    #[tokio::test]
    async fn an_id_is_understood_and_a_strangers_is_refused() {
        let (log, _) = EventLog::in_memory();
        let id = ANN.to_string();
        assert_eq!(who(&log, None, &id).await.unwrap(), ANN);
        let error = who(&log, None, "Ann").await.unwrap_err();
        assert!(format!("{error:#}").contains("realm's keys"), "{error:#}");
        let args = CharacterArgs {
            command: CharacterCommand::Where {
                name: id,
                json: true,
            },
        };
        assert!(run(&log, None, args).await.is_err(), "nobody has that id");
    }
}
