//! Commands.

use std::time::Duration;

use eventlog::{MessageId, SendError};

use crate::subject::{Subject, frame, of_both, whole};

of_both!(
    a_command_is_stored_once_over_lost_acks_and_lost_messages,
    the_same_id_is_stored_once,
    a_full_stream_refuses_at_once,
    a_command_for_nobody_is_told_so,
);

const COMMAND: &str = "cmd.area.harbor-1.edge-1";

async fn a_command_is_stored_once_over_lost_acks_and_lost_messages(subject: Subject) {
    subject.faults.lose_acks(2);
    let first = subject.log.send(COMMAND, frame("one"), None).await.unwrap();
    subject.faults.lose_messages(2);
    let second = subject.log.send(COMMAND, frame("two"), None).await.unwrap();
    assert!(first < second);
    assert_eq!(whole(&subject.log, COMMAND).await, ["one", "two"]);
}

async fn the_same_id_is_stored_once(subject: Subject) {
    let id = MessageId::random();
    let send = || subject.log.send_as(&id, COMMAND, frame("one"), None);
    let first = send().await.unwrap();
    assert_eq!(send().await.unwrap(), first);
    assert_eq!(whole(&subject.log, COMMAND).await, ["one"]);
}

async fn a_full_stream_refuses_at_once(subject: Subject) {
    subject.faults.full(true);
    let refused = subject.log.send(COMMAND, frame("one"), None).await;
    assert!(
        matches!(refused, Err(SendError::Full { .. })),
        "{refused:?}"
    );
    subject.faults.full(false);
    assert!(whole(&subject.log, COMMAND).await.is_empty());
}

async fn a_command_for_nobody_is_told_so(subject: Subject) {
    let sending = subject.log.send("nowhere.at.all", frame("one"), None);
    let refused = tokio::time::timeout(Duration::from_secs(25), sending).await;
    let refused = refused.expect("an end");
    assert!(
        matches!(refused, Err(SendError::Unavailable { .. })),
        "{refused:?}"
    );
}
