//! The value that each lot cost: sums that the database makes.

use std::collections::BTreeMap;

use kernel::{Caller, Sites, Txn};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::costing::ISSUES;
use super::undone::Undone;
use super::valuation::{Line, Request, Site, ValuationGroup};
use crate::arithmetic::Total;
use crate::error::Error;
use crate::ledger::Past;
use crate::names::Word as _;
use crate::rows::{self, Filter, Kind, Relation, given_row};

/// A sum in two parts, whole units and millionths: a sum of millionths alone may not fit 64 bits, and SQLite has no wider ones.
#[derive(FromQueryResult)]
struct Row {
    item_id: Uuid,
    sku: String,
    name: String,
    unit: String,
    site_id: Option<Uuid>,
    site: Option<String>,
    quantity_units: i64,
    quantity_millionths: i64,
    value_units: i64,
    value_millionths: i64,
}

/// What is on hand, has value, or was issued, by sku and site. What was issued is summed from the first entry on: no closed period
/// kept it.
pub async fn lines(reader: &Txn, caller: &Caller, request: &Request, undone: &Undone) -> Result<Vec<Line>, Error> {
    let held = Source::held(reader, caller, request).await?;
    let mut lines: BTreeMap<(String, Option<String>), Line> = BTreeMap::new();
    for line in held.sum(reader, caller, request, None).await? {
        lines.insert(key(&line), line);
    }
    if !request.says_issued() {
        return Ok(lines.into_values().filter(Line::says_something).collect());
    }
    let mut issued = issues().sum(reader, caller, request, None).await?;
    if undone.pairs().next().is_some() {
        issued.extend(returned_issues(reader).sum(reader, caller, request, Some(undone)).await?);
    }
    for issue in issued {
        let none = || Line { quantity: Total::default(), value: Total::default(), ..issue.clone() };
        lines.entry(key(&issue)).or_insert_with(none).issued.0 -= issue.value.0;
    }
    Ok(lines.into_values().filter(Line::says_something).collect())
}

/// What all of it is worth: the sum of what [`lines`] says of each item, made by the database.
pub async fn total(reader: &Txn, caller: &Caller, request: &Request) -> Result<Total, Error> {
    #[derive(FromQueryResult)]
    struct TotalRow {
        value_units: Option<i64>,
        value_millionths: Option<i64>,
    }
    let held = Source::held(reader, caller, request).await?;
    let mut filter = Filter::tenant("held.tenant_id", caller.tenant_id);
    let tables = held.tables(request, &mut filter);
    filter.and_location(request.location.as_ref());
    filter.and_sites(reader.get_database_backend(), "location.site_id", &caller.sites);
    let is_of_places = request.location.is_some() || caller.sites != Sites::All;
    let places = if is_of_places { "JOIN location ON location.tenant_id = held.tenant_id AND location.id = held.location_id" } else { "" };
    let sql = format!("SELECT {} FROM {tables} {places} {}", held_in_parts(held.value, "value"), filter.sql());
    let row = rows::one::<TotalRow>(reader, &sql, filter.into_values()).await?;
    Ok(row.map_or(Total::default(), |row| Total::of_parts(row.value_units.unwrap_or(0), row.value_millionths.unwrap_or(0))))
}

fn held_in_parts(column: &str, name: &str) -> String {
    rows::sum_in_parts(&format!("held.{column}"), name)
}

fn key(line: &Line) -> (String, Option<String>) {
    (line.sku.clone(), line.site.as_ref().map(|site| site.path.clone()))
}

/// What is summed up: the columns of `held`.
struct Source {
    held: Held,
    quantity: &'static str,
    value: &'static str,
    condition: Option<String>,
}

/// Where `held` comes from.
enum Held {
    /// The last of some tables.
    Tables(String),
    Past(Past),
}

/// The kinds that use something up, for SQL.
fn issue_kinds() -> String {
    ISSUES.map(|kind| format!("'{}'", kind.word())).join(", ")
}

/// What was used up.
fn issues() -> Source {
    Source::entries(Some(format!("held.quantity_delta < 0 AND held.kind IN ({})", issue_kinds())))
}

