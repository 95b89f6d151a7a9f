//! A share of a value, exact whatever there is: the sums of a large tenant need more than 64 bits, and their products more than 128.

/// `value × part / whole`, rounded a half away from zero. `part ≥ 0`, `whole > 0`. What does not fit 128 bits is the largest
/// that does; with `part ≤ whole` everything fits.
pub fn share(value: i128, part: i128, whole: i128) -> i128 {
    let (magnitude, part, whole) = (value.unsigned_abs(), part.unsigned_abs(), whole.unsigned_abs().max(1));
    let rounded = match magnitude.checked_mul(part) {
        Some(product) => round(product / whole, product % whole, whole),
        None => divide(multiply(magnitude, part), whole),
    };
    let rounded = i128::try_from(rounded).unwrap_or(i128::MAX);
    if value < 0 { -rounded } else { rounded }
}

/// Rounds up from a half on: `remainder / whole ≥ 1/2`.
fn round(quotient: u128, remainder: u128, whole: u128) -> u128 {
    if remainder >= whole - remainder { quotient.saturating_add(1) } else { quotient }
}

/// A product of 256 bits: its upper and its lower half.
fn multiply(a: u128, b: u128) -> (u128, u128) {
    const LOW: u128 = u64::MAX as u128;
    let (a_high, a_low, b_high, b_low) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let low = a_low * b_low;
    let middle = a_high * b_low + (low >> 64);
    let crossed = a_low * b_high + (middle & LOW);
    (a_high * b_high + (middle >> 64) + (crossed >> 64), (crossed << 64) | (low & LOW))
}

/// Long division, bit by bit. All arguments of [`share`] are below 2^127, so the remainder can be doubled.
fn divide((high, low): (u128, u128), whole: u128) -> u128 {
    if high >= whole {
        return u128::MAX;
    }
    let (mut remainder, mut quotient) = (high, 0_u128);
    for bit in (0..128).rev() {
        remainder = (remainder << 1) | ((low >> bit) & 1);
        quotient <<= 1;
        if remainder >= whole {
            remainder -= whole;
            quotient |= 1;
        }
    }
    round(quotient, remainder, whole)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{divide, multiply, share};
    use crate::arithmetic::{Money, Quantity, split};

    #[test]
    fn a_half_goes_away_from_zero() {
        for (value, part, whole, expected) in [(5, 1, 2, 3), (-5, 1, 2, -3), (4, 1, 3, 1), (2, 1, 3, 1), (1, 1, 3, 0), (7, 3, 3, 7), (7, 6, 3, 14)] {
            assert_eq!(share(value, part, whole), expected, "{value} × {part} / {whole}");
        }
    }

    #[test]
    fn what_needs_more_than_128_bits_on_the_way_is_exact() {
        let wide = 10_i128.pow(30);
        assert_eq!(share(7 * wide, wide, 2 * wide), 35 * wide / 10);
        assert_eq!(share(-7 * wide, wide, 14 * wide + 1), -(wide / 2));
        assert_eq!(share(i128::MAX, i128::MAX - 1, i128::MAX), i128::MAX - 1);
        assert_eq!(share(i128::MAX, 2, 1), i128::MAX);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// The same rule as that of the ledger itself.
        #[test]
        fn a_share_is_what_the_ledger_splits(value in 0..=Money::MOST_PER_LINE, whole in 1..=Quantity::MOST_PER_LINE, part in 1..=Quantity::MOST_PER_LINE) {
            let part = part.min(whole);
            let expected = split(Money(value), Quantity(part), Quantity(whole));
            prop_assert_eq!(share(value.into(), part.into(), whole.into()), i128::from(expected.0));
        }

        /// Long division gives what short division gives, where both can be done.
        #[test]
        fn both_ways_agree(value in 0..u128::from(u64::MAX), part in 0..u128::from(u64::MAX), whole in 1..=u128::from(u64::MAX)) {
            let product = value * part;
            let expected = product / whole + u128::from(product % whole >= whole - product % whole);
            prop_assert_eq!(divide(multiply(value, part), whole), expected);
        }
    }
}
