//! What a backup holds: everything that does not follow from the rest.

use eventlog::streams::StreamsFile;
use schemas::subjects::AREA_EVENTS;

/// Streams that are not in a backup, with the reason.
const LEFT_OUT: [(&str, &str); 8] = [
    ("KV_members", "who works is known when they work"),
    ("KV_sessions", "who plays is known when they play"),
    ("KV_placements", "the director places all areas anew"),
    ("KV_nonces", "they outlive no login, and logins begin anew"),
    ("KV_attempts", "they are forgotten within the hour"),
    ("KV_ranking", "the projector makes it of the log"),
    ("FACTS", "the projector makes it of the log"),
    (
        "KV_facts",
        "it belongs to a FACTS that is not in the backup",
    ),
];

/// How much of a stream is restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// As it was at the moment of the backup.
    Moment,
    /// All that was copied. In a bucket a newer value takes the older one's place, so that at the
    /// moment there may have been a value that is no more; and it may be newer than the log.
    Whole,
}

/// What is copied first, in this order: an area that saves two snapshots after the moment leaves none in
/// the bucket from before it, and without one nobody opens an area whose old frames are purged. Then
/// their frames, before what may be purged meanwhile is.
const FIRST: [&str; 2] = ["KV_snapshots", AREA_EVENTS];

/// The streams in the order in which they are copied: a bucket before the objects that it names.
pub(super) fn selection(file: &StreamsFile) -> Vec<(String, Extent)> {
    let mut names = file.names();
    names.retain(|name| LEFT_OUT.iter().all(|(left, _)| left != name));
    // The others stay in the file's order.
    names.sort_by_key(|name| {
        let place = FIRST.iter().position(|first| first == name);
        place.unwrap_or(FIRST.len())
    });
    let extents = names.into_iter().map(|name| {
        let extent = extent(&name);
        (name, extent)
    });
    extents.collect()
}

/// How much of the stream `name` is restored.
fn extent(name: &str) -> Extent {
    let valued = name.starts_with("KV_") || name.starts_with("OBJ_");
    // A snapshot must not be newer than the log.
    if valued && name != "KV_snapshots" {
        Extent::Whole
    } else {
        Extent::Moment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_exists_and_histories_are_never_left_out() {
        let file = StreamsFile::built_in().unwrap();
        let names = file.names();
        for (left, why) in LEFT_OUT {
            assert!(names.iter().any(|name| name == left), "{left}");
            let history = left.ends_with("_EVENTS") || left.ends_with("_COMMANDS");
            assert!(!history && !why.is_empty());
        }
        let selected = selection(&file);
        assert_eq!(selected.len(), names.len() - LEFT_OUT.len());
        for (name, extent) in &selected {
            let history = name.ends_with("_EVENTS") || name.ends_with("_COMMANDS");
            assert_eq!(
                *extent == Extent::Moment,
                history || name == "KV_snapshots",
                "{name}"
            );
        }
        assert_eq!([&selected[0].0, &selected[1].0], FIRST);
        let place = |wanted: &str| selected.iter().position(|(name, _)| name == wanted);
        assert!(place("KV_resources") < place("OBJ_resources"));
    }
}
