//! What came of it, as a table and as data.

use std::io::Write;
use std::path::PathBuf;

use schemas::{AreaId, CharacterId, Sequence, Tick};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::ReplayError;
use crate::skipped::Skipped;

/// In what way something differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It happened on both sides, differently.
    Changed,
    /// It happened, and would not have.
    OnlyRecorded,
    /// It would have happened, and did not.
    OnlyAlternative,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Where.
    pub area: AreaId,
    /// In which tick.
    pub tick: Tick,
    /// When that was.
    pub at: String,
    /// The frame of that tick, or the next one when it has none.
    pub sequence: Sequence,
    /// To whom it happened.
    pub player: Option<CharacterId>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// In what way it differs.
    pub how: How,
    /// What was recorded.
    pub recorded: Option<Value>,
    /// What would have been.
    pub alternative: Option<Value>,
}

/// The first difference of an area or a player.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct First {
    /// In which tick.
    pub tick: Tick,
    /// When that was.
    pub at: String,
    /// See [`Difference::sequence`].
    pub sequence: Sequence,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// How often what happened is the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// As recorded.
    pub recorded: u64,
    /// In the alternative.
    pub alternative: u64,
    /// The same on both sides, in the same tick.
    pub same: u64,
    /// In the same tick, but differently.
    pub changed: u64,
    /// Not in the alternative.
    pub only_recorded: u64,
    /// Not in the record.
    pub only_alternative: u64,
}

impl Counts {
    pub(super) const fn differences(&self) -> u64 {
        self.changed + self.only_recorded + self.only_alternative
    }

    pub(super) const fn count(&mut self, how: How) {
        match how {
            How::Changed => self.changed += 1,
            How::OnlyRecorded => self.only_recorded += 1,
            How::OnlyAlternative => self.only_alternative += 1,
        }
    }

    pub(super) const fn add(&mut self, other: &Self) {
        self.recorded += other.recorded;
        self.alternative += other.alternative;
        self.same += other.same;
        self.changed += other.changed;
        self.only_recorded += other.only_recorded;
        self.only_alternative += other.only_alternative;
    }
}

/// Pixels, to the hundredth.
fn hundredths<S: Serializer>(pixels: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((pixels * 100.0).round() / 100.0)
}

/// One player in one area.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Player {
    /// The first difference.
    pub first: Option<First>,
    /// What happened to it.
    #[serde(flatten)]
    pub counts: Counts,
    /// Ticks at whose end it stood in the area on both sides.
    pub ticks: u64,
    /// Ticks at whose end it stood in the area as recorded, and would not have.
    pub ticks_missing: u64,
    /// Those of `ticks` in which the two stand apart.
    pub ticks_apart: u64,
    /// The farthest that they stand apart, px.
    #[serde(rename = "farthest_px", serialize_with = "hundredths")]
    pub farthest: f64,
    /// When that is.
    pub farthest_at: Option<Tick>,
    /// How far apart they stand at the end, px.
    #[serde(rename = "last_apart_px", serialize_with = "hundredths")]
    pub last_apart: f64,
    #[serde(skip)]
    pub(super) apart_sum: f64,
}

impl Player {
    fn differs(&self) -> bool {
        self.counts.differences() > 0 || self.ticks_missing > 0 || self.ticks_apart > 0
    }

    /// How far apart they stand on average, px.
    fn mean(&self) -> f64 {
        let ticks = u32::try_from(self.ticks).unwrap_or(u32::MAX);
        self.apart_sum / f64::from(ticks.max(1))
    }
}

/// Sums of one area.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Tally {
    /// Ticks decided.
    pub ticks: u64,
    /// Commands decided.
    pub commands: u64,
    /// What happened.
    #[serde(flatten)]
    pub counts: Counts,
    /// The first difference.
    pub first: Option<First>,
    /// The farthest that anybody stands apart, px.
    #[serde(rename = "farthest_px", serialize_with = "hundredths")]
    pub farthest: f64,
}

/// One area.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Area {
    /// Which.
    pub area: AreaId,
    /// The state from which both go on: that after this tick.
    pub from_tick: Tick,
    /// When that was; `None`: before the first frame.
    pub from_at: Option<String>,
    /// The last tick.
    pub to_tick: Tick,
    /// Players seen.
    pub players: u64,
    /// Those of them for whom anything differs.
    pub players_differing: u64,
    /// Sums.
    #[serde(flatten)]
    pub tally: Tally,
    /// Why the alternative could not go on, if it could not.
    pub stopped: Option<String>,
}

