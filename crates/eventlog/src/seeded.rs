//! Seeded defects: bugs that a binary under test has when it is told to, so that the fault suite can be seen to fail.
//!
//! `WORLDLINE_DEFECT=<name>` names one. Without the feature `fault-injection` none of this is compiled, and
//! [`seeded`] is the constant `false`.

/// A bug that can be switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// Events are appended without the condition: `fence_dropped`.
    FenceDropped,
    /// What was not acknowledged in time counts as sent: `group_forgotten`.
    GroupForgotten,
    /// Effects are sent once and never again: `effects_not_resent`.
    EffectsNotResent,
    /// Now and then a command is consumed and not decided: `outcome_skipped`.
    OutcomeSkipped,
    /// A new owner begins with the commands that come from now on: `commands_passed_over`.
    CommandsPassedOver,
    /// A projection's checkpoint is committed before its rows: `checkpoint_outside`.
    CheckpointOutside,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::FenceDropped,
        Self::GroupForgotten,
        Self::EffectsNotResent,
        Self::OutcomeSkipped,
        Self::CommandsPassedOver,
        Self::CheckpointOutside,
    ];

    /// Its name in `WORLDLINE_DEFECT`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FenceDropped => "fence_dropped",
            Self::GroupForgotten => "group_forgotten",
            Self::EffectsNotResent => "effects_not_resent",
            Self::OutcomeSkipped => "outcome_skipped",
            Self::CommandsPassedOver => "commands_passed_over",
            Self::CheckpointOutside => "checkpoint_outside",
        }
    }
}

/// Whether this process has that bug.
#[cfg(not(feature = "fault-injection"))]
#[must_use]
pub const fn seeded(_: Defect) -> bool {
    false
}

/// Whether this process has that bug.
#[cfg(feature = "fault-injection")]
#[must_use]
pub fn seeded(defect: Defect) -> bool {
    static CHOSEN: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let chosen = CHOSEN.get_or_init(|| std::env::var("WORLDLINE_DEFECT").ok());
    chosen.as_deref() == Some(defect.name())
}
