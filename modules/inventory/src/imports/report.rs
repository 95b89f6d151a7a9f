//! What became of a file.

use kernel::{Caller, Outcome, Txn, Violation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::columns::Columns;
use crate::arithmetic::{Money, Quantity};
use crate::catalog::lookup;
use crate::error::Error;
use crate::http::{HideCosts, Recheck, hide, need_site};

/// What became of the file.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// Whether nothing was posted because it was only tried.
    pub dry_run: bool,
    /// How many rows the file has, the header not counted.
    pub rows: usize,
    /// How many of them were posted.
    pub posted: usize,
    /// How many items were made. Only opening stock makes any.
    pub items_created: usize,
    /// What was posted. A dry run shows none.
    pub documents: Vec<ImportedDocument>,
    /// The rows that were left out, and why.
    pub skipped: Vec<RowReport>,
    /// What was counted beside what the ledger says, row by row; of an import of counts only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<CountedRow>>,
}

/// A document that an import made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportedDocument {
    /// Its id.
    pub id: Uuid,
    /// `O-000001`, `R-000001` or `C-000001`.
    pub number: String,
    /// The path of its location.
    pub location: String,
    /// How many lines it has.
    pub lines: usize,
    /// What its rows are called outside of Larder.
    #[serde(default)]
    pub external_ref: Option<String>,
}

/// A row of a count. Quantities are in the item's base unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CountedRow {
    /// The line of the file, counted from one with the header.
    pub line: u64,
    /// The item's article number.
    pub sku: String,
    /// The area's id.
    pub location_id: Uuid,
    /// The area's path.
    pub location: String,
    /// The lot that the row names; null where all lots together were counted.
    pub lot_id: Option<Uuid>,
    /// The item's base unit.
    pub unit: String,
    /// What the ledger says of the moment it was counted.
    pub system: Quantity,
    /// What was counted.
    pub counted: Quantity,
    /// Counted less what the ledger says.
    pub variance: Quantity,
    /// What the variance is worth, in currency, at the rates of its lots. Left out without `see_costs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Money>,
    /// What is missing and is not there any more to be taken: a shortage once it is posted.
    pub short_quantity: Quantity,
    /// Whether a later count of the same stock is posted, so that this one does nothing.
    pub superseded: bool,
}

/// A row that was left out, or that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RowReport {
    /// The line of the file, counted from one with the header.
    pub line: u64,
    /// The column, as the file calls it.
    pub column: Option<String>,
    /// Stable code of what it is.
    pub code: String,
    /// The same for a person.
    pub detail: String,
}

impl HideCosts for ImportReport {
    fn hide_costs(&mut self) {
        for row in self.lines.iter_mut().flatten() {
            hide(&mut [&mut row.value]);
        }
    }
}

/// It tells of its own file, to whom sent it; a count tells of the ledger too, and of its sites only.
impl Recheck for ImportReport {
    fn recheck<'a>(&'a self, caller: &'a Caller, txn: &'a Txn) -> Outcome<'a, (), Error> {
        Box::pin(async move {
            let Some(lines) = self.lines.as_ref().filter(|lines| !lines.is_empty()) else { return Ok(()) };
            let sites = lookup::sites_of(txn, caller.tenant_id, lines.iter().map(|row| row.location_id)).await?;
            sites.values().try_for_each(|(site, _)| need_site(caller, *site))
        })
    }
}

impl RowReport {
    pub fn new(line: u64, column: Option<&str>, code: &str, detail: impl Into<String>) -> Self {
        Self { line, column: column.map(str::to_owned), code: code.to_owned(), detail: detail.into() }
    }

    /// About a field, by the name that the file has for it; about the whole row where the field has no name.
    pub fn about(line: u64, columns: &Columns, field: &str, code: &str, detail: impl Into<String>) -> Self {
        Self::new(line, Some(columns.name(field)).filter(|name| !name.is_empty()), code, detail)
    }

    pub fn violation(self) -> Violation {
        let pointer = self.column.map_or_else(|| format!("/lines/{}", self.line), |column| format!("/lines/{}/{column}", self.line));
        Violation { pointer, code: self.code.into(), detail: self.detail }
    }
}
