//! What is written, against what `serde_json` writes.

use std::collections::BTreeMap;

use schemas::EdgeId;
use schemas::effect::EntryPoint;
use schemas::fact::{DepartureReason, Destination, Fact};
use schemas::sealed::Sealed;

use super::super::people::{AsRecorded, People, PersonalId};
use super::Writer;
use schemas::subjects::AggregateId;
use schemas::{AccountId, CharacterId, Digest, LoginId};
use serde::Serialize;

/// Shows what kind of person stood there.
struct Shown;

impl People for Shown {
    fn write(&mut self, kind: PersonalId, _: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("<{kind:?}>").as_bytes());
    }
}

fn written<T: Serialize>(value: &T) -> String {
    let mut out = Vec::new();
    Writer::new(&mut out, &mut AsRecorded).write(value);
    String::from_utf8(out).unwrap()
}

fn shown<T: Serialize>(value: &T) -> String {
    let mut out = Vec::new();
    Writer::new(&mut out, &mut Shown).write(value);
    String::from_utf8(out).unwrap()
}

#[test]
fn it_writes_what_serde_json_writes() {
    let said = "a \"quoted\" \\ line\nand\ttab \u{1} and höher";
    let variants = (
        EntryPoint::Spawn(said.into()),
        EntryPoint::At { x: i32::MIN, y: 0 },
        Destination::Lobby,
    );
    let map = BTreeMap::from([(7_u16, vec![Some(true), None]), (9, Vec::new())]);
    let value = (i64::MIN, u64::MAX, variants, map, 'ß', (), 0.5_f64);
    assert_eq!(written(&value), serde_json::to_string(&value).unwrap());
}

#[test]
fn bytes_are_hexadecimal() {
    let sealed = Sealed {
        key: "realm.1".into(),
        nonce: vec![0x0f, 0xa0],
        bytes: Vec::new(),
    };
    let text = r#"{"key":"realm.1","nonce":"0fa0","bytes":""}"#;
    assert_eq!(written(&sealed), text);
}

#[test]
fn people_are_told_by_the_type_of_their_ids() {
    let ids = (
        CharacterId(1),
        AccountId(1),
        LoginId(1),
        Digest([1; 16]),
        AggregateId::Character(CharacterId(1)),
        EdgeId(1),
    );
    let text = r#"["<Character>","<Account>","<Login>","<Digest>","character.<Character>","0000000000001"]"#;
    assert_eq!(shown(&ids), text);
    let area = AggregateId::Area("harbor-1".parse().unwrap());
    assert_eq!(shown(&area), r#""area.harbor-1""#);
    let key = format!("person.{}", AccountId(1));
    assert_eq!(
        shown(&[key.as_str(), "person.else"]),
        r#"["person.<Account>","person.else"]"#
    );
}

#[test]
fn only_the_outermost_type_is_left_out() {
    let lost = Fact::LinkLost {
        handle: 3,
        character: CharacterId(1),
    };
    // Written as a map, because a field of it is flattened.
    let departed = Fact::Departed {
        handle: 3,
        character: CharacterId(1),
        account: None,
        to: Destination::Lobby,
        reason: DepartureReason::Door,
        stood: None,
    };
    let nested = serde_json::json!([{ "type": "kept" }]);
    let mut out = Vec::new();
    for fact in [lost, departed] {
        Writer::new(&mut out, &mut Shown)
            .without_type()
            .write(&fact);
    }
    Writer::new(&mut out, &mut Shown)
        .without_type()
        .write(&nested);
    let text = String::from_utf8(out).unwrap();
    let lost = r#"{"handle":3,"character":"<Character>"}"#;
    let departed = r#"{"handle":3,"character":"<Character>","to":null,"#;
    assert!(text.starts_with(&format!("{lost}{departed}")), "{text}");
    assert!(text.ends_with(r#"[{"type":"kept"}]"#), "{text}");
}
