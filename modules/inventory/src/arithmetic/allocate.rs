//! Sharing an amount out.

use super::Money;

/// Shares `total` out by `weights`, largest remainder first, ties by order: the shares sum to `total` exactly, and a negative
/// total gives the negated shares of the positive one. Where all weights are zero, `fallback` weighs (by quantity); where those
/// are zero too, everybody gets the same. Nobody to share with: no shares.
pub fn allocate(total: Money, weights: &[i64], fallback: &[i64]) -> Vec<Money> {
    let equal = vec![1; weights.len()];
    let has_any = |weights: &[i64]| weights.iter().any(|weight| *weight > 0);
    let weights = if has_any(weights) {
        weights
    } else if has_any(fallback) && fallback.len() == weights.len() {
        fallback
    } else {
        &equal
    };
    let sum: u128 = weights.iter().map(|weight| u128::from(weight.max(&0).unsigned_abs())).sum();
    if sum == 0 {
        return Vec::new();
    }
    let magnitude = u128::from(total.0.unsigned_abs());
    // Both factors are below 2^63, so the product fits 128 bits.
    let parts: Vec<(u128, u128)> =
        weights.iter().map(|weight| magnitude * u128::from(weight.max(&0).unsigned_abs())).map(|product| (product / sum, product % sum)).collect();
    let mut shares: Vec<u128> = parts.iter().map(|(whole, _)| *whole).collect();
    let left = magnitude - shares.iter().sum::<u128>();
    let mut by_remainder: Vec<usize> = (0..parts.len()).collect();
    by_remainder.sort_by_key(|index| (std::cmp::Reverse(parts.get(*index).map_or(0, |(_, remainder)| *remainder)), *index));
    for index in by_remainder.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
        if let Some(share) = shares.get_mut(index) {
            *share += 1;
        }
    }
    let signed = |share: u128| i64::try_from(share).map_or(total.0, |share| if total.0 < 0 { -share } else { share });
    shares.into_iter().map(|share| Money(signed(share))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_first() {
        assert_eq!(allocate(Money(10), &[1, 1, 1], &[]), [4, 3, 3].map(Money));
        assert_eq!(allocate(Money(-10), &[1, 1, 1], &[]), [-4, -3, -3].map(Money));
    }

    #[test]
    fn zero_weights_fall_back_to_quantity_then_to_equal_shares() {
        assert_eq!(allocate(Money(9), &[0, 0], &[1, 2]), [3, 6].map(Money));
        assert_eq!(allocate(Money(9), &[0, 0], &[0, 0]), [5, 4].map(Money));
        assert!(allocate(Money(9), &[], &[]).is_empty());
    }
}
