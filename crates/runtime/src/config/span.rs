//! Lengths of time as people write them: `250ms`, `5s`, `10m`, `2h`, `7d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

/// A length of time in a configuration, whole in its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(pub Duration);

/// A text that is no [`Span`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a length of time such as `250ms`, `5s`, `10m`, `2h` or `7d`")]
pub struct SpanError(String);

/// From the largest, in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl Span {
    /// So many milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// So many seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// As the standard library's type.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.0
    }
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let wrong = || SpanError(text.to_owned());
        let digits = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        let (amount, unit) = text.split_at(digits);
        let amount: u64 = amount.parse().map_err(|_| wrong())?;
        let (_, millis) = UNITS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(wrong)?;
        amount
            .checked_mul(*millis)
            .map(Self::from_millis)
            .ok_or_else(wrong)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        let fits = |&(_, size): &(&str, u64)| {
            millis >= u128::from(size) && millis.is_multiple_of(u128::from(size))
        };
        let (unit, size) = UNITS.into_iter().find(fits).unwrap_or(("ms", 1));
        write!(f, "{}{unit}", millis / u128::from(size))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl Visitor<'_> for Written {
            type Value = Span;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time in quotes, such as \"5s\"")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_reads_back_what_it_prints() {
        for text in ["0ms", "250ms", "5s", "90s", "10m", "2h", "7d", "36h"] {
            let span: Span = text.parse().expect(text);
            assert_eq!(span.to_string(), text);
        }
        assert_eq!("1500ms".parse(), Ok(Span::from_millis(1_500)));
        assert_eq!(
            "60s".parse::<Span>().map(|span| span.to_string()),
            Ok("1m".to_owned())
        );
    }

    #[test]
    fn what_is_no_length_of_time_is_refused() {
        for text in [
            "",
            "5",
            "s",
            "5 s",
            "1.5s",
            "-1s",
            "5min",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert!(text.parse::<Span>().is_err(), "{text} was taken");
        }
    }
}
