//! Why a map cannot be used.

/// Why a map cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// The file is not a map that Tiled would open.
    #[error("map {map} cannot be read as TMX")]
    Unreadable {
        /// Which map.
        map: String,
        /// What the parser says.
        #[source]
        source: tiled::Error,
    },
    /// Tiled would open it, but it does not follow our conventions.
    #[error("map {map}: {what}")]
    Unfit {
        /// Which map.
        map: String,
        /// What to change.
        what: String,
    },
}
