//! The numbers of the game. Lengths are 1/256 px, times are steps (20 ms) or ticks (40 ms).
//!
//! Speeds and accelerations on the ground are multiples of one another, so that a runner reaches
//! its speed without a broken last step: that would cost a segment of its own.

/// Width of a body.
pub const BODY_WIDTH: i32 = 12 * 256;
/// Height of a body.
pub const BODY_HEIGHT: i32 = 24 * 256;

/// Speed of a walker, per step (100 px/s).
pub const WALK_SPEED: i32 = 512;
/// Speed of a runner, per step (175 px/s).
pub const RUN_SPEED: i32 = 896;
/// Acceleration, braking and turning on the ground, per step².
pub const GROUND_ACCELERATION: i32 = 128;
/// Steering in the air, per step²; without a direction held the body keeps its speed.
pub const AIR_ACCELERATION: i32 = 64;
/// Upward speed at take-off, per step: a little more than four tiles high.
pub const JUMP_SPEED: i32 = 1536;
/// Gravity while rising with the jump held, per step².
pub const RISE_GRAVITY: i32 = 64;
/// Gravity while rising after the jump was released, per step²: it cuts the rise.
pub const CUT_GRAVITY: i32 = 192;
/// Gravity while falling, per step².
pub const FALL_GRAVITY: i32 = 96;
/// The fastest fall, per step. Less than a tile, so that no step passes through one.
pub const TERMINAL_SPEED: i32 = 2016;

/// Steps after leaving an edge during which a jump still counts.
pub const COYOTE_STEPS: u64 = 5;
/// Steps before a landing during which a jump pressed in the air still counts.
pub const JUMP_BUFFER_STEPS: u64 = 6;
/// Steps during which one-way platforms do not hold a body that drops through.
pub const DROP_THROUGH_STEPS: u64 = 4;

/// How far ahead physics is run to find the end of a segment, in steps.
pub const HORIZON_STEPS: u64 = 50;
/// How far ahead flat ground is looked at for a runner at constant speed, in tiles.
pub const LOOK_AHEAD_TILES: i32 = 256;
/// For how many steps a body's earlier segments are kept, for lag compensation.
pub const HISTORY_STEPS: u64 = 25;

/// Ticks without a sign of life after which a session is link-dead.
pub const LINK_LOST_TICKS: u64 = 75;
/// Ticks after that until the character departs to the lobby.
pub const LINK_GRACE_TICKS: u64 = 750;
/// For how many ticks an area forwards what comes for a character that went through a door.
pub const FORWARD_TICKS: u64 = 1500;
/// The most ticks that a new owner steps without commands.
pub const MAX_RESUME_TICKS: u64 = 25;

/// A player's command that waited longer in the log, ms, is refused.
pub const COMMAND_LIFETIME_MILLIS: u64 = 5_000;
/// Client sequences further ahead of the last one are refused.
pub const MAX_SEQUENCE_GAP: u32 = 1_000;
/// How many of a body's rejections are remembered, to answer a repeated command alike.
pub const REMEMBERED_REJECTIONS: usize = 8;
/// Spoken lines of one body in one tick.
pub const MAX_SPOKEN_PER_TICK: u32 = 2;
/// The longest sealed text, bytes: 400 characters of four bytes and the seal's tag.
pub const MAX_SEALED_BYTES: usize = 400 * 4 + 16;

/// The most commands that one tick consumes; the rest waits in the stream.
pub const MAX_COMMANDS_PER_TICK: usize = 2_000;
/// Bodies from which on an area sends on who comes, if it has an overflow: the director opens
/// another instance of its map. Control may set another number.
pub const SOFT_CAPACITY: usize = 1_000;
/// Bodies beyond which nobody is let in, not even to a party: to the overflow, or the lobby.
pub const HARD_CAPACITY: usize = 2_000;
/// How often somebody is sent on to another instance before it is let in wherever there is room.
pub const MAX_HOPS: u8 = 4;
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
