//! The broker's channels. Addresses are written out; each goes with a subject that the code has built.

use schemas::subjects::{
    self, AREA_COMMANDS, AREA_EVENTS, AggregateId, Domain, FACTS, Sender, area_command,
    area_events, keyed_command, keyed_command_from, keyed_events, live,
};
use schemas::{AreaId, CharacterId, EdgeId};

/// A subject, with parameters where it differs from message to message.
pub(super) struct Channel {
    /// Its name in the document.
    pub(super) name: String,
    pub(super) address: String,
    /// One of its subjects.
    pub(super) example: String,
    /// The stream that stores it.
    pub(super) stream: Option<&'static str>,
    pub(super) title: String,
    /// Names of files in `schemas/json`; none for what is no contract.
    pub(super) payloads: Vec<&'static str>,
    pub(super) content: &'static str,
}

pub(super) const MSGPACK: &str = "application/vnd.msgpack";
pub(super) const JSON: &str = "application/json";
pub(super) const TEXT: &str = "text/plain";
pub(super) const BYTES: &str = "application/octet-stream";

impl Channel {
    fn new(name: &str, address: &str, example: String, title: &str) -> Self {
        Self {
            name: name.to_owned(),
            address: address.to_owned(),
            example,
            stream: None,
            title: title.to_owned(),
            payloads: Vec::new(),
            content: MSGPACK,
        }
    }

    fn stored(mut self, stream: &'static str) -> Self {
        self.stream = Some(stream);
        self
    }

