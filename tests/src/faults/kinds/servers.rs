//! The broker and the database: killed, restarted, paused, slow.

use std::time::Duration;

use async_trait::async_trait;

use crate::faults::catalogue::{Card, Fault, Hits};
use crate::faults::ground::Ground;
use crate::proxy::Wire;

/// `kill -9` of the broker.
#[derive(Debug)]
pub struct BrokerKill;
/// An orderly end of the broker.
#[derive(Debug)]
pub struct BrokerRestart;
/// SIGSTOP of the broker: connections stay, nothing is answered.
#[derive(Debug)]
pub struct BrokerPause;
/// A disk or a network that makes everybody wait for acknowledgements.
#[derive(Debug)]
pub struct SlowAcks;
/// `kill -9` of the database.
#[derive(Debug)]
pub struct PostgresKill;
/// An orderly end of the database.
#[derive(Debug)]
pub struct PostgresStop;
/// SIGSTOP of the database.
#[derive(Debug)]
pub struct PostgresPause;

#[async_trait]
impl Fault for BrokerKill {
    fn card(&self) -> Card {
        Card::new(
            "broker-kill",
            "kill -9 of the broker, started again on the same store",
            Hits::Broker,
            (50, 2000),
        )
    }
    async fn strike(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        Ok(ground.stack.broker.kill()?)
    }
    async fn heal(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        Ok(ground.stack.broker.restart().await?)
    }
}

#[async_trait]
impl Fault for BrokerRestart {
    fn card(&self) -> Card {
        Card::new(
            "broker-restart",
            "the broker ends in order and is started again",
            Hits::Broker,
            (50, 1500),
        )
    }
    async fn strike(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        Ok(ground.stack.broker.stop().await?)
    }
    async fn heal(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        Ok(ground.stack.broker.restart().await?)
    }
}

#[async_trait]
impl Fault for BrokerPause {
    fn card(&self) -> Card {
        Card::new(
            "broker-pause",
            "SIGSTOP of the broker",
            Hits::Broker,
            (300, 3500),
        )
    }
    async fn strike(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        Ok(ground.stack.broker.pause()?)
    }
    async fn heal(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        Ok(ground.stack.broker.resume()?)
    }
}

#[async_trait]
impl Fault for SlowAcks {
    fn card(&self) -> Card {
        Card::new(
            "slow-acks",
            "all that the broker says takes 120 ms longer, as with a slow disk",
            Hits::Broker,
            (1500, 4000),
        )
    }
    async fn strike(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        for role in ground.stack.role_names() {
            if let Some(wire) = ground.stack.wire(&role) {
                wire.set(Wire::slow_acks(Duration::from_millis(120)));
            }
        }
        Ok(())
    }
    async fn heal(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        for role in ground.stack.role_names() {
            if let Some(wire) = ground.stack.wire(&role) {
                wire.set(Wire::default());
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Fault for PostgresKill {
    fn card(&self) -> Card {
        Card::new(
            "postgres-kill",
            "kill -9 of the database",
            Hits::Postgres,
            (100, 3000),
        )
    }
    async fn strike(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        Ok(ground.stack.postgres.kill()?)
    }
    async fn heal(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        Ok(ground.stack.postgres.restart().await?)
    }
}

#[async_trait]
impl Fault for PostgresStop {
    fn card(&self) -> Card {
        Card::new(
            "postgres-stop",
            "the database ends in order and is started again",
            Hits::Postgres,
            (500, 5000),
        )
    }
    async fn strike(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        Ok(ground.stack.postgres.stop().await?)
    }
    async fn heal(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        Ok(ground.stack.postgres.restart().await?)
    }
}

#[async_trait]
impl Fault for PostgresPause {
    fn card(&self) -> Card {
        Card::new(
            "postgres-pause",
            "SIGSTOP of the database",
            Hits::Postgres,
            (500, 4000),
        )
    }
    async fn strike(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        Ok(ground.stack.postgres.pause()?)
    }
    async fn heal(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        Ok(ground.stack.postgres.resume()?)
    }
}
