//! How much one of a unit is: a fraction of what it is measured against, or so many of another unit.

use kernel::{Fields, Flaw, Whole};

use crate::arithmetic::{MILLION, Quantity, Ratio};
use crate::error::Error;
use crate::names::UnitCode;

/// The largest part of a factor: the largest whole number that every reader of JSON keeps exactly (2^53 − 1).
pub const MOST_PART: i64 = 9_007_199_254_740_991;

type Part = Whole<1, MOST_PART>;

/// The definition of a unit, as a request says it: exactly one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definition {
    Fraction(Ratio),
    Of { quantity: Quantity, of: UnitCode },
}

/// The four fields that may say it.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    pub num: Option<i64>,
    pub den: Option<i64>,
    pub quantity: Option<Quantity>,
    pub of: Option<UnitCode>,
}

impl Parts {
    /// Reads the four fields and refuses what is not exactly one definition.
    pub fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let (num, den) = (fields.optional::<Part>("num"), fields.optional::<Part>("den"));
        let (quantity, of) = (fields.optional("quantity"), fields.optional("of"));
        let parts = Self { num: num?.map(|part| part.0), den: den?.map(|part| part.0), quantity: quantity?, of: of? };
        if parts.definition().is_none() {
            let flaw = Self::flaw();
            fields.refuse("", flaw.code, flaw.detail);
            return None;
        }
        Some(parts)
    }

    pub fn definition(&self) -> Option<Definition> {
        match (self.num, self.den, self.quantity, &self.of) {
            (Some(num), Some(den), None, None) => Ratio::new(num.into(), den.into()).map(Definition::Fraction),
            (None, None, Some(quantity), Some(of)) => Some(Definition::Of { quantity, of: of.clone() }),
            _ => None,
        }
    }

    fn flaw() -> Flaw {
        Flaw::new("exactly_one", "say how much one is in exactly one way: num and den, or quantity and of")
    }

    /// How much one is, against what `known` measures other units by.
    pub fn factor(&self, known: impl FnOnce(&str) -> Result<Ratio, Flaw>) -> Result<Ratio, Error> {
        let at = |pointer: &str, flaw: Flaw| Error::invalid(pointer, flaw.code, flaw.detail);
        let factor = match self.definition().ok_or_else(|| at("", Self::flaw()))? {
            Definition::Fraction(ratio) => Some(ratio),
            Definition::Of { quantity, of } => {
                let of = known(of.as_str()).map_err(|flaw| at("/of", flaw))?;
                Ratio::new(quantity.0.into(), MILLION.into()).and_then(|quantity| quantity.times(of))
            }
        };
        let fits = |factor: &Ratio| factor.numerator() <= MOST_PART && factor.denominator() <= MOST_PART;
        factor.filter(fits).ok_or_else(|| at(self.pointer(), Flaw::new("out_of_range", "the exact factor has more digits than can be kept")))
    }

    /// The field that a flaw of the factor is told at.
    pub fn pointer(&self) -> &'static str {
        if self.num.is_some() { "/num" } else { "/quantity" }
    }
}

#[cfg(test)]
mod tests {
    use kernel::FromFields;
    use kernel::reading::read;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug)]
    struct Request(Parts);
    impl FromFields for Request {
        fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
            Parts::read(fields).map(Self)
        }
    }

    fn codes(body: &Value) -> Vec<(String, String)> {
        let problem = read::<Request>(body).expect_err("refused");
        problem.errors.into_iter().map(|violation| (violation.pointer, violation.code.into_owned())).collect()
    }

    #[test]
    fn exactly_one_way_is_taken() {
        for body in [
            json!({}),
            json!({ "num": 1 }),
            json!({ "den": 1 }),
            json!({ "quantity": "1" }),
            json!({ "of": "l" }),
            json!({ "num": 1, "den": 1, "quantity": "1", "of": "l" }),
            json!({ "num": 1, "of": "l" }),
        ] {
            assert_eq!(codes(&body), [(String::new(), "exactly_one".to_owned())], "{body}");
        }
        assert_eq!(codes(&json!({ "num": 0, "den": MOST_PART + 1 })).len(), 2);
    }

    #[test]
    fn a_factor_is_exact_and_reduced() {
        let litre =
            |code: &str| if code == "l" { Ok(Ratio::new(1000, 1).expect("a ratio")) } else { Err(Flaw::new("unit_not_found", "there is no such unit")) };
        let parts = |body| read::<Request>(&body).expect("right").0;
        assert_eq!(parts(json!({ "quantity": "0.75", "of": "l" })).factor(litre).expect("a factor"), Ratio::new(750, 1).expect("a ratio"));
        assert_eq!(parts(json!({ "num": 6, "den": 4 })).factor(litre).expect("a factor"), Ratio::new(3, 2).expect("a ratio"));
        let Error::Invalid(violations) = parts(json!({ "quantity": "1", "of": "m" })).factor(litre).expect_err("refused") else { panic!("another error") };
        assert_eq!((violations[0].pointer.as_str(), violations[0].code.as_ref()), ("/of", "unit_not_found"));
    }

    #[test]
    fn a_factor_that_json_would_round_is_refused() {
        let fine = |_: &str| Ok(Ratio::new(1_478_676_478_125, 100_000_000_000).expect("a ratio"));
        let parts = read::<Request>(&json!({ "quantity": "999999.999999", "of": "tbsp_us" })).expect("right").0;
        let Error::Invalid(violations) = parts.factor(fine).expect_err("refused") else { panic!("another error") };
        assert_eq!((violations[0].pointer.as_str(), violations[0].code.as_ref()), ("/quantity", "out_of_range"));
    }
}
