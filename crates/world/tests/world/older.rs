//! What older builds recorded: it folds as it always has, to the very hashes that they wrote down.
//!
//! `older/rules-2.frames` was written by the last build of rules version 2: two characters come in,
//! one goes through a door, the other logs out. Each frame follows its length (u32, big endian).

use schemas::fact::{DepartureReason, Destination, Fact};
use schemas::frame::Frame;
use schemas::{AreaId, Digest};
use world::AreaState;

use crate::support::{ANN, BEN};

const RULES_2: &[u8] = include_bytes!("older/rules-2.frames");

fn frames(mut recorded: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    while let Some((length, rest)) = recorded.split_first_chunk::<4>() {
        let (frame, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        frames.push(frame);
        recorded = rest;
    }
    frames
}

#[test]
fn a_log_of_rules_2_folds_to_the_hashes_that_it_names() {
    let mut state = AreaState::new(AreaId::new("drawn-1").unwrap(), "drawn");
    let mut left = Vec::new();
    for bytes in frames(RULES_2) {
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains("departed.2"), "it is an old one");
        let frame: Frame = schemas::decode(bytes).unwrap();
        // Folding compares the state with both hashes of the frame.
        state.fold(&frame, Digest::of(bytes)).unwrap();
        left.extend(frame.facts.into_iter().filter(|fact| {
            let departed = matches!(fact, Fact::Departed { .. });
            assert_eq!(departed, text.contains("departed.1"));
            departed
        }));
    }
    assert_eq!(state.population(), 0, "both have left");
    assert!(
        state.gone_to(ANN, state.tick()).is_some(),
        "one through a door"
    );
    let departed = |character, handle, to, reason| Fact::Departed {
        handle,
        character,
        account: None,
        to,
        reason,
        stood: None,
    };
    let elsewhere = Destination::Area {
        area: AreaId::new("elsewhere-1").unwrap(),
        spawn: "gate".into(),
    };
    let told = [
        departed(ANN, 0, elsewhere, DepartureReason::Door),
        departed(BEN, 1, Destination::Lobby, DepartureReason::Logout),
    ];
    assert_eq!(
        left, told,
        "read as the latest, without what it did not say"
    );
}
