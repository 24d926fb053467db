//! `replay watch`: what can be asked. Showing it is an edge's work, which the program that holds both starts.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use schemas::AreaId;
use schemas::wire::MAX_SPEED;

use crate::moment::Moment;

/// Of `watch`.
#[derive(Debug, Clone, Args)]
pub struct WatchArgs {
    /// Which area; from there one may go on to others
    #[arg(long, value_name = "AREA")]
    pub area: AreaId,
    /// From when: a tick, a time (2026-01-31T12:00:00Z or milliseconds since 1970), or `now` [default: the beginning]
    #[arg(long, value_name = "TICK|TIME")]
    pub from: Option<Moment>,
    /// How many times as fast as it was played: 0 (standing still) to 100, such as 0.25 or 8
    #[arg(long, value_name = "X", default_value = "1", value_parser = speed)]
    pub speed: u32,
    /// Go along with this character: its id, or its name
    #[arg(long, value_name = "CHARACTER")]
    pub follow: Option<String>,
    /// Address to listen on; whoever reaches it sees who was where, and reads what was said
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7780")]
    pub listen: SocketAddr,
    /// Directory of the built page [default: as for `up`]
    #[arg(long, value_name = "DIR")]
    pub web_dir: Option<PathBuf>,
}

/// A speed as hundredths.
fn speed(text: &str) -> Result<u32, String> {
    let most = MAX_SPEED / 100;
    let wrong =
        || format!("`{text}` is no speed: give a number from 0 to {most}, such as 0.25 or 8");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if part.len() > 2 {
        return Err(format!(
            "`{text}` is too exact: two digits after the point at most"
        ));
    }
    let number = |digits: &str| match digits {
        "" => Ok(0),
        digits if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().map_err(|_| wrong()),
        _ => Err(wrong()),
    };
    if text.trim_matches('.').is_empty() {
        return Err(wrong());
    }
    let hundredths: u32 = number(&format!("{part:0<2}"))?;
    let speed = number(whole)?
        .checked_mul(100)
        .map(|whole| whole + hundredths);
    speed.filter(|speed| *speed <= MAX_SPEED).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_read_exactly_or_refused() {
        for (text, hundredths) in [
            ("1", 100),
            ("0", 0),
            ("0.25", 25),
            (".5", 50),
            ("8.", 800),
            ("100", 10_000),
        ] {
            assert_eq!(speed(text), Ok(hundredths), "{text}");
        }
        for text in [
            "",
            ".",
            "-1",
            "fast",
            "100.01",
            "1e3",
            "1.234",
            "+2",
            "4294967296",
        ] {
            assert!(speed(text).is_err(), "{text}");
        }
    }
}
