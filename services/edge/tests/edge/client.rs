//! A client that speaks the public protocol and folds what it is told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use schemas::motion::Motion;
use schemas::segment::{Controller, Segment};
use schemas::wire::{Chunk, ClientMessage, Encoding, Own, PROTOCOL, ServerMessage};
use schemas::{Handle, Step};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

const PATIENCE: Duration = Duration::from_secs(20);

/// What the server said.
#[derive(Debug)]
pub enum Heard {
    Message(ServerMessage),
    Closed(u16),
}

/// Whether resumed, up to where acknowledged, and what was refused.
type Ready = (bool, u32, Vec<(u32, u8)>);

#[derive(Default, Debug)]
pub struct Screen {
    pub area: String,
    pub sequence: u64,
    pub step: u64,
    pub handle: Handle,
    pub own: Own,
    pub pictures: usize,
    pub frames: usize,
    pub bodies: BTreeMap<Handle, (String, Segment)>,
    pub lines: Vec<(String, String)>,
    pub rejected: Vec<(u32, u8)>,
    pub token: String,
    pub transits: Vec<(String, String)>,
    pub ready: Option<Ready>,
    pub notices: Vec<(String, String)>,
}

pub struct Client {
    socket: WebSocketStream<TcpStream>,
    encoding: Encoding,
    pub screen: Screen,
}