/// What came back of it: the reversals of entries that used something up. All reversals are the second parameter.
fn returned_issues(reader: &Txn) -> Source {
    const PAIR: Relation = Relation(&[("reversal", Kind::Uuid), ("undone", Kind::Uuid)]);
    let condition = format!(
        "held.document_id = pair.reversal AND held.quantity_delta > 0 AND EXISTS (SELECT 1 FROM ledger_entry AS undone \
         WHERE undone.tenant_id = held.tenant_id AND undone.document_id = pair.undone AND undone.item_id = held.item_id \
         AND undone.location_id = held.location_id AND undone.lot_id = held.lot_id AND undone.quantity_delta < 0 AND undone.kind IN ({}))",
        issue_kinds()
    );
    let tables = format!("({}) AS pair CROSS JOIN ledger_entry AS held", PAIR.select(reader.get_database_backend(), 2));
    Source { held: Held::Tables(tables), ..Source::entries(Some(condition)) }
}

impl Source {
    /// What lies there at the time that is asked about.
    async fn held(reader: &Txn, caller: &Caller, request: &Request) -> Result<Self, Error> {
        match request.as_of {
            None => Ok(Self::balances()),
            Some(as_of) => Ok(Self::past(Past::of(reader, caller.tenant_id, as_of).await?)),
        }
    }

    fn tables(&self, request: &Request, filter: &mut Filter) -> String {
        match &self.held {
            Held::Tables(tables) => {
                request.until(filter, "held");
                tables.clone()
            }
            Held::Past(past) => format!("({}) AS held", past.rows(filter, None)),
        }
    }

    fn balances() -> Self {
        Self { held: Held::Tables("balance AS held".to_owned()), quantity: "quantity", value: "value", condition: None }
    }

    fn past(past: Past) -> Self {
        Self { held: Held::Past(past), ..Self::balances() }
    }

    fn entries(condition: Option<String>) -> Self {
        Self { held: Held::Tables("ledger_entry AS held".to_owned()), quantity: "quantity_delta", value: "value_delta", condition }
    }

    async fn sum(&self, reader: &Txn, caller: &Caller, request: &Request, undone: Option<&Undone>) -> Result<Vec<Line>, Error> {
        let backend = reader.get_database_backend();
        let mut filter = Filter::tenant("held.tenant_id", caller.tenant_id);
        if let Some(undone) = undone {
            filter.bind(rows::parameter(undone.pairs().map(|(reversal, undone)| given_row!(backend, reversal, undone)).collect()));
        }
        if let Some(condition) = &self.condition {
            filter.and_plain(condition);
        }
        let tables = self.tables(request, &mut filter);
        filter.and_location(request.location.as_ref());
        filter.and_sites(backend, "location.site_id", &caller.sites);
        let (site, join, group) = match request.group_by {
            None | Some(ValuationGroup::Total) => ("CAST(NULL AS uuid) AS site_id, CAST(NULL AS varchar) AS site", "", ""),
            Some(ValuationGroup::Site) => (
                "location.site_id, site.path AS site",
                "JOIN location AS site ON site.tenant_id = location.tenant_id AND site.id = location.site_id",
                ", location.site_id, site.path",
            ),
        };
        let sql = format!(
            "SELECT held.item_id, item.sku, item.name, unit.code AS unit, {site}, {}, {} FROM {tables} \
             JOIN item ON item.tenant_id = held.tenant_id AND item.id = held.item_id \
             JOIN unit ON unit.tenant_id = item.tenant_id AND unit.id = item.base_unit_id \
             JOIN location ON location.tenant_id = held.tenant_id AND location.id = held.location_id {join} \
             {} GROUP BY held.item_id, item.sku, item.name, unit.code{group}",
            held_in_parts(self.quantity, "quantity"),
            held_in_parts(self.value, "value"),
            filter.sql()
        );
        let rows = rows::all::<Row>(reader, &sql, filter.into_values()).await?;
        Ok(rows.into_iter().map(line).collect())
    }
}

fn line(row: Row) -> Line {
    Line {
        item_id: row.item_id,
        sku: row.sku,
        name: row.name,
        unit: row.unit,
        site: row.site_id.zip(row.site).map(|(id, path)| Site { id, path }),
        quantity: Total::of_parts(row.quantity_units, row.quantity_millionths),
        value: Total::of_parts(row.value_units, row.value_millionths),
        issued: Total::default(),
    }
}
