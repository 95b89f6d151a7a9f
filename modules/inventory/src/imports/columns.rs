//! Which column of a file means what. A column that nobody has spoken of is refused: taken for something else, or dropped in
//! silence, it would be found out weeks later.

use std::collections::BTreeMap;

use kernel::{Problem, Violation};

use super::table::Table;

/// What a column can mean: its name where the request gives none, and the parameter that gives another.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub parameter: &'static str,
}

/// Fields by their names; the parameter of `sku` is `sku_column`.
macro_rules! fields {
    ($($name:literal),+ $(,)?) => {
        &[$($crate::imports::columns::Field { name: $name, parameter: concat!($name, "_column") }),+]
    };
}
pub(super) use fields;

/// What an import takes of a file.
#[derive(Clone, Copy, Debug)]
pub struct Takes {
    pub fields: &'static [Field],
    /// Of each of these exactly one must be there, in the file and in every row.
    pub needs: &'static [&'static [&'static str]],
    /// What a row of quantity zero says, so that it is left out; `None` where zero is a quantity like any other.
    pub nothing: Option<&'static str>,
}

/// Where each field stands in a row.
#[derive(Debug)]
pub struct Columns {
    takes: Takes,
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
    pub fn of(table: &Table, mapping: &Mapping, takes: Takes) -> Result<Self, Problem> {
        let mut violations = Vec::new();
        let mut refuse = |code: &'static str, detail: String| violations.push(Violation { pointer: "/lines/1".to_owned(), code: code.into(), detail });
        let (mut places, mut names) = (BTreeMap::new(), BTreeMap::new());
        for field in takes.fields.iter().map(|field| field.name) {
            let given = mapping.named.get(field);
            let name = given.map_or(field, String::as_str);
            match table.column(name)? {
                Some(place) => {
                    places.insert(field, place);
                    names.insert(field, name.to_owned());
                }
                None if given.is_some() => refuse("column_missing", format!("there is no column named {name}; the file has {}", table.header.join(", "))),
                None => {}
            }
        }
        for one_of in takes.needs {
            if !one_of.iter().any(|field| places.contains_key(field) || mapping.named.contains_key(field)) {
                let parameters: Vec<String> = one_of.iter().map(|field| format!("{field}_column")).collect();
                refuse("column_missing", format!("no column is named {}: say which it is with {}", one_of.join(" or "), parameters.join(" or ")));
            }
        }
        let ignored = |name: &String| mapping.ignore.iter().any(|ignore| ignore == "*" || ignore.to_lowercase() == name.to_lowercase());
        let used = |place: &usize| places.values().any(|used| used == place);
        for (place, name) in table.header.iter().enumerate() {
            if !used(&place) && !ignored(name) {
                refuse("unknown_column", format!("the column {name:?} means nothing here: map it, or leave it out with ignore"));
            }
        }
        if violations.is_empty() { Ok(Self { takes, places, names }) } else { Err(Problem::invalid(violations)) }
    }

    pub fn takes(&self) -> Takes {
        self.takes
    }

    /// The text of a field in a row, without surrounding white space; `None` where there is no such column or nothing in it.
    pub fn get<'a>(&self, row: &'a [String], field: &str) -> Option<&'a str> {
        let cell = row.get(*self.places.get(field)?)?.trim();
        if cell.is_empty() { None } else { Some(cell) }
    }

    /// What the file calls a field.
    pub fn name<'a>(&'a self, field: &'a str) -> &'a str {
        self.names.get(field).map_or(field, String::as_str)
    }
}
