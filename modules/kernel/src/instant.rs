//! Instants and the clock they are read from.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Datelike, FixedOffset, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize, Serializer};

use crate::reading::{Flaw, FromValue};

/// A moment in UTC, cut to microseconds: the finest that both engines store. Every instant that enters Larder becomes one
/// of these first, because SQLite stores and compares the text and would sort another offset or precision wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(DateTime<Utc>);

impl Instant {
    /// The instant `micros` microseconds after 1970-01-01T00:00:00Z; the epoch itself where chrono cannot hold it.
    pub fn from_micros(micros: i64) -> Self {
        Self(DateTime::from_timestamp_micros(micros).unwrap_or_default())
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub fn micros(self) -> i64 {
        self.0.timestamp_micros()
    }

    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// This instant moved by `delta`, held at the ends of what chrono can represent.
    #[must_use]
    pub fn plus(self, delta: TimeDelta) -> Self {
        self.0.checked_add_signed(delta).map_or(self, Self::from)
    }

    /// Reads an RFC 3339 time with any offset.
    pub fn parse(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(Self::from)
    }

    /// Whether both engines can write it. In year 1 the business date of a site may still lie in year 0, which Postgres does not
    /// read; year 10000 would not sort as text.
    fn is_writable(self) -> bool {
        (2..=9999).contains(&self.0.year())
    }

    /// The text that sqlx writes for this instant on SQLite, for values that travel inside a JSON parameter.
    pub fn sqlite_text(self) -> String {
        self.0.to_rfc3339_opts(SecondsFormat::AutoSi, false)
    }
}

impl<Z: chrono::TimeZone> From<DateTime<Z>> for Instant {
    fn from(time: DateTime<Z>) -> Self {
        Self::from_micros(time.timestamp_micros())
    }
}

impl From<Instant> for DateTime<FixedOffset> {
    fn from(instant: Instant) -> Self {
        instant.0.fixed_offset()
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).filter(|instant| instant.is_writable()).ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

impl FromValue for Instant {
    fn from_value(value: &serde_json::Value) -> Result<Self, Flaw> {
        let instant = value.as_str().and_then(Self::parse).filter(|instant| instant.is_writable());
        instant.ok_or_else(|| Flaw::new("invalid_time", "an RFC 3339 time such as 2026-11-20T07:30:00Z is expected"))
    }
}

impl utoipa::PartialSchema for Instant {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).description(Some("RFC 3339, answered in UTC to the microsecond")).into()
    }
}
impl utoipa::ToSchema for Instant {
    fn name() -> std::borrow::Cow<'static, str> {
        "Instant".into()
    }
}

/// Where "now" comes from. Tests hand in a fixed clock and move it; everything else uses the system's.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Fixed(Arc<AtomicI64>),
    /// The system's, and so far off: for tests of what a wrong clock does.
    Skewed(TimeDelta),
}

impl Clock {
    pub fn fixed(at: Instant) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(at.micros())))
    }

    pub fn now(&self) -> Instant {
        match self {
            Self::System => system(),
            Self::Skewed(by) => system().plus(*by),
            Self::Fixed(micros) => Instant::from_micros(micros.load(Ordering::SeqCst)),
        }
    }

    /// Moves a fixed clock; the system's clock does not move for anybody.
    pub fn advance(&self, delta: TimeDelta) {
        if let Self::Fixed(micros) = self {
            micros.fetch_add(delta.num_microseconds().unwrap_or(0), Ordering::SeqCst);
        }
    }
}

/// The only place that reads the system's clock.
fn system() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the one named place that reads the clock")]
    let now = Utc::now();
    Instant::from(now)
}

/// As a column of a database has it, in a condition or an expression.
pub fn stored(instant: Instant) -> DateTime<FixedOffset> {
    instant.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_is_normalised_and_nanoseconds_are_cut() {
        let instant = Instant::parse("2026-11-20T09:30:00.123456789+02:00").expect("a time");
        assert_eq!(instant.to_string(), "2026-11-20T07:30:00.123456Z");
        assert_eq!(instant.sqlite_text(), "2026-11-20T07:30:00.123456+00:00");
    }

    #[test]
    fn a_client_says_only_times_that_both_engines_can_write() {
        let is_time = |text: &str| Instant::from_value(&serde_json::json!(text)).is_ok();
        assert!(is_time("0002-01-01T00:00:00Z") && is_time("9999-12-31T23:59:59Z"));
        assert!(!is_time("0000-06-01T00:00:00Z") && !is_time("0001-01-01T00:00:00Z") && !is_time("9999-12-31T23:59:59-01:00"));
    }

    #[test]
    fn sqlite_text_sorts_as_time_does() {
        let mut instants: Vec<_> = [0, 1, 500_000, 500_001, 999_999, 1_000_000, 60_000_000].map(Instant::from_micros).to_vec();
        let texts: Vec<_> = instants.iter().map(|instant| instant.sqlite_text()).collect();
        instants.sort_by_key(|instant| instant.sqlite_text());
        assert_eq!(texts, instants.iter().map(|instant| instant.sqlite_text()).collect::<Vec<_>>());
    }
}