pub async fn connect(
    address: SocketAddr,
    headers: &[(&'static str, &str)],
) -> Result<WebSocketStream<TcpStream>, Error> {
    let mut request = format!("ws://{address}/v1/ws")
        .into_client_request()
        .expect("an address");
    for (name, value) in headers {
        request
            .headers_mut()
            .insert(*name, value.parse().expect("a header"));
    }
    // A small window, so that a client which does not read is noticed soon.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("smaller");
    let stream = socket.connect(address).await.expect("it listens");
    Ok(tokio_tungstenite::client_async(request, stream).await?.0)
}

impl Client {
    pub async fn open(address: SocketAddr) -> Self {
        Self::open_in(address, Encoding::MsgPack).await
    }

    pub async fn open_in(address: SocketAddr, encoding: Encoding) -> Self {
        let name = match encoding {
            Encoding::MsgPack => "worldline.v1.msgpack",
            Encoding::Json => "worldline.v1.json",
        };
        let socket = connect(address, &[("sec-websocket-protocol", name)])
            .await
            .expect("open");
        let mut client = Self {
            socket,
            encoding,
            screen: Screen::default(),
        };
        let hello = client.hear().await;
        assert!(
            matches!(
                hello,
                Heard::Message(ServerMessage::Hello {
                    protocol: PROTOCOL,
                    ..
                })
            ),
            "{hello:?}"
        );
        client
    }

    pub async fn send(&mut self, message: &ClientMessage) {
        self.send_raw(self.encoding.encode(message)).await;
    }

    pub async fn send_raw(&mut self, bytes: Vec<u8>) {
        let message = match self.encoding {
            Encoding::MsgPack => Message::binary(bytes),
            Encoding::Json => Message::text(String::from_utf8(bytes).expect("JSON")),
        };
        self.send_message(message).await;
    }

    pub async fn send_message(&mut self, message: Message) {
        // A server that has closed already is found out by listening.
        drop(self.socket.send(message).await);
    }

    pub async fn identify(&mut self, ticket: &str) {
        let identify = ClientMessage::Identify {
            protocol: PROTOCOL,
            ticket: ticket.into(),
            client: "test".into(),
        };
        self.send(&identify).await;
    }

    pub async fn resume(&mut self, token: &str) {
        let token = token.to_owned();
        self.send(&ClientMessage::Resume {
            protocol: PROTOCOL,
            token,
        })
        .await;
    }

    pub async fn hold(&mut self, client_seq: u32, bits: u8) {
        let (client_step, view_step) = (0, 0);
        self.send(&ClientMessage::Input {
            client_seq,
            client_step,
            bits,
            view_step,
        })
        .await;
    }

    pub async fn speak(&mut self, client_seq: u32, text: &str) {
        let text = text.to_owned();
        self.send(&ClientMessage::Say { client_seq, text }).await;
    }

    /// The next thing the server says.
    pub async fn hear(&mut self) -> Heard {
        let listening = tokio::time::timeout(PATIENCE, self.listen());
        let heard = listening.await.expect("the server says something");
        if let Heard::Message(message) = &heard {
            self.screen.fold(message);
        }
        heard
    }

    async fn listen(&mut self) -> Heard {
        loop {
            let bytes = match self.socket.next().await {
                Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
                Some(Ok(Message::Text(text))) => text.as_bytes().to_vec(),
                Some(Ok(Message::Close(frame))) => {
                    return Heard::Closed(frame.map_or(1005, |frame| frame.code.into()));
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => return Heard::Closed(1006),
            };
            return Heard::Message(
                self.encoding
                    .decode(&bytes)
                    .expect("a message of the protocol"),
            );
        }
    }

    /// Listens until the screen is as wanted.
    pub async fn until(&mut self, what: &str, wanted: impl Fn(&Screen) -> bool) {
        let waiting = async {
            while !wanted(&self.screen) {
                let heard = self.hear().await;
                assert!(
                    matches!(heard, Heard::Message(_)),
                    "{heard:?} before {what}"
                );
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(
            waited.is_ok(),
            "not in time: {what}: {:.2000}",
            format!("{:?}", self.screen)
        );
    }

    pub async fn until_picture(&mut self) {
        let before = self.screen.pictures;
        self.until("a picture", |screen| screen.pictures > before)
            .await;
    }

    pub async fn until_acknowledged(&mut self, seq: u32) {
        self.until("an acknowledgement", |screen| screen.own.ack_seq >= seq)
            .await;
    }

    /// Listens until the server closes; the code.
    pub async fn until_closed(&mut self) -> u16 {
        loop {
            if let Heard::Closed(code) = self.hear().await {
                return code;
            }
        }
    }

    /// Which names are on the screen.
    pub fn names(&self) -> Vec<&str> {
        self.screen
            .bodies
            .values()
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// How the body of that name moves, as this client knows.
    pub fn segment_of(&self, name: &str) -> Option<Segment> {
        let mut bodies = self.screen.bodies.values();
        bodies
            .find(|(known, _)| known == name)
            .map(|(_, segment)| *segment)
    }
}

impl Screen {
    fn fold(&mut self, message: &ServerMessage) {
        match message.clone() {
            ServerMessage::Ready {
                resumed,
                ack_seq,
                rejected,
                ..
            } => {
                self.own.ack_seq = ack_seq;
                self.ready = Some((resumed, ack_seq, rejected));
            }
            ServerMessage::Area {
                area,
                sequence,
                step,
                handle,
                own,
                bodies,
                token,
                ..
            } => {
                self.pictures += 1;
                (self.area, self.sequence, self.step) = (area, sequence, step);
                (self.handle, self.own, self.token) = (handle, own, token);
                self.bodies.clear();
                for body in bodies {
                    self.enter(step, body);
                }
            }
            ServerMessage::Frame {
                sequence,
                step,
                own,
                chunks,
            } => {
                assert!(
                    sequence >= self.sequence && step >= self.step,
                    "time goes on"
                );
                self.frames += 1;
                (self.sequence, self.step) = (sequence, step);
                self.own = own.unwrap_or(self.own);
                for chunk in chunks {
                    self.apply(step, chunk);
                }
            }
            ServerMessage::Rejected {
                client_seq, reason, ..
            } => self.rejected.push((client_seq, reason)),
            ServerMessage::Transit { area, status } => self.transits.push((area, status)),
            ServerMessage::Token { token } => self.token = token,
            ServerMessage::Notice { code, message } => self.notices.push((code, message)),
            _ => {}
        }
    }

    fn enter(&mut self, step: u64, body: schemas::wire::Body) {
        let moved = Motion(body.motion)
            .unpack(Step(step), |_| None)
            .expect("full");
        self.bodies
            .insert(body.handle, (body.name, moved[0].segment));
    }

    fn apply(&mut self, step: u64, chunk: Chunk) {
        match chunk {
            Chunk::Moved { motion } => {
                let nothing = Controller::default();
                let known = &self.bodies;
                let moved = Motion(motion)
                    .unpack(Step(step), |h| known.get(&h).map(|(_, s)| (s, &nothing)))
                    .expect("continues what is known");
                for moved in moved {
                    self.bodies.get_mut(&moved.handle).expect("known").1 = moved.segment;
                }
            }
            Chunk::Entered { bodies } => bodies.into_iter().for_each(|body| self.enter(step, body)),
            Chunk::Left { handles } => {
                for handle in handles {
                    assert!(self.bodies.remove(&handle).is_some(), "it was there");
                }
            }
            Chunk::Spoken { lines } => {
                for (handle, text) in lines {
                    let name = self
                        .bodies
                        .get(&handle)
                        .map_or("?", |(name, _)| name.as_str());
                    self.lines.push((name.to_owned(), text));
                }
            }
        }
    }
}
