//! How a player for tests gets somewhere: over walls, and through doors.

use std::time::{Duration, Instant};

use anyhow::Context;
use schemas::segment::InputBits;

use crate::{PATIENCE, Player, View};

const LEFT: u8 = InputBits::LEFT.0;
const RIGHT: u8 = InputBits::RIGHT.0;
const JUMP: u8 = InputBits::JUMP.0;
const DOWN: u8 = InputBits::DOWN.0;
const RUN: u8 = InputBits::RUN.0;

impl Player {
    /// Walks to the door into `area` and through it, and waits for the picture of what is behind. Where the door has
    /// been passed by the time the command arrives, it is tried again.
    ///
    /// # Errors
    /// When that area is not reached.
    pub async fn go_to(&mut self, area: &str) -> anyhow::Result<()> {
        while self.view().area != area {
            let seq = self.knock(area).await?;
            let there = |view: &View| view.area == area || view.reason(seq).is_some();
            self.until("the area behind the door", there).await?;
        }
        Ok(())
    }

    /// Walks to the door into `area` and sends the command that goes through it; its number.
    ///
    /// # Errors
    /// When the door is not reached.
    pub async fn knock(&mut self, area: &str) -> anyhow::Result<u32> {
        let map = schemas::AreaId::new(self.view().area)?;
        let map = world::maps::builtin(map.map()).context("a map of ours")?;
        let leads_there = |door: &&world::Door| door.to_area.as_str() == area;
        let door = map.map.doors.iter().find(leads_there);
        let door = door.context("no such door")?;
        let walking = self.walk_to(door.x, door.x + door.width);
        let walked = tokio::time::timeout(PATIENCE, walking).await;
        let stands = || self.view().position(&self.guest.name);
        walked.unwrap_or_else(|_| {
            anyhow::bail!("the door to {area} was not reached, but {:?}", stands())
        })?;
        self.use_door()
    }

    /// Walks until the body overlaps these columns, 1/256 px. Jumps when something is in the way, and when that does
    /// not help, drops through what it stands on.
    async fn walk_to(&mut self, left: i32, right: i32) -> anyhow::Result<()> {
        let mut held = None;
        let mut stalls = 0_u32;
        let mut last = (0, Instant::now());
        let mut jump_until = Instant::now();
        let mut drop_until = Instant::now();
        let mut beat = tokio::time::interval(Duration::from_millis(40));
        loop {
            beat.tick().await;
            let now = Instant::now();
            let view = self.view();
            anyhow::ensure!(view.closed.is_none(), "the socket has ended");
            let (x, _) = view.position(&self.guest.name).context("no own body")?;
            let way = match x {
                _ if x + world::rules::BODY_WIDTH <= left => RIGHT,
                _ if x >= right => LEFT,
                _ => break,
            };
            if x.abs_diff(last.0) > 256 {
                last = (x, now);
            } else if now - last.1 > Duration::from_millis(200) {
                last.1 = now + Duration::from_millis(400);
                stalls += 1;
                if stalls.is_multiple_of(3) {
                    drop_until = now + Duration::from_millis(200);
                } else {
                    jump_until = now + Duration::from_millis(400);
                }
            }
            let keys = way
                | if x.abs_diff(left) > 64 * 256 { RUN } else { 0 }
                | if now < jump_until { JUMP } else { 0 }
                | if now < drop_until { DOWN } else { 0 };
            if held != Some(keys) {
                self.hold(keys)?;
                held = Some(keys);
            }
        }
        self.hold(0)?;
        Ok(())
    }
}
