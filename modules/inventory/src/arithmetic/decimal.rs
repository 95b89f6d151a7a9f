//! Decimal strings, as JSON carries quantities and money: `"12.5"` is 12,500,000 millionths.

use kernel::Flaw;
use serde_json::Value;

use super::MILLION;

/// Millionths as a decimal text without trailing zeros.
pub fn format(millionths: impl Into<i128>) -> String {
    let millionths = millionths.into();
    let million = i128::from(MILLION).unsigned_abs();
    let (whole, part) = (millionths.unsigned_abs() / million, millionths.unsigned_abs() % million);
    let sign = if millionths < 0 { "-" } else { "" };
    if part == 0 {
        return format!("{sign}{whole}");
    }
    let digits = format!("{part:06}");
    format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
}

/// Reads `-12.5`: an optional minus, digits, and at most six more behind a point.
pub fn parse(text: &str) -> Result<i64, Flaw> {
    let wrong = || Flaw::new("invalid_decimal", "a decimal text such as \"12.5\" is expected: digits, and at most six behind a point");
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(part) {
        return Err(wrong());
    }
    let part = part.trim_end_matches('0');
    if part.len() > 6 {
        return Err(Flaw::new("too_precise", "at most six digits behind the point are kept"));
    }
    let too_large = || Flaw::new("out_of_range", "this number is too large");
    let whole: i64 = whole.parse().map_err(|_| too_large())?;
    let part: i64 = format!("{part:0<6}").parse().map_err(|_| wrong())?;
    let magnitude = whole.checked_mul(MILLION).and_then(|whole| whole.checked_add(part)).ok_or_else(too_large)?;
    Ok(if negative { -magnitude } else { magnitude })
}

/// Reads a decimal text from JSON; a JSON number is refused, because what reads it may have rounded it already.
pub fn from_value(value: &Value) -> Result<i64, Flaw> {
    match value {
        Value::String(text) => parse(text),
        Value::Number(_) => Err(Flaw::new("decimal_string_required", "write this number as a text, \"12.5\": JSON numbers lose digits on the way")),
        _ => Err(Flaw::new("wrong_type", "a decimal text such as \"12.5\" is expected")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_without_trailing_zeros() {
        for (text, millionths, back) in [
            ("12.5", 12_500_000, "12.5"),
            ("0.000001", 1, "0.000001"),
            ("-3", -3_000_000, "-3"),
            ("007.10", 7_100_000, "7.1"),
            ("-0", 0, "0"),
            ("1.50000000", 1_500_000, "1.5"),
            ("9223372036854.775807", i64::MAX, "9223372036854.775807"),
        ] {
            assert_eq!(parse(text).expect(text), millionths);
            assert_eq!(format(millionths), back);
        }
    }

    #[test]
    fn refuses_what_is_not_a_decimal_by_its_code() {
        for (text, code) in [
            ("", "invalid_decimal"),
            (".5", "invalid_decimal"),
            ("1.", "invalid_decimal"),
            ("+1", "invalid_decimal"),
            ("1e3", "invalid_decimal"),
            ("1,5", "invalid_decimal"),
            (" 1", "invalid_decimal"),
            ("--1", "invalid_decimal"),
            ("٣", "invalid_decimal"),
            ("0.0000001", "too_precise"),
            ("9223372036854.775808", "out_of_range"),
            ("99999999999999999999", "out_of_range"),
        ] {
            assert_eq!(parse(text).expect_err(text).code, code, "{text}");
        }
        assert_eq!(from_value(&serde_json::json!(12.5)).expect_err("a number").code, "decimal_string_required");
    }
}
