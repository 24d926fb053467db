//! Reading what the broker answers.

use async_nats::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use schemas::{Sequence, UnixMillis};
use serde::Deserialize;
use serde_json::Value;

use crate::backend::{AskFault, Delivery, Headers, PublishFault, Raw, Stored, read_time};

/// The error in an answer of the `JetStream` API.
#[derive(Debug, Deserialize)]
pub(super) struct ApiError {
    code: u64,
    #[serde(default)]
    pub(super) err_code: u64,
    #[serde(default)]
    description: String,
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.description, self.err_code)
    }
}

#[derive(Deserialize)]
struct PubAck {
    #[serde(default)]
    stream: String,
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    duplicate: bool,
    error: Option<ApiError>,
}

/// Reads the answer to a publish.
pub(super) fn publish_answer(payload: &[u8]) -> Result<Stored, PublishFault> {
    let ack: PubAck = serde_json::from_slice(payload)
        .map_err(|error| PublishFault::Refused(format!("an answer that is no ack: {error}")))?;
    match ack.error {
        Some(error) => Err(publish_fault(&error)),
        None => Ok(Stored {
            stream: ack.stream,
            sequence: Sequence(ack.seq),
            duplicate: ack.duplicate,
        }),
    }
}

/// Sorts the broker's error codes by what they mean for the message.
fn publish_fault(error: &ApiError) -> PublishFault {
    let exceeded = error.description.contains("maximum") || error.description.contains("resource");
    match error.err_code {
        10071 => PublishFault::WrongLast(error.to_string()),
        // Of messages that are stored as one: an id that is known already, and one of them lost on the way.
        10201 => PublishFault::WrongLast(error.to_string()),
        10176 => PublishFault::NotNow(error.to_string()),
        10164 => PublishFault::InFlight,
        10054 => PublishFault::TooLarge,
        // The stream's own limits, the account's, the disk's.
        10077 if exceeded => PublishFault::Full(error.to_string()),
        10002 | 10023 | 10047 => PublishFault::Full(error.to_string()),
        _ if error.code >= 500 => PublishFault::NotNow(error.to_string()),
        _ => PublishFault::Refused(error.to_string()),
    }
}

/// Reads an answer of the API as JSON, or its error.
pub(super) fn api_answer(payload: &[u8]) -> Result<Value, AskFault> {
    let mut answer: Value = serde_json::from_slice(payload)
        .map_err(|error| AskFault::Refused(format!("an answer that is no JSON: {error}")))?;
    let Some(error) = answer.get_mut("error").map(Value::take) else {
        return Ok(answer);
    };
    let error: ApiError = serde_json::from_value(error)
        .map_err(|error| AskFault::Refused(format!("an error nobody understands: {error}")))?;
    Err(match error.err_code {
        10059 => AskFault::NoStream,
        10037 => AskFault::Refused(NO_MESSAGE.to_owned()),
        // The account's or the disk's limits: asking again does not help.
        10002 | 10023 | 10047 => AskFault::Refused(error.to_string()),
        // No node to put it on, but one is away: a cluster that has just come up, a node that is being restarted.
        10005 if error.description.contains("peer offline") => AskFault::Silent(error.to_string()),
        _ if error.code >= 500 => AskFault::Silent(error.to_string()),
        _ => AskFault::Refused(error.to_string()),
    })
}

/// How [`api_answer`] says that there is no such message.
pub(super) const NO_MESSAGE: &str = "no message found";

#[derive(Deserialize)]
struct StoredMessage {
    subject: String,
    seq: u64,
    #[serde(default)]
    hdrs: String,
    #[serde(default)]
    data: String,
    time: String,
}

/// Reads the answer to `STREAM.MSG.GET`.
pub(super) fn message_answer(stream: &str, mut answer: Value) -> Result<Raw, AskFault> {
    let broken = |what: &str| AskFault::Refused(format!("a stored message with a broken {what}"));
    let message = answer
        .get_mut("message")
        .map(Value::take)
        .unwrap_or_default();
    let message: StoredMessage = serde_json::from_value(message).map_err(|_| broken("body"))?;
    let payload = STANDARD.decode(&message.data).map_err(|_| broken("body"))?;
    let headers = STANDARD
        .decode(&message.hdrs)
        .map_err(|_| broken("header"))?;
    let stored_at = read_time(&message.time).ok_or_else(|| broken("timestamp"))?;
    Ok(Raw {
        stream: stream.to_owned(),
        subject: message.subject,
        sequence: Sequence(message.seq),
        payload: payload.into(),
        stored_at,
        headers: header_block(&String::from_utf8_lossy(&headers)),
    })
}

/// Reads a header block: `NATS/1.0`, then `Name: value` lines.
fn header_block(block: &str) -> Headers {
    block
        .split("\r\n")
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect()
}

