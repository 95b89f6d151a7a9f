//! Dates as people write them. An ambiguous order is never guessed.

use chrono::NaiveDate;

crate::names::words!(
    /// How the dates of a file are written; separators may be `/`, `-` or `.`.
    DateFormat { Iso = "yyyy-mm-dd", DayFirst = "dd/mm/yyyy", MonthFirst = "mm/dd/yyyy" }
);

/// Why a date was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misread {
    /// It is no date, or not one of the format that was named.
    NoDate,
    /// It needs `date_format`: nothing in the file says whether the day or the month comes first.
    Ambiguous,
}

impl DateFormat {
    pub fn parse(self, text: &str) -> Option<NaiveDate> {
        let mut parts = text.split(['/', '-', '.']);
        let (Some(first), Some(second), Some(third), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else { return None };
        let (year, month, day) = match self {
            Self::Iso => (first, second, third),
            Self::DayFirst => (third, second, first),
            Self::MonthFirst => (third, first, second),
        };
        let number = |text: &str, longest: usize| {
            if (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
        };
        // A year of two digits would have to be guessed.
        if year.len() != 4 {
            return None;
        }
        // The year 0 is none, and Postgres does not read it.
        let year = number(year, 4).filter(|year| *year > 0)?;
        NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, number(month, 2)?, number(day, 2)?)
    }

    /// The one format that reads every date of the file; `Ambiguous` where more than one does and they disagree.
    pub fn of_file<'a>(texts: impl Iterator<Item = &'a str> + Clone) -> Result<Self, Misread> {
        let reads = |format: Self| texts.clone().map(|text| format.parse(text)).collect::<Option<Vec<_>>>().map(|dates| (format, dates));
        let mut possible = [Self::Iso, Self::DayFirst, Self::MonthFirst].into_iter().filter_map(reads);
        match (possible.next(), possible.next()) {
            (None, _) => Err(Misread::NoDate),
            (Some((format, _)), None) => Ok(format),
            (Some((format, dates)), Some((_, others))) => {
                if dates == others {
                    Ok(format)
                } else {
                    Err(Misread::Ambiguous)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_file(texts: &[&str]) -> Result<DateFormat, Misread> {
        DateFormat::of_file(texts.iter().copied())
    }

    #[test]
    fn an_order_that_the_file_does_not_settle_is_not_guessed() {
        assert_eq!(of_file(&["01/02/2026"]), Err(Misread::Ambiguous));
        assert_eq!(of_file(&["01/02/2026", "31/01/2026"]), Ok(DateFormat::DayFirst));
        assert_eq!(of_file(&["01/02/2026", "01/31/2026"]), Ok(DateFormat::MonthFirst));
        assert_eq!(of_file(&["31/01/2026", "01/31/2026"]), Err(Misread::NoDate));
        assert_eq!(of_file(&["2026-01-02"]), Ok(DateFormat::Iso));
        // The same whichever way it is read.
        assert_eq!(of_file(&["02/02/2026"]), Ok(DateFormat::DayFirst));
        assert_eq!(of_file(&[]), Ok(DateFormat::Iso));
    }

    #[test]
    fn short_years_and_impossible_days_are_no_dates() {
        for text in ["31/01/26", "2026-02-30", "2026-1", "20260101", "a/b/2026", "+1/01/2026", "0000-01-01", "01/01/0000"] {
            assert_eq!(of_file(&[text]), Err(Misread::NoDate), "{text}");
        }
        assert_eq!(DateFormat::DayFirst.parse("1.2.2026"), NaiveDate::from_ymd_opt(2026, 2, 1));
    }
}
