//! A wire that can be cut, held up and slowed down: a TCP proxy between one role and its broker.
//!
//! Every role of a fault run reaches the broker through a proxy of its own, so that a fault of the network needs no
//! rights on the machine and hits exactly one of them. What the wire does is said at any time ([`Proxy::set`]) and holds
//! for the connections that are open and for those to come.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::time::Duration;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::eventually;

/// How many pieces of at most 16 KiB are on their way in one direction; then the sender has to wait.
const ON_THE_WAY: usize = 256;
const PIECE: usize = 16 * 1024;

/// What happens to the bytes of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flow {
    /// They pass.
    #[default]
    Free,
    /// They pass so much later, in order.
    Late(Duration),
    /// They are taken in and held until the wire is set otherwise.
    Held,
}

/// What a wire does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wire {
    /// Towards the broker.
    pub up: Flow,
    /// From the broker: acknowledgements, and all that is read.
    pub down: Flow,
    /// Connections are broken and new ones refused.
    pub cut: bool,
}

impl Wire {
    /// Broken: nothing that was on its way arrives any more.
    pub const CUT: Self = Self {
        up: Flow::Held,
        down: Flow::Held,
        cut: true,
    };

    /// Open, but nothing passes in either direction.
    pub const SILENT: Self = Self {
        up: Flow::Held,
        down: Flow::Held,
        cut: false,
    };

    /// What is sent arrives; what is answered does not.
    pub const DEAF: Self = Self {
        up: Flow::Free,
        down: Flow::Held,
        cut: false,
    };

    /// Everything takes so much longer, each way.
    #[must_use]
    pub const fn late(by: Duration) -> Self {
        Self {
            up: Flow::Late(by),
            down: Flow::Late(by),
            cut: false,
        }
    }

    /// Acknowledgements take so much longer.
    #[must_use]
    pub const fn slow_acks(by: Duration) -> Self {
        Self {
            up: Flow::Free,
            down: Flow::Late(by),
            cut: false,
        }
    }
}

/// A listening proxy. It ends, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    wire: watch::Sender<Wire>,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Listens on a free port of this machine and passes everything on to `upstream` (`host:port`).
    ///
    /// # Errors
    /// When there is no port.
    pub fn start(upstream: &str) -> anyhow::Result<Self> {
        let listener = StdListener::bind(("127.0.0.1", 0)).context("a port for a proxy")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = TcpListener::from_std(listener)?;
        let (wire, state) = watch::channel(Wire::default());
        let task = tokio::spawn(accept(listener, upstream.to_owned(), state));
        Ok(Self {
            address,
            wire,
            task,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the wire does from now on.
    pub fn set(&self, wire: Wire) {
        self.wire.send_replace(wire);
    }

    /// Breaks all connections, and returns when nothing that they held can arrive any more.
    ///
    /// # Errors
    /// When one of them does not break.
    pub async fn cut(&self) -> anyhow::Result<()> {
        self.set(Wire::CUT);
        // Each connection watches the wire; the listener does, too.
        let broken = || async { Ok(self.wire.receiver_count() == 1) };
        eventually("the connections of a wire are broken", broken).await
    }
}

async fn accept(listener: TcpListener, upstream: String, wire: watch::Receiver<Wire>) {
    // Its tasks end with it.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        if wire.borrow().cut {
            continue;
        }
        let (upstream, wire) = (upstream.clone(), wire.clone());
        connections.spawn(async move {
            if let Ok(server) = TcpStream::connect(&upstream).await {
                carry(client, server, wire).await;
            }
        });
    }
}

/// Carries one connection until either end closes it or the wire is cut.
async fn carry(client: TcpStream, server: TcpStream, mut wire: watch::Receiver<Wire>) {
    for socket in [&client, &server] {
        socket.set_nodelay(true).ok();
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let up = one_way(from_client, to_server, wire.clone(), |wire| wire.up);
    let down = one_way(from_server, to_client, wire.clone(), |wire| wire.down);
    tokio::select! {
        () = up => {}
        () = down => {}
        _ = wire.wait_for(|wire| wire.cut) => {}
    }
}

async fn one_way(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut wire: watch::Receiver<Wire>,
    flow: fn(&Wire) -> Flow,
) {
    let (queue, mut queued) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    let reading = async move {
        let mut piece = vec![0; PIECE];
        while let Ok(length @ 1..) = from.read(&mut piece).await {
            let read = (Instant::now(), piece[..length].to_vec());
            if queue.send(read).await.is_err() {
                return;
            }
        }
    };
    let writing = async move {
        while let Some((read_at, piece)) = queued.recv().await {
            loop {
                let now = flow(&wire.borrow_and_update());
                let changed = wire.changed();
                match now {
                    Flow::Free => break,
                    Flow::Late(by) => tokio::select! {
                        () = tokio::time::sleep_until(read_at + by) => break,
                        changed = changed => if changed.is_err() { return },
                    },
                    Flow::Held => {
                        if changed.await.is_err() {
                            return;
                        }
                    }
                }
            }
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
    };
    // Whoever closes first has had its last bytes carried.
    tokio::join!(
        async {
            reading.await;
        },
        writing
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that sends back what it gets.
    async fn echo() -> anyhow::Result<(String, JoinHandle<()>)> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?.to_string();
        let task = tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = socket.split();
                    tokio::io::copy(&mut from, &mut to).await.ok();
                });
            }
        });
        Ok((address, task))
    }

    async fn say(socket: &mut TcpStream, word: &[u8; 4]) -> std::io::Result<[u8; 4]> {
        socket.write_all(word).await?;
        let mut back = [0; 4];
        socket.read_exact(&mut back).await?;
        Ok(back)
    }

    #[tokio::test]
    async fn a_wire_carries_holds_delays_and_breaks() -> anyhow::Result<()> {
        let (server, _echo) = echo().await?;
        let proxy = Proxy::start(&server)?;
        let mut socket = TcpStream::connect(proxy.address()).await?;
        assert_eq!(&say(&mut socket, b"free").await?, b"free");

        proxy.set(Wire::late(Duration::from_millis(60)));
        let begun = Instant::now();
        assert_eq!(&say(&mut socket, b"late").await?, b"late");
        assert!(begun.elapsed() >= Duration::from_millis(120));

        proxy.set(Wire::DEAF);
        socket.write_all(b"held").await?;
        let mut back = [0; 4];
        let heard = socket.read_exact(&mut back);
        assert!(
            tokio::time::timeout(Duration::from_millis(100), heard)
                .await
                .is_err()
        );
        proxy.set(Wire::default());
        socket.read_exact(&mut back).await?;
        assert_eq!(&back, b"held");

        proxy.set(Wire::DEAF);
        socket.write_all(b"lost").await?;
        proxy.cut().await?;
        assert!(socket.read_exact(&mut back).await.is_err(), "it was held");
        assert!(say(&mut socket, b"gone").await.is_err());
        let mut refused = TcpStream::connect(proxy.address()).await?;
        assert!(say(&mut refused, b"gone").await.is_err());
        proxy.set(Wire::default());
        let mut again = TcpStream::connect(proxy.address()).await?;
        assert_eq!(&say(&mut again, b"back").await?, b"back");
        Ok(())
    }
}
