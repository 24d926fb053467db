//! Refusals as a person reads them.

use schemas::outcome::Reason;

/// A sentence for people.
pub(super) const fn sentence(reason: Reason) -> &'static str {
    match reason {
        Reason::NotHere => "The character is somewhere else now.",
        Reason::StaleSession => "A newer session has taken over.",
        Reason::Expired => "The world was too busy for this for five seconds; try again.",
        Reason::Invalid => "That makes no sense here.",
        Reason::NoDoor => "There is no door within reach.",
        Reason::TooMany => "Too much at once; try again.",
        Reason::Fault => "The world broke on this; the operators know.",
        Reason::Undecodable => "The server could not read this.",
        Reason::OutOfOrder => "Commands before this one are missing.",
        Reason::Unknown => "This server does not know what that means.",
    }
}
