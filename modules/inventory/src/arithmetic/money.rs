//! What it costs.

use std::fmt;

use kernel::{Flaw, FromValue};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::{MILLION, decimal, half_away_from_zero};
use crate::arithmetic::Quantity;

/// An amount in millionths of the tenant's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(pub i64);

impl Money {
    pub const ZERO: Self = Self(0);
    /// The most that one line may cost, either way: 10^11 units of currency (a line of 10^11 dong must fit).
    pub const MOST_PER_LINE: i64 = 100_000_000_000_000_000;

    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    pub fn fits_a_line(self) -> bool {
        self.0.unsigned_abs() <= Self::MOST_PER_LINE.unsigned_abs()
    }

    /// `quantity × unit price`, rounded once. `None` where it does not fit a line.
    pub fn of_line(quantity: Quantity, unit_price: Self) -> Option<Self> {
        let product = i128::from(quantity.0).checked_mul(i128::from(unit_price.0))?;
        half_away_from_zero(product, i128::from(MILLION)).map(Self).filter(|money| money.fits_a_line())
    }
}

impl fmt::Display for Money {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&decimal::format(self.0))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        decimal::parse(&text).map(Self).map_err(|flaw| serde::de::Error::custom(flaw.detail))
    }
}

/// An amount that a client enters; whether it may be negative is for the field to say.
impl FromValue for Money {
    fn from_value(value: &serde_json::Value) -> Result<Self, Flaw> {
        let money = Self(decimal::from_value(value)?);
        if money.fits_a_line() { Ok(money) } else { Err(Flaw::new("out_of_range", "an amount is at most 100000000000")) }
    }
}

impl utoipa::PartialSchema for Money {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        decimal_schema("An amount in the tenant's currency as a decimal text, exact to the sixth digit behind the point, without trailing zeros", "51.6")
    }
}
impl utoipa::ToSchema for Money {
    fn name() -> std::borrow::Cow<'static, str> {
        "Money".into()
    }
}

pub(super) fn decimal_schema(description: &str, example: &str) -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
    patterned(r"^-?\d+(\.\d{1,6})?$", description, example)
}

/// The same with a plus where a client writes one.
pub(super) fn signed_decimal_schema(description: &str, example: &str) -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
    patterned(r"^[+-]?\d+(\.\d{1,6})?$", description, example)
}

fn patterned(pattern: &str, description: &str, example: &str) -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
    let pattern = Some(pattern);
    ObjectBuilder::new().schema_type(Type::String).pattern(pattern).description(Some(description)).examples([serde_json::json!(example)]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_rounded_once() {
        // grocy#2196: two packs at 13.99 are 27.98, whatever a piece would cost.
        assert_eq!(Money::of_line(Quantity(2_000_000), Money(13_990_000)), Some(Money(27_980_000)));
        assert_eq!(Money::of_line(Quantity(1), Money(500_000)), Some(Money(1)));
        assert_eq!(Money::of_line(Quantity(1), Money(499_999)), Some(Money(0)));
        assert_eq!(Money::of_line(Quantity(Quantity::MOST_PER_LINE), Money(Money::MOST_PER_LINE)), None);
    }
}
