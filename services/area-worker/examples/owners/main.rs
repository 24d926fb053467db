//! How long the players of an area are without an owner, on a real broker with workers that are
//! processes of their own. This process plays the director, the lobby and the edge.
//!
//! | `cargo run --release -p area-worker --example owners --` | |
//! |---|---|
//! | `handover [times] [players]` | an area with moving players goes back and forth between two workers |
//! | `failover [times] [players]` | its owner is killed (`kill -9`), and its successor takes it |
//! | `standby [areas]` | areas are opened, each alone, and given to an idle worker |
//! | `spread [areas] [at-once]` | a new worker is handed so many areas that are awake |
//!
//! What is told are differences between the times at which the broker stored frames: `gap` from the
//! last frame of the former owner to the first frame of the next that is a tick, `taken` to its
//! ownership frame.

mod figures;
mod measures;
mod realm;
mod worker;

use anyhow::bail;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: usize| {
        let given = arguments.get(at).map(|text| text.parse());
        given.unwrap_or(Ok(default))
    };
    match arguments.first().map(String::as_str) {
        Some("handover") => measures::handover(number(1, 50)?, number(2, 50)?).await,
        Some("failover") => measures::failover(number(1, 20)?, number(2, 200)?).await,
        Some("standby") => measures::standby(number(1, 30)?).await,
        Some("spread") => measures::spread(number(1, 100)?, number(2, 8)?).await,
        Some("worker") => worker::run(&arguments[1], &arguments[2]).await,
        _ => bail!("handover, failover, standby or spread?"),
    }
}
