//! Exact arithmetic: quantities, money and ratios in whole numbers, each rounded once and by one rule. Pure, no database, no
//! floating point.

mod allocate;
mod decimal;
mod money;
#[cfg(test)]
mod properties;
mod quantity;
mod ratio;
mod signed;
mod split;
mod total;

pub use allocate::allocate;
pub use money::Money;
pub use quantity::{AtLeastZero, Quantity};
pub use ratio::Ratio;
pub use signed::SignedQuantity;
pub use split::split;
pub use total::{Total, sum};

/// How many millionths make one: the resolution of quantities and money.
pub const MILLION: i64 = 1_000_000;

/// `numerator / denominator` rounded to the nearest whole number, a half away from zero. `denominator` is above zero.
/// `None` where the result does not fit.
pub(crate) fn half_away_from_zero(numerator: i128, denominator: i128) -> Option<i64> {
    let magnitude = numerator.unsigned_abs().checked_mul(2)?.checked_add(denominator.unsigned_abs())? / denominator.unsigned_abs().checked_mul(2)?;
    let rounded = i128::try_from(magnitude).ok()?;
    i64::try_from(if numerator < 0 { -rounded } else { rounded }).ok()
}

#[cfg(test)]
mod tests {
    use super::half_away_from_zero;

    #[test]
    fn a_half_goes_away_from_zero() {
        for (numerator, denominator, expected) in [(5, 2, 3), (-5, 2, -3), (4, 3, 1), (-4, 3, -1), (0, 7, 0), (7, 7, 1), (1, 2, 1), (-1, 2, -1)] {
            assert_eq!(half_away_from_zero(numerator, denominator), Some(expected), "{numerator}/{denominator}");
        }
    }

    #[test]
    fn what_does_not_fit_is_none() {
        assert_eq!(half_away_from_zero(i128::MAX, 1), None);
        assert_eq!(half_away_from_zero(i128::from(i64::MAX) + 1, 1), None);
        assert_eq!(half_away_from_zero(i128::from(i64::MAX), 1), Some(i64::MAX));
    }
}
