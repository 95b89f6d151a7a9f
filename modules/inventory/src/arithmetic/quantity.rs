//! How much.

use std::fmt;

use kernel::{Flaw, FromValue};
use serde::{Deserialize, Serialize, Serializer};

use super::decimal;

/// A quantity in millionths of its unit: of the item's base unit wherever nothing else is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(pub i64);

impl Quantity {
    pub const ZERO: Self = Self(0);
    /// The most that one line may hold: a thousand million units.
    pub const MOST_PER_LINE: i64 = 1_000_000_000_000_000;

    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// Whether this is above zero and within what a line may hold.
    pub fn fits_a_line(self) -> bool {
        (1..=Self::MOST_PER_LINE).contains(&self.0)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&decimal::format(self.0))
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        decimal::parse(&text).map(Self).map_err(|flaw| serde::de::Error::custom(flaw.detail))
    }
}

/// A quantity that a client enters: above zero, at most [`Quantity::MOST_PER_LINE`].
impl FromValue for Quantity {
    fn from_value(value: &serde_json::Value) -> Result<Self, Flaw> {
        let quantity = Self(decimal::from_value(value)?);
        if quantity.0 <= 0 {
            return Err(Flaw::new("not_positive", "a quantity above zero is expected"));
        }
        if !quantity.fits_a_line() {
            return Err(Flaw::new("out_of_range", "a line holds at most 1000000000 units"));
        }
        Ok(quantity)
    }
}

/// A quantity that a client enters where nothing may be there: zero or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtLeastZero(pub Quantity);

impl FromValue for AtLeastZero {
    fn from_value(value: &serde_json::Value) -> Result<Self, Flaw> {
        let quantity = Quantity(decimal::from_value(value)?);
        if quantity.0 < 0 {
            return Err(Flaw::new("negative", "a quantity of zero or more is expected"));
        }
        if quantity.0 > Quantity::MOST_PER_LINE {
            return Err(Flaw::new("out_of_range", "a line holds at most 1000000000 units"));
        }
        Ok(Self(quantity))
    }
}

impl utoipa::PartialSchema for Quantity {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        super::money::decimal_schema("A decimal text, exact to the sixth digit behind the point, without trailing zeros", "750.5")
    }
}
impl utoipa::ToSchema for Quantity {
    fn name() -> std::borrow::Cow<'static, str> {
        "Quantity".into()
    }
}