/// One player in one area.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfPlayer {
    /// Where.
    pub area: AreaId,
    /// Who.
    pub player: CharacterId,
    /// How far apart the two stand on average, px.
    #[serde(rename = "mean_px", serialize_with = "hundredths")]
    pub mean: f64,
    /// All else.
    #[serde(flatten)]
    pub player_counts: Player,
}

/// One type in one area.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OfType {
    /// Where.
    pub area: AreaId,
    /// Which.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// How often.
    #[serde(flatten)]
    pub counts: Counts,
}

/// A number of the rules that is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its name.
    pub rule: String,
    /// What it is by the rules of this build; `None`: only the other build knows it.
    pub recorded: Option<i64>,
    /// What it is in the alternative.
    pub alternative: i64,
}

/// Another build that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherBuild {
    /// Where it stands.
    pub path: PathBuf,
    /// How it names itself.
    pub build: String,
    /// Its rules.
    pub rules: u32,
}

/// What would have been.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Whatif {
    /// Numbers that are others.
    pub changes: Vec<Change>,
    /// Who decided, if not this build.
    pub build: Option<OtherBuild>,
    /// By area.
    pub areas: Vec<Area>,
    /// By player; only those for whom anything differs, who stand farthest apart first.
    pub players: Vec<OfPlayer>,
    /// By type.
    pub types: Vec<OfType>,
    /// One by one, as many as were asked for.
    pub differences: Vec<Difference>,
    /// How many there are.
    pub differences_in_all: u64,
    /// What else must be known to read this.
    pub notes: Vec<String>,
    /// What was damaged and left out.
    pub skipped: Vec<Skipped>,
}

/// So many players are shown in a table; all of them are in the data.
const PLAYERS_SHOWN: usize = 20;

impl Whatif {
    /// Takes in an area's comparison.
    pub(super) fn add(&mut self, area: Area, compared: super::compare::Comparison) {
        let mut area = area;
        for (player, known) in compared.players {
            area.players += 1;
            if known.differs() {
                area.players_differing += 1;
                self.players.push(OfPlayer {
                    area: area.area.clone(),
                    player,
                    mean: known.mean(),
                    player_counts: known,
                });
            }
        }
        self.types
            .extend(compared.types.into_iter().map(|(kind, counts)| OfType {
                area: area.area.clone(),
                kind,
                counts,
            }));
        area.tally = compared.tally;
        self.areas.push(area);
    }

    /// Puts who is farthest from where it was first.
    pub(super) fn sort(&mut self) {
        self.players.sort_by(|one, other| {
            let farthest = |of: &OfPlayer| of.player_counts.farthest;
            farthest(other).total_cmp(&farthest(one))
        });
    }

    /// Whether anything differs at all.
    pub(super) fn differs(&self) -> bool {
        self.areas
            .iter()
            .any(|area| area.stopped.is_some() || area.players_differing > 0)
            || self.differences_in_all > 0
    }

    /// As lines, each an object whose `kind` says what it is; differences have been told before.
    pub(super) fn lines(&self, out: &mut dyn Write) -> Result<(), ReplayError> {
        let mut line = |kind: &str, mut value: Value| {
            value["kind"] = kind.into();
            writeln!(out, "{value}")
        };
        for area in &self.areas {
            line("area", json!(area))?;
        }
        for of_type in &self.types {
            line("type", json!(of_type))?;
        }
        for player in &self.players {
            line("player", json!(player))?;
        }
        let rest = json!({
            "changes": self.changes, "build": self.build, "notes": self.notes,
            "differences_in_all": self.differences_in_all, "skipped": self.skipped,
        });
        line("summary", rest)?;
        Ok(())
    }

