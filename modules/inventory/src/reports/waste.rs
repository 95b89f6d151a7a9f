//! What was thrown away in some days: how much, what it was worth, why, and how much of what came in that is.

use actix_web::{get, web};
use chrono::NaiveDate;
use kernel::{Caller, Fields, FromFields, Permission, Query};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::wasted::{self, Wasted};
use crate::Inventory;
use crate::arithmetic::{Total, half_away_from_zero};
use crate::error::Error;
use crate::http::{HideCosts, seen_by};
use crate::names::words;

words!(
    /// What has a row of its own.
    WasteGroup { Item = "item", Reason = "reason", Location = "location" }
);

/// Of which days, and what has a row.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Request {
    /// The first business date.
    pub from: NaiveDate,
    /// The last business date, which counts, too; not before `from`.
    pub to: NaiveDate,
    /// `item` where nothing is said.
    #[param(value_type = Option<WasteGroup>, inline)]
    pub group_by: WasteGroup,
}

impl FromFields for Request {
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self> {
        let (from, to, group_by) = (fields.required::<NaiveDate>("from"), fields.required::<NaiveDate>("to"), fields.or("group_by", WasteGroup::Item));
        let (from, to) = (from?, to?);
        if to < from {
            fields.refuse("to", "before_from", format!("the last day, {to}, lies before the first, {from}"));
        }
        Some(Self { from, to, group_by: group_by? })
    }
}

/// What was thrown away in some days.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WasteReport {
    /// The first business date.
    pub from: NaiveDate,
    /// The last business date.
    pub to: NaiveDate,
    /// What has a row of its own.
    pub group_by: WasteGroup,
    /// ISO 4217.
    pub currency: String,
    /// How many lines of documents threw stock away.
    pub lines: i64,
    /// The sum of the rows' values, rounded to the currency. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Total>,
    /// What the rounding added. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Total>,
    /// The exact sum of the rows' avoidable values. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avoidable_value: Option<Total>,
    /// What came back on plates: it was no stock, so it is in no row.
    pub plate_waste: PlateWaste,
    /// One for each item, reason or location of which something was thrown away, by sku, code or path.
    pub data: Vec<WasteRow>,
}

/// What was recorded by its mass alone.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct PlateWaste {
    /// How many lines of documents say so.
    pub lines: i64,
    /// Its mass in grams.
    pub mass_g: Total,
    /// Of that what was for reasons that better work avoids.
    pub avoidable_mass_g: Total,
}

/// What was thrown away of an item, for a reason, or out of a location.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WasteRow {
    /// The item's id; by item only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_id: Option<Uuid>,
    /// The item's article number; by item only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// The reason's id; by reason only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason_id: Option<Uuid>,
    /// The reason's code; by reason only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The location's id; by location only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_id: Option<Uuid>,
    /// The location's path; by location only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Its name.
    pub name: String,
    /// How many lines of documents say so.
    pub lines: i64,
    /// Of these, how many for reasons that better work avoids, as the reasons are now.
    pub avoidable_lines: i64,
    /// How much, in `unit`; by item only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Total>,
    /// Of that what was avoidable; by item only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avoidable_quantity: Option<Total>,
    /// The item's base unit; by item only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What it was worth when it was thrown away, in currency. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Total>,
    /// Of that what was avoidable. Left out without `see_costs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avoidable_value: Option<Total>,
    /// What receipts of the same days brought in, as they were corrected since, in `unit`; by item only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received: Option<Total>,
    /// `quantity` in percent of `received`, rounded to two digits behind the point, a half away from zero; by item only, and absent
    /// where nothing was received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wasted_pct_of_purchases: Option<Total>,
}

impl HideCosts for WasteReport {
    fn hide_costs(&mut self) {
        (self.total, self.rounding, self.avoidable_value) = (None, None, None);
        for row in &mut self.data {
            (row.value, row.avoidable_value) = (None, None);
        }
    }
}

