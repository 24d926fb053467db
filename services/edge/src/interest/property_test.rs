//! What a viewer's folded screen shows is what is in view, by brute force, at every frame.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use proptest::prelude::*;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use schemas::motion::Motion;
use schemas::segment::{Controller, SUBPIXELS, Segment};
use schemas::wire::{Chunk, Encoding, ServerMessage};
use schemas::{CharacterId, Handle, Step};

use super::cell::{CELL_PX, MARGIN_PX};
use super::view::{FARTHEST_PX, HALF_WINDOW_PX};
use super::{BodyNow, Chunks, Line, Stage, View, frame_message};

/// What a client knows, folded from its messages alone.
#[derive(Default)]
struct Screen {
    bodies: BTreeMap<Handle, (String, Segment)>,
    heard: Vec<(Handle, String)>,
}

impl Screen {
    fn apply(&mut self, message: ServerMessage) {
        let ServerMessage::Frame { step, chunks, .. } = message else {
            panic!("{message:?} is no frame");
        };
        let nothing = Controller::default();
        for chunk in chunks {
            match chunk {
                Chunk::Moved { motion } => {
                    let known = &self.bodies;
                    let moved = Motion(motion)
                        .unpack(Step(step), |h| known.get(&h).map(|(_, s)| (s, &nothing)))
                        .expect("a delta continues a body on the screen");
                    for moved in moved {
                        self.bodies.get_mut(&moved.handle).expect("known").1 = moved.segment;
                    }
                }
                Chunk::Entered { bodies } => {
                    for body in bodies {
                        let full = Motion(body.motion)
                            .unpack(Step(step), |_| None)
                            .expect("full");
                        let known = self
                            .bodies
                            .insert(body.handle, (body.name, full[0].segment));
                        assert_eq!(known, None, "{} blinks", body.handle);
                    }
                }
                Chunk::Left { handles } => {
                    for handle in handles {
                        assert!(
                            self.bodies.remove(&handle).is_some(),
                            "{handle} was not there"
                        );
                    }
                }
                Chunk::Spoken { lines } => self.heard.extend(lines),
            }
        }
    }
}

/// An area in which anything may happen to anybody.
struct Chaos {
    random: Xoshiro256PlusPlus,
    bodies: BTreeMap<Handle, (CharacterId, Segment)>,
    step: Step,
}

const WIDTH_PX: i32 = 3000;
const HEIGHT_PX: i32 = 1500;

impl Chaos {
    fn segment(&mut self, from: Step) -> Segment {
        let r = &mut self.random;
        Segment {
            from,
            x: r.random_range(0..WIDTH_PX * SUBPIXELS),
            y: r.random_range(0..HEIGHT_PX * SUBPIXELS),
            vx: r.random_range(-2000..2000),
            vy: r.random_range(-900..900),
            ax: r.random_range(-9..9),
            ay: r.random_range(-9..9),
            until: Step(from.0 + r.random_range(0..50)),
            ..Segment::default()
        }
    }

    /// The next frame: time passes, some turn, a few come, go or are replaced.
    fn go_on(&mut self) -> Step {
        self.step = Step(self.step.0 + self.random.random_range(1..6));
        let base = self.step;
        for handle in 0..60 {
            let dice = self.random.random_range(0..100);
            let fresh = self.segment(base);
            let id = CharacterId(self.random.random());
            match (self.bodies.get_mut(&handle), dice) {
                (None, 0..6) => {
                    self.bodies.insert(handle, (id, fresh));
                }
                (Some(_), 0..2) => {
                    self.bodies.remove(&handle);
                }
                // Several frames at once: the handle has been given away again.
                (Some(body), 2..4) => *body = (id, fresh),
                (Some((_, segment)), 4..25) => {
                    let on = segment.rebased(base);
                    *segment = Segment {
                        vx: -on.vx,
                        ax: fresh.ax,
                        until: fresh.until,
                        ..on
                    };
                }
                (Some((_, segment)), 25..27) => *segment = fresh,
                _ => {}
            }
        }
        base
    }

