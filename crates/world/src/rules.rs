//! The numbers of the game. Lengths are 1/256 px, times are steps (20 ms) or ticks (40 ms).
//!
//! Those by which something is *decided* are data: [`Rules`]. [`Rules::DEFAULT`] is what [`RULES_VERSION`] names, and
//! what every owner decides by; with other numbers the past can be decided again (`replay whatif`). Those that readers
//! of the log need when they *apply* what was decided, or that maps and clients are made for, are constants: with other
//! ones the same log would lead to another state.
//!
//! Speeds and accelerations on the ground are multiples of one another, so that a runner reaches
//! its speed without a broken last step: that would cost a segment of its own.
//!
//! [`RULES_VERSION`]: crate::RULES_VERSION

/// One number of the rules, as people are told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// What it is, with its unit.
    pub about: &'static str,
    /// What it is by [`Rules::DEFAULT`].
    pub default: i64,
    /// The least that it may be set to.
    pub least: i64,
    /// The most that it may be set to.
    pub most: i64,
}

/// Why a number of the rules cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// No rule has that name: look among [`Rules::ALL`].
    #[error("there is no rule `{0}`")]
    Unknown(String),
    /// The physics does not hold with that number: choose another.
    #[error("{name} = {value} is out of range: it may be {least} to {most}")]
    OutOfRange {
        /// Which rule.
        name: &'static str,
        /// What it was to be.
        value: i64,
        /// The least that it may be.
        least: i64,
        /// The most that it may be.
        most: i64,
    },
}

macro_rules! rules {
    ($($(#[doc = $about:literal])+ $name:ident: $number:ty = $default:literal in $least:literal..=$most:literal;)*) => {
        /// The numbers by which commands, and time, are decided.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Rules {
            $($(#[doc = $about])+ pub $name: $number,)*
        }

        impl Rules {
            /// The numbers that [`RULES_VERSION`](crate::RULES_VERSION) names.
            pub const DEFAULT: Self = Self { $($name: $default,)* };

            /// All of them.
            pub const ALL: &'static [Rule] = &[$(Rule {
                name: stringify!($name),
                about: concat!($($about),+),
                default: $default,
                least: $least,
                most: $most,
            },)*];

            /// The number of that name.
            #[must_use]
            pub fn get(&self, name: &str) -> Option<i64> {
                match name {
                    $(stringify!($name) => Some(i64::from(self.$name)),)*
                    _ => None,
                }
            }

            /// Changes the number of that name.
            ///
            /// # Errors
            /// When there is none, or `value` is none that the physics holds with.
            pub fn set(&mut self, name: &str, value: i64) -> Result<(), RuleError> {
                match name {
                    $(stringify!($name) => {
                        self.$name = <$number>::try_from(value)
                            .ok()
                            .filter(|_| ($least..=$most).contains(&value))
                            .ok_or(RuleError::OutOfRange {
                                name: stringify!($name),
                                value,
                                least: $least,
                                most: $most,
                            })?;
                        Ok(())
                    })*
                    _ => Err(RuleError::Unknown(name.to_owned())),
                }
            }
        }
    };
}

