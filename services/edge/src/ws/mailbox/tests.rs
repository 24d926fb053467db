use super::*;

fn frame(mailbox: &Mailbox, ack: ClientSeq) -> bool {
    mailbox.offer_frame(Bytes::from_static(b"f"), ack)
}

#[test]
fn movement_is_refused_when_a_few_frames_wait_and_order_is_kept() {
    let mailbox = Mailbox::default();
    assert!(frame(&mailbox, 1));
    mailbox.put(Item::Message(Bytes::from_static(b"m")));
    assert!(frame(&mailbox, 2) && frame(&mailbox, 3) && frame(&mailbox, 4));
    assert!(!frame(&mailbox, 5), "latest wins, but not here");
    assert!(matches!(
        mailbox.take(),
        Taken::Item(Item::Acknowledging(_, 1))
    ));
    assert!(matches!(mailbox.take(), Taken::Item(Item::Message(_))));
    assert!(frame(&mailbox, 6));
    assert_eq!(mailbox.frames_waiting(), 4);
}

#[test]
fn a_client_that_does_not_read_what_is_reliable_is_too_slow() {
    for (count, size) in [(257, 1), (5, 60_000)] {
        let mailbox = Mailbox::default();
        for _ in 0..count - 1 {
            mailbox.put(Item::Message(Bytes::from(vec![0; size])));
        }
        assert!(matches!(mailbox.take(), Taken::Item(_)));
        mailbox.put(Item::Message(Bytes::from(vec![0; size])));
        assert!(matches!(mailbox.take(), Taken::Item(_)), "just within");
        mailbox.put(Item::Message(Bytes::from(vec![0; size])));
        mailbox.put(Item::Message(Bytes::from(vec![0; size])));
        assert!(matches!(mailbox.take(), Taken::End(CloseCode::TooSlow, _)));
    }
}

#[test]
fn the_first_reason_to_end_counts_and_overtakes_the_queue() {
    let mailbox = Mailbox::default();
    assert!(frame(&mailbox, 1));
    mailbox.end(CloseCode::Replaced, "a");
    mailbox.end(CloseCode::Internal, "b");
    assert!(matches!(
        mailbox.take(),
        Taken::End(CloseCode::Replaced, "a")
    ));
}
