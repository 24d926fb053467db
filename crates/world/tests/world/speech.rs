//! Saying something.

use schemas::command::PlayerAsk;
use schemas::fact::Fact;
use schemas::outcome::Reason;

use crate::support::{ANN, World, floor, sealed};

fn say(bytes: &[u8]) -> PlayerAsk {
    PlayerAsk::Say {
        text: sealed(bytes),
    }
}

#[test]
fn what_is_said_is_a_fact_and_changes_nothing_else() {
    let mut world = World::given(floor()).with(ANN);
    let before = world.body(ANN).segment;
    let ask = world.asks(ANN, say(b"hello"));
    let frame = world.tick([ask]);
    assert!(matches!(&frame.facts[..], [Fact::Spoken { character, .. }] if *character == ANN));
    assert_eq!(world.body(ANN).segment, before);
}

#[test]
fn empty_and_endless_texts_are_refused() {
    let mut world = World::given(floor()).with(ANN);
    for text in [&[][..], &[1; 1617]] {
        let ask = world.asks(ANN, say(text));
        let frame = world.tick([ask]);
        assert_eq!(frame.outcomes.rejected[0].reason, Reason::Invalid);
        assert!(frame.facts.is_empty());
    }
}

#[test]
fn a_third_line_in_one_tick_is_too_many() {
    let mut world = World::given(floor()).with(ANN);
    let lines: Vec<_> = (1..=3)
        .map(|seq| crate::support::command(ANN, schemas::SessionFence(1), seq, say(b"hi")))
        .collect();
    let frame = world.tick(lines);
    assert_eq!(frame.facts.len(), 2);
    assert_eq!(frame.outcomes.rejected[0].reason, Reason::TooMany);
    assert_eq!(world.body(ANN).last_seq(), 3);
}

#[cfg(feature = "fault-injection")]
#[test]
#[should_panic(expected = "a fault was injected")]
fn an_injected_fault_breaks_the_rules() {
    let mut world = World::given(floor()).with(ANN);
    let mut text = sealed(b"boom");
    text.key = "panic".into();
    let ask = world.asks(ANN, PlayerAsk::Say { text });
    world.tick([ask]);
}
