//! What a bot presses when an input is due: keys as it likes, or as they lead to a door, and the door itself.

use schemas::segment::InputBits;
use schemas::wire::ClientMessage;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Error;

use crate::connection::Connection;
use crate::maps::Maps;
use crate::pilot::Advice;

/// Length of a step, ms.
const STEP_MILLIS: u128 = 20;
/// Steps that an input takes to the area, about.
const AHEAD: u64 = 2;

impl Connection<'_> {
    /// Gives the input that is due.
    pub(crate) async fn press(&mut self) -> Result<(), Error> {
        match self.advice() {
            None | Some(Advice::Wander) => {
                let bits = self.bot.wander.next_keys();
                self.input(bits).await
            }
            Some(Advice::Hold(bits)) => {
                if self.bot.wander.hold(bits) {
                    self.input(bits).await?;
                }
                Ok(())
            }
            Some(Advice::Use) => {
                if self.bot.wander.hold(0) {
                    self.input(0).await?;
                }
                let seq = self.bot.ledger.next_seq();
                self.command(|client_seq| ClientMessage::UseDoor { client_seq })
                    .await?;
                let bot = &mut *self.bot;
                bot.crossing.asked(seq, Instant::now(), &bot.run.tally);
                Ok(())
            }
        }
    }

    /// What leads through a door, if that is wanted now and possible.
    fn advice(&mut self) -> Option<Advice> {
        let bot = &mut *self.bot;
        let every = bot.run.args.every(bot.run.args.doors)?;
        let doors = Maps::doors(&bot.run, &bot.map_url, bot.server)?;
        let since = self.seen?.elapsed().as_millis() / STEP_MILLIS;
        let later = u64::try_from(since).unwrap_or(0) + AHEAD;
        let place = bot.body.place(later)?;
        let held = bot.body.held() & InputBits::ALL.0;
        let run = bot.run.clone();
        bot.crossing
            .advise(every, &doors, place, held, &mut bot.wander, &run.tally)
    }

    async fn input(&mut self, bits: u8) -> Result<(), Error> {
        self.command(|client_seq| ClientMessage::Input {
            client_seq,
            client_step: 0,
            bits,
            view_step: 0,
        })
        .await
    }
}
