//! What operators order, and what instances need.

use std::time::Duration;

use eventlog::Follow;
use eventlog::Requester;
use schemas::command::AreaMessage;
use schemas::control::{Duty, DutySet, FleetCommand, Order};
use schemas::effect::EffectPayload;
use schemas::subjects::{AREA_COMMANDS, Domain, area_commands};
use schemas::{AreaId, EdgeId, Sequence};

use crate::stage::Stage;

fn area(name: &str) -> AreaId {
    AreaId::new(name).unwrap()
}

async fn order(stage: &Stage, worker: &str, duty: Duty) {
    let asker = Requester::new(stage.log.clone(), EdgeId(7)).await.unwrap();
    let command = FleetCommand::SetDuty {
        worker: worker.into(),
        life: 1,
        duty,
        order: Order {
            by: "ann".into(),
            reason: "a new disk".into(),
        },
    };
    let answer = asker
        .ask::<_, DutySet>(Domain::Fleet, worker, &command, Duration::from_secs(10))
        .await;
    assert_eq!(answer.unwrap(), Ok(DutySet { duty }));
}

#[tokio::test]
async fn a_drained_worker_gives_everything_and_the_next_director_knows() {
    let mut stage = Stage::new().await;
    let _workers = (stage.work("ann", &[]), stage.work("ben", &[]));
    stage.direct();
    stage
        .until(|placed| placed.len() == 3 && placed.values().all(|p| p.successor.is_some()))
        .await;
    order(&stage, "ben", Duty::Drain).await;
    stage.until_placed(&[("ann", 3)]).await;
    stage.stop().await;
    let _cat = stage.work("cat", &[]);
    stage.direct();
    let placed = stage
        .until(|placed| placed.values().any(|p| p.worker.as_deref() == Some("cat")))
        .await;
    assert!(placed.values().all(|p| p.worker.as_deref() != Some("ben")));
    stage.stop().await;
}

#[tokio::test]
async fn a_full_area_gets_another_instance_and_is_told_to_send_on() {
    let mut stage = Stage::new().await;
    stage.config.instance_soft = 5;
    stage.bodies.lock().unwrap().insert(area("harbor-1"), 5);
    let _ann = stage.work("ann", &[]);
    stage.direct();
    stage
        .until(|placed| placed.contains_key(&area("harbor-2")))
        .await;
    let told = async {
        let mut commands = stage.log.read(
            AREA_COMMANDS,
            vec![area_commands(&area("harbor-1"))],
            Sequence(0),
            Follow::Tail,
        );
        loop {
            let Some(record) = commands.next().await.unwrap() else {
                continue;
            };
            if let Ok(AreaMessage::Effect(message)) =
                AreaMessage::received(&record.subject, &record.payload)
            {
                return message.effect;
            }
        }
    };
    let effect = tokio::time::timeout(Duration::from_secs(10), told)
        .await
        .expect("a word");
    assert_eq!(effect.number, 1);
    assert_eq!(
        effect.payload,
        EffectPayload::Steer {
            closed: false,
            overflow: Some(area("harbor-2")),
            soft: 5
        }
    );
    let control = stage.control(&area("harbor-1")).await;
    assert_eq!(control.overflow, Some(area("harbor-2")));
    assert_eq!(
        control.steered.map(|order| order.by).as_deref(),
        Some("director")
    );
    stage.stop().await;
}

#[tokio::test]
async fn a_hundred_areas_are_shared_with_a_newcomer() {
    let mut stage = Stage::new().await;
    stage.config.areas = (1..=100).map(|n| format!("harbor-{n}")).collect();
    let _ann = stage.work("ann", &[]);
    stage.direct();
    stage.until_placed(&[("ann", 100)]).await;
    let _ben = stage.work("ben", &[]);
    // A few at a time, each as soon as one of them is taken: ten seconds for each few, as for moves
    // that nobody takes, would be more than there is patience for.
    stage.until_placed(&[("ann", 50), ("ben", 50)]).await;
    stage.stop().await;
}
