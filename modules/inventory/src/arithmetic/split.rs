//! The value that leaves with a part of a holding.

use super::{Money, Quantity, half_away_from_zero};

/// The share of `value` that goes with `take` out of `quantity`: all of it with the last unit, so that no value stays on
/// nothing. `0 < take ≤ quantity` and `value ≥ 0`; the result lies between zero and `value`.
pub fn split(value: Money, take: Quantity, quantity: Quantity) -> Money {
    if take >= quantity {
        return value;
    }
    let share = half_away_from_zero(i128::from(value.0) * i128::from(take.0), i128::from(quantity.0));
    Money(share.unwrap_or(value.0))
}