    fn now(&self) -> impl Iterator<Item = BodyNow> + '_ {
        self.bodies
            .iter()
            .map(|(handle, (character, segment))| BodyNow {
                handle: *handle,
                character: *character,
                segment: *segment,
            })
    }
}

/// Whether a body that far away must be, or may be, on the screen.
fn bounds(own: (i32, i32), other: (i32, i32)) -> (bool, bool) {
    let away = ((own.0 - other.0).abs(), (own.1 - other.1).abs());
    let within = |more: i32| {
        away.0 <= (HALF_WINDOW_PX.0 + more) * SUBPIXELS
            && away.1 <= (HALF_WINDOW_PX.1 + more) * SUBPIXELS
    };
    (within(0), within(FARTHEST_PX + CELL_PX + MARGIN_PX))
}

fn check(seed: u64, encoding: Encoding) {
    let mut chaos = Chaos {
        random: Xoshiro256PlusPlus::seed_from_u64(seed),
        bodies: BTreeMap::new(),
        step: Step(100),
    };
    let mut stage = Stage::default();
    let mut viewers: HashMap<CharacterId, (View, Screen)> = HashMap::new();
    for number in 0..60_u64 {
        let base = chaos.go_on();
        let step = Step(base.0 + 1);
        let speaker = chaos.random.random_range(0..60);
        let line = Line {
            handle: speaker,
            text: Arc::from(number.to_string()),
        };
        let turn = stage.advance((base, step), chaos.now(), [line], |h| {
            Arc::from(h.to_string())
        });
        let mut chunks = Chunks::new(encoding, &stage, &turn);
        for (own, character, place) in chaos
            .bodies
            .iter()
            .filter(|(handle, _)| **handle % 7 == 0)
            .map(|(handle, (id, segment))| (*handle, *id, segment.position(step)))
        {
            // A new viewer is given a picture, as `Area` does; here: from an empty view.
            let (view, screen) = viewers.entry(character).or_insert_with(|| {
                let view = View::around(place);
                let mut screen = Screen::default();
                for cell in view.0.cells() {
                    for handle in stage.in_cell(cell) {
                        let (_, segment) = chaos.bodies[handle];
                        screen.bodies.insert(*handle, (handle.to_string(), segment));
                    }
                }
                (view, screen)
            });
            if !screen.bodies.is_empty() && screen.heard.is_empty() {
                screen.heard.push((own, "ready".into()));
                continue;
            }
            let before = *view;
            *view = before.follow(place);
            let part = chunks.view(before.0, view.0).clone();
            let bytes = frame_message(encoding, number, base, None, &[&part]);
            screen.apply(encoding.decode(&bytes).expect("a frame"));

            assert!(
                screen.bodies.contains_key(&own),
                "the own body is always in view"
            );
            for (handle, (_, segment)) in &chaos.bodies {
                let shown = screen.bodies.get(handle);
                let (must, may) = bounds(place, segment.position(step));
                assert!(!must || shown.is_some(), "{handle} is near but not shown");
                assert!(may || shown.is_none(), "{handle} is far but shown");
                if let Some((name, known)) = shown {
                    assert_eq!(known, segment, "{handle} is shown elsewhere");
                    assert_eq!(*name, handle.to_string());
                }
                let spoke = *handle == speaker;
                let heard = screen.heard.contains(&(speaker, number.to_string()));
                assert!(!(spoke && must) || heard, "{handle} is near but not heard");
            }
            assert!(screen.bodies.keys().all(|h| chaos.bodies.contains_key(h)));
        }
        let present: Vec<_> = chaos.bodies.values().map(|(id, _)| *id).collect();
        viewers.retain(|character, _| present.contains(character));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_screen_shows_what_is_in_view_and_nothing_blinks(seed: u64, json: bool) {
        check(seed, if json { Encoding::Json } else { Encoding::MsgPack });
    }
}
