//! What a client knows: everything it was sent, folded.

use std::collections::BTreeMap;
use std::time::Instant;

use schemas::ids::STEP_MILLIS;
use schemas::motion::Motion;
use schemas::segment::{Controller, Segment};
use schemas::wire::{Body, Chunk, Own, ServerMessage};
use schemas::{Handle, Step};

/// A body in view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The character's id.
    pub character: String,
    /// Its name.
    pub name: String,
    /// How it moves.
    pub segment: Segment,
}

/// A client's picture of the world.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The area's name; empty before the first picture.
    pub area: String,
    /// How many pictures have come.
    pub pictures: u32,
    /// The own body's handle.
    pub handle: Handle,
    /// What steers the own body.
    pub own: Own,
    /// The newest step told.
    pub step: u64,
    /// When it was told.
    pub told_at: Option<Instant>,
    /// The newest sequence told.
    pub sequence: u64,
    /// Everybody in view, the own body too.
    pub bodies: BTreeMap<Handle, Seen>,
    /// What was heard: (name, text).
    pub heard: Vec<(String, String)>,
    /// Refused commands: (client sequence, reason).
    pub rejected: Vec<(u32, u8)>,
    /// Codes of notices.
    pub notices: Vec<String>,
    /// `leaving`, `opening`, as they came.
    pub transits: Vec<String>,
    /// Resume from here.
    pub token: String,
    /// Of the newest `Ready`.
    pub session: u64,
    /// Of every `Ready`.
    pub sessions: Vec<u64>,
    /// Whether the newest `Ready` was of a resumed session.
    pub resumed: bool,
    /// The last answer to a heartbeat.
    pub pong: Option<u64>,
    /// The last answer to the query `who`: (handle, name), in order.
    pub who: Option<Vec<(Handle, String)>>,
    /// What contradicted what came before: none, ever.
    pub broken: Vec<String>,
    /// How the socket ended; 1006 without a close code.
    pub closed: Option<u16>,
}

impl View {
    /// Where a body stands by name now, in 1/256 px. Nobody is told of what goes on as before: between frames the
    /// steps are counted by the clock.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<(i32, i32)> {
        let seen = self.bodies.values().find(|seen| seen.name == name)?;
        let passed = self
            .told_at
            .map_or(0, |at| at.elapsed().as_millis() as u64 / STEP_MILLIS);
        Some(seen.segment.position(Step(self.step + 1 + passed)))
    }

    /// Whether the command had its outcome.
    #[must_use]
    pub fn answered(&self, seq: u32) -> bool {
        self.own.ack_seq >= seq || self.reason(seq).is_some()
    }

    /// Why a command was refused, if it was.
    #[must_use]
    pub fn reason(&self, seq: u32) -> Option<u8> {
        let of = |&&(refused, _): &&(u32, u8)| refused == seq;
        self.rejected.iter().find(of).map(|&(_, reason)| reason)
    }

    /// Takes in one message.
    pub fn fold(&mut self, message: ServerMessage) {
        match message {
            ServerMessage::Ready {
                session,
                resumed,
                ack_seq,
                rejected,
                ..
            } => {
                self.session = session;
                self.sessions.push(session);
                self.resumed = resumed;
                self.own.ack_seq = self.own.ack_seq.max(ack_seq);
                rejected
                    .into_iter()
                    .for_each(|refused| self.refuse(refused));
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
                self.area = area;
                self.pictures += 1;
                self.sequence = sequence;
                self.step = step;
                self.told_at = Some(Instant::now());
                self.handle = handle;
                self.own = own;
                self.token = token;
                self.bodies.clear();
                self.enter(bodies, step);
            }
            ServerMessage::Frame {
                sequence,
                step,
                own,
                chunks,
            } => {
                if sequence < self.sequence || step < self.step {
                    self.broken.push(format!(
                        "frame {sequence} of step {step} after {} of {}",
                        self.sequence, self.step
                    ));
                }
                self.sequence = sequence;
                self.step = step;
                self.told_at = Some(Instant::now());
                if let Some(own) = own {
                    self.own = own;
                }
                for chunk in chunks {
                    self.fold_chunk(chunk, step);
                }
            }
            ServerMessage::Pong { nonce, .. } => self.pong = Some(nonce),
            ServerMessage::Rejected {
                client_seq, reason, ..
            } => self.refuse((client_seq, reason)),
            ServerMessage::Transit { status, .. } => self.transits.push(status),
            ServerMessage::Token { token } => self.token = token,
            ServerMessage::Notice { code, message } => {
                if code == "heard"
                    && let Some((name, text)) = message.split_once(": ")
                {
                    self.heard.push((name.to_owned(), text.to_owned()));
                }
                self.notices.push(code);
            }
            ServerMessage::QueryReply { mut rows, .. } => {
                rows.sort();
                self.who = Some(rows);
            }
            _ => {}
        }
    }

    /// A refusal may be told again after resuming; it is the same refusal.
    fn refuse(&mut self, refused: (u32, u8)) {
        if !self.rejected.contains(&refused) {
            self.rejected.push(refused);
        }
    }

    fn fold_chunk(&mut self, chunk: Chunk, step: u64) {
        match chunk {
            Chunk::Moved { motion } => self.move_bodies(Motion(motion), step),
            Chunk::Entered { bodies } => self.enter(bodies, step),
            Chunk::Left { handles } => {
                for handle in handles {
                    self.bodies.remove(&handle);
                }
            }
            Chunk::Spoken { lines } => {
                for (handle, text) in lines {
                    let name = self.bodies.get(&handle).map(|seen| seen.name.clone());
                    self.heard.push((name.unwrap_or_default(), text));
                }
            }
        }
    }

    fn enter(&mut self, bodies: Vec<Body>, step: u64) {
        for body in bodies {
            let moved = Motion(body.motion).unpack(Step(step), |_| None);
            match moved.as_deref() {
                Ok([moved]) if moved.handle == body.handle => {
                    let seen = Seen {
                        character: body.character,
                        name: body.name,
                        segment: moved.segment,
                    };
                    self.bodies.insert(body.handle, seen);
                }
                other => self.broken.push(format!("body {}: {other:?}", body.handle)),
            }
        }
    }

    fn move_bodies(&mut self, motion: Motion, step: u64) {
        let still = Controller::default();
        let moved = motion.unpack(Step(step), |handle| {
            self.bodies.get(&handle).map(|seen| (&seen.segment, &still))
        });
        match moved {
            Ok(moved) => {
                for moved in moved {
                    if let Some(seen) = self.bodies.get_mut(&moved.handle) {
                        seen.segment = moved.segment;
                    }
                }
            }
            Err(error) => self.broken.push(error.to_string()),
        }
    }
}
