//! What happened to a character, in order: through the lobby and from area to area.
//!
//! Nothing is searched for. The lobby's entries say when it was sent into the world and where; an area is read from
//! there on until it says that the character has left, and where to; and so on.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, VecDeque};

use eventlog::{Follow, Record};
use past::Past;
use schemas::account::{Account, AccountCommand, AccountEvent};
use schemas::fact::{Destination, Fact};
use schemas::keyed::KeyedEntry;
use schemas::lobby::{Character, LobbyCommand, LobbyEvent};
use schemas::subjects::{AREA_EVENTS, Domain, area_events, keyed_events};
use schemas::{AccountId, AreaId, CharacterId, Sequence, UnixMillis};

use super::cause;
use crate::ReplayError;
use crate::describe::Line;
use crate::history::{self, Stop};
use crate::index::Index;
use crate::progress::Progress;
use crate::readable::Reader;
use crate::reading::{From, Reading};
use crate::skipped::Skips;
use crate::tail::{AreaTail, KeyedTail};

/// By how much the clocks under two streams may differ: their leaders may be two machines.
const CLOCKS_MILLIS: u64 = 2000;

/// An event, or a command that led to none.
#[derive(Debug, Clone)]
pub(super) struct Link {
    pub(super) line: Line,
    /// The command that it comes from.
    pub(super) cause: Option<Line>,
}

/// All that happened to one character.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub(super) links: Vec<Link>,
    /// Movements that were left out.
    pub(super) movements: u64,
    /// Where it is at the end, in words.
    pub(super) now: String,
    /// The areas that it was in, with how often it came.
    pub(super) areas: BTreeMap<AreaId, u64>,
}

/// What one message has told, and when the broker stored it.
struct Told {
    stored_at: UnixMillis,
    links: Vec<Link>,
}

impl Told {
    /// When it was stored, and when it had been decided.
    fn time(&self) -> (UnixMillis, Option<UnixMillis>) {
        (self.stored_at, self.links.first().map(|link| link.line.at))
    }
}

/// A time in an area: it was sent there at this moment.
struct Stay {
    area: AreaId,
    since: UnixMillis,
}

/// Who follows the character through the log.
pub(super) struct Tracer<'a> {
    pub(super) past: &'a Past,
    pub(super) index: Option<&'a Index>,
    pub(super) reader: &'a Reader,
    pub(super) character: CharacterId,
    /// Whether movements are told too.
    pub(super) motion: bool,
}

