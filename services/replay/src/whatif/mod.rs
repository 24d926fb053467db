//! `replay whatif`: what other rules would have made of the same commands.
//!
//! Each area is decided anew from a recorded state on: the same commands in the same ticks, but the state that they meet
//! is the alternative's own. What was asked, who came and who owned the area when are held fixed, because they came from
//! outside; areas do not hear of one another's alternatives. What comes of it is compared with the record, tick by tick.

mod args;
mod bodies;
mod compare;
mod decider;
mod happening;
mod recording;
mod report;
mod rules_file;

use std::io::Write;

use past::Past;
use schemas::subjects::AREA_EVENTS;
use schemas::{AreaId, Sequence};
use world::Rules;

pub use args::WhatifArgs;
pub use report::{
    Area, Change, Counts, Difference, First, How, OfPlayer, OfType, OtherBuild, Player, Tally,
    Whatif,
};

use self::compare::Comparison;
use self::decider::{Decider, Ticks};
use self::recording::{Lived, Range, Recording};
use crate::answer::Form;
use crate::decide::protocol::{Asked, Begin};
use crate::index::Index;
use crate::moment::{Moment, Time};
use crate::progress::Progress;
use crate::skipped::{Skipped, Skips};
use crate::{ReplayError, exit};

/// So many ticks are asked at once: a build behind pipes is not waited for at each of them.
const TICKS_ASKED: usize = 256;

pub(crate) async fn whatif(
    args: &WhatifArgs,
    past: &Past,
    index: Option<&Index>,
    out: &mut dyn Write,
) -> Result<u8, ReplayError> {
    if args.list_rules {
        list_rules(args.answer.form(), out)?;
        return Ok(exit::CLEAN);
    }
    let asked = args.rules.is_some() || !args.rule.is_empty() || args.build.is_some();
    if !asked {
        return Err(ReplayError::Usage(
            "nothing is to be otherwise: name --rules FILE, --rule NAME=NUMBER or --build PATH"
                .to_owned(),
        ));
    }
    if let (Some(Moment::Now), _) = (args.from, args.to) {
        return Err(ReplayError::Usage(
            "nothing has happened since now: let --from be a tick or a time".to_owned(),
        ));
    }
    if let (Some(from), Some(to)) = (args.from, args.to)
        && to.is_before(from)
    {
        return Err(ReplayError::Usage(format!(
            "there is nothing between --from and --to: {} is before {}",
            named(to),
            named(from)
        )));
    }
    let changes = rules_file::changes(args.rules.as_deref(), &args.rule, args.build.is_none())?;
    let decider = match &args.build {
        Some(path) => Decider::start(path).await?,
        None => Decider::here(),
    };
    let who = decider.who();
    let mut report = Whatif {
        changes: changes
            .iter()
            .map(|(rule, number)| Change {
                rule: rule.clone(),
                recorded: Rules::DEFAULT.get(rule),
                alternative: *number,
            })
            .collect(),
        build: args.build.as_ref().map(|path| OtherBuild {
            path: path.clone(),
            build: who.build.clone(),
            rules: who.rules,
        }),
        ..Whatif::default()
    };
    let mut run = Run {
        args,
        past,
        index,
        changes,
        decider,
        progress: Progress::new("ticks decided", 0),
        ticks: 0,
        report: &mut report,
        out,
    };
    let mut skips = Skips::new(args.answer.tolerant);
    for area in areas(args, past, &mut skips).await? {
        run.area(&area, &mut skips).await?;
    }
    let empty = run.ticks == 0 && skips.list().is_empty();
    // What was left out, or stopped at its first tick, says so itself.
    if empty && !report.areas.is_empty() && report.areas.iter().all(|of| of.stopped.is_none()) {
        return Err(ReplayError::Usage(format!(
            "nothing happened from {} to {}; `worldline replay list` shows from when to when there are frames",
            args.from.map_or_else(|| "the beginning".to_owned(), named),
            args.to.map_or_else(|| "now".to_owned(), named)
        )));
    }
    report.skipped = skips.list().to_vec();
    report.sort();
    match args.answer.form() {
        Form::Json => writeln!(out, "{}", serde_json::json!(report))?,
        Form::Ndjson => report.lines(out)?,
        Form::Text => report.table(out)?,
    }
    let differs = if report.differs() {
        exit::FINDINGS
    } else {
        exit::CLEAN
    };
    Ok(skips.code(differs))
}

