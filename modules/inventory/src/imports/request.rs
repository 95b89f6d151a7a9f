//! What every import is asked: how its file is to be read, and what is to be done with it.

use std::collections::BTreeMap;

use kernel::{Fields, Flaw, FromValue, Instant, Text};
use utoipa::IntoParams;
use uuid::Uuid;

use super::columns::{Field, Mapping};
use crate::names::{LocationPath, LocationRef, words};

words!(
    /// What happens to rows that are wrong: the whole file is refused, or they are left out and reported.
    OnError { Refuse = "refuse", Skip = "skip" }
);

/// What every import is asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub dry_run: bool,
    pub location: Option<LocationRef>,
    pub effective_at: Option<Instant>,
    pub on_error: OnError,
    pub repeat: bool,
    pub mapping: Mapping,
}

/// The same as parameters.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the published parameters; a test holds them equal to what is read")]
pub(crate) struct Parameters {
    /// Tries everything and posts nothing.
    dry_run: Option<bool>,
    /// The area that the stock lies in, by its path; for rows without a location of their own.
    location: Option<String>,
    /// Instead of `location`.
    location_id: Option<Uuid>,
    /// When it happened or was counted; now, where nothing is said.
    effective_at: Option<Instant>,
    /// `refuse` where nothing is said.
    #[param(inline)]
    on_error: Option<OnError>,
    /// Takes in the same bytes another time.
    repeat: Option<bool>,
    /// Columns to leave out, separated by commas; `*` for all that have no meaning.
    ignore: Option<String>,
    /// The name of the column with the article number; `sku` where nothing is said. Likewise for the others.
    sku_column: Option<String>,
    /// Likewise for `quantity`.
    quantity_column: Option<String>,
    /// Likewise for `unit`.
    unit_column: Option<String>,
    /// Likewise for `batch_code`.
    batch_code_column: Option<String>,
    /// Likewise for `location`: a path.
    location_column: Option<String>,
}

/// A name of a column, or a list of names.
struct Name(String);
impl FromValue for Name {
    fn from_value(value: &serde_json::Value) -> Result<Self, Flaw> {
        Text::<1, 1000>::from_value(value).map(|text| Self(text.0))
    }
}

impl Asked {
    /// Reads it, with the names of the columns that this import knows.
    pub fn read(fields: &mut Fields<'_>, columns: &[Field]) -> Option<Self> {
        let dry_run = fields.or("dry_run", false);
        let location = fields.one_at_most(&["location_id", "location"], |fields, name| match name {
            "location" => fields.required::<LocationPath>("location").map(|location| LocationRef::Path { location }),
            _ => fields.required("location_id").map(|location_id| LocationRef::Id { location_id }),
        });
        let (effective_at, on_error, repeat) = (fields.optional("effective_at"), fields.or("on_error", OnError::Refuse), fields.or("repeat", false));
        let ignore = fields.optional::<Name>("ignore");
        let mut named = BTreeMap::new();
        for field in columns {
            if let Some(name) = fields.optional::<Name>(field.parameter)? {
                named.insert(field.name, name.0);
            }
        }
        let ignore = ignore?.map(|names| names.0.split(',').map(|name| name.trim().to_owned()).collect()).unwrap_or_default();
        Some(Self {
            dry_run: dry_run?,
            location: location?,
            effective_at: effective_at?,
            on_error: on_error?,
            repeat: repeat?,
            mapping: Mapping { named, ignore },
        })
    }
}

/// The published parameters of an import are those that are read.
#[cfg(test)]
pub fn assert_parameters<T: kernel::FromFields, P: IntoParams>() {
    let mut published: Vec<String> = [Parameters::into_params(|| None), P::into_params(|| None)].concat().into_iter().map(|parameter| parameter.name).collect();
    published.sort_unstable();
    assert_eq!(published, kernel::reading::field_names::<T>());
}