impl Tracer<'_> {
    /// Everything; `None`: nobody has ever heard of the character.
    pub(super) async fn chain(&self, skips: &mut Skips) -> Result<Option<Chain>, ReplayError> {
        let mut chain = Chain::default();
        let mut stays = VecDeque::new();
        let (lobby, account) = self.lobby(&mut chain, &mut stays, skips).await?;
        if lobby.is_empty() {
            return Ok(None);
        }
        let account = match account {
            Some(account) => self.account(account, skips).await?,
            None => Vec::new(),
        };
        let areas = self.areas(&mut chain, stays, skips).await?;
        let told = merged(account, merged(lobby, areas));
        chain.links = told.into_iter().flat_map(|told| told.links).collect();
        Ok(Some(chain))
    }

    /// What the lobby's entries tell, when they send it where, and whose it is.
    async fn lobby(
        &self,
        chain: &mut Chain,
        stays: &mut VecDeque<Stay>,
        skips: &mut Skips,
    ) -> Result<(Vec<Told>, Option<AccountId>), ReplayError> {
        let key = self.character.to_string();
        let mut tail: KeyedTail<LobbyCommand, LobbyEvent, Character> =
            KeyedTail::of(self.past, Domain::Lobby, &key);
        let (mut told, mut account) = (Vec::new(), None);
        for record in self.records(Domain::Lobby, &key, skips).await? {
            let lines = tail.lines(&record, self.reader, skips).await?;
            told.push(self.told(chain, &record, lines));
            let entry = schemas::decode::<KeyedEntry<LobbyEvent, Character>>(&record.payload);
            let Ok(entry) = entry else { continue };
            account = entry.state.account.or(account);
            chain.now = match (&entry.state.place, entry.state.erased) {
                (_, true) => "gone for good".to_owned(),
                (Some(schemas::lobby::Place::World(area)), _) => format!("on its way to {area}"),
                _ => "in the lobby".to_owned(),
            };
            for event in entry.events {
                if let LobbyEvent::EnteredWorld { area, .. } = event {
                    let since = record.stored_at;
                    stays.push_back(Stay { area, since });
                }
            }
        }
        Ok((told, account))
    }

    /// What its account's entries tell of it.
    async fn account(
        &self,
        account: AccountId,
        skips: &mut Skips,
    ) -> Result<Vec<Told>, ReplayError> {
        let key = account.to_string();
        let mut tail: KeyedTail<AccountCommand, AccountEvent, Account> =
            KeyedTail::of(self.past, Domain::Identity, &key);
        let mut told = Vec::new();
        for record in self.records(Domain::Identity, &key, skips).await? {
            let lines = tail.lines(&record, self.reader, skips).await?;
            let about =
                |line: &Line| line.class == "command" || line.characters.contains(&self.character);
            let lines = lines.into_iter().filter(about).collect();
            told.push(self.told(&mut Chain::default(), &record, lines));
        }
        // An account's other business (its logins) is not the character's.
        told.retain(|told| told.links.iter().any(|link| link.line.class == "event"));
        Ok(told)
    }

    async fn records(
        &self,
        domain: Domain,
        key: &str,
        skips: &mut Skips,
    ) -> Result<Vec<Record>, ReplayError> {
        let filters = vec![keyed_events(domain, key)];
        let stream = domain.event_stream();
        let from = From::After(Sequence(0));
        let mut reader = Reading::open(self.past, stream, filters, from, Follow::UntilHead);
        let mut records = Vec::new();
        while let Some(record) = reader.next(skips).await? {
            records.push(record);
        }
        Ok(records)
    }

    /// What the areas tell, from stay to stay.
    async fn areas(
        &self,
        chain: &mut Chain,
        mut stays: VecDeque<Stay>,
        skips: &mut Skips,
    ) -> Result<Vec<Told>, ReplayError> {
        let mut told: BTreeMap<Sequence, Told> = BTreeMap::new();
        let mut read_to: HashMap<AreaId, Sequence> = HashMap::new();
        let mut progress = Progress::new("frames looked through", 0);
        while let Some(stay) = stays.pop_front() {
            let done = read_to.entry(stay.area.clone()).or_default();
            let next = self
                .stay(chain, &stay, done, &mut told, &mut progress, skips)
                .await?;
            // Where it went comes before where the lobby sends it afterwards.
            if let Some(next) = next {
                stays.push_front(next);
            }
        }
        Ok(told.into_values().collect())
    }

    /// One stay; where the character went on to, if to an area.
    async fn stay(
        &self,
        chain: &mut Chain,
        stay: &Stay,
        done: &mut Sequence,
        told: &mut BTreeMap<Sequence, Told>,
        progress: &mut Progress,
        skips: &mut Skips,
    ) -> Result<Option<Stay>, ReplayError> {
        let (past, filters) = (self.past, vec![area_events(&stay.area)]);
        let since = UnixMillis(stay.since.0.saturating_sub(CLOCKS_MILLIS));
        let follow = Follow::UntilHead;
        let since = From::Time(since);
        let mut first = Reading::open(past, AREA_EVENTS, filters.clone(), since, follow);
        let Some(first) = first.next(skips).await? else {
            return Ok(None);
        };
        // What an earlier stay has told is not told again.
        let start = first.sequence.max(done.next());
        let stop = Stop::Before(start);
        let before = history::nearest_tolerant(past, self.index, &stay.area, stop, skips).await?;
        let from = From::After(before.sequence);
        let mut reader = Reading::open(past, AREA_EVENTS, filters, from, follow);
        let mut tail = AreaTail::of(past, before.state, skips).await?;
        while let Some(record) = reader.next(skips).await? {
            progress.step();
            let Some(seen) = tail.see(past, &record, skips).await? else {
                continue;
            };
            *done = record.sequence;
            if seen.concerns(self.character) {
                told.insert(
                    record.sequence,
                    self.told(chain, &record, seen.lines(self.reader)),
                );
            }
            for fact in &seen.frame.facts {
                match fact {
                    Fact::Arrived { traveller, .. } if traveller.character == self.character => {
                        *chain.areas.entry(stay.area.clone()).or_default() += 1;
                        chain.now = format!("in {}", stay.area);
                    }
                    Fact::Departed { character, to, .. } if *character == self.character => {
                        let area = match to {
                            Destination::Area { area, .. } => area.clone(),
                            Destination::Lobby => {
                                chain.now = "in the lobby".to_owned();
                                return Ok(None);
                            }
                        };
                        chain.now = format!("on its way to {area}");
                        let since = record.stored_at;
                        return Ok(Some(Stay { area, since }));
                    }
                    _ => {}
                }
            }
        }
        Ok(None)
    }

    /// Events with their causes; commands that led to nothing stand for themselves.
    fn told(&self, chain: &mut Chain, record: &Record, lines: Vec<Line>) -> Told {
        let mine = |line: &Line| line.tick.is_none() || line.characters.contains(&self.character);
        let (commands, events): (Vec<Line>, Vec<Line>) = lines
            .into_iter()
            .filter(mine)
            .partition(|line| line.class == "command");
        let mut used = Vec::new();
        let mut links = Vec::new();
        for event in events {
            let cause = cause::of(&event, &commands);
            used.extend(
                cause.map(|command| (command.stream, command.sequence, command.kind.clone())),
            );
            if event.kind == "motion" && !self.motion {
                chain.movements += 1;
                continue;
            }
            let cause = cause.cloned();
            links.push(Link { line: event, cause });
        }
        for command in commands {
            let known = (command.stream, command.sequence, command.kind.clone());
            let steers = command.kind == "input" && command.outcome.as_deref() == Some("accepted");
            let silent = matches!(command.kind.as_str(), "alive" | "confirmation");
            if used.contains(&known) || silent || steers && !self.motion {
                continue;
            }
            links.push(Link {
                line: command,
                cause: None,
            });
        }
        Told {
            stored_at: record.stored_at,
            links,
        }
    }
}

/// Two orders as one: by the broker's clock; where that shows the same, by when it was decided; and where that is the same
/// too, what is a cause comes first.
fn merged(ours: Vec<Told>, theirs: Vec<Told>) -> Vec<Told> {
    let mut ours = ours.into_iter().peekable();
    let mut theirs = theirs.into_iter().peekable();
    let mut all = Vec::new();
    loop {
        let first = match (ours.peek(), theirs.peek()) {
            (None, None) => return all,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (Some(mine), Some(other)) => match mine.time().cmp(&other.time()) {
                Ordering::Equal => !follows(mine, other),
                order => order == Ordering::Less,
            },
        };
        let next = if first { ours.next() } else { theirs.next() };
        all.extend(next);
    }
}

/// Whether `later` comes of an effect that `earlier` has sent.
fn follows(later: &Told, earlier: &Told) -> bool {
    let causes = later.links.iter().filter_map(|link| link.cause.as_ref());
    causes.filter_map(cause::because).any(|because| {
        earlier.links.iter().any(|link| {
            because["stream"] == link.line.stream
                && because["sequence"].as_u64() == Some(link.line.sequence.0)
        })
    })
}
