//! Writing many frames at once: nobody else writes there, so that none has to wait for the one before.

use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use crate::Args;
use crate::making::Area;

/// Frames on their way to the broker: fewer than it takes at once.
const IN_FLIGHT: u64 = 4000;
/// Frames that wait to be sent.
const MADE_AHEAD: usize = 8192;
/// Without an acknowledgement for this long something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes the frames, the areas in turn.
fn make(args: (u64, u32, u64), out: &mpsc::Sender<(String, Vec<u8>)>) -> anyhow::Result<()> {
    let (frames, areas, players) = args;
    let mut areas = (0..areas)
        .map(|number| Area::new(number, players))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut left = frames;
    while left > 0 {
        for area in &mut areas {
            if left == 0 {
                break;
            }
            left -= 1;
            let frame = area.next();
            out.blocking_send((area.subject.clone(), frame))
                .context("the writer has ended")?;
        }
    }
    Ok(())
}

/// Writes `args.frames` frames.
pub(crate) async fn write(url: &str, args: &Args) -> anyhow::Result<()> {
    let begun = Instant::now();
    let client = async_nats::connect(url).await?;
    let inbox = client.new_inbox();
    let mut acks = client.subscribe(inbox.clone()).await?;
    let (sender, mut made) = mpsc::channel(MADE_AHEAD);
    let what = (args.frames, args.areas, args.players);
    let making = std::thread::spawn(move || make(what, &sender));
    let (mut sent, mut acked) = (0_u64, 0_u64);
    let mut told = Instant::now();
    while acked < args.frames {
        while sent - acked < IN_FLIGHT {
            let Some((subject, frame)) = (match sent < args.frames {
                true => made.recv().await,
                false => None,
            }) else {
                break;
            };
            client
                .publish_with_reply(subject, inbox.clone(), frame.into())
                .await?;
            sent += 1;
        }
        let ack = tokio::time::timeout(PATIENCE, acks.next()).await;
        let ack = ack.context("the broker acknowledges no more")?;
        let ack = ack.context("the connection is closed")?;
        anyhow::ensure!(
            !ack.payload.windows(7).any(|part| part == b"\"error\""),
            "a frame was refused: {}",
            String::from_utf8_lossy(&ack.payload)
        );
        acked += 1;
        if told.elapsed() >= Duration::from_secs(5) {
            told = Instant::now();
            eprintln!("{acked} of {} frames written", args.frames);
        }
    }
    making
        .join()
        .map_err(|_| anyhow::anyhow!("making frames has failed"))??;
    let took = begun.elapsed().as_secs_f64();
    println!(
        "written: {} frames in {took:.0} s ({:.0} a second)",
        args.frames,
        args.frames as f64 / took
    );
    Ok(())
}
