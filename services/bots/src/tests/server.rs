//! The protocol's other end in a few lines: no world, only sequences and acknowledgements.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use schemas::outcome::Reason;
use schemas::wire::{Body, ClientMessage, CloseCode, Encoding, Own, SUBPROTOCOLS, ServerMessage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

/// Where everybody stands, 1/256 px.
pub(super) const STANDING: (i32, i32) = (25_600, 122_880);
/// The door there, px.
const DOOR: &str = r#"{"name":"m","doors":[{"name":"d","x":98,"y":472,"width":16,"height":32,"to_area":"forest-1"}]}"#;

/// How the server misbehaves.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Habits {
    /// Takes so many commands on a socket and drops it with the next.
    pub(super) break_after: Option<u32>,
    /// Knows no session again.
    pub(super) forgets: bool,
    /// Everybody stands at a door, between two areas; every third asking is refused. Without: no door anywhere.
    pub(super) has_doors: bool,
}

#[derive(Default)]
struct World {
    /// Last client sequence by session.
    sessions: HashMap<String, u32>,
    logins: u32,
    commands: u64,
    doors: u32,
    left: u32,
}

/// A running server; gone with the test's runtime.
pub(super) struct Server {
    port: u16,
    world: Arc<Mutex<World>>,
}

impl Server {
    pub(super) async fn start(habits: Habits) -> Self {
        Self::serving(habits, Arc::default()).await
    }

    /// Another edge of the same world.
    pub(super) async fn beside(&self, habits: Habits) -> Self {
        Self::serving(habits, self.world.clone()).await
    }

    async fn serving(habits: Habits, world: Arc<Mutex<World>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = world.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, habits, shared.clone()));
            }
        });
        Self { port, world }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Commands taken, repeated ones not counted again.
    pub(super) fn commands(&self) -> u64 {
        self.world.lock().unwrap().commands
    }

    pub(super) fn left(&self) -> u32 {
        self.world.lock().unwrap().left
    }
}

async fn serve(mut socket: TcpStream, habits: Habits, world: Arc<Mutex<World>>) {
    let mut first = [0; 4];
    let peeked = socket.peek(&mut first).await.unwrap_or(0) == 4;
    if peeked && &first == b"POST" {
        answer_login(&mut socket, &world).await;
        return;
    }
    let mut line = [0; 9];
    if peeked && socket.peek(&mut line).await.is_ok_and(|read| read == 9) && &line == b"GET /maps" {
        let read = socket.read(&mut [0; 4096]).await;
        assert!(read.is_ok());
        let answer = format!("HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{DOOR}");
        socket.write_all(answer.as_bytes()).await.unwrap();
        return;
    }
    #[expect(
        clippy::result_large_err,
        reason = "the callback's type is tungstenite's"
    )]
    let choose = |_: &Request, mut response: Response| {
        let protocol = SUBPROTOCOLS[0].parse().unwrap();
        response
            .headers_mut()
            .insert("sec-websocket-protocol", protocol);
        Ok(response)
    };
    if let Ok(socket) = accept_hdr_async(socket, choose).await {
        Client {
            socket,
            habits,
            world,
            session: String::new(),
            taken: 0,
            in_forest: false,
        }
        .run()
        .await;
    }
}

async fn answer_login(socket: &mut TcpStream, world: &Mutex<World>) {
    let mut request = vec![0; 4096];
    let read = socket.read(&mut request).await.unwrap();
    let guest = request[..read].starts_with(b"POST /v1/guest");
    let body = if guest {
        serde_json::json!({"guest_token": "g", "access_token": "a", "character": "c", "name": "n"})
    } else {
        let mut world = world.lock().unwrap();
        world.logins += 1;
        serde_json::json!({"ticket": format!("t{}", world.logins), "endpoint": "/v1/ws"})
    };
    let answer = format!("HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n{body}");
    socket.write_all(answer.as_bytes()).await.unwrap();
}

struct Client {
    socket: WebSocketStream<TcpStream>,
    habits: Habits,
    world: Arc<Mutex<World>>,
    session: String,
    taken: u32,
    in_forest: bool,
}

impl Client {
    async fn say(&mut self, message: ServerMessage) {
        let bytes = Encoding::MsgPack.encode(&message);
        // A bot that has gone is seen in the next read.
        if self
            .socket
            .send(Message::Binary(bytes.into()))
            .await
            .is_err()
        {
            self.taken = 0;
        }
    }

