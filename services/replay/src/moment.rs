//! A point in the past, by tick or by time, and how times are written.

use std::fmt;
use std::str::FromStr;

use schemas::{Tick, UnixMillis};

/// When.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// After that tick of the area.
    Tick(Tick),
    /// After the last frame decided at or before then.
    Time(UnixMillis),
    /// As the log ends.
    Now,
}

/// A text that is no [`Moment`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is neither a tick such as 4820, nor a time such as 2026-01-31T12:00:00Z or 1769860800000, nor `now`"
)]
pub struct MomentError(String);

impl Moment {
    /// Whether it is certain to be earlier, in whichever area.
    pub(crate) const fn is_before(self, other: Self) -> bool {
        match (self, other) {
            (Self::Tick(one), Self::Tick(other)) => one.0 < other.0,
            (Self::Time(one), Self::Time(other)) => one.0 < other.0,
            _ => false,
        }
    }
}

/// Numbers from here on are milliseconds: as ticks they would be 126 years.
const FIRST_TIME: u64 = 100_000_000_000;

impl FromStr for Moment {
    type Err = MomentError;

    fn from_str(text: &str) -> Result<Self, MomentError> {
        if text == "now" {
            return Ok(Self::Now);
        }
        if let Ok(number) = text.parse::<u64>() {
            return Ok(if number < FIRST_TIME {
                Self::Tick(Tick(number))
            } else {
                Self::Time(UnixMillis(number))
            });
        }
        parse_time(text)
            .map(Self::Time)
            .ok_or_else(|| MomentError(text.chars().take(60).collect()))
    }
}

/// A time, for options that take no tick.
pub(crate) fn time(text: &str) -> Result<UnixMillis, String> {
    match text.parse::<Moment>() {
        Ok(Moment::Time(time)) => Ok(time),
        _ => Err(format!(
            "`{text}` is no time such as 2026-01-31T12:00:00Z or 1769860800000"
        )),
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tick(tick) => write!(f, "tick {tick}"),
            Self::Time(time) => Time(*time).fmt(f),
            Self::Now => f.write_str("now"),
        }
    }
}

/// `2026-01-31T12:00:00Z`, with or without seconds, milliseconds and `Z`; always UTC.
fn parse_time(text: &str) -> Option<UnixMillis> {
    let (date, time) = text.trim_end_matches('Z').split_once(['T', ' '])?;
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut clock = clock.splitn(3, ':').map(str::parse::<u64>);
    let (hour, minute) = (clock.next()?.ok()?, clock.next()?.ok()?);
    let second = clock.next().unwrap_or(Ok(0)).ok()?;
    let millis = format!("{fraction:0<3}").get(..3)?.parse::<u64>().ok()?;
    let plausible = (1970..10_000).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hour < 24
        && minute < 60
        && second < 61;
    let days = u64::try_from(days_of(year, month, day)).ok()?;
    plausible
        .then(|| UnixMillis((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + millis))
}

/// Days since 1970-01-01 of a Gregorian date: years begin in March, so that the leap day is last.
const fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

const fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// A time as people and programs read it: `2026-01-31T12:00:00.000Z`.
pub(crate) struct Time(pub(crate) UnixMillis);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.0;
        let (year, month, day) = date_of(i64::try_from(millis / 86_400_000).unwrap_or(0));
        let of_day = millis % 86_400_000;
        let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
        let (second, millis) = (of_day / 1000 % 60, of_day % 1000);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_and_times_are_told_apart() {
        assert_eq!("4820".parse(), Ok(Moment::Tick(Tick(4820))));
        assert_eq!("now".parse(), Ok(Moment::Now));
        let noon = Moment::Time(UnixMillis(1_769_860_800_000));
        assert_eq!("1769860800000".parse(), Ok(noon));
        assert_eq!("2026-01-31T12:00:00Z".parse(), Ok(noon));
        assert_eq!("2026-01-31 12:00".parse(), Ok(noon));
        for wrong in ["", "yesterday", "2026-13-01T00:00:00Z", "-4"] {
            assert!(wrong.parse::<Moment>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn times_read_back_over_leap_years_and_centuries() {
        for day in (0..60_000).step_by(13) {
            let time = UnixMillis(day * 86_400_000 + 45_296_789);
            assert_eq!(Time(time).to_string().parse(), Ok(Moment::Time(time)));
        }
        assert_eq!(
            Time(UnixMillis(951_782_400_000)).to_string(),
            "2000-02-29T00:00:00.000Z"
        );
    }
}
