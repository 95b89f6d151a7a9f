//! Which column of a file means what. A column that nobody has spoken of is refused: taken for something else, or dropped in
//! silence, it would be found out weeks later.

use std::collections::BTreeMap;

use kernel::{Problem, Violation};

use super::table::Table;

/// What a column can mean, with its name where the request gives none.
pub const FIELDS: [&str; 8] = ["sku", "name", "quantity", "unit", "batch_code", "expires_on", "location", "unit_cost"];

/// Where each field stands in a row.
#[derive(Debug)]
pub struct Columns {
    places: BTreeMap<&'static str, usize>,
    names: BTreeMap<&'static str, String>,
}

/// What the request says about columns.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    /// Field → name of its column.
    pub named: BTreeMap<&'static str, String>,
    /// Columns that are meant to be left out; `*` leaves out all that are not named.
    pub ignore: Vec<String>,
}

impl Columns {
    pub fn of(table: &Table, mapping: &Mapping) -> Result<Self, Problem> {
        let mut violations = Vec::new();
        let mut refuse = |code: &'static str, detail: String| violations.push(Violation { pointer: "/lines/1".to_owned(), code: code.into(), detail });
        let (mut places, mut names) = (BTreeMap::new(), BTreeMap::new());
        for field in FIELDS {
            let given = mapping.named.get(field);
            let name = given.map_or(field, String::as_str);
            match table.column(name)? {
                Some(place) => {
                    places.insert(field, place);
                    names.insert(field, name.to_owned());
                }
                None if given.is_some() => refuse("column_missing", format!("there is no column named {name}; the file has {}", table.header.join(", "))),
                None if field == "sku" || field == "quantity" => {
                    refuse("column_missing", format!("no column is named {field}: say which it is with {field}_column"))
                }
                None => {}
            }
        }
        let ignored = |name: &String| mapping.ignore.iter().any(|ignore| ignore == "*" || ignore.to_lowercase() == name.to_lowercase());
        let used = |place: &usize| places.values().any(|used| used == place);
        for (place, name) in table.header.iter().enumerate() {
            if !used(&place) && !ignored(name) {
                refuse("unknown_column", format!("the column {name:?} means nothing here: map it, or leave it out with ignore"));
            }
        }
        if violations.is_empty() { Ok(Self { places, names }) } else { Err(Problem::invalid(violations)) }
    }

    /// The text of a field in a row, without surrounding white space; `None` where there is no such column or nothing in it.
    pub fn get<'a>(&self, row: &'a [String], field: &'static str) -> Option<&'a str> {
        let cell = row.get(*self.places.get(field)?)?.trim();
        if cell.is_empty() { None } else { Some(cell) }
    }

    /// What the file calls a field.
    pub fn name(&self, field: &'static str) -> &str {
        self.names.get(field).map_or(field, String::as_str)
    }
}
