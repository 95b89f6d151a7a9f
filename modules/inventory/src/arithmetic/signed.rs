//! How much more, or less.

use kernel::{Flaw, FromValue};
use serde::{Deserialize, Deserializer};

use super::{Quantity, decimal};

/// A quantity with a sign that a client enters: above or below zero, at most [`Quantity::MOST_PER_LINE`] either way. `"+3"` is
/// `"3"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedQuantity(Quantity);

impl SignedQuantity {
    pub fn is_up(self) -> bool {
        self.0.0 > 0
    }

    /// Without its sign.
    pub fn size(self) -> Quantity {
        Quantity(self.0.0.abs())
    }

    /// As large as `size`, with this one's sign.
    pub fn signed(self, size: Quantity) -> Quantity {
        if self.is_up() { size } else { Quantity(-size.0) }
    }
}

impl From<SignedQuantity> for Quantity {
    fn from(signed: SignedQuantity) -> Self {
        signed.0
    }
}

impl FromValue for SignedQuantity {
    fn from_value(value: &serde_json::Value) -> Result<Self, Flaw> {
        let plus = value.as_str().and_then(|text| text.strip_prefix('+')).filter(|digits| !digits.starts_with('-'));
        let quantity = Quantity(match plus {
            Some(digits) => decimal::parse(digits)?,
            None => decimal::from_value(value)?,
        });
        if quantity == Quantity::ZERO {
            return Err(Flaw::new("zero_quantity", "a quantity above or below zero is expected"));
        }
        if !Quantity(quantity.0.saturating_abs()).fits_a_line() {
            return Err(Flaw::new("out_of_range", "a line holds at most 1000000000 units"));
        }
        Ok(Self(quantity))
    }
}

impl<'de> Deserialize<'de> for SignedQuantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Quantity::deserialize(deserializer).map(Self)
    }
}

impl utoipa::PartialSchema for SignedQuantity {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let description = "A decimal text with a sign, exact to the sixth digit behind the point, not zero; without a sign it is above zero";
        super::money::signed_decimal_schema(description, "-3")
    }
}
impl utoipa::ToSchema for SignedQuantity {
    fn name() -> std::borrow::Cow<'static, str> {
        "SignedQuantity".into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plus_is_read_and_zero_is_nothing_to_adjust() {
        for (text, millionths) in [("-3", -3_000_000), ("+3", 3_000_000), ("3", 3_000_000), ("+0.5", 500_000)] {
            let signed = SignedQuantity::from_value(&json!(text)).expect(text);
            assert_eq!((Quantity::from(signed), signed.size()), (Quantity(millionths), Quantity(millionths.abs())), "{text}");
            assert_eq!(signed.signed(Quantity(7)), Quantity(if millionths < 0 { -7 } else { 7 }));
        }
        for (value, code) in [
            (json!("0"), "zero_quantity"),
            (json!("-0"), "zero_quantity"),
            (json!("+0.0"), "zero_quantity"),
            (json!(-3), "decimal_string_required"),
            (json!("+-3"), "invalid_decimal"),
            (json!("++3"), "invalid_decimal"),
            (json!("+"), "invalid_decimal"),
            (json!("1000000000.000001"), "out_of_range"),
            (json!("-1000000000.000001"), "out_of_range"),
            (json!(null), "wrong_type"),
        ] {
            assert_eq!(SignedQuantity::from_value(&value).expect_err("refused").code, code, "{value}");
        }
    }
}
