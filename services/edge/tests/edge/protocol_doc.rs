//! `docs/protocol.md` is held against the types: no op, code, reason or field without its row.

use schemas::Step;
use schemas::motion::{FULL, Motion};
use schemas::outcome::Reason;
use schemas::segment::{Controller, Segment};
use schemas::wire::{
    Chunk, ClientMessage, CloseCode, Encoding, Fields, MAX_INBOUND_BYTES, MAX_NAME_CHARS,
    MAX_TEXT_CHARS, SUBPROTOCOLS, ServerMessage,
};

const DOC: &str = include_str!("../../../../docs/protocol.md");

fn assert_row(row: &str) {
    assert!(DOC.contains(row), "docs/protocol.md lacks {row:?}");
}

#[test]
fn every_message_has_its_row_with_its_fields_in_order() {
    let both = [ClientMessage::TABLE, ServerMessage::TABLE];
    let fields = |fields: Fields| {
        let names = fields.iter().map(|(name, _)| format!("`{name}`"));
        names.collect::<Vec<_>>().join(", ")
    };
    for (op, name, parts) in both.into_iter().flatten() {
        assert_row(&format!("| {op} | `{name}` | {} |", fields(parts)));
    }
    for (op, name, parts) in Chunk::TABLE {
        assert_row(&format!("| {op} | `{name}` | {} |", fields(parts)));
    }
}

#[test]
fn every_close_code_and_reason_has_its_row() {
    for code in CloseCode::ALL {
        assert_row(&format!("| {} | `{code:?}` |", code.code()));
    }
    for reason in Reason::ALL {
        let name = serde_json::to_value(reason).expect("a name");
        let name = name.as_str().expect("text");
        assert_row(&format!("| {} | `{name}` |", reason.number()));
    }
}

#[test]
fn the_limits_are_those_of_the_types() {
    for name in SUBPROTOCOLS {
        assert_row(&format!("| `{name}` |"));
    }
    assert_eq!(MAX_INBOUND_BYTES, 4096);
    assert_row("4,096 bytes | 4010");
    assert_row(&format!("2 to {MAX_NAME_CHARS} characters"));
    assert_row(&format!("1 to {MAX_TEXT_CHARS} characters"));
}

#[test]
fn the_worked_example_is_right() {
    let full = vec![7, FULL, -1, -1, 0, 0, 0, 0, 0, 25_600, 122_880];
    assert_row(&format!("{full:?}"));
    let unpack = |motion: Vec<i64>, base: u64, known: Option<&Segment>| {
        let nothing = Controller::default();
        let known = |_| known.map(|segment| (segment, &nothing));
        Motion(motion).unpack(Step(base), known).expect("packed")[0].segment
    };
    let still = unpack(full, 100, None);
    assert_eq!(still.position(Step(109)), (25_600, 122_880));

    let message = Encoding::Json
        .decode::<ServerMessage>(b"[3, 4711, 110, null, [[0, [7, 1, -1, 8, 64]]]]")
        .expect("a frame");
    let bytes = Encoding::MsgPack.encode(&message);
    let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_row(&hex.join(" "));

    let off = unpack(vec![7, 1, -1, 8, 64], 110, Some(&still));
    assert_eq!(off.position(Step(113)).0, 26_240);
    assert_eq!(
        (off.position(Step(117)).0, off.velocity(Step(117)).0),
        (27_904, 512)
    );
    let on = unpack(vec![7, 1, -1, 83, 0], 118, Some(&off));
    assert_eq!((on.x, on.vx, on.until), (27_904, 512, Step(200)));
}
