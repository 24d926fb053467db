//! Which command an event comes from.
//!
//! A message of the log holds what came of several commands, and does not say which came of which: that would be told
//! twenty-five times a second. But each kind of event comes of few kinds of commands, and of one person's commands in
//! one message there are few, so it can be told afterwards. What comes of no command (a landing, a silence) happens by
//! itself.

use serde_json::{Value, json};

use crate::describe::Line;

/// Which kinds of commands lead to a kind of event, the likeliest first. Names are without versions.
const COMES_OF: &[(&str, &[&str])] = &[
    // In an area.
    ("arrived", &["enter"]),
    ("spoken", &["say"]),
    (
        "departed",
        &["use_door", "leave", "leave_world", "enter", "steer"],
    ),
    ("session_taken", &["take_session"]),
    (
        "link_restored",
        &["alive", "input", "say", "use_door", "leave"],
    ),
    ("motion", &["input", "enter", "take_session"]),
    // What an area sends.
    ("effect enter", &["use_door", "enter", "steer"]),
    ("effect returned", &["leave", "leave_world", "enter"]),
    ("effect located", &["enter"]),
    ("effect not_here", &["take_session", "leave_world"]),
    // In the lobby, and for accounts.
    ("created", &["create"]),
    ("ticket_issued", &["start"]),
    ("session_started", &["join", "resume"]),
    ("entered_world", &["join", "resume"]),
    ("located", &["located"]),
    ("returned", &["returned"]),
    ("missed", &["not_here"]),
    ("reclaimed", &["reclaim"]),
    ("deleted", &["delete"]),
    ("restored", &["restore"]),
    ("erased", &["erase"]),
];

fn bare(kind: &str) -> &str {
    kind.split('.').next().unwrap_or(kind)
}

/// What an event is called in the table.
fn name(event: &Line) -> String {
    let payload = event
        .detail
        .pointer("/payload/type")
        .and_then(Value::as_str);
    match (event.kind.as_str(), payload) {
        ("effect", Some(payload)) => format!("effect {}", bare(payload)),
        (kind, _) => bare(kind).to_owned(),
    }
}

fn was_refused(command: &Line) -> bool {
    let outcome = command.outcome.as_deref().unwrap_or_default();
    ["rejected", "refused", "NO OUTCOME"]
        .iter()
        .any(|refusal| outcome.starts_with(refusal))
}

/// The command among those of its message that `event` comes from; `None`: it happened by itself.
pub(super) fn of<'a>(event: &Line, commands: &'a [Line]) -> Option<&'a Line> {
    let name = name(event);
    let known = COMES_OF.iter().find(|(kind, _)| *kind == name);
    match known {
        Some((_, kinds)) => kinds.iter().find_map(|kind| {
            // Of several alike the last one decides: the keys held at the end of a tick.
            let mut taken = commands
                .iter()
                .rev()
                .filter(|command| !was_refused(command));
            taken.find(|command| bare(&command.kind) == *kind)
        }),
        // Of the aggregates of people: what an entry holds comes of the command that it has handled.
        None if event.tick.is_none() => commands.iter().rfind(|command| !was_refused(command)),
        None => None,
    }
}

/// Where a command stands and what it was; and, of an effect, where its own cause stands.
pub(super) fn json(command: &Line) -> Value {
    json!({
        "stream": command.stream, "sequence": command.sequence, "type": command.kind,
        "outcome": command.outcome, "detail": command.detail, "because": because(command),
    })
}

/// The message that sent an effect.
pub(super) fn because(command: &Line) -> Option<Value> {
    let cause = command.detail.get("cause")?;
    Some(json!({ "stream": cause.get("stream")?, "sequence": cause.get("sequence")? }))
}
