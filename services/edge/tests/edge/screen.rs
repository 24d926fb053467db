//! What a client knows, folded from its messages alone.

use std::collections::BTreeMap;

use schemas::motion::Motion;
use schemas::segment::{Controller, Segment};
use schemas::wire::{Body, Chunk, Own, ServerMessage};
use schemas::{Handle, Step};

/// Whether resumed, up to where acknowledged, and what was refused.
type Ready = (bool, u32, Vec<(u32, u8)>);

#[derive(Default, Debug)]
pub struct Screen {
    pub area: String,
    pub sequence: u64,
    pub step: u64,
    pub handle: Handle,
    pub own: Own,
    pub pictures: usize,
    pub frames: usize,
    pub bodies: BTreeMap<Handle, (String, Segment)>,
    pub lines: Vec<(String, String)>,
    pub rejected: Vec<(u32, u8)>,
    pub token: String,
    pub transits: Vec<(String, String)>,
    pub ready: Option<Ready>,
    pub notices: Vec<(String, String)>,
}

impl Screen {
    pub fn fold(&mut self, message: &ServerMessage) {
        match message.clone() {
            ServerMessage::Ready {
                resumed,
                ack_seq,
                rejected,
                ..
            } => {
                self.own.ack_seq = ack_seq;
                self.ready = Some((resumed, ack_seq, rejected));
            }
            ServerMessage::Area {
                area,
                sequence,
                step,
                handle,
                own,
                bodies,
                token,
                ..
            } => {
                self.pictures += 1;
                (self.area, self.sequence, self.step) = (area, sequence, step);
                (self.handle, self.own, self.token) = (handle, own, token);
                self.bodies.clear();
                for body in bodies {
                    self.enter(step, body);
                }
            }
            ServerMessage::Frame {
                sequence,
                step,
                own,
                chunks,
            } => {
                assert!(
                    sequence >= self.sequence && step >= self.step,
                    "time goes on"
                );
                self.frames += 1;
                (self.sequence, self.step) = (sequence, step);
                self.own = own.unwrap_or(self.own);
                for chunk in chunks {
                    self.apply(step, chunk);
                }
            }
            ServerMessage::Rejected {
                client_seq, reason, ..
            } => self.rejected.push((client_seq, reason)),
            ServerMessage::Transit { area, status } => self.transits.push((area, status)),
            ServerMessage::Token { token } => self.token = token,
            ServerMessage::Notice { code, message } => self.notices.push((code, message)),
            _ => {}
        }
    }

    fn enter(&mut self, step: u64, body: Body) {
        let moved = Motion(body.motion)
            .unpack(Step(step), |_| None)
            .expect("full");
        self.bodies
            .insert(body.handle, (body.name, moved[0].segment));
    }

    fn apply(&mut self, step: u64, chunk: Chunk) {
        match chunk {
            Chunk::Moved { motion } => {
                let nothing = Controller::default();
                let known = &self.bodies;
                let moved = Motion(motion)
                    .unpack(Step(step), |h| known.get(&h).map(|(_, s)| (s, &nothing)))
                    .expect("continues what is known");
                for moved in moved {
                    self.bodies.get_mut(&moved.handle).expect("known").1 = moved.segment;
                }
            }
            Chunk::Entered { bodies } => bodies.into_iter().for_each(|body| self.enter(step, body)),
            Chunk::Left { handles } => {
                for handle in handles {
                    assert!(self.bodies.remove(&handle).is_some(), "it was there");
                }
            }
            Chunk::Spoken { lines } => {
                for (handle, text) in lines {
                    let name = self
                        .bodies
                        .get(&handle)
                        .map_or("?", |(name, _)| name.as_str());
                    self.lines.push((name.to_owned(), text));
                }
            }
        }
    }
}
