//! From the cells of a file to lines, each with its place in the file for whoever has to mend it.

use chrono::NaiveDate;
use kernel::{FromValue, Text};
use serde_json::Value;

use super::columns::Columns;
use super::dates::{DateFormat, Misread};
use super::report::RowReport;
use super::table::Table;
use crate::arithmetic::{AtLeastZero, Money, Quantity};
use crate::names::Word as _;
use crate::names::{BatchCode, LocationPath, Sku, UnitCode};
use crate::receiving::post_receipt::LinePrice;

/// A row that could be read. What its import does not take of a file is not there.
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
    pub price: Option<LinePrice>,
    pub external_ref: Option<String>,
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
        let mut rows = Self { good: Vec::with_capacity(table.rows.len()), ..Self::default() };
        let dates = table.rows.iter().filter_map(|(_, row)| columns.get(row, "expires_on"));
        let format = date_format.map_or_else(|| DateFormat::of_file(dates), Ok);
        for (line, cells) in &table.rows {
            let mut reader = RowReader { line: *line, cells, columns, wrong: &mut rows.wrong };
            let Some(row) = reader.read(format) else { continue };
            match columns.takes().nothing.filter(|_| row.quantity == Quantity::ZERO) {
                Some(nothing) => rows.empty.push(RowReport::about(*line, columns, "quantity", "zero_quantity", format!("{}: {nothing}", row.sku))),
                None => rows.good.push(row),
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
        let (name, external_ref) = (self.parse::<Text<1, 200>>("name"), self.parse::<Text<1, 200>>("external_ref"));
        if self.columns.get(self.cells, "name").is_some_and(|name| name.contains(['\n', '\r'])) {
            self.refuse("name", "line_break", "a name is one line; is there a quote too many?");
        }
        let (price, expires_on) = (self.price(), self.date(format));
        Some(Row {
            line: self.line,
            sku: sku?,
            name: name?.map(|text| text.0),
            quantity: quantity?,
            unit: unit?,
            batch_code: batch_code?,
            expires_on: expires_on?,
            location: location?,
            price: price?,
            external_ref: external_ref?.map(|text| text.0),
        })
    }

    fn refuse(&mut self, field: &'static str, code: &str, detail: impl Into<String>) {
        self.wrong.push(RowReport::about(self.line, self.columns, field, code, detail));
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

    /// A quantity, zero allowed: where it says nothing it is reported and left out.
    fn quantity(&mut self) -> Option<Option<Quantity>> {
        let zero = |text: &str| text.bytes().all(|byte| byte == b'0' || byte == b'.') && text.contains('0');
        if self.columns.takes().nothing.is_none() {
            return self.parse::<AtLeastZero>("quantity").map(|quantity| quantity.map(|quantity| quantity.0));
        }
        if self.columns.get(self.cells, "quantity").is_some_and(zero) {
            return Some(Some(Quantity::ZERO));
        }
        self.parse("quantity")
    }

    /// What a row costs, in whichever way its import lets it say so: exactly one, where one is needed.
    fn price(&mut self) -> Option<Option<LinePrice>> {
        let one_of = self.columns.takes().needs.iter().find(|fields| fields.len() > 1);
        if let Some(one_of) = one_of
            && one_of.iter().filter(|field| self.columns.get(self.cells, field).is_some()).count() != 1
        {
            let names: Vec<&str> = one_of.iter().map(|field| self.columns.name(field)).collect();
            self.refuse("", "exactly_one", format!("exactly one of {} is required", names.join(", ")));
            return None;
        }
        let (cost, unit, total) = (self.amount("unit_cost"), self.amount("unit_price"), self.amount("line_total"));
        let free = self.parse("free");
        let (unit, total, free) = (cost?.or(unit?), total?, free?);
        Some(unit.map(LinePrice::Unit).or(total.map(LinePrice::Total)).or(free.map(LinePrice::Free)))
    }

    fn amount(&mut self, field: &'static str) -> Option<Option<Money>> {
        let amount = self.parse::<Money>(field)?;
        if amount.is_some_and(|amount| amount.0 < 0) {
            self.refuse(field, "negative", "an amount of zero or more is expected");
            return None;
        }
        Some(amount)
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