// No speed may reach a tile a step (4,096): a body would pass through walls.
rules! {
    /// Speed of a walker, per step (100 px/s).
    walk_speed: i32 = 512 in 0..=4_095;
    /// Speed of a runner, per step (175 px/s).
    run_speed: i32 = 896 in 0..=4_095;
    /// Acceleration, braking and turning on the ground, per step².
    ground_acceleration: i32 = 128 in 1..=4_095;
    /// Steering in the air, per step²; without a direction held the body keeps its speed.
    air_acceleration: i32 = 64 in 0..=4_095;
    /// Upward speed at take-off, per step: a little more than four tiles high.
    jump_speed: i32 = 1_536 in 0..=4_095;
    /// Gravity while rising with the jump held, per step².
    rise_gravity: i32 = 64 in 1..=4_095;
    /// Gravity while rising after the jump was released, per step²: it cuts the rise.
    cut_gravity: i32 = 192 in 1..=4_095;
    /// Gravity while falling, per step².
    fall_gravity: i32 = 96 in 1..=4_095;
    /// The fastest fall, per step.
    terminal_speed: i32 = 2_016 in 1..=4_095;
    /// Steps after leaving an edge during which a jump still counts.
    coyote_steps: u32 = 5 in 0..=1_000;
    /// Steps before a landing during which a jump pressed in the air still counts.
    jump_buffer_steps: u32 = 6 in 0..=1_000;
    /// Steps during which one-way platforms do not hold a body that drops through.
    drop_through_steps: u32 = 4 in 0..=1_000;
    /// How far ahead physics is run to find the end of a segment, in steps.
    horizon_steps: u32 = 50 in 2..=1_000;
    /// How far ahead flat ground is looked at for a runner at constant speed, in tiles.
    look_ahead_tiles: i32 = 256 in 1..=4_096;
    /// Ticks without a sign of life after which a session is link-dead.
    link_lost_ticks: u32 = 75 in 1..=1_000_000;
    /// Ticks after that until the character departs to the lobby.
    link_grace_ticks: u32 = 750 in 1..=1_000_000;
    /// A player's command that waited longer in the log, ms, is refused.
    command_lifetime_millis: u32 = 5_000 in 0..=86_400_000;
    /// Client sequences further ahead of the last one are refused.
    max_sequence_gap: u32 = 1_000 in 1..=1_000_000;
    /// Spoken lines of one body in one tick.
    max_spoken_per_tick: u32 = 2 in 0..=1_000;
    /// The most commands that one tick consumes; the rest waits in the stream.
    max_commands_per_tick: u32 = 2_000 in 1..=100_000;
    /// Bodies from which on an area sends on who comes, if it has an overflow: the director opens another instance of
    /// its map. Control may set another number.
    soft_capacity: u32 = 1_000 in 0..=65_535;
    /// Bodies beyond which nobody is let in, not even to a party: to the overflow, or the lobby.
    hard_capacity: u32 = 2_000 in 0..=65_535;
    /// How often somebody is sent on to another instance before it is let in wherever there is room.
    max_hops: u8 = 4 in 0..=255;
}

impl Default for Rules {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Width of a body. Maps' spawn points and clients' pictures are made for it.
pub const BODY_WIDTH: i32 = 12 * 256;
/// Height of a body.
pub const BODY_HEIGHT: i32 = 24 * 256;

/// For how many steps a body's earlier segments are kept, for lag compensation.
pub const HISTORY_STEPS: u64 = 25;
/// For how many ticks an area forwards what comes for a character that went through a door.
pub const FORWARD_TICKS: u64 = 1500;
/// The most ticks that a new owner steps without commands; how many it stepped is in the log.
pub const MAX_RESUME_TICKS: u64 = 25;
/// How many of a body's rejections are remembered, to answer a repeated command alike.
pub const REMEMBERED_REJECTIONS: usize = 8;
/// The longest sealed text, bytes: 400 characters of four bytes and the seal's tag.
pub const MAX_SEALED_BYTES: usize = 400 * 4 + 16;
/// For how many ticks an area remembers to which instance it sent a party.
pub const PARTY_TICKS: u64 = 1_500;
/// How many parties' whereabouts an area remembers.
pub const REMEMBERED_PARTIES: usize = 1_024;

/// Executed ticks (24 h) without traffic after which a character's effect counter is forgotten.
pub const FORGET_COUNTER_TICKS: u64 = 24 * 3600 * 25;
/// Effects of an unknown source issued longer ago (23 h), ms, are refused once counters have
/// been forgotten: it can no longer be told whether they were applied.
pub const EFFECT_WINDOW_MILLIS: u64 = 23 * 3600 * 1000;
/// How often old entries are swept out, in ticks.
pub const SWEEP_TICKS: u64 = 1_500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_read_by_its_name_and_set_within_its_range_only() {
        let mut rules = Rules::default();
        for rule in Rules::ALL {
            assert_eq!(rules.get(rule.name), Some(rule.default), "{}", rule.name);
            assert!(
                (rule.least..=rule.most).contains(&rule.default),
                "{}",
                rule.name
            );
            assert!(rule.about.trim().ends_with('.'), "{}", rule.name);
            for end in [rule.least, rule.most] {
                assert_eq!(rules.set(rule.name, end), Ok(()));
                assert_eq!(rules.get(rule.name), Some(end));
            }
            for beyond in [rule.least - 1, rule.most + 1, i64::MAX, i64::MIN] {
                let refused = rules.set(rule.name, beyond).unwrap_err();
                assert!(refused.to_string().contains(rule.name), "{refused}");
            }
            assert_eq!(rules.set(rule.name, rule.default), Ok(()));
        }
        assert_eq!(rules, Rules::DEFAULT);
        let unknown = RuleError::Unknown("gravity".to_owned());
        assert_eq!(rules.set("gravity", 1), Err(unknown));
        assert_eq!(rules.get("gravity"), None);
    }
}
