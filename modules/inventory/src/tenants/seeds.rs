//! The units and reasons that every tenant starts with.

/// (code, name, dimension, numerator, denominator) against the gram, the millilitre and the piece.
///
/// The pound and the ounce are the international avoirdupois ones (NIST SP 811, appendix B.8); gallon, quart, pint, cup, fluid
/// ounce and spoons are those of the United States (NIST Handbook 44, appendix C): all exact.
pub const UNITS: &[(&str, &str, &str, i64, i64)] = &[
    ("mg", "milligram", "mass", 1, 1000),
    ("g", "gram", "mass", 1, 1),
    ("kg", "kilogram", "mass", 1000, 1),
    ("t", "tonne", "mass", 1_000_000, 1),
    ("oz", "ounce", "mass", 28_349_523_125, 1_000_000_000),
    ("lb", "pound", "mass", 45_359_237, 100_000),
    ("ml", "millilitre", "volume", 1, 1),
    ("cl", "centilitre", "volume", 10, 1),
    ("dl", "decilitre", "volume", 100, 1),
    ("l", "litre", "volume", 1000, 1),
    ("tsp_us", "US teaspoon", "volume", 492_892_159_375, 100_000_000_000),
    ("tbsp_us", "US tablespoon", "volume", 1_478_676_478_125, 100_000_000_000),
    ("fl_oz_us", "US fluid ounce", "volume", 295_735_295_625, 10_000_000_000),
    ("cup_us", "US cup", "volume", 2_365_882_365, 10_000_000),
    ("pt_us", "US liquid pint", "volume", 473_176_473, 1_000_000),
    ("qt_us", "US liquid quart", "volume", 946_352_946, 1_000_000),
    ("gal_us", "US gallon", "volume", 3_785_411_784, 1_000_000),
    ("each", "piece", "count", 1, 1),
    ("dozen", "dozen", "count", 12, 1),
];

/// (kind, code, name, stage, avoidable).
pub const REASONS: &[(&str, &str, &str, Option<&str>, bool)] = &[
    ("waste", "expired", "Expired", Some("storage"), true),
    ("waste", "spoiled", "Spoiled", Some("storage"), true),
    ("waste", "damaged", "Damaged", Some("storage"), true),
    ("waste", "cold_chain", "Cold chain broken", Some("storage"), true),
    ("waste", "refused", "Refused on delivery", Some("receiving"), true),
    ("waste", "trimmings", "Trimmings and peel", Some("preparation"), false),
    ("waste", "preparation_error", "Preparation error", Some("preparation"), true),
    ("waste", "overproduction", "Overproduction", Some("service"), true),
    ("waste", "returned_by_guest", "Returned by a guest", Some("service"), true),
    ("waste", "plate", "Left on the plate", Some("plate"), true),
    ("waste", "recall", "Recalled", None, false),
    ("waste", "other", "Other", None, true),
    ("adjust", "miscount", "Counted wrongly before", None, true),
    ("adjust", "found", "Found", None, true),
    ("adjust", "missing", "Missing", None, true),
    ("adjust", "unrecorded", "Moved and not recorded", None, true),
    ("adjust", "other", "Other", None, true),
    ("return", "damaged", "Damaged on delivery", None, true),
    ("return", "wrong_item", "Not what was ordered", None, true),
    ("return", "quality", "Not good enough", None, true),
    ("return", "recall", "Recalled", None, false),
    ("return", "surplus", "More than is needed", None, true),
    ("discrepancy", "lost", "Lost on the way", None, true),
    ("discrepancy", "damaged", "Damaged on the way", None, true),
    ("discrepancy", "short", "Less arrived than was sent", None, true),
    ("reversal", "typing_error", "Typing error", None, true),
    ("reversal", "duplicate", "Recorded twice", None, true),
    ("reversal", "wrong_place", "Recorded in the wrong place", None, true),
    ("reversal", "did_not_happen", "Did not happen", None, true),
    ("reversal", "other", "Other", None, true),
];

/// Grows with every change to the lists above, so that tenants of an older one can be given what is new.
pub const VERSION: i64 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::Ratio;

    #[test]
    fn seeded_units_agree_with_each_other_exactly() {
        let factor = |code: &str| {
            let (_, _, _, numerator, denominator) = UNITS.iter().find(|unit| unit.0 == code).expect(code);
            Ratio::new(i128::from(*numerator), i128::from(*denominator)).expect(code)
        };
        for (larger, count, smaller) in [
            ("lb", 16, "oz"),
            ("gal_us", 4, "qt_us"),
            ("qt_us", 2, "pt_us"),
            ("pt_us", 2, "cup_us"),
            ("cup_us", 8, "fl_oz_us"),
            ("fl_oz_us", 2, "tbsp_us"),
            ("tbsp_us", 3, "tsp_us"),
            ("kg", 1_000_000, "mg"),
        ] {
            assert_eq!(factor(larger).over(factor(smaller)), Ratio::new(count, 1), "{larger} in {smaller}");
        }
        // A US gallon is 231 cubic inches of 2.54 cm.
        assert_eq!(factor("gal_us"), Ratio::new(231 * 254 * 254 * 254, 1_000_000).expect("a ratio"));
    }
}
