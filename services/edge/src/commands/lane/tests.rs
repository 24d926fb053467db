use super::*;
use schemas::command::PlayerAsk;
use schemas::{CharacterId, decode};

fn command(seq: u32) -> PlayerCommand {
    PlayerCommand {
        character: CharacterId(1),
        session: SessionFence(1),
        seq,
        ask: PlayerAsk::UseDoor,
    }
}

/// Each attempt to send: when, and which commands.
#[derive(Default)]
struct Sent(Mutex<Vec<(Duration, Bytes, Vec<u32>)>>);

impl Sent {
    fn note(&self, since: Instant, payload: &Bytes) -> usize {
        let AreaMessage::Players(batch) = decode(payload).expect("a batch") else {
            panic!("no batch");
        };
        let seqs = batch.commands.iter().map(|command| command.seq).collect();
        let mut sent = self.0.lock().expect("whole");
        sent.push((since.elapsed(), payload.clone(), seqs));
        sent.len()
    }

    fn groups(&self) -> Vec<Vec<u32>> {
        self.0
            .lock()
            .expect("whole")
            .iter()
            .map(|sent| sent.2.clone())
            .collect()
    }
}

/// An outlet that answers as told, a millisecond later.
struct Script<F>(F);

impl<F: Fn(&MessageId, &Bytes) -> Result<(), SendError> + Send + Sync> Outlet for Script<F> {
    async fn send(
        &self,
        id: &MessageId,
        payload: &Bytes,
        _: Option<&str>,
    ) -> Result<(), SendError> {
        let answer = (self.0)(id, payload);
        tokio::time::sleep(Duration::from_millis(1)).await;
        answer
    }
}

#[tokio::test(start_paused = true)]
async fn a_lone_command_leaves_at_once_and_the_next_ones_together() {
    let (lane, sent, mailbox) = (
        Lane::default(),
        Sent::default(),
        Arc::new(Mailbox::default()),
    );
    let start = Instant::now();
    lane.submit(command(1), &mailbox).expect("room");
    let send = |_: &MessageId, payload: &Bytes| {
        if sent.note(start, payload) == 1 {
            for seq in 2..=4 {
                lane.submit(command(seq), &mailbox).expect("room");
            }
        } else {
            lane.close();
        }
        Ok(())
    };
    lane.carry(EdgeId(1), Script(send)).await;
    assert_eq!(sent.groups(), [vec![1], vec![2, 3, 4]]);
    let times: Vec<_> = sent.0.lock().expect("whole").iter().map(|s| s.0).collect();
    assert_eq!(times, [Duration::ZERO, PACE]);
}

#[tokio::test(start_paused = true)]
async fn an_open_outcome_is_settled_with_the_identical_message() {
    let (lane, sent, mailbox) = (
        Lane::default(),
        Sent::default(),
        Arc::new(Mailbox::default()),
    );
    let start = Instant::now();
    let ids = Mutex::new(Vec::new());
    lane.submit(command(1), &mailbox).expect("room");
    lane.close();
    let send = |id: &MessageId, payload: &Bytes| {
        ids.lock().expect("whole").push(id.clone());
        if sent.note(start, payload) < 3 {
            lane.submit(command(9), &mailbox).expect("room");
            let subject = String::new();
            return Err(SendError::Unavailable {
                subject,
                reason: String::new(),
            });
        }
        Ok(())
    };
    lane.carry(EdgeId(1), Script(send)).await;
    assert_eq!(sent.groups(), [vec![1], vec![1], vec![1], vec![9, 9]]);
    let ids = ids.into_inner().expect("whole");
    assert!(ids[0] == ids[1] && ids[1] == ids[2] && ids[2] != ids[3]);
}

#[tokio::test(start_paused = true)]
async fn a_full_stream_sheds_what_has_waited_too_long() {
    let (lane, sent, mailbox) = (
        Lane::default(),
        Sent::default(),
        Arc::new(Mailbox::default()),
    );
    let start = Instant::now();
    lane.submit(command(1), &mailbox).expect("room");
    lane.close();
    let send = |_: &MessageId, payload: &Bytes| {
        sent.note(start, payload);
        Err(SendError::Full {
            subject: String::new(),
        })
    };
    lane.carry(EdgeId(1), Script(send)).await;
    assert!(sent.groups().len() > 10, "tried again for five seconds");
    let taken = mailbox.take();
    assert!(
        matches!(taken, crate::ws::Taken::End(CloseCode::Unavailable, _)),
        "{taken:?}"
    );
}
