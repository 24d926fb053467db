//! What malformed, oversized, replayed, forged and flooding input gets: the documented answer, a counter, nothing in
//! the world changed, nobody else disturbed.

mod handshake;
mod http;
mod in_world;

use anyhow::Context;
use bots::{Address, socket};
use futures_util::{SinkExt, StreamExt};
use schemas::wire::{ClientMessage, CloseCode, Encoding, SUBPROTOCOLS};
use tokio_tungstenite::tungstenite::Message;
use worldline_tests::metrics::counter;
use worldline_tests::{PATIENCE, Player, Stack};

/// Somebody who plays on while others misbehave.
struct Witness {
    player: Player,
    bits: u8,
}

impl Witness {
    async fn come(stack: &Stack) -> anyhow::Result<Self> {
        Ok(Self {
            player: stack.player("Witness").await?,
            bits: 0,
        })
    }

    /// Plays a little: is answered, sees a whole world, has heard nothing it should not have.
    async fn is_undisturbed(&mut self) -> anyhow::Result<()> {
        self.bits ^= 2;
        let seq = self.player.hold(self.bits)?;
        anyhow::ensure!(
            self.player.outcome(seq).await?.is_none(),
            "the witness was refused"
        );
        let view = self.player.view();
        anyhow::ensure!(
            view.broken.is_empty(),
            "the witness was told nonsense: {:?}",
            view.broken
        );
        anyhow::ensure!(view.heard.is_empty(), "the witness heard {:?}", view.heard);
        Ok(())
    }
}

/// A websocket of somebody who does not play by the rules.
struct Rogue {
    socket: socket::Socket,
}

impl Rogue {
    async fn connect(edge: &Address) -> anyhow::Result<Self> {
        let socket = socket::open(&edge.websocket("/v1/ws"), SUBPROTOCOLS[0]).await?;
        Ok(Self { socket })
    }

    /// Sends what it likes. That the other side has closed meanwhile is no surprise.
    async fn sends(&mut self, message: Message) {
        self.socket.send(message).await.ok();
    }

    async fn says(&mut self, message: &ClientMessage) {
        let bytes = Encoding::MsgPack.encode(message);
        self.sends(Message::Binary(bytes.into())).await;
    }

    /// With which code it is shown the door.
    async fn closed_with(mut self) -> anyhow::Result<u16> {
        let closing = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Close(Some(reason)))) => break Ok(reason.code.into()),
                    Some(Ok(Message::Close(None))) | None => break Ok(1006),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break Err(error),
                }
            }
        };
        let closed = tokio::time::timeout(PATIENCE, closing).await;
        Ok(closed.context("the connection was not closed")??)
    }
}

/// How often the edge has closed with `code`.
async fn closed(stack: &Stack, code: CloseCode) -> anyhow::Result<f64> {
    let label = format!("code=\"{}\"", code.code());
    counter(stack.edge("edge-1"), "worldline_edge_closed_total", &label).await
}

/// How often the edge has refused input for `reason`.
async fn refused(stack: &Stack, reason: &str) -> anyhow::Result<f64> {
    let label = format!("reason=\"{reason}\"");
    counter(stack.edge("edge-1"), "worldline_edge_refused_total", &label).await
}
