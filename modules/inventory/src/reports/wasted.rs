//! The statements behind the report of waste.

use std::collections::HashMap;

use kernel::{Caller, Txn};
use sea_orm::{ConnectionTrait, DbErr, FromQueryResult};
use uuid::Uuid;

use super::waste::{PlateWaste, Request, WasteGroup};
use crate::arithmetic::Total;
use crate::ledger::{DocumentType, EntryKind};
use crate::names::{ItemId, Word as _};
use crate::rows::{self, Filter};

/// What was thrown away, by the group that has a row.
pub struct Wasted {
    pub id: Uuid,
    /// The item's sku, the reason's code or the location's path.
    pub code: String,
    pub name: String,
    pub unit: Option<String>,
    pub lines: i64,
    pub avoidable_lines: i64,
    pub quantity: Total,
    pub avoidable_quantity: Total,
    pub value: Total,
    pub avoidable_value: Total,
}

/// What came in, by item.
pub type Received = HashMap<ItemId, Total>;

#[derive(FromQueryResult)]
struct WastedRow {
    id: Uuid,
    code: String,
    name: String,
    unit: Option<String>,
    lines: i64,
    avoidable_lines: i64,
    quantity_units: i64,
    quantity_millionths: i64,
    avoidable_quantity_units: i64,
    avoidable_quantity_millionths: i64,
    value_units: i64,
    value_millionths: i64,
    avoidable_value_units: i64,
    avoidable_value_millionths: i64,
}

/// A sum in two parts: of millionths alone it may not fit 64 bits, and SQLite has no wider ones.
fn parts(term: &str, name: &str) -> String {
    let sum = |part: &str| format!("CAST(COALESCE(SUM({term} {part} 1000000), 0) AS BIGINT)");
    format!("{} AS {name}_units, {} AS {name}_millionths", sum("/"), sum("%"))
}

fn avoidable(term: &str) -> String {
    format!("(CASE WHEN reason.avoidable THEN {term} ELSE 0 END)")
}

/// That no document undoes another; `document` is the column that names the other.
fn stands(document: &str) -> String {
    format!("NOT EXISTS (SELECT 1 FROM document_detail AS undoing WHERE undoing.tenant_id = $1 AND undoing.reverses_id = {document})")
}

fn in_days(filter: &mut Filter, column: &str, request: &Request) {
    filter.and(&format!("{column} >= ?"), request.from);
    filter.and(&format!("{column} <= ?"), request.to);
}

/// What was thrown away out of stock, line by line and then by group.
pub async fn thrown_away(reader: &Txn, caller: &Caller, request: &Request) -> Result<Vec<Wasted>, DbErr> {
    let mut filter = Filter::tenant("entry.tenant_id", caller.tenant_id);
    in_days(&mut filter, "entry.business_date", request);
    filter.and("entry.kind = ?", EntryKind::Waste.word());
    filter.and_plain(&stands("entry.document_id"));
    filter.and_sites(reader.get_database_backend(), "location.site_id", &caller.sites);
    let (row, joins, group) = match request.group_by {
        WasteGroup::Item => (
            "item.id AS id, item.sku AS code, item.name AS name, unit.code AS unit",
            "JOIN item ON item.tenant_id = $1 AND item.id = line.item_id JOIN unit ON unit.tenant_id = $1 AND unit.id = item.base_unit_id",
            "item.id, item.sku, item.name, unit.code",
        ),
        WasteGroup::Reason => {
            ("reason.id AS id, reason.code AS code, reason.name AS name, CAST(NULL AS varchar) AS unit", "", "reason.id, reason.code, reason.name")
        }
        WasteGroup::Location => (
            "place.id AS id, place.path AS code, place.name AS name, CAST(NULL AS varchar) AS unit",
            "JOIN location AS place ON place.tenant_id = $1 AND place.id = line.location_id",
            "place.id, place.path, place.name",
        ),
    };
    let sql = format!(
        "SELECT {row}, COUNT(*) AS lines, CAST(SUM({}) AS BIGINT) AS avoidable_lines, {}, {}, {}, {} FROM ( \
         SELECT entry.item_id, entry.location_id, entry.reason_id, entry.document_id, entry.line_no, \
         CAST(-SUM(entry.quantity_delta) AS BIGINT) AS quantity, CAST(-SUM(entry.value_delta) AS BIGINT) AS value FROM ledger_entry AS entry \
         JOIN location ON location.tenant_id = entry.tenant_id AND location.id = entry.location_id {} \
         GROUP BY entry.item_id, entry.location_id, entry.reason_id, entry.document_id, entry.line_no) AS line \
         JOIN reason ON reason.tenant_id = $1 AND reason.id = line.reason_id {joins} GROUP BY {group} ORDER BY code",
        avoidable("1"),
        parts("line.quantity", "quantity"),
        parts(&avoidable("line.quantity"), "avoidable_quantity"),
        parts("line.value", "value"),
        parts(&avoidable("line.value"), "avoidable_value"),
        filter.sql()
    );
    let found = rows::all::<WastedRow>(reader, &sql, filter.into_values()).await?;
    let wasted = |row: WastedRow| Wasted {
        id: row.id,
        code: row.code,
        name: row.name,
        unit: row.unit,
        lines: row.lines,
        avoidable_lines: row.avoidable_lines,
        quantity: Total::of_parts(row.quantity_units, row.quantity_millionths),
        avoidable_quantity: Total::of_parts(row.avoidable_quantity_units, row.avoidable_quantity_millionths),
        value: Total::of_parts(row.value_units, row.value_millionths),
        avoidable_value: Total::of_parts(row.avoidable_value_units, row.avoidable_value_millionths),
    };
    Ok(found.into_iter().map(wasted).collect())
}

