//! Areas are opened, placed, and placed anew.

use bytes::Bytes;
use schemas::control::Placement;
use schemas::subjects::{Domain, keyed_events};
use schemas::{AreaId, encode};

use crate::stage::Stage;

#[tokio::test]
async fn areas_are_opened_placed_and_evened_out() {
    let mut stage = Stage::new().await;
    let _ann = stage.work("ann", &[]);
    stage.direct();
    let placed = stage.until_placed(&[("ann", 3)]).await;
    for area in placed.keys() {
        let opened = stage
            .log
            .last(&keyed_events(Domain::Control, area.as_str()))
            .await;
        assert!(opened.unwrap().is_some(), "{area} is placed and not open");
    }
    let _ben = stage.work("ben", &[]);
    let evened = stage.until_placed(&[("ann", 2), ("ben", 1)]).await;
    let moved = evened
        .iter()
        .filter(|(area, p)| placed[*area].worker != p.worker);
    assert_eq!(moved.count(), 1, "few moves");
    stage.stop().await;
}

#[tokio::test]
async fn a_silent_workers_areas_go_to_another() {
    let mut stage = Stage::new().await;
    let _ann = stage.work("ann", &[]);
    let ben = stage.work("ben", &[]);
    stage.direct();
    stage
        .until(|placed| placed.values().any(|p| p.worker.as_deref() == Some("ben")))
        .await;
    drop(ben);
    stage.until_placed(&[("ann", 3)]).await;
    stage.stop().await;
}

#[tokio::test]
async fn a_knock_opens_another_instance_of_a_known_map_and_anything_else_on_the_void() {
    let mut stage = Stage::new().await;
    let _ann = stage.work("ann", &[]);
    stage.direct();
    stage.until_placed(&[("ann", 3)]).await;
    for wanted in ["wake.area.swamp-1", "wake.area.harbor-2"] {
        stage.log.publish_core(wanted, Bytes::new()).await.unwrap();
    }
    let placed = stage.until_placed(&[("ann", 5)]).await;
    for (area, map) in [("harbor-2", "harbor"), ("swamp-1", "void")] {
        let area = AreaId::new(area).unwrap();
        assert!(placed.contains_key(&area));
        let control = stage.control(&area).await;
        assert_eq!(control.map.as_deref(), Some(map));
        assert_eq!(control.closed, map == "void");
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_broken_area_is_marked_and_given_to_nobody() {
    let mut stage = Stage::new().await;
    let _ann = stage.work("ann", &["harbor-1"]);
    stage.direct();
    let harbor = AreaId::new("harbor-1").unwrap();
    stage
        .until(|placed| placed.get(&harbor).is_some_and(|p| p.quarantined))
        .await;
    let placed = stage.until_placed(&[("ann", 2)]).await;
    assert_eq!(placed[&harbor].worker, None);
    stage.stop().await;
}

#[tokio::test]
async fn another_director_takes_over_where_one_has_left() {
    let mut stage = Stage::new().await;
    let _ann = stage.work("ann", &[]);
    stage.direct();
    stage.direct();
    stage.until_placed(&[("ann", 3)]).await;
    // Whichever leads: when the first has gone, the second does its work.
    let (shutdown, task) = stage.directors.remove(0);
    shutdown.begin();
    task.await.unwrap().unwrap();
    let ben = encode(&Placement {
        area: AreaId::new("harbor-1").unwrap(),
        worker: Some("nobody-of-that-name".into()),
        generation: 9,
        quarantined: false,
        successor: None,
    });
    stage.placements.put("harbor-1", ben.into()).await.unwrap();
    stage.until_placed(&[("ann", 3)]).await;
    stage.stop().await;
}