/// Those that are asked for, or all.
async fn areas(
    args: &WhatifArgs,
    past: &Past,
    skips: &mut Skips,
) -> Result<Vec<AreaId>, ReplayError> {
    let known = crate::areas::names(past, skips).await?;
    if args.area.is_empty() {
        return Ok(known);
    }
    match args.area.iter().find(|wanted| !known.contains(wanted)) {
        None => Ok(args.area.clone()),
        Some(unknown) => Err(ReplayError::Usage(format!(
            "area {unknown} has no frames; `worldline replay list` shows those that have"
        ))),
    }
}

struct Run<'a> {
    args: &'a WhatifArgs,
    past: &'a Past,
    index: Option<&'a Index>,
    changes: rules_file::Changes,
    decider: Decider,
    progress: Progress,
    /// Ticks decided.
    ticks: usize,
    report: &'a mut Whatif,
    out: &'a mut dyn Write,
}

impl Run<'_> {
    async fn area(&mut self, area: &AreaId, skips: &mut Skips) -> Result<(), ReplayError> {
        let range = Range {
            from: self.args.from,
            to: self.args.to,
        };
        let opened = match Recording::open(self.past, self.index, area, range).await {
            Err(error) => return self.damaged(area, Sequence(0), error, skips).await,
            Ok(opened) => opened,
        };
        let Some((mut recording, state)) = opened else {
            let why = format!(
                "{area} is left out: from {} on its commands are no longer there",
                range.from.map_or_else(|| "the beginning".to_owned(), named)
            );
            self.report.notes.push(why);
            return Ok(());
        };
        let begin = Begin {
            state: schemas::encode(&state).into(),
            rules: self.changes.clone(),
        };
        if self.decider.begin(begin).await? {
            let map = state.map_name();
            self.report.notes.push(format!(
                "{area}: the map {map} is another one than was played on; bodies are put out of its walls at the beginning"
            ));
        }
        let beginning = recording.beginning();
        if beginning.late {
            self.report.notes.push(format!(
                "{area} begins after tick {}: the commands before that are no longer there",
                beginning.tick
            ));
        }
        let mut of = Area {
            area: area.clone(),
            from_tick: beginning.tick,
            from_at: (beginning.sequence.0 > 0).then(|| Time(beginning.at).to_string()),
            to_tick: beginning.tick,
            players: 0,
            players_differing: 0,
            tally: Tally::default(),
            stopped: None,
        };
        let mut compared = Comparison::new(&state);
        let mut waiting: Vec<Lived> = Vec::new();
        while of.stopped.is_none() {
            match recording.next(skips).await {
                Ok(Some(ticks)) => waiting.extend(ticks),
                Ok(None) => break,
                Err(error) => {
                    self.damaged(area, recording.last(), error, skips).await?;
                    break;
                }
            }
            if waiting.len() >= TICKS_ASKED {
                self.compare(&mut waiting, &mut compared, &mut of).await?;
            }
        }
        self.compare(&mut waiting, &mut compared, &mut of).await?;
        self.notes(area, &recording);
        self.report.add(of, compared);
        Ok(())
    }

    /// Leaves out what comes after a frame of an area, because the next one is damaged; or ends with it.
    async fn damaged(
        &self,
        area: &AreaId,
        after: Sequence,
        error: ReplayError,
        skips: &mut Skips,
    ) -> Result<(), ReplayError> {
        let why = skips.why(error)?;
        skips.skip(Skipped {
            stream: AREA_EVENTS.to_owned(),
            from: after.next(),
            to: self.past.span(AREA_EVENTS).await?.last,
            place: Some(area.to_string()),
            why,
        })
    }

    /// Has the ticks decided that wait, and compares.
    async fn compare(
        &mut self,
        waiting: &mut Vec<Lived>,
        compared: &mut Comparison,
        of: &mut Area,
    ) -> Result<(), ReplayError> {
        if waiting.is_empty() || of.stopped.is_some() {
            return Ok(());
        }
        let mut ticks = std::mem::take(waiting);
        let asked: Vec<Asked> = ticks.iter_mut().map(|lived| self.asked(lived)).collect();
        let answers = match self.decider.ticks(asked).await? {
            Ticks::Decided(answers) => answers,
            Ticks::Stopped(why) => {
                of.stopped = Some(why);
                return Ok(());
            }
        };
        self.progress.advance(ticks.len());
        self.ticks += ticks.len();
        let mut failed = None;
        for (lived, answered) in ticks.iter().zip(&answers) {
            of.to_tick = lived.asked.tick;
            let told = |difference| {
                if let Err(error) = tell(self.args, self.report, self.out, difference) {
                    failed = Some(error);
                }
            };
            if let Err(error) = compared.tick(lived, answered, told) {
                of.stopped = Some(format!("tick {}: {error}", lived.asked.tick));
                break;
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// What is asked of a tick; what the comparison needs of it stays.
    fn asked(&self, lived: &mut Lived) -> Asked {
        let messages = std::mem::take(&mut lived.asked.messages);
        let mut asked = lived.asked.clone();
        asked.messages = messages;
        if self.args.build.is_some() {
            // Whether it breaks on them, too, is one of the questions.
            asked.faults.clear();
        }
        asked
    }

    fn notes(&mut self, area: &AreaId, recording: &Recording) {
        let notes = &mut self.report.notes;
        if !recording.other_rules.is_empty() && self.args.build.is_none() {
            let versions: Vec<String> = recording.other_rules.iter().map(u32::to_string).collect();
            notes.push(format!(
                "{area}: some of it was decided by rules {}, this build has {}; what changed between them is among the differences",
                versions.join(", "),
                world::RULES_VERSION
            ));
        }
        if recording.incomplete > 0 {
            notes.push(format!(
                "{area}: of {} frames the commands are no longer all there",
                recording.incomplete
            ));
        }
    }
}

/// Notes a difference, or tells it at once.
fn tell(
    args: &WhatifArgs,
    report: &mut Whatif,
    out: &mut dyn Write,
    difference: Difference,
) -> Result<(), ReplayError> {
    report.differences_in_all += 1;
    if args.answer.form() == Form::Ndjson {
        let mut line = serde_json::json!(difference);
        line["kind"] = "difference".into();
        writeln!(out, "{line}")?;
    } else if report.differences.len() < args.differences {
        report.differences.push(difference);
    }
    Ok(())
}

fn named(moment: Moment) -> String {
    match moment {
        Moment::Tick(tick) => format!("tick {tick}"),
        Moment::Time(time) => Time(time).to_string(),
        Moment::Now => "now".to_owned(),
    }
}

fn list_rules(form: Form, out: &mut dyn Write) -> Result<(), ReplayError> {
    let mut all = Rules::ALL.iter().map(|rule| {
        serde_json::json!({
            "rule": rule.name, "number": rule.default, "least": rule.least, "most": rule.most,
            "about": rule.about.trim(),
        })
    });
    match form {
        Form::Json => writeln!(out, "{}", all.collect::<serde_json::Value>())?,
        Form::Ndjson => all.try_for_each(|rule| writeln!(out, "{rule}"))?,
        Form::Text => {
            for rule in Rules::ALL {
                let range = format!("{} to {}", rule.least, rule.most);
                writeln!(
                    out,
                    "{:<24} {:>8}  {range:<16} {}",
                    rule.name,
                    rule.default,
                    rule.about.trim()
                )?;
            }
        }
    }
    Ok(())
}