    /// As tables.
    pub(super) fn table(&self, out: &mut dyn Write) -> Result<(), ReplayError> {
        if let Some(build) = &self.build {
            let OtherBuild { path, build, rules } = build;
            writeln!(
                out,
                "decided by {} (build {build}, rules {rules})",
                path.display()
            )?;
        }
        for change in &self.changes {
            let Change {
                rule,
                recorded,
                alternative,
            } = change;
            let recorded = recorded.map_or_else(|| "?".to_owned(), |number| number.to_string());
            writeln!(out, "{rule}: {alternative} instead of {recorded}")?;
        }
        for note in &self.notes {
            writeln!(out, "note: {note}")?;
        }
        self.areas(out)?;
        self.types(out)?;
        self.players(out)?;
        for one in &self.differences {
            let player = one
                .player
                .map_or_else(|| "-".to_owned(), |who| who.to_string());
            let how = match one.how {
                How::Changed => "changed",
                How::OnlyRecorded => "would not have happened",
                How::OnlyAlternative => "would have happened",
            };
            writeln!(
                out,
                "{} tick {} {player} {}: {how}",
                one.area, one.tick, one.kind
            )?;
            for (side, data) in [("recorded", &one.recorded), ("otherwise", &one.alternative)] {
                if let Some(data) = data {
                    writeln!(out, "    {side:<9} {data}")?;
                }
            }
        }
        match self.differences_in_all {
            0 if !self.differs() => writeln!(out, "nothing would have been otherwise")?,
            count => writeln!(out, "{count} differences")?,
        }
        Ok(())
    }

    fn areas(&self, out: &mut dyn Write) -> Result<(), ReplayError> {
        writeln!(
            out,
            "\n{:<20} {:>9} {:>9} {:>8} {:>10} {:>8} {:>8} {:>11}  FIRST DIFFERENCE",
            "AREA", "FROM TICK", "TO", "TICKS", "COMMANDS", "PLAYERS", "DIFFER", "FARTHEST"
        )?;
        for area in &self.areas {
            let first = area.tally.first.as_ref().map_or_else(
                || "-".to_owned(),
                |first| format!("tick {} ({}), {}", first.tick, first.at, first.kind),
            );
            writeln!(
                out,
                "{:<20} {:>9} {:>9} {:>8} {:>10} {:>8} {:>8} {:>8.2} px  {first}",
                area.area.as_str(),
                area.from_tick.0,
                area.to_tick.0,
                area.tally.ticks,
                area.tally.commands,
                area.players,
                area.players_differing,
                area.tally.farthest
            )?;
            if let Some(why) = &area.stopped {
                writeln!(out, "{:<20} the alternative cannot go on: {why}", "")?;
            }
        }
        Ok(())
    }

    fn types(&self, out: &mut dyn Write) -> Result<(), ReplayError> {
        if self.types.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "\n{:<20} {:<16} {:>9} {:>11} {:>9} {:>9} {:>14} {:>17}",
            "AREA",
            "TYPE",
            "RECORDED",
            "ALTERNATIVE",
            "SAME",
            "CHANGED",
            "ONLY RECORDED",
            "ONLY ALTERNATIVE"
        )?;
        for OfType { area, kind, counts } in &self.types {
            writeln!(
                out,
                "{:<20} {kind:<16} {:>9} {:>11} {:>9} {:>9} {:>14} {:>17}",
                area.as_str(),
                counts.recorded,
                counts.alternative,
                counts.same,
                counts.changed,
                counts.only_recorded,
                counts.only_alternative
            )?;
        }
        Ok(())
    }

    fn players(&self, out: &mut dyn Write) -> Result<(), ReplayError> {
        if self.players.is_empty() {
            return Ok(());
        }
        writeln!(
            out,
            "\n{:<20} {:<13} {:>10} {:>11} {:>9} {:>11} {:>11} {:>11}  FIRST DIFFERENCE",
            "AREA",
            "PLAYER",
            "DIFFERENCES",
            "TICKS APART",
            "MISSING",
            "FARTHEST",
            "MEAN",
            "AT THE END"
        )?;
        for of in self.players.iter().take(PLAYERS_SHOWN) {
            let known = &of.player_counts;
            let first = known.first.as_ref().map_or_else(
                || "-".to_owned(),
                |first| format!("tick {}, {}", first.tick, first.kind),
            );
            writeln!(
                out,
                "{:<20} {:<13} {:>11} {:>11} {:>9} {:>8.2} px {:>8.2} px {:>8.2} px  {first}",
                of.area.as_str(),
                of.player.to_string(),
                known.counts.differences(),
                known.ticks_apart,
                known.ticks_missing,
                known.farthest,
                of.mean,
                known.last_apart
            )?;
        }
        if let Some(more) = self
            .players
            .len()
            .checked_sub(PLAYERS_SHOWN)
            .filter(|more| *more > 0)
        {
            writeln!(out, "and {more} more; --json has all of them")?;
        }
        Ok(())
    }
}
