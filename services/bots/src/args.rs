//! What a run is asked to do.

use std::time::Duration;

/// Inputs a second of a bot that has to stop at a door.
const WALKING: f64 = 10.0;

/// Lets bots play over the public protocol and reports how they were served.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Where the game is served; given more than once, bots spread over all and resume on the next.
    #[arg(long, default_value = "http://127.0.0.1:7777", value_name = "URL")]
    pub url: Vec<String>,
    /// How many bots.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub players: u32,
    /// How long they play once all have joined, seconds; 0 = until the process is told to stop.
    #[arg(long, default_value_t = 60, value_name = "S")]
    pub seconds: u64,
    /// Inputs of each bot a second; each flips at least one key.
    #[arg(long, default_value_t = 10.0, value_name = "R")]
    pub inputs_per_second: f64,
    /// Every input is a change of direction, and nothing else.
    #[arg(long)]
    pub only_turns: bool,
    /// Say something every so many seconds; 0 = stay silent.
    #[arg(long, default_value_t = 0, value_name = "S")]
    pub speak_every: u64,
    /// Try the door every so many seconds (refused where there is none); 0 = stay in the area.
    #[arg(long, default_value_t = 0, value_name = "S")]
    pub door_every: u64,
    /// Walk to a door and change areas about every so many seconds; 0 = stay. At least ten inputs a second then.
    #[arg(long, default_value_t = 0, value_name = "S")]
    pub doors: u64,
    /// Connect and stay, without any command: to measure what a connection costs.
    #[arg(long)]
    pub idle: bool,
    /// At the end, drop the sockets instead of leaving the world.
    #[arg(long)]
    pub stay: bool,
    /// Logins begun a second; each is two requests, of which an edge takes 500 from one address by default.
    #[arg(long, default_value_t = 50.0, value_name = "R")]
    pub logins_per_second: f64,
    /// A bot that has not joined after so many seconds has failed to.
    #[arg(long, default_value_t = 60, value_name = "S")]
    pub join_within: u64,
    /// The same seed wanders the same ways.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Print the report as one JSON object.
    #[arg(long)]
    pub json: bool,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            url: vec!["http://127.0.0.1:7777".into()],
            players: 10,
            seconds: 60,
            inputs_per_second: 10.0,
            only_turns: false,
            speak_every: 0,
            door_every: 0,
            doors: 0,
            idle: false,
            stay: false,
            logins_per_second: 50.0,
            join_within: 60,
            seed: 1,
            json: false,
        }
    }
}

impl Args {
    /// Time between two inputs of one bot; `None` when bots give none.
    pub(crate) fn input_interval(&self) -> Option<Duration> {
        // Who walks to a door must be able to stop there.
        let least = if self.doors > 0 { WALKING } else { 0.0 };
        let rate = self.inputs_per_second.max(least);
        (!self.idle && rate > 0.0)
            .then(|| Duration::try_from_secs_f64(1.0 / rate).ok())
            .flatten()
    }

    /// `seconds` as an interval; `None` for 0 and for idle bots.
    pub(crate) fn every(&self, seconds: u64) -> Option<Duration> {
        (!self.idle && seconds > 0).then(|| Duration::from_secs(seconds))
    }
}
