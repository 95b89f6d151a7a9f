//! Whether something is expired: one predicate, here.

use chrono::{Days, NaiveDate};

use crate::names::DateKind;

/// Past its use-by date, or past its best-before date by more than the item's grace days. What has no date never expires.
pub fn is_expired(expires_on: Option<NaiveDate>, date_kind: DateKind, grace_days: i64, business_date: NaiveDate) -> bool {
    let grace = match date_kind {
        DateKind::UseBy => 0,
        DateKind::BestBefore => u64::try_from(grace_days).unwrap_or(0),
    };
    expires_on.and_then(|date| date.checked_add_days(Days::new(grace))).is_some_and(|last| last < business_date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_day_itself_is_not_expired_and_grace_is_for_best_before_only() {
        let date = |day| NaiveDate::from_ymd_opt(2026, 11, day).expect("a date");
        for (kind, grace, today, expired) in [
            (DateKind::UseBy, 3, 20, false),
            (DateKind::UseBy, 3, 21, true),
            (DateKind::BestBefore, 0, 21, true),
            (DateKind::BestBefore, 3, 23, false),
            (DateKind::BestBefore, 3, 24, true),
        ] {
            assert_eq!(is_expired(Some(date(20)), kind, grace, date(today)), expired, "{kind:?} {grace} {today}");
        }
        assert!(!is_expired(None, DateKind::UseBy, 0, date(30)));
    }
}
