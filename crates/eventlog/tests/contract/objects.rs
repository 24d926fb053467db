//! Object stores: whole or not at all, and a part without the rest.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use eventlog::{ObjectError, Objects, SendError};
use schemas::UnixMillis;
use tokio::io::{AsyncRead, ReadBuf};

use crate::subject::{Subject, of_both};

of_both!(
    what_is_put_is_read_whole_and_in_parts,
    an_object_put_anew_replaces_the_one_before_and_leaves_nothing,
    a_deleted_object_is_gone_and_may_come_back,
    what_was_interrupted_is_not_there_and_is_swept,
    the_later_of_two_puts_is_told,
    a_full_store_says_so_and_keeps_what_it_has,
    an_object_whose_chunks_are_gone_is_not_read_as_a_shorter_one,
    a_put_survives_lost_acks_without_doubling_a_chunk,
);

const CHUNK: usize = 128 * 1024;

async fn store(subject: &Subject) -> Objects {
    subject.log.objects("resources").await.unwrap()
}

/// Bytes that differ from place to place.
fn content(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 251) as u8).collect()
}

async fn chunks(subject: &Subject) -> u64 {
    let chunks = subject.log.subjects("OBJ_resources", "$O.resources.C.>");
    chunks.await.unwrap().iter().map(|(_, count)| count).sum()
}

async fn what_is_put_is_read_whole_and_in_parts(subject: Subject) {
    let objects = store(&subject).await;
    assert!(objects.info("map").await.unwrap().is_none());
    for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 7] {
        let bytes = content(size);
        let name = format!("of {size}/bytes.*.>");
        let put = objects
            .put_bytes(&name, Some("image/png"), &bytes)
            .await
            .unwrap();
        assert_eq!(
            (put.size, put.content_type.as_deref()),
            (size as u64, Some("image/png"))
        );
        assert_eq!(objects.info(&name).await.unwrap(), Some(put));
        assert_eq!(objects.get(&name).await.unwrap(), bytes, "{size} bytes");
    }
    assert_eq!(objects.list().await.unwrap().len(), 6);
    let size = 5 * CHUNK + 7;
    let (name, bytes) = (format!("of {size}/bytes.*.>"), content(size));
    for (from, to) in [
        (0, 1),
        (CHUNK - 1, CHUNK + 1),
        (CHUNK, 2 * CHUNK),
        (7, 4 * CHUNK + 9),
        (size - 1, size),
        (3, 3),
    ] {
        let part = objects
            .get_range(&name, from as u64..to as u64)
            .await
            .unwrap();
        assert_eq!(part, bytes[from..to], "{from}..{to}");
    }
    let beyond = objects
        .get_range(&name, size as u64 - 2..u64::MAX)
        .await
        .unwrap();
    assert_eq!(beyond, bytes[size - 2..]);
}

async fn an_object_put_anew_replaces_the_one_before_and_leaves_nothing(subject: Subject) {
    let objects = store(&subject).await;
    let first = objects
        .put_bytes("page", None, &content(3 * CHUNK))
        .await
        .unwrap();
    let second = objects.put_bytes("page", None, b"new").await.unwrap();
    assert!(second.revision > first.revision);
    assert_eq!(objects.get("page").await.unwrap(), "new");
    assert_eq!(objects.list().await.unwrap(), [second]);
    assert_eq!(chunks(&subject).await, 1);
    // Who was reading the former one is not given the new one in its place.
    let reading = objects.read(&first, 0..first.size).unwrap().collect().await;
    assert!(
        matches!(reading, Err(ObjectError::NotFound { .. })),
        "{reading:?}"
    );
    let late = objects.delete_this(&first).await;
    assert!(
        matches!(late, Err(ObjectError::Conflict { .. })),
        "{late:?}"
    );
}

async fn a_deleted_object_is_gone_and_may_come_back(subject: Subject) {
    let objects = store(&subject).await;
    objects.put_bytes("page", None, b"old").await.unwrap();
    objects.delete("page").await.unwrap();
    objects.delete("page").await.unwrap();
    assert!(objects.info("page").await.unwrap().is_none());
    assert!(objects.list().await.unwrap().is_empty());
    assert_eq!(chunks(&subject).await, 0);
    let gone = objects.get("page").await;
    assert!(
        matches!(gone, Err(ObjectError::NotFound { .. })),
        "{gone:?}"
    );
    objects.put_bytes("page", None, b"new").await.unwrap();
    assert_eq!(objects.get("page").await.unwrap(), "new");
}

