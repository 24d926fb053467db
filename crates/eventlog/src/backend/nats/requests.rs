//! Each operation as one request.

use std::time::Duration;

use async_nats::{HeaderMap, PublishErrorKind, Request, RequestErrorKind};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use schemas::{Claim, Sequence};
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};
use tokio::time::timeout;

use super::answer::{self, NO_MESSAGE, api_answer, body, header_map, message_answer};
use super::connection::{Connection, NatsBackend};
use super::pull::PullReader;
use crate::backend::{
    AskFault, Backend, Lane, Outgoing, PublishFault, Raw, RawCore, RawReader, RawSubscription,
    ReadSpec, Settle, Stored, StreamState, read_time,
};
use crate::work::WorkOptions;

/// How long one question to the broker may take.
pub(super) const ASK_WAIT: Duration = Duration::from_secs(3);

/// What came back instead of an answer.
pub(crate) enum NoAnswer {
    Silent(String),
    Denied(String),
    TooLarge,
}

/// What waiting for an answer can end with.
enum Answer {
    Came(Result<async_nats::Message, async_nats::RequestError>),
    Denied,
    Lost,
}

impl Connection {
    /// One request, one answer, or why not.
    pub(crate) async fn ask(
        &self,
        subject: &str,
        headers: Option<HeaderMap>,
        payload: Bytes,
        wait: Duration,
    ) -> Result<async_nats::Message, NoAnswer> {
        let mut denied = self.denied.subscribe();
        let mut lost = self.lost.subscribe();
        let mut request = Request::new().payload(payload).timeout(None);
        if let Some(headers) = headers {
            request = request.headers(headers);
        }
        let answered = self.client.send_request(subject.to_owned(), request);
        let refused = heard(&mut denied, subject);
        // Around the whole, because handing a request to a lost connection can wait too.
        let outcome = timeout(wait, async {
            tokio::select! {
                answer = answered => Answer::Came(answer),
                () = refused => Answer::Denied,
                Ok(()) = lost.changed() => Answer::Lost,
            }
        });
        match outcome.await {
            Ok(Answer::Came(Ok(message))) => Ok(message),
            Ok(Answer::Came(Err(error))) => Err(match error.kind() {
                RequestErrorKind::MaxPayloadExceeded => NoAnswer::TooLarge,
                RequestErrorKind::NoResponders => NoAnswer::Silent("no responders".to_owned()),
                _ => NoAnswer::Silent(error.to_string()),
            }),
            Ok(Answer::Denied) => Err(NoAnswer::Denied(subject.to_owned())),
            // It was on the connection, or is held until there is another one; either way asking again is as good.
            Ok(Answer::Lost) => Err(NoAnswer::Silent("the connection was lost".to_owned())),
            Err(_) => Err(NoAnswer::Silent(format!("no answer in {wait:?}"))),
        }
    }

    /// A request to the `JetStream` API.
    pub(crate) async fn api(&self, request: &str, content: &Value) -> Result<Value, AskFault> {
        let subject = format!("$JS.API.{request}");
        match self.ask(&subject, None, body(content), ASK_WAIT).await {
            Ok(message) => api_answer(&message.payload),
            Err(NoAnswer::Denied(subject)) => Err(AskFault::Denied(subject)),
            Err(NoAnswer::Silent(reason)) => Err(AskFault::Silent(reason)),
            Err(NoAnswer::TooLarge) => Err(AskFault::Refused("the request is too large".into())),
        }
    }