/// The client's headers as ours.
pub(super) fn headers(map: Option<&HeaderMap>) -> Headers {
    let pairs = map.into_iter().flat_map(HeaderMap::iter);
    pairs
        .flat_map(|(name, values)| {
            values
                .iter()
                .map(move |value| (name.to_string(), value.to_string()))
        })
        .collect()
}

/// Ours as the client's.
pub(super) fn header_map(headers: &Headers) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(name.as_str(), value.as_str());
    }
    map
}

/// Reads a delivered message that will be settled.
pub(super) fn delivery(message: async_nats::Message) -> Option<Delivery> {
    let token = message.reply.as_ref()?.to_string();
    let delivery = unsettled(message)?;
    Some(Delivery { token, ..delivery })
}

/// Reads a delivered message that needs no acknowledgement. Everything about its place is in the subject for one:
/// `$JS.ACK.[<domain>.<account>.]<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer
/// sequence>.<nanoseconds>.<pending>[.<token>]`. A hundred thousand a second come this way.
pub(super) fn unsettled(message: async_nats::Message) -> Option<Delivery> {
    let token = message.reply?;
    let mut parts = token.strip_prefix("$JS.ACK.")?.split('.');
    if parts.clone().count() != 7 {
        // The longer form has domain and account first.
        parts.next()?;
        parts.next()?;
    }
    let stream = parts.next()?;
    let _consumer = parts.next()?;
    let mut number = || parts.next()?.parse::<u64>().ok();
    let deliveries = number()?;
    let sequence = Sequence(number()?);
    let consumer_sequence = number()?;
    let stored_at = UnixMillis(number()? / 1_000_000);
    number()?;
    Some(Delivery {
        raw: Raw {
            stream: stream.to_owned(),
            subject: message.subject.to_string(),
            sequence,
            payload: message.payload,
            stored_at,
            headers: headers(message.headers.as_ref()),
        },
        consumer_sequence,
        deliveries,
        token: String::new(),
    })
}

/// JSON as a request's body.
pub(super) fn body(value: &Value) -> Bytes {
    if value.is_null() {
        Bytes::new()
    } else {
        value.to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: u64, err_code: u64, description: &str) -> PublishFault {
        let text = serde_json::json!({
            "error": { "code": code, "err_code": err_code, "description": description },
            "stream": "AREA_EVENTS", "seq": 0,
        });
        publish_answer(text.to_string().as_bytes()).unwrap_err()
    }

    #[test]
    fn only_for_a_node_that_is_away_a_place_is_asked_for_again() {
        let asked = |description: &str| {
            let error =
                serde_json::json!({ "code": 400, "err_code": 10005, "description": description });
            let answer = serde_json::json!({ "error": error }).to_string();
            api_answer(answer.as_bytes()).unwrap_err()
        };
        let away = asked("no suitable peers for placement, peer offline");
        assert!(matches!(away, AskFault::Silent(_)), "{away:?}");
        let tags = asked("no suitable peers for placement, tags not matched ['eu']");
        assert!(matches!(tags, AskFault::Refused(_)), "{tags:?}");
    }

    #[test]
    fn error_codes_are_sorted_by_what_they_mean() {
        assert!(matches!(
            refusal(400, 10071, "wrong last sequence: 17"),
            PublishFault::WrongLast(_)
        ));
        assert_eq!(
            refusal(400, 10164, "wrong last sequence"),
            PublishFault::InFlight
        );
        assert!(matches!(
            refusal(503, 10077, "maximum bytes exceeded"),
            PublishFault::Full(_)
        ));
        assert!(matches!(
            refusal(503, 10077, "store failed"),
            PublishFault::NotNow(_)
        ));
        assert!(matches!(
            refusal(400, 10999, "news"),
            PublishFault::Refused(_)
        ));
        assert!(publish_answer(b"+OK").is_err());
    }

    #[test]
    fn an_ack_subject_tells_a_messages_place() {
        for token in [
            "$JS.ACK.AREA_EVENTS.c1.1.42.7.1700000000123456789.3",
            "$JS.ACK._.accHash.AREA_EVENTS.c1.1.42.7.1700000000123456789.3.rnd",
        ] {
            let message = async_nats::Message {
                subject: "evt.area.harbor-1".into(),
                reply: Some(token.into()),
                payload: Bytes::from_static(b"x"),
                headers: None,
                status: None,
                description: None,
                length: 0,
            };
            let delivery = delivery(message).unwrap();
            assert_eq!(delivery.raw.stream, "AREA_EVENTS");
            assert_eq!(delivery.raw.sequence, Sequence(42));
            assert_eq!(delivery.consumer_sequence, 7);
            assert_eq!(delivery.raw.stored_at, UnixMillis(1_700_000_000_123));
            assert_eq!(delivery.token, token);
        }
    }
}