/// Yields a chunk and a half, then breaks.
struct Breaking(usize);

impl AsyncRead for Breaking {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let size = buffer.remaining().min(self.0);
        if size == 0 {
            return Poll::Ready(Err(io::Error::other("the disk is gone")));
        }
        buffer.put_slice(&content(size));
        self.0 -= size;
        Poll::Ready(Ok(()))
    }
}

async fn what_was_interrupted_is_not_there_and_is_swept(subject: Subject) {
    let objects = store(&subject).await;
    objects.put_bytes("page", None, b"old").await.unwrap();
    let broken = objects.put("page", None, Breaking(CHUNK + CHUNK / 2)).await;
    assert!(
        matches!(broken, Err(ObjectError::Source { .. })),
        "{broken:?}"
    );
    assert_eq!(objects.get("page").await.unwrap(), "old");
    assert_eq!(chunks(&subject).await, 1, "a broken put cleans up");
    // As a process that was killed leaves them.
    subject
        .log
        .send("$O.resources.C.orphan", "left".into(), None)
        .await
        .unwrap();
    assert_eq!(
        objects.sweep(UnixMillis(0)).await.unwrap(),
        0,
        "young ones may be at work"
    );
    let later = UnixMillis(UnixMillis::now().0 + 60_000);
    assert_eq!(objects.sweep(later).await.unwrap(), 1);
    assert_eq!(chunks(&subject).await, 1);
    assert_eq!(objects.get("page").await.unwrap(), "old");
}

/// Before it ends, somebody else puts the same name.
async fn the_later_of_two_puts_is_told(subject: Subject) {
    let objects = store(&subject).await;
    let (mut hand, source) = tokio::io::duplex(64);
    let late = {
        let objects = objects.clone();
        tokio::spawn(async move { objects.put("page", None, source).await })
    };
    // More than the pipe holds, so the put has begun when this returns.
    tokio::io::AsyncWriteExt::write_all(&mut hand, &content(1024))
        .await
        .unwrap();
    objects.put_bytes("page", None, b"first").await.unwrap();
    drop(hand);
    let late = late.await.unwrap();
    assert!(
        matches!(late, Err(ObjectError::Conflict { .. })),
        "{late:?}"
    );
    assert_eq!(objects.get("page").await.unwrap(), "first");
    assert_eq!(chunks(&subject).await, 1);
}

async fn a_full_store_says_so_and_keeps_what_it_has(subject: Subject) {
    let objects = store(&subject).await;
    objects.put_bytes("page", None, b"old").await.unwrap();
    subject.faults.full(true);
    let full = objects.put_bytes("page", None, b"new").await;
    let is_full = matches!(full, Err(ObjectError::Send(SendError::Full { .. })));
    assert!(is_full, "{full:?}");
    subject.faults.full(false);
    assert_eq!(objects.get("page").await.unwrap(), "old");
}

async fn an_object_whose_chunks_are_gone_is_not_read_as_a_shorter_one(subject: Subject) {
    let objects = store(&subject).await;
    let put = objects
        .put_bytes("page", None, &content(2 * CHUNK))
        .await
        .unwrap();
    let all = subject.log.subjects("OBJ_resources", "$O.resources.C.>");
    let (chunk, _) = all.await.unwrap().remove(0);
    subject
        .log
        .purge("OBJ_resources", &chunk, put.revision)
        .await
        .unwrap();
    let read = objects.get("page").await;
    assert!(
        matches!(read, Err(ObjectError::NotFound { .. })),
        "{read:?}"
    );
}

async fn a_put_survives_lost_acks_without_doubling_a_chunk(subject: Subject) {
    let objects = store(&subject).await;
    let bytes = content(3 * CHUNK);
    subject.faults.lose_acks(2);
    objects.put_bytes("page", None, &bytes).await.unwrap();
    assert_eq!(chunks(&subject).await, 3);
    assert_eq!(objects.get("page").await.unwrap(), bytes);
}
