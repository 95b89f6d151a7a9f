//! How the units of an item convert, exactly. Pure; receipts, waste and conversions for display all ask here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::units::Dimension;
use crate::arithmetic::{MILLION, Quantity, Ratio};

/// A unit of the tenant: `factor` of its dimension's reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalUnit {
    pub code: String,
    pub dimension: Dimension,
    pub factor: Ratio,
}

/// What a unit of an item may not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConversionFlaw {
    /// The item knows this code already, with this very factor or as one of its own units.
    Defined,
    /// Another path gives this unit another factor.
    Conflict { known: Ratio },
    /// One of it is no whole number of millionths of the base unit.
    NotExact,
    /// One of it is more than a line may hold.
    TooLarge,
}

/// The units of one item.
#[derive(Clone, Debug)]
pub struct Conversions {
    base: String,
    globals: Arc<[GlobalUnit]>,
    own: BTreeMap<String, Ratio>,
}

impl Conversions {
    /// From the code of the item's base unit, all units of the tenant (shared by the items of one request), and the item's own
    /// units with their factors to the base unit.
    pub fn new(base: &str, globals: Arc<[GlobalUnit]>, own: impl IntoIterator<Item = (String, Ratio)>) -> Self {
        Self { base: base.to_owned(), globals, own: own.into_iter().collect() }
    }

    /// The code of the base unit.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// How many units the item has of its own.
    pub fn own(&self) -> usize {
        self.own.len()
    }

    fn global(&self, code: &str) -> Option<&GlobalUnit> {
        self.globals.iter().find(|unit| unit.code == code)
    }

    /// How many base units one `code` is; `None` where the item cannot be measured in it. The first that applies: the base unit
    /// itself; a unit of the item; a unit of the base unit's dimension; a unit of the same dimension as a unit of the item that
    /// is a global one, such as kilograms where a gram is said to be so many millilitres (at most three hops: unit, reference,
    /// the item's unit, base unit).
    pub fn factor(&self, code: &str) -> Option<Ratio> {
        if code == self.base {
            return Some(Ratio::ONE);
        }
        self.own.get(code).copied().or_else(|| self.factor_of(self.global(code)?))
    }

    fn factor_of(&self, unit: &GlobalUnit) -> Option<Ratio> {
        let base = self.global(&self.base)?;
        if unit.dimension == base.dimension {
            return unit.factor.over(base.factor);
        }
        // All bridges into one dimension agree: `check_new` lets in no other.
        let bridges = self.own.iter().filter_map(|(code, factor)| Some((self.global(code)?, *factor)));
        let (bridge, in_base) = bridges.into_iter().find(|(bridge, _)| bridge.dimension == unit.dimension)?;
        unit.factor.over(bridge.factor)?.times(in_base)
    }

