//! A site's days: which business date an instant belongs to.

use chrono::{Days, LocalResult, NaiveDate, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use kernel::Instant;

/// When the days of a site begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SiteDays {
    pub zone: Tz,
    pub starts_at: NaiveTime,
}

impl SiteDays {
    /// The first instant at which the wall clock of `date` reaches `starts_at`. Where that time is skipped, the change itself;
    /// where it comes twice, the first.
    pub fn start_of(self, date: NaiveDate) -> Instant {
        let wall = date.and_time(self.starts_at);
        match self.zone.from_local_datetime(&wall) {
            LocalResult::Single(start) | LocalResult::Ambiguous(start, _) => Instant::from(start),
            LocalResult::None => self.end_of_gap(wall),
        }
    }

    /// The instant of the change that skips `wall`. The offset before it is known from a day earlier; the change is the first
    /// instant whose wall clock is past `wall`, found by halving to the microsecond.
    fn end_of_gap(self, wall: chrono::NaiveDateTime) -> Instant {
        let as_utc = Instant::from(wall.and_utc());
        let (mut before, mut after) = (as_utc.plus(TimeDelta::hours(-36)), as_utc.plus(TimeDelta::hours(36)));
        while after.micros() - before.micros() > 1 {
            let middle = Instant::from_micros(before.micros().midpoint(after.micros()));
            if self.wall(middle) < wall { before = middle } else { after = middle }
        }
        after
    }

    fn wall(self, instant: Instant) -> chrono::NaiveDateTime {
        instant.utc().with_timezone(&self.zone).naive_local()
    }

    /// The business date that `instant` lies in. It never goes back as time goes on.
    pub fn business_date(self, instant: Instant) -> NaiveDate {
        let date = self.wall(instant).date();
        // Days begin within a day of their own midnight, so only the neighbours can matter.
        let next = date.checked_add_days(Days::new(1)).filter(|next| self.start_of(*next) <= instant);
        if let Some(next) = next {
            return next;
        }
        if self.start_of(date) <= instant {
            return date;
        }
        let yesterday = date.checked_sub_days(Days::new(1)).unwrap_or(date);
        if self.start_of(yesterday) <= instant { yesterday } else { yesterday.checked_sub_days(Days::new(1)).unwrap_or(yesterday) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(zone: &str, starts_at: &str) -> SiteDays {
        SiteDays { zone: zone.parse().expect("a zone"), starts_at: NaiveTime::parse_from_str(starts_at, "%H:%M").expect("a time") }
    }
    fn at(text: &str) -> Instant {
        Instant::parse(text).expect("a time")
    }
    fn date(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn a_night_belongs_to_the_day_before() {
        let paris = days("Europe/Paris", "04:00");
        assert_eq!(paris.business_date(at("2026-11-20T02:59:59.999999Z")), date("2026-11-19"));
        assert_eq!(paris.business_date(at("2026-11-20T03:00:00Z")), date("2026-11-20"));
    }

    #[test]
    fn where_the_start_is_skipped_the_day_begins_with_the_change() {
        // Europe/Paris jumps from 02:00 to 03:00 on 2026-03-29 at 01:00 UTC.
        let paris = days("Europe/Paris", "02:30");
        assert_eq!(paris.start_of(date("2026-03-29")), at("2026-03-29T01:00:00Z"));
        assert_eq!(paris.business_date(at("2026-03-29T00:59:59.999999Z")), date("2026-03-28"));
        assert_eq!(paris.business_date(at("2026-03-29T01:00:00Z")), date("2026-03-29"));
    }

    #[test]
    fn where_the_start_comes_twice_the_first_counts_and_the_date_stays() {
        // 02:30 happens at 00:30 UTC and again at 01:30 UTC on 2026-10-25.
        let paris = days("Europe/Paris", "02:30");
        assert_eq!(paris.start_of(date("2026-10-25")), at("2026-10-25T00:30:00Z"));
        for instant in ["2026-10-25T00:30:00Z", "2026-10-25T01:10:00Z", "2026-10-25T01:30:00Z"] {
            assert_eq!(paris.business_date(at(instant)), date("2026-10-25"), "{instant}");
        }
    }

    #[test]
    fn a_zone_that_skips_a_whole_day_has_no_such_business_date_of_length() {
        // Pacific/Apia skipped 2011-12-30.
        let apia = days("Pacific/Apia", "04:00");
        assert_eq!(apia.start_of(date("2011-12-30")), at("2011-12-30T10:00:00Z"));
        assert!(apia.start_of(date("2011-12-29")) < apia.start_of(date("2011-12-30")));
    }

    #[test]
    fn the_business_date_never_goes_back() {
        for (zone, starts_at) in [("Europe/Paris", "02:30"), ("America/St_Johns", "00:01"), ("Pacific/Apia", "23:59"), ("Australia/Lord_Howe", "02:15")] {
            let days = days(zone, starts_at);
            let mut last = date("1970-01-01");
            for quarter in 0..4 * 24 * 800 {
                let now = days.business_date(at("2025-01-01T00:00:00Z").plus(TimeDelta::minutes(15 * quarter)));
                assert!(now >= last, "{zone} {now} after {last}");
                last = now;
            }
        }
    }
}
