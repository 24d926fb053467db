//! Bots against a server of a few lines that speaks the protocol, and loses sockets when told to.

mod server;

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
