//! `worldline resources`: versions of what clients fetch.

mod collect;
mod publish;
mod retire;

use std::io::Write;

use eventlog::EventLog;
use schemas::UnixMillis;
use schemas::resources::{Manifest, Version};

use crate::cli::ResourcesCommand;

pub(crate) use collect::{Upload, collect};
pub(crate) use publish::{Outcome, Publisher, Wish, content};

/// Does what was asked; writes what there is to say to `out`.
pub(crate) async fn run(
    command: ResourcesCommand,
    log: &EventLog,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let publisher = Publisher::open(log).await?;
    match command {
        ResourcesCommand::Publish {
            dir,
            version,
            minimum,
            force,
        } => {
            let uploads = collect(&dir)?;
            let wish = Wish {
                version,
                minimum,
                force,
            };
            let outcome = publisher.publish(&wish, uploads).await?;
            tell(out, &wish.version, &outcome)
        }
        ResourcesCommand::List => list(out, &publisher.kept().await?),
        ResourcesCommand::Minimum { version } => {
            let manifest = publisher.set_minimum(version).await?;
            writeln!(
                out,
                "clients below {} are told to update to {}",
                manifest.minimum, manifest.version
            )?;
            Ok(())
        }
    }
}

fn tell(out: &mut impl Write, version: &Version, outcome: &Outcome) -> anyhow::Result<()> {
    match outcome {
        Outcome::Unchanged => writeln!(out, "{version} is published already, with these files")?,
        Outcome::Published {
            files,
            uploaded,
            bytes,
        } => writeln!(
            out,
            "published {version}: {files} files, {uploaded} of them new ({bytes} bytes)"
        )?,
    }
    Ok(())
}

fn list(out: &mut impl Write, kept: &[Manifest]) -> anyhow::Result<()> {
    if kept.is_empty() {
        writeln!(
            out,
            "nothing is published; `worldline resources publish DIR --version X.Y.Z` begins"
        )?;
    }
    for (at, manifest) in kept.iter().rev().enumerate() {
        let bytes: u64 = manifest.files.iter().map(|file| file.size).sum();
        writeln!(
            out,
            "{}  minimum {}  {} files  {bytes} bytes  {}{}",
            manifest.version,
            manifest.minimum,
            manifest.files.len(),
            ago(manifest.published_at),
            if at == 0 {
                "  <- clients shall have this"
            } else {
                ""
            },
        )?;
    }
    Ok(())
}

/// How long ago, as people say it.
fn ago(then: UnixMillis) -> String {
    let seconds = UnixMillis::now().0.saturating_sub(then.0) / 1000;
    match seconds {
        0..120 => format!("{seconds} s ago"),
        120..7200 => format!("{} min ago", seconds / 60),
        7200..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests;