    async fn message(&self, stream: &str, content: &Value) -> Result<Option<Raw>, AskFault> {
        match self.api(&format!("STREAM.MSG.GET.{stream}"), content).await {
            Ok(answer) => message_answer(stream, answer).map(Some),
            Err(AskFault::Refused(reason)) if reason == NO_MESSAGE => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

#[async_trait]
impl Backend for NatsBackend {
    fn broker(&self) -> Option<&NatsBackend> {
        Some(self)
    }

    async fn publish(&self, message: &Outgoing, wait: Duration) -> Result<Stored, PublishFault> {
        let headers = (!message.headers.is_empty()).then(|| header_map(&message.headers));
        let payload = message.payload.clone();
        match self.hot.ask(&message.subject, headers, payload, wait).await {
            Ok(answer) => answer::publish_answer(&answer.payload),
            Err(NoAnswer::Denied(_)) => Err(PublishFault::Denied),
            Err(NoAnswer::TooLarge) => Err(PublishFault::TooLarge),
            Err(NoAnswer::Silent(reason)) => Err(PublishFault::Silent(reason)),
        }
    }

    async fn publish_all(
        &self,
        messages: &[Outgoing],
        wait: Duration,
    ) -> Result<Stored, PublishFault> {
        let Some((last, before)) = messages.split_last() else {
            return Err(PublishFault::Refused("nothing to store".to_owned()));
        };
        let batch = Claim(rand::random()).to_string();
        let numbered = |message: &Outgoing, number: usize| {
            let mut headers = header_map(&message.headers);
            headers.insert("Nats-Batch-Id", batch.as_str());
            headers.insert("Nats-Batch-Sequence", number.to_string());
            headers
        };
        // One deadline for the whole, because handing messages to a lost connection can wait too.
        let handed = timeout(wait, async {
            for (message, number) in before.iter().zip(1..) {
                let (subject, payload) = (message.subject.clone(), message.payload.clone());
                let headers = numbered(message, number);
                let client = &self.hot.client;
                client
                    .publish_with_headers(subject, headers, payload)
                    .await?;
            }
            Ok::<_, async_nats::PublishError>(())
        });
        match handed.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) if error.kind() == PublishErrorKind::MaxPayloadExceeded => {
                return Err(PublishFault::TooLarge);
            }
            // Without its last message the broker stores none of them.
            Ok(Err(error)) => return Err(PublishFault::NotNow(error.to_string())),
            Err(_) => return Err(PublishFault::NotNow(format!("not sent in {wait:?}"))),
        }
        let mut headers = numbered(last, messages.len());
        headers.insert("Nats-Batch-Commit", "1");
        let (subject, payload) = (&last.subject, last.payload.clone());
        match self.hot.ask(subject, Some(headers), payload, wait).await {
            Ok(answer) => answer::publish_answer(&answer.payload),
            Err(NoAnswer::Denied(_)) => Err(PublishFault::Denied),
            Err(NoAnswer::TooLarge) => Err(PublishFault::TooLarge),
            Err(NoAnswer::Silent(reason)) => Err(PublishFault::Silent(reason)),
        }
    }

    async fn last(&self, lane: Lane, stream: &str, subject: &str) -> Result<Option<Raw>, AskFault> {
        let content = json!({ "last_by_subj": subject });
        self.on(lane).message(stream, &content).await
    }

    async fn get(
        &self,
        stream: &str,
        sequence: Sequence,
        subject: Option<&str>,
    ) -> Result<Option<Raw>, AskFault> {
        let mut content = json!({ "seq": sequence.0 });
        if let Some(subject) = subject {
            content["next_by_subj"] = subject.into();
        }
        self.bulk.message(stream, &content).await
    }

    async fn state(&self, stream: &str, subjects: Option<&str>) -> Result<StreamState, AskFault> {
        let mut found = Vec::new();
        loop {
            let content = match subjects {
                Some(filter) => json!({ "subjects_filter": filter, "offset": found.len() }),
                None => Value::Null,
            };
            let request = format!("STREAM.INFO.{stream}");
            let mut answer = self.bulk.api(&request, &content).await?;
            let state = &answer["state"];
            let number = |name: &str| state[name].as_u64().unwrap_or(0);
            let page = state["subjects"].as_object();
            let page = page.into_iter().flatten();
            let before = found.len();
            found.extend(page.map(|(name, count)| (name.clone(), count.as_u64().unwrap_or(0))));
            let total = answer["total"].as_u64().unwrap_or(0);
            let (first, last) = (number("first_seq"), number("last_seq"));
            let (messages, bytes) = (number("messages"), number("bytes"));
            // Subjects come in pages; an empty one ends them too, should the total have shrunk.
            if subjects.is_none() || found.len() == before || found.len() as u64 >= total {
                return Ok(StreamState {
                    config: answer["config"].take(),
                    first: Sequence(first),
                    last: Sequence(last),
                    messages,
                    bytes,
                    told_at: answer["ts"].as_str().and_then(read_time),
                    subjects: found,
                });
            }
        }
    }

    async fn create_stream(&self, config: &Value) -> Result<(), AskFault> {
        let name = config["name"].as_str().unwrap_or_default();
        let request = format!("STREAM.CREATE.{name}");
        self.bulk.api(&request, config).await.map(|_| ())
    }

    async fn update_stream(&self, config: &Value) -> Result<(), AskFault> {
        let name = config["name"].as_str().unwrap_or_default();
        let request = format!("STREAM.UPDATE.{name}");
        self.bulk.api(&request, config).await.map(|_| ())
    }

    async fn purge(&self, stream: &str, subject: &str, below: Sequence) -> Result<u64, AskFault> {
        let content = json!({ "filter": subject, "seq": below.0 });
        let request = format!("STREAM.PURGE.{stream}");
        let answer = self.bulk.api(&request, &content).await?;
        Ok(answer["purged"].as_u64().unwrap_or(0))
    }

    async fn erase(&self, stream: &str, sequence: Sequence) -> Result<bool, AskFault> {
        // Without `no_erase` the server writes random bytes over the message.
        let content = json!({ "seq": sequence.0, "no_erase": false });
        let request = format!("STREAM.MSG.DELETE.{stream}");
        match self.bulk.api(&request, &content).await {
            Ok(answer) => Ok(answer["success"].as_bool().unwrap_or(false)),
            Err(AskFault::Refused(reason)) if reason == NO_MESSAGE => Ok(false),
            Err(other) => Err(other),
        }
    }

    async fn open_read(&self, spec: &ReadSpec) -> Result<Box<dyn RawReader>, AskFault> {
        Ok(Box::new(PullReader::ordered(&self.bulk, spec).await?))
    }

    async fn open_work(&self, options: &WorkOptions) -> Result<Box<dyn RawReader>, AskFault> {
        Ok(Box::new(PullReader::durable(&self.bulk, options).await?))
    }

    async fn settle(&self, token: &str, how: Settle) -> Result<(), AskFault> {
        let (word, awaited) = match how {
            Settle::Done => ("+ACK".to_owned(), true),
            Settle::Again(delay) => {
                let nanos = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
                (format!("-NAK {}", json!({ "delay": nanos })), false)
            }
            Settle::Working => ("+WPI".to_owned(), false),
        };
        if !awaited {
            let sent = self.bulk.client.publish(token.to_owned(), word.into());
            return sent
                .await
                .map_err(|error| AskFault::Silent(error.to_string()));
        }
        match self.bulk.ask(token, None, word.into(), ASK_WAIT).await {
            Ok(_) => Ok(()),
            Err(NoAnswer::Denied(subject)) => Err(AskFault::Denied(subject)),
            Err(NoAnswer::Silent(reason)) => Err(AskFault::Silent(reason)),
            Err(NoAnswer::TooLarge) => Err(AskFault::Refused("too large".to_owned())),
        }
    }

    async fn publish_core(
        &self,
        lane: Lane,
        subject: &str,
        payload: Bytes,
    ) -> Result<(), PublishFault> {
        let sent = self.on(lane).client.publish(subject.to_owned(), payload);
        match timeout(ASK_WAIT, sent).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(match error.kind() {
                PublishErrorKind::MaxPayloadExceeded => PublishFault::TooLarge,
                PublishErrorKind::InvalidSubject => PublishFault::Refused(error.to_string()),
                PublishErrorKind::Send => PublishFault::Silent(error.to_string()),
            }),
            Err(_) => Err(PublishFault::Silent("the connection is blocked".to_owned())),
        }
    }

