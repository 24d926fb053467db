//! One unbroken chain an area: every frame follows the one before, epochs rise one by one with each owner, nothing goes
//! back.

use schemas::fact::Fact;
use schemas::frame::MAX_FRAME_BYTES;
use schemas::{Digest, FrameNo};

use super::Finding;
use super::log::Log;

pub(super) fn check(log: &Log, findings: &mut Vec<Finding>) -> u64 {
    let mut owners = 0;
    for (area, frames) in &log.frames {
        let mut before: Option<&super::log::Placed> = None;
        for placed in frames {
            let frame = &placed.frame;
            let mut find = |what: String| {
                let message = format!("{area}, sequence {}: {what}", placed.sequence);
                findings.push(Finding::new("chain", message));
            };
            let last = before.map(|before| &before.frame);
            let no = last.map_or(FrameNo(0), |last| last.no).next();
            let prev = before.map_or(Digest::default(), |before| before.digest);
            if (frame.no, frame.prev) != (no, prev) {
                find(format!(
                    "frame {} does not follow what is before it",
                    frame.no
                ));
            }
            if placed.size > MAX_FRAME_BYTES {
                find(format!("{} bytes", placed.size));
            }
            let owned = matches!(frame.facts.first(), Some(Fact::Owned { .. }));
            let elsewhere = frame.facts.iter().skip(1);
            if elsewhere
                .into_iter()
                .any(|fact| matches!(fact, Fact::Owned { .. }))
            {
                find("an owner in the middle of a frame".to_owned());
            }
            owners += u64::from(owned);
            match last {
                None if !owned => find("the first frame names no owner".to_owned()),
                Some(last) if owned => {
                    if frame.epoch.0 != last.epoch.0 + 1 || frame.claim == last.claim {
                        find(format!("epoch {} after {}", frame.epoch, last.epoch));
                    }
                    if frame.pos != last.pos {
                        find("a new owner's first frame consumes commands".to_owned());
                    }
                }
                Some(last) => {
                    if (frame.epoch, frame.claim) != (last.epoch, last.claim) {
                        find(format!(
                            "a frame of {} in the time of {}",
                            frame.epoch, last.epoch
                        ));
                    }
                    let over =
                        |fact: &Fact| matches!(fact, Fact::Hibernated {} | Fact::Released { .. });
                    if last.facts.iter().any(over) {
                        find("its owner had given it up".to_owned());
                    }
                    if frame.tick <= last.tick {
                        find(format!("tick {} after {}", frame.tick, last.tick));
                    }
                }
                None => {}
            }
            if let Some(last) = last {
                if frame.tick < last.tick || frame.at < last.at {
                    find("time goes back".to_owned());
                }
                if frame.pos < last.pos {
                    find("it consumes again what was consumed".to_owned());
                }
            }
            before = Some(placed);
        }
    }
    owners
}