pub async fn execute(state: &Inventory, caller: &Caller, request: Request) -> Result<WasteReport, Error> {
    caller.need(Permission::Read)?;
    let settings = state.ensure_known(caller.tenant_id).await?;
    // All statements see one moment.
    let reader = kernel::database::read_one_moment(state.database().reader()).await?;
    let thrown = wasted::thrown_away(&reader, caller, &request).await?;
    let mut received = match request.group_by {
        WasteGroup::Item => wasted::received(&reader, caller, &request).await?,
        WasteGroup::Reason | WasteGroup::Location => wasted::Received::new(),
    };
    let plate_waste = wasted::on_plates(&reader, caller, &request).await?;
    reader.commit().await?;
    let value = Total(thrown.iter().map(|row| row.value.0).sum());
    let avoidable_value = Total(thrown.iter().map(|row| row.avoidable_value.0).sum());
    let total = value.rounded_to(settings.exponent());
    let report = WasteReport {
        from: request.from,
        to: request.to,
        group_by: request.group_by,
        currency: settings.currency.code().to_owned(),
        lines: thrown.iter().map(|row| row.lines).sum(),
        total: Some(total),
        rounding: Some(Total(total.0 - value.0)),
        avoidable_value: Some(avoidable_value),
        plate_waste,
        data: thrown.into_iter().map(|row| answer(request.group_by, row, &mut received)).collect(),
    };
    Ok(seen_by(report, caller))
}

fn answer(group_by: WasteGroup, row: Wasted, received: &mut wasted::Received) -> WasteRow {
    let only = |group: WasteGroup| group == group_by;
    let received = only(WasteGroup::Item).then(|| received.remove(&row.id).unwrap_or_default());
    WasteRow {
        item_id: only(WasteGroup::Item).then_some(row.id),
        sku: only(WasteGroup::Item).then(|| row.code.clone()),
        reason_id: only(WasteGroup::Reason).then_some(row.id),
        reason: only(WasteGroup::Reason).then(|| row.code.clone()),
        location_id: only(WasteGroup::Location).then_some(row.id),
        location: only(WasteGroup::Location).then_some(row.code),
        name: row.name,
        lines: row.lines,
        avoidable_lines: row.avoidable_lines,
        // A sum of pieces and grams says nothing.
        quantity: only(WasteGroup::Item).then_some(row.quantity),
        avoidable_quantity: only(WasteGroup::Item).then_some(row.avoidable_quantity),
        unit: row.unit,
        value: Some(row.value),
        avoidable_value: Some(row.avoidable_value),
        received,
        wasted_pct_of_purchases: received.and_then(|received| percent(row.quantity, received)),
    }
}

/// So much of a whole in percent, with two digits behind the point. `None` of nothing, and where it has more digits than anybody reads.
fn percent(part: Total, whole: Total) -> Option<Total> {
    if whole.0 <= 0 {
        return None;
    }
    let hundredths = half_away_from_zero(part.0.checked_mul(100 * 100)?, whole.0)?;
    Some(Total(i128::from(hundredths) * 10_000))
}

/// Sums up what was thrown away in some days.
///
/// Only documents that stand: what was undone since, whenever that was, counts as not happened. What an item lost is compared with what
/// receipts of the same days brought in, at the sites that you see; what came from another site is no purchase. Goods that were lost
/// in transit or missed in a count are no waste.
#[utoipa::path(
    tag = "reports",
    operation_id = "waste_report",
    params(Request),
    responses(
        (status = 200, description = "What was thrown away", body = WasteReport),
        (status = 403, description = "`forbidden`, `tenant_closed`", body = kernel::problem::ProblemDocument),
        (status = 422, description = "`invalid_request`, of its fields `before_from`", body = kernel::problem::ProblemDocument),
    )
)]
#[get("/reports/waste")]
pub async fn waste_report(state: web::Data<Inventory>, caller: Caller, query: Query<Request>) -> Result<web::Json<WasteReport>, Error> {
    execute(&state, &caller, query.0).await.map(web::Json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_rounded_once_a_half_away_from_zero() {
        let of = |part, whole| percent(Total(part), Total(whole)).map(|percent| percent.to_string());
        for (part, whole, expected) in [
            (5_000_000, 10_000_000, Some("50")),
            (1, 3, Some("33.33")),
            (2, 3, Some("66.67")),
            (1, 800, Some("0.13")),
            (1, 20_001, Some("0")),
            (1, 20_000, Some("0.01")),
            (7, 2, Some("350")),
            (7, 0, None),
            (i128::MAX, 1, None),
        ] {
            assert_eq!(of(part, whole), expected.map(str::to_owned), "{part} of {whole}");
        }
    }
}
