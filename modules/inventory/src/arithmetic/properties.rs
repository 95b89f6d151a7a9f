//! What must hold of the arithmetic whatever the numbers: I13 and I14 of the ledger's invariants.

use proptest::prelude::*;

use super::{MILLION, Money, Quantity, Ratio, allocate, split};

fn ratio() -> impl Strategy<Value = Ratio> {
    let part = prop_oneof![1_i128..=1000, 1_i128..=1_000_000_000, Just(45_359_237), Just(28_349_523_125)];
    (part.clone(), part).prop_map(|(numerator, denominator)| Ratio::new(numerator, denominator).expect("a ratio"))
}

fn quantity() -> impl Strategy<Value = Quantity> {
    prop_oneof![1..=1000_i64, 1..=Quantity::MOST_PER_LINE].prop_map(Quantity)
}

fn money() -> impl Strategy<Value = Money> {
    prop_oneof![-1000..=1000_i64, -Money::MOST_PER_LINE..=Money::MOST_PER_LINE].prop_map(Money)
}

fn weights() -> impl Strategy<Value = Vec<i64>> {
    prop::collection::vec(prop_oneof![Just(0), 1..=10_i64, 1..=i64::MAX], 0..12)
}

fn sum(shares: &[Money]) -> i128 {
    shares.iter().map(|share| i128::from(share.0)).sum()
}

fn negated(shares: Vec<Money>) -> Vec<Money> {
    shares.into_iter().map(|share| Money(-share.0)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// I13. One `a` is `factor` of `b`; both ways are rounded once. Where `a` holds a whole number of millionths of `b`, nothing
    /// is lost. Else what comes back differs by at most `1/(2·factor) + 1/2` millionths of `a`: by nothing where `b` is the finer
    /// unit, and never by more than one millionth of `b`, the coarser one.
    #[test]
    fn there_and_back_is_exact_or_within_a_millionth_of_the_coarser_unit(factor in ratio(), start in quantity()) {
        let back = Ratio::ONE.over(factor).expect("a ratio");
        let Some(there) = factor.apply(start) else { return Ok(()) };
        let Some(returned) = back.apply(there) else { return Ok(()) };
        let difference = i128::from((returned.0 - start.0).unsigned_abs());
        let (numerator, denominator) = (i128::from(factor.numerator()), i128::from(factor.denominator()));

        let is_representable = i128::from(start.0) * numerator % denominator == 0;
        if is_representable || numerator >= denominator {
            prop_assert_eq!(difference, 0);
        }
        // |difference| ≤ denominator/(2·numerator) + 1/2, and with that ≤ denominator/numerator for a coarser unit.
        prop_assert!(2 * difference * numerator <= denominator + numerator);
        prop_assert!(difference == 0 || difference * numerator <= denominator);
    }

    /// The exact fraction and the rounded result are half a millionth apart at most, and the fraction is reduced.
    #[test]
    fn the_rounded_result_is_the_nearest_to_the_exact_one(factor in ratio(), start in quantity()) {
        let (Some((numerator, denominator)), Some(rounded)) = (factor.exact(start), factor.apply(start)) else { return Ok(()) };
        prop_assert!(denominator > 0);
        // rounded/10^6 − numerator/denominator, both sides times 2 · 10^6 · denominator.
        let distance = (i128::from(rounded.0) * denominator - numerator * i128::from(MILLION)).abs();
        prop_assert!(2 * distance <= denominator);
        if let Some(reduced) = Ratio::new(numerator, denominator) {
            prop_assert_eq!((i128::from(reduced.numerator()), i128::from(reduced.denominator())), (numerator, denominator));
        }
    }

    /// I14. Shares sum to the total, have its sign, and are those of the opposite total with the opposite sign.
    #[test]
    fn shares_sum_to_the_total_and_are_symmetric(total in money(), weights in weights(), fallback in weights()) {
        let shares = allocate(total, &weights, &fallback);
        prop_assert_eq!(shares.len(), weights.len());
        if !weights.is_empty() {
            prop_assert_eq!(sum(&shares), i128::from(total.0));
        }
        prop_assert!(shares.iter().all(|share| share.0.signum() * total.0.signum() >= 0));
        prop_assert_eq!(negated(shares), allocate(Money(-total.0), &weights, &fallback));
    }

    /// No share is a whole millionth or more away from its exact part, and nothing goes to a weight of zero beside others.
    #[test]
    fn no_share_is_a_millionth_away_from_its_part(total in money(), weights in weights()) {
        let of_all: u128 = weights.iter().map(|weight| u128::from(weight.unsigned_abs())).sum();
        if of_all == 0 {
            return Ok(());
        }
        for (share, weight) in allocate(total, &weights, &[]).iter().zip(&weights) {
            let part = u128::from(total.0.unsigned_abs()) * u128::from(weight.unsigned_abs());
            let share = u128::from(share.0.unsigned_abs());
            prop_assert!(share == part / of_all || share == part / of_all + 1);
            prop_assert!(*weight != 0 || share == 0);
        }
    }

    /// Where all weights are zero the fallback weighs, and where that is zero too all get the same.
    #[test]
    fn without_weights_the_fallback_weighs_and_then_nothing(total in money(), fallback in weights()) {
        let zeros = vec![0; fallback.len()];
        let shares = allocate(total, &zeros, &fallback);
        prop_assert_eq!(&shares, &allocate(total, &fallback, &[]));
        let equal = allocate(total, &zeros, &zeros);
        let (least, most) = (equal.iter().min().map_or(0, |share| share.0), equal.iter().max().map_or(0, |share| share.0));
        prop_assert!(most - least <= 1);
    }

    /// Taking a holding bit by bit takes all of its value with its last unit, and never more or less than there is.
    #[test]
    fn what_is_taken_bit_by_bit_takes_the_whole_value(value in 0..=Money::MOST_PER_LINE, quantity in quantity(), cuts in prop::collection::vec(1..=100_u8, 0..20)) {
        let (mut rest, mut left, mut taken) = (Money(value), quantity, 0_i128);
        let mut take = |amount: Quantity, rest: &mut Money, left: &mut Quantity| {
            let share = split(*rest, amount, *left);
            assert!(0 <= share.0 && share <= *rest, "{share} of {rest}");
            taken += i128::from(share.0);
            (rest.0, left.0) = (rest.0 - share.0, left.0 - amount.0);
        };
        for percent in cuts {
            let amount = i64::try_from(i128::from(left.0) * i128::from(percent) / 100).expect("a part");
            if amount > 0 && left.0 > 0 {
                take(Quantity(amount), &mut rest, &mut left);
                prop_assert!(left.0 > 0 || rest == Money::ZERO);
            }
        }
        if left.0 > 0 {
            let all = left;
            take(all, &mut rest, &mut left);
        }
        prop_assert_eq!((rest, left, taken), (Money::ZERO, Quantity::ZERO, i128::from(value)));
    }
}

/// C11 of the published cases (Odoo's): an amount in cents shared out over three equal lines. Theirs gives the odd cent of the
/// first amount to the second line; largest remainder with ties by order gives it to the first. The shares are the same ones.
#[test]
fn the_published_shares_of_three_come_out() {
    for (total, expected) in [(10_000, [3334, 3333, 3333]), (9_800, [3267, 3267, 3266]), (485, [162, 162, 161])] {
        assert_eq!(allocate(Money(total), &[1, 1, 1], &[]), expected.map(Money));
        assert_eq!(allocate(Money(-total), &[1, 1, 1], &[]), expected.map(|share| Money(-share)));
    }
}
