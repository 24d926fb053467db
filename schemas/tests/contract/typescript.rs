//! The TypeScript of the websocket protocol, generated from the same tables.

use std::fmt::Write;

use schemas::wire::{Chunk, ClientMessage, CloseCode, Fields, ServerMessage};
use schemas::{motion, outcome::Reason, segment::InputBits};

type Table = &'static [(u64, &'static str, Fields)];

fn typescript(rust: &str) -> String {
    let rust = rust.replace(' ', "");
    match rust.as_str() {
        "u8" | "u16" | "u32" | "u64" | "i64" => "number".into(),
        "String" => "string".into(),
        "bool" => "boolean".into(),
        "Own" | "Body" | "Chunk" => rust,
        _ => {
            if let Some(inner) = rust.strip_prefix("Vec<").and_then(|r| r.strip_suffix('>')) {
                format!("{}[]", typescript(inner))
            } else if let Some(inner) = rust
                .strip_prefix("Option<")
                .and_then(|r| r.strip_suffix('>'))
            {
                format!("{} | null", typescript(inner))
            } else if let Some(inner) = rust.strip_prefix('(').and_then(|r| r.strip_suffix(')')) {
                let parts: Vec<String> = inner.split(',').map(typescript).collect();
                format!("[{}]", parts.join(", "))
            } else {
                panic!("no TypeScript for the Rust type {rust}")
            }
        }
    }
}

fn camel(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut all, part| {
        all.push_str(&part[..1].to_uppercase());
        all.push_str(&part[1..]);
        all
    })
}

fn family(out: &mut String, name: &str, table: Table) {
    writeln!(out, "export const {name}Op = {{").unwrap();
    for (op, message, _) in table {
        writeln!(out, "  {message}: {op},").unwrap();
    }
    writeln!(out, "}} as const;\n").unwrap();
    for (op, message, fields) in table {
        let mut elements = vec![format!("op: {op}")];
        elements.extend(
            fields
                .iter()
                .map(|(n, t)| format!("{}: {}", camel(n), typescript(t))),
        );
        writeln!(
            out,
            "export type {name}{message} = [{}];",
            elements.join(", ")
        )
        .unwrap();
    }
    let all: Vec<String> = table
        .iter()
        .map(|(_, message, _)| format!("{name}{message}"))
        .collect();
    writeln!(out, "export type {name}Message = {};\n", all.join(" | ")).unwrap();
}

fn numbers(out: &mut String, name: &str, entries: &[(String, i64)]) {
    writeln!(out, "export const {name} = {{").unwrap();
    for (key, value) in entries {
        writeln!(out, "  {key}: {value},").unwrap();
    }
    writeln!(out, "}} as const;\n").unwrap();
}

fn whole() -> String {
    let mut out = String::from(
        "// Generated from schemas/src/wire.rs by `UPDATE_CONTRACT=1 cargo test -p schemas`; do not edit.\n\n\
         export const PROTOCOL = 1;\n\
         export const SUBPROTOCOL = \"worldline.v1.msgpack\";\n\
         export const STEP_MILLIS = 20;\n\
         export const SUBPIXELS = 256;\n\
         export const NO_BODY = 65535;\n\
         export const MAX_SPEED = 10000;\n\n\
         export type Own = [ackSeq: number, appliedStep: number, mode: number, bits: number, since: number, \
         coyoteUntil: number, jumpBufferedUntil: number, dropThroughUntil: number, stunnedUntil: number];\n\
         export type Body = [handle: number, character: string, name: string, motion: number[]];\n\n",
    );
    family(&mut out, "Chunk", Chunk::TABLE);
    out = out.replace("export type ChunkMessage", "export type Chunk");
    family(&mut out, "Client", ClientMessage::TABLE);
    family(&mut out, "Server", ServerMessage::TABLE);
    numbers(
        &mut out,
        "CloseCode",
        &CloseCode::ALL.map(|c| (format!("{c:?}"), i64::from(c.code()))),
    );
    numbers(
        &mut out,
        "Reason",
        &Reason::ALL.map(|r| (format!("{r:?}"), i64::from(r.number()))),
    );
    let keys = [
        ("Left", InputBits::LEFT),
        ("Right", InputBits::RIGHT),
        ("Jump", InputBits::JUMP),
        ("Down", InputBits::DOWN),
        ("Run", InputBits::RUN),
    ];
    numbers(
        &mut out,
        "Key",
        &keys.map(|(n, b)| (n.to_owned(), i64::from(b.0))),
    );
    let flags = [
        ("Ax", motion::AX),
        ("Ay", motion::AY),
        ("Vx", motion::VX),
        ("Vy", motion::VY),
        ("Mode", motion::MODE),
        ("Input", motion::INPUT),
        ("X", motion::X),
        ("Y", motion::Y),
        ("Coyote", motion::COYOTE),
        ("Buffer", motion::BUFFER),
        ("Drop", motion::DROP),
        ("Stun", motion::STUN),
    ];
    numbers(
        &mut out,
        "MotionFlag",
        &flags.map(|(n, f)| (n.to_owned(), f)),
    );
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

#[test]
fn the_typescript_says_what_the_types_say() {
    super::check("clients/sdk/src/generated.ts", whole().as_bytes());
}
