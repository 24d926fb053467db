//! Subjects: which patterns match them, in which stream they are, what is read together.

use eventlog::subject_matches;
use schemas::subjects::{AREA_COMMANDS, AREA_EVENTS, Domain};

/// What of a stream is wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filters(Vec<String>);

impl Filters {
    pub(crate) const fn new(patterns: Vec<String>) -> Self {
        Self(patterns)
    }

    pub(crate) fn patterns(&self) -> Vec<String> {
        self.0.clone()
    }

    /// Whether it is the whole stream that is wanted.
    pub(crate) fn is_all(&self) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| pattern == ">")
    }

    pub(crate) fn matches(&self, subject: &str) -> bool {
        self.0.is_empty()
            || self
                .0
                .iter()
                .any(|pattern| subject_matches(pattern, subject))
    }
}

/// The stream that holds `subject`, which may end in wildcards.
pub(crate) fn stream_of(subject: &str) -> Option<&'static str> {
    let mut tokens = subject.split('.');
    let (kind, family) = (tokens.next()?, tokens.next()?);
    let domain = || Domain::ALL.into_iter().find(|d| d.token() == family);
    match (kind, family) {
        ("cmd", "area") => Some(AREA_COMMANDS),
        ("evt", "area") => Some(AREA_EVENTS),
        ("cmd", _) => domain().map(Domain::command_stream),
        ("evt", _) => domain().map(Domain::event_stream),
        _ => None,
    }
}

/// What stands together in a segment's blocks: an area is read without the others; keys are many and small, and share.
pub(crate) fn group(subject: &str) -> &str {
    let area = subject
        .strip_prefix("evt.area.")
        .or_else(|| subject.strip_prefix("cmd.area."));
    let Some(rest) = area else {
        return "";
    };
    rest.split('.').next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_areas_messages_stand_together() {
        assert_eq!(group("evt.area.harbor-1"), "harbor-1");
        assert_eq!(group("cmd.area.harbor-1.edge.e1"), "harbor-1");
        assert_eq!(group("evt.lobby.17"), "");
        assert_eq!(stream_of("evt.lobby.17"), Some("LOBBY_EVENTS"));
        assert_eq!(stream_of("fact.spoken.harbor-1.-"), None);
    }
}
