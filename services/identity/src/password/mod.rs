//! Passwords: Argon2id, on a bounded number of threads, and the rules for new ones.
//!
//! - `phc`: a hash as text, so that its parameters stand beside it.
//! - `pool`: so many hashes at once, so many waiting, and no more.
//! - `policy`: which passwords are not taken.

mod phc;
mod policy;
mod pool;

pub use phc::{HashParameters, PasswordHash};
pub use policy::Weakness;
pub(crate) use policy::{check, normal};
pub use pool::{Busy, HashPool, Verified};
