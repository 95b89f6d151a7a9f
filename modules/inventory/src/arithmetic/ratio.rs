//! Exact conversion factors.

use super::{MILLION, Quantity, half_away_from_zero};

/// A factor `numerator / denominator`, reduced, both above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    numerator: i64,
    denominator: i64,
}

impl Ratio {
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// `None` where one part is not above zero or the reduced parts do not fit 64 bits.
    pub fn new(numerator: i128, denominator: i128) -> Option<Self> {
        if numerator <= 0 || denominator <= 0 {
            return None;
        }
        let divisor = greatest_common_divisor(numerator, denominator);
        let (numerator, denominator) = (i64::try_from(numerator / divisor).ok()?, i64::try_from(denominator / divisor).ok()?);
        Some(Self { numerator, denominator })
    }

    pub fn numerator(self) -> i64 {
        self.numerator
    }

    pub fn denominator(self) -> i64 {
        self.denominator
    }

    pub fn times(self, other: Self) -> Option<Self> {
        let numerator = i128::from(self.numerator).checked_mul(i128::from(other.numerator))?;
        Self::new(numerator, i128::from(self.denominator).checked_mul(i128::from(other.denominator))?)
    }

    pub fn over(self, other: Self) -> Option<Self> {
        self.times(Self { numerator: other.denominator, denominator: other.numerator })
    }

    /// `quantity × self`, rounded once to millionths. `None` where it does not fit.
    pub fn apply(self, quantity: Quantity) -> Option<Quantity> {
        half_away_from_zero(i128::from(quantity.0).checked_mul(i128::from(self.numerator))?, i128::from(self.denominator)).map(Quantity)
    }

    /// `quantity × self` without rounding: a reduced fraction of whole numbers. `None` where it does not fit.
    pub fn exact(self, quantity: Quantity) -> Option<(i128, i128)> {
        let numerator = i128::from(quantity.0).checked_mul(i128::from(self.numerator))?;
        let denominator = i128::from(self.denominator).checked_mul(i128::from(MILLION))?;
        let divisor = greatest_common_divisor(numerator.checked_abs()?, denominator);
        Some((numerator / divisor, denominator / divisor))
    }

    /// Whether one unit is a whole number of millionths of the other.
    pub fn is_exact_in_millionths(self) -> bool {
        (i128::from(self.numerator) * i128::from(MILLION)) % i128::from(self.denominator) == 0
    }
}

fn greatest_common_divisor(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(numerator: i128, denominator: i128) -> Ratio {
        Ratio::new(numerator, denominator).expect("a ratio")
    }

    #[test]
    fn grams_become_litres_at_a_density() {
        // grocy#1663: 100 g at 1.033 ml/g are 0.1033 l, not 103.3 l.
        let litres_per_gram = ratio(1033, 1000).over(ratio(1000, 1)).expect("a ratio");
        assert_eq!(litres_per_gram.apply(Quantity(100_000_000)), Some(Quantity(103_300)));
    }

    #[test]
    fn a_ninth_of_a_box_is_not_exact() {
        assert!(!ratio(1, 9).is_exact_in_millionths());
        assert!(ratio(1, 64).is_exact_in_millionths());
        assert!(ratio(45_359_237, 100_000).is_exact_in_millionths());
    }

    #[test]
    fn ratios_are_reduced_and_never_zero() {
        assert_eq!(ratio(12_000, 8_000), ratio(3, 2));
        assert!(Ratio::new(0, 1).is_none() && Ratio::new(1, 0).is_none() && Ratio::new(-1, 1).is_none());
    }
}
