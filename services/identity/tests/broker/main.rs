//! Identity over a real broker, with the rights that each role has and no others.

mod crashes;
mod guests;
mod openid;
mod passwords;
mod rotation;
mod stage;