#[derive(FromQueryResult)]
struct ReceivedRow {
    item_id: Uuid,
    quantity_units: i64,
    quantity_millionths: i64,
}

/// What the receipts of these days brought in: their own entries, and those of their corrections, whenever these were.
pub async fn received(reader: &Txn, caller: &Caller, request: &Request) -> Result<Received, DbErr> {
    let mut filter = Filter::tenant("entry.tenant_id", caller.tenant_id);
    in_days(&mut filter, "receipt.business_date", request);
    filter.and("receipt.type = ?", DocumentType::Receipt.word());
    filter.and_plain(&stands("receipt.id"));
    filter.and_sites(reader.get_database_backend(), "receipt.site_id", &caller.sites);
    let of_receipts = filter.sql().to_owned();
    // The entries of a receipt are of its own day. Corrections are few: SQLite, which takes CROSS JOIN as the order in which to go, begins with them.
    let (kind, from, to) = (filter.bind(EntryKind::Receipt.word()), filter.bind(request.from), filter.bind(request.to));
    let correction = filter.bind(EntryKind::Correction.word());
    let sql = format!(
        "SELECT moved.item_id, {} FROM ( \
         SELECT entry.item_id, entry.quantity_delta FROM ledger_entry AS entry CROSS JOIN document AS receipt {of_receipts} \
         AND receipt.tenant_id = entry.tenant_id AND receipt.id = entry.document_id \
         AND entry.kind = {kind} AND entry.business_date >= {from} AND entry.business_date <= {to} \
         UNION ALL SELECT entry.item_id, entry.quantity_delta FROM correction_line AS line CROSS JOIN document_detail AS detail \
         CROSS JOIN document AS receipt CROSS JOIN ledger_entry AS entry {of_receipts} \
         AND line.tenant_id = $1 AND detail.tenant_id = line.tenant_id AND detail.document_id = line.document_id \
         AND receipt.tenant_id = detail.tenant_id AND receipt.id = detail.about_id AND entry.document_id = line.document_id \
         AND entry.kind = {correction}) AS moved GROUP BY moved.item_id",
        parts("moved.quantity_delta", "quantity")
    );
    let found = rows::all::<ReceivedRow>(reader, &sql, filter.into_values()).await?;
    Ok(found.into_iter().map(|row| (row.item_id, Total::of_parts(row.quantity_units, row.quantity_millionths))).collect())
}

#[derive(FromQueryResult)]
struct PlateRow {
    lines: i64,
    mass_units: i64,
    mass_millionths: i64,
    avoidable_units: i64,
    avoidable_millionths: i64,
}

/// What came back on plates, which no entry tells.
pub async fn on_plates(reader: &Txn, caller: &Caller, request: &Request) -> Result<PlateWaste, DbErr> {
    let mut filter = Filter::tenant("line.tenant_id", caller.tenant_id);
    in_days(&mut filter, "document.business_date", request);
    filter.and_plain(&stands("line.document_id"));
    filter.and_sites(reader.get_database_backend(), "document.site_id", &caller.sites);
    let sql = format!(
        "SELECT COUNT(*) AS lines, {}, {} FROM plate_waste_line AS line \
         JOIN document ON document.tenant_id = line.tenant_id AND document.id = line.document_id \
         JOIN reason ON reason.tenant_id = line.tenant_id AND reason.id = line.reason_id {}",
        parts("line.grams", "mass"),
        parts(&avoidable("line.grams"), "avoidable"),
        filter.sql()
    );
    let row = rows::one::<PlateRow>(reader, &sql, filter.into_values()).await?;
    let row = row.ok_or_else(|| DbErr::RecordNotFound("a sum over plates".to_owned()))?;
    Ok(PlateWaste {
        lines: row.lines,
        mass_g: Total::of_parts(row.mass_units, row.mass_millionths),
        avoidable_mass_g: Total::of_parts(row.avoidable_units, row.avoidable_millionths),
    })
}