    async fn close(mut self, code: CloseCode) {
        let reason = CloseFrame {
            code: code.code().into(),
            reason: "".into(),
        };
        let closed = self.socket.close(Some(reason)).await;
        if closed.is_ok() {
            while self.socket.next().await.is_some_and(|m| m.is_ok()) {}
        }
    }

    async fn run(mut self) {
        self.say(ServerMessage::Hello {
            protocol: 1,
            heartbeat_ms: 1000,
            server: "test".into(),
        })
        .await;
        while let Some(Ok(Message::Binary(bytes))) = self.socket.next().await {
            let message = Encoding::MsgPack.decode(&bytes).unwrap();
            match message {
                ClientMessage::Identify { ticket, .. } => self.begin(ticket, false).await,
                ClientMessage::Resume { .. } if self.habits.forgets => {
                    return self.close(CloseCode::CannotResume).await;
                }
                ClientMessage::Resume { token, .. } => self.begin(token, true).await,
                ClientMessage::Input { client_seq, .. } => {
                    if !self.take(client_seq) {
                        return;
                    }
                    self.acknowledge(client_seq).await;
                }
                ClientMessage::UseDoor { client_seq } => {
                    if !self.take(client_seq) {
                        return;
                    }
                    if self.habits.has_doors && self.opens() {
                        let area = "forest-1".to_owned();
                        let status = "leaving".to_owned();
                        self.say(ServerMessage::Transit { area, status }).await;
                        self.in_forest = !self.in_forest;
                        self.picture(client_seq).await;
                        continue;
                    }
                    self.say(ServerMessage::Rejected {
                        client_seq,
                        reason: Reason::NoDoor.number(),
                        message: "no door".into(),
                    })
                    .await;
                }
                ClientMessage::Leave { .. } => {
                    self.world.lock().unwrap().left += 1;
                    return self.close(CloseCode::SessionEnded).await;
                }
                _ => {}
            }
        }
    }

    async fn begin(&mut self, session: String, resumed: bool) {
        let ack_seq = self
            .world
            .lock()
            .unwrap()
            .sessions
            .get(&session)
            .copied()
            .unwrap_or(0);
        self.session = session;
        self.say(ServerMessage::Ready {
            character: "c".into(),
            name: "n".into(),
            session: 1,
            resumed,
            ack_seq,
            rejected: vec![],
        })
        .await;
        self.picture(ack_seq).await;
    }

    /// Whether the door lets through this time.
    fn opens(&self) -> bool {
        let mut world = self.world.lock().unwrap();
        world.doors += 1;
        !world.doors.is_multiple_of(3)
    }

    async fn picture(&mut self, ack_seq: u32) {
        let area = if self.in_forest {
            "forest-1"
        } else {
            "harbor-1"
        };
        let motion = [
            1,
            223,
            -1,
            -1,
            0,
            0,
            0,
            0,
            0,
            STANDING.0.into(),
            STANDING.1.into(),
        ];
        let body = Body {
            handle: 1,
            motion: motion.to_vec(),
            ..Body::default()
        };
        self.say(ServerMessage::Area {
            area: area.into(),
            map_url: "/maps/any.json".into(),
            sequence: 1,
            step: 4,
            handle: 1,
            own: Own {
                ack_seq,
                ..Own::default()
            },
            bodies: vec![body],
            token: self.session.clone(),
        })
        .await;
    }

    /// Takes a command; false: the socket broke before it was taken.
    fn take(&mut self, seq: u32) -> bool {
        self.taken += 1;
        if self
            .habits
            .break_after
            .is_some_and(|most| self.taken > most)
        {
            return false;
        }
        let mut world = self.world.lock().unwrap();
        let last = world.sessions.entry(self.session.clone()).or_default();
        if seq > *last {
            assert_eq!(seq, *last + 1, "client sequences have no gaps");
            *last = seq;
            world.commands += 1;
        }
        true
    }

    async fn acknowledge(&mut self, ack_seq: u32) {
        self.say(ServerMessage::Frame {
            sequence: 2,
            step: 4,
            own: Some(Own {
                ack_seq,
                ..Own::default()
            }),
            chunks: vec![],
        })
        .await;
    }
}
