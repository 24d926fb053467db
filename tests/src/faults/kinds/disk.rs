//! No room: on the disk, or in the stream of commands.

use anyhow::Context;
use async_trait::async_trait;
use eventlog::streams::{self, StreamsFile};
use schemas::subjects::AREA_COMMANDS;

use crate::faults::catalogue::{Card, Fault, Hits, Sockets};
use crate::faults::ground::Ground;
use crate::small_disk::SmallDisk;

/// The broker's disk is full; then there is room again and the broker is restarted.
#[derive(Debug)]
pub struct DiskFull;

#[async_trait]
impl Fault for DiskFull {
    fn card(&self) -> Card {
        Card::new(
            "disk-full",
            "the broker's disk is full; room is made and the broker restarted",
            Hits::Broker,
            (500, 3000),
        )
        .losing(Sockets::All)
        .when_named()
    }
    fn disk(&self) -> Option<u64> {
        Some(256 << 20)
    }
    fn possible(&self) -> Result<(), String> {
        SmallDisk::possible()
    }
    async fn strike(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        let disk = ground.stack.disk.as_ref();
        disk.context("the broker has no disk of its own")?.fill()
    }
    async fn heal(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        if let Some(disk) = &ground.stack.disk {
            disk.clear()?;
        }
        // A broker that could not write has given its streams up; an operator restarts it.
        Ok(ground.stack.broker.restart().await?)
    }
}

/// The stream of commands is at its limit of bytes.
#[derive(Debug)]
pub struct CommandsFull;

#[async_trait]
impl Fault for CommandsFull {
    fn card(&self) -> Card {
        Card::new(
            "commands-full",
            "the stream of commands takes no more; then it has room again",
            Hits::Broker,
            (500, 3000),
        )
        .losing(Sockets::All)
        .when_named()
    }
    async fn strike(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        let log = ground.stack.log("admin").await?;
        let held = log.stream_info(AREA_COMMANDS).await?.bytes;
        let file = limited_to(held + 16 * 1024)?;
        streams::apply(&log, &file).await?;
        Ok(())
    }
    async fn heal(&self, ground: &mut Ground, _: &str) -> anyhow::Result<()> {
        let log = ground.stack.log("admin").await?;
        streams::apply(&log, &StreamsFile::built_in()?).await?;
        Ok(())
    }
}

/// The streams as they are, but the areas' commands with so few bytes.
fn limited_to(bytes: u64) -> anyhow::Result<StreamsFile> {
    let text = include_str!("../../../../nats/streams.toml");
    let (before, after) = text
        .split_once("[stream.AREA_COMMANDS]")
        .context("nats/streams.toml knows no AREA_COMMANDS")?;
    let limit = after
        .lines()
        .find(|line| line.starts_with("max_bytes"))
        .context("AREA_COMMANDS has no limit")?;
    let after = after.replacen(limit, &format!("max_bytes = \"{}KiB\"", bytes / 1024), 1);
    Ok(StreamsFile::parse(&format!(
        "{before}[stream.AREA_COMMANDS]{after}"
    ))?)
}
