//! What a line measures, in the base unit of its item.

use std::sync::Arc;

use kernel::Violation;

use super::{Item, Items};
use crate::arithmetic::{Quantity, Ratio};
use crate::names::{ItemRef, UnitCode};

/// The item of line `index` and its quantity in the base unit, rounded once; with the unit that was meant.
pub fn measure<'a>(
    index: usize,
    named: &ItemRef,
    quantity: Quantity,
    unit: Option<&UnitCode>,
    items: &'a Items,
) -> Result<(&'a Arc<Item>, Quantity, String), Violation> {
    let (item, factor, unit) = measured_in(index, named, unit, items)?;
    let refuse = |field: &str, code: &'static str, detail: String| Violation { pointer: format!("/lines/{index}/{field}"), code: code.into(), detail };
    let base = factor.apply(quantity).filter(|base| base.0 <= Quantity::MOST_PER_LINE);
    let base = base.ok_or_else(|| refuse("quantity", "out_of_range", format!("a line holds at most 1000000000 {}", item.base_unit)))?;
    if base == Quantity::ZERO {
        return Err(refuse("quantity", "rounds_to_zero", format!("this is less than a millionth of one {}", item.base_unit)));
    }
    Ok((item, base, unit))
}

/// The same where nothing may be there: zero of a unit is zero.
pub fn measure_at_least_zero<'a>(
    index: usize,
    named: &ItemRef,
    quantity: Quantity,
    unit: Option<&UnitCode>,
    items: &'a Items,
) -> Result<(&'a Arc<Item>, Quantity, String), Violation> {
    if quantity != Quantity::ZERO {
        return measure(index, named, quantity, unit, items);
    }
    measured_in(index, named, unit, items).map(|(item, _, unit)| (item, Quantity::ZERO, unit))
}

/// The item of line `index`, and how many base units one of its unit is.
fn measured_in<'a>(index: usize, named: &ItemRef, unit: Option<&UnitCode>, items: &'a Items) -> Result<(&'a Arc<Item>, Ratio, String), Violation> {
    let refuse = |field: &str, code: &'static str, detail: String| Violation { pointer: format!("/lines/{index}/{field}"), code: code.into(), detail };
    let item = items.named(named).ok_or_else(|| refuse(named.field(), "item_not_found", "there is no such item".to_owned()))?;
    if item.archived {
        return Err(refuse(named.field(), "item_archived", format!("{} is archived", item.sku)));
    }
    let unit = unit.map_or(item.base_unit.as_str(), UnitCode::as_str);
    let factor = item
        .conversions
        .factor(unit)
        .ok_or_else(|| refuse("unit", "unit_unknown", format!("{} is not counted in {unit}; its base unit is {}", item.sku, item.base_unit)))?;
    Ok((item, factor, unit.to_owned()))
}
