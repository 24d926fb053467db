//! A log that lost its newest frames by hand, on a real broker: the area stops, and nobody founds it anew.

use eventlog::membership::{self, Change};
use schemas::control::Member;
use schemas::subjects::area_events;

use crate::stage::{
    ANN, Stage, Watched, Worker, config, harbor, is_arrived, is_released, start, within,
};

async fn running(worker: &str) -> (Stage, Worker, Watched) {
    let mut stage = Stage::broker().await;
    let worker = {
        let running = Worker::start(&stage.worker, config(worker));
        stage.give(&harbor(), worker).await;
        running
    };
    let mut frames = stage.watch(&harbor());
    stage.enter(&harbor(), ANN, 1, start()).await;
    frames.until_fact(is_arrived).await;
    (stage, worker, frames)
}

/// Waits until `worker` has said of itself what is asked for, so many times.
async fn until_said(stage: &Stage, worker: &str, times: usize, said: impl Fn(&Member) -> bool) {
    let mut members = membership::watch(&stage.worker).await.unwrap();
    let mut heard = 0;
    while heard < times {
        if let Change::Present(member) = members.next().await.unwrap()
            && member.worker == worker
            && said(&member)
        {
            heard += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_owner_whose_newest_frame_is_gone_stops_and_says_so() {
    within(async {
        let (stage, worker, mut frames) = running("ann").await;
        frames.next().await;
        let subject = area_events(&harbor());
        let last = stage.worker.last(&subject).await.unwrap().unwrap();
        // It writes every second: whatever has come meanwhile goes too.
        stage
            .purge_by_hand(&harbor(), last.sequence.next().next())
            .await;
        until_said(&stage, "ann", 1, |member| member.quarantined == [harbor()]).await;
        let left = stage.worker.last(&subject).await.unwrap();
        assert!(left.is_none(), "nobody founds it anew: {left:?}");
        worker.drain().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_area_whose_newest_frames_are_gone_is_not_taken_from_its_snapshot() {
    within(async {
        let (mut stage, worker, mut frames) = running("ann").await;
        stage.place(&harbor(), None).await;
        frames.until_fact(is_released).await;
        worker.drain().await;
        let kept = stage.worker.snapshots().load(&harbor()).await.unwrap();
        assert!(!kept.is_empty(), "a snapshot of its last frame");
        let subject = area_events(&harbor());
        let last = stage.worker.last(&subject).await.unwrap().unwrap();
        stage.purge_by_hand(&harbor(), last.sequence).await;

        let worker = Worker::start(&stage.another_worker().await, config("ben"));
        stage.place(&harbor(), Some("ben")).await;
        // Three of its announcements, a second apart: it has tried.
        until_said(&stage, "ben", 4, |member| member.areas.is_empty()).await;
        let left = stage.worker.last(&subject).await.unwrap();
        assert!(left.is_none(), "nobody founds it anew: {left:?}");
        worker.drain().await;
    })
    .await;
}
