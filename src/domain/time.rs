//! Points in time and days, as the vault counts them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

const DAY_MS: i64 = 86_400_000;

/// A point in time: milliseconds since the Unix epoch, UTC. Prints as RFC 3339 with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Returns the time that lies `ms` milliseconds after the Unix epoch, clamped to the years 0000 to 9999.
    pub fn from_unix_ms(ms: i64) -> Self {
        Self(ms.clamp(-62_167_219_200_000, 253_402_300_799_999))
    }

    /// Returns milliseconds since the Unix epoch.
    pub fn unix_ms(self) -> i64 {
        self.0
    }

    /// Returns the UTC date this time lies on.
    pub fn day(self) -> Day {
        Day(i32::try_from(self.0.div_euclid(DAY_MS)).unwrap_or(i32::MAX))
    }

    /// Returns this time plus `by`.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Self::from_unix_ms(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Returns how long after `earlier` this time lies; zero when it lies before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = jiff::Timestamp::from_millisecond(self.0).unwrap_or_default();
        write!(f, "{at:.3}")
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(s: &str) -> Result<Self, TimeError> {
        s.parse::<jiff::Timestamp>().map(|at| Self::from_unix_ms(at.as_millisecond())).map_err(|_| TimeError)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The text is not an RFC 3339 time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an RFC 3339 time")]
pub struct TimeError;

/// A UTC date: days since 1970-01-01. Prints as `2026-11-21`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    /// Returns the date that lies `days` after 1970-01-01.
    pub fn from_number(days: i32) -> Self {
        Self(days)
    }

    /// Returns days since 1970-01-01.
    pub fn number(self) -> i32 {
        self.0
    }

    /// Returns 00:00 UTC of this date.
    pub fn start(self) -> Timestamp {
        Timestamp::from_unix_ms(i64::from(self.0) * DAY_MS)
    }

    /// Returns the date after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.start().to_string();
        f.write_str(text.split('T').next().unwrap_or(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_rfc_3339_with_milliseconds_and_reads_it_back() {
        let at = Timestamp::from_unix_ms(1_795_251_352_007);
        assert_eq!(at.to_string(), "2026-11-21T08:55:52.007Z");
        assert_eq!(at.to_string().parse(), Ok(at));
        assert_eq!(at.day().to_string(), "2026-11-21");
        assert_eq!(at.day().next().start().to_string(), "2026-11-22T00:00:00.000Z");
    }

    #[test]
    fn days_before_the_epoch_round_down() {
        assert_eq!(Timestamp::from_unix_ms(-1).day().to_string(), "1969-12-31");
    }
}
