//! The answer to a command: to an edge that asked, and to nobody else.
//!
//! Where it is to go stands in the command, and whoever may send commands writes there what he likes.
//! All answers go through here, so no command makes a service publish anywhere else, and none that
//! cannot be answered ends the service: it would come again first, at every restart.

use schemas::keyed::Reply;
use schemas::{EdgeId, encode, subjects};

use super::aggregate::Aggregate;
use super::error::KeyedError;
use super::step::Answering;
use crate::work::Job;

/// Answers, if an edge has asked. Only what passes is an error; any other answer is lost.
pub(super) async fn answer<A: Aggregate>(
    job: &Job,
    answering: Answering<A>,
) -> Result<(), KeyedError> {
    let record = &job.record;
    if !is_an_edges(&answering.to) {
        tracing::warn!(
            command.subject = record.subject,
            command.seq = record.sequence.0,
            to = answering.to.chars().take(80).collect::<String>(),
            "a command asks for an answer where no edge listens; nobody is answered"
        );
        return Ok(());
    }
    let answer = Reply {
        request: answering.request,
        result: answering.result,
    };
    let sent = job.answer(&answering.to, encode(&answer).into()).await;
    match sent.map_err(KeyedError::from) {
        Err(error) if !error.passes() => {
            tracing::error!(
                command.subject = record.subject,
                command.seq = record.sequence.0,
                %error,
                "an answer cannot be sent; whoever asked waits in vain"
            );
            Ok(())
        }
        sent => sent,
    }
}

/// Whether this is where an edge hears the answer to one request, and exactly that.
fn is_an_edges(subject: &str) -> bool {
    let parts: Vec<&str> = subject.split('.').collect();
    let ["reply", edge, request] = parts.as_slice() else {
        return false;
    };
    match (edge.parse::<EdgeId>(), request.parse::<u64>()) {
        // A number can be written in several ways; an edge writes it in one.
        (Ok(edge), Ok(request)) => subjects::reply(edge, request) == subject,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_edge_is_answered() {
        let edge = EdgeId(77);
        for request in [0, 1, u64::MAX] {
            assert!(is_an_edges(&subjects::reply(edge, request)));
        }
        for subject in [
            String::new(),
            "reply".into(),
            "reply.".into(),
            "reply.>".into(),
            "reply.a b".into(),
            "reply.e.1".into(),
            format!("reply.{edge}"),
            format!("reply.{edge}."),
            format!("reply.{edge}.*"),
            format!("reply.{edge}.+1"),
            format!("reply.{edge}.01"),
            format!("reply.{edge}.1 "),
            format!("reply.{edge}.1\r\n"),
            format!("reply.{edge}.1.more"),
            format!(" reply.{edge}.1"),
            format!("live.reply.{edge}.1"),
            "evt.identity.0000000000001".into(),
        ] {
            assert!(!is_an_edges(&subject), "{subject:?}");
        }
    }
}
