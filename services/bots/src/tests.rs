//! Bots against a server of a few lines that speaks the protocol, and loses sockets when told to.

mod server;
mod walking;

use crate::args::Args;
use crate::report::Report;
use crate::run::run;
use server::{Habits, Server};

async fn report_of(server: &Server, args: Args) -> Report {
    let args = Args {
        url: vec![server.url()],
        seconds: 1,
        inputs_per_second: 40.0,
        ..args
    };
    run(args).await.unwrap()
}

#[tokio::test]
async fn every_command_is_accounted_for() {
    let server = Server::start(Habits::default()).await;
    let report = report_of(
        &server,
        Args {
            players: 5,
            door_every: 1,
            ..Args::default()
        },
    )
    .await;
    assert_eq!((report.connected, report.connected_at_end), (5, 5));
    assert_eq!(report.commands_unanswered, 0);
    assert_eq!(
        report.commands_sent,
        report.commands_accepted + report.commands_rejected
    );
    assert_eq!(
        report.commands_rejected,
        report.rejected_by_reason["no_door"]
    );
    assert_eq!(report.commands_sent, server.commands());
    assert!(report.commands_sent > 100, "{report}");
    assert!(report.latency_ms.p50 > 0.0 && report.latency_ms.p50 <= report.latency_ms.max);
    assert!(report.frames_in_per_client_second > 10.0, "{report}");
    assert!(report.disconnects.is_empty(), "{report}");
    assert_eq!(server.left(), 5, "all said goodbye");
}

#[tokio::test]
async fn a_lost_socket_is_resumed_and_nothing_is_lost_or_doubled() {
    let server = Server::start(Habits {
        break_after: Some(15),
        ..Habits::default()
    })
    .await;
    let report = report_of(
        &server,
        Args {
            players: 3,
            ..Args::default()
        },
    )
    .await;
    assert!(report.resumes >= 3, "{report}");
    assert!(report.commands_resent >= 3, "{report}");
    assert_eq!(report.commands_unanswered, 0, "{report}");
    assert_eq!(report.commands_sent, server.commands(), "{report}");
    assert_eq!(report.disconnects["1006"], report.resumes);
}

#[tokio::test]
async fn a_session_that_cannot_go_on_is_begun_anew_and_its_commands_are_owned_up_to() {
    let server = Server::start(Habits {
        break_after: Some(15),
        forgets: true,
        ..Habits::default()
    })
    .await;
    let report = report_of(
        &server,
        Args {
            players: 1,
            ..Args::default()
        },
    )
    .await;
    assert!(report.sessions_lost >= 1, "{report}");
    assert!(report.commands_unanswered >= 1, "{report}");
    assert_eq!(
        report.commands_sent,
        report.commands_accepted + report.commands_unanswered
    );
    assert!(report.disconnects.contains_key("4013"), "{report}");
}

#[tokio::test]
async fn doors_are_used_timed_and_refused_ones_told() {
    let server = Server::start(Habits {
        has_doors: true,
        ..Habits::default()
    })
    .await;
    let args = Args {
        players: 3,
        doors: 1,
        seconds: 3,
        url: vec![server.url()],
        ..Args::default()
    };
    let report = run(args).await.unwrap();
    // The server's every third door is shut.
    assert!(report.area_changes >= 3, "{report}");
    assert_eq!(
        report.doors_failed.get("no_door"),
        report.rejected_by_reason.get("no_door")
    );
    let failed: u64 = report.doors_failed.values().sum();
    assert!(failed >= 1, "{report}");
    assert_eq!(report.doors_asked, report.area_changes + failed, "{report}");
    assert!(
        report.area_change_ms.p50 > 0.0 && report.area_change_ms.max < 2000.0,
        "{report}"
    );
    assert_eq!(report.commands_unanswered, 0, "{report}");
    assert_eq!(report.last_seen.len(), 3);
    for seen in &report.last_seen {
        assert!(
            ["harbor-1", "forest-1"].contains(&seen.area.as_str()),
            "{seen:?}"
        );
        // A refusal that came last was told without a frame that acknowledges it.
        assert!(seen.sent_seq - seen.ack_seq <= 1, "{seen:?}");
        assert_eq!((seen.x, seen.y), server::STANDING, "{seen:?}");
        assert!(seen.sequence > 0 && seen.character == "c", "{seen:?}");
    }
}

#[tokio::test]
async fn a_session_goes_on_at_the_other_edge_when_one_is_gone() {
    let one = Server::start(Habits {
        break_after: Some(10),
        ..Habits::default()
    })
    .await;
    let other = one.beside(Habits::default()).await;
    let args = Args {
        url: vec![one.url(), other.url()],
        players: 2,
        seconds: 1,
        inputs_per_second: 40.0,
        ..Args::default()
    };
    let report = run(args).await.unwrap();
    assert_eq!((report.resumes, report.sessions_lost), (1, 0), "{report}");
    assert_eq!(report.commands_unanswered, 0, "{report}");
    assert_eq!(report.commands_sent, one.commands(), "{report}");
    assert!(report.resume_ms.max > 0.0, "{report}");
    assert!(report.away_ms.max >= report.resume_ms.max, "{report}");
    assert!(report.frame_gap_ms.max > 0.0, "{report}");
}

#[tokio::test]
async fn idle_bots_say_nothing_and_a_server_that_is_not_there_is_reported() {
    let server = Server::start(Habits::default()).await;
    let idle = Args {
        players: 4,
        idle: true,
        stay: true,
        ..Args::default()
    };
    let report = report_of(&server, idle).await;
    assert_eq!((report.connected, report.commands_sent), (4, 0));
    assert_eq!(server.left(), 0);

    let args = Args {
        url: vec!["http://127.0.0.1:1".into()],
        players: 2,
        seconds: 1,
        join_within: 0,
        ..Args::default()
    };
    let report = run(args).await.unwrap();
    assert_eq!(report.logins_failed, 2);
    assert_eq!(report.failures["login: no answer"], 2);
}
