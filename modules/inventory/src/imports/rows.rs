//! From the cells of a file to lines, each with its place in the file for whoever has to mend it.

use chrono::NaiveDate;
use kernel::{FromValue, Violation};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::columns::Columns;
use super::dates::{DateFormat, Misread};
use super::table::Table;
use crate::arithmetic::{Money, Quantity};
use crate::names::Word as _;
use crate::names::{BatchCode, LocationPath, Sku, UnitCode};

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

impl RowReport {
    pub fn new(line: u64, column: Option<&str>, code: &str, detail: impl Into<String>) -> Self {
        Self { line, column: column.map(str::to_owned), code: code.to_owned(), detail: detail.into() }
    }

    pub fn violation(self) -> Violation {
        let pointer = self.column.map_or_else(|| format!("/lines/{}", self.line), |column| format!("/lines/{}/{column}", self.line));
        Violation { pointer, code: self.code.into(), detail: self.detail }
    }
}

/// A row that could be read.
#[derive(Clone, Debug)]
pub struct Row {
    pub line: u64,
    pub sku: Sku,
    pub name: Option<String>,
    pub quantity: Quantity,
    pub unit: Option<UnitCode>,
    pub batch_code: Option<BatchCode>,
    pub expires_on: Option<NaiveDate>,
    pub location: Option<LocationPath>,
    pub unit_cost: Option<Money>,
}

impl Row {
    /// The path that the row gives itself, if it does.
    pub fn place(&self) -> Option<String> {
        self.location.as_ref().map(|path| path.as_str().to_owned())
    }
}

/// Reads every row: what can be posted, what is left out because there is nothing to post, and what is wrong.
#[derive(Debug, Default)]
pub struct Rows {
    pub good: Vec<Row>,
    pub empty: Vec<RowReport>,
    pub wrong: Vec<RowReport>,
}

impl Rows {
    pub fn read(table: &Table, columns: &Columns, date_format: Option<DateFormat>) -> Self {
        let mut rows = Self::default();
        let dates = table.rows.iter().filter_map(|(_, row)| columns.get(row, "expires_on"));
        let format = date_format.map_or_else(|| DateFormat::of_file(dates), Ok);
        for (line, cells) in &table.rows {
            let mut reader = RowReader { line: *line, cells, columns, wrong: &mut rows.wrong };
            match reader.read(format) {
                Some(row) if row.quantity == Quantity::ZERO => {
                    rows.empty.push(RowReport::new(*line, Some(columns.name("quantity")), "zero_quantity", format!("{}: nothing on hand", row.sku)))
                }
                Some(row) => rows.good.push(row),
                None => {}
            }
        }
        rows
    }
}

struct RowReader<'a> {
    line: u64,
    cells: &'a [String],
    columns: &'a Columns,
    wrong: &'a mut Vec<RowReport>,
}

impl RowReader<'_> {
    fn read(&mut self, format: Result<DateFormat, Misread>) -> Option<Row> {
        let sku = self.required("sku", |reader| reader.parse("sku"));
        let quantity = self.required("quantity", Self::quantity);
        let (unit, batch_code, location) = (self.parse("unit"), self.parse("batch_code"), self.parse("location"));
        let name = self.parse::<kernel::Text<1, 200>>("name");
        if self.columns.get(self.cells, "name").is_some_and(|name| name.contains(['\n', '\r'])) {
            self.refuse("name", "line_break", "a name is one line; is there a quote too many?");
        }
        let (unit_cost, expires_on) = (self.unit_cost(), self.date(format));
        Some(Row {
            line: self.line,
            sku: sku?,
            name: name?.map(|text| text.0),
            quantity: quantity?,
            unit: unit?,
            batch_code: batch_code?,
            expires_on: expires_on?,
            location: location?,
            unit_cost: unit_cost?,
        })
    }

    fn refuse(&mut self, field: &'static str, code: &str, detail: impl Into<String>) {
        self.wrong.push(RowReport::new(self.line, Some(self.columns.name(field)), code, detail));
    }

    fn required<T>(&mut self, field: &'static str, read: impl FnOnce(&mut Self) -> Option<Option<T>>) -> Option<T> {
        let value = read(self)?;
        if value.is_none() {
            self.refuse(field, "required", "this cell must not be empty");
        }
        value
    }

    fn parse<T: FromValue>(&mut self, field: &'static str) -> Option<Option<T>> {
        let Some(text) = self.columns.get(self.cells, field) else { return Some(None) };
        match T::from_value(&Value::String(text.to_owned())) {
            Ok(value) => Some(Some(value)),
            Err(flaw) => {
                self.refuse(field, flaw.code, flaw.detail);
                None
            }
        }
    }

    /// A quantity, zero allowed: it is reported and left out.
    fn quantity(&mut self) -> Option<Option<Quantity>> {
        let zero = |text: &str| text.bytes().all(|byte| byte == b'0' || byte == b'.') && text.contains('0');
        if self.columns.get(self.cells, "quantity").is_some_and(zero) {
            return Some(Some(Quantity::ZERO));
        }
        self.parse("quantity")
    }

    fn unit_cost(&mut self) -> Option<Option<Money>> {
        let cost = self.parse::<Money>("unit_cost")?;
        if cost.is_some_and(|cost| cost.0 < 0) {
            self.refuse("unit_cost", "negative", "a cost of zero or more is expected");
            return None;
        }
        Some(cost)
    }

    fn date(&mut self, format: Result<DateFormat, Misread>) -> Option<Option<NaiveDate>> {
        let Some(text) = self.columns.get(self.cells, "expires_on") else { return Some(None) };
        let date = match format {
            Ok(format) => format.parse(text),
            Err(Misread::Ambiguous) => {
                self.refuse("expires_on", "ambiguous_date", format!("{text}: is that the day or the month first? Say so with date_format"));
                return None;
            }
            // No one format reads the whole file: name the cells that none reads at all, or else all of them.
            Err(Misread::NoDate) => None,
        };
        if date.is_none() {
            self.refuse("expires_on", "invalid_date", format!("{text} is not a date in this file's format; the formats are {}", DateFormat::WORDS.join(", ")));
        }
        date.map(Some)
    }
}
