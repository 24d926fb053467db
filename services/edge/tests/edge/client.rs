//! A client that speaks the public protocol and folds what it is told.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use schemas::segment::Segment;
use schemas::wire::{ClientMessage, Encoding, PROTOCOL, ServerMessage};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::screen::Screen;

const PATIENCE: Duration = Duration::from_secs(20);

/// What the server said.
#[derive(Debug)]
pub enum Heard {
    Message(ServerMessage),
    Closed(u16),
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

    /// Says farewell, and goes when the server has let go of the connection.
    pub async fn leave(mut self) {
        self.send_message(Message::Close(None)).await;
        // First comes the answer, then the socket's end.
        while self.until_closed().await != 1006 {}
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