    fn of(mut self, payloads: &[&'static str]) -> Self {
        self.payloads = payloads.to_vec();
        self
    }

    const fn carrying(mut self, content: &'static str) -> Self {
        self.content = content;
        self
    }
}

/// Of a keyed domain: its key, what its message and entry are called in `schemas/json`, and its answers.
fn domain(domain: Domain) -> (&'static str, &'static str, &'static str, &'static str) {
    match domain {
        Domain::Identity => (
            "account",
            "account-message",
            "account-entry",
            "account-reply",
        ),
        Domain::Credential => (
            "locator",
            "credential-message",
            "credential-entry",
            "credential-reply",
        ),
        Domain::Name => ("locator", "name-message", "name-entry", "name-reply"),
        Domain::Lobby => ("character", "lobby-message", "lobby-entry", "lobby-reply"),
        Domain::Control => ("area", "control-message", "control-entry", "control-reply"),
        Domain::Fleet => ("worker", "fleet-message", "fleet-entry", "fleet-reply"),
    }
}

/// All of them.
pub(super) fn channels() -> Vec<Channel> {
    let mut all = areas();
    for domain in Domain::ALL {
        all.extend(keyed(domain));
    }
    all.extend(unstored());
    all.extend(facts());
    all.extend(buckets());
    all.extend(objects());
    all
}

fn area() -> AreaId {
    AreaId::new("harbor-1").unwrap()
}

fn areas() -> Vec<Channel> {
    let source = AggregateId::Area(AreaId::new("forest-1").unwrap());
    let control = AggregateId::Control(area());
    let to = |sender: Sender| area_command(&area(), &sender);
    let commands = |name, address, example, title| {
        Channel::new(name, address, example, title)
            .stored(AREA_COMMANDS)
            .of(&["area-message"])
    };
    vec![
        commands(
            "areaCommandsOfPlayers",
            "cmd.area.{area}.edge.{edge}",
            to(Sender::Edge(EdgeId(7))),
            "Players' commands to an area, many in one message",
        ),
        commands(
            "areaCommandsOfAggregates",
            "cmd.area.{area}.{source}",
            to(Sender::Aggregate(source)),
            "Effects and confirmations of another aggregate to an area",
        ),
        commands(
            "areaCommandsOfControl",
            "cmd.area.{area}.control.{control}",
            to(Sender::Aggregate(control)),
            "Effects and confirmations of an area's control",
        ),
        Channel::new(
            "areaEvents",
            "evt.area.{area}",
            area_events(&area()),
            "An area's frames: all that happened in one tick, appended by its owner on the condition of the frame before",
        )
        .stored(AREA_EVENTS)
        .of(&["frame"]),
        Channel::new(
            "liveAreaEvents",
            "live.evt.area.{area}",
            live(&area_events(&area())),
            "The same, republished by the broker after it has stored them",
        )
        .of(&["frame"]),
    ]
}

fn keyed(of: Domain) -> Vec<Channel> {
    let (key, message, entry, _) = domain(of);
    let token = of.token();
    let example = match of {
        Domain::Control => "harbor-1".to_owned(),
        Domain::Fleet => "w1".to_owned(),
        _ => CharacterId(42).to_string(),
    };
    let name = |what: &str| format!("{token}{what}");
    let source = AggregateId::Area(area());
    vec![
        Channel::new(
            &name("Commands"),
            &format!("cmd.{token}.{{partition}}.{{{key}}}"),
            keyed_command(of, &example),
            &format!("Commands to the domain `{token}`"),
        )
        .stored(of.command_stream())
        .of(&[message]),
        Channel::new(
            &name("CommandsOfAggregates"),
            &format!("cmd.{token}.{{partition}}.{{{key}}}.from.{{source}}"),
            keyed_command_from(of, &example, &source),
            &format!("Effects and confirmations of another aggregate to the domain `{token}`"),
        )
        .stored(of.command_stream())
        .of(&[message]),
        Channel::new(
            &name("Events"),
            &format!("evt.{token}.{{{key}}}"),
            keyed_events(of, &example),
            &format!("Events of the domain `{token}` with the state after them, conditioned on the entry before"),
        )
        .stored(of.event_stream())
        .of(&[entry]),
        Channel::new(
            &format!("live{}Events", capital(token)),
            &format!("live.evt.{token}.{{{key}}}"),
            live(&keyed_events(of, &example)),
            "The same, republished by the broker after it has stored them",
        )
        .of(&[entry]),
    ]
}

fn unstored() -> Vec<Channel> {
    let replies: Vec<&str> = Domain::ALL.map(|of| domain(of).3).to_vec();
    vec![
        Channel::new(
            "wake",
            "wake.area.{area}",
            subjects::wake(&area()),
            "A hint to whoever owns or could own a sleeping area; empty, not stored",
        )
        .carrying(TEXT),
        Channel::new(
            "ready",
            "ready.area.{area}",
            subjects::ready(&area()),
            "A worker is ready to take an area that is handed over to it; its name, not stored",
        )
        .carrying(TEXT),
        Channel::new(
            "heartbeats",
            "hb.worker.{worker}",
            subjects::heartbeat("w1"),
            "Workers' heartbeats, every 100 ms; not stored",
        )
        .of(&["heartbeat"]),
        Channel::new(
            "replies",
            "reply.{edge}.{request}",
            subjects::reply(EdgeId(7), 1),
            "The answer to one request of one asker; not stored",
        )
        .of(&replies),
    ]
}

fn facts() -> Vec<Channel> {
    let built = subjects::fact("spoken", Some(&area()), Some(CharacterId(42)));
    vec![
        Channel::new(
            "facts",
            "fact.{type}.{area}.{player}",
            built.clone(),
            "Single events for analysts, derived from the event streams; `-` where there is no area or no player",
        )
        .stored(FACTS)
        .of(&["event"])
        .carrying(JSON),
        Channel::new(
            "liveFacts",
            "live.fact.{type}.{area}.{player}",
            live(&built),
            "The same, republished by the broker after it has stored them",
        )
        .of(&["event"])
        .carrying(JSON),
    ]
}

fn buckets() -> Vec<Channel> {
    let bucket = |stream: &'static str, key: &str, title: &str| {
        let name = stream.trim_start_matches("KV_");
        let address = format!("$KV.{name}.{{{key}}}");
        let example = format!("$KV.{name}.x");
        Channel::new(
            &format!("bucket{}", capital(name)),
            &address,
            example,
            title,
        )
        .stored(stream)
    };
    vec![
        bucket(
            "KV_members",
            "member",
            "Who works; written again every second",
        )
        .of(&["member", "edge-member"]),
        bucket("KV_placements", "area", "Who shall own which area").of(&["placement"]),
        bucket("KV_sessions", "character", "Who is in the world now").of(&["online-entry"]),
        bucket("KV_keys", "key", "Identity's public keys").of(&[
            "public-box-key",
            "public-signing-key",
            "current-keys",
        ]),
        bucket(
            "KV_person_keys",
            "account",
            "Persons' keys, wrapped; or that a person was erased",
        )
        .of(&["person-key"]),
        bucket("KV_ranking", "ranking", "Who has played longest").of(&["ranking"]),
        bucket(
            "KV_identity_keys",
            "key",
            "Identity's private keys, each sealed with identity's own secret",
        )
        .carrying(BYTES),
        bucket(
            "KV_nonces",
            "digest",
            "Nonces of OpenID logins that have been used",
        )
        .carrying(BYTES),
        bucket(
            "KV_attempts",
            "tag",
            "Failed logins and new accounts of each address",
        )
        .carrying(BYTES),
        bucket(
            "KV_facts",
            "stream",
            "What the writer of FACTS remembers; its own affair",
        )
        .carrying(BYTES),
        bucket(
            "KV_snapshots",
            "area",
            "Each area's last two snapshots; the workers' own affair",
        )
        .carrying(BYTES),
        bucket(
            "KV_resources",
            "name",
            "The published version of what clients fetch: `manifest`",
        )
        .carrying(JSON),
    ]
}

fn objects() -> Vec<Channel> {
    let part = |name, address: &str, example: &str, title| {
        Channel::new(name, address, example.to_owned(), title).stored("OBJ_resources")
    };
    vec![
        part(
            "objectChunks",
            "$O.resources.C.{id}",
            "$O.resources.C.x",
            "Parts of the files of the published versions, as `nats object` lays them out",
        )
        .carrying(BYTES),
        part(
            "objectDescriptions",
            "$O.resources.M.{name}",
            "$O.resources.M.x",
            "Descriptions of those files, as `nats object` writes them",
        )
        .carrying(JSON),
    ]
}

/// `person_keys` → `PersonKeys`.
pub(super) fn capital(name: &str) -> String {
    let words = name.split(['_', '-']);
    words
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        })
        .collect()
}