    async fn subscribe(&self, subject: &str) -> Result<Box<dyn RawSubscription>, AskFault> {
        let mut denied = self.fan_out.denied.subscribe();
        let subscriber = self.fan_out.client.subscribe(subject.to_owned());
        let subscriber = subscriber
            .await
            .map_err(|error| AskFault::Refused(error.to_string()))?;
        // A question on the same connection comes back after the broker has read what was sent
        // before: once it is answered, the subscription stands.
        match self.fan_out.api("INFO", &Value::Null).await {
            Ok(_) | Err(AskFault::Refused(_) | AskFault::NoStream | AskFault::Denied(_)) => {}
            Err(fault) => return Err(fault),
        }
        while let Ok(refused) = denied.try_recv() {
            if refused == subject {
                return Err(AskFault::Denied(refused));
            }
        }
        Ok(Box::new(Subscription {
            subject: subject.to_owned(),
            subscriber,
            denied,
        }))
    }

    fn disturbances(&self, lane: Lane) -> watch::Receiver<u64> {
        self.on(lane).disturbed.subscribe()
    }

    async fn reconnect(&self) {
        for lane in [Lane::Hot, Lane::FanOut, Lane::Bulk] {
            if let Err(error) = self.on(lane).client.force_reconnect().await {
                tracing::warn!(%error, "the connection cannot be renewed");
            }
        }
    }
}

struct Subscription {
    subject: String,
    subscriber: async_nats::Subscriber,
    /// A refusal may be heard only after the subscription seemed to stand.
    denied: broadcast::Receiver<String>,
}

fn core(message: async_nats::Message) -> RawCore {
    RawCore {
        subject: message.subject.to_string(),
        payload: message.payload,
        reply: message.reply.map(|reply| reply.to_string()),
        headers: answer::headers(message.headers.as_ref()),
    }
}

#[async_trait]
impl RawSubscription for Subscription {
    async fn next(&mut self) -> Option<RawCore> {
        tokio::select! {
            biased;
            message = self.subscriber.next() => message.map(core),
            () = heard(&mut self.denied, &self.subject) => None,
        }
    }

    fn try_next(&mut self) -> Option<RawCore> {
        self.subscriber.next().now_or_never().flatten().map(core)
    }
}

/// Waits until the broker refuses `subject`.
async fn heard(denied: &mut broadcast::Receiver<String>, subject: &str) {
    loop {
        match denied.recv().await {
            Ok(refused) if refused == subject => return,
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}
