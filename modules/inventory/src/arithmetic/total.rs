//! Sums over whatever there is: each line fits 64 bits, a hundred of them need not.

use std::fmt;

use serde::{Serialize, Serializer};

use super::{Money, decimal, half_away_from_zero};

/// A sum of quantities or amounts, in millionths. It cannot overflow: 2^64 of the largest lines fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Total(pub i128);

impl Total {
    /// From a sum that a database made of its two parts: whole units and millionths, of which neither sum can overflow.
    pub fn of_parts(units: i64, millionths: i64) -> Self {
        Self(i128::from(units) * i128::from(super::MILLION) + i128::from(millionths))
    }

    /// Rounded to a currency's exponent (2 for the euro, 0 for the dong), a half away from zero.
    pub fn rounded_to(self, exponent: u32) -> Self {
        let step = 10_i128.pow(6_u32.saturating_sub(exponent));
        let half = if self.0 < 0 { -step / 2 } else { step / 2 };
        Self((self.0 + half) / step * step)
    }

    /// What one unit costs where this is worth of `quantity`, for display only. `None` for no quantity, or where it does not fit.
    pub fn per_unit(self, quantity: Self) -> Option<Money> {
        if quantity.0 <= 0 {
            return None;
        }
        half_away_from_zero(self.0.checked_mul(i128::from(super::MILLION))?, quantity.0).map(Money)
    }
}

/// A sum of millionths that is to fit what one place or lot can hold. `None` where it does not.
pub fn sum(parts: impl IntoIterator<Item = i64>) -> Option<i64> {
    i64::try_from(parts.into_iter().map(i128::from).sum::<i128>()).ok()
}

impl fmt::Display for Total {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&decimal::format(self.0))
    }
}

impl Serialize for Total {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl utoipa::PartialSchema for Total {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        super::money::decimal_schema("A sum as a decimal text, exact to the sixth digit behind the point, without trailing zeros", "426.54")
    }
}
impl utoipa::ToSchema for Total {
    fn name() -> std::borrow::Cow<'static, str> {
        "Total".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_rounded_to_the_currency_a_half_away_from_zero() {
        for (exact, exponent, rounded) in
            [(1_005_000, 2, 1_010_000), (-1_005_000, 2, -1_010_000), (1_499_999, 0, 1_000_000), (1_004_999, 2, 1_000_000), (7, 6, 7)]
        {
            assert_eq!(Total(exact).rounded_to(exponent), Total(rounded), "{exact} to {exponent}");
        }
    }

    #[test]
    fn more_than_64_bits_can_be_summed_and_shown() {
        let sum = (0..1_000).fold(Total::default(), |sum, _| Total(sum.0 + i128::from(Money::MOST_PER_LINE)));
        assert_eq!(sum.to_string(), "100000000000000");
        assert_eq!(Total::of_parts(100_000_000_000_000, 5).to_string(), "100000000000000.000005");
        assert_eq!(Total::of_parts(-1, -500_000).to_string(), "-1.5");
    }
}
