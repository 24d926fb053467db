//! The stream `FACTS`: one message an event, on `fact.<type>.<area>.<player>`, for analysts in any language.
//!
//! A *source* is an event stream whose events are told here. The writer reads all sources at once, takes the events out
//! of their messages (`past::event`), and puts them into `FACTS` batch by batch, each event exactly once. How far each source
//! has been *told* stands in the batch itself, so that `FACTS` is its own checkpoint: nothing else has to agree with it after a
//! crash, or after a restore that began it anew ([ADR 18](../../../../docs/adr/0018-facts.md)).
//! What the writer has to *remember* of a source (which body is whose) is saved now and then, for a quicker start; the saved
//! memory is never authoritative, and without it the source is read from its beginning.
//!
//! Two writers do no harm: the broker refuses one of them, which then stands by.

mod config;
mod error;
mod lag;
mod memory;
mod message;
mod pace;
mod service;
mod source;
mod told;
mod writer;

pub use config::Config;
pub use error::FactsError;
pub use message::message_of;
pub use service::{beside, fill, run};