    /// Whether the item may get a unit `code` of `factor` base units.
    pub fn check_new(&self, code: &str, factor: Ratio) -> Result<(), ConversionFlaw> {
        match self.factor(code) {
            Some(known) if known == factor || code == self.base || self.own.contains_key(code) => return Err(ConversionFlaw::Defined),
            Some(known) => return Err(ConversionFlaw::Conflict { known }),
            None => {}
        }
        if !factor.is_exact_in_millionths() {
            return Err(ConversionFlaw::NotExact);
        }
        let one = factor.apply(Quantity(MILLION));
        if one.is_some_and(Quantity::fits_a_line) { Ok(()) } else { Err(ConversionFlaw::TooLarge) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(numerator: i128, denominator: i128) -> Ratio {
        Ratio::new(numerator, denominator).expect("a ratio")
    }

    fn units(units: &[(&str, Dimension, i128, i128)]) -> Arc<[GlobalUnit]> {
        let unit = |(code, dimension, numerator, denominator): &(&str, Dimension, i128, i128)| GlobalUnit {
            code: (*code).to_owned(),
            dimension: *dimension,
            factor: ratio(*numerator, *denominator),
        };
        units.iter().map(unit).collect()
    }

    fn item(base: &str, own: &[(&str, i128, i128)]) -> Conversions {
        let globals = units(&[
            ("g", Dimension::Mass, 1, 1),
            ("kg", Dimension::Mass, 1000, 1),
            ("lb", Dimension::Mass, 45_359_237, 100_000),
            ("ml", Dimension::Volume, 1, 1),
            ("l", Dimension::Volume, 1000, 1),
            ("each", Dimension::Count, 1, 1),
            ("dozen", Dimension::Count, 12, 1),
        ]);
        Conversions::new(base, globals, own.iter().map(|(code, numerator, denominator)| ((*code).to_owned(), ratio(*numerator, *denominator))))
    }

    #[test]
    fn units_of_the_base_dimension_are_known_and_no_others() {
        let milk = item("ml", &[]);
        assert_eq!(milk.factor("ml"), Some(Ratio::ONE));
        assert_eq!(milk.factor("l"), Some(ratio(1000, 1)));
        assert_eq!(item("l", &[]).factor("ml"), Some(ratio(1, 1000)));
        for code in ["g", "each", "case", ""] {
            assert_eq!(milk.factor(code), None, "{code}");
        }
    }

    #[test]
    fn a_unit_of_the_item_opens_the_dimension_that_it_is_of() {
        let milk = item("ml", &[("case", 12_000, 1), ("g", 1033, 1000)]);
        assert_eq!(milk.factor("case"), Some(ratio(12_000, 1)));
        assert_eq!(milk.factor("kg"), Some(ratio(1033, 1)));
        assert_eq!(milk.factor("lb"), Some(ratio(45_359_237 * 1033, 100_000 * 1000)));
        assert_eq!(milk.factor("each"), None);
        // A case is no global unit: it opens nothing.
        assert_eq!(item("ml", &[("case", 12_000, 1)]).factor("dozen"), None);
    }

    #[test]
    fn a_hundred_grams_at_a_density_are_a_tenth_of_a_litre() {
        // C21 of the published cases, grocy#1663: 100 g at 1.033 ml/g are 0.1033 l, not 103.3 l.
        let milk = item("ml", &[("g", 1033, 1000)]);
        let litres_per_gram = milk.factor("g").and_then(|grams| grams.over(milk.factor("l")?)).expect("a factor");
        assert_eq!(litres_per_gram.apply(Quantity(100_000_000)), Some(Quantity(103_300)));
        assert_eq!(litres_per_gram.exact(Quantity(100_000_000)), Some((1033, 10_000)));
    }

    #[test]
    fn a_second_way_to_the_same_unit_must_agree() {
        let milk = item("ml", &[("g", 1033, 1000)]);
        assert_eq!(milk.check_new("kg", ratio(1033, 1)), Err(ConversionFlaw::Defined));
        assert_eq!(milk.check_new("kg", ratio(1030, 1)), Err(ConversionFlaw::Conflict { known: ratio(1033, 1) }));
        assert_eq!(milk.check_new("l", ratio(999, 1)), Err(ConversionFlaw::Conflict { known: ratio(1000, 1) }));
        assert_eq!(milk.check_new("l", ratio(1000, 1)), Err(ConversionFlaw::Defined));
        assert_eq!(milk.check_new("ml", ratio(2, 1)), Err(ConversionFlaw::Defined));
        assert_eq!(milk.check_new("g", ratio(1, 1)), Err(ConversionFlaw::Defined));
        assert_eq!(milk.check_new("each", ratio(250, 1)), Ok(()));
        assert_eq!(milk.check_new("case", ratio(12_000, 1)), Ok(()));
    }

    #[test]
    fn a_ninth_of_a_box_is_refused_and_so_is_a_mountain() {
        let cheese = item("each", &[]);
        assert_eq!(cheese.check_new("portion", ratio(1, 9)), Err(ConversionFlaw::NotExact));
        assert_eq!(cheese.check_new("portion", ratio(1, 8)), Ok(()));
        assert_eq!(cheese.check_new("ship", ratio(1_000_000_000, 1)), Ok(()));
        assert_eq!(cheese.check_new("ship", ratio(1_000_000_001, 1)), Err(ConversionFlaw::TooLarge));
        assert_eq!(cheese.check_new("ship", ratio(i128::from(i64::MAX), 1)), Err(ConversionFlaw::TooLarge));
    }

    #[test]
    fn a_factor_that_does_not_fit_is_no_conversion() {
        let most = i128::from(i64::MAX);
        let globals = units(&[("a", Dimension::Mass, 1, most), ("b", Dimension::Mass, most, 2)]);
        assert_eq!(Conversions::new("a", globals, []).factor("b"), None);
    }
}
